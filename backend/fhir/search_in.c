/* :in and :not-in: a value set becomes the codes that it has. R4
 * search.html#modifiers */

#include "fhir/expand.h"
#include "fhir/search_plan.h"

/* What cannot be expanded cannot be searched by: a 400 that says why. */
static enum err
fail_expand(struct ctx *ctx, const struct r4_param *param, struct str url,
    struct fault before)
{
	struct str why = ctx->fault.last == NULL ? STR("") :
	    ctx->fault.last->text;

	ctx->fault = before;
	if (before.last != NULL)
		before.last->next = NULL;
	return fail_at(ctx, ERR_INVALID_PARAMETER, str_of(param->code),
	    "Search parameter '%s': the codes of '%.*s' are not known: %.*s",
	    param->code, STR_ARGS(url), STR_ARGS(why));
}

enum err
search_in_codes(struct ctx *ctx, const struct r4_param *param, struct str url,
    struct search_value **out, size_t *n)
{
	struct fault before = ctx->fault;
	struct expansion e;
	enum err err = expand_named(ctx, url, &e);

	if (err == ERR_NOT_FOUND || err == ERR_VALIDATION)
		return fail_expand(ctx, param, url, before);
	if (err != OK)
		return err;
	if (e.n > SEARCH_CODES_MAX)
		return fail_at(ctx, ERR_NOT_SUPPORTED, str_of(param->code),
		    "Search parameter '%s': '%.*s' stands for more than %d "
		    "codes; name the codes", param->code, STR_ARGS(url),
		    SEARCH_CODES_MAX);
	*out = arena_array(ctx->arena, e.n, sizeof(**out));
	for (*n = 0; *n < e.n; ++*n)
		(*out)[*n] = (struct search_value){ .text = e.v[*n].code,
		    .has_text = true, .system = e.v[*n].system,
		    .has_system = true };
	return OK;
}
