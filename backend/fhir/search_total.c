/*
 * How many records a search finds. Without conditions that is the store's own
 * count; else all matches are walked. An estimate walks only so many, and says
 * for more how many the rarest condition has: never too low by much, and never
 * above what there is of the type. R4 search.html#total
 */

#include "fhir/search_count.h"

#include "queries.h"

/* An estimate is exact where the rarest condition has no more, some 20 ms. */
#define TOTAL_EXACT_MAX		20000
/* And beyond this it only says that there are so many. */
#define TOTAL_COUNTED_MAX	200000

enum err
search_count_matches(struct ctx *ctx, const struct plan *plan, int64_t *total)
{
	struct pg_query q;
	struct pg_args a;
	PGresult *res;
	enum err err;

	search_sql_total(ctx, plan, &q, &a);
	if ((err = pg_exec(ctx, &q, &a, &res)) == OK)
		*total = pg_get_int8(res, 0, 0);
	return err;
}

static enum err
count_type(struct ctx *ctx, const struct plan *plan, int64_t *total)
{
	const struct search *search = plan->search;
	const struct r4_type *const *types = search->ntypes > 0 ?
	    search->types : &search->type;
	size_t n = search->ntypes > 0 ? search->ntypes : 1, i;
	int16_t *numbers = arena_array(ctx->arena, n, sizeof(*numbers));
	struct pg_args a = pg_args(ctx->arena);
	PGresult *res;
	enum err err;

	for (i = 0; i < n; i++)
		numbers[i] = types[i]->number;
	pg_int4(&a, plan->tn);
	pg_int2s(&a, numbers, n);
	if ((err = pg_exec(ctx, &query_search_total_type, &a, &res)) == OK)
		*total = pg_get_int8(res, 0, 0);
	return err;
}

/* What bounds the number of matches: ids that are asked, the rarest condition
 * up to a bound, else the type. */
static enum err
count_rarest(struct ctx *ctx, const struct plan *plan, int64_t bound,
    int64_t *count)
{
	struct candidates all = { .n = 0 };
	const struct candidate *rarest;
	size_t i;
	enum err err;

	for (i = 0; i < plan->n; i++)
		if (plan->probes[i].kind == PROBE_ID) {
			*count = (int64_t)plan->probes[i].texts.n;
			return OK;
		}
	search_list_candidates(plan, &all);
	if (all.n > 0 && (err = search_count_candidates(ctx, plan, &all,
	    bound)) != OK)
		return err;
	if ((err = count_type(ctx, plan, count)) != OK)
		return err;
	rarest = search_rarest(&all);
	if (rarest != NULL && rarest->count < *count)
		*count = rarest->count;
	return OK;
}

/* Counted by the way that is the best without an order. */
static enum err
count_exactly(struct ctx *ctx, struct plan *plan, int64_t *total)
{
	enum err err = search_plan(ctx, plan);

	return err == OK ? search_count_matches(ctx, plan, total) : err;
}

enum err
search_total(struct ctx *ctx, const struct plan *page, int64_t *total)
{
	struct search search = *page->search;
	struct plan plan = *page;
	enum err err;

	search.nsort = 0;
	plan.search = &search;
	if (plan.n == 0)
		return count_type(ctx, &plan, total);
	if (!search.estimates)
		return count_exactly(ctx, &plan, total);
	err = count_rarest(ctx, &plan, TOTAL_EXACT_MAX + 1, total);
	if (err == OK && *total <= TOTAL_EXACT_MAX)
		return count_exactly(ctx, &plan, total);
	return err == OK ? count_rarest(ctx, &plan, TOTAL_COUNTED_MAX, total) :
	    err;
}
