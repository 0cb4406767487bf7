/*
 * The handlers of histories, of a record, a type and all types. Each says by
 * which link to ask for what comes after it (fhir/history.h). R4
 * http.html#history
 */

#include "api/fhir.h"

#include "base/buf.h"
#include "base/when.h"
#include "fhir/bundle.h"
#include "fhir/scope.h"
#include "fhir/subset.h"

/* --- parameters ----------------------------------------------------------- */

/* A whole number from 1 in a parameter; *out is untouched when it is absent. */
static enum err
take_number(struct ctx *ctx, const struct call *call, const char *name,
    uint64_t max, int *out)
{
	struct str value = http_param(&call->params, str_of(name));
	uint64_t n;

	if (value.p == NULL)
		return OK;
	if (!str_u64(value, max, &n) || n == 0)
		return fail_at(ctx, ERR_INVALID_PARAMETER, str_of(name),
		    "%s must be a number from 1 to %llu", name,
		    (unsigned long long)max);
	*out = (int)n;
	return OK;
}

static enum err
parse_when(struct ctx *ctx, const char *name, struct str value,
    struct when *out)
{
	if (when_parse(value, WHEN_SEARCH, out))
		return OK;
	return fail_at(ctx, ERR_INVALID_PARAMETER, str_of(name), "%s must be "
	    "a time, such as 2026-01-15T10:30:00Z; the '+' of an offset is "
	    "sent as %%2B", name);
}

static enum err
take_since(struct ctx *ctx, const struct call *call, struct history *asked)
{
	struct str value = http_param(&call->params, STR("_since"));
	struct when when;
	enum err err;

	if (value.p == NULL)
		return OK;
	if ((err = parse_when(ctx, "_since", value, &when)) == OK)
		asked->since_us = when.lo_us;
	return err;
}

/* Which times a date with that prefix means; false for other prefixes. */
static bool
apply_prefix(struct str prefix, const struct when *when, struct history *asked)
{
	bool after = str_eqz(prefix, "gt") || str_eqz(prefix, "sa");
	bool before = str_eqz(prefix, "lt") || str_eqz(prefix, "eb");

	asked->at_lo_us = after ? when->hi_us :
	    before || str_eqz(prefix, "le") ? WHEN_MIN : when->lo_us;
	asked->at_hi_us = before ? when->lo_us :
	    after || str_eqz(prefix, "ge") ? WHEN_MAX : when->hi_us;
	return after || before || prefix.n == 0 || str_eqz(prefix, "eq") ||
	    str_eqz(prefix, "ge") || str_eqz(prefix, "le");
}

/* Versions that were current at some time of what the date means. R4
 * http.html#history, search.html#date */
static enum err
take_at(struct ctx *ctx, const struct call *call, struct history *asked)
{
	struct str value = http_param(&call->params, STR("_at"));
	struct str prefix = { value.p, 0 };
	struct when when;
	enum err err;

	if (value.p == NULL)
		return OK;
	if (value.n > 2 && value.p[0] >= 'a' && value.p[0] <= 'z') {
		prefix.n = 2;
		value = str_from(value, 2);
	}
	if ((err = parse_when(ctx, "_at", value, &when)) != OK)
		return err;
	if (!apply_prefix(prefix, &when, asked))
		return fail_at(ctx, ERR_INVALID_PARAMETER, STR("_at"), "_at "
		    "takes the prefixes eq ge gt le lt sa eb");
	return OK;
}

/* What R4 or R5 know and we do not do. */
static enum err
refuse_others(struct ctx *ctx, const struct call *call)
{
	struct str sort = http_param(&call->params, STR("_sort"));

	if (http_param(&call->params, STR("_list")).p != NULL)
		return fail_at(ctx, ERR_NOT_SUPPORTED, STR("_list"), "_list "
		    "is not supported of histories");
	if (sort.p != NULL && !str_eqz(sort, "-_lastUpdated"))
		return fail_at(ctx, ERR_NOT_SUPPORTED, STR("_sort"),
		    "histories are sorted by -_lastUpdated, newest first");
	return OK;
}

static enum err
take_asked(struct ctx *ctx, const struct call *call, struct history *asked)
{
	enum err err;

	*asked = (struct history){ .type = call->type, .id = call->id,
	    .since_us = WHEN_MIN, .at_lo_us = WHEN_MIN, .at_hi_us = WHEN_MAX,
	    .count = SEARCH_COUNT_DEFAULT };
	asked->cursor = http_param(&call->params, STR("_cursor"));
	if ((err = refuse_others(ctx, call)) != OK ||
	    (err = take_number(ctx, call, "_count", SEARCH_COUNT_MAX,
	    &asked->count)) != OK ||
	    (err = take_number(ctx, call, "_before", INT32_MAX,
	    &asked->below)) != OK ||
	    (err = take_since(ctx, call, asked)) != OK)
		return err;
	return take_at(ctx, call, asked);
}

/* --- links ---------------------------------------------------------------- */

static void
add_pair(struct buf *b, const char *name, struct str value)
{
	if (value.p == NULL)
		return;
	buf_addf(b, "%s%s=", b->n > 0 ? "&" : "", name);
	buf_add_percent(b, value);
}

