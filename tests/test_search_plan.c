/*
 * Every shape of a search is a nested loop of index descents, whatever the
 * tables hold: no statement scans a table, none joins two by hash or merge.
 */

#include "lib/database.h"
#include "lib/records.h"
#include "lib/suite.h"

#include "base/buf.h"
#include "base/conf.h"
#include "fhir/search_plan.h"
#include "queries.h"
#include "wire/migrate.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#define ROWS	"20000"

static struct ctx ctx;
static const struct conf conf = { .base_url = "https://here/v3" };

/* Enough rows that a scan would look cheap where a statement leaves a choice;
 * types 96 and 103 are Observation and Patient. */
static const char filling[] =
    "insert into res (tn, type, id, rid, ver, at, updated, deleted, has, rh,"
    " keys, auxs, print, rules, refs) select 1, t, 'x' || i,"
    " t::int8 * 1000000 + i, 1, timestamptz '2020-01-01' + i * interval"
    " '1 hour', now(), false, i, i, '{}', '{}', 0, 0, '{}'"
    " from generate_series(1, " ROWS ") i,"
    " (values (96), (103)) v(t);"
    "insert into ver (rid, ver, tn, type, updated, op, client, body)"
    " select rid, ver, tn, type, updated, 'C', 't', '{}' from res;"
    "insert into post select (rid + i) % 100, at, rid, 0 from res,"
    " generate_series(0, 2) i;"
    "insert into dat select tn, p, type, at, rid, at + interval '1 hour'"
    " from res, generate_series(1, 2) p;"
    "insert into datw select tn, type, p, tstzrange(at, at + interval"
    " '1 year'), rid from res, generate_series(1, 2) p where rid % 10 = 0;"
    "insert into qty select tn, type, 3, rid % 1000, rid, rid % 1000 +"
    " case when rid % 50 = 0 then 1 else 0 end, 1, rid % 7, rid % 3 from res;"
    "insert into cqty select rid % 100, rid % 1000, rid, rid % 1000 +"
    " case when rid % 50 = 0 then 1 else 0 end, 1, 1, 1, 0 from res;"
    "insert into str select tn, type, p, md5(rid::text), rid from res,"
    " generate_series(1, 2) p;"
    "analyze";

static void
open_once(void)
{
	int applied;

	database_create();
	database_ctx(&ctx);
	ck_assert_int_eq(migrate(&ctx, &applied), OK);
	database_ctx_end(&ctx);
}

static void
open_ctx(void)
{
	database_ctx(&ctx);
	ctx.conf = &conf;
	ctx.who.scope = STR("system:read");
}

static void
close_ctx(void)
{
	database_ctx_end(&ctx);
}

