/*
 * Which index is walked for a search. Whatever could drive is counted up to a
 * bound and the rarest does, so no plan depends on the database's statistics.
 * A sort key of its own is walked too, unless so few records match that they
 * are gathered and sorted.
 */

#include "fhir/search_plan.h"

#include "base/when.h"
#include "queries.h"

/* Counting two lists costs less than walking the wrong one from here on. */
#define COUNT_ENOUGH	256

/* --- order and segments, once the driver is known ------------------------- */

static bool
is_primary(const struct plan *plan, const struct r4_param *param)
{
	return param != NULL && param == plan->search->type->primary_date;
}

/* Sorted by `at`, which postings and the walk of a type are. */
static bool
sorted_by_at(const struct plan *plan)
{
	const struct search *search = plan->search;

	return search->nsort == 1 && search->sort[0].kind == SEARCH_DATE &&
	    is_primary(plan, search->sort[0].param);
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
		plan->descending = plan->driver != DRIVE_STRING;
	if (plan->gather || sort == NULL)
		return true;
	if (sorted_by_at(plan) ? !sort->descending : plan->drives < 0 &&
	    (plan->driver == DRIVE_DATE || plan->driver == DRIVE_STRING))
		plan->segments = 2;
	return true;
}

bool
search_walks_missing(const struct plan *plan)
{
	return plan->segment == 1 && !plan->gather &&
	    (plan->driver == DRIVE_DATE || plan->driver == DRIVE_STRING);
}

/* --- the primary date as a range of the walk ------------------------------ */

static int64_t
larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t
smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static void
add_range(struct time_ranges *t, int64_t lo, int64_t hi, bool wide)
{
	size_t i;

	if (lo >= hi)
		return;
	/* A wide range ends where its own long values must reach: kept. */
	for (i = 0; i < t->n && !wide; i++)
		if (!t->wide[i] && lo <= t->hi[i] && hi >= t->lo[i]) {
			t->lo[i] = smaller(t->lo[i], lo);
			t->hi[i] = larger(t->hi[i], hi);
			return;
		}
	t->lo[t->n] = lo;
	t->hi[t->n] = hi;
	t->wide[t->n++] = wide;
}

/*
 * A value of at most a day that ends after hi_min begins after hi_min - 1 day;
 * a longer one may begin anywhere before that.
 */
static void
add_box_ranges(struct time_ranges *t, const struct boxes *b, size_t i,
    int64_t first, int64_t last)
{
	int64_t lo = larger(b->lo_min[i], first);
	int64_t hi = smaller(smaller(b->lo_max[i], b->hi_max[i]), last);
	int64_t narrow = lo;

	if (b->hi_min[i] != WHEN_MIN)
		narrow = larger(lo, b->hi_min[i] - US_PER_DAY);
	add_range(t, narrow, hi, false);
	add_range(t, lo, smaller(narrow, hi), true);
}

/* Cut [*first, *last) to where any of the boxes can match at all. */
static void
cut_to_boxes(const struct boxes *b, int64_t *first, int64_t *last)
{
	int64_t lo = WHEN_MAX, hi = WHEN_MIN;
	size_t i;

	for (i = 0; i < b->n; i++) {
		lo = smaller(lo, b->lo_min[i]);
		hi = larger(hi, smaller(b->lo_max[i], b->hi_max[i]));
	}
	*first = larger(*first, lo);
	*last = smaller(*last, hi);
}

/*
 * The first probe on the primary date gives the ranges, all others cut them:
 * date=ge2020&date=lt2021 is one year of the walk.
 */
