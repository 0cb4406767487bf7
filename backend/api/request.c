/* The one path that every request takes. */

#include "api/request.h"

#include <time.h>

#include "api/authorize.h"
#include "api/fhir_bulk.h"
#include "api/operation.h"
#include "api/pretty.h"
#include "base/buf.h"
#include "base/code.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/when.h"
#include "fhir/patch.h"
#include "fhir/scope.h"
#include "wire/migrate.h"
#include "wire/pg.h"

/*
 * A value of a body of 32 MiB needs 16 bytes here. Real bundles have a value in
 * every 15 bytes; "1,1,1,..." would have one in two, and take 256 MiB.
 */
#define BODY_VALUES_MAX		((size_t)4 * 1024 * 1024)
#define BODY_DEPTH_MAX		64

/* After more than this the database connection is made anew (some ms): a worker
 * is small again after a large request. Most bundles are far smaller. */
#define KEPT_BUFFERS_BYTES	((size_t)4 * 1024 * 1024)

#define REQUEST_ID_PREFIX	"req_"

/* RFC 5789 3.1 */
#define ACCEPT_PATCH		MEDIA_JSON_PATCH ", " MEDIA_FHIR

/* --- begin ---------------------------------------------------------------- */

/* As the edge makes them; whatever else is given reaches no log and no row. */
static bool
is_request_id(struct str id)
{
	if (id.n != sizeof(REQUEST_ID_PREFIX) - 1 + BASE32_ID_CHARS ||
	    !str_starts(id, STR(REQUEST_ID_PREFIX)))
		return false;
	for (size_t i = sizeof(REQUEST_ID_PREFIX) - 1; i < id.n; i++)
		if (!(id.p[i] >= 'a' && id.p[i] <= 'z') &&
		    !(id.p[i] >= '0' && id.p[i] <= '9'))
			return false;
	return true;
}

static struct str
request_id(struct arena *arena, const struct http_req *req)
{
	struct str given = req->var(req, "EDGE_REQUEST_ID");
	char id[BASE32_ID_CHARS];
	unsigned char bytes[16];

	if (is_request_id(given))
		return given;
	random_bytes(bytes, sizeof(bytes));
	base32_id(bytes, id);
	return arena_printf(arena, REQUEST_ID_PREFIX "%.*s", BASE32_ID_CHARS,
	    id);
}

static int64_t
clock_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * US_PER_SECOND + ts.tv_nsec / 1000;
}

/* --- the steps ------------------------------------------------------------ */

static enum err
check_address(struct ctx *ctx, const struct http_req *req,
    const struct route_match *m, struct http_answer *answer)
{
	/* What the path says is repeated in answers, which are JSON. */
	if (!utf8_valid(req->path))
		return fail(ctx, ERR_INVALID_REQUEST, "the path is not "
		    "percent-encoded UTF-8");
	if (m->allowed == 0)
		return fail(ctx, ERR_NOT_FOUND, "there is nothing at this "
		    "address");
	if (m->route != NULL)
		return OK;
	if (req->method == HTTP_OPTIONS) {
		answer->status = 204;
		http_field(answer, "Allow", route_allow(ctx->arena,
		    m->allowed));
		if (m->allowed & 1U << HTTP_PATCH)
			http_field(answer, "Accept-Patch", STR(ACCEPT_PATCH));
		return OK;
	}
	return fail(ctx, ERR_METHOD, "this address allows %.*s",
	    STR_ARGS(route_allow(ctx->arena, m->allowed)));
}

/*
 * A worker serves only the schema that it knows; it looks once, as soon as the
 * database is there.
 */
static enum err
check_schema(struct ctx *ctx, struct request_world *world,
    const struct route *route)
{
	enum err err;

	if (world->schema_known || route->who == ALWAYS)
		return OK;
	err = migrate_check(ctx);
	world->schema_known = err == OK;
	if (err != ERR_CONFLICT)
		return err;
	log_line(LOG_LEVEL_ERROR, "schema_unknown", "advice=%s",
	    "\"run twocare migrate, or the program that fits\"");
	fault_clear(ctx);
	return fail(ctx, ERR_UNAVAILABLE, "the service is being upgraded");
}

static enum err
type_named(struct ctx *ctx, struct str name, const struct r4_type **out)
{
	if (name.n == 0)
		return OK;
	*out = r4_type_named(name);
	if (*out == NULL)
		return fail(ctx, ERR_NOT_FOUND, "FHIR R4 has no resource type "
		    "\"%.*s\"", STR_ARGS(name));
	return OK;
}

