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
		    "where s.rid = y.rid" IS_OURS_PARAM("s")
		    "offset 0) s), %s)", best, param,
		    sort->descending ? "''" : "chr(1114111)");
		break;
	case SEARCH_NUMBER:
	case SEARCH_QUANTITY:
		param = sql_param(q, sort->param);
		PUT(q, "coalesce((select %s(t.lo) from (select t.lo from qty t "
		    "where t.rid = y.rid" IS_OURS_PARAM("t")
		    "offset 0) t), float8 '%s')", best, param, none);
		break;
	default:
		param = sql_param(q, sort->param);
		PUT(q, "coalesce((select %s(t.lo) from " DATES_OF " t), "
		    "timestamptz '%s')", best, "y", param, "y", param, none);
		break;
	}
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
	int i, key;

	for (i = 0; i < n; i++) {
		bool down = search->sort[i].descending != q->plan->backwards;

		key = sql_key(q, &place->keys[i]);
		PUT(q, "(z.s%d %s $%d or (z.s%d = $%d and ", i + 1,
		    down ? "<" : ">", key, i + 1, key);
	}
	PUT(q, "z.rid %s $%d", sql_runs_down(q->plan) ? "<" : ">",
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
	PUT(q, "%s.rid%s", alias, sql_runs_down(q->plan) ? " desc" : "");
}

/* --- whole statements ----------------------------------------------------- */

static void
put_types(struct sql *q, const struct search *search)
{
	int16_t *numbers = arena_array(q->ctx->arena, search->ntypes + 1,
	    sizeof(*numbers));
	size_t i;

	for (i = 0; i < search->ntypes; i++)
		numbers[i] = search->types[i]->number;
	if (search->ntypes > 0)
		pg_int2s(q->a, numbers, search->ntypes);
	else
		pg_int2(q->a, search->type->number);
	q->is_type = search->ntypes > 0 ? "= any ($2)" : "= $2";
	q->of_type = search->ntypes > 0 ? "ty.type" : "$2";
}

