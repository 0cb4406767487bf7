/* The handlers of searches. */

#include "api/fhir.h"

#include "api/definition.h"
#include "api/field.h"
#include "api/pretty.h"
#include "base/buf.h"
#include "fhir/bundle.h"
#include "fhir/subset.h"

struct str
fhir_link(struct ctx *ctx, const struct call *call, struct str query)
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
		*link = fhir_link(ctx, call, *link);
}

/* Of the whole server, or within the compartment that the address names. */
static enum err
parse_wide(struct ctx *ctx, const struct call *call,
    const struct http_params *params, bool lenient, struct search **out)
{
	enum err err;

	if (call->owner == NULL)
		return search_parse_all(ctx, params, lenient, out);
	if ((err = fhir_check_id(ctx, call->id)) != OK)
		return err;
	return search_parse_within(ctx, call->owner, call->id, call->type,
	    params, lenient, out);
}

static enum err
find_page(struct ctx *ctx, const struct call *call,
    const struct http_params *params, struct search_page *out)
{
	bool lenient = call->prefer.handling == HANDLING_LENIENT;
	struct search *search;
	enum err err;

	if (call->owner == NULL && call->type != NULL)
		return definition_search(ctx, call->type, params, lenient,
		    out);
	if ((err = parse_wide(ctx, call, params, lenient, &search)) != OK)
		return err;
	return search_run(ctx, search, out);
}

/* The address of its pages below the base. */
static struct str
search_path(struct ctx *ctx, const struct call *call)
{
	const char *type = call->type == NULL ? "*" : call->type->name;

	if (call->owner == NULL)
		return call->type == NULL ? STR_NONE : str_of(type);
	return arena_printf(ctx->arena, "%s/%.*s/%s", call->owner->name,
	    STR_ARGS(call->id), type);
}

static enum err
search_by(struct ctx *ctx, const struct call *call,
    const struct http_params *params, struct http_answer *answer)
{
	struct search_page page;
	enum err err = find_page(ctx, call, params, &page);

	if (err != OK)
		return err;
	page.self = fhir_link(ctx, call, page.self);
	keep_form(ctx, call, &page.first);
	keep_form(ctx, call, &page.next);
	keep_form(ctx, call, &page.previous);
	answer_private(answer);
	answer->content_type = call->media;
	bundle_searchset(ctx, &page, answer_fhir_base(ctx),
	    search_path(ctx, call), answer);
	return OK;
}

enum err
fhir_search(struct ctx *ctx, const struct call *call,
    struct http_answer *answer)
{
	return search_by(ctx, call, &call->params, answer);
}

/* A posted _format or _pretty counts as one of the query does; false when it is
 * another parameter. R4 http.html#parameters */
static bool
take_form(struct ctx *ctx, const struct http_param *param, struct call *call)
{
	struct buf form;

	if (str_eqz(param->name, "_format"))
		call->media = field_format(param->value);
	else if (str_eqz(param->name, "_pretty"))
		call->pretty = str_eqz(param->value, "true");
	else
		return false;
	form = buf_new(ctx->arena, call->form.n + param->value.n + 16);
	buf_add(&form, call->form);
	if (form.n > 0)
		buf_addc(&form, '&');
	buf_add(&form, param->name);
	buf_addc(&form, '=');
	buf_add_percent(&form, param->value);
	call->form = buf_str(&form);
	return true;
}

/* The parameters of the query, then those of the body: one search. */
enum err
fhir_search_form(struct ctx *ctx, const struct call *call,
    struct http_answer *answer)
{
	const struct http_req *req = call->req;
	struct http_params form, both = { .n = 0 };
	struct call posted = *call;
	enum err err;

	if (req->body.n > 0 && !field_is(req->content_type, MEDIA_FORM))
		return fail(ctx, ERR_MEDIA_TYPE, "send the parameters of a "
		    "search as Content-Type: "
		    "application/x-www-form-urlencoded, in UTF-8");
	if (!http_params_parse(ctx->arena, req->body, true, &form) ||
	    call->params.n + form.n > HTTP_PARAMS_MAX)
		return fail(ctx, ERR_INVALID_REQUEST, "the form is not valid: "
		    "percent-encoded UTF-8 without NUL and at most %d "
		    "parameters are allowed", HTTP_PARAMS_MAX);
	both.v = arena_array(ctx->arena, call->params.n + form.n,
	    sizeof(*both.v));
	for (size_t i = 0; i < call->params.n; i++)
		both.v[both.n++] = call->params.v[i];
	for (size_t i = 0; i < form.n; i++)
		if (!take_form(ctx, &form.v[i], &posted))
			both.v[both.n++] = form.v[i];
	if (posted.media == NULL)
		return fail(ctx, ERR_NOT_ACCEPTABLE, "answers are " MEDIA_FHIR
		    " or " MEDIA_JSON);
	err = search_by(ctx, &posted, &both, answer);
	if (err == OK && posted.pretty && !call->pretty)
		pretty_answer(answer);
	return err;
}
