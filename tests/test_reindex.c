/* What keys are wrong is found, and made right, whoever else writes. */

#include "lib/database.h"
#include "lib/records.h"
#include "lib/suite.h"

#include "fhir/check.h"
#include "fhir/reindex.h"
#include "fhir/rules.h"
#include "fhir/store.h"
#include "wire/migrate.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* More than three pages. */
#define RECORDS	350

static struct ctx ctx;

static void
put(const char *id, int n)
{
	char body[512];

	snprintf(body, sizeof(body), "{\"resourceType\":\"Observation\","
	    "\"id\":\"%s\",\"status\":\"final\",\"code\":{\"coding\":[{"
	    "\"system\":\"http://loinc.org\",\"code\":\"1-%d\"}],"
	    "\"text\":\"text %d\"},\"subject\":{\"reference\":\"Patient/p%d\"},"
	    "\"effectiveDateTime\":\"20%02d-01-01T10:00:00Z\","
	    "\"valueQuantity\":{\"value\":%d.10,\"unit\":\"mg\"}}", id, n % 7,
	    n % 5, n % 3, n % 20, n);
	(void)records_put(&ctx, id, body);
}

static void
begin(void)
{
	int applied;

	database_create();
	database_ctx(&ctx);
	ck_assert_int_eq(migrate(&ctx, &applied), OK);
	ck_assert_int_eq(rules_adopt(&ctx), OK);
	free(database_ask("insert into tenant (name) values ('a'), ('b')"));
	(void)records_put(&ctx, "named", "{\"resourceType\":\"Patient\","
	    "\"id\":\"named\",\"name\":[{\"family\":\"Ä\"}],"
	    "\"birthDate\":\"1980\"}");
	put("keyed", 1);
}

static void
end(void)
{
	database_ctx_end(&ctx);
	database_drop();
}

static void
put_all(void)
{
	char id[16];

	for (int i = 0; i < RECORDS; i++) {
		snprintf(id, sizeof(id), "o%d", i);
		put(id, i);
	}
}

/* --- asking */

static struct difference told;		/* the last one */
static char table[16];			/* its own, which is borrowed */

static void
tell(void *to, const struct difference *difference)
{
	(void)to;
	told = *difference;
	snprintf(table, sizeof(table), "%s", difference->table);
}

static int64_t
differences(void)
{
	struct check check = { .tell = tell };

	ck_assert_int_eq(check_keys(&ctx, &check), OK);
	ck_assert_int_gt(check.records, 0);
	return check.differences;
}

static struct reindex
reindex_all(void)
{
	struct reindex asked = { .type = NULL };

	ck_assert_int_eq(reindex(&ctx, &asked), OK);
	return asked;
}

static size_t
count_changed_rules(void)
{
	struct rules_change *changes;
	size_t n;

	ck_assert_int_eq(rules_changed(&ctx, &changes, &n), OK);
	return n;
}

/* --- tests */

/* What goes wrong behind the store's back, and what check says of it. */
static const struct {
	const char		*sql;
	const char		*table;
	enum difference_kind	 kind;
	int			 n;
} damages[] = {
	{ "delete from post where k = (select min(k) from post)",
	    "post", DIFFERENCE_MISSING, 1 },
	{ "insert into post values (1, now(), 1, 1)",
	    "post", DIFFERENCE_SUPERFLUOUS, 1 },
	{ "insert into post select 1, at, rid, 1 from res",
	    "post", DIFFERENCE_SUPERFLUOUS, 2 },
	{ "delete from str where v = (select min(v) from str)",
	    "str", DIFFERENCE_MISSING, 3 },
	{ "insert into str values (1, 1, 1, 'v', 1)",
	    "str", DIFFERENCE_SUPERFLUOUS, 1 },
	{ "insert into str select 1, 1, 1, 'v', rid from res where "
	    "id = 'named'", "str", DIFFERENCE_SUPERFLUOUS, 1 },
	{ "update dat set hi = hi + '1 second' "
	    "where rid = (select max(rid) from dat)",
	    "dat", DIFFERENCE_SUPERFLUOUS, 2 },
	{ "delete from datw", "datw", DIFFERENCE_MISSING, 1 },
	{ "update qty set lo = lo + 1 where rid = (select max(rid) from qty)",
	    "qty", DIFFERENCE_SUPERFLUOUS, 2 },
	{ "delete from cqty", "cqty", DIFFERENCE_MISSING, 1 },
	{ "update cnt set n = n + 1", "cnt", DIFFERENCE_WRONG, 2 },
	{ "update res set has = has # 1 where id = 'keyed'",
	    "res", DIFFERENCE_WRONG, 1 },
	{ "update res set keys = keys[2:], auxs = auxs[2:] "
	    "where id = 'keyed'", "post", DIFFERENCE_SUPERFLUOUS, 2 },
	{ "update res set at = 'now' where id = 'keyed'", NULL, 0, 0 },
	{ "delete from dict where k = (select max(k) from dict)",
	    "dict", DIFFERENCE_MISSING, 1 },
	{ "update res set rules = 1 where id = 'keyed'",
	    "rules", DIFFERENCE_STALE, 1 },
};

