/*
 * What is at the other end of a chain or a _has: the inner search is run first,
 * and what it finds becomes the hashes by which the outer one is asked. It is
 * an index walk of its own, bounded in rows and in hashes. Where it finds more,
 * the records that the outer search's other conditions leave are gathered
 * instead, and the inner one asked about these alone. When both are many it is
 * refused, so that no search is slow or incomplete.
 */

#include "fhir/search_gather.h"

#include "queries.h"

size_t search_link_max = SEARCH_LINK_MAX;

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

/* Its walk yields all matches in any order; *many: it would be a long one. */
static enum err
plan_gather(struct ctx *ctx, struct plan *plan, bool *many)
{
	bool small = true;
	enum err err = search_plan(ctx, plan);

	if (err != OK)
		return err;
	plan->gather = true;
	search_plan_settle(plan);
	if (walks_type(plan))
		err = type_is_small(ctx, plan, &small);
	*many = !small;
	return err;
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

/* Add what plan finds to out, or with by what that refers to by it. */
static enum err
gather(struct ctx *ctx, struct key_space space, struct plan *plan,
    const struct r4_param *by, struct hashes *out, bool *many)
{
	struct pg_query q;
	struct pg_args a;
	PGresult *res;
	int64_t konst = 0, *v;
	size_t n;
	enum err err = plan_gather(ctx, plan, many);

	if (err != OK || *many)
		return err;
	if (by != NULL)
		konst = key_const(space, plan->search->type->number,
		    by->number, KEY_VALUE);
	search_sql_hashes(ctx, plan, by == NULL ? NULL : &konst, &q, &a);
	if ((err = pg_exec(ctx, &q, &a, &res)) != OK)
		return err;
	n = pg_get_int8s(ctx, res, 0, 1, &v);
	*many = pg_get_int8(res, 0, 0) > SEARCH_LINK_ROWS ||
	    out->n + n > search_link_max;
	if (!*many)
		add_hashes(ctx, out, v, n);
	return OK;
}

/* What c's inner searches find, of the records `only` (NULL: of all). */
static enum err
gather_inner(struct ctx *ctx, struct key_space space,
    const struct search_condition *c, const struct hashes *only,
    struct hashes *out, bool *many)
{
	const struct r4_param *by = c->kind == SEARCH_REVERSE ? c->param : NULL;
	struct plan plan;
	size_t i;
	enum err err = OK;

	*out = (struct hashes){ .n = 0 };
	*many = false;
	for (i = 0; i < c->ninner && err == OK && !*many; i++) {
		plan = (struct plan){ .search = &c->inner[i], .tn = space.tn,
			.only = only };
		err = search_probes(ctx, space, &plan);
		if (err == OK)
			err = gather(ctx, space, &plan, by, out, many);
	}
	return err;
}

/* The lists of the records that a reference of type names. */
static void
link_lists(struct ctx *ctx, struct key_space space, const struct r4_type *type,
    const struct hashes *found, struct probe *p)
{
	size_t i;

	p->kind = PROBE_POST;
	p->linked = p->posts.plain = true;
	p->konst = key_const(space, type->number, p->param->number, KEY_VALUE);
	search_posts_room(ctx->arena, &p->posts, found->n);
	for (i = 0; i < found->n; i++)
		search_add_post(&p->posts, p->konst ^ found->v[i], INT32_MIN,
		    INT32_MAX);
}

enum err
search_probe_link(struct ctx *ctx, struct key_space space,
    const struct r4_type *type, struct probe *p)
{
	struct hashes found;
	enum err err = gather_inner(ctx, space, p->asked, NULL, &found,
	    &p->dense);

	p->kind = PROBE_RH;
	if (err != OK || p->dense)
		return err;
	if (p->asked->kind == SEARCH_CHAIN)
		link_lists(ctx, space, type, &found, p);
	else
		p->hashes = found;
	return OK;
}

/* --- the outer search first ----------------------------------------------- */

/* What its other conditions leave, or what that refers to by a parameter. */
static enum err
gather_outer(struct ctx *ctx, struct key_space space, const struct plan *plan,
    const struct r4_param *by, struct hashes *out, bool *many)
{
	struct search search = *plan->search;
	struct plan outer = *plan;
	size_t i;

	search.nsort = 0;
	outer.search = &search;
	outer.probes = arena_array(ctx->arena, plan->n, sizeof(*outer.probes));
	outer.n = 0;
	for (i = 0; i < plan->n; i++)
		if (!plan->probes[i].dense)
			outer.probes[outer.n++] = plan->probes[i];
	*out = (struct hashes){ .n = 0 };
	return gather(ctx, space, &outer, by, out, many);
}

/* All lists together are short enough to be asked row by row. */
static enum err
lists_are_short(struct ctx *ctx, const struct posts *p, bool *many)
{
	struct pg_args a = pg_args(ctx->arena);
	int32_t *zero = arena_array(ctx->arena, p->n, sizeof(*zero));
	PGresult *res;
	enum err err;

	pg_int4s(&a, zero, p->n);
	pg_int8s(&a, p->k, p->n);
	pg_int4s(&a, p->aux_lo, p->n);
	pg_int4s(&a, p->aux_hi, p->n);
	pg_int8(&a, SEARCH_LINK_ASKED + 1);
	pg_int4(&a, 0);
	if ((err = pg_exec(ctx, &query_search_count_posts, &a, &res)) == OK)
		*many = PQntuples(res) > 0 &&
		    pg_get_int8(res, 0, 1) > SEARCH_LINK_ASKED;
	return err;
}

/* Those of `outer` that c's inner search finds a record for: each one's list
 * of what refers to it is walked up to the first match. */
static enum err
ask_lists(struct ctx *ctx, struct key_space space,
    const struct search_condition *c, const struct hashes *outer,
    struct hashes *out, bool *many)
{
	struct plan plan = { .search = &c->inner[0], .tn = space.tn };
	struct probe *p;
	struct pg_query q;
	struct pg_args a;
	PGresult *res;
	int64_t *found;
	int i;
	enum err err = search_probes(ctx, space, &plan);

	if (err != OK)
		return err;
	p = &plan.probes[plan.n++];
	*p = (struct probe){ .param = c->param, .asked = c };
	link_lists(ctx, space, plan.search->type, outer, p);
	if ((err = lists_are_short(ctx, &p->posts, many)) != OK || *many)
		return err;
	plan.driver = DRIVE_POST;
	plan.drives = (int)plan.n - 1;
	plan.gather = true;
	search_plan_settle(&plan);
	search_sql_lists(ctx, &plan, &q, &a);
	if ((err = pg_exec(ctx, &q, &a, &res)) != OK)
		return err;
	found = arena_array(ctx->arena, (size_t)PQntuples(res),
	    sizeof(*found));
	for (i = 0; i < PQntuples(res); i++)
		found[i] = pg_get_int8(res, i, 0) ^ p->konst;
	*out = (struct hashes){ found, (size_t)i };
	return OK;
}

static enum err
too_many(struct ctx *ctx, const struct plan *plan, const struct probe *p)
{
	return fail_as(ctx, ERR_NOT_SUPPORTED, "too-costly", STR_NONE,
	    "Search parameter '%.*s': too many records match it (more than "
	    "%zu, or %d had to be looked at), and the other parameters leave "
	    "too many %s records, too; narrow one of them",
	    STR_ARGS(p->asked->name), search_link_max, SEARCH_LINK_ROWS,
	    plan->search->type->name);
}

static enum err
narrow(struct ctx *ctx, struct key_space space, const struct plan *plan,
    struct probe *p)
{
	const struct search_condition *c = p->asked;
	bool chain = c->kind == SEARCH_CHAIN, many;
	struct hashes outer, found = { .n = 0 };
	enum err err;

	err = gather_outer(ctx, space, plan, chain ? c->param : NULL, &outer,
	    &many);
	if (err == OK && !many)
		err = chain ? gather_inner(ctx, space, c, &outer, &found,
		    &many) : ask_lists(ctx, space, c, &outer, &found, &many);
	if (err != OK)
		return err;
	if (many)
		return too_many(ctx, plan, p);
	if (chain)
		link_lists(ctx, space, plan->search->type, &found, p);
	else
		p->hashes = found;
	p->dense = false;
	return OK;
}

enum err
search_narrow(struct ctx *ctx, struct key_space space, struct plan *plan)
{
	size_t i;
	enum err err = OK;

	for (i = 0; i < plan->n && err == OK; i++)
		if (plan->probes[i].dense)
			err = narrow(ctx, space, plan, &plan->probes[i]);
	return err;
}
