/*
 * Values and probes as SQL: what else must be true of a row that a walk has
 * come to. Each probe is one or a few index descents by the row's rid or by
 * (k, at, rid); "offset 0" keeps it one.
 */

#include "fhir/search_sql.h"

/* --- arguments ------------------------------------------------------------ */

int
sql_int8s(struct sql *q, const int64_t *v, size_t n)
{
	pg_int8s(q->a, v, n);
	return q->a->n;
}

int
sql_int4s(struct sql *q, const int32_t *v, size_t n)
{
	pg_int4s(q->a, v, n);
	return q->a->n;
}

int
sql_times(struct sql *q, const int64_t *v, size_t n)
{
	pg_times(q->a, v, n);
	return q->a->n;
}

int
sql_texts(struct sql *q, const struct str *v, size_t n)
{
	pg_texts(q->a, v, n);
	return q->a->n;
}

int
sql_int8(struct sql *q, int64_t v)
{
	pg_int8(q->a, v);
	return q->a->n;
}

int
sql_param(struct sql *q, const struct r4_param *param)
{
	pg_int2(q->a, param->number);
	return q->a->n;
}

int
sql_key(struct sql *q, const struct order_key *key)
{
	switch (key->kind) {
	case ORDER_TEXT:
		pg_text(q->a, key->s);
		break;
	case ORDER_NUMBER:
		pg_float8(q->a, key->number);
		break;
	case ORDER_TIME:
		pg_time(q->a, key->us);
		break;
	}
	return q->a->n;
}

/* --- sets of values as rows ----------------------------------------------- */

void
sql_posts(struct sql *q, const struct posts *p)
{
	int k = sql_int8s(q, p->k, p->n);
	int lo = sql_int4s(q, p->aux_lo, p->n);
	int hi = sql_int4s(q, p->aux_hi, p->n);

	PUT(q, "unnest($%d, $%d, $%d) d(k, aux_lo, aux_hi)", k, lo, hi);
}

void
sql_boxes(struct sql *q, const struct boxes *b)
{
	int lo_min = sql_times(q, b->lo_min, b->n);
	int lo_max = sql_times(q, b->lo_max, b->n);
	int hi_min = sql_times(q, b->hi_min, b->n);
	int hi_max = sql_times(q, b->hi_max, b->n);

	PUT(q, "unnest($%d, $%d, $%d, $%d) b(lo_min, lo_max, hi_min, hi_max)",
	    lo_min, lo_max, hi_min, hi_max);
}

void
sql_text_ranges(struct sql *q, const struct text_ranges *t)
{
	int lo = sql_texts(q, t->lo, t->n);
	int hi = sql_texts(q, t->hi, t->n);

	PUT(q, "unnest($%d, $%d) g(lo, hi)", lo, hi);
}

void
sql_time_ranges(struct sql *q, const struct time_ranges *t)
{
	int lo = sql_times(q, t->lo, t->n);
	int hi = sql_times(q, t->hi, t->n);

	PUT(q, "unnest($%d, $%d) g(lo, hi)", lo, hi);
}

#define COLUMN(put, column)	(put(q->a, m->column, m->n), q->a->n)

