/*
 * The conditions that could drive a search, each counted up to a bound in one
 * round trip, so that the rarest drives.
 */

#include "fhir/search_count.h"

#include "base/when.h"
#include "queries.h"

void
search_list_candidates(const struct plan *plan, struct candidates *all)
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
			    p->paired || p->param == NULL ||
			    p->param->kind == R4_REFERENCE ?
			    1 : 2;
		} else if (p->kind == PROBE_RH) {
			c.driver = DRIVE_RH;
			c.count = (int64_t)p->hashes.n;
			c.rank = 1;
		} else if (p->kind == PROBE_STRING) {
			c.driver = DRIVE_STRING;
			c.rank = 3;
		} else if (p->kind == PROBE_DATE &&
		    !search_is_primary(plan, p->param)) {
			c.driver = DRIVE_DATE;
			c.rank = 4;
		} else if (p->kind == PROBE_LIKE && p->trigrams) {
			c.driver = DRIVE_LIKE;
			c.rank = 3;
		} else if (p->kind == PROBE_COMPOSITE) {
			c.driver = DRIVE_COMPOSITE;
			c.rank = 2;
		} else if (p->kind == PROBE_MEASURE) {
			c.driver = DRIVE_MEASURE;
			c.rank = 4;
		} else {
			continue;
		}
		all->v[all->n++] = c;
	}
}

