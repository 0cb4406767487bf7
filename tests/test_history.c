/*
 * Histories of a record, a type and all types: every version once, newest
 * first, also while others write; and nothing is missed by who follows.
 */

#include "lib/database.h"
#include "lib/records.h"
#include "lib/suite.h"

#include "base/buf.h"
#include "fhir/history.h"

#include <check.h>
#include <stdlib.h>

static struct ctx ctx;

static void
open_ctx(void)
{
	database_ctx(&ctx);
}

static void
close_ctx(void)
{
	database_ctx_end(&ctx);
}

/* For tests of plans: nobody else has written. */
static void
open_own(void)
{
	database_prepare();
	open_ctx();
}

static void
close_own(void)
{
	close_ctx();
	database_drop();
}

/* Times are whole milliseconds; each version has one of its own. */
static void
put(const char *type, const char *id)
{
	int64_t written_ms;

	records_put(&ctx, id, arena_printf(ctx.arena,
	    "{\"resourceType\":\"%s\",\"id\":\"%s\"}%c", type, id, '\0').p);
	written_ms = when_now() / 1000;
	while (when_now() / 1000 == written_ms)
		;
}

static struct history
of_type(const char *type, int count)
{
	return (struct history){ .type = type == NULL ? NULL :
	    r4_type_named(str_of(type)), .since_us = WHEN_MIN,
	    .at_lo_us = WHEN_MIN, .at_hi_us = WHEN_MAX, .count = count };
}

static struct history_page
read_page(const struct history *asked)
{
	struct history_page page;
	enum err err = history_read(&ctx, asked, &page);

	ck_assert_msg(err == OK, "%s", records_issue(&ctx));
	return page;
}

/* "c2 b1" of a page; of several pages with | between them. */
static void
add_page(struct buf *b, const struct history_page *page)
{
	for (size_t i = 0; i < page->n; i++)
		buf_addf(b, "%s%.*s%d%s", i > 0 ? " " : "",
		    STR_ARGS(page->records[i].id), page->records[i].ver,
		    page->records[i].deleted ? "D" : "");
}

static struct str
walk(struct history asked)
{
	struct buf b = buf_new(ctx.arena, 64);

	for (;;) {
		struct history_page page = read_page(&asked);

		add_page(&b, &page);
		if (page.cursor.n == 0 && page.below == 0)
			return buf_str(&b);
		asked.cursor = page.cursor;
		asked.below = page.below;
		buf_addc(&b, '|');
	}
}

static void
is_walk(struct history asked, const char *wanted)
{
	struct str got = walk(asked);

	ck_assert_msg(str_eqz(got, wanted), "%.*s, wanted %s", STR_ARGS(got),
	    wanted);
}

static int64_t
updated_of(const char *type, const char *id, int32_t ver)
{
	struct record record;
	enum err err = store_vread(&ctx, r4_type_named(str_of(type)),
	    str_of(id), ver, &record);

	ck_assert(err == OK || err == ERR_DELETED);
	return record.updated_us;
}

START_TEST(versions_of_a_record_come_newest_first)
{
	struct history asked = of_type("Patient", 2);
	struct history_page page;

	put("Patient", "hist");
	put("Patient", "hist");
	records_delete(&ctx, "Patient", "hist");
	asked.id = STR("hist");
	is_walk(asked, "hist3D hist2|hist1");
	page = read_page(&asked);
	ck_assert_int_eq(page.total, 3);
	ck_assert(page.records[0].deleted);
	ck_assert_uint_eq(page.records[0].body.n, 0);
	ck_assert_int_eq(page.records[1].op, 'U');
	asked.below = 1;
	is_walk(asked, "");
	asked.id = STR("none");
	ck_assert_int_eq(history_read(&ctx, &asked, &page), ERR_NOT_FOUND);
}
END_TEST

START_TEST(versions_of_a_type_come_newest_first_and_once)
{
	put("Person", "a");
	put("Person", "b");
	put("Person", "a");
	free(database_ask("select pg_sleep(0.002)"));
	records_delete(&ctx, "Person", "b");
	free(database_ask("select pg_sleep(0.002)"));
	put("Person", "c");
	for (int count = 1; count <= 6; count++) {
		struct str got = walk(of_type("Person", count));
		struct buf b = buf_new(ctx.arena, 64);

		for (size_t i = 0; i < got.n; i++)
			buf_addc(&b, got.p[i] == '|' ? ' ' : got.p[i]);
		ck_assert_str_eq(arena_z(ctx.arena, buf_str(&b)),
		    "c1 b2D a2 b1 a1");
	}
}
END_TEST