void
sql_measures(struct sql *q, const struct probe *p)
{
	const struct measures *m = &p->measures;
	bool composite = p->kind == PROBE_COMPOSITE;
	int what = composite ? COLUMN(pg_int8s, k) : COLUMN(pg_int2s, param);
	int lo_min = COLUMN(pg_float8s, lo_min);
	int lo_max = COLUMN(pg_float8s, lo_max);
	int hi_min = COLUMN(pg_float8s, hi_min);
	int hi_max = COLUMN(pg_float8s, hi_max);
	int at_min = COLUMN(pg_float8s, at_min);
	int at_max = COLUMN(pg_float8s, at_max);
	int aux_lo = COLUMN(pg_int4s, aux_lo);
	int aux_hi = COLUMN(pg_int4s, aux_hi);
	int system_lo = COLUMN(pg_int4s, system_lo);
	int system_hi = COLUMN(pg_int4s, system_hi);
	int unit = COLUMN(pg_int4s, unit);
	int words = COLUMN(pg_bools, words);

	PUT(q, "unnest($%d, $%d, $%d, $%d, $%d, $%d, $%d, ", what, lo_min,
	    lo_max, hi_min, hi_max, at_min, at_max);
	PUT(q, "$%d, $%d, $%d, $%d, $%d, $%d", aux_lo, aux_hi, system_lo,
	    system_hi, unit, words);
	if (m->metres != NULL) {
		int latitude = COLUMN(pg_float8s, latitude);
		int longitude = COLUMN(pg_float8s, longitude);

		PUT(q, ", $%d, $%d, $%d", latitude, longitude,
		    COLUMN(pg_float8s, metres));
	}
	PUT(q, ") b(%s, lo_min, lo_max, hi_min, hi_max, at_min, at_max, "
	    "aux_lo, aux_hi, system_lo, system_hi, unit, words%s)",
	    composite ? "k" : "param", m->metres == NULL ? "" :
	    ", latitude, longitude, metres");
}

/* The way from the centre of b to lo (north), hi (east), on a sphere. */
#define DISTANCE							\
	" and 2 * 6371008.8 * asin(least(1, sqrt("			\
	"sin(radians(%s.lo - b.latitude) / 2) ^ 2 + "			\
	"cos(radians(b.latitude)) * cos(radians(%s.lo)) * "		\
	"sin(radians(%s.hi - b.longitude) / 2) ^ 2))) <= b.metres"

void
sql_in_measure(struct sql *q, const struct probe *p, const char *t)
{
	PUT(q, "%s.lo between b.lo_min and b.lo_max "
	    "and %s.hi between b.hi_min and b.hi_max "
	    "and %s.system between b.system_lo and b.system_hi "
	    "and (b.unit = 0 or %s.code = b.unit "
	    "or (b.words and %s.unit = b.unit))", t, t, t, t, t);
	if (p->kind == PROBE_COMPOSITE)
		PUT(q, " and %s.aux between b.aux_lo and b.aux_hi", t);
	if (p->measures.metres != NULL)
		PUT(q, DISTANCE, t, t, t);
}

void
sql_measured(struct sql *q, const struct probe *p, const char *of)
{
	bool composite = p->kind == PROBE_COMPOSITE;

	if (composite)
		PUT(q, "(select t.* from cqty t where t.rid = %s.rid offset 0)"
		    " t join ", of);
	else
		PUT(q, "(select t.* from qty t where t.rid = %s.rid"
		    IS_OURS("t") "offset 0) t join ", of);
	sql_measures(q, p);
	/* Not to be joined by hash, either: both sides are a few rows. */
	PUT(q, composite ? " on (t.k = b.k) is true where " :
	    " on (t.param = b.param) is true where ");
	sql_in_measure(q, p, "t");
}

/* --- probes: what else must be true of a walked row ----------------------- */

static void
probe_posts(struct sql *q, const struct probe *p)
{
	PUT(q, " and %sexists (select 1 from ",
	    p->kind == PROBE_NOT_POST ? "not " : "");
	sql_posts(q, &p->posts);
	PUT(q, " cross join lateral (select 1 from post p where p.k = d.k "
	    "and p.at = %s.at and p.rid = %s.rid "
	    "and p.aux between d.aux_lo and d.aux_hi limit 1) p offset 0)",
	    q->w, q->w);
}

bool
sql_asks_refs(const struct probe *p)
{
	return p->linked && p->posts.n > SEARCH_LISTS_ASKED;
}

/* Many lists: the record's references are among them, and by that parameter.
 * "is true" makes the list a hashed set instead of a join. */
