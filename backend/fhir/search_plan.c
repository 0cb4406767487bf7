/*
 * Which index is walked for a search. Whatever could drive is counted up to a
 * bound and the rarest does, so no plan depends on the database's statistics.
 * A sort key of its own is walked too, unless so few records match that they
 * are gathered and sorted.
 */

#include "fhir/search_plan.h"

#include <math.h>

#include "base/when.h"
#include "fhir/search_count.h"
#include "queries.h"

/* Counting two lists costs less than walking the wrong one from here on. */
#define COUNT_ENOUGH	256

/* Behind every text. */
#define TEXT_LAST	"\xf4\x8f\xbf\xbf"

/* --- order and segments, once the driver is known ------------------------- */

/* Sorted by `at`, which postings and the walk of a type are. */
static bool
sorted_by_at(const struct plan *plan)
{
	const struct search *search = plan->search;

	return search->nsort == 1 && search->sort[0].kind == SEARCH_DATE &&
	    search_is_primary(plan, search->sort[0].param);
}

bool
search_sort_in_body(const struct search_sort *sort)
{
	switch (sort->kind) {
	case SEARCH_TOKEN:
	case SEARCH_REFERENCE:
	case SEARCH_URI:
		return true;
	default:
		return sort->param != NULL && sort->param->parts != NULL;
	}
}

static bool
needs_bodies(const struct search *search)
{
	size_t i;

	for (i = 0; i < search->nsort; i++)
		if (search_sort_in_body(&search->sort[i]))
			return true;
	return false;
}

enum order_kind
search_sort_order(const struct search_sort *sort)
{
	switch (sort->kind) {
	case SEARCH_DATE:
	case SEARCH_UPDATED:
		return ORDER_TIME;
	case SEARCH_NUMBER:
	case SEARCH_QUANTITY:
		return ORDER_NUMBER;
	default:
		return ORDER_TEXT;
	}
}

struct order_key
search_sort_missing(const struct search_sort *sort)
{
	return (struct order_key){
		.kind = search_sort_order(sort),
		.us = sort->descending ? WHEN_MIN : WHEN_MAX,
		.s = sort->descending ? STR("") : STR(TEXT_LAST),
		.number = sort->descending ? -HUGE_VAL : HUGE_VAL,
	};
}

/* Walks of one parameter's values, which a record may lack. */
static bool
walks_values(enum driver driver)
{
	return driver == DRIVE_DATE || driver == DRIVE_STRING ||
	    driver == DRIVE_MEASURE;
}

bool
search_plan_settle(struct plan *plan)
{
	const struct search_sort *sort = plan->search->nsort == 0 ? NULL :
	    &plan->search->sort[0];

	if (plan->driver >= DRIVE__MAX || plan->drives < -1 ||
	    plan->drives >= (int)plan->n)
		return false;
	plan->segments = 1;
	plan->walked = plan->drives >= 0 ? plan->probes[plan->drives].param :
	    sort != NULL ? sort->param : NULL;
	if (sort != NULL)
		plan->descending = sort->descending;
	else
		plan->descending = plan->driver != DRIVE_STRING &&
		    plan->driver != DRIVE_MEASURE &&
		    plan->driver != DRIVE_COMPOSITE;
	plan->bodies = plan->gather && needs_bodies(plan->search);
	if (plan->gather || sort == NULL)
		return true;
	if (sorted_by_at(plan) ? !sort->descending : plan->drives < 0 &&
	    walks_values(plan->driver))
		plan->segments = 2;
	return true;
}

bool
search_walks_missing(const struct plan *plan)
{
	return plan->segment == 1 && !plan->gather &&
	    walks_values(plan->driver);
}

/* --- the choice ----------------------------------------------------------- */

static int
probe_of_kind(const struct plan *plan, enum probe_kind kind,
    const struct r4_param *param)
{
	size_t i;

	for (i = 0; i < plan->n; i++)
		if (plan->probes[i].kind == kind &&
		    (param == NULL || plan->probes[i].param == param))
			return (int)i;
	return -1;
}

static void
drive(struct plan *plan, enum driver driver, int probe, bool gather)
{
	plan->driver = driver;
	plan->drives = probe;
	plan->gather = gather;
}

/* The walk of the one sort key's own index, which its own condition narrows. */
static void
walk_sort_key(struct plan *plan)
{
	const struct search_sort *sort = &plan->search->sort[0];

	switch (sort->kind) {
	case SEARCH_NUMBER:
	case SEARCH_QUANTITY:
		drive(plan, DRIVE_MEASURE,
		    probe_of_kind(plan, PROBE_MEASURE, sort->param), false);
		break;
	case SEARCH_ID:
		drive(plan, DRIVE_ID, -1, false);
		break;
	case SEARCH_UPDATED:
		drive(plan, DRIVE_UPDATED,
		    probe_of_kind(plan, PROBE_UPDATED, NULL), false);
		break;
	case SEARCH_STRING:
		drive(plan, DRIVE_STRING,
		    probe_of_kind(plan, PROBE_STRING, sort->param), false);
		break;
	default:
		drive(plan, DRIVE_DATE,
		    probe_of_kind(plan, PROBE_DATE, sort->param), false);
		break;
	}
}

