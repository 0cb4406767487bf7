/*
 * The walks of search_sql.c: from where each begins, through which indexes it
 * goes, and what its rows must be.
 */

#include "fhir/search_sql.h"

#include <math.h>

#include "base/when.h"

#define TEXT_FIRST	""
#define TEXT_LAST	"\xf4\x8f\xbf\xbf"
#define RID_FIRST	"'-9223372036854775808'::bigint"

/* clang-format off */
static const struct walk {
	const char	*key;		/* its sort value */
	enum order_kind	 order;		/* which is of this kind */
	bool		 is_res;	/* w is res itself */
	bool		 unique;	/* the index needs and has no rid */
	bool		 ranges;	/* its rows lie in ranges g(lo, hi) */
	const char	*table;		/* NULL: several, or res */
} walks[DRIVE__MAX] = {
[DRIVE_TYPE]	= { "w.at",	 ORDER_TIME,   true,  false, true,  NULL },
[DRIVE_POST]	= { "w.at",	 ORDER_TIME,   false, false, true,  "post w" },
[DRIVE_PICK]	= { "w.at",	 ORDER_TIME,   true,  false, false, NULL },
[DRIVE_RH]	= { "w.at",	 ORDER_TIME,   true,  false, false, NULL },
[DRIVE_LIKE]	= { "r.at",	 ORDER_TIME,   false, false, false, "str w" },
[DRIVE_ID]	= { "w.id",	 ORDER_TEXT,   true,  true,  true,  NULL },
[DRIVE_UPDATED]	= { "w.updated", ORDER_TIME,   false, false, true,  "ver w" },
[DRIVE_DATE]	= { "w.lo",	 ORDER_TIME,   false, false, false, NULL },
[DRIVE_STRING]	= { "w.v",	 ORDER_TEXT,   false, false, true,  "str w" },
[DRIVE_MEASURE]	= { "w.lo",	 ORDER_NUMBER, false, false, false, NULL },
[DRIVE_COMPOSITE] = { "w.lo",	 ORDER_NUMBER, false, false, false, NULL },
};
/* clang-format on */

bool
sql_runs_down(const struct plan *plan)
{
	return plan->descending != plan->backwards;
}

enum driver
search_walk(const struct plan *plan)
{
	return search_walks_missing(plan) ? DRIVE_TYPE : plan->driver;
}

enum order_kind
search_walk_order(const struct plan *plan)
{
	return walks[search_walk(plan)].order;
}

bool
sql_is_light(const struct plan *plan)
{
	size_t i;

	if (plan->driver != DRIVE_POST || plan->gather)
		return false;
	for (i = 0; i < plan->n; i++)
		switch (plan->probes[i].kind) {
		case PROBE_HAS:
		case PROBE_HAS_NOT:
		case PROBE_ID:
		case PROBE_RH:
		case PROBE_UPDATED:
			return false;
		default:
			if ((int)i != plan->drives &&
			    sql_asks_refs(&plan->probes[i]))
				return false;
			break;
		}
	return true;
}

bool
sql_walks_res(enum driver walk)
{
	return walks[walk].is_res;
}

/* All rows of the walked parameter, for the walk of a sort key alone. */
static const struct probe *
every_measure(const struct sql *q)
{
	static double least[] = { -HUGE_VAL }, most[] = { HUGE_VAL };
	static int32_t first[] = { INT32_MIN }, last[] = { INT32_MAX };
	static int32_t any[] = { 0 };
	static bool no[] = { false };
	struct probe *p = arena_zero(q->ctx->arena, sizeof(*p));

	p->kind = PROBE_MEASURE;
	p->param = q->plan->walked;
	p->measures = (struct measures){
		.param = arena_array(q->ctx->arena, 1, sizeof(int16_t)),
		.lo_min = least, .lo_max = most, .hi_min = least,
		.hi_max = most, .at_min = least, .at_max = most,
		.aux_lo = first, .aux_hi = last, .system_lo = first,
		.system_hi = last, .unit = any, .words = no, .n = 1,
	};
	p->measures.param[0] = p->param->number;
	return p;
}