static void
probe_links(struct sql *q, const struct probe *p)
{
	int konst = sql_int8(q, p->konst);
	int lists = sql_int8s(q, p->posts.k, p->posts.n);

	PUT(q, " and exists (select 1 from unnest(%s.refs) f(rh) "
	    "where (f.rh # $%d in (select unnest($%d))) is true and exists "
	    "(select 1 from post p where p.k = f.rh # $%d and p.at = %s.at "
	    "and p.rid = %s.rid offset 0) offset 0)", q->r, konst, lists,
	    konst, q->w, q->w);
}

static void
probe_rh(struct sql *q, const struct probe *p)
{
	PUT(q, " and (%s.rh in (select unnest($%d))) is true", q->r,
	    sql_int8s(q, p->hashes.v, p->hashes.n));
}

static void
probe_dates(struct sql *q, const struct probe *p)
{
	bool primary = search_is_primary(q->plan, p->param);
	/* These walks have ranges g. */
	bool ranges = q->walk == DRIVE_POST || q->walk == DRIVE_TYPE;
	int param;

	if (primary && q->sure)
		return;
	param = sql_param(q, p->param);
	PUT(q, " and (%sexists (select 1 from " DATES_OF " t cross join ",
	    primary && ranges && !q->plain ? "g.sure or " : "", q->r, param,
	    q->r, param);
	sql_boxes(q, &p->boxes);
	PUT(q, " where " IN_BOX " offset 0))", "t", "t", "t", "t");
}

static void
probe_texts(struct sql *q, const struct probe *p)
{
	int param = sql_param(q, p->param);

	PUT(q, " and exists (select 1 from (select s.v from str s "
	    "where s.rid = %s.rid" IS_OURS_PARAM("s") "offset 0) s ", q->r,
	    param);
	if (p->kind == PROBE_LIKE) {
		PUT(q, "where s.v like any ($%d) offset 0)",
		    sql_texts(q, p->texts.lo, p->texts.n));
		return;
	}
	PUT(q, "cross join ");
	sql_text_ranges(q, &p->texts);
	PUT(q, " where s.v >= g.lo and s.v < g.hi offset 0)");
}

static void
probe_updated(struct sql *q, const struct probe *p)
{
	PUT(q, " and exists (select 1 from ");
	sql_time_ranges(q, &p->times);
	PUT(q, " where %s.updated >= g.lo and %s.updated < g.hi offset 0)",
	    q->r, q->r);
}

void
sql_has(struct sql *q, const struct r4_param *param, bool has)
{
	int bit = sql_int8(q, (int64_t)(UINT64_C(1) << param->bit));

	PUT(q, " and %s.has & $%d %s 0", q->r, bit, has ? "<>" : "=");
}

static void
put_probe(struct sql *q, const struct probe *p)
{
	switch (p->kind) {
	case PROBE_POST:
	case PROBE_NOT_POST:
		if (sql_asks_refs(p))
			probe_links(q, p);
		else
			probe_posts(q, p);
		break;
	case PROBE_RH:
		probe_rh(q, p);
		break;
	case PROBE_DATE:
		probe_dates(q, p);
		break;
	case PROBE_STRING:
	case PROBE_LIKE:
		probe_texts(q, p);
		break;
	case PROBE_MEASURE:
	case PROBE_COMPOSITE:
		PUT(q, " and exists (select 1 from ");
		sql_measured(q, p, q->r);
		PUT(q, " offset 0)");
		break;
	case PROBE_UPDATED:
		probe_updated(q, p);
		break;
	case PROBE_HAS:
	case PROBE_HAS_NOT:
		sql_has(q, p->param, p->kind == PROBE_HAS);
		break;
	case PROBE_ID:
		PUT(q, " and %s.id = any ($%d)", q->r,
		    sql_texts(q, p->texts.lo, p->texts.n));
		break;
	}
}

void
sql_probes(struct sql *q)
{
	const struct plan *plan = q->plan;
	size_t i;

	for (i = 0; i < plan->n; i++)
		if ((int)i != plan->drives)
			put_probe(q, &plan->probes[i]);
}