struct time_ranges
search_at_ranges(struct ctx *ctx, const struct plan *plan)
{
	int64_t first = WHEN_MIN, last = WHEN_MAX;
	const struct probe *probe = NULL;
	struct time_ranges t = { .n = 0 };
	size_t room = 1;
	size_t i;

	for (i = 0; i < plan->n; i++) {
		if (plan->probes[i].kind != PROBE_DATE ||
		    !is_primary(plan, plan->probes[i].param))
			continue;
		cut_to_boxes(&plan->probes[i].boxes, &first, &last);
		if (probe == NULL)
			probe = &plan->probes[i];
	}
	if (probe != NULL)
		room = probe->boxes.n * 2;
	if (plan->segments == 2 && plan->segment == 0)
		first = larger(first, SEARCH_AT_FIRST);
	else if (plan->segments == 2 && !search_walks_missing(plan))
		last = smaller(last, SEARCH_AT_FIRST);
	t.lo = arena_array(ctx->arena, room, sizeof(*t.lo));
	t.hi = arena_array(ctx->arena, room, sizeof(*t.hi));
	t.wide = arena_array(ctx->arena, room, sizeof(*t.wide));
	if (probe == NULL)
		add_range(&t, first, last, false);
	else
		for (i = 0; i < probe->boxes.n; i++)
			add_box_ranges(&t, &probe->boxes, i, first, last);
	return t;
}

/* --- candidates ----------------------------------------------------------- */

struct candidate {
	enum driver	driver;
	int		probe;		/* -1 = none */
	int64_t		count;		/* INT64_MAX = not counted */
	int		rank;		/* of equals the lowest drives */
};

struct candidates {
	struct candidate	v[SEARCH_CONDITIONS_MAX];
	size_t			n;
};

static void
list_candidates(const struct plan *plan, struct candidates *all)
{
	const struct probe *p;
	struct candidate c;
	size_t i;

	for (i = 0; i < plan->n; i++) {
		p = &plan->probes[i];
		c = (struct candidate){ .probe = (int)i,
			.count = INT64_MAX };
		if (p->kind == PROBE_POST) {
			c.driver = DRIVE_POST;
			c.rank = p->rare ? 0 :
			    p->param->kind == R4_REFERENCE ? 1 : 2;
		} else if (p->kind == PROBE_STRING) {
			c.driver = DRIVE_STRING;
			c.rank = 3;
		} else if (p->kind == PROBE_DATE &&
		    !is_primary(plan, p->param)) {
			c.driver = DRIVE_DATE;
			c.rank = 4;
		} else {
			continue;
		}
		all->v[all->n++] = c;
	}
}

/* Flat arrays for the three counting statements. */
struct count_rows {
	int32_t		*c;
	int16_t		*param;
	size_t		 n;
};

static struct count_rows
count_rows(struct ctx *ctx, size_t room)
{
	struct count_rows rows = { .n = 0 };

	rows.c = arena_array(ctx->arena, room, sizeof(*rows.c));
	rows.param = arena_array(ctx->arena, room, sizeof(*rows.param));
	return rows;
}

static size_t
count_room(const struct plan *plan)
{
	size_t room = 1;
	size_t i;

	for (i = 0; i < plan->n; i++)
		room += plan->probes[i].posts.n + plan->probes[i].texts.n +
		    plan->probes[i].boxes.n;
	return room;
}

static void
send_posts_count(struct ctx *ctx, const struct plan *plan,
    const struct candidates *all, int64_t bound)
{
	size_t room = count_room(plan);
	struct count_rows rows = count_rows(ctx, room);
	int64_t *k = arena_array(ctx->arena, room, sizeof(*k));
	int32_t *lo = arena_array(ctx->arena, room, sizeof(*lo));
	int32_t *hi = arena_array(ctx->arena, room, sizeof(*hi));
	struct pg_args a = pg_args(ctx->arena);
	const struct posts *p;
	size_t i, j;

	for (i = 0; i < all->n; i++) {
		if (all->v[i].driver != DRIVE_POST)
			continue;
		p = &plan->probes[all->v[i].probe].posts;
		for (j = 0; j < p->n; j++, rows.n++) {
			rows.c[rows.n] = (int32_t)i;
			k[rows.n] = p->k[j];
			lo[rows.n] = p->aux_lo[j];
			hi[rows.n] = p->aux_hi[j];
		}
	}
	pg_int4s(&a, rows.c, rows.n);
	pg_int8s(&a, k, rows.n);
	pg_int4s(&a, lo, rows.n);
	pg_int4s(&a, hi, rows.n);
	pg_int8(&a, bound);
	pg_send(ctx, &query_search_count_posts, &a);
}

