/*
 * Pages sorted by tokens, references and uris, whose keys are hashes and have
 * no order: all matches are gathered (SEARCH_GATHER_MAX at most), their sort
 * values read from their bodies, a few at a time, and sorted here.
 */

#include "fhir/search_plan.h"

#include <stdlib.h>

#include "base/when.h"
#include "fhir/record.h"
#include "fhir/store_row.h"
#include "queries.h"

/* Bodies that are in memory together. */
#define BODIES_MAX	128

struct gather {
	struct ctx		*ctx;		/* its arena is a scratch */
	struct arena		*kept;
	const struct plan	*plan;
	struct key_space	 space;
	struct place		*places;
	size_t			 n;
};

/* --- the values of one record --------------------------------------------- */

static void
take_key(const struct gather *g, const struct search_sort *sort,
    const struct record *record, const struct jdoc *d, struct order_key *key)
{
	struct key_sort value = { .found = true, .us = record->updated_us,
		.text = record->id };

	*key = search_sort_missing(sort);
	if (sort->kind != SEARCH_ID && sort->kind != SEARCH_UPDATED)
		keys_sort(g->ctx, g->space, record->type,
		    (struct key_sort_by){ sort->param, sort->descending },
		    &(struct extract){ d, 0 }, &value);
	if (!value.found)
		return;
	key->us = value.us;
	key->number = value.number;
	key->s = arena_str(g->kept, value.text);
}

static void
take_place(struct gather *g, int64_t rid, struct str body)
{
	const struct search *search = g->plan->search;
	struct place *place = &g->places[g->n];
	size_t room = jdoc_bound(body), i;
	struct record record;
	struct jdoc d;

	if (jdoc_parse(&d, body, arena_array(g->ctx->arena, room,
	    sizeof(struct jnode)), room, JDOC_DEPTH_MAX) != JDOC_OK)
		return;
	record_read(search->type, body, &record);
	place->rid = rid;
	for (i = 0; i < search->nsort; i++)
		take_key(g, &search->sort[i], &record, &d,
		    &place->keys[i]);
	g->n++;
}

static enum err
take_bodies(struct gather *g, const int64_t *rids, size_t n)
{
	struct pg_args a = pg_args(g->ctx->arena);
	PGresult *res;
	enum err err;
	int i;

	pg_int4(&a, g->plan->tn);
	pg_int2(&a, g->plan->search->type->number);
	pg_int8s(&a, rids, n);
	if ((err = pg_exec(g->ctx, &query_search_bodies, &a, &res)) != OK)
		return err;
	for (i = 0; i < PQntuples(res); i++)
		if (!pg_is_null(res, i, PAGE_BODY))
			take_place(g, pg_get_int8(res, i, PAGE_RID),
			    pg_get_str(res, i, PAGE_BODY));
	return OK;
}

static enum err
take_places(struct gather *g, const int64_t *rids, size_t n)
{
	struct arena *scratch = store_scratch(g->ctx);
	size_t at, some;
	enum err err = OK;

	g->kept = g->ctx->arena;
	g->places = arena_array(g->kept, n, sizeof(*g->places));
	g->ctx->arena = scratch;
	/* What went wrong is said in the scratch: then it stays. */
	for (at = 0; err == OK && at < n; at += some) {
		arena_reset(scratch);
		some = n - at < BODIES_MAX ? n - at : BODIES_MAX;
		err = take_bodies(g, rids + at, some);
	}
	g->ctx->arena = g->kept;
	return err;
}

/* --- their order ---------------------------------------------------------- */

static int
compare_keys(const struct order_key *a, const struct order_key *b)
{
	switch (a->kind) {
	case ORDER_TEXT:
		return str_cmp(a->s, b->s);
	case ORDER_NUMBER:
		return (a->number > b->number) - (a->number < b->number);
	case ORDER_TIME:
		break;
	}
	return (a->us > b->us) - (a->us < b->us);
}

static int
compare_places(const void *x, const void *y, void *arg)
{
	const struct plan *plan = arg;
	const struct place *a = x, *b = y;
	bool down = plan->descending != plan->backwards;
	size_t i;

	for (i = 0; i < plan->search->nsort; i++) {
		int cmp = compare_keys(&a->keys[i], &b->keys[i]);

		if (cmp != 0)
			return plan->search->sort[i].descending !=
			    plan->backwards ? -cmp : cmp;
	}
	return (a->rid > b->rid) - (a->rid < b->rid) == 0 ? 0 :
	    (a->rid > b->rid) == down ? -1 : 1;
}

/* --- the page ------------------------------------------------------------- */

static enum err
take_rids(struct ctx *ctx, const struct plan *plan, int64_t **rids, size_t *n)
{
	struct pg_query q;
	struct pg_args a;
	PGresult *res;
	enum err err;
	size_t i;

	search_sql_rids(ctx, plan, SEARCH_GATHER_MAX + 1, &q, &a);
	if ((err = pg_exec(ctx, &q, &a, &res)) != OK)
		return err;
	*n = (size_t)PQntuples(res);
	if (*n > SEARCH_GATHER_MAX)
		return search_too_many(ctx, plan);
	*rids = arena_array(ctx->arena, *n, sizeof(**rids));
	for (i = 0; i < *n; i++)
		(*rids)[i] = pg_get_int8(res, (int)i, 0);
	return OK;
}

enum err
search_order(struct ctx *ctx, const struct plan *plan, int64_t limit,
    int64_t skip, struct place **out, size_t *n)
{
	struct gather g = { .ctx = ctx, .plan = plan };
	int64_t *rids = NULL;
	size_t found = 0, from = 0;
	enum err err;

	*n = 0;
	if ((err = store_key_space(ctx, &g.space)) != OK ||
	    (err = take_rids(ctx, plan, &rids, &found)) != OK ||
	    (err = take_places(&g, rids, found)) != OK)
		return err;
	qsort_r(g.places, g.n, sizeof(*g.places), compare_places,
	    (void *)(uintptr_t)plan);
	while (plan->placed && from < g.n && compare_places(&g.places[from],
	    &plan->place, (void *)(uintptr_t)plan) <= 0)
		from++;
	from += (size_t)skip < g.n - from ? (size_t)skip : g.n - from;
	*out = g.places + from;
	*n = g.n - from < (size_t)limit ? g.n - from : (size_t)limit;
	return OK;
}
