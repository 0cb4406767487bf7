/*
 * Conditions on a reference and on a code that are paired (fhir/keys_pair.c):
 * "of this patient and of this code" is asked of the pair's postings alone.
 */

#include "fhir/search_plan.h"

/* The record that a value names, when it names one that the pair can have. */
static bool
reference_of(const struct key_pair *pair, const struct search_condition *c,
    const struct search_value *v, const struct r4_type **type)
{
	const struct r4_type *target =
	    r4_type_numbered(pair->reference->targets[0]);

	*type = v->type == NULL ? target : v->type;
	return v->id.n > 0 && *type == target &&
	    (v->type != NULL || c->param == pair->reference);
}

/* Every value names one record of the pair's type. `subject` refers to others,
 * too, so it must name the type. */
static bool
asks_reference(const struct key_pair *pair, const struct search_condition *c)
{
	const struct r4_type *type;
	size_t i;

	if (c->kind != SEARCH_REFERENCE || (c->modifier != SEARCH_PLAIN &&
	    c->modifier != SEARCH_TYPED) || (c->param != pair->reference &&
	    strcmp(c->param->code, "subject") != 0))
		return false;
	for (i = 0; i < c->n; i++)
		if (!reference_of(pair, c, &c->values[i], &type))
			return false;
	return true;
}

static bool
asks_token(const struct key_pair *pair, const struct search_condition *c)
{
	size_t i;

	if (c->kind != SEARCH_TOKEN || c->modifier != SEARCH_PLAIN ||
	    c->param != pair->token)
		return false;
	for (i = 0; i < c->n; i++)
		if (!c->values[i].has_text)
			return false;
	return true;
}

static void
add_pairs(const struct plan *plan, struct key_space space,
    const struct key_pair *pair, const struct search_condition *reference,
    const struct search_value *v, struct posts *out)
{
	int64_t konst = key_const(space, plan->search->type->number,
	    pair->token->number, KEY_PAIR);
	struct auxs aux = search_token_auxs(space, pair->token, v);
	const struct r4_type *type;
	size_t i, j;

	for (i = 0; i < reference->n; i++) {
		const struct search_value *r = &reference->values[i];
		int64_t rh;

		(void)reference_of(pair, reference, r, &type);
		rh = key_reference(space, str_of(type->name), r->id);
		for (j = 0; j < aux.n; j++)
			search_add_post(out, konst ^ key_pair_hash(space, rh,
			    key_hash(space, v->text)), aux.lo[j], aux.hi[j]);
	}
}

/* Make pair probes of all of its tokens beside the reference; whether there
 * were any. */
static bool
pair_tokens(struct ctx *ctx, struct key_space space, struct plan *plan,
    const struct key_pair *pair, const struct search_condition *reference)
{
	bool found = false;
	size_t i, n;

	for (i = 0; i < plan->n; i++) {
		struct probe *p = &plan->probes[i];
		const struct search_condition *token = p->asked;

		if (p->paired || !asks_token(pair, token) ||
		    token->n * reference->n > SEARCH_VALUES_MAX)
			continue;
		p->posts = (struct posts){ .n = 0 };
		search_posts_room(ctx->arena, &p->posts,
		    token->n * reference->n * 2);
		for (n = 0; n < token->n; n++)
			add_pairs(plan, space, pair, reference,
			    &token->values[n], &p->posts);
		p->paired = found = true;
	}
	return found;
}

void
search_pair_up(struct ctx *ctx, struct key_space space, struct plan *plan)
{
	const struct key_pair *pair = NULL;
	const struct search_condition *done = NULL;
	size_t i, kept = 0;

	while ((pair = key_pair_next(plan->search->type, pair)) != NULL)
		for (i = 0; i < plan->n; i++) {
			const struct search_condition *c =
			    plan->probes[i].asked;

			if ((done == NULL || done == c) &&
			    asks_reference(pair, c) &&
			    pair_tokens(ctx, space, plan, pair, c))
				done = c;
		}
	for (i = 0; i < plan->n; i++)
		if (plan->probes[i].asked != done)
			plan->probes[kept++] = plan->probes[i];
	plan->n = kept;
}
