/*
 * Searches within a compartment: which owners have one, which types are in it,
 * and the condition that a record is. R4 compartmentdefinition.html
 */

#include "fhir/search_parse.h"

#include "fhir/scope.h"

static bool
is_owner(const struct r4_type *type)
{
	for (size_t i = 0; i < R4_OWNERS; i++)
		if (r4_owners[i] == type)
			return true;
	return false;
}

/* Owners are in their own compartment. */
static bool
may_hold(const struct r4_type *owner, const struct r4_type *type)
{
	for (size_t i = 0; i < r4_compartments_count; i++)
		if (r4_compartments[i].type == type->number &&
		    strcmp(r4_compartments[i].owner, owner->name) == 0)
			return true;
	return owner == type;
}

/* All types that it may hold and that who may search. */
static enum err
take_types(struct ctx *ctx, struct search *search)
{
	const struct r4_type **list = arena_array(ctx->arena, r4_types_count,
	    sizeof(const struct r4_type *));
	size_t n = 0;

	for (size_t i = 0; i < r4_types_count; i++)
		if (may_hold(search->owner, &r4_types[i]) &&
		    scope_allows(ctx->who.scope, &r4_types[i], SCOPE_S))
			list[n++] = &r4_types[i];
	if (n == 0)
		return scope_check(ctx, search->owner, SCOPE_S, "search");
	search->types = list;
	search->ntypes = n;
	search->type = list[0];
	return OK;
}

enum err
search_enter(struct ctx *ctx, struct search *search,
    const struct r4_type *owner, struct str id)
{
	struct search_condition *c = &search->conditions[search->n++];

	if (!is_owner(owner))
		return fail(ctx, ERR_NOT_FOUND, "compartments are those of "
		    "Patient, Encounter, Practitioner, Device and "
		    "RelatedPerson, not of %s", owner->name);
	if (search->type != NULL && !may_hold(owner, search->type))
		return fail(ctx, ERR_INVALID_REQUEST, "records of type %s "
		    "are in no compartment of a %s", search->type->name,
		    owner->name);
	search->owner = owner;
	search->owner_id = id;
	*c = (struct search_condition){ .kind = SEARCH_WITHIN };
	return search->type != NULL ? OK : take_types(ctx, search);
}