static struct sql
sql_begin(struct ctx *ctx, const struct plan *plan, struct pg_args *a)
{
	struct sql q = { .ctx = ctx, .plan = plan, .a = a,
		.walk = search_walk(plan), .b = buf_new(ctx->arena, 2048) };

	*a = pg_args(ctx->arena);
	pg_int4(a, plan->tn);
	put_types(&q, plan->search);
	q.light = sql_is_light(plan);
	q.r = sql_walks_res(q.walk) || q.light ? "w" : "r";
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

#define PAGE_COLUMNS	"select x.rid, v.body"
#define BODY_OF_X							\
	" x cross join lateral (select v.* from ver v "			\
	"where v.rid = x.rid and v.ver = x.ver offset 0) v"
#define BODY_AT_X							\
	" x cross join lateral (select v.* from ver v "			\
	"where v.ctid = x.vid offset 0) v"

/*
 * One list of postings in a few ranges, none of which has a row of another: a
 * statement of few parts, whose rows' bodies are looked up last. What is asked
 * of the version is no condition there: a plan made on empty tables would
 * gather all versions and sort them. A row whose version is not ours comes
 * without a body; one that is in the list twice comes twice, unless some are
 * to be left out.
 */
static void
put_plain_page(struct sql *q, const struct time_ranges *t)
{
	const char *way = sql_runs_down(q->plan) ? " desc" : "";
	size_t i;

	q->plain = true;
	PUT(q, "select w.rid, v.body, w.at s from (");
	for (i = 0; i < t->n; i++) {
		PUT(q, "%s", i == 0 ? "" : " union all ");
		sql_plain_leg(q, t, i);
	}
	if (t->n > 1)
		PUT(q, " order by at%s, rid%s limit $%d offset $%d", way, way,
		    q->limit, q->skip);
	PUT(q, ") w cross join lateral (select case when v.tn = $1 "
	    "and v.type %s and v.op <> 'D' then v.body end body "
	    "from ver v where v.rid = w.rid order by v.ver desc limit 1) v "
	    "order by w.at%s, w.rid%s", q->is_type, way, way);
}

static void
put_walk_page(struct sql *q)
{
	const char *way = sql_runs_down(q->plan) ? " desc" : "";
	struct time_ranges t;

	if (sql_is_plain(q, &t)) {
		put_plain_page(q, &t);
		return;
	}
	PUT(q, PAGE_COLUMNS ", x.s from ("
	    "select distinct on (y.s, y.rid) y.* ");
	sql_walk(q, true);
	PUT(q, " order by y.s%s, y.rid%s limit $%d offset $%d)%s"
	    " order by x.s%s, x.rid%s", way, way, q->limit, q->skip,
	    q->light ? BODY_AT_X : BODY_OF_X, way, way);
}

static void
put_gather_page(struct sql *q)
{
	const struct search *search = q->plan->search;
	size_t i;

	PUT(q, PAGE_COLUMNS);
	for (i = 0; i < search->nsort; i++)
		PUT(q, ", x.s%zu", i + 1);
	PUT(q, " from (select z.* from (select y.id, y.rid, y.ver, y.updated");
	for (i = 0; i < search->nsort; i++) {
		PUT(q, ", ");
		put_sort_value(q, &search->sort[i]);
		PUT(q, " s%zu", i + 1);
	}
	PUT(q, " from (select distinct on (y.rid) y.* ");
	sql_walk(q, false);
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
	q.skips = skip > 0;
	if (plan->gather) {
		put_gather_page(&q);
	} else {
		q.both = sql_int8(&q, limit + skip);
		put_walk_page(&q);
	}
	*query = sql_end(&q);
}

#define RECORD_OF_X							\
	" from x cross join lateral (select r.rh, r.refs, r.at from res r " \
	"where r.rid = x.rid and (r.tn = $1 and r.type = $2 "		\
	"and not r.deleted) is true offset 0) r"

void
search_sql_hashes(struct ctx *ctx, const struct plan *plan,
    const int64_t *konst, struct pg_query *query, struct pg_args *a)
{
	struct sql q = sql_begin(ctx, plan, a);

	/* In order, so that each index is walked no further than that. */
	q.both = sql_int8(&q, SEARCH_LINK_ROWS + 1);
	PUT(&q, "with x as materialized (select y.rid ");
	sql_walk(&q, true);
	PUT(&q, " limit $%d) select (select count(*) from x), ", q.both);
	if (konst == NULL)
		PUT(&q, "array(select distinct r.rh" RECORD_OF_X);
	else
		PUT(&q, "array(select distinct f.rh" RECORD_OF_X
		    " cross join unnest(r.refs) f(rh) where exists (select 1 "
		    "from post p where p.k = f.rh # $%d and p.at = r.at "
		    "and p.rid = x.rid offset 0)", sql_int8(&q, *konst));
	PUT(&q, " limit $%d)", sql_int8(&q, SEARCH_LINK_MAX + 1));
	*query = sql_end(&q);
}

void
search_sql_rids(struct ctx *ctx, const struct plan *plan, int64_t limit,
    struct pg_query *query, struct pg_args *a)
{
	struct sql q = sql_begin(ctx, plan, a);

	q.limit = sql_int8(&q, limit);
	PUT(&q, "select distinct y.rid ");
	sql_walk(&q, false);
	PUT(&q, " limit $%d", q.limit);
	*query = sql_end(&q);
}

void
search_sql_lists(struct ctx *ctx, const struct plan *plan,
    struct pg_query *query, struct pg_args *a)
{
	struct sql q = sql_begin(ctx, plan, a);

	q.both = sql_int8(&q, 1);	/* of each list */
	PUT(&q, "select distinct d.k ");
	sql_walk(&q, true);
	*query = sql_end(&q);
}

void
search_sql_total(struct ctx *ctx, const struct plan *plan,
    struct pg_query *query, struct pg_args *a)
{
	struct sql q = sql_begin(ctx, plan, a);

	PUT(&q, "select count(distinct y.rid) ");
	sql_walk(&q, false);
	*query = sql_end(&q);
}