static const struct probe *
driving(const struct sql *q)
{
	if (q->plan->drives >= 0)
		return &q->plan->probes[q->plan->drives];
	return q->walk == DRIVE_MEASURE ? every_measure(q) : NULL;
}

/* Ranges of `at`; flip is what makes another list of k. */
static void
put_at_ranges(struct sql *q)
{
	struct time_ranges t = search_at_ranges(q->ctx, q->plan);
	int64_t *flip = arena_array(q->ctx->arena, t.n, sizeof(*flip));
	int lo, hi, sure, other;
	size_t i;

	for (i = 0; i < t.n; i++)
		flip[i] = t.wide[i] ? q->plan->wide : 0;
	lo = sql_times(q, t.lo, t.n);
	hi = sql_times(q, t.hi, t.n);
	pg_bools(q->a, t.sure, t.n);
	sure = q->a->n;
	other = sql_int8s(q, flip, t.n);
	PUT(q, "unnest($%d, $%d, $%d, $%d, $%d) g(lo, hi, sure, flip, aux)",
	    lo, hi, sure, other, sql_int4s(q, t.end, t.n));
}

/* What the walk takes its ranges from: rows g, d or b before the lateral. */
static void
put_starts(struct sql *q)
{
	struct str text_first = STR(TEXT_FIRST), text_last = STR(TEXT_LAST);
	int64_t first = WHEN_MIN, last = WHEN_MAX;
	struct text_ranges all_texts = { .lo = &text_first, .hi = &text_last,
		.n = 1 };
	struct time_ranges all_times = { .lo = &first, .hi = &last, .n = 1 };
	struct boxes all_boxes = { .lo_min = &first, .lo_max = &last,
		.hi_min = &first, .hi_max = &last, .n = 1 };
	const struct probe *p = driving(q);

	if (q->plan->search->ntypes > 0 && (q->walk == DRIVE_TYPE ||
	    q->walk == DRIVE_UPDATED))
		PUT(q, "unnest($2) ty(type) cross join ");
	switch (q->walk) {
	case DRIVE_POST:
		sql_posts(q, &p->posts);
		PUT(q, " cross join ");
		put_at_ranges(q);
		break;
	case DRIVE_TYPE:
		put_at_ranges(q);
		break;
	case DRIVE_LIKE:
		PUT(q, "unnest($%d) d(pattern)",
		    sql_texts(q, p->texts.lo, p->texts.n));
		break;
	case DRIVE_PICK:
		PUT(q, "unnest($%d) d(id)",
		    sql_texts(q, p->texts.lo, p->texts.n));
		break;
	case DRIVE_RH:
		PUT(q, "unnest($%d) d(rh)", sql_int8s(q, p->hashes.v,
		    p->hashes.n));
		break;
	case DRIVE_UPDATED:
		sql_time_ranges(q, p == NULL ? &all_times : &p->times);
		break;
	case DRIVE_DATE:
		sql_boxes(q, p == NULL ? &all_boxes : &p->boxes);
		break;
	case DRIVE_MEASURE:
	case DRIVE_COMPOSITE:
		sql_measures(q, p);
		break;
	default:
		sql_text_ranges(q, p == NULL ? &all_texts : &p->texts);
		break;
	}
}

/* The two date tables under one form; w.lo and w.rid are indexed in both. */
#define NARROW_DATES							\
	"(select t.lo, t.hi, t.rid from dat t where t.tn = $1 "		\
	"and t.type = $2 and t.param = $%d and t.lo >= b.hi_min - "	\
	"interval '1 day') w"
#define WIDE_DATES							\
	"(select lower(t.span) lo, upper(t.span) hi, t.rid "		\
	"from datw t where t.tn = $1 and t.type = $2 and t.param = $%d) w"

/*
 * Plain values by number, by code and by unit in words; and those with two
 * ends, which are few. What the walk asks besides is in put_range.
 */
#define MEASURES							\
	"(select t.* from qty t where t.tn = $1 and t.type = $2 "	\
	"and t.param = b.param and "
#define COMPOSITES	"(select t.* from cqty t where t.k = b.k and "
#define AT_POINT							\
	" and t.lo between b.at_min and b.at_max and t.lo = t.hi) w"
