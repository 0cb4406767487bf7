/* Compartments, by the references of a resource. */

#include "fhir/member.h"

#include <stdlib.h>

#include "fhir/extract.h"
#include "fhir/keys.h"
#include "fhir/store.h"

struct member_set {
	const struct r4_type	*owner;
	struct key_space	 space;
	bool			 any;
	int64_t			*owners;	/* key_reference, sorted */
	size_t			 n;
};

/* A resource that is being looked at. */
struct look {
	struct ctx		*ctx;
	const struct member_set	*set;
	const struct extract	*x;
	bool			 found;
};

static int
by_number(const void *p, const void *q)
{
	int64_t a = *(const int64_t *)p, b = *(const int64_t *)q;

	return (a > b) - (a < b);
}

enum err
member_set(struct ctx *ctx, const struct r4_type *owner,
    const struct str *ids, size_t n, const struct member_set **out)
{
	struct member_set *set = arena_zero(ctx->arena, sizeof(*set));
	enum err err;

	if ((err = store_key_space(ctx, &set->space)) != OK)
		return err;
	set->owner = owner;
	set->any = ids == NULL;
	set->owners = arena_array(ctx->arena, n, sizeof(*set->owners));
	for (set->n = 0; !set->any && set->n < n; set->n++)
		set->owners[set->n] = key_reference(set->space,
		    str_of(owner->name), ids[set->n]);
	if (n > 1)
		qsort(set->owners, n, sizeof(*set->owners), by_number);
	*out = set;
	return OK;
}

static const struct r4_compartment *
compartment_of(const struct r4_type *owner, const struct r4_type *type)
{
	for (size_t i = 0; i < r4_compartments_count; i++)
		if (r4_compartments[i].type == type->number &&
		    strcmp(r4_compartments[i].owner, owner->name) == 0)
			return &r4_compartments[i];
	return NULL;
}

bool
member_can(const struct r4_type *owner, const struct r4_type *type)
{
	return owner == type || compartment_of(owner, type) != NULL;
}

static bool
has_owner(const struct member_set *set, int64_t hash)
{
	return set->any || (set->n > 0 && bsearch(&hash, set->owners, set->n,
	    sizeof(hash), by_number) != NULL);
}

static void
look_at(void *to, enum extract_kind kind, uint32_t node,
    const struct r4_step *group)
{
	struct look *look = to;
	const struct jdoc *d = look->x->doc;
	uint32_t text = jdoc_get(d, node, STR("reference"));
	const struct r4_type *type;
	char *room;
	int64_t hash;

	(void)group;
	if (kind != EXTRACT_REFERENCE || text == 0 ||
	    jdoc_type(d, text) != JDOC_STRING || look->found)
		return;
	room = arena_alloc(look->ctx->arena, jdoc_raw(d, text).n + 1);
	hash = key_target(look->ctx, look->set->space,
	    (struct str){ room, jdoc_decode(d, text, room) }, &type);
	look->found = type == look->set->owner && has_owner(look->set, hash);
}

bool
member_is(struct ctx *ctx, const struct member_set *set,
    const struct r4_type *type, struct str id, const struct jdoc *doc)
{
	const struct r4_compartment *c = compartment_of(set->owner, type);
	struct extract x = { .doc = doc };
	struct look look = { .ctx = ctx, .set = set, .x = &x };

	if (type == set->owner && has_owner(set, key_reference(set->space,
	    str_of(type->name), id)))
		return true;
	for (size_t i = 0; c != NULL && c->params[i] != NULL; i++)
		if (!look.found && c->params[i]->program != NULL)
			extract_run(&x, c->params[i]->program, 0, look_at,
			    &look);
	return look.found;
}
