/*
 * Observation/$lastn: a search whose matches are cut by their codes. Its
 * parameters are those of the search, in a query or a Parameters resource. R4
 * observation-operation-lastn.html
 */

#include "api/fhir.h"

#include "base/buf.h"
#include "fhir/bundle.h"
#include "fhir/lastn.h"
#include "fhir/subset.h"

/* So many observations are looked at; more are refused, because the newest of
 * some code could be behind them. */
#define LOOK_MAX	10000
#define PAGE_ROWS	SEARCH_COUNT_MAX

struct question {
	const struct call	*call;
	uint64_t		 max;
	struct http_params	 given;		/* as sent, for the self link */
	struct http_params	 criteria;	/* and for the search */
	struct subset		 subset;
	struct record		*records;
	size_t			 n;
};

/* --- parameters ----------------------------------------------------------- */

static struct str
text_of(struct ctx *ctx, const struct jdoc *d, uint32_t node)
{
	char *out;

	if (node == 0)
		return STR_NONE;
	switch (jdoc_type(d, node)) {
	case JDOC_NUMBER:
	case JDOC_TRUE:
	case JDOC_FALSE:
		return jdoc_raw(d, node);
	case JDOC_OBJECT:
		return text_of(ctx, d, jdoc_get(d, node, STR("reference")));
	case JDOC_STRING:
		out = arena_alloc(ctx->arena, jdoc_raw(d, node).n + 1);
		return (struct str){ out, jdoc_decode(d, node, out) };
	default:
		return STR_NONE;
	}
}

/* The value[x] of a parameter: of a Reference what it refers to. */
static struct str
value_of(struct ctx *ctx, const struct jdoc *d, uint32_t parameter)
{
	for (uint32_t i = jdoc_first(d, parameter); i != 0;
	    i = jdoc_next(d, parameter, i))
		if (str_starts(jdoc_raw(d, i), STR("value")))
			return text_of(ctx, d, jdoc_value(d, i));
	return STR_NONE;
}

/* One parameter of a body as if it stood in the query. */
static enum err
take_part(struct ctx *ctx, struct question *q, uint32_t node)
{
	const struct jdoc *d = q->call->doc;
	bool object = jdoc_type(d, node) == JDOC_OBJECT;
	struct http_param param = {
		object ? text_of(ctx, d, jdoc_get(d, node, STR("name"))) :
		    STR_NONE,
		object ? value_of(ctx, d, node) : STR_NONE };

	if (param.name.n == 0 || param.value.p == NULL)
		return fail_at(ctx, ERR_VALIDATION, STR("Parameters.parameter"),
		    "each parameter needs a name and a value that is text, a "
		    "number or a reference");
	if (q->given.n == HTTP_PARAMS_MAX)
		return fail_at(ctx, ERR_VALIDATION, STR("Parameters.parameter"),
		    "at most %d parameters are allowed", HTTP_PARAMS_MAX);
	q->given.v[q->given.n++] = param;
	return OK;
}

/* The query's parameters, then the body's. */
static enum err
take_given(struct ctx *ctx, struct question *q)
{
	const struct call *call = q->call;
	uint32_t list;
	enum err err;

	q->given.v = arena_array(ctx->arena, HTTP_PARAMS_MAX,
	    sizeof(*q->given.v));
	for (size_t i = 0; i < call->params.n; i++)
		q->given.v[q->given.n++] = call->params.v[i];
	if (call->doc == NULL)
		return OK;
	if (jdoc_type(call->doc, call->node) != JDOC_OBJECT ||
	    !jdoc_is(call->doc, jdoc_get(call->doc, call->node,
	    STR("resourceType")), STR("Parameters")))
		return fail(ctx, ERR_INVALID_REQUEST, "the body must be a "
		    "Parameters resource");
	list = jdoc_get(call->doc, call->node, STR("parameter"));
	for (uint32_t i = list == 0 ? 0 : jdoc_first(call->doc, list); i != 0;
	    i = jdoc_next(call->doc, list, i))
		if ((err = take_part(ctx, q, i)) != OK)
			return err;
	return OK;
}

/* A subject's name alone, with a type or a chain: not its absence. */
static bool
is_subject(struct str name)
{
	struct str rest = name;
	struct str word = str_cut(&rest, ':');

	word = str_cut(&word, '.');
	return (str_eqz(word, "patient") || str_eqz(word, "subject")) &&
	    (rest.p == NULL || (!str_eqz(rest, "missing") &&
	    !str_eqz(rest, "not")));
}

/* What says how a search is answered in pages. */
static bool
is_of_pages(struct str name)
{
	static const char *const names[] = { "_count", "_sort", "_offset",
		"_cursor", "_total", "_include", "_revinclude" };
	struct str word = str_cut(&name, ':');

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (str_eqz(word, names[i]))
			return true;
	return false;
}

