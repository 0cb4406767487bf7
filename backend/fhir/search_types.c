/*
 * The types of a search of the whole server: those that _type names, or all
 * that who may search. R4 search.html#searching
 */

#include "fhir/search_parse.h"

#include "fhir/scope.h"
#include "fhir/search.h"

static bool
has_type(const struct search *search, const struct r4_type *type)
{
	size_t i;

	for (i = 0; i < search->ntypes; i++)
		if (search->types[i] == type)
			return true;
	return false;
}

static enum err
name_types(struct parse *p, struct str names)
{
	struct search *search = p->search;
	const struct r4_type *type;
	struct str name;
	enum err err;

	while (names.p != NULL) {
		name = str_trim(str_cut(&names, ','));
		if ((type = r4_type_named(name)) == NULL)
			return search_unknown_type(p, name);
		if ((err = scope_check(p->ctx, type, SCOPE_S, "search")) != OK)
			return err;
		if (!has_type(search, type))
			search->types[search->ntypes++] = type;
	}
	return OK;
}

static enum err
all_types(struct ctx *ctx, struct search *search)
{
	size_t i;

	for (i = 0; i < r4_types_count; i++)
		if (scope_allows(ctx->who.scope, &r4_types[i], SCOPE_S))
			search->types[search->ntypes++] = &r4_types[i];
	return search->ntypes > 0 ? OK : scope_check(ctx, &r4_types[0],
	    SCOPE_S, "search");
}

enum err
search_choose_types(struct ctx *ctx, struct search *search,
    const struct http_params *params)
{
	struct str names = http_param(params, STR("_type"));
	struct parse p = { .ctx = ctx, .search = search };
	enum err err;

	search->types = arena_array(ctx->arena, r4_types_count,
	    sizeof(const struct r4_type *));
	err = names.n > 0 ? name_types(&p, names) : all_types(ctx, search);
	if (err != OK)
		return err;
	search->whole = true;
	search->type = search->types[0];
	if (search->ntypes == 1)
		search->ntypes = 0;
	return OK;
}

bool
search_is_of(const struct search *search, const struct r4_type *type)
{
	return search->ntypes > 0 ? has_type(search, type) :
	    search->type == type;
}
