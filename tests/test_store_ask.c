/* Records that several units of work ask for at the same time. */

#include "lib/database.h"
#include "lib/records.h"
#include "lib/suite.h"


#include <check.h>

static struct ctx ctx;
static const struct r4_type *patient;

static void
open_ctx(void)
{
	database_ctx(&ctx);
	patient = r4_type_named(STR("Patient"));
}

static void
close_ctx(void)
{
	database_ctx_end(&ctx);
}

static void
put(const char *id, const char *family)
{
	(void)records_put(&ctx, id, arena_printf(ctx.arena,
	    "{\"resourceType\":\"Patient\",\"id\":\"%s\",\"name\":"
	    "[{\"family\":\"%s\"}]}", id, family).p);
}

START_TEST(records_asked_for_together_are_each_their_own)
{
	static const struct {
		int32_t		 tn;
		const char	*id;
		int32_t		 ver;
		enum err	 err;
		const char	*part;
	} rows[] = {
		{ 1, "both", 0, OK, "\"One\"" },
		{ 2, "both", 0, OK, "\"Two\"" },
		{ 1, "mine", 0, OK, "\"B\"" },
		{ 1, "mine", 1, OK, "\"A\"" },
		{ 2, "mine", 0, ERR_NOT_FOUND, NULL },
		{ 2, "mine", 1, ERR_NOT_FOUND, NULL },
		{ 1, "mine", 9, ERR_NOT_FOUND, NULL },
		{ 1, "gone", 0, ERR_DELETED, NULL },
		{ 1, "gone", 1, OK, "\"A\"" },
		{ 1, "none", 0, ERR_NOT_FOUND, NULL },
		{ 1, "both", 0, OK, "\"One\"" },
	};
	enum { N = sizeof(rows) / sizeof(rows[0]) };
	struct record_ask *asked[N];
	struct record record;

	put("both", "One");
	put("mine", "A");
	put("mine", "B");
	put("gone", "A");
	records_delete(&ctx, "Patient", "gone");
	ctx.who.tn = 2;
	put("both", "Two");
	for (size_t i = 0; i < N; i++) {
		ctx.who.tn = rows[i].tn;
		asked[i] = store_ask(&ctx, patient, str_of(rows[i].id),
		    rows[i].ver);
	}
	for (size_t i = 0; i < N; i++) {
		ctx.who.tn = rows[i].tn;
		ck_assert_msg(store_answer(&ctx, asked[i], &record) ==
		    rows[i].err, "%zu", i);
		if (rows[i].part != NULL)
			ck_assert_msg(strstr(arena_z(ctx.arena, record.body),
			    rows[i].part) != NULL, "%zu", i);
	}
	ctx.who.tn = 1;
}
END_TEST

START_TEST(large_records_do_not_travel_with_others)
{
	size_t n = 300000;
	char *name = arena_alloc(ctx.arena, n + 1);
	struct record_ask *asked[2];
	struct record record;

	memset(name, 'n', n);
	name[n] = '\0';
	put("large", name);
	put("small", "A");
	asked[0] = store_ask(&ctx, patient, STR("large"), 0);
	asked[1] = store_ask(&ctx, patient, STR("small"), 0);
	ck_assert_int_eq(store_answer(&ctx, asked[1], &record), OK);
	ck_assert_uint_lt(record.body.n, 1000);
	ck_assert_int_eq(store_answer(&ctx, asked[0], &record), OK);
	ck_assert_uint_gt(record.body.n, n);
}
END_TEST

int
main(int argc, char **argv)
{
	TCase *tc = suite_case("store_ask");
	int status;

	(void)argc;
	database_need(argv);
	database_prepare();
	tcase_add_checked_fixture(tc, open_ctx, close_ctx);
	tcase_add_test(tc, records_asked_for_together_are_each_their_own);
	tcase_add_test(tc, large_records_do_not_travel_with_others);
	status = suite_run();
	database_drop();
	return status;
}