static enum err
take_param(struct ctx *ctx, struct question *q, const struct http_param *param)
{
	if (str_eqz(param->name, "max")) {
		if (!str_u64(param->value, LOOK_MAX, &q->max) || q->max == 0)
			return fail_at(ctx, ERR_INVALID_PARAMETER, STR("max"),
			    "max must be a number from 1 to %d", LOOK_MAX);
	} else if (is_of_pages(param->name)) {
		return fail_at(ctx, ERR_INVALID_PARAMETER, param->name,
		    "$lastn has no %.*s: its answer is one page, newest first",
		    STR_ARGS(param->name));
	} else if (!str_eqz(param->name, "_summary") &&
	    !str_eqz(param->name, "_elements")) {
		q->criteria.v[q->criteria.n++] = *param;
	}
	return OK;
}

static enum err
take_criteria(struct ctx *ctx, struct question *q)
{
	bool subject = false;
	enum err err;

	q->max = 1;
	q->criteria.v = arena_array(ctx->arena, q->given.n + 3,
	    sizeof(*q->criteria.v));
	for (size_t i = 0; i < q->given.n; i++) {
		if ((err = take_param(ctx, q, &q->given.v[i])) != OK)
			return err;
		subject = subject || is_subject(q->given.v[i].name);
	}
	if (!subject)
		return fail_at(ctx, ERR_MISSING_PARAMETER, STR("patient"),
		    "$lastn needs a patient or subject");
	q->criteria.v[q->criteria.n++] = (struct http_param){ STR("_sort"),
	    STR("-date") };
	q->criteria.v[q->criteria.n++] = (struct http_param){ STR("_count"),
	    arena_printf(ctx->arena, "%d", PAGE_ROWS) };
	return subset_of(ctx, &q->call->type, 1, &q->given,
	    q->call->prefer.handling == HANDLING_LENIENT, &q->subset);
}

/* --- the search ----------------------------------------------------------- */

static enum err
take_page(struct ctx *ctx, struct question *q, const struct search_page *page)
{
	if (q->n + page->n > LOOK_MAX)
		return fail_as(ctx, ERR_INVALID_PARAMETER, "too-costly",
		    STR_NONE, "more than %d observations match; narrow them "
		    "by category, code or date", LOOK_MAX);
	if (page->n > 0)
		memcpy(q->records + q->n, page->records,
		    page->n * sizeof(*q->records));
	q->n += page->n;
	return OK;
}

/* All matches, newest first, page by page. */
static enum err
search_all(struct ctx *ctx, struct question *q)
{
	bool lenient = q->call->prefer.handling == HANDLING_LENIENT;
	struct http_params params = q->criteria;
	struct search_page page;
	struct search *search;
	enum err err;

	q->records = arena_array(ctx->arena, LOOK_MAX, sizeof(*q->records));
	for (;;) {
		if ((err = search_parse(ctx, q->call->type, &params, lenient,
		    &search)) != OK ||
		    (err = search_run(ctx, search, &page)) != OK ||
		    (err = take_page(ctx, q, &page)) != OK)
			return err;
		if (page.next.n == 0)
			return OK;
		if (!http_params_parse(ctx->arena, page.next, true, &params))
			return fail(ctx, ERR_INTERNAL, "a link of our own "
			    "cannot be read");
	}
}

static struct str
self_query(struct ctx *ctx, const struct question *q)
{
	struct buf b = buf_new(ctx->arena, 128);

	for (size_t i = 0; i < q->given.n; i++) {
		if (i > 0)
			buf_addc(&b, '&');
		buf_add_percent(&b, q->given.v[i].name);
		buf_addc(&b, '=');
		buf_add_percent(&b, q->given.v[i].value);
	}
	return fhir_link(ctx, q->call, buf_str(&b));
}

enum err
fhir_lastn(struct ctx *ctx, const struct call *call,
    struct http_answer *answer)
{
	struct question q = { .call = call };
	struct search_page page = { .total = -1 };
	enum err err;

	if ((err = take_given(ctx, &q)) != OK ||
	    (err = take_criteria(ctx, &q)) != OK ||
	    (err = search_all(ctx, &q)) != OK)
		return err;
	page.records = q.records;
	page.n = lastn_keep(ctx, q.records, q.n, q.max);
	page.total = (int64_t)page.n;
	page.self = self_query(ctx, &q);
	subset_records(ctx, &q.subset, page.records, page.n);
	if (q.subset.kind == SUBSET_COUNT)
		page.n = 0;
	answer_private(answer);
	answer->content_type = call->media;
	bundle_searchset(ctx, &page, answer_fhir_base(ctx),
	    STR("Observation/$lastn"), answer);
	return OK;
}