START_TEST(versions_written_meanwhile_change_no_later_page)
{
	struct history asked = of_type("Organization", 2);
	struct history_page page;

	put("Organization", "a");
	put("Organization", "b");
	put("Organization", "c");
	page = read_page(&asked);
	put("Organization", "a");
	put("Organization", "d");
	asked.cursor = page.cursor;
	is_walk(asked, "a1");
}
END_TEST

START_TEST(types_without_right_are_not_shown)
{
	int16_t types[] = { r4_type_named(STR("Location"))->number,
	    r4_type_named(STR("Device"))->number };
	struct history asked = of_type(NULL, 10);

	put("Location", "l");
	put("HealthcareService", "h");
	put("Device", "d");
	asked.types = types;
	asked.ntypes = 2;
	is_walk(asked, "d1 l1");
	asked.count = 1;
	is_walk(asked, "d1|l1");
	asked.ntypes = 1;
	is_walk(asked, "l1");
}
END_TEST

START_TEST(since_is_from_then_on)
{
	struct history asked = of_type("Medication", 10);

	put("Medication", "a");
	put("Medication", "a");
	put("Medication", "a");
	asked.since_us = updated_of("Medication", "a", 2);
	is_walk(asked, "a3 a2");
	asked.id = STR("a");
	is_walk(asked, "a3 a2");
	asked.count = 1;
	is_walk(asked, "a3|a2");
	asked.since_us = updated_of("Medication", "a", 3) + 1;
	is_walk(asked, "");
	asked.id = STR_NONE;
	is_walk(asked, "");
}
END_TEST

/* Versions 1 to 3, the last a deletion, at times t1 to t3: current in [lo, hi)
 * of them, in steps of a millisecond around. */
static const struct {
	int		 lo_ver, lo_ms, hi_ver, hi_ms;
	const char	*wanted;
} times[] = {
	{ 1, -1, 1, 0, "" },		/* before all */
	{ 1, 0, 1, 1, "a1" },
	{ 2, 0, 2, 1, "a2" },		/* the first has just ended */
	{ 2, -1, 2, 1, "a2 a1" },
	{ 2, -1, 2, 0, "a1" },
	{ 3, -1, 3, 1, "a3D a2" },
	{ 3, 1, 3, 9, "" },		/* what is gone is not current */
	{ 1, -1, 3, 9, "a3D a2 a1" },
};

START_TEST(at_shows_what_was_current_then)
{
	struct history asked = of_type("Practitioner", 10);
	struct record record;

	if (store_read(&ctx, asked.type, STR("a"), &record) ==
	    ERR_NOT_FOUND) {
		put("Practitioner", "a");
		free(database_ask("select pg_sleep(0.003)"));
		put("Practitioner", "a");
		free(database_ask("select pg_sleep(0.003)"));
		records_delete(&ctx, "Practitioner", "a");
	}
	asked.at_lo_us = updated_of("Practitioner", "a", times[_i].lo_ver) +
	    times[_i].lo_ms * 1000;
	asked.at_hi_us = updated_of("Practitioner", "a", times[_i].hi_ver) +
	    times[_i].hi_ms * 1000;
	is_walk(asked, times[_i].wanted);
	asked.id = STR("a");
	is_walk(asked, times[_i].wanted);
}
END_TEST

START_TEST(foreign_cursors_are_refused)
{
	struct history asked = of_type("PractitionerRole", 1);
	struct history_page page;

	put("PractitionerRole", "a");
	put("PractitionerRole", "b");
	asked.cursor = read_page(&asked).cursor;
	asked.type = r4_type_named(STR("Patient"));
	ck_assert_int_eq(history_read(&ctx, &asked, &page),
	    ERR_INVALID_PARAMETER);
	asked.type = r4_type_named(STR("PractitionerRole"));
	asked.since_us = 0;
	ck_assert_int_eq(history_read(&ctx, &asked, &page),
	    ERR_INVALID_PARAMETER);
	asked.since_us = WHEN_MIN;
	ctx.who.tn = 2;
	ck_assert_int_eq(history_read(&ctx, &asked, &page),
	    ERR_INVALID_PARAMETER);
}
END_TEST