static enum err
find_type(struct ctx *ctx, const struct route_match *m, struct call *call)
{
	enum err err;

	if ((err = type_named(ctx, m->owner, &call->owner)) != OK ||
	    (err = type_named(ctx, m->type, &call->type)) != OK)
		return err;
	if (call->type != NULL)
		ctx->subject = str_of(call->type->name);
	return OK;
}

static enum err
find_version(struct ctx *ctx, const struct route_match *m, struct call *call)
{
	uint64_t vid;

	if (m->vid.n == 0)
		return OK;
	if (!str_u64(m->vid, INT32_MAX, &vid) || vid == 0)
		return fail(ctx, ERR_NOT_FOUND, "versions are numbers from 1");
	call->vid = (int32_t)vid;
	return OK;
}

/* R4 http.html#parameters; *format is untouched when it is another one. */
static bool
take_form(struct call *call, const struct http_param *param, struct buf *form,
    struct str *format)
{
	if (call->route->face != FACE_FHIR)
		return false;
	if (str_eqz(param->name, "_format"))
		*format = param->value;
	else if (str_eqz(param->name, "_pretty"))
		call->pretty = str_eqz(param->value, "true");
	else
		return false;
	if (form->n > 0)
		buf_addc(form, '&');
	buf_add(form, param->name);
	buf_addc(form, '=');
	buf_add_percent(form, param->value);
	return true;
}

/* The parameters without those that say how the answer is written. */
static enum err
take_params(struct ctx *ctx, struct call *call, struct str *format)
{
	struct http_params all = call->req->params;
	struct buf form = buf_new(ctx->arena, 0);

	if (all.v == NULL && call->req->query.n == 0)
		return OK;
	if (all.v == NULL)
		return fail(ctx, ERR_INVALID_REQUEST, "the query is not valid: "
		    "percent-encoded UTF-8 without NUL and at most %d "
		    "parameters are allowed", HTTP_PARAMS_MAX);
	call->params.v = arena_array(ctx->arena, all.n, sizeof(*all.v));
	for (size_t i = 0; i < all.n; i++)
		if (!take_form(call, &all.v[i], &form, format))
			call->params.v[call->params.n++] = all.v[i];
	call->form = buf_str(&form);
	return OK;
}

static enum err
check_params(struct ctx *ctx, const struct call *call)
{
	for (size_t i = 0; i < call->params.n; i++) {
		struct str name = call->params.v[i].name;

		if (!route_takes(call->route, name) &&
		    call->prefer.handling != HANDLING_LENIENT)
			return fail_at(ctx, ERR_INVALID_REQUEST, name,
			    "unknown parameter \"%.*s\"", STR_ARGS(name));
	}
	return OK;
}

/* _format wins over Accept. R4 http.html#mime-type */
static enum err
choose_media(struct ctx *ctx, struct call *call, struct str format)
{
	const struct http_req *req = call->req;
	struct str accept = req->var(req, "HTTP_ACCEPT");

	/* What nginx sends is what it is; an error is told as ever. */
	if (call->route->handler == fhir_bulk_file)
		call->media = MEDIA_FHIR;
	else if (call->route->face != FACE_FHIR)
		call->media = field_accept(accept, MEDIA_JSON) != NULL ?
		    MEDIA_JSON : NULL;
	else if (format.n > 0)
		call->media = field_format(format);
	else
		call->media = field_accept(accept, MEDIA_FHIR);
	if (call->media == NULL)
		return fail(ctx, ERR_NOT_ACCEPTABLE, "answers are %s",
		    call->route->face == FACE_FHIR ?
		    MEDIA_FHIR " or " MEDIA_JSON : MEDIA_JSON);
	return OK;
}

static enum err
fail_json(struct ctx *ctx, const struct jdoc *d)
{
	unsigned line, column;

	if (d->error == JDOC_ROOM || d->error == JDOC_LARGE)
		return fail(ctx, ERR_TOO_LARGE, "the body has too many values "
		    "(at most %zu)", BODY_VALUES_MAX);
	jdoc_place(d->text, d->error_off, &line, &column);
	return fail(ctx, ERR_INVALID_REQUEST, "the body is not valid JSON, "
	    "line %u, column %u: %s", line, column, jdoc_strerror(d->error));
}

static bool
takes_json(const struct route *route)
{
	return route->body == BODY_JSON || route->body == BODY_PATCH;
}

