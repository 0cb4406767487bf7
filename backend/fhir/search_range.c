/*
 * Where a type's primary date must lie for a condition on it to match, as
 * ranges of `at`, by which postings and types are walked.
 */

#include "fhir/search_plan.h"

#include "base/when.h"

bool
search_is_primary(const struct plan *plan, const struct r4_param *param)
{
	return param != NULL && param == plan->search->type->primary_date;
}

int64_t
search_later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

int64_t
search_earlier(int64_t a, int64_t b)
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
			t->lo[i] = search_earlier(t->lo[i], lo);
			t->hi[i] = search_later(t->hi[i], hi);
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
	int64_t lo = search_later(b->lo_min[i], first);
	int64_t hi = search_earlier(search_earlier(b->lo_max[i],
	    b->hi_max[i]), last);
	int64_t narrow = lo;

	if (b->hi_min[i] != WHEN_MIN)
		narrow = search_later(lo, b->hi_min[i] - US_PER_DAY);
	add_range(t, narrow, hi, false);
	add_range(t, lo, search_earlier(narrow, hi), true);
}

/* Cut [*first, *last) to where any of the boxes can match at all. */
static void
cut_to_boxes(const struct boxes *b, int64_t *first, int64_t *last)
{
	int64_t lo = WHEN_MAX, hi = WHEN_MIN;
	size_t i;

	for (i = 0; i < b->n; i++) {
		lo = search_earlier(lo, b->lo_min[i]);
		hi = search_later(hi, search_earlier(b->lo_max[i],
		    b->hi_max[i]));
	}
	*first = search_later(*first, lo);
	*last = search_earlier(*last, hi);
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
		    !search_is_primary(plan, plan->probes[i].param))
			continue;
		cut_to_boxes(&plan->probes[i].boxes, &first, &last);
		if (probe == NULL)
			probe = &plan->probes[i];
	}
	if (probe != NULL)
		room = probe->boxes.n * 2;
	if (plan->segments == 2 && plan->segment == 0)
		first = search_later(first, SEARCH_AT_FIRST);
	else if (plan->segments == 2 && !search_walks_missing(plan))
		last = search_earlier(last, SEARCH_AT_FIRST);
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