/* clang-format off */
static const struct shape {
	const char	*type, *query;
	enum driver	 driver;
	int		 drives;
	bool		 gather;
} shapes[] = {
{ "Observation", "patient=p1",				DRIVE_POST,	0, false },
{ "Observation", "patient=p1&date=ge2020-02-01",	DRIVE_POST,	0, false },
{ "Observation", "patient=p1&code=a,b&status:not=final", DRIVE_POST,	0, false },
{ "Observation", "subject=Patient/p1&code=a&date=gt2020&date=lt2021", DRIVE_POST, 0, false },
{ "Observation", "patient=p1&category=a&date=le2020",	DRIVE_POST,	0, false },
{ "Observation", "patient=p1&_sort=date",		DRIVE_POST,	0, false },
{ "Observation", "patient=p1&value-date=2020",		DRIVE_POST,	0, false },
{ "Observation", "patient=p1&_lastUpdated=gt2020",	DRIVE_POST,	0, false },
{ "Observation", "_id=a,b&status=final",		DRIVE_PICK,	0, false },
{ "Observation", "",					DRIVE_TYPE,	-1, false },
{ "Observation", "date=gt2020&code:missing=true",	DRIVE_TYPE,	-1, false },
{ "Observation", "status=final&_sort=-_id",		DRIVE_ID,	-1, false },
{ "Observation", "status=final&_sort=_lastUpdated",	DRIVE_UPDATED,	-1, false },
{ "Observation", "_lastUpdated=gt2020&status=final",	DRIVE_UPDATED,	0, false },
{ "Observation", "value-date=gt2020&status=final",	DRIVE_DATE,	0, false },
{ "Observation", "status=final&_sort=value-date",	DRIVE_DATE,	-1, false },
{ "Observation", "status=final&_sort=date,-_id",	DRIVE_POST,	0, true },
{ "Observation", "value-date=gt2020&_sort=_lastUpdated", DRIVE_DATE,	0, true },
{ "Observation", "value-quantity=gt5&status=final",	DRIVE_MEASURE,	0, false },
{ "Observation", "value-quantity=5|s|c,6||u&status=final", DRIVE_MEASURE, 0, false },
{ "Observation", "combo-value-quantity=ne5||u&_sort=_id", DRIVE_MEASURE, 0, true },
{ "Observation", "status=final&_sort=-value-quantity",	DRIVE_MEASURE,	-1, false },
{ "Observation", "status=final&value-quantity=gt5&_sort=value-quantity", DRIVE_MEASURE, 1, false },
{ "Observation", "status=final&_sort=value-quantity,_id", DRIVE_POST,	0, true },
{ "Observation", "patient=p1&_sort=code,date",		DRIVE_POST,	0, true },
{ "Patient",	 "_sort=gender",			DRIVE_TYPE,	-1, true },
{ "Observation", "patient=p1&value-quantity=5,6||kg",	DRIVE_POST,	0, false },
{ "Observation", "patient=p1&code-value-quantity=a$5",	DRIVE_POST,	0, false },
{ "Observation", "code-value-quantity=a$lt5&status=final", DRIVE_COMPOSITE, 0, false },
{ "Observation", "combo-code-value-concept=a$b&_sort=date,_id", DRIVE_COMPOSITE, 0, true },
{ "Location",	 "near=47|8|10|km&status=active",	DRIVE_COMPOSITE, 0, false },
{ "Location",	 "near=47|8|10|km&_sort=name",		DRIVE_COMPOSITE, 0, true },
{ "Patient",	 "name=smith&gender=male",		DRIVE_STRING,	0, false },
{ "Patient",	 "family:contains=mit&name=a&gender=x", DRIVE_STRING,	1, false },
{ "Patient",	 "family:contains=mit&gender=x",	DRIVE_LIKE,	0, false },
{ "Patient",	 "family:contains=mit&_sort=_id",	DRIVE_LIKE,	0, true },
{ "Patient",	 "gender=male&_sort=-family",		DRIVE_STRING,	-1, false },
{ "Patient",	 "name=smith&_sort=family,-birthdate",	DRIVE_STRING,	0, true },
{ "Patient",	 "_id=a,b&_sort=family",		DRIVE_PICK,	0, true },
{ "Patient",	 "_sort=family,birthdate",		DRIVE_TYPE,	-1, true },
{ "Patient/p1/Observation", "",				DRIVE_POST,	0, false },
{ "Patient/p1/Observation", "code=a&date=gt2020",	DRIVE_POST,	0, false },
{ "Patient/p1/Observation", "code=a&date=gt2020",	DRIVE_POST,	1, false },
{ "Patient/p1/Observation", "_sort=-value-date",	DRIVE_DATE,	-1, false },
{ "Patient/p1/*", "",					DRIVE_POST,	0, false },
{ "Patient/p1/*", "_tag=a&_lastUpdated=gt2020",		DRIVE_POST,	0, false },
{ "Patient/p1/*", "_source=http://a",			DRIVE_POST,	1, false },
{ "Patient/p1/*", "_id=a,b",				DRIVE_PICK,	1, false },
{ "Patient/p1/*", "_sort=_id",				DRIVE_POST,	0, true },
{ "Observation", "subject:Patient.name=a",		DRIVE_POST,	0, false },
{ "Observation", "subject:Patient.name=a&date=ge2020",	DRIVE_POST,	0, false },
{ "Observation", "status=final&subject:Patient.name=a",	DRIVE_POST,	0, false },
{ "Observation", "subject:Patient.name=a&_sort=_id",	DRIVE_ID,	-1, false },
{ "Observation", "subject:Patient.name=a&_sort=date,_id", DRIVE_POST,	0, true },
{ "Observation", "subject:Patient.name=a&value-quantity=gt5", DRIVE_MEASURE, 1, false },
{ "Patient",	 "_has:Observation:patient:code=a",	DRIVE_RH,	0, false },
{ "Patient",	 "_has:Observation:patient:code=a&gender=male", DRIVE_POST, 1, false },
{ "Patient",	 "_has:Observation:patient:code=a&name=x", DRIVE_STRING, 1, false },
{ "Patient",	 "_has:Observation:patient:code=a&_sort=family", DRIVE_RH, 0, true },
{ "Patient",	 "_has:Observation:patient:code=a&_sort=family", DRIVE_STRING, -1, false },
{ "Observation", "_has:DiagnosticReport:result:code=a&date=gt2020", DRIVE_TYPE, -1, false },
{ "Observation", "_has:DiagnosticReport:result:code=a&subject:Patient.name=a&date=gt2020", DRIVE_TYPE, -1, false },
{ "*",		 "",					DRIVE_TYPE,	-1, false },
{ "*",		 "_type=Patient,Observation&_tag:not=a", DRIVE_TYPE,	-1, false },
{ "*",		 "_type=Patient,Observation&_tag=a",	DRIVE_POST,	0, false },
{ "*",		 "_id=a,b",				DRIVE_PICK,	0, false },
{ "*",		 "_lastUpdated=gt2020&_tag=a",		DRIVE_UPDATED,	0, false },
{ "*",		 "_tag=a&_sort=-_lastUpdated",		DRIVE_UPDATED,	-1, false },
{ "*",		 "_tag=a&_sort=_id",			DRIVE_POST,	0, true },
{ "Patient/p1/*", "_sort=_lastUpdated",			DRIVE_UPDATED,	-1, false },
};
/* clang-format on */