START_TEST(what_is_wrong_is_found_and_made_right)
{
	int64_t found;

	ck_assert_int_eq(differences(), 0);
	free(database_ask(damages[_i].sql));
	found = differences();
	ck_assert_int_gt(found, 0);
	if (damages[_i].table != NULL) {
		ck_assert_str_eq(table, damages[_i].table);
		ck_assert_int_eq(told.kind, damages[_i].kind);
		ck_assert_int_eq(found, damages[_i].n);
	}
	reindex_all();
	ck_assert_msg(differences() == 0, "%s %d", table, told.kind);
}
END_TEST

START_TEST(what_is_right_is_left_alone)
{
	static const char rows[] = "select sum(xmin::text::bigint) from res";
	char *before = database_ask(rows), *after;

	ck_assert_int_eq(reindex_all().changed, 0);
	after = database_ask(rows);
	ck_assert_str_eq(after, before);
	free(before);
	free(after);
}
END_TEST

START_TEST(versions_and_times_stay)
{
	static const char sql[] = "select string_agg(ver || ' ' || updated, "
	    "',' order by rid) || (select count(*) from ver) || "
	    "(select count(*) from event) from res";
	char *before = database_ask(sql), *after;

	free(database_ask("delete from post"));
	ck_assert_int_eq(reindex_all().changed, 2);
	after = database_ask(sql);
	ck_assert_str_eq(after, before);
	free(before);
	free(after);
}
END_TEST

/* As after an upgrade: the database knows other programs, and older records
 * have other keys. */
START_TEST(records_of_other_rules_are_made_anew)
{
	struct reindex asked = { .stale = true };

	ck_assert_uint_eq(count_changed_rules(), 0);
	free(database_ask("update program set hash = hash + 1 "
	    "where type = (select type from res where id = 'keyed')"));
	free(database_ask("update res set rules = 1, keys = keys[1:1], "
	    "auxs = auxs[1:1] where id = 'keyed'"));
	free(database_ask("delete from post where rid = (select rid from res "
	    "where id = 'keyed') and k <> (select keys[1] from res where "
	    "id = 'keyed')"));
	ck_assert_uint_gt(count_changed_rules(), 0);
	ck_assert_int_gt(differences(), 0);
	ck_assert_int_eq(reindex(&ctx, &asked), OK);
	ck_assert_int_eq(asked.records, 1);
	ck_assert_int_eq(asked.changed, 1);
	ck_assert_int_eq(differences(), 0);
	ck_assert_uint_eq(count_changed_rules(), 0);
}
END_TEST

START_TEST(one_type_is_made_alone)
{
	struct reindex asked = { .type = r4_type_named(STR("Patient")) };

	ctx.who.tn = 2;
	put("other", 1);
	ctx.who.tn = 1;
	free(database_ask("delete from str"));
	ck_assert_int_eq(reindex(&ctx, &asked), OK);
	ck_assert_int_eq(asked.records, 1);
	ck_assert_int_eq(differences(), 0);
	free(database_ask("delete from qty"));
	asked = (struct reindex){ .type = r4_type_named(STR("Observation")) };
	ck_assert_int_eq(reindex(&ctx, &asked), OK);
	ck_assert_int_eq(asked.records, 2);
	ck_assert_int_eq(differences(), 0);
}
END_TEST

