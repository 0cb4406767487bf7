/*
 * Patient/<id>/$everything and Encounter/<id>/$everything. R4
 * patient-operation-everything.html, encounter-operation-everything.html
 */

#include "api/fhir.h"

#include "api/operation.h"
#include "base/buf.h"
#include "fhir/bundle.h"
#include "fhir/everything.h"
#include "fhir/scope.h"

/* What is asked, with the room that it borrows. */
struct question {
	const struct call	*call;
	struct parameters	 given;
	bool			*readable, *wanted;
	struct everything	 asked;
};

/* --- parameters ----------------------------------------------------------- */

static bool *
new_types(struct ctx *ctx)
{
	return arena_zero(ctx->arena, (r4_types_count + 1) * sizeof(bool));
}

/* One type of _type: known, and the token may read it. */
static enum err
want_type(struct ctx *ctx, struct question *q, struct str name)
{
	const struct r4_type *type = r4_type_named(name);

	if (type == NULL)
		return fail_at(ctx, ERR_INVALID_PARAMETER, STR("_type"),
		    "FHIR R4 has no resource type \"%.*s\"", STR_ARGS(name));
	if (!q->readable[type->number])
		return fail_at(ctx, ERR_SCOPE, STR("_type"), "to read %s the "
		    "token needs the scope %.*s", type->name,
		    STR_ARGS(scope_needed(type, SCOPE_R)));
	q->wanted[type->number] = true;
	return OK;
}

/* Without _type all that may be read. */
static enum err
take_types(struct ctx *ctx, struct question *q)
{
	bool some = false;
	enum err err;

	q->readable = new_types(ctx);
	q->wanted = new_types(ctx);
	for (size_t i = 0; i < r4_types_count; i++)
		q->readable[r4_types[i].number] = scope_allows(ctx->who.scope,
		    &r4_types[i], SCOPE_R);
	for (size_t i = 0; i < q->given.n; i++) {
		struct str names = q->given.v[i].text;

		if (strcmp(q->given.v[i].kind->name, "_type") != 0)
			continue;
		some = true;
		while (names.p != NULL)
			if ((err = want_type(ctx, q, str_trim(str_cut(&names,
			    ',')))) != OK)
				return err;
	}
	q->asked.readable = q->readable;
	q->asked.wanted = some ? q->wanted : q->readable;
	return OK;
}

/* The span of a date that was given; *out is untouched without one. */
static enum err
take_when(struct ctx *ctx, const struct question *q, const char *name,
    struct when *out)
{
	struct str text = parameters_text(&q->given, name);

	if (text.p == NULL || when_parse(text, WHEN_SEARCH, out))
		return OK;
	return fail_at(ctx, ERR_INVALID_PARAMETER, str_of(name), "%s must be "
	    "a date or a time; the '+' of an offset is sent as %%2B", name);
}

static enum err
take_asked(struct ctx *ctx, struct question *q)
{
	struct when start = { .lo_us = WHEN_MIN }, end = { .hi_us = WHEN_MAX };
	struct when since = { .lo_us = WHEN_MIN };
	uint64_t count = EVERYTHING_COUNT_MAX;
	enum err err;

	if ((err = operation_input(ctx, q->call, &q->given)) != OK ||
	    (err = take_types(ctx, q)) != OK ||
	    (err = take_when(ctx, q, "start", &start)) != OK ||
	    (err = take_when(ctx, q, "end", &end)) != OK ||
	    (err = take_when(ctx, q, "_since", &since)) != OK ||
	    (err = parameters_number(ctx, &q->given, "_count", INT32_MAX,
	    &count)) != OK)
		return err;
	if (count == 0)
		return fail_at(ctx, ERR_INVALID_PARAMETER, STR("_count"),
		    "_count must be a number from 1");
	q->asked.owner = q->call->type;
	q->asked.id = q->call->id;
	q->asked.since_us = since.lo_us;
	q->asked.start_us = start.lo_us;
	q->asked.end_us = end.hi_us;
	q->asked.count = count > EVERYTHING_COUNT_MAX ? EVERYTHING_COUNT_MAX :
	    (int)count;
	q->asked.cursor = parameters_text(&q->given, "_cursor");
	return OK;
}

/* --- links ---------------------------------------------------------------- */

static void
add_pair(struct buf *b, const char *name, struct str value)
{
	buf_addf(b, "%s%s=", b->n > 0 ? "&" : "", name);
	buf_add_percent(b, value);
}

/* The parameters as they were given, in a query or a body, but those left out
 * (blanks around each). */
static struct buf
query_without(struct ctx *ctx, const struct question *q, const char *left_out)
{
	struct buf b = buf_new(ctx->arena, 128);

	for (size_t i = 0; i < q->given.n; i++) {
		const char *name = q->given.v[i].kind->name;
		struct str word = arena_printf(ctx->arena, " %s ", name);

		if (strstr(left_out, arena_z(ctx->arena, word)) == NULL)
			add_pair(&b, name, q->given.v[i].text);
	}
	return b;
}

static void
add_links(struct ctx *ctx, const struct question *q,
    struct everything_page *page)
{
	struct buf self = query_without(ctx, q, "");
	struct buf next = query_without(ctx, q, " _cursor ");
	struct buf current = query_without(ctx, q, " _cursor _since ");
	char when[WHEN_INSTANT_CHARS + 1];

	page->found.self = fhir_link(ctx, q->call, buf_str(&self));
	if (page->cursor.n > 0) {
		add_pair(&next, "_cursor", page->cursor);
		page->found.next = fhir_link(ctx, q->call, buf_str(&next));
	}
	when_format(page->safe_us, when);
	add_pair(&current, "_since", str_of(when));
	page->found.current = fhir_link(ctx, q->call, buf_str(&current));
}

/* --- the handler ---------------------------------------------------------- */

/* An answer that is not everything says so. */
static void
tell_rights(struct ctx *ctx, const struct question *q)
{
	size_t hidden = 0;

	for (size_t i = 0; i < r4_types_count; i++)
		hidden += !q->readable[r4_types[i].number] &&
		    scope_needed(&r4_types[i], SCOPE_R).n > 0 &&
		    !str_eqz(scope_needed(&r4_types[i], SCOPE_R),
		    "system:admin");
	if (hidden > 0 && q->asked.wanted == q->readable &&
	    q->asked.cursor.n == 0)
		fault_warn_as(ctx, "suppressed", STR_NONE, "records of %zu "
		    "types are left out, which the token may not read",
		    hidden);
}

enum err
fhir_everything(struct ctx *ctx, const struct call *call,
    struct http_answer *answer)
{
	struct question q = { .call = call };
	struct everything_page page;
	struct buf use;
	enum err err;

	if ((err = fhir_check_id(ctx, call->id)) != OK ||
	    (err = take_asked(ctx, &q)) != OK)
		return err;
	use = query_without(ctx, &q, " _cursor _count ");
	q.asked.use = arena_printf(ctx->arena, "everything %d %s/%.*s %.*s",
	    ctx->who.tn, call->type->name, STR_ARGS(call->id),
	    STR_ARGS(buf_str(&use)));
	if ((err = everything_read(ctx, &q.asked, &page)) != OK)
		return err;
	tell_rights(ctx, &q);
	add_links(ctx, &q, &page);
	answer_private(answer);
	answer->content_type = call->media;
	bundle_searchset(ctx, &page.found, answer_fhir_base(ctx),
	    arena_printf(ctx->arena, "%s/%.*s/$everything", call->type->name,
	    STR_ARGS(call->id)), answer);
	return OK;
}