/* Links of many records, whatever there are. */
static void
fill_links(struct plan *plan)
{
	static int64_t some[SEARCH_LISTS_ASKED * 2];
	const size_t n = sizeof(some) / sizeof(some[0]);

	for (size_t i = 0; i < plan->n; i++) {
		struct probe *p = &plan->probes[i];

		if (p->kind == PROBE_RH)
			p->hashes = (struct hashes){ some, n };
		if (!p->linked || p->posts.n > 0)
			continue;
		search_posts_room(ctx.arena, &p->posts, n);
		for (size_t k = 0; k < n; k++)
			search_add_post(&p->posts, some[k], INT32_MIN,
			    INT32_MAX);
	}
}

/* "Observation", or within a compartment: "Patient/p1/Observation". */
static enum err
parse(const struct shape *shape, struct search **out)
{
	struct http_params params = records_query(&ctx,
	    str_of(shape->query));
	struct str rest = str_of(shape->type);
	struct str first = str_cut(&rest, '/');
	struct str id;

	if (rest.p == NULL && str_eqz(first, "*"))
		return search_parse_all(&ctx, &params, false, out);
	if (rest.p == NULL)
		return search_parse(&ctx, r4_type_named(first), &params, false,
		    out);
	id = str_cut(&rest, '/');
	return search_parse_within(&ctx, r4_type_named(first), id,
	    r4_type_named(rest), &params, false, out);
}

static struct plan
plan_of(const struct shape *shape)
{
	struct key_space space;
	struct plan plan = { .tn = 1 };

	ck_assert_int_eq(store_key_space(&ctx, &space), OK);
	ck_assert_int_eq(parse(shape, &plan.search), OK);
	ck_assert_int_eq(search_probes(&ctx, space, &plan), OK);
	fill_links(&plan);
	plan.driver = shape->driver;
	plan.drives = shape->drives;
	plan.gather = shape->gather;
	ck_assert(search_plan_settle(&plan));
	return plan;
}

static int
occurrences(const char *text, const char *word)
{
	int n = 0;

	while ((text = strstr(text, word)) != NULL) {
		text++;
		n++;
	}
	return n;
}

