/* The handlers whose answer is a Bundle: history and search. */

#include "api/fhir.h"

#include "base/buf.h"
#include "fhir/bundle.h"
#include "fhir/subset.h"

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

/* The query of a page of a history; empty without parameters. */
static struct str
history_query(struct ctx *ctx, const struct call *call, int count, int below)
{
	static const char *const repeated[] = { "_summary", "_elements" };
	struct buf b = buf_new(ctx->arena, 0);

	if (below > 0)
		buf_addf(&b, "&_count=%d&_before=%d", count, below);
	else if (http_param(&call->params, STR("_count")).p != NULL)
		buf_addf(&b, "&_count=%d", count);
	for (size_t i = 0; i < 2; i++) {
		struct str value = http_param(&call->params,
		    str_of(repeated[i]));

		if (value.p == NULL)
			continue;
		buf_addf(&b, "&%s=", repeated[i]);
		buf_add_percent(&b, value);
	}
	return str_from(buf_str(&b), 1);
}

/* What _summary and _elements leave of a page. R4 search.html#summary */
static void
cut_history(struct ctx *ctx, const struct subset *subset,
    struct history_page *page)
{
	subset_records(ctx, subset, page->records, page->n);
	if (subset->kind != SUBSET_COUNT)
		return;
	page->n = 0;
	page->next = STR_NONE;
}

/* A link's query with _format and _pretty as they were sent: whoever follows it
 * wants the same form. */
static struct str
with_form(struct ctx *ctx, const struct call *call, struct str query)
{
	if (call->form.n == 0)
		return query;
	return arena_printf(ctx->arena, "%.*s%s%.*s", STR_ARGS(query),
	    query.n > 0 ? "&" : "", STR_ARGS(call->form));
}

static void
keep_form(struct ctx *ctx, const struct call *call, struct str *link)
{
	if (link->n > 0)
		*link = with_form(ctx, call, *link);
}

enum err
fhir_history(struct ctx *ctx, const struct call *call,
    struct http_answer *answer)
{
	int count = SEARCH_COUNT_DEFAULT, below = 0;
	struct history_page page;
	struct subset subset;
	enum err err;

	if ((err = fhir_check_id(ctx, call->id)) != OK ||
	    (err = subset_of(ctx, call->type, &call->params,
	    call->prefer.handling == HANDLING_LENIENT, &subset)) != OK ||
	    (err = take_number(ctx, call, "_count", SEARCH_COUNT_MAX,
	    &count)) != OK ||
	    (err = take_number(ctx, call, "_before", INT32_MAX,
	    &below)) != OK ||
	    (err = store_history(ctx, call->type, call->id, below, count,
	    &page)) != OK)
		return err;
	page.self = history_query(ctx, call, count, below);
	if (page.n > 0 && page.records[page.n - 1].ver > 1)
		page.next = history_query(ctx, call, count,
		    page.records[page.n - 1].ver);
	cut_history(ctx, &subset, &page);
	page.self = with_form(ctx, call, page.self);
	keep_form(ctx, call, &page.next);
	answer_private(answer);
	answer->content_type = call->media;
	bundle_history(ctx, &page, answer_fhir_base(ctx),
	    arena_printf(ctx->arena, "%s/%.*s/_history", call->type->name,
	    STR_ARGS(call->id)), answer);
	return OK;
}

static enum err
search_by(struct ctx *ctx, const struct call *call,
    const struct http_params *params, struct http_answer *answer)
{
	struct search *search;
	struct search_page page;
	enum err err;

	if ((err = search_parse(ctx, call->type, params,
	    call->prefer.handling == HANDLING_LENIENT, &search)) != OK ||
	    (err = search_run(ctx, search, &page)) != OK)
		return err;
	page.self = with_form(ctx, call, page.self);
	keep_form(ctx, call, &page.first);
	keep_form(ctx, call, &page.next);
	keep_form(ctx, call, &page.previous);
	answer_private(answer);
	answer->content_type = call->media;
	bundle_searchset(ctx, &page, answer_fhir_base(ctx),
	    str_of(call->type->name), answer);
	return OK;
}

enum err
fhir_search(struct ctx *ctx, const struct call *call,
    struct http_answer *answer)
{
	return search_by(ctx, call, &call->params, answer);
}

/* The parameters of the query, then those of the body: one search. */
enum err
fhir_search_form(struct ctx *ctx, const struct call *call,
    struct http_answer *answer)
{
	const struct http_req *req = call->req;
	struct http_params form, both;

	if (req->body.n > 0 && !field_is_form(req->content_type))
		return fail(ctx, ERR_MEDIA_TYPE, "send the parameters of a "
		    "search as Content-Type: "
		    "application/x-www-form-urlencoded, in UTF-8");
	if (!http_params_parse(ctx->arena, req->body, true, &form) ||
	    call->params.n + form.n > HTTP_PARAMS_MAX)
		return fail(ctx, ERR_INVALID_REQUEST, "the form is not valid: "
		    "percent-encoded UTF-8 without NUL and at most %d "
		    "parameters are allowed", HTTP_PARAMS_MAX);
	both.n = call->params.n + form.n;
	both.v = arena_array(ctx->arena, both.n, sizeof(*both.v));
	for (size_t i = 0; i < both.n; i++)
		both.v[i] = i < call->params.n ? call->params.v[i] :
		    form.v[i - call->params.n];
	return search_by(ctx, call, &both, answer);
}
