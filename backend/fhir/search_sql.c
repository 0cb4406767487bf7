/*
 * A plan as SQL. Everything that differs between two searches of one shape is
 * a parameter, so a shape is one prepared statement whose generic plan is a
 * nested loop of index descents: "offset 0" keeps the planner from turning a
 * probe into a join over a whole table. The tenant is in every hash, and each
 * row is joined to res on rid, tenant and type besides, so that a hash met by
 * chance or by craft shows nothing foreign.
 */

#include "fhir/search_sql.h"

#include "base/hash.h"
#include "base/when.h"

#define TEXT_FIRST	""
#define TEXT_LAST	"\xf4\x8f\xbf\xbf"

/* --- the walks ------------------------------------------------------------ */

/* clang-format off */
static const struct walk {
	const char	*key;		/* its sort value */
	bool		 text;		/* which is a text, not a time */
	bool		 is_res;	/* w is res itself */
	bool		 unique;	/* the index needs and has no rid */
} walks[DRIVE__MAX] = {
[DRIVE_TYPE]	= { "w.at",	 false, true,  false },
[DRIVE_POST]	= { "w.at",	 false, false, false },
[DRIVE_PICK]	= { "w.at",	 false, true,  false },
[DRIVE_ID]	= { "w.id",	 true,  true,  true },
[DRIVE_UPDATED]	= { "w.updated", false, false, false },
[DRIVE_DATE]	= { "w.lo",	 false, false, false },
[DRIVE_STRING]	= { "w.v",	 true,  false, false },
};
/* clang-format on */

static bool
runs_down(const struct plan *plan)
{
	return plan->descending != plan->backwards;
}

static const struct probe *
driving(const struct sql *q)
{
	return q->plan->drives < 0 ? NULL : &q->plan->probes[q->plan->drives];
}

