/* The rules of extraction: what they are, and what the database knows. */

#include "fhir/rules.h"

#include "wire/pg.h"

#include "queries.h"

/* FNV-1a, over whole words: programs come with good hashes of their own. */
#define FNV_BASIS	UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME	UINT64_C(0x100000001b3)

static uint64_t
mix(uint64_t hash, uint64_t value)
{
	return (hash ^ value) * FNV_PRIME;
}

int64_t
rules_of(const struct r4_type *type)
{
	uint64_t hash = FNV_BASIS;

	for (unsigned i = 0; i < type->nparams; i++) {
		const struct r4_param *param = type->params[i];

		if (param->program == NULL)
			continue;
		hash = mix(hash, (uint64_t)param->number);
		hash = mix(hash, (uint64_t)param->bit << 8 |
		    param->identifiers);
		hash = mix(hash, param->program_hash);
	}
	if (type->primary_date != NULL)
		hash = mix(hash, (uint64_t)type->primary_date->number);
	return hash == 0 ? 1 : (int64_t)hash;
}

int64_t
rules_of_all(void)
{
	uint64_t hash = FNV_BASIS;

	for (size_t i = 0; i < r4_types_count; i++)
		hash = mix(hash, (uint64_t)rules_of(&r4_types[i]));
	return (int64_t)hash;
}

/* --- what the database knows */

struct columns {
	size_t		 n;
	int16_t		*type, *param;
	int64_t		*hash;
};

static void
add_type(struct columns *c, const struct r4_type *type)
{
	for (unsigned i = 0; i < type->nparams; i++) {
		const struct r4_param *param = type->params[i];

		if (param->program == NULL)
			continue;
		c->type[c->n] = type->number;
		c->param[c->n] = param->number;
		c->hash[c->n++] = (int64_t)param->program_hash;
	}
}

/* The programs of one type, or of all (NULL). */
static struct pg_args
programs(struct ctx *ctx, const struct r4_type *only)
{
	struct pg_args a = pg_args(ctx->arena);
	struct columns c = { .n = 0 };
	size_t room = 0;

	for (size_t i = 0; i < r4_types_count; i++)
		room += r4_types[i].nparams;
	c.type = arena_array(ctx->arena, room, sizeof(*c.type));
	c.param = arena_array(ctx->arena, room, sizeof(*c.param));
	c.hash = arena_array(ctx->arena, room, sizeof(*c.hash));
	for (size_t i = 0; i < r4_types_count; i++)
		if (only == NULL || only == &r4_types[i])
			add_type(&c, &r4_types[i]);
	pg_int2s(&a, c.type, c.n);
	pg_int2s(&a, c.param, c.n);
	pg_int8s(&a, c.hash, c.n);
	return a;
}

enum err
rules_adopt(struct ctx *ctx)
{
	struct pg_args a = programs(ctx, NULL);

	return pg_exec(ctx, &query_rules_adopt, &a, NULL);
}

enum err
rules_reached(struct ctx *ctx, const struct r4_type *type)
{
	struct pg_args a = programs(ctx, type);

	return pg_exec(ctx, &query_rules_reached, &a, NULL);
}

static const struct r4_param *
param_numbered(const struct r4_type *type, int number)
{
	for (unsigned i = 0; i < type->nparams; i++)
		if (type->params[i]->number == number)
			return type->params[i];
	return NULL;
}

enum err
rules_changed(struct ctx *ctx, struct rules_change **changes, size_t *n)
{
	struct pg_args a = programs(ctx, NULL);
	PGresult *res;
	enum err err;

	if ((err = pg_exec(ctx, &query_rules_changed, &a, &res)) != OK)
		return err;
	*n = (size_t)PQntuples(res);
	*changes = arena_array(ctx->arena, *n, sizeof(**changes));
	for (size_t i = 0; i < *n; i++) {
		struct rules_change *change = &(*changes)[i];

		change->type = r4_type_numbered(pg_get_int4(res, (int)i, 0));
		change->param = param_numbered(change->type,
		    pg_get_int4(res, (int)i, 1));
	}
	return OK;
}