static enum err
take_body(struct ctx *ctx, struct call *call)
{
	const struct http_req *req = call->req;
	struct jdoc *d;
	size_t room;

	if (req->body_too_large)
		return fail(ctx, ERR_TOO_LARGE, "the body is too large");
	if (!takes_json(call->route) || call->doc != NULL)
		return OK;
	if (call->route->body == BODY_PATCH &&
	    !field_is_json(req->content_type) &&
	    !field_is(req->content_type, MEDIA_JSON_PATCH))
		return fail(ctx, ERR_MEDIA_TYPE, "send Content-Type: %s, in "
		    "UTF-8, for a JSON Patch, or %s for a FHIRPath Patch",
		    MEDIA_JSON_PATCH, MEDIA_FHIR);
	if (call->route->body == BODY_JSON &&
	    !field_is_json(req->content_type))
		return fail(ctx, ERR_MEDIA_TYPE, "send Content-Type: %s, in "
		    "UTF-8", MEDIA_FHIR);
	if (req->body.n == 0)
		return fail(ctx, ERR_MISSING_PARAMETER, "a body is missing");
	room = jdoc_bound(req->body);
	if (room > BODY_VALUES_MAX)
		room = BODY_VALUES_MAX;
	d = arena_zero(ctx->arena, sizeof(*d));
	if (jdoc_parse(d, req->body, arena_alloc(ctx->arena,
	    room * sizeof(struct jnode)), room, BODY_DEPTH_MAX) != JDOC_OK)
		return fail_json(ctx, d);
	call->doc = d;
	return OK;
}

/* All steps of a request whose route is known, before its handler's. */
static enum err
prepare(struct ctx *ctx, struct call *call, const struct route_match *m)
{
	struct str format = STR_NONE;
	enum err err;

	call->id = m->id;
	if ((err = find_type(ctx, m, call)) != OK ||
	    (err = find_version(ctx, m, call)) != OK ||
	    (err = operation_check(ctx, call)) != OK ||
	    (err = authorize_route(ctx, call->route, call->type)) != OK ||
	    (err = take_params(ctx, call, &format)) != OK ||
	    (err = choose_media(ctx, call, format)) != OK ||
	    (err = check_params(ctx, call)) != OK ||
	    (err = take_body(ctx, call)) != OK)
		return err;
	return call->route->ask == NULL ? OK : call->route->ask(ctx, call);
}

/* --- end ------------------------------------------------------------------ */

static void
answer_error(struct ctx *ctx, const struct call *call, enum err err,
    const struct route_match *m, struct http_answer *answer)
{
	struct str need = STR("");

	/* A search may want the rights of other types, too. */
	if (err == ERR_SCOPE && call->type != NULL &&
	    !scope_allows(ctx->who.scope, call->type, call->route->verbs))
		need = authorize_needed(ctx, call->route,
		    call->type);
	answer_fault(ctx, route_face(call->req->path), err, need, answer);
	if (err == ERR_METHOD)
		http_field(answer, "Allow", route_allow(ctx->arena,
		    m->allowed));
	if (err == ERR_MEDIA_TYPE && call->route->body == BODY_PATCH)
		http_field(answer, "Accept-Patch", STR(ACCEPT_PATCH));
}

/* No ids of records and no query: they are about patients. */
static void
log_request(const struct ctx *ctx, const struct call *call, enum err err,
    const struct http_answer *answer, int64_t began_us)
{
	const struct fault_kind *kind = fault_kind(err);

	log_line((enum log_level)kind->log, "request",
	    "request_id=%s method=%s route=%s status=%d us=%lld in=%zu "
	    "out=%zu client=%s tn=%d code=%s", log_word(ctx->request_id),
	    http_method_name(call->req->method),
	    call->route != NULL ? call->route->path : "-", answer->status,
	    (long long)(clock_us() - began_us), call->req->body.n,
	    answer->body_bytes, log_word(ctx->who.client), ctx->who.tn,
	    kind->code);
}

static void
tell_preferences(const struct ctx *ctx, const struct call *call,
    struct http_answer *answer)
{
	bool writes = (call->route->verbs & (SCOPE_C | SCOPE_U | SCOPE_D)) ||
	    call->route->body == BODY_JSON;
	bool shows = answer->content_type != NULL ||
	    call->prefer.ret == PREFER_MINIMAL;
	struct str applied = field_applied(ctx->arena, &call->prefer,
	    writes && shows);

	if (call->route->face == FACE_FHIR && applied.n > 0)
		http_field(answer, "Preference-Applied", applied);
}

static enum err
handle(struct ctx *ctx, const struct call *call, struct http_answer *answer)
{
	enum err err;

	answer->status = 200;
	if ((err = call->route->handler(ctx, call, answer)) == OK)
		tell_preferences(ctx, call, answer);
	return err;
}