static void
send_texts_count(struct ctx *ctx, const struct plan *plan,
    const struct candidates *all, int64_t bound)
{
	size_t room = count_room(plan);
	struct count_rows rows = count_rows(ctx, room);
	struct str *lo = arena_array(ctx->arena, room, sizeof(*lo));
	struct str *hi = arena_array(ctx->arena, room, sizeof(*hi));
	struct pg_args a = pg_args(ctx->arena);
	const struct probe *p;
	size_t i, j;

	for (i = 0; i < all->n; i++) {
		if (all->v[i].driver != DRIVE_STRING)
			continue;
		p = &plan->probes[all->v[i].probe];
		for (j = 0; j < p->texts.n; j++, rows.n++) {
			rows.c[rows.n] = (int32_t)i;
			rows.param[rows.n] = p->param->number;
			lo[rows.n] = p->texts.lo[j];
			hi[rows.n] = p->texts.hi[j];
		}
	}
	pg_int4(&a, plan->tn);
	pg_int2(&a, plan->search->type->number);
	pg_int4s(&a, rows.c, rows.n);
	pg_int2s(&a, rows.param, rows.n);
	pg_texts(&a, lo, rows.n);
	pg_texts(&a, hi, rows.n);
	pg_int8(&a, bound);
	pg_send(ctx, &query_search_count_texts, &a);
}

static void
send_dates_count(struct ctx *ctx, const struct plan *plan,
    const struct candidates *all, int64_t bound)
{
	size_t room = count_room(plan);
	struct count_rows rows = count_rows(ctx, room);
	int64_t *lo = arena_array(ctx->arena, room, sizeof(*lo));
	int64_t *hi = arena_array(ctx->arena, room, sizeof(*hi));
	struct pg_args a = pg_args(ctx->arena);
	const struct probe *p;
	size_t i, j;

	for (i = 0; i < all->n; i++) {
		if (all->v[i].driver != DRIVE_DATE)
			continue;
		p = &plan->probes[all->v[i].probe];
		for (j = 0; j < p->boxes.n; j++, rows.n++) {
			rows.c[rows.n] = (int32_t)i;
			rows.param[rows.n] = p->param->number;
			lo[rows.n] = p->boxes.lo_min[j];
			if (p->boxes.hi_min[j] != WHEN_MIN)
				lo[rows.n] = larger(lo[rows.n],
				    p->boxes.hi_min[j] - US_PER_DAY);
			hi[rows.n] = smaller(p->boxes.lo_max[j],
			    p->boxes.hi_max[j]);
		}
	}
	pg_int4(&a, plan->tn);
	pg_int2(&a, plan->search->type->number);
	pg_int4s(&a, rows.c, rows.n);
	pg_int2s(&a, rows.param, rows.n);
	pg_times(&a, lo, rows.n);
	pg_times(&a, hi, rows.n);
	pg_int8(&a, bound);
	pg_send(ctx, &query_search_count_dates, &a);
}

static bool
has_driver(const struct candidates *all, enum driver driver)
{
	size_t i;

	for (i = 0; i < all->n; i++)
		if (all->v[i].driver == driver)
			return true;
	return false;
}

/* Count all candidates up to a bound, in one round trip. */
static enum err
count_candidates(struct ctx *ctx, const struct plan *plan,
    struct candidates *all, int64_t bound)
{
	PGresult *results[3];
	size_t i;
	int sent = 0, r, row;
	enum err err;