/* The plan of a statement as PostgreSQL explains it, without its costs. */
static struct str
explain(const struct pg_query *q, const struct pg_args *a)
{
	struct buf sql = buf_new(ctx.arena, 4096);
	PGconn *conn = PQconnectdb(database_conninfo());
	PGresult *res;

	PQclear(PQexec(conn, "set plan_cache_mode = force_generic_plan"));
	res = PQprepare(conn, "it", q->sql, a->n, a->types);
	ck_assert_msg(PQresultStatus(res) == PGRES_COMMAND_OK, "%s\n%s",
	    PQerrorMessage(conn), q->sql);
	PQclear(res);
	buf_addz(&sql, "explain (costs off) execute it(");
	for (int i = 0; i < a->n; i++)
		buf_addz(&sql, i == 0 ? "null" : ", null");
	buf_addz(&sql, ")");
	res = PQexec(conn, arena_z(ctx.arena, buf_str(&sql)));
	ck_assert_msg(PQresultStatus(res) == PGRES_TUPLES_OK, "%s",
	    PQerrorMessage(conn));
	buf_clear(&sql);
	for (int i = 0; i < PQntuples(res); i++)
		buf_addf(&sql, "%s\n", PQgetvalue(res, i, 0));
	PQclear(res);
	PQfinish(conn);
	return buf_str(&sql);
}

/* What is looked up by rid is found by an index that begins with it, or with
 * all that stands before it: "Index .. using I on T", then "Index Cond: ..". */
static bool
by_rid_alone(const char *text)
{
	static const char *const names[] = { "res_rid", "dat_rid", "datw_rid",
		"str_rid", "qty_rid", "cqty_rid", "ver_pkey", "post_pkey" };
	const char *using = text;

	while ((using = strstr(using, " using ")) != NULL) {
		const char *cond = strchr(using += 7, '\n');
		const char *end = cond == NULL ? NULL : strchr(cond + 1, '\n');
		const char *rid = cond == NULL ? NULL :
		    strstr(cond, "(rid = ");
		bool good = rid == NULL || end == NULL || rid > end;

		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			good = good || str_starts(str_of(using),
			    str_of(names[i]));
		if (!good)
			return false;
	}
	return true;
}

/* Of "Bitmap Index Scan on I": of texts like a pattern, or of one hash. */
static bool
starts_with_few(const char *at)
{
	return str_starts(str_of(at), STR("Bitmap Index Scan on str_trgm")) ||
	    str_starts(str_of(at), STR("Bitmap Index Scan on res_rh"));
}

static void
check_statement(const struct shape *shape, const struct pg_query *q,
    const struct pg_args *a)
{
	static const char *const bad[] = { "Seq Scan", "Hash Join",
		"Merge Join", "Hash Semi", "Hash Anti" };
	const char *text = arena_z(ctx.arena, explain(q, a));
	const char *at;
	bool good = by_rid_alone(text);

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		good = good && strstr(text, bad[i]) == NULL;
	/* A bitmap is fine where it holds the rows of one record, or all that
	 * are gathered. */
	for (at = text; (at = strstr(at, "Bitmap Index Scan on ")) != NULL;
	    at++)
		good = good && (shape->gather || starts_with_few(at) ||
		    strstr(at, "_rid\n") == strchr(at, '\n') - 4);
	/* Legs come in order: what is sorted is at most one page of each. */
	good = good && (shape->gather || shape->driver == DRIVE_PICK ||
	    shape->driver == DRIVE_LIKE || shape->driver == DRIVE_RH ||
	    occurrences(text, "Sort Key") <= 1);
	if (!good || getenv("SHOW_PLANS") != NULL)
		printf("== %s?%s\n%s\n%s\n", shape->type, shape->query,
		    q->sql, text);
	fflush(stdout);
	ck_assert_msg(good, "%s?%s: see its plan above", shape->type,
	    shape->query);
}

/* The first page, and one from some place in the order on. */
static void
check_pages(const struct shape *shape, struct plan *plan)
{
	struct pg_query q;
	struct pg_args a;

	for (int i = 0; i < 4; i++) {
		plan->backwards = i % 2 == 1;
		plan->placed = i / 2 == 1;
		for (size_t k = 0; k < SEARCH_SORT_MAX; k++)
			plan->place.keys[k] = (struct order_key){
				.kind = search_walk_order(plan),
				.s = STR("x") };
		if (plan->placed && plan->gather)
			continue;
		if (plan->bodies)
			search_sql_rids(&ctx, plan, 50, &q, &a);
		else
			search_sql_page(&ctx, plan, 50, 0, &q, &a);
		check_statement(shape, &q, &a);
	}
}

static void
check_shapes(void)
{
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		struct plan plan = plan_of(&shapes[i]);

		for (plan.segment = 0; plan.segment < plan.segments;
		    plan.segment++)
			check_pages(&shapes[i], &plan);
	}
}