/* Ranges of `at`; a wide one is walked only when a wide date could be met. */
static void
put_at_ranges(struct sql *q)
{
	struct time_ranges t = search_at_ranges(q->ctx, q->plan);
	const struct r4_param *date = q->plan->search->type->primary_date;
	int lo, hi, wide, param;
	size_t i;

	lo = sql_times(q, t.lo, t.n);
	hi = sql_times(q, t.hi, t.n);
	pg_bools(q->a, t.wide, t.n);
	wide = q->a->n;
	PUT(q, "(select g.lo, g.hi from unnest($%d, $%d, $%d) g(lo, hi, wide)",
	    lo, hi, wide);
	for (i = 0; i < q->plan->n && date != NULL; i++) {
		if (q->plan->probes[i].kind != PROBE_DATE ||
		    q->plan->probes[i].param != date)
			continue;
		param = sql_param(q, date);
		PUT(q, " where not g.wide or exists (select 1 from datw t "
		    "where t.tn = $1 and t.type = $2 and t.param = $%d "
		    "and t.span && tstzrange(g.hi, null) offset 0)", param);
		break;
	}
	PUT(q, " offset 0) g");
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

	switch (q->walk) {
	case DRIVE_POST:
		sql_posts(q, &p->posts);
		PUT(q, " cross join ");
		put_at_ranges(q);
		break;
	case DRIVE_TYPE:
		put_at_ranges(q);
		break;
	case DRIVE_PICK:
		PUT(q, "unnest($%d) d(id)",
		    sql_texts(q, p->texts.lo, p->texts.n));
		break;
	case DRIVE_UPDATED:
		sql_time_ranges(q, p == NULL ? &all_times : &p->times);
		break;
	case DRIVE_DATE:
		sql_boxes(q, p == NULL ? &all_boxes : &p->boxes);
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

static const char *
table_of(enum driver walk)
{
	switch (walk) {
	case DRIVE_POST:
		return "post w";
	case DRIVE_UPDATED:
		return "ver w";
	case DRIVE_STRING:
		return "str w";
	default:
		return "res w";
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
	int param = sql_param(q, q->plan->walked);

	if (q->walk == DRIVE_DATE) {
		PUT(q, " and not exists (select 1 from " DATES_OF " t ",
		    "w", param, "w", param);
		if (p != NULL) {
			PUT(q, "cross join ");
			sql_boxes(q, &p->boxes);
		}
		PUT(q, " where t.lo %s w.lo", before);
		if (p != NULL)
			PUT(q, " and " IN_BOX, "t", "t", "t", "t");
	} else {
		PUT(q, " and not exists (select 1 from (select s.v from str s "
		    "where s.rid = w.rid and s.tn = $1 and s.type = $2 "
		    "and s.param = $%d offset 0) s ", param);
		if (p != NULL) {
			PUT(q, "cross join ");
			sql_text_ranges(q, &p->texts);
		}
		PUT(q, " where s.v %s w.v", before);
		if (p != NULL)
			PUT(q, " and s.v >= g.lo and s.v < g.hi");
	}
	PUT(q, " offset 0)");
}

static void
put_range(struct sql *q)
{
	switch (q->walk) {
	case DRIVE_POST:
		PUT(q, "w.k = d.k and w.aux between d.aux_lo and d.aux_hi "
		    "and w.at >= g.lo and w.at < g.hi");
		break;
	case DRIVE_TYPE:
		PUT(q, "w.tn = $1 and w.type = $2 and not w.deleted "
		    "and w.at >= g.lo and w.at < g.hi");
		break;
	case DRIVE_PICK:
		PUT(q, "w.tn = $1 and w.type = $2 and not w.deleted "
		    "and w.id = d.id");
		break;
	case DRIVE_ID:
		PUT(q, "w.tn = $1 and w.type = $2 and not w.deleted "
		    "and w.id >= g.lo and w.id < g.hi");
		break;
	case DRIVE_UPDATED:
		PUT(q, "w.tn = $1 and w.type = $2 and w.ver = r.ver "
		    "and w.updated >= g.lo and w.updated < g.hi");
		break;
	case DRIVE_DATE:
		PUT(q, IN_BOX " and w.lo < b.hi_max", "w", "w", "w", "w");
		break;
	default:
		PUT(q, "w.tn = $1 and w.type = $2 and w.param = $%d "
		    "and w.v >= g.lo and w.v < g.hi",
		    sql_param(q, q->plan->walked));
		break;
	}
	if (!q->plan->gather &&
	    (q->walk == DRIVE_DATE || q->walk == DRIVE_STRING))
		put_first_only(q);
}

/* From the cursor on, or from the end that the direction begins with. */
static void
put_from(struct sql *q)
{
	const struct plan *plan = q->plan;
	bool down = runs_down(plan);
	int64_t us = down ? WHEN_MAX : WHEN_MIN;
	int64_t rid = down ? INT64_MAX : INT64_MIN;
	struct str s = down ? STR(TEXT_LAST) : STR(TEXT_FIRST);
	int key;

	if (plan->placed) {
		us = plan->place.keys[0].us;
		s = plan->place.keys[0].s;
		rid = plan->place.rid;
	}
	if (walks[q->walk].text)
		pg_text(q->a, s);
	else
		pg_time(q->a, us);
	key = q->a->n;
	if (walks[q->walk].unique)
		PUT(q, " and %s %s $%d", walks[q->walk].key,
		    down ? "<" : ">", key);
	else
		PUT(q, " and (%s, w.rid) %s ($%d, $%d)", walks[q->walk].key,
		    down ? "<" : ">", key, sql_int8(q, rid));
}

/* What must be true of a row of a leg; asked once, said in every leg. */
static struct str
conditions(struct sql *q, bool ordered)
{
	struct buf outer = q->b;
	struct str text;

	q->b = buf_new(q->ctx->arena, 1024);
	put_range(q);
	if (ordered)
		put_from(q);
	sql_probes(q);
	if (search_walks_missing(q->plan))
		sql_has(q, q->plan->walked, false);
	text = buf_str(&q->b);
	q->b = outer;
	return text;
}

/* One index walked from the cursor to the limit. */
static void
put_leg(struct sql *q, const char *table, struct str where, bool ordered)
{
	const char *key = walks[q->walk].key;
	const char *way = runs_down(q->plan) ? " desc" : "";
	bool unique = walks[q->walk].unique;

	PUT(q, "(select ");
	if (ordered && !unique)
		PUT(q, "distinct on (%s, w.rid) ", key);
	PUT(q, "%s s, w.rid, %s.id, %s.ver, %s.updated from %s", key, q->r,
	    q->r, q->r, table);
	if (!walks[q->walk].is_res)
		PUT(q, " cross join lateral (select r.* from res r "
		    "where r.rid = w.rid and r.tn = $1 and r.type = $2 "
		    "and not r.deleted offset 0) r");
	PUT(q, " where ");
	buf_add(&q->b, where);
	if (ordered && unique)
		PUT(q, " order by %s%s limit $%d)", key, way, q->both);
	else if (ordered)
		PUT(q, " order by %s%s, w.rid%s limit $%d)", key, way, way,
		    q->both);
	else
		PUT(q, " offset 0)");
}

/* All legs of a walk as rows y(s, rid, id, ver, updated). */
static void
put_walk(struct sql *q, bool ordered)
{
	struct str where;
	int param;

	PUT(q, "from ");
	put_starts(q);
	PUT(q, " cross join lateral ");
	where = conditions(q, ordered);
	if (q->walk != DRIVE_DATE) {
		put_leg(q, table_of(q->walk), where, ordered);
	} else {
		param = sql_param(q, q->plan->walked);
		PUT(q, "(");
		put_leg(q, arena_z(q->ctx->arena, arena_printf(q->ctx->arena,
		    NARROW_DATES, param)), where, ordered);
		PUT(q, " union all ");
		put_leg(q, arena_z(q->ctx->arena, arena_printf(q->ctx->arena,
		    WIDE_DATES, param)), where, ordered);
		PUT(q, ")");
	}
	PUT(q, " y");
}

/* --- sort keys of gathered records ---------------------------------------- */

static void
put_sort_value(struct sql *q, const struct search_sort *sort)
{
	const char *best = sort->descending ? "max" : "min";
	const char *none = sort->descending ? "-infinity" : "infinity";
	int param;

	switch (sort->kind) {
	case SEARCH_ID:
		PUT(q, "y.id");
		break;
	case SEARCH_UPDATED:
		PUT(q, "y.updated");
		break;
	case SEARCH_STRING:
		param = sql_param(q, sort->param);
		PUT(q, "coalesce((select %s(s.v) from (select s.v from str s "
		    "where s.rid = y.rid and s.tn = $1 and s.type = $2 "
		    "and s.param = $%d offset 0) s), %s)", best, param,
		    sort->descending ? "''" : "chr(1114111)");
		break;
	default:
		param = sql_param(q, sort->param);
		PUT(q, "coalesce((select %s(t.lo) from " DATES_OF " t), "
		    "timestamptz '%s')", best, "y", param, "y", param, none);
		break;
	}
}

static bool
is_text(const struct search_sort *sort)
{
	return sort->kind == SEARCH_ID || sort->kind == SEARCH_STRING;
}

/*
 * After the place, key by key: s1 > a or (s1 = a and (s2 > b or (s2 = b and
 * rid > c))), each sign by its key's direction.
 */
static void
put_after(struct sql *q)
{
	const struct search *search = q->plan->search;
	const struct place *place = &q->plan->place;
	int n = (int)search->nsort;
	int i;

	for (i = 0; i < n; i++) {
		bool down = search->sort[i].descending != q->plan->backwards;

		if (is_text(&search->sort[i]))
			pg_text(q->a, place->keys[i].s);
		else
			pg_time(q->a, place->keys[i].us);
		PUT(q, "(z.s%d %s $%d or (z.s%d = $%d and ", i + 1,
		    down ? "<" : ">", q->a->n, i + 1, q->a->n);
	}
	PUT(q, "z.rid %s $%d", runs_down(q->plan) ? "<" : ">",
	    sql_int8(q, place->rid));
	for (i = 0; i < n; i++)
		PUT(q, "))");
}

static void
put_gather_order(struct sql *q, const char *alias)
{
	const struct search *search = q->plan->search;
	size_t i;

	PUT(q, " order by ");
	for (i = 0; i < search->nsort; i++)
		PUT(q, "%s.s%zu%s, ", alias, i + 1,
		    search->sort[i].descending != q->plan->backwards ?
		    " desc" : "");
	PUT(q, "%s.rid%s", alias, runs_down(q->plan) ? " desc" : "");
}

bool
search_walks_text(const struct plan *plan)
{
	return walks[search_walks_missing(plan) ? DRIVE_TYPE :
	    plan->driver].text;
}

/* --- whole statements ----------------------------------------------------- */

static struct sql
sql_begin(struct ctx *ctx, const struct plan *plan, struct pg_args *a)
{
	struct sql q = { .ctx = ctx, .plan = plan, .a = a,
		.walk = search_walks_missing(plan) ? DRIVE_TYPE : plan->driver,
		.b = buf_new(ctx->arena, 2048) };

	*a = pg_args(ctx->arena);
	pg_int4(a, plan->tn);
	pg_int2(a, plan->search->type->number);
	q.r = walks[q.walk].is_res ? "w" : "r";
	q.w = q.walk == DRIVE_POST ? "w" : q.r;
	return q;
}

/* A statement is named by its text: the shape of a search is its name. */
static struct pg_query
sql_end(struct sql *q)
{
	static const struct siphash_key names = { 0, 0 };
	struct str sql = buf_str(&q->b);
	struct str name = arena_printf(q->ctx->arena, "search_%016llx",
	    (unsigned long long)siphash(names, sql));

	return (struct pg_query){ arena_z(q->ctx->arena, name),
		arena_z(q->ctx->arena, sql) };
}

#define BODY_OF_X							\
	" x cross join lateral (select v.body from ver v "		\
	"where v.rid = x.rid and v.ver = x.ver offset 0) v"

static void
put_walk_page(struct sql *q)
{
	const char *way = runs_down(q->plan) ? " desc" : "";

	PUT(q, "select x.id, x.rid, x.ver, x.updated, v.body, x.s from ("
	    "select distinct on (y.s, y.rid) y.* ");
	put_walk(q, true);
	PUT(q, " order by y.s%s, y.rid%s limit $%d offset $%d)" BODY_OF_X
	    " order by x.s%s, x.rid%s", way, way, q->limit, q->skip, way,
	    way);
}

static void
put_gather_page(struct sql *q)
{
	const struct search *search = q->plan->search;
	size_t i;

	PUT(q, "select x.id, x.rid, x.ver, x.updated, v.body");
	for (i = 0; i < search->nsort; i++)
		PUT(q, ", x.s%zu", i + 1);
	PUT(q, " from (select z.* from (select y.id, y.rid, y.ver, y.updated");
	for (i = 0; i < search->nsort; i++) {
		PUT(q, ", ");
		put_sort_value(q, &search->sort[i]);
		PUT(q, " s%zu", i + 1);
	}
	PUT(q, " from (select distinct on (y.rid) y.* ");
	put_walk(q, false);
	PUT(q, ") y) z ");
	if (q->plan->placed) {
		PUT(q, "where ");
		put_after(q);
	}
	put_gather_order(q, "z");
	PUT(q, " limit $%d offset $%d)" BODY_OF_X, q->limit, q->skip);
	put_gather_order(q, "x");
}

void
search_sql_page(struct ctx *ctx, const struct plan *plan, int64_t limit,
    int64_t skip, struct pg_query *query, struct pg_args *a)
{
	struct sql q = sql_begin(ctx, plan, a);

	q.limit = sql_int8(&q, limit);
	q.skip = sql_int8(&q, skip);
	if (plan->gather) {
		put_gather_page(&q);
	} else {
		q.both = sql_int8(&q, limit + skip);
		put_walk_page(&q);
	}
	*query = sql_end(&q);
}

void
search_sql_total(struct ctx *ctx, const struct plan *plan,
    struct pg_query *query, struct pg_args *a)
{
	struct sql q = sql_begin(ctx, plan, a);

	PUT(&q, "select count(distinct y.rid) ");
	put_walk(&q, false);
	*query = sql_end(&q);
}
