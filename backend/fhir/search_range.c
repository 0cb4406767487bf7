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
	if (lo >= hi)
		return;
	t->lo[t->n] = lo;
	t->hi[t->n] = hi;
	t->wide[t->n] = wide;
	t->end[t->n] = INT32_MIN;
	t->sure[t->n++] = false;
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

static void
drop_range(struct time_ranges *t, size_t i)
{
	t->n--;
	t->lo[i] = t->lo[t->n];
	t->hi[i] = t->hi[t->n];
	t->wide[i] = t->wide[t->n];
}

/* Narrow ranges that meet become one; false when none do. */
static bool
merge_two(struct time_ranges *t)
{
	size_t i, j;

	for (i = 0; i < t->n; i++)
		for (j = i + 1; j < t->n; j++) {
			if (t->wide[i] || t->wide[j] || t->lo[i] > t->hi[j] ||
			    t->lo[j] > t->hi[i])
				continue;
			t->lo[i] = search_earlier(t->lo[i], t->lo[j]);
			t->hi[i] = search_later(t->hi[i], t->hi[j]);
			drop_range(t, j);
			return true;
		}
	return false;
}

/* What is wide is in a narrow range, too, so there a wide one need not look:
 * date=ge2015 begins in 2015, and only what began before it may be long. */
static void
cut_wide(struct time_ranges *t, size_t i)
{
	size_t j;

	for (j = 0; j < t->n && t->wide[i]; j++) {
		if (t->wide[j] || t->lo[j] >= t->hi[i] || t->hi[j] <= t->lo[i])
			continue;
		if (t->hi[j] >= t->hi[i])
			t->hi[i] = search_later(t->lo[j], t->lo[i]);
		else if (t->lo[j] <= t->lo[i])
			t->lo[i] = t->hi[j];
	}
}

/* Nothing is left of range i, or another one is the same. */
static bool
is_spare(const struct time_ranges *t, size_t i)
{
	size_t j;

	for (j = 0; j < i; j++)
		if (t->wide[j] == t->wide[i] && t->lo[j] == t->lo[i] &&
		    t->hi[j] == t->hi[i])
			return true;
	return t->lo[i] >= t->hi[i];
}