START_TEST(a_check_of_one_tenant_looks_at_its_records)
{
	struct check check = { .tn = 2, .tell = tell };

	ctx.who.tn = 2;
	put("other", 1);
	ctx.who.tn = 1;
	free(database_ask("delete from qty"));
	ck_assert_int_eq(check_keys(&ctx, &check), OK);
	ck_assert_int_eq(check.records, 1);
	ck_assert_int_gt(check.differences, 0);
	ck_assert_int_eq(told.tn, 2);
	ck_assert_int_eq(ctx.who.tn, 1);
}
END_TEST

START_TEST(unreadable_record_is_told_and_left)
{
	struct reindex done;

	free(database_ask("update ver set body = '{' where rid = "
	    "(select rid from res where id = 'keyed')"));
	ck_assert_int_eq(differences(), 1);
	ck_assert_str_eq(table, "ver");
	done = reindex_all();
	ck_assert_int_eq(done.unreadable, 1);
	ck_assert_int_eq(done.changed, 0);
}
END_TEST

/* --- beside others */

static void
die_soon(void *to, const struct reindex *reindex)
{
	(void)to;
	if (reindex->records >= 200)
		_exit(0);
}

static pid_t
reindex_aside(void (*progress)(void *, const struct reindex *))
{
	struct reindex asked = { .progress = progress };
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	database_ctx(&ctx);
	_exit(reindex(&ctx, &asked) == OK ? 0 : 1);
}

static void
wait_for(pid_t pid)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}

START_TEST(killed_reindex_goes_on_where_it_was)
{
	struct reindex done;
	char *left;

	put_all();
	free(database_ask("delete from str"));
	wait_for(reindex_aside(die_soon));
	ck_assert_int_gt(differences(), 0);
	done = reindex_all();
	ck_assert(done.resumed);
	ck_assert_int_eq(done.records, RECORDS + 2);
	ck_assert_int_eq(differences(), 0);
	left = database_ask("select count(*) from reindex");
	ck_assert_str_eq(left, "0");
	free(left);
	ck_assert(!reindex_all().resumed);
}
END_TEST

START_TEST(two_at_once_are_refused)
{
	struct reindex asked = { .type = NULL };
	struct ctx other;

	database_ctx(&other);
	ck_assert_int_eq(pg_script(&other,
	    "select pg_advisory_lock(844252518, 0)"), OK);
	ck_assert_int_eq(reindex(&ctx, &asked), ERR_CONFLICT);
	database_ctx_end(&other);
}
END_TEST

static void
write_for_a_while(int writer)
{
	char id[16];

	srand((unsigned)writer);
	database_ctx(&ctx);
	for (int i = 0; i < 200; i++) {
		snprintf(id, sizeof(id), "o%d", rand() % RECORDS);
		if (rand() % 10 == 0)
			records_delete(&ctx, "Observation", id);
		else
			put(id, rand() % 1000);
		arena_reset(ctx.arena);
	}
	_exit(0);
}

START_TEST(writers_beside_it_lose_nothing)
{
	enum { WRITERS = 3 };
	pid_t writers[WRITERS];

	put_all();
	for (int i = 0; i < WRITERS; i++)
		if ((writers[i] = fork()) == 0)
			write_for_a_while(i + 1);
	for (int i = 0; i < 4; i++) {
		free(database_ask("update res set rules = 1"));
		free(database_ask("delete from dat where rid % 3 = 0"));
		reindex_all();
	}
	for (int i = 0; i < WRITERS; i++)
		wait_for(writers[i]);
	ck_assert_msg(differences() == 0, "%s %d", table, told.kind);
}
END_TEST

int
main(int argc, char **argv)
{
	TCase *tc = suite_case("reindex");

	(void)argc;
	database_need(argv);
	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_loop_test(tc, what_is_wrong_is_found_and_made_right, 0,
	    sizeof(damages) / sizeof(damages[0]));
	tcase_add_test(tc, what_is_right_is_left_alone);
	tcase_add_test(tc, versions_and_times_stay);
	tcase_add_test(tc, records_of_other_rules_are_made_anew);
	tcase_add_test(tc, one_type_is_made_alone);
	tcase_add_test(tc, a_check_of_one_tenant_looks_at_its_records);
	tcase_add_test(tc, unreadable_record_is_told_and_left);
	tcase_add_test(tc, killed_reindex_goes_on_where_it_was);
	tcase_add_test(tc, two_at_once_are_refused);
	tcase_add_test(tc, writers_beside_it_lose_nothing);
	return suite_run();
}