#define AT_SPAN								\
	"t.lo <> t.hi and t.lo between b.lo_min and b.lo_max) w"
/* A type by the date of its records; those that span more than a day alone are
 * a list of postings. */
#define ALL_RECORDS							\
	"(select r.* from res r where r.tn = $1 and r.type = %s "	\
	"and not r.deleted and g.flip = 0) w"
#define WIDE_RECORDS							\
	"(select p.at, p.rid, r.id, r.ver, r.updated, r.has, r.rh, "	\
	"r.refs "							\
	"from post p cross join lateral "				\
	"(select r.* from res r where r.rid = p.rid "			\
	"and (r.tn = $1 and r.type = $2 and not r.deleted) is true "	\
	"offset 0) r where p.k = g.flip and g.flip <> 0 "		\
	"and p.aux >= g.aux) w"
#define LEGS_MAX	4

/* The tables of a walk, each an index walk of its own; how many. */
static int
legs_of(struct sql *q, const char *legs[LEGS_MAX])
{
	const struct probe *p = driving(q);
	bool numbers = false, codes = false, words = false;
	int n = 0, param;
	size_t i;

	switch (q->walk) {
	case DRIVE_DATE:
		param = sql_param(q, q->plan->walked);
		legs[0] = arena_z(q->ctx->arena, arena_printf(q->ctx->arena,
		    NARROW_DATES, param));
		legs[1] = arena_z(q->ctx->arena, arena_printf(q->ctx->arena,
		    WIDE_DATES, param));
		return 2;
	case DRIVE_MEASURE:
		for (i = 0; i < p->measures.n; i++) {
			numbers = numbers || p->measures.unit[i] == 0;
			codes = codes || p->measures.unit[i] != 0;
			words = words || p->measures.words[i];
		}
		if (numbers)
			legs[n++] = MEASURES "b.unit = 0" AT_POINT;
		if (codes)
			legs[n++] = MEASURES "t.code = b.unit "
			    "and t.code <> 0" AT_POINT;
		if (words)
			legs[n++] = MEASURES "t.unit = b.unit and b.words "
			    "and t.unit <> 0" AT_POINT;
		legs[n++] = MEASURES AT_SPAN;
		return n;
	case DRIVE_COMPOSITE:
		legs[0] = COMPOSITES "true" AT_POINT;
		legs[1] = COMPOSITES AT_SPAN;
		return 2;
	case DRIVE_TYPE:
		legs[0] = arena_z(q->ctx->arena, arena_printf(q->ctx->arena,
		    ALL_RECORDS, q->of_type));
		legs[1] = WIDE_RECORDS;
		for (i = 0; i < q->plan->n; i++)
			if (search_is_primary(q->plan,
			    q->plan->probes[i].param))
				return 2;
		return 1;
	default:
		legs[0] = walks[q->walk].table == NULL ? "res w" :
		    walks[q->walk].table;
		return 1;
	}
}

/*
 * A record with several values under the walked parameter is met several
 * times: only the first, in the direction of the order, counts.
 */
static void
put_first_only(struct sql *q)
{
	const char *before = q->plan->descending ? ">" : "<";
	const struct probe *p = driving(q);
	int param;

	switch (q->walk) {
	case DRIVE_DATE:
		param = sql_param(q, q->plan->walked);
		PUT(q, " and not exists (select 1 from " DATES_OF " t ",
		    "w", param, "w", param);
		if (p != NULL) {
			PUT(q, "cross join ");
			sql_boxes(q, &p->boxes);
		}
		PUT(q, " where t.lo %s w.lo", before);
		if (p != NULL)
			PUT(q, " and " IN_BOX, "t", "t", "t", "t");
		break;
	case DRIVE_STRING:
		param = sql_param(q, q->plan->walked);
		PUT(q, " and not exists (select 1 from (select s.v from str s "
		    "where s.rid = w.rid" IS_OURS_PARAM("s")
		    "offset 0) s ", param);
		if (p != NULL) {
			PUT(q, "cross join ");
			sql_text_ranges(q, &p->texts);
		}
		PUT(q, " where s.v %s w.v", before);
		if (p != NULL)
			PUT(q, " and s.v >= g.lo and s.v < g.hi");
		break;
	default:	/* DRIVE_MEASURE, DRIVE_COMPOSITE */
		PUT(q, " and not exists (select 1 from ");
		sql_measured(q, p, "w");
		PUT(q, " and t.lo %s w.lo", before);
		break;
	}
	PUT(q, " offset 0)");
}