/* What is at the other end of links, by itself and by what it refers to. */
static void
check_gathers(void)
{
	const int64_t konst = 1;
	struct pg_query q;
	struct pg_args a;

	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		struct plan plan = plan_of(&shapes[i]);
		struct shape shape = shapes[i], lists = shapes[i];

		plan.gather = true;
		if (!search_plan_settle(&plan) || plan.search->nsort > 0 ||
		    plan.search->ntypes > 0)
			continue;
		/* Hashes are sorted, but walks as bounded as those of pages;
		 * measures, fewer here than the bound, may all be read. */
		shape.gather = plan.driver == DRIVE_MEASURE ||
		    plan.driver == DRIVE_COMPOSITE;
		shape.driver = DRIVE_RH;
		search_sql_hashes(&ctx, &plan, NULL, &q, &a);
		check_statement(&shape, &q, &a);
		search_sql_hashes(&ctx, &plan, &konst, &q, &a);
		check_statement(&shape, &q, &a);
		lists.gather = false;
		if (lists.driver != DRIVE_POST)
			continue;
		lists.driver = DRIVE_RH;
		search_sql_lists(&ctx, &plan, &q, &a);
		check_statement(&lists, &q, &a);
	}
}

/* What comes along with a page. */
static void
check_includes(void)
{
	static const struct shape shape = { "included", "", DRIVE_RH, 0,
	    false };
	struct pg_args records = pg_args(ctx.arena);
	struct pg_args lists = pg_args(ctx.arena);

	pg_int4(&records, 1);
	pg_int2s(&records, NULL, 0);
	pg_texts(&records, NULL, 0);
	pg_int4s(&records, NULL, 0);
	pg_int8(&records, 1);
	pg_int8(&records, 1);
	check_statement(&shape, &query_include_records, &records);
	pg_int4(&lists, 1);
	pg_int2s(&lists, NULL, 0);
	pg_int8s(&lists, NULL, 0);
	pg_int8(&lists, 1);
	pg_int8(&lists, 1);
	check_statement(&shape, &query_include_listed, &lists);
}

START_TEST(pages_are_index_walks_when_the_tables_are_empty)
{
	check_shapes();
	check_gathers();
	check_includes();
}
END_TEST

static void
fill(void)
{
	char *n = database_ask("select count(*) from res");

	if (strcmp(n, "0") == 0)
		free(database_ask(filling));
	free(n);
}

START_TEST(pages_are_index_walks_when_the_tables_are_full)
{
	fill();
	check_shapes();
	check_gathers();
}
END_TEST

/* --- how far a walk goes -------------------------------------------------- */

/* Pages that begin far from both ends of what they walk, and from the place
 * that they go on from. */
static const struct {
	struct shape	 shape;
	const char	*place;
} far[] = {
	{ { "Observation", "date=lt2020-06-01", DRIVE_TYPE, -1, false },
	    NULL },
	{ { "Observation", "date=gt2021-06-01&_sort=date", DRIVE_TYPE, -1,
	    false }, NULL },
	{ { "Observation", "date=lt2020-06-01,gt2022-03-01", DRIVE_TYPE, -1,
	    false }, "2022-03-02" },
	{ { "Patient", "family=8", DRIVE_STRING, 0, false }, NULL },
	{ { "Patient", "family=1,f", DRIVE_STRING, 0, false }, "1zzz" },
};

/* Families for the Patients of `filling`. */
static void
fill_families(void)
{
	const struct r4_param *family = r4_param_named(
	    r4_type_named(STR("Patient")), STR("family"));

	fill();
	free(database_ask(arena_z(ctx.arena, arena_printf(ctx.arena,
	    "insert into str select tn, type, %d, md5(rid::text), rid "
	    "from res where type = 103; analyze str", family->number))));
}

/* Blocks that a statement touched, all in memory here, as its plan's first line
 * of them says. */