/* --- nothing is missed ---------------------------------------------------- */

static void
ask_on(PGconn *conn, const char *sql)
{
	PGresult *res = PQexec(conn, sql);

	ck_assert_msg(PQresultStatus(res) == PGRES_COMMAND_OK ||
	    PQresultStatus(res) == PGRES_TUPLES_OK, "%s",
	    PQerrorMessage(conn));
	PQclear(res);
}

/* A writer that has taken its time, and takes its time. */
static PGconn *
open_writer(const char *updated)
{
	PGconn *conn = PQconnectdb(database_conninfo());

	ck_assert_int_eq(PQstatus(conn), CONNECTION_OK);
	ask_on(conn, "begin");
	ask_on(conn, arena_printf(ctx.arena, "with t as materialized (select "
	    "%s as u), c as (insert into res (tn, type, id, rid, ver, at, "
	    "updated, deleted, has, rh, keys, auxs, refs, print, rules) "
	    "select 1, %d, 'late', 77, 1, '-infinity', u, false, 0, 0, '{}', "
	    "'{}', '{}', 0, 0 from t where in_time(u)) insert into ver (rid, "
	    "ver, tn, type, updated, op, client, body) select 77, 1, 1, %d, "
	    "u, 'C', '', '{}' from t where in_time(u)%c", updated,
	    r4_type_named(STR("Group"))->number,
	    r4_type_named(STR("Group"))->number, '\0').p);
	return conn;
}

START_TEST(late_commit_is_found_from_the_safe_time_on)
{
	struct history asked = of_type("Group", 10);
	struct history_page page;
	PGconn *late = open_writer("date_trunc('milliseconds', "
	    "clock_timestamp()) - interval '4 s'");

	/* Others are long done, and seen; the time of the page is theirs. */
	ck_assert_int_eq(read_page(&asked).n, 0);
	free(database_ask("select pg_sleep(0.01)"));
	records_put(&ctx, "g", "{\"resourceType\":\"Group\",\"id\":\"g\","
	    "\"type\":\"person\",\"actual\":true}");
	page = read_page(&asked);
	ck_assert_uint_eq(page.n, 1);
	ask_on(late, "commit");
	PQfinish(late);
	asked.since_us = page.records[0].updated_us;
	is_walk(asked, "g1");		/* the naive way misses it */
	asked.since_us = page.safe_us;
	is_walk(asked, "g1 late1");
}
END_TEST

START_TEST(safe_time_waits_for_a_transaction_that_writes_alone)
{
	PGconn *other = PQconnectdb(database_conninfo());
	int64_t before, during, after;

	ask_on(other, "begin");
	ask_on(other, "select count(*) from ver");
	free(database_ask("select pg_sleep(0.02)"));
	ck_assert_int_eq(history_horizon(&ctx, &before), OK);
	ask_on(other, "select pg_current_xact_id()");
	ck_assert_int_eq(history_horizon(&ctx, &during), OK);
	ask_on(other, "commit");
	ck_assert_int_eq(history_horizon(&ctx, &after), OK);
	PQfinish(other);
	ck_assert_int_lt(during, before);
	ck_assert_int_gt(after, before);
	ck_assert_int_eq(after % 1000, 0);
	ck_assert_int_lt(after, when_now() - 4 * US_PER_SECOND);
}
END_TEST

START_TEST(later_pages_keep_the_safe_time_of_the_first)
{
	struct history asked = of_type("Endpoint", 1);
	struct history_page first, second;

	records_put(&ctx, "e", "{\"resourceType\":\"Endpoint\",\"id\":\"e\","
	    "\"status\":\"active\",\"connectionType\":{\"code\":\"x\"},"
	    "\"payloadType\":[{\"text\":\"x\"}],\"address\":\"http://x\"}");
	records_put(&ctx, "f", "{\"resourceType\":\"Endpoint\",\"id\":\"f\","
	    "\"status\":\"active\",\"connectionType\":{\"code\":\"x\"},"
	    "\"payloadType\":[{\"text\":\"x\"}],\"address\":\"http://x\"}");
	first = read_page(&asked);
	free(database_ask("select pg_sleep(0.01)"));
	asked.cursor = first.cursor;
	second = read_page(&asked);
	ck_assert_int_gt(first.safe_us, 0);
	ck_assert_int_eq(second.safe_us, first.safe_us);
}
END_TEST