/* The system of some posting counts: what is wide has an end in its place. */
static bool
asks_system(const struct sql *q)
{
	const struct posts *p = &driving(q)->posts;
	size_t i;

	for (i = 0; i < p->n; i++)
		if (p->aux_lo[i] != INT32_MIN)
			return true;
	return false;
}

/*
 * From the cursor on, or from the end that the direction begins with. The bound
 * of one column narrows nothing: it only says that there are fewer rows, for a
 * plan made on empty tables would rather sort them all.
 */
static void
put_from(struct sql *q)
{
	const struct walk *walk = &walks[q->walk];
	bool down = sql_runs_down(q->plan);
	const char *sign = down ? "<" : ">";
	struct order_key end = { .kind = walk->order,
		.us = down ? WHEN_MAX : WHEN_MIN,
		.s = down ? STR(TEXT_LAST) : STR(TEXT_FIRST),
		.number = down ? HUGE_VAL : -HUGE_VAL };
	int key = sql_key(q, q->plan->placed ? &q->plan->place.keys[0] : &end);

	PUT(q, " and %s %s%s $%d", walk->key, sign,
	    walk->unique && q->plan->placed ? "" : "=", key);
	if (q->plan->placed && !walk->unique)
		PUT(q, " and (%s, w.rid) %s ($%d, $%d)", walk->key, sign, key,
		    sql_int8(q, q->plan->place.rid));
}

/*
 * The rows of range g, from the cursor on. Of two bounds on one side PostgreSQL
 * begins at that of two columns and passes over what the other one leaves out,
 * so the nearer of cursor and range is the one bound.
 */
static void
put_bounds(struct sql *q)
{
	const char *key = walks[q->walk].key;
	const char *c = walks[q->walk].order == ORDER_TEXT ?
	    " collate \"C\"" : "";
	int at, rid;

	if (!q->placing || walks[q->walk].unique) {
		PUT(q, "%s >= g.lo and %s < g.hi", key, key);
		if (q->placing)
			put_from(q);
		return;
	}
	at = sql_key(q, &q->plan->place.keys[0]);
	rid = sql_int8(q, q->plan->place.rid);
	if (sql_runs_down(q->plan))
		PUT(q, "%s >= g.lo and (%s, w.rid) < (least(g.hi%s, $%d), "
		    "case when $%d < g.hi%s then $%d else " RID_FIRST " end)",
		    key, key, c, at, at, c, rid);
	else
		PUT(q, "%s < g.hi and (%s, w.rid) > (greatest(g.lo%s, $%d), "
		    "case when $%d >= g.lo%s then $%d else " RID_FIRST " end)",
		    key, key, c, at, at, c, rid);
}