static long
blocks_touched(const struct pg_query *q, const struct pg_args *a)
{
	PGconn *conn = PQconnectdb(database_conninfo());
	struct str sql = arena_printf(ctx.arena, "explain (analyze, buffers, "
	    "costs off, timing off, summary off) %s", q->sql);
	long blocks = 0;
	const char *at;
	PGresult *res;

	res = PQexecParams(conn, arena_z(ctx.arena, sql), a->n, a->types,
	    a->values, a->lengths, a->formats, 0);
	ck_assert_msg(PQresultStatus(res) == PGRES_TUPLES_OK, "%s",
	    PQerrorMessage(conn));
	for (int i = 0; i < PQntuples(res) && blocks == 0; i++) {
		at = strstr(PQgetvalue(res, i, 0), "shared hit=");
		blocks = at == NULL ? 0 :
		    strtol(at + strlen("shared hit="), NULL, 10);
	}
	PQclear(res);
	PQfinish(conn);
	return blocks;
}

static struct place
place_at(const char *text)
{
	struct place place = { .keys = { { .kind = ORDER_TEXT,
		.s = str_of(text) } } };
	struct when when;

	if (when_parse(str_of(text), WHEN_SEARCH, &when)) {
		place.keys[0].kind = ORDER_TIME;
		place.keys[0].us = when.lo_us;
	}
	return place;
}

START_TEST(a_page_walks_no_further_than_its_rows)
{
	struct plan plan;
	struct pg_query q;
	struct pg_args a;

	fill_families();
	for (size_t i = 0; i < sizeof(far) / sizeof(far[0]); i++) {
		plan = plan_of(&far[i].shape);
		plan.placed = far[i].place != NULL;
		if (plan.placed)
			plan.place = place_at(far[i].place);
		search_sql_page(&ctx, &plan, 20, 0, &q, &a);
		ck_assert_int_lt(blocks_touched(&q, &a), 400);
	}
}
END_TEST

START_TEST(a_shape_is_one_statement_whatever_its_values)
{
	static const struct shape pairs[][2] = {
		{ { "Observation", "patient=p1&date=ge2020", DRIVE_POST, 0,
		    false }, { "Observation", "patient=p2&date=ge2021-01",
		    DRIVE_POST, 0, false } },
		{ { "Observation", "patient=p1,p4&date=ge2020", DRIVE_POST, 0,
		    false }, { "Observation", "patient=p1,p2,p3&date=2021",
		    DRIVE_POST, 0, false } },
	};
	struct plan plan = plan_of(&pairs[_i][0]);
	struct plan other = plan_of(&pairs[_i][1]);
	struct pg_query q, p;
	struct pg_args a;

	search_sql_page(&ctx, &plan, 50, 0, &q, &a);
	search_sql_page(&ctx, &other, 10, 7, &p, &a);
	ck_assert_str_eq(q.sql, p.sql);
	ck_assert_str_eq(q.name, p.name);
}
END_TEST

/* Legs of their own, not rows that a statement joins with. */
START_TEST(a_page_since_some_time_is_of_a_few_ranges)
{
	static const char *const queries[] = {
		"patient=p1&date=ge2015", "patient=p1&date=ge2015-03",
		"patient=p1&date=ge2015-03-01", "patient=p1&date=gt2015",
		"patient=p1&date=le2015", "patient=p1&date=lt2015",
		"patient=p1&date=2015", "patient=p1&date=ge2015&date=lt2017",
		"patient=p1&date=ge2015,ge2015-06" };
	struct shape shape = { "Observation", queries[_i], DRIVE_POST, 0,
		false };
	struct plan plan = plan_of(&shape);
	struct pg_query q;
	struct pg_args a;

	search_sql_page(&ctx, &plan, 50, 0, &q, &a);
	ck_assert_msg(strstr(q.sql, "flip") == NULL, "%s: %s", queries[_i],
	    q.sql);
}
END_TEST

int
main(int argc, char **argv)
{
	TCase *t = suite_case("search_plan");

	(void)argc;
	database_need(argv);
	tcase_add_unchecked_fixture(t, open_once, database_drop);
	tcase_add_checked_fixture(t, open_ctx, close_ctx);
	tcase_set_timeout(t, 120);
	tcase_add_test(t, pages_are_index_walks_when_the_tables_are_empty);
	tcase_add_test(t, pages_are_index_walks_when_the_tables_are_full);
	tcase_add_test(t, a_page_walks_no_further_than_its_rows);
	tcase_add_loop_test(t, a_shape_is_one_statement_whatever_its_values,
	    0, 2);
	tcase_add_loop_test(t, a_page_since_some_time_is_of_a_few_ranges, 0,
	    9);
	return suite_run();
}
