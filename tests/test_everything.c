/*
 * What everything of a patient reads is a nested loop of index descents,
 * whatever the tables held when its statements were planned.
 */

#include "lib/database.h"
#include "lib/records.h"
#include "lib/suite.h"

#include "base/buf.h"
#include "fhir/everything.h"

#include <check.h>

static struct ctx ctx;
static bool all[1000];

static void
open_ctx(void)
{
	database_ctx(&ctx);
	for (size_t i = 0; i < r4_types_count; i++)
		all[r4_types[i].number] = true;
}

static void
close_ctx(void)
{
	database_ctx_end(&ctx);
}

static struct everything
of_patient(const char *id)
{
	return (struct everything){ .owner = r4_type_named(STR("Patient")),
	    .id = str_of(id), .readable = all, .wanted = all,
	    .since_us = WHEN_MIN, .start_us = WHEN_MIN, .end_us = WHEN_MAX,
	    .count = 2, .use = STR("test") };
}

static const struct plan_row {
	struct pg_query	 explain;
	const char	*wanted[4];
} plans[] = {
	{ { "t_members", "explain (costs off) execute everything_members(1, "
	    "'{1}', '{1}', '{1}', '{now}', '{1}', '{1}', 9, now(), now(), "
	    "1, now(), 9)" },
	    { "Index Only Scan Backward using post_pkey",
	    "using res_rid", "using ver_pkey",
	    "(at = k.at) AND (rid = k.rid) AND (aux" } },
	{ { "t_referred", "explain (costs off) execute everything_referred("
	    "1, '{1}', '{1}', '{1}', 1::smallint, '{1}', '{1}', now(), 9)" },
	    { "Index Cond: (rh = d.rh)", "using ver_pkey",
	    "(at = r.at) AND (rid = r.rid)", "Index Cond: (rh = x.rh)" } },
};

/* One test: nobody has written before. */
START_TEST(plans_made_on_empty_tables_walk_indexes)
{
	struct everything asked = of_patient("a");
	struct everything_page page;

	records_put(&ctx, "a", "{\"resourceType\":\"Patient\",\"id\":\"a\","
	    "\"managingOrganization\":{\"reference\":\"Organization/o\"}}");
	ck_assert_int_eq(everything_read(&ctx, &asked, &page), OK);
	ck_assert_uint_eq(page.found.n, 1);
	for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++) {
		struct buf plan = buf_new(ctx.arena, 0);
		PGresult *res;

		ck_assert_int_eq(pg_exec(&ctx, &plans[i].explain, NULL, &res),
		    OK);
		for (int row = 0; row < PQntuples(res); row++)
			buf_add(&plan, pg_get_str(res, row, 0));
		buf_addc(&plan, '\0');
		for (size_t w = 0; w < 4; w++)
			ck_assert_msg(strstr(plan.p, plans[i].wanted[w]) !=
			    NULL, "%s: %s", plans[i].wanted[w], plan.p);
		ck_assert_msg(strstr(plan.p, "Seq Scan") == NULL, "%s",
		    plan.p);
	}
}
END_TEST

START_TEST(members_come_once_and_in_order)
{
	struct everything asked = of_patient("p");
	struct everything_page page;
	struct buf b = buf_new(ctx.arena, 64);

	records_put(&ctx, "p", "{\"resourceType\":\"Patient\",\"id\":\"p\"}");
	for (char id[] = "1"; *id <= '5'; ++*id)
		records_put(&ctx, id, arena_printf(ctx.arena, "{"
		    "\"resourceType\":\"Observation\",\"id\":\"%s\","
		    "\"status\":\"final\",\"code\":{\"text\":\"x\"},"
		    "\"subject\":{\"reference\":\"Patient/p\"},"
		    "\"effectiveDateTime\":\"202%s\"}%c", id, id, '\0').p);
	do {
		ck_assert_int_eq(everything_read(&ctx, &asked, &page), OK);
		for (size_t i = 0; i < page.found.n; i++)
			buf_addf(&b, "%.*s",
			    STR_ARGS(page.found.records[i].id));
		asked.cursor = page.cursor;
	} while (page.cursor.n > 0);
	ck_assert_msg(str_eqz(buf_str(&b), "p54321"), "%.*s",
	    STR_ARGS(buf_str(&b)));
	ctx.who.tn = 2;
	ck_assert_int_eq(everything_read(&ctx, &asked, &page), ERR_NOT_FOUND);
}
END_TEST

int
main(int argc, char **argv)
{
	TCase *tc = suite_case("everything");
	int status;

	(void)argc;
	database_need(argv);
	database_prepare();
	tcase_add_checked_fixture(tc, open_ctx, close_ctx);
	tcase_add_test(tc, plans_made_on_empty_tables_walk_indexes);
	tcase_add_test(tc, members_come_once_and_in_order);
	status = suite_run();
	database_drop();
	return status;
}