static void
put_range(struct sql *q)
{
	switch (q->walk) {
	case DRIVE_POST:
		PUT(q, "w.k = d.k # g.flip and w.aux >= g.aux and (g.flip <> 0 "
		    "or w.aux between d.aux_lo and d.aux_hi) and ");
		put_bounds(q);
		if (asks_system(q))
			PUT(q, " and (g.flip = 0 or exists (select 1 "
			    "from post p where p.k = d.k and p.at = w.at "
			    "and p.rid = w.rid and p.aux between d.aux_lo "
			    "and d.aux_hi offset 0))");
		break;
	case DRIVE_TYPE:
		put_bounds(q);
		break;
	case DRIVE_LIKE:
		PUT(q, "w.tn = $1 and w.type = $2 and w.param = $%d "
		    "and w.v like d.pattern", sql_param(q, q->plan->walked));
		break;
	case DRIVE_PICK:
		PUT(q, "w.tn = $1 and w.type %s and not w.deleted "
		    "and w.id = d.id", q->is_type);
		break;
	case DRIVE_RH:
		PUT(q, "w.rh = d.rh and (w.tn = $1 and w.type = $2 "
		    "and not w.deleted) is true");
		break;
	case DRIVE_ID:
		PUT(q, "w.tn = $1 and w.type = $2 and not w.deleted "
		    "and ");
		put_bounds(q);
		break;
	case DRIVE_UPDATED:
		PUT(q, "w.tn = $1 and w.type = %s and w.ver = r.ver and ",
		    q->of_type);
		put_bounds(q);
		break;
	case DRIVE_DATE:
		PUT(q, IN_BOX " and w.lo < b.hi_max", "w", "w", "w", "w");
		break;
	case DRIVE_MEASURE:
	case DRIVE_COMPOSITE:
		sql_in_measure(q, driving(q), "w");
		break;
	default:
		PUT(q, "w.tn = $1 and w.type = $2 and w.param = $%d and ",
		    sql_param(q, q->plan->walked));
		put_bounds(q);
		break;
	}
	if (!q->plan->gather && (q->walk == DRIVE_DATE ||
	    q->walk == DRIVE_STRING || q->walk == DRIVE_MEASURE ||
	    q->walk == DRIVE_COMPOSITE))
		put_first_only(q);
}

/* --- one list of postings ------------------------------------------------- */

/* Ranges of one list that are written as statements of their own: what is asked
 * most, and costs less without the machinery for many. */
#define RANGES_MAX	3

static bool
overlap(const struct time_ranges *t)
{
	size_t i, j;

	for (i = 0; i < t->n; i++)
		for (j = 0; j < i; j++)
			if (t->lo[i] < t->hi[j] && t->lo[j] < t->hi[i])
				return true;
	return false;
}

bool
sql_is_plain(const struct sql *q, struct time_ranges *t)
{
	if (!q->light || driving(q)->posts.n != 1)
		return false;
	*t = search_at_ranges(q->ctx, q->plan);
	return t->n > 0 && t->n <= RANGES_MAX && !overlap(t);
}

static int
sql_time(struct sql *q, int64_t us)
{
	pg_time(q->a, us);
	return q->a->n;
}

static void
put_aux_between(struct sql *q, const char *alias, int32_t lo, int32_t hi)
{
	pg_int4(q->a, lo);
	pg_int4(q->a, hi);
	PUT(q, " and %s.aux between $%d and $%d", alias, q->a->n - 1,
	    q->a->n);
}

/* Only what narrows the walk is said: each condition is asked of each row. The
 * nearer of cursor and range is the one bound of its side, as in put_bounds. */
static void
put_plain_range(struct sql *q, const struct time_ranges *t, size_t i)
{
	const struct posts *p = &driving(q)->posts;
	int32_t lo = p->aux_lo[0], hi = p->aux_hi[0];
	int64_t at = q->plan->place.keys[0].us, k = p->k[0];
	bool down = sql_runs_down(q->plan), from;

	if (t->wide[i] && asks_system(q)) {
		PUT(q, "exists (select 1 from post p where p.k = $%d "
		    "and p.at = w.at and p.rid = w.rid", sql_int8(q, k));
		put_aux_between(q, "p", lo, hi);
		PUT(q, " offset 0) and ");
	}
	if (t->wide[i]) {
		k ^= q->plan->wide;
		lo = t->end[i];
		hi = INT32_MAX;
	}
	PUT(q, "w.k = $%d", sql_int8(q, k));
	if (lo != INT32_MIN || hi != INT32_MAX)
		put_aux_between(q, "w", lo, hi);
	from = q->plan->placed && (down ? at < t->hi[i] : at >= t->lo[i]);
	if (t->lo[i] != WHEN_MIN && (down || !from))
		PUT(q, " and w.at >= $%d", sql_time(q, t->lo[i]));
	if (t->hi[i] != WHEN_MAX && (!down || !from))
		PUT(q, " and w.at < $%d", sql_time(q, t->hi[i]));
	if (from)
		put_from(q);
}