START_TEST(times_from_too_far_back_are_refused)
{
	PGconn *conn = PQconnectdb(database_conninfo());
	PGresult *res;

	ask_on(conn, "select in_time(clock_timestamp() - interval '4 s')");
	ask_on(conn, "select in_time(clock_timestamp() + interval '1 h')");
	res = PQexec(conn, "select in_time(clock_timestamp() - "
	    "interval '6 s')");
	ck_assert_str_eq(PQresultErrorField(res, PG_DIAG_SQLSTATE), "40001");
	PQclear(res);
	PQfinish(conn);
}
END_TEST

/* --- plans ---------------------------------------------------------------- */

static const struct plan_row {
	struct pg_query	 explain;
	const char	*wanted[3];
} plans[] = {
	{ { "t_types", "explain (costs off) execute history_types(1, '{1}', "
	    "'-infinity', 'infinity', 1, 9, '-infinity', 9)" },
	    { "Index Scan Backward using ver_walk on ver v", "using res_rid",
	    "using ver_pkey on ver v" } },
	{ { "t_record", "explain (costs off) execute history_record(1, 1, "
	    "'a', 9, 9, '-infinity', '-infinity', 'infinity', 9)" },
	    { "using res_pkey", "Index Scan Backward using ver_pkey",
	    "Index Cond: ((rid = s.rid) AND (ver = s.ver))" } },
};

START_TEST(plans_made_on_empty_tables_walk_indexes)
{
	struct history asked = of_type("Patient", 9);
	struct buf plan = buf_new(ctx.arena, 0);
	PGresult *res;

	is_walk(asked, "");
	put("Patient", "a");
	asked.id = STR("a");
	is_walk(asked, "a1");
	ck_assert_int_eq(pg_exec(&ctx, &plans[_i].explain, NULL, &res), OK);
	for (int i = 0; i < PQntuples(res); i++)
		buf_add(&plan, pg_get_str(res, i, 0));
	buf_addc(&plan, '\0');
	for (size_t i = 0; i < 3; i++)
		ck_assert_msg(strstr(plan.p, plans[_i].wanted[i]) != NULL,
		    "%s", plan.p);
	ck_assert_msg(strstr(plan.p, "Seq Scan") == NULL, "%s", plan.p);
}
END_TEST

int
main(int argc, char **argv)
{
	TCase *tc = suite_case("history");
	TCase *own = suite_case("plans");
	int status;

	(void)argc;
	database_need(argv);
	database_prepare();
	tcase_add_checked_fixture(tc, open_ctx, close_ctx);
	tcase_add_test(tc, versions_of_a_record_come_newest_first);
	tcase_add_test(tc, versions_of_a_type_come_newest_first_and_once);
	tcase_add_test(tc, versions_written_meanwhile_change_no_later_page);
	tcase_add_test(tc, types_without_right_are_not_shown);
	tcase_add_test(tc, since_is_from_then_on);
	tcase_add_loop_test(tc, at_shows_what_was_current_then, 0,
	    sizeof(times) / sizeof(times[0]));
	tcase_add_test(tc, foreign_cursors_are_refused);
	tcase_add_test(tc, late_commit_is_found_from_the_safe_time_on);
	tcase_add_test(tc, safe_time_waits_for_a_transaction_that_writes_alone);
	tcase_add_test(tc, later_pages_keep_the_safe_time_of_the_first);
	tcase_add_test(tc, times_from_too_far_back_are_refused);
	tcase_add_checked_fixture(own, open_own, close_own);
	tcase_add_loop_test(own, plans_made_on_empty_tables_walk_indexes, 0,
	    sizeof(plans) / sizeof(plans[0]));
	status = suite_run();
	database_drop();
	return status;
}
