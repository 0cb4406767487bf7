/* Migrations are applied once, in order, and never changed afterwards. */

#include "lib/database.h"
#include "lib/suite.h"

#include "wire/migrate.h"

#include <check.h>
#include <stdlib.h>

static struct ctx ctx;

static void
open_ctx(void)
{
	database_create();
	database_ctx(&ctx);
}

static void
close_ctx(void)
{
	database_ctx_end(&ctx);
	database_drop();
}

static int
count_of_migrations(void)
{
	int n = 0;

	while (migrations[n].version != 0)
		n++;
	return n;
}

START_TEST(migrations_are_applied_once)
{
	int applied;

	ck_assert_int_eq(migrate(&ctx, &applied), OK);
	ck_assert_int_eq(applied, count_of_migrations());
	ck_assert_int_eq(migrate(&ctx, &applied), OK);
	ck_assert_int_eq(applied, 0);
	ck_assert_int_eq(migrate_check(&ctx), OK);
}
END_TEST

START_TEST(migrations_are_numbered_from_one_without_a_gap)
{
	for (int i = 0; migrations[i].version != 0; i++)
		ck_assert_int_eq(migrations[i].version, i + 1);
}
END_TEST

START_TEST(keys_of_the_database_are_made_once)
{
	static const char sql[] = "select string_agg(name || length(value) "
	    "|| md5(value), ',' order by name) from setting";
	int applied;

	ck_assert_int_eq(migrate(&ctx, &applied), OK);
	char *first = database_ask(sql);
	ck_assert_int_eq(migrate(&ctx, &applied), OK);
	char *second = database_ask(sql);
	ck_assert_str_eq(first, second);
	ck_assert(strncmp(first, "cursor_key32", 12) == 0);
	free(first);
	free(second);
}
END_TEST

START_TEST(empty_database_is_refused)
{
	ck_assert_int_eq(migrate_check(&ctx), ERR_CONFLICT);
}
END_TEST

/* What a database may look like that is not ours. */
static const struct {
	const char	*sql;
	const char	*says;
} strange[] = {
	{ "update schema_migration set checksum = '\\x00' where version = 1",
	    "changed" },
	{ "delete from schema_migration where version = 1", "missing" },
	{ "delete from schema_migration where version = "
	    "(select max(version) from schema_migration)", "lacks" },
	{ "insert into schema_migration values (9999, 'later', '\\x00')",
	    "older" },
};

START_TEST(other_schema_is_refused)
{
	int applied;

	ck_assert_int_eq(migrate(&ctx, &applied), OK);
	free(database_ask(strange[_i].sql));
	ck_assert_int_eq(migrate_check(&ctx), ERR_CONFLICT);
	ck_assert_ptr_nonnull(strstr(ctx.fault.issues->text.p,
	    strange[_i].says));
}
END_TEST

START_TEST(changed_migration_stops_the_next_run)
{
	int applied;

	ck_assert_int_eq(migrate(&ctx, &applied), OK);
	free(database_ask(strange[0].sql));
	ck_assert_int_eq(migrate(&ctx, &applied), ERR_CONFLICT);
	ck_assert_int_eq(applied, 0);
}
END_TEST

int
main(int argc, char **argv)
{
	TCase *tc = suite_case("migrate");

	(void)argc;
	database_need(argv);
	tcase_add_checked_fixture(tc, open_ctx, close_ctx);
	tcase_add_test(tc, migrations_are_applied_once);
	tcase_add_test(tc, migrations_are_numbered_from_one_without_a_gap);
	tcase_add_test(tc, keys_of_the_database_are_made_once);
	tcase_add_test(tc, empty_database_is_refused);
	tcase_add_loop_test(tc, other_schema_is_refused, 0,
	    sizeof(strange) / sizeof(strange[0]));
	tcase_add_test(tc, changed_migration_stops_the_next_run);
	return suite_run();
}