void
sql_plain_leg(struct sql *q, const struct time_ranges *t, size_t i)
{
	const struct posts *p = &driving(q)->posts;
	const char *way = sql_runs_down(q->plan) ? " desc" : "";
	bool once = p->plain || p->aux_lo[0] == p->aux_hi[0] || t->wide[i];

	PUT(q, "(select %sw.rid, w.at from post w where ",
	    once || !q->skips ? "" : "distinct on (w.at, w.rid) ");
	put_plain_range(q, t, i);
	q->sure = t->sure[i];
	sql_probes(q);
	q->sure = false;
	PUT(q, " order by w.at%s, w.rid%s limit $%d", way, way,
	    t->n > 1 ? q->both : q->limit);
	if (t->n == 1 && q->skips)
		PUT(q, " offset $%d", q->skip);
	PUT(q, ")");
}

/* Without a row under the walked parameter: an element may be there and yet
 * have no value to sort by, as a Quantity with a unit alone. */
static void
put_lacking(struct sql *q)
{
	const struct r4_param *param = q->plan->walked;
	int bit = sql_int8(q, (int64_t)(UINT64_C(1) << param->bit));
	int number = sql_param(q, param);

	PUT(q, " and (%s.has & $%d = 0 or not exists ", q->r, bit);
	if (q->plan->driver == DRIVE_DATE)
		PUT(q, DATES_OF, q->r, number, q->r, number);
	else if (q->plan->driver == DRIVE_STRING)
		PUT(q, "(select 1 from str t where t.rid = %s.rid"
		    IS_OURS_PARAM("t") "offset 0)", q->r, number);
	else
		PUT(q, "(select 1 from qty t where t.rid = %s.rid"
		    IS_OURS_PARAM("t") "offset 0)", q->r, number);
	PUT(q, ")");
}

/* What must be true of a row of a leg; asked once, said in every leg. */
static struct str
conditions(struct sql *q, bool ordered)
{
	struct buf outer = q->b;
	struct str text;

	q->b = buf_new(q->ctx->arena, 1024);
	q->placing = ordered && q->plan->placed;
	put_range(q);
	if (ordered && !walks[q->walk].ranges)
		put_from(q);
	sql_probes(q);
	if (search_walks_missing(q->plan))
		put_lacking(q);
	text = buf_str(&q->b);
	q->b = outer;
	return text;
}

/* One index walked from the cursor to the limit. */
static void
put_leg(struct sql *q, const char *table, struct str where, bool ordered)
{
	const char *key = walks[q->walk].key;
	const char *way = sql_runs_down(q->plan) ? " desc" : "";
	bool unique = walks[q->walk].unique;

	PUT(q, "(select ");
	if (ordered && !unique)
		PUT(q, "distinct on (%s, w.rid) ", key);
	if (q->light)
		PUT(q, "%s s, w.rid, v.vid from %s cross join lateral ("
		    "select v.ctid vid, v.tn = $1 and v.type %s "
		    "and v.op <> 'D' ours from ver v where v.rid = w.rid "
		    "order by v.ver desc limit 1) v", key, table, q->is_type);
	else
		PUT(q, "%s s, w.rid, %s.id, %s.ver, %s.updated from %s", key,
		    q->r, q->r, q->r, table);
	if (!q->light && !walks[q->walk].is_res)
		PUT(q, " cross join lateral (select r.* from res r "
		    "where r.rid = w.rid and (r.tn = $1 and r.type %s "
		    "and not r.deleted) is true offset 0) r", q->is_type);
	PUT(q, q->light ? " where v.ours and " : " where ");
	buf_add(&q->b, where);
	if (ordered && unique)
		PUT(q, " order by %s%s limit $%d)", key, way, q->both);
	else if (ordered)
		PUT(q, " order by %s%s, w.rid%s limit $%d)", key, way, way,
		    q->both);
	else
		PUT(q, " offset 0)");
}

void
sql_walk(struct sql *q, bool ordered)
{
	const char *legs[LEGS_MAX];
	struct str where;
	int n, i;

	PUT(q, "from ");
	put_starts(q);
	PUT(q, " cross join lateral (");
	where = conditions(q, ordered);
	n = legs_of(q, legs);
	for (i = 0; i < n; i++) {
		PUT(q, "%s", i == 0 ? "" : " union all ");
		put_leg(q, legs[i], where, ordered);
	}
	PUT(q, ") y");
}