static void
tidy(struct time_ranges *t)
{
	size_t i;

	while (merge_two(t))
		;
	for (i = 0; i < t->n; i++)
		cut_wide(t, i);
	for (i = t->n; i-- > 0;)
		if (is_spare(t, i))
			drop_range(t, i);
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

/* --- where a date is sure to match ---------------------------------------- */

static bool
is_primary_date(const struct plan *plan, const struct probe *p)
{
	return p->kind == PROBE_DATE && search_is_primary(plan, p->param);
}

/*
 * Where a record that has a date at all must match the box: its date ends where
 * it begins or later, so only a box that bounds its end leaves that open.
 */
static bool
sure_of(const struct boxes *b, size_t i, int64_t *lo, int64_t *hi)
{
	*lo = search_later(search_later(b->lo_min[i], b->hi_min[i]),
	    SEARCH_AT_FIRST);
	*hi = b->lo_max[i];
	return b->hi_max[i] == WHEN_MAX && *lo < *hi;
}

/* The end of the piece of [lo, hi) from lo on that one box of p is sure of, or
 * none is: *sure says which. */
static int64_t
piece(const struct probe *p, int64_t lo, int64_t hi, bool *sure)
{
	int64_t from, to, end = hi;
	size_t i;

	*sure = false;
	for (i = 0; i < p->boxes.n; i++) {
		if (!sure_of(&p->boxes, i, &from, &to))
			continue;
		if (from <= lo && lo < to) {
			*sure = true;
			return search_earlier(to, hi);
		}
		if (from > lo)
			end = search_earlier(end, from);
	}
	return end;
}

/*
 * The key_end from which on a wide date that begins in [lo, hi) is sure to
 * match p, and below which none does; false when it would have to be looked at.
 * Of the probe that gives the ranges (own) a box without hi_min has one of its
 * own for all that match it.
 */
static bool
end_of(const struct probe *p, bool own, int64_t lo, int64_t hi, int32_t *out)
{
	const struct boxes *b = &p->boxes;
	bool found = false;
	size_t i;

	for (i = 0; i < b->n; i++) {
		int32_t end = INT32_MIN;

		if (b->lo_min[i] >= hi || b->lo_max[i] <= lo)
			continue;
		if (own && b->hi_min[i] == WHEN_MIN)
			continue;
		/* What one box would have looked at, another must not cut
		 * off: its end may be an earlier one. */
		if (b->lo_min[i] > lo || b->lo_max[i] < hi ||
		    b->hi_max[i] != WHEN_MAX)
			return false;
		if (b->hi_min[i] != WHEN_MIN)
			end = key_end(b->hi_min[i]);
		if (end == INT32_MAX || (b->hi_min[i] != WHEN_MIN &&
		    b->hi_min[i] % (60 * US_PER_SECOND) != 0))
			return false;
		if (b->hi_min[i] != WHEN_MIN)
			end++;
		if (!found || end < *out)
			*out = end;
		found = true;
	}
	return found;
}

static void
add_wide(struct time_ranges *t, const struct plan *plan, int64_t lo,
    int64_t hi)
{
	int32_t end = INT32_MIN, one = INT32_MIN;
	bool sure = true, own = true;
	size_t i;

	for (i = 0; i < plan->n && sure; i++) {
		if (!is_primary_date(plan, &plan->probes[i]))
			continue;
		sure = end_of(&plan->probes[i], own, lo, hi, &one);
		end = one > end ? one : end;
		own = false;
	}
	t->lo[t->n] = lo;
	t->hi[t->n] = hi;
	t->wide[t->n] = true;
	t->end[t->n] = sure ? end : INT32_MIN;
	t->sure[t->n++] = sure;
}

/* A narrow range in pieces, each of which all dates are sure of, or not. Where
 * room ends the rest is one that is not: ranges may overlap. */
static void
add_narrow(struct time_ranges *t, const struct plan *plan, int64_t lo,
    int64_t hi, size_t room)
{
	int64_t end;
	bool sure, one;
	size_t i;

	for (; lo < hi; lo = end) {
		bool cut = t->n + 1 < room;

		end = hi;
		sure = cut;
		for (i = 0; i < plan->n && cut; i++) {
			if (!is_primary_date(plan, &plan->probes[i]))
				continue;
			end = piece(&plan->probes[i], lo, end, &one);
			sure = sure && one;
		}
		t->lo[t->n] = lo;
		t->hi[t->n] = end;
		t->wide[t->n] = false;
		t->end[t->n] = INT32_MIN;
		t->sure[t->n++] = sure;
	}
}

static struct time_ranges
ranges_new(struct ctx *ctx, size_t room)
{
	struct time_ranges t = { .n = 0 };

	t.lo = arena_array(ctx->arena, room, sizeof(*t.lo));
	t.hi = arena_array(ctx->arena, room, sizeof(*t.hi));
	t.wide = arena_array(ctx->arena, room, sizeof(*t.wide));
	t.sure = arena_array(ctx->arena, room, sizeof(*t.sure));
	t.end = arena_array(ctx->arena, room, sizeof(*t.end));
	return t;
}

/* The same ranges, and of each what is sure in it. */
static struct time_ranges
look_closely(struct ctx *ctx, const struct plan *plan,
    const struct time_ranges *whole)
{
	size_t room = whole->n, i;
	struct time_ranges t;

	for (i = 0; i < plan->n; i++)
		if (is_primary_date(plan, &plan->probes[i]))
			room += plan->probes[i].boxes.n * 2 + 1;
	t = ranges_new(ctx, room);
	for (i = 0; i < whole->n; i++)
		if (whole->wide[i])
			add_wide(&t, plan, whole->lo[i], whole->hi[i]);
		else
			add_narrow(&t, plan, whole->lo[i], whole->hi[i],
			    room - (whole->n - i - 1));
	return t;
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
	struct time_ranges t;
	size_t room = 1;
	size_t i;

	for (i = 0; i < plan->n; i++) {
		if (!is_primary_date(plan, &plan->probes[i]))
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
	t = ranges_new(ctx, room);
	if (probe == NULL) {
		add_range(&t, first, last, false);
		return t;
	}
	for (i = 0; i < probe->boxes.n; i++)
		add_box_ranges(&t, &probe->boxes, i, first, last);
	tidy(&t);
	return look_closely(ctx, plan, &t);
}
