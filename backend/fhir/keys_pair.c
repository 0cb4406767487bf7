/*
 * Pairs: a reference and a code of one record under one hash, so that "of this
 * patient, of this code, newest first" is one walk of one index. R4
 * search.html has no such thing; a search that asks both is answered by it.
 */

#include "fhir/keys_build.h"

extern const struct r4_param	r4_param_Observation_category;
extern const struct r4_param	r4_param_Observation_code;
extern const struct r4_param	r4_param_Observation_patient;

/* What is asked together so often that a posting more for each of its records
 * is worth it. The reference is to one type alone. */
static const struct key_pair rows[] = {
	{ "Observation", &r4_param_Observation_patient,
	    &r4_param_Observation_category },
	{ "Observation", &r4_param_Observation_patient,
	    &r4_param_Observation_code },
};

#define NROWS	(sizeof(rows) / sizeof(rows[0]))

/* No record has more of what is paired: its subject. */
#define REFERENCES_MAX	4

struct references {
	struct key_build	*b;
	int64_t			 rh[REFERENCES_MAX];
	unsigned		 n;
};

const struct key_pair *
key_pair_next(const struct r4_type *type, const struct key_pair *after)
{
	const struct key_pair *pair = after == NULL ? rows : after + 1;

	while (pair < rows + NROWS && strcmp(pair->type, type->name) != 0)
		pair++;
	return pair < rows + NROWS ? pair : NULL;
}

int64_t
key_pair_hash(struct key_space space, int64_t reference, int64_t token)
{
	int64_t both[] = { reference, token };

	return key_combine(space, both, 2);
}

static void
take_reference(void *to, enum extract_kind kind, uint32_t node,
    const struct r4_step *group)
{
	struct references *r = to;
	struct str text = reference_text(r->b, kind, node);
	const struct r4_type *type;
	int64_t rh = key_target(r->b->ctx, r->b->space, text, &type);

	(void)group;
	if (type != NULL && r->n < REFERENCES_MAX)
		r->rh[r->n++] = rh;
}

static void
pair_token(void *to, const struct token *t)
{
	struct references *r = to;
	struct key_space space = r->b->space;

	for (unsigned i = 0; t->code.n > 0 && i < r->n; i++)
		build_post(r->b, KEY_PAIR, key_pair_hash(space, r->rh[i],
		    key_hash(space, t->code)), key_system(space, t->system));
}

static void
take_tokens(void *to, enum extract_kind kind, uint32_t node,
    const struct r4_step *group)
{
	struct references *r = to;

	(void)group;
	token_each(r->b, kind, node, pair_token, r);
}

void
pair_keys(struct key_build *b)
{
	const struct key_pair *pair = NULL;

	while ((pair = key_pair_next(b->type, pair)) != NULL) {
		struct references r = { .b = b };

		b->param = pair->token;
		b->known = 0;
		extract_run(&b->x, pair->reference->program, b->x.root,
		    take_reference, &r);
		if (r.n > 0)
			extract_run(&b->x, pair->token->program, b->x.root,
			    take_tokens, &r);
	}
}
