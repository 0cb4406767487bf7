/* The one path that every request takes. */

#include "api/request.h"

#include <time.h>

#include "api/authorize.h"
#include "base/code.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/when.h"
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
check_schema(struct ctx *ctx, struct request_world *world)
{
	enum err err;

	if (world->schema_known)
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
find_type(struct ctx *ctx, const struct route_match *m, struct call *call)
{
	if (m->type.n == 0)
		return OK;
	call->type = r4_type_named(m->type);
	if (call->type == NULL)
		return fail(ctx, ERR_NOT_FOUND, "FHIR R4 has no resource type "
		    "\"%.*s\"", STR_ARGS(m->type));
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

/* The parameters without _format, which must be one that we speak. */
static enum err
take_params(struct ctx *ctx, struct call *call, struct str *format)
{
	struct http_params all = call->req->params;

	if (all.v == NULL && call->req->query.n == 0)
		return OK;
	if (all.v == NULL)
		return fail(ctx, ERR_INVALID_REQUEST, "the query is not valid: "
		    "percent-encoded UTF-8 without NUL and at most %d "
		    "parameters are allowed", HTTP_PARAMS_MAX);
	call->params.v = arena_array(ctx->arena, all.n, sizeof(*all.v));
	for (size_t i = 0; i < all.n; i++) {
		if (call->route->face == FACE_FHIR &&
		    str_eqz(all.v[i].name, "_format"))
			*format = all.v[i].value;
		else
			call->params.v[call->params.n++] = all.v[i];
	}
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

	if (call->route->face != FACE_FHIR)
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

static enum err
take_body(struct ctx *ctx, struct call *call)
{
	const struct http_req *req = call->req;
	struct jdoc *d;
	size_t room;

	if (req->body_too_large)
		return fail(ctx, ERR_TOO_LARGE, "the body is too large");
	if (call->route->body != BODY_JSON)
		return OK;
	if (!field_is_json(req->content_type))
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

/* All steps of a request whose route is known. */
static enum err
run(struct ctx *ctx, struct call *call, const struct route_match *m,
    struct http_answer *answer)
{
	struct str format = STR_NONE;
	enum err err;

	call->id = m->id;
	if ((err = find_type(ctx, m, call)) != OK ||
	    (err = find_version(ctx, m, call)) != OK ||
	    (err = authorize_route(ctx, call->route, call->type)) != OK ||
	    (err = take_params(ctx, call, &format)) != OK ||
	    (err = choose_media(ctx, call, format)) != OK ||
	    (err = check_params(ctx, call)) != OK ||
	    (err = take_body(ctx, call)) != OK)
		return err;
	answer->status = 200;
	if ((err = call->route->handler(ctx, call, answer)) == OK)
		tell_preferences(ctx, call, answer);
	return err;
}

/* --- end ------------------------------------------------------------------ */

static void
answer_error(struct ctx *ctx, const struct call *call, enum err err,
    const struct route_match *m, struct http_answer *answer)
{
	struct str need = STR("");

	if (err == ERR_SCOPE && call->type != NULL)
		need = scope_needed(call->type, call->route->verbs);
	answer_fault(ctx, route_face(call->req->path), err, need, answer);
	if (err == ERR_METHOD)
		http_field(answer, "Allow", route_allow(ctx->arena,
		    m->allowed));
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

void
request_handle(void *arg, struct arena *arena, const struct http_req *sent,
    struct http_answer *answer)
{
	struct request_world *world = arg;
	struct http_req req = *sent;
	int64_t began_us = clock_us();
	struct ctx ctx = {
		.arena = arena, .pg = world->pg, .conf = world->conf,
		.request_id = request_id(arena, sent), .now_us = when_now(),
	};
	struct call call = { .req = &req };
	struct route_match m;
	enum err err;

	authorize_who(&ctx, &req);
	route_find(req.method, req.path, &m);
	call.route = m.route;
	call.prefer = field_prefer(req.var(&req, "HTTP_PREFER"));
	/* An invalid query has no parameters: take_params() says so. */
	(void)http_params_parse(arena, req.query, true, &req.params);
	err = check_address(&ctx, &req, &m, answer);
	if (err == OK && call.route != NULL)
		err = check_schema(&ctx, world);
	if (err == OK && call.route != NULL)
		err = run(&ctx, &call, &m, answer);
	if (err != OK)
		answer_error(&ctx, &call, err, &m, answer);
	log_request(&ctx, &call, err, answer, began_us);
	if (req.body.n + answer->body_bytes > KEPT_BUFFERS_BYTES)
		pg_shed(world->pg);
}