	if (has_driver(all, DRIVE_POST) && ++sent > 0)
		send_posts_count(ctx, plan, all, bound);
	if (has_driver(all, DRIVE_STRING) && ++sent > 0)
		send_texts_count(ctx, plan, all, bound);
	if (has_driver(all, DRIVE_DATE) && ++sent > 0)
		send_dates_count(ctx, plan, all, bound);
	if ((err = pg_flush(ctx, results, sent)) != OK)
		return err;
	for (i = 0; i < all->n; i++)
		all->v[i].count = 0;
	for (r = 0; r < sent; r++)
		for (row = 0; row < PQntuples(results[r]); row++)
			all->v[pg_get_int4(results[r], row, 0)].count =
			    smaller(pg_get_int8(results[r], row, 1), bound);
	return OK;
}

static const struct candidate *
rarest(const struct candidates *all)
{
	const struct candidate *best = NULL, *c;
	size_t i;

	for (i = 0; i < all->n; i++) {
		c = &all->v[i];
		if (best == NULL || c->count < best->count ||
		    (c->count == best->count && c->rank < best->rank))
			best = c;
	}
	return best;
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

/* The walk of the one sort key's own index. */
static void
walk_sort_key(struct plan *plan)
{
	const struct search_sort *sort = &plan->search->sort[0];

	switch (sort->kind) {
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
		return fail(ctx, ERR_NOT_SUPPORTED,
		    "Too many %s records to sort by several keys (more than "
		    "%d); sort by one key or narrow the search",
		    plan->search->type->name, SEARCH_GATHER_MAX);
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

static enum err
choose_sorted(struct ctx *ctx, struct plan *plan,
    const struct candidate *best)
{
	int64_t bound = plan->search->nsort == 1 ? SEARCH_GATHER_ONE :
	    SEARCH_GATHER_MAX;
	int post = probe_of_kind(plan, PROBE_POST, NULL);

	if (best != NULL && sorted_by_at(plan) && best->driver == DRIVE_POST)
		drive(plan, DRIVE_POST, best->probe, false);
	else if (best != NULL && best->count <= bound)
		drive(plan, best->driver, best->probe, true);
	else if (sorted_by_at(plan))
		drive(plan, post >= 0 ? DRIVE_POST : DRIVE_TYPE, post, false);
	else if (plan->search->nsort == 1)
		walk_sort_key(plan);
	else
		return gather_type(ctx, plan);
	return OK;
}

/* Whether it matters which candidate is the rarest, or how rare it is. */
static bool
must_count(const struct plan *plan, const struct candidates *all)
{
	if (all->n == 0 || (all->n == 1 && plan->search->nsort == 0))
		return false;
	if (plan->search->nsort > 0 && !sorted_by_at(plan))
		return true;
	return all->n > 1 ? rarest(all)->rank > 0 :
	    all->v[0].driver != DRIVE_POST;
}

enum err
search_plan(struct ctx *ctx, struct plan *plan)
{
	const struct search *search = plan->search;
	struct candidates all = { .n = 0 };
	int ids = probe_of_kind(plan, PROBE_ID, NULL);
	int64_t bound = search->nsort == 0 ? COUNT_ENOUGH :
	    search->nsort == 1 ? SEARCH_GATHER_ONE + 1 : SEARCH_GATHER_MAX + 1;
	enum err err = OK;

	list_candidates(plan, &all);
	if (ids >= 0) {
		drive(plan, DRIVE_PICK, ids, search->nsort > 0);
	} else {
		if (must_count(plan, &all))
			err = count_candidates(ctx, plan, &all, bound);
		if (err == OK && search->nsort == 0)
			choose_natural(plan, rarest(&all));
		else if (err == OK)
			err = choose_sorted(ctx, plan, rarest(&all));
	}
	if (err == OK)
		search_plan_settle(plan);
	return err;
}