/* The parameters as they were sent, and where the page begins. */
static struct str
page_query(struct ctx *ctx, const struct call *call, const char *place,
    struct str where)
{
	static const char *const names[] = { "_count", "_since", "_at",
		"_sort", "_summary", "_elements" };
	struct buf b = buf_new(ctx->arena, 128);

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		add_pair(&b, names[i], http_param(&call->params,
		    str_of(names[i])));
	add_pair(&b, place, where);
	return fhir_link(ctx, call, buf_str(&b));
}

/* What to ask next for all that this answer could not show yet. */
static struct str
current_query(struct ctx *ctx, const struct call *call, int64_t safe_us)
{
	struct buf b = buf_new(ctx->arena, 64);
	char when[WHEN_INSTANT_CHARS + 1];

	when_format(safe_us, when);
	add_pair(&b, "_count", http_param(&call->params, STR("_count")));
	add_pair(&b, "_since", str_of(when));
	add_pair(&b, "_summary", http_param(&call->params, STR("_summary")));
	add_pair(&b, "_elements", http_param(&call->params,
	    STR("_elements")));
	return fhir_link(ctx, call, buf_str(&b));
}

static void
add_links(struct ctx *ctx, const struct call *call,
    struct history_page *page)
{
	const char *place = call->id.n > 0 ? "_before" : "_cursor";
	bool at = http_param(&call->params, STR("_at")).p != NULL;

	page->self = page_query(ctx, call, place,
	    http_param(&call->params, str_of(place)));
	if (page->cursor.n > 0)
		page->next = page_query(ctx, call, place, page->cursor);
	if (page->below > 0)
		page->next = page_query(ctx, call, place,
		    arena_printf(ctx->arena, "%d", page->below));
	if (page->safe_us != WHEN_MIN && !at)
		page->current = current_query(ctx, call, page->safe_us);
}

/* --- _summary and _elements ----------------------------------------------- */

/* An element may be of any type that may come. */
static enum err
take_subset(struct ctx *ctx, const struct call *call, struct subset *out)
{
	const struct r4_type **types;

	if (call->type != NULL)
		return subset_of(ctx, &call->type, 1, &call->params,
		    call->prefer.handling == HANDLING_LENIENT, out);
	types = arena_array(ctx->arena, r4_types_count, sizeof(void *));
	for (size_t i = 0; i < r4_types_count; i++)
		types[i] = &r4_types[i];
	return subset_of(ctx, types, r4_types_count, &call->params,
	    call->prefer.handling == HANDLING_LENIENT, out);
}

/* R4 search.html#summary */
static void
cut(struct ctx *ctx, const struct subset *subset, struct history_page *page)
{
	subset_records(ctx, subset, page->records, page->n);
	if (subset->kind != SUBSET_COUNT)
		return;
	page->n = 0;
	page->next = STR_NONE;
}

/* --- handlers ------------------------------------------------------------- */

static enum err
answer_history(struct ctx *ctx, const struct call *call,
    const struct history *asked, struct str path, struct http_answer *answer)
{
	struct history_page page;
	struct subset subset;
	enum err err;

	if ((err = take_subset(ctx, call, &subset)) != OK ||
	    (err = history_read(ctx, asked, &page)) != OK)
		return err;
	add_links(ctx, call, &page);
	cut(ctx, &subset, &page);
	answer_private(answer);
	answer->content_type = call->media;
	bundle_history(ctx, &page, answer_fhir_base(ctx), path, answer);
	return OK;
}

enum err
fhir_history(struct ctx *ctx, const struct call *call,
    struct http_answer *answer)
{
	struct history asked;
	enum err err;

	if ((err = fhir_check_id(ctx, call->id)) != OK ||
	    (err = take_asked(ctx, call, &asked)) != OK)
		return err;
	return answer_history(ctx, call, &asked, arena_printf(ctx->arena,
	    "%s/%.*s/_history", call->type->name, STR_ARGS(call->id)), answer);
}

enum err
fhir_history_type(struct ctx *ctx, const struct call *call,
    struct http_answer *answer)
{
	struct history asked;
	enum err err = take_asked(ctx, call, &asked);

	if (err != OK)
		return err;
	return answer_history(ctx, call, &asked, arena_printf(ctx->arena,
	    "%s/_history", call->type->name), answer);
}

enum err
fhir_history_system(struct ctx *ctx, const struct call *call,
    struct http_answer *answer)
{
	int16_t *types = arena_array(ctx->arena, r4_types_count,
	    sizeof(*types));
	struct history asked;
	enum err err = take_asked(ctx, call, &asked);

	if (err != OK)
		return err;
	for (size_t i = 0; i < r4_types_count; i++)
		if (scope_allows(ctx->who.scope, &r4_types[i], SCOPE_R))
			types[asked.ntypes++] = r4_types[i].number;
	asked.types = types;
	if (asked.ntypes == 0)
		return fail(ctx, ERR_SCOPE, "the token may not read any type "
		    "of record");
	return answer_history(ctx, call, &asked, STR("_history"), answer);
}