enum err
search_too_many(struct ctx *ctx, const struct plan *plan)
{
	return fail(ctx, ERR_NOT_SUPPORTED,
	    "Too many %s records for this _sort (more than %d); sort by one "
	    "date, string or number, or narrow the search",
	    plan->search->type->name, SEARCH_GATHER_MAX);
}

static enum err
gather_type(struct ctx *ctx, struct plan *plan)
{
	struct pg_args a = pg_args(ctx->arena);
	PGresult *res;
	enum err err;

	pg_int4(&a, plan->tn);
	pg_int2(&a, plan->search->type->number);
	pg_int8(&a, SEARCH_GATHER_MAX + 1);
	if ((err = pg_exec(ctx, &query_search_count_type, &a, &res)) != OK)
		return err;
	if (pg_get_int8(res, 0, 0) > SEARCH_GATHER_MAX)
		return search_too_many(ctx, plan);
	drive(plan, DRIVE_TYPE, -1, true);
	return OK;
}

static void
choose_natural(struct plan *plan, const struct candidate *best)
{
	int updated = probe_of_kind(plan, PROBE_UPDATED, NULL);

	if (best != NULL)
		drive(plan, best->driver, best->probe, false);
	else if (updated >= 0 && probe_of_kind(plan, PROBE_DATE, NULL) < 0)
		drive(plan, DRIVE_UPDATED, updated, false);
	else
		drive(plan, DRIVE_TYPE, -1, false);
}

/* One key, which has an index in its order. */
static bool
has_walk(const struct search *search)
{
	return search->nsort == 1 && !needs_bodies(search);
}

static enum err
choose_sorted(struct ctx *ctx, struct plan *plan,
    const struct candidate *best)
{
	bool whole = plan->search->ntypes > 0 ||
	    (best != NULL && best->driver == DRIVE_RH);
	int64_t bound = has_walk(plan->search) && !whole ?
	    SEARCH_GATHER_ONE : SEARCH_GATHER_MAX;
	int post = probe_of_kind(plan, PROBE_POST, NULL);

	if (best != NULL && sorted_by_at(plan) && best->driver == DRIVE_POST)
		drive(plan, DRIVE_POST, best->probe, false);
	else if (best != NULL && best->count <= bound)
		drive(plan, best->driver, best->probe, true);
	else if (plan->search->ntypes > 0 && has_walk(plan->search) &&
	    plan->search->sort[0].kind == SEARCH_UPDATED)
		walk_sort_key(plan);
	else if (plan->search->ntypes > 0)
		return fail(ctx, ERR_NOT_SUPPORTED,
		    "Too many records of all types to sort (more than %d); "
		    "name the type or narrow the search", SEARCH_GATHER_MAX);
	else if (sorted_by_at(plan))
		drive(plan, post >= 0 ? DRIVE_POST : DRIVE_TYPE, post, false);
	else if (has_walk(plan->search))
		walk_sort_key(plan);
	else
		return gather_type(ctx, plan);
	return OK;
}

/* Whether it matters which candidate is the rarest, or how rare it is. */
static bool
must_count(const struct plan *plan, const struct candidates *all)
{
	if (search_has_driver(all, DRIVE_LIKE))
		return true;
	if (all->n == 0 || (all->n == 1 && plan->search->nsort == 0))
		return false;
	if (plan->search->nsort > 0 && !sorted_by_at(plan))
		return true;
	return all->n > 1 ? search_rarest(all)->rank > 0 :
	    all->v[0].driver != DRIVE_POST;
}

enum err
search_plan(struct ctx *ctx, struct plan *plan)
{
	const struct search *search = plan->search;
	struct candidates all = { .n = 0 };
	int ids = probe_of_kind(plan, PROBE_ID, NULL);
	int64_t bound = search->nsort == 0 ? COUNT_ENOUGH :
	    has_walk(search) && search->ntypes == 0 ?
	    SEARCH_GATHER_ONE + 1 : SEARCH_GATHER_MAX + 1;
	enum err err = OK;

	search_list_candidates(plan, &all);
	if (ids >= 0) {
		drive(plan, DRIVE_PICK, ids, search->nsort > 0);
	} else {
		if (must_count(plan, &all))
			err = search_count_candidates(ctx, plan, &all, bound);
		if (err == OK && search->nsort == 0)
			choose_natural(plan, search_rarest(&all));
		else if (err == OK)
			err = choose_sorted(ctx, plan, search_rarest(&all));
	}
	if (err == OK)
		search_plan_settle(plan);
	return err;
}
