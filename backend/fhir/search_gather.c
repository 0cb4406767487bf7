/*
 * What is at the other end of a chain or a _has: the inner search is run first,
 * and what it finds becomes the hashes by which the outer one is asked. It is
 * an index walk of its own, bounded in rows and in hashes: more is refused, so
 * that no search is slow or incomplete.
 */

#include "fhir/search_gather.h"

#include "queries.h"

/* The walk reads every record of the type: what is asked has no index. */
static bool
walks_type(const struct plan *plan)
{
	size_t i;

	for (i = 0; i < plan->n; i++)
		if (search_is_primary(plan, plan->probes[i].param) &&
		    plan->probes[i].kind == PROBE_DATE)
			return false;
	return plan->driver == DRIVE_TYPE;
}

static enum err
type_is_small(struct ctx *ctx, const struct plan *plan, bool *small)
{
	struct pg_args a = pg_args(ctx->arena);
	PGresult *res;
	enum err err;

	pg_int4(&a, plan->tn);
	pg_int2(&a, plan->search->type->number);
	pg_int8(&a, SEARCH_LINK_ROWS + 1);
	err = pg_exec(ctx, &query_search_count_type, &a, &res);
	*small = err == OK && pg_get_int8(res, 0, 0) <= SEARCH_LINK_ROWS;
	return err;
}

static enum err
plan_inner(struct ctx *ctx, struct key_space space, struct search *inner,
    struct plan *plan)
{
	enum err err;

	*plan = (struct plan){ .search = inner, .tn = space.tn };
	if ((err = search_probes(ctx, space, plan)) != OK ||
	    (err = search_plan(ctx, plan)) != OK)
		return err;
	plan->gather = true;
	search_plan_settle(plan);
	return OK;
}

static void
add_hashes(struct ctx *ctx, struct hashes *to, const int64_t *v, size_t n)
{
	int64_t *all = arena_array(ctx->arena, to->n + n, sizeof(*all));

	if (to->n > 0)
		memcpy(all, to->v, to->n * sizeof(*all));
	if (n > 0)
		memcpy(all + to->n, v, n * sizeof(*all));
	*to = (struct hashes){ all, to->n + n };
}

/* Add what the inner search finds to out; *many when that is too much. */
static enum err
gather(struct ctx *ctx, struct key_space space, struct search *inner,
    const struct r4_param *by, struct hashes *out, bool *many)
{
	struct plan plan;
	struct pg_query q;
	struct pg_args a;
	PGresult *res;
	int64_t *v;
	size_t n;
	enum err err = plan_inner(ctx, space, inner, &plan);

	if (err == OK && walks_type(&plan)) {
		err = type_is_small(ctx, &plan, many);
		*many = !*many;
	}
	if (err != OK || *many)
		return err;
	search_sql_hashes(ctx, &plan, by == NULL ? NULL :
	    &(int64_t){ key_const(space, inner->type->number, by->number,
	    KEY_VALUE) }, &q, &a);
	if ((err = pg_exec(ctx, &q, &a, &res)) != OK)
		return err;
	n = pg_get_int8s(ctx, res, 0, 1, &v);
	*many = pg_get_int8(res, 0, 0) > SEARCH_LINK_ROWS ||
	    out->n + n > SEARCH_LINK_MAX;
	if (!*many)
		add_hashes(ctx, out, v, n);
	return OK;
}

enum err
search_gather(struct ctx *ctx, struct key_space space,
    const struct search_condition *c, struct hashes *out)
{
	const struct r4_param *by = c->kind == SEARCH_REVERSE ? c->param : NULL;
	bool many = false;
	size_t i;
	enum err err = OK;

	*out = (struct hashes){ .n = 0 };
	for (i = 0; i < c->ninner && err == OK && !many; i++)
		err = gather(ctx, space, &c->inner[i], by, out, &many);
	if (err != OK || !many)
		return err;
	return fail_as(ctx, ERR_NOT_SUPPORTED, "too-costly", STR_NONE,
	    "Search parameter '%.*s' is true of too many %s records (more "
	    "than %d found, or %d looked at); ask for fewer, or search %s "
	    "first and then by what it finds", STR_ARGS(c->name),
	    c->inner[i - 1].type->name, SEARCH_LINK_MAX, SEARCH_LINK_ROWS,
	    c->inner[i - 1].type->name);
}