/* Flat arrays for the counting statements. */
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
		    plan->probes[i].boxes.n + plan->probes[i].measures.n;
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
	pg_int4(&a, (int32_t)all->n - 1);
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
				lo[rows.n] = search_later(lo[rows.n],
				    p->boxes.hi_min[j] - US_PER_DAY);
			hi[rows.n] = search_earlier(p->boxes.lo_max[j],
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

/* All measures of the candidates with that driver, one after the other. */
static struct measures
gather_measures(struct ctx *ctx, const struct plan *plan,
    const struct candidates *all, enum driver driver, int32_t *of)
{
	size_t room = count_room(plan);
	struct measures m = { .n = 0 };
	size_t i, j;

	m.param = arena_array(ctx->arena, room, sizeof(*m.param));
	m.k = arena_array(ctx->arena, room, sizeof(*m.k));
	m.lo_min = arena_array(ctx->arena, room, sizeof(*m.lo_min));
	m.lo_max = arena_array(ctx->arena, room, sizeof(*m.lo_max));
	m.at_min = arena_array(ctx->arena, room, sizeof(*m.at_min));
	m.at_max = arena_array(ctx->arena, room, sizeof(*m.at_max));
	m.unit = arena_array(ctx->arena, room, sizeof(*m.unit));
	for (i = 0; i < all->n; i++) {
		const struct measures *one;

		if (all->v[i].driver != driver)
			continue;
		one = &plan->probes[all->v[i].probe].measures;
		for (j = 0; j < one->n; j++, m.n++) {
			of[m.n] = (int32_t)i;
			m.param[m.n] = one->param[j];
			m.k[m.n] = one->k[j];
			m.lo_min[m.n] = one->lo_min[j];
			m.lo_max[m.n] = one->lo_max[j];
			m.at_min[m.n] = one->at_min[j];
			m.at_max[m.n] = one->at_max[j];
			m.unit[m.n] = one->unit[j];
		}
	}
	return m;
}

static void
send_measures_count(struct ctx *ctx, const struct plan *plan,
    const struct candidates *all, int64_t bound)
{
	int32_t *of = arena_array(ctx->arena, count_room(plan), sizeof(*of));
	struct measures m = gather_measures(ctx, plan, all, DRIVE_MEASURE, of);
	struct pg_args a = pg_args(ctx->arena);

	pg_int4(&a, plan->tn);
	pg_int2(&a, plan->search->type->number);
	pg_int4s(&a, of, m.n);
	pg_int2s(&a, m.param, m.n);
	pg_float8s(&a, m.lo_min, m.n);
	pg_float8s(&a, m.lo_max, m.n);
	pg_float8s(&a, m.at_min, m.n);
	pg_float8s(&a, m.at_max, m.n);
	pg_int4s(&a, m.unit, m.n);
	pg_int8(&a, bound);
	pg_send(ctx, &query_search_count_measures, &a);
}

static void
send_composites_count(struct ctx *ctx, const struct plan *plan,
    const struct candidates *all, int64_t bound)
{
	int32_t *of = arena_array(ctx->arena, count_room(plan), sizeof(*of));
	struct measures m = gather_measures(ctx, plan, all, DRIVE_COMPOSITE,
	    of);
	struct pg_args a = pg_args(ctx->arena);

	pg_int4s(&a, of, m.n);
	pg_int8s(&a, m.k, m.n);
	pg_float8s(&a, m.lo_min, m.n);
	pg_float8s(&a, m.lo_max, m.n);
	pg_float8s(&a, m.at_min, m.n);
	pg_float8s(&a, m.at_max, m.n);
	pg_int8(&a, bound);
	pg_send(ctx, &query_search_count_composites, &a);
}

/* Patterns are counted further than others: there is no walk of theirs, only
 * all of them at once. */
static void
send_likes_count(struct ctx *ctx, const struct plan *plan,
    const struct candidates *all, int64_t bound)
{
	size_t room = count_room(plan);
	struct count_rows rows = count_rows(ctx, room);
	struct str *pattern = arena_array(ctx->arena, room, sizeof(*pattern));
	struct pg_args a = pg_args(ctx->arena);
	const struct probe *p;
	size_t i, j;

	(void)bound;
	for (i = 0; i < all->n; i++) {
		if (all->v[i].driver != DRIVE_LIKE)
			continue;
		p = &plan->probes[all->v[i].probe];
		for (j = 0; j < p->texts.n; j++, rows.n++) {
			rows.c[rows.n] = (int32_t)i;
			rows.param[rows.n] = p->param->number;
			pattern[rows.n] = p->texts.lo[j];
		}
	}
	pg_int4(&a, plan->tn);
	pg_int2(&a, plan->search->type->number);
	pg_int4s(&a, rows.c, rows.n);
	pg_int2s(&a, rows.param, rows.n);
	pg_texts(&a, pattern, rows.n);
	pg_int8(&a, SEARCH_LIKE_MAX + 1);
	pg_send(ctx, &query_search_count_likes, &a);
}

/* Patterns of too many texts drive nothing. */
static void
drop_frequent_likes(struct candidates *all)
{
	size_t i, kept = 0;

	for (i = 0; i < all->n; i++)
		if (all->v[i].driver != DRIVE_LIKE ||
		    all->v[i].count <= SEARCH_LIKE_MAX)
			all->v[kept++] = all->v[i];
	all->n = kept;
}

bool
search_has_driver(const struct candidates *all, enum driver driver)
{
	size_t i;

	for (i = 0; i < all->n; i++)
		if (all->v[i].driver == driver)
			return true;
	return false;
}

/* Count all candidates up to a bound, in one round trip. */
enum err
search_count_candidates(struct ctx *ctx, const struct plan *plan,
    struct candidates *all, int64_t bound)
{
	static const struct {
		enum driver	driver;
		void		(*send)(struct ctx *, const struct plan *,
				    const struct candidates *, int64_t);
	} counts[] = {
		{ DRIVE_POST, send_posts_count },
		{ DRIVE_STRING, send_texts_count },
		{ DRIVE_LIKE, send_likes_count },
		{ DRIVE_DATE, send_dates_count },
		{ DRIVE_MEASURE, send_measures_count },
		{ DRIVE_COMPOSITE, send_composites_count },
	};
	PGresult *results[sizeof(counts) / sizeof(counts[0])];
	size_t i;
	int sent = 0, r, row;
	enum err err;

	for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		if (search_has_driver(all, counts[i].driver)) {
			counts[i].send(ctx, plan, all, bound);
			sent++;
		}
	if ((err = pg_flush(ctx, results, sent)) != OK)
		return err;
	for (i = 0; i < all->n; i++)
		if (all->v[i].driver != DRIVE_RH)
			all->v[i].count = 0;
	for (r = 0; r < sent; r++)
		for (row = 0; row < PQntuples(results[r]); row++)
			all->v[pg_get_int4(results[r], row, 0)].count =
			    pg_get_int8(results[r], row, 1);
	for (i = 0; i < all->n; i++)
		if (all->v[i].driver != DRIVE_LIKE)
			all->v[i].count = search_earlier(all->v[i].count,
			    bound);
	drop_frequent_likes(all);
	return OK;
}

const struct candidate *
search_rarest(const struct candidates *all)
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