/* --- an entry of a Bundle ------------------------------------------------- */

static enum err
check_part(struct ctx *ctx, const struct call *whole, const struct call *part)
{
	if (part->route == NULL)
		return OK;
	if (part->route == whole->route)
		return fail(ctx, ERR_NOT_SUPPORTED, "a Bundle within a Bundle "
		    "is not run");
	if (part->doc != NULL && !takes_json(part->route))
		return fail(ctx, ERR_INVALID_REQUEST, "a %s of this address "
		    "must not have a resource",
		    http_method_name(part->req->method));
	return OK;
}

enum err
request_part(struct ctx *ctx, const struct call *whole,
    const struct http_req *req, const struct jdoc *doc, uint32_t node,
    struct http_answer *answer)
{
	struct call call = { .req = req, .prefer = whole->prefer,
	    .doc = doc, .node = node };
	struct fault before = ctx->fault;
	struct str subject = ctx->subject;
	struct route_match m;
	enum err err;

	fault_clear(ctx);
	route_find(req->method, req->path, &m);
	call.route = m.route;
	if ((err = check_address(ctx, req, &m, answer)) == OK)
		err = check_part(ctx, whole, &call);
	if (err == OK && call.route != NULL &&
	    (err = prepare(ctx, &call, &m)) == OK)
		err = handle(ctx, &call, answer);
	if (err != OK)
		answer_error(ctx, &call, err, &m, answer);
	ctx->fault = before;
	ctx->subject = subject;
	if (before.last != NULL)
		before.last->next = NULL;
	return err;
}

/* --- the three steps of a worker ------------------------------------------ */

/* A request on its way, from the first step to the last. */
struct request {
	struct ctx		 ctx;
	struct call		 call;
	struct route_match	 match;
	enum err		 err;
	int64_t			 began_us;
};

static void
count_request(const struct request *r, const struct http_answer *answer)
{
	size_t row = r->call.route == NULL ? METRICS_ROUTES - 1 :
	    (size_t)(r->call.route - routes);

	metrics_request(row, answer->status, clock_us() - r->began_us);
}

static struct request *
request_new(struct request_world *world, struct http_exchange *x)
{
	struct request *r = arena_zero(x->arena, sizeof(*r));

	r->began_us = clock_us();
	r->ctx = (struct ctx){
		.arena = x->arena, .pg = world->pg, .conf = world->conf,
		.request_id = request_id(x->arena, &x->req),
		.subject = STR("Resource"),
		.now_us = when_now(),
	};
	r->call.req = &x->req;
	x->own = r;
	return r;
}

/* Whatever is refused here or asked ahead has its answer at once. */
static bool
request_ask(void *arg, struct http_exchange *x)
{
	struct request_world *world = arg;
	struct request *r = request_new(world, x);
	struct http_req *req = &x->req;

	metrics_busy(++world->in_hand);
	authorize_who(&r->ctx, req);
	route_find(req->method, req->path, &r->match);
	r->call.route = r->match.route;
	r->call.prefer = field_prefer(req->var(req, "HTTP_PREFER"));
	/* An invalid query has no parameters: take_params() says so. */
	(void)http_params_parse(x->arena, req->query, true, &req->params);
	r->err = check_address(&r->ctx, req, &r->match, &x->answer);
	if (r->err == OK && r->call.route != NULL)
		r->err = check_schema(&r->ctx, world, r->call.route);
	if (r->err == OK && r->call.route != NULL)
		r->err = prepare(&r->ctx, &r->call, &r->match);
	return r->err != OK || r->call.route == NULL ||
	    r->call.route->ask != NULL;
}

static void
request_answer(void *world, struct http_exchange *x)
{
	struct request *r = x->own;

	(void)world;
	if (r->err == OK && r->call.route != NULL)
		r->err = handle(&r->ctx, &r->call, &x->answer);
	if (r->err != OK)
		answer_error(&r->ctx, &r->call, r->err, &r->match, &x->answer);
	if (r->call.pretty)
		pretty_answer(&x->answer);
}

static void
request_sent(void *arg, struct http_exchange *x)
{
	struct request_world *world = arg;
	struct request *r = x->own;

	count_request(r, &x->answer);
	metrics_busy(--world->in_hand);
	log_request(&r->ctx, &r->call, r->err, &x->answer, r->began_us);
	if (x->req.body.n + x->answer.body_bytes > KEPT_BUFFERS_BYTES)
		pg_shed(world->pg);
}

const struct fcgi_handler request_handler = {
	.ask	= request_ask,
	.answer	= request_answer,
	.sent	= request_sent,
};
