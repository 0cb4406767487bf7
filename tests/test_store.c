/* Records are stored byte for byte, with versions, keys, events and audit. */

#include "lib/database.h"
#include "lib/suite.h"

#include "base/buf.h"
#include "fhir/check.h"
#include "fhir/record.h"
#include "fhir/store.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static struct ctx ctx;
static const struct r4_type *patient;
static const struct r4_type *observation;

static void
open_ctx(void)
{
	database_ctx(&ctx);
	patient = r4_type_named(STR("Patient"));
	observation = r4_type_named(STR("Observation"));
}

static void
close_ctx(void)
{
	database_ctx_end(&ctx);
}

/* For tests that leave a database nobody else should meet. */
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

static struct jdoc *
parse(const char *text)
{
	struct str s = str_of(text);
	size_t room = jdoc_bound(s);
	struct jdoc *d = arena_zero(ctx.arena, sizeof(*d));

	ck_assert_int_eq(jdoc_parse(d, s, arena_array(ctx.arena, room,
	    sizeof(struct jnode)), room, JDOC_DEPTH_MAX), JDOC_OK);
	return d;
}

static struct change
change_of(enum change_kind kind, const struct r4_type *type, const char *id,
    const char *body)
{
	struct change change = { .kind = kind, .type = type,
	    .id = id == NULL ? STR_NONE : str_of(id) };

	if (body != NULL)
		change.doc = parse(body);
	return change;
}

/* One change that must work. */
static struct change
make(enum change_kind kind, const struct r4_type *type, const char *id,
    const char *body)
{
	struct change change = change_of(kind, type, id, body);
	enum err err = store_write(&ctx, &change, 1);

	ck_assert_msg(err == OK, "%.*s", ctx.fault.issues == NULL ? 1 :
	    (int)ctx.fault.issues->text.n, ctx.fault.issues == NULL ? "?" :
	    ctx.fault.issues->text.p);
	return change;
}

static struct str
patient_json(const char *id, const char *family)
{
	return arena_printf(ctx.arena, "{\"resourceType\":\"Patient\",\"id\":"
	    "\"%s\",\"name\":[{\"family\":\"%s\"}]}", id, family);
}

static void
put(const char *id, const char *family)
{
	make(CHANGE_UPDATE, patient, id, patient_json(id, family).p);
}

/* The number that the query `before n after` gives. */
static long
count(const char *before, const char *after, int64_t n)
{
	char *answer = database_ask(arena_printf(ctx.arena, "%s%lld%s", before,
	    (long long)n, after).p);
	long found = strtol(answer, NULL, 10);

	free(answer);
	return found;
}

START_TEST(created_record_is_read_back_byte_for_byte)
{
	static const char sent[] = "{ \"valueQuantity\" : {\"value\":1.10},"
	    "\"id\":\"mine\",\"meta\":{\"versionId\":\"9\",\"tag\":[ {\"code\""
	    ":\"a\"} ],\"lastUpdated\":\"2001-01-01T00:00:00Z\"},\n"
	    "\"resourceType\":\"Observation\",\"status\":\"final\","
	    "\"code\":{\"text\":\"h\\u00e4\"}}";
	struct change change = make(CHANGE_CREATE, observation, NULL, sent);
	struct record record;
	char want[512];
	char when[WHEN_INSTANT_CHARS + 1];

	when_format(change.after.updated_us, when);
	snprintf(want, sizeof(want), "{\"resourceType\":\"Observation\","
	    "\"id\":\"%.*s\",\"meta\":{\"versionId\":\"1\",\"lastUpdated\":"
	    "\"%s\",\"tag\":[ {\"code\":\"a\"} ]},"
	    "\"valueQuantity\" : {\"value\":1.10},\"status\":\"final\","
	    "\"code\":{\"text\":\"h\\u00e4\"}}", STR_ARGS(change.after.id),
	    when);
	ck_assert(change.created);
	ck_assert_uint_eq(change.after.id.n, 26);
	ck_assert_int_eq(store_read(&ctx, observation, change.after.id,
	    &record), OK);
	ck_assert_str_eq(arena_z(ctx.arena, record.body), want);
	ck_assert_int_eq(record.ver, 1);
	ck_assert_int_eq(record.op, 'C');
	ck_assert_int_eq(record.updated_us, change.after.updated_us);
	ck_assert_int_eq(record.updated_us % 1000, 0);
}
END_TEST

START_TEST(update_makes_the_next_version_and_keeps_the_last)
{
	struct change change;
	struct record record;

	put("upd", "Old");
	change = make(CHANGE_UPDATE, patient, "upd",
	    patient_json("upd", "New").p);
	ck_assert(!change.created);
	ck_assert_int_eq(change.after.ver, 2);
	ck_assert_int_eq(store_read(&ctx, patient, STR("upd"), &record), OK);
	ck_assert_ptr_nonnull(strstr(arena_z(ctx.arena, record.body), "New"));
	ck_assert_int_eq(store_vread(&ctx, patient, STR("upd"), 1, &record),
	    OK);
	ck_assert_ptr_nonnull(strstr(arena_z(ctx.arena, record.body), "Old"));
	ck_assert_int_eq(store_vread(&ctx, patient, STR("upd"), 3, &record),
	    ERR_NOT_FOUND);
}
END_TEST

START_TEST(update_of_an_unknown_id_creates_it)
{
	struct change change = make(CHANGE_UPDATE, patient, "fresh",
	    patient_json("fresh", "A").p);

	ck_assert(change.created);
	ck_assert_int_eq(change.after.ver, 1);
	ck_assert_int_eq(change.after.op, 'U');
}
END_TEST

START_TEST(deleted_record_is_gone_until_it_is_put_again)
{
	struct record record;
	struct change change;

	put("del", "A");
	change = make(CHANGE_DELETE, patient, "del", NULL);
	ck_assert(!change.unchanged);
	ck_assert_int_eq(change.after.ver, 2);
	ck_assert_int_eq(store_read(&ctx, patient, STR("del"), &record),
	    ERR_DELETED);
	ck_assert_int_eq(record.ver, 2);
	ck_assert_int_eq(count("select count(*) from post where rid = ", "",
	    record.rid), 0);
	ck_assert_int_eq(count("select count(*) from str where rid = ", "",
	    record.rid), 0);
	change = make(CHANGE_DELETE, patient, "del", NULL);
	ck_assert(change.unchanged);
	ck_assert_int_eq(change.after.ver, 2);
	change = make(CHANGE_UPDATE, patient, "del",
	    patient_json("del", "B").p);
	ck_assert(change.created);
	ck_assert_int_eq(change.after.ver, 3);
	ck_assert_int_eq(store_read(&ctx, patient, STR("del"), &record), OK);
}
END_TEST

START_TEST(delete_of_what_never_was_changes_nothing)
{
	struct change change = make(CHANGE_DELETE, patient, "never", NULL);
	struct record record;

	ck_assert(change.unchanged);
	ck_assert_int_eq(store_read(&ctx, patient, STR("never"), &record),
	    ERR_NOT_FOUND);
}
END_TEST

/* If-Match against a record at version 3, and against none. */
static const struct {
	const char	*id;
	enum change_kind kind;
	int		 if_match;
	enum err	 err;
} matches[] = {
	{ "match", CHANGE_UPDATE, 3, OK },
	{ "match", CHANGE_DELETE, 3, OK },
	{ "match", CHANGE_UPDATE, 2, ERR_PRECONDITION },
	{ "match", CHANGE_DELETE, 4, ERR_PRECONDITION },
	{ "absent", CHANGE_UPDATE, 1, ERR_PRECONDITION },
	{ "absent", CHANGE_DELETE, 1, ERR_PRECONDITION },
	{ "match", CHANGE_UPDATE, MATCH_SOME, OK },
	{ "match", CHANGE_DELETE, MATCH_SOME, OK },
	{ "absent", CHANGE_UPDATE, MATCH_SOME, ERR_PRECONDITION },
	{ "absent", CHANGE_DELETE, MATCH_SOME, ERR_PRECONDITION },
	{ "deleted", CHANGE_UPDATE, MATCH_SOME, ERR_PRECONDITION },
	{ "match", CHANGE_UPDATE, MATCH_NONE, ERR_PRECONDITION },
	{ "match", CHANGE_DELETE, MATCH_NONE, ERR_PRECONDITION },
	{ "absent", CHANGE_UPDATE, MATCH_NONE, OK },
	{ "deleted", CHANGE_UPDATE, MATCH_NONE, OK },
};

START_TEST(if_match_guards_the_version)
{
	/* Each turn has a record of its own. */
	const char *id = arena_printf(ctx.arena, "%s.%d", matches[_i].id,
	    _i).p;
	struct change change;

	for (int i = 0; strcmp(matches[_i].id, "absent") != 0 && i < 3; i++)
		put(id, "A");
	if (strcmp(matches[_i].id, "deleted") == 0) {
		change = change_of(CHANGE_DELETE, patient, id, NULL);
		ck_assert_int_eq(store_write(&ctx, &change, 1), OK);
	}
	change = change_of(matches[_i].kind, patient, id,
	    matches[_i].kind == CHANGE_DELETE ? NULL :
	    patient_json(id, "B").p);
	change.if_match = matches[_i].if_match;
	ck_assert_int_eq(store_write(&ctx, &change, 1), matches[_i].err);
}
END_TEST

START_TEST(update_must_name_its_own_id)
{
	struct change change = change_of(CHANGE_UPDATE, patient, "one",
	    patient_json("two", "A").p);

	ck_assert_int_eq(store_write(&ctx, &change, 1), ERR_INVALID_REQUEST);
	change = change_of(CHANGE_UPDATE, patient, "one",
	    "{\"resourceType\":\"Patient\"}");
	ck_assert_int_eq(store_write(&ctx, &change, 1), ERR_INVALID_REQUEST);
}
END_TEST

START_TEST(same_record_twice_is_refused)
{
	struct change changes[] = {
		change_of(CHANGE_UPDATE, patient, "twice",
		    patient_json("twice", "A").p),
		change_of(CHANGE_CREATE, patient, NULL,
		    "{\"resourceType\":\"Patient\"}"),
		change_of(CHANGE_DELETE, patient, "twice", NULL),
	};
	struct record record;

	changes[0].path = STR("Bundle.entry[0]");
	changes[2].path = STR("Bundle.entry[2]");
	ck_assert_int_eq(store_write(&ctx, changes, 3), ERR_INVALID_REQUEST);
	ck_assert_int_eq(store_read(&ctx, patient, STR("twice"), &record),
	    ERR_NOT_FOUND);
}
END_TEST

START_TEST(several_changes_are_made_together_or_not_at_all)
{
	struct change changes[3];
	struct record record;

	put("all.1", "A");
	changes[0] = change_of(CHANGE_UPDATE, patient, "all.1",
	    patient_json("all.1", "B").p);
	changes[1] = change_of(CHANGE_CREATE, observation, "all.2",
	    "{\"resourceType\":\"Observation\",\"status\":\"final\","
	    "\"code\":{\"text\":\"x\"}}");
	changes[2] = change_of(CHANGE_UPDATE, patient, "all.3",
	    patient_json("all.3", "B").p);
	changes[2].if_match = 7;
	ck_assert_int_eq(store_write(&ctx, changes, 3), ERR_PRECONDITION);
	ck_assert_int_eq(store_read(&ctx, patient, STR("all.1"), &record), OK);
	ck_assert_int_eq(record.ver, 1);
	changes[2].if_match = 0;
	ck_assert_int_eq(store_write(&ctx, changes, 3), OK);
	ck_assert_int_eq(changes[0].after.ver, 2);
	ck_assert_int_eq(changes[1].after.ver, 1);
	ck_assert_int_eq(store_read(&ctx, observation, STR("all.2"), &record),
	    OK);
}
END_TEST

START_TEST(every_write_leaves_event_audit_and_count)
{
	static const char total[] = "select coalesce(sum(n), 0) from cnt "
	    "where tn = 1 and type = ";
	long before = count(total, "", patient->number);
	struct record record;

	put("trail", "A");
	put("trail", "B");
	ck_assert_int_eq(store_read(&ctx, patient, STR("trail"), &record), OK);
	ck_assert_int_eq(count(total, "", patient->number), before + 1);
	make(CHANGE_DELETE, patient, "trail", NULL);
	ck_assert_int_eq(count(total, "", patient->number), before);
	ck_assert_int_eq(count("select count(*) from event where rid = ", "",
	    record.rid), 3);
	ck_assert_int_eq(count("select count(*) from audit where rid = ",
	    " and client = 'test' and id = 'trail'", record.rid), 3);
	ck_assert_int_eq(count("select count(*) from ver where rid = ",
	    " and client = 'test'", record.rid), 3);
}
END_TEST

START_TEST(another_tenants_record_does_not_exist)
{
	struct record record;
	struct change change;

	put("secret", "A");
	ctx.who.tn = 2;
	ck_assert_int_eq(store_read(&ctx, patient, STR("secret"), &record),
	    ERR_NOT_FOUND);
	ck_assert_int_eq(store_vread(&ctx, patient, STR("secret"), 1,
	    &record), ERR_NOT_FOUND);
	change = make(CHANGE_DELETE, patient, "secret", NULL);
	ck_assert(change.unchanged);
	put("secret", "B");
	ctx.who.tn = 1;
	ck_assert_int_eq(store_read(&ctx, patient, STR("secret"), &record), OK);
	ck_assert_ptr_nonnull(strstr(arena_z(ctx.arena, record.body), "\"A\""));
}
END_TEST

START_TEST(rids_and_times_grow)
{
	int64_t rid = 0, updated = 0;

	for (int i = 0; i < 50; i++) {
		struct change change = make(CHANGE_CREATE, patient, NULL,
		    "{\"resourceType\":\"Patient\"}");

		ck_assert_int_gt(change.after.rid, rid);
		rid = change.after.rid;
	}
	for (int i = 0; i < 20; i++) {
		struct change change = make(CHANGE_UPDATE, patient, "tick",
		    patient_json("tick", "A").p);

		ck_assert_int_gt(change.after.updated_us, updated);
		updated = change.after.updated_us;
	}
}
END_TEST

/* One of several processes that put the same id; its exit code is the number
 * of failures. */
static void
race(int turns)
{
	int failures = 0;

	database_ctx(&ctx);
	for (int i = 0; i < turns; i++) {
		struct change change = change_of(CHANGE_UPDATE, patient,
		    "race", patient_json("race", "R").p);

		failures += store_write(&ctx, &change, 1) != OK;
	}
	database_ctx_end(&ctx);
	_exit(failures);
}

START_TEST(racing_puts_of_one_id_all_count)
{
	enum { RACERS = 6, TURNS = 10 };
	pid_t pids[RACERS];
	struct record record;
	int status;

	for (int i = 0; i < RACERS; i++)
		if ((pids[i] = fork()) == 0)
			race(TURNS);
	for (int i = 0; i < RACERS; i++) {
		ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
		ck_assert_int_eq(status, 0);
	}
	ck_assert_int_eq(store_read(&ctx, patient, STR("race"), &record), OK);
	ck_assert_int_eq(record.ver, RACERS * TURNS);
	ck_assert_int_eq(count("select count(*) from ver where rid = ", "",
	    record.rid), RACERS * TURNS);
}
END_TEST

START_TEST(connection_lost_before_a_write_is_made_again)
{
	static const char kill[] = "select count(pg_terminate_backend(pid, "
	    "5000)) from pg_stat_activity where datname = current_database() "
	    "and pid <> pg_backend_pid()";

	put("lost", "A");
	free(database_ask(kill));
	put("lost", "B");
	free(database_ask(kill));
	make(CHANGE_CREATE, patient, NULL, "{\"resourceType\":\"Patient\"}");
}
END_TEST

START_TEST(more_records_than_one_statement_takes_are_written)
{
	enum { MANY = 5000 };
	struct change *changes = arena_array(ctx.arena, MANY,
	    sizeof(*changes));
	struct record record;

	for (int i = 0; i < MANY; i++)
		changes[i] = change_of(CHANGE_CREATE, patient, NULL,
		    "{\"resourceType\":\"Patient\",\"active\":true}");
	ck_assert_int_eq(store_write(&ctx, changes, MANY), OK);
	ck_assert_int_eq(store_read(&ctx, patient, changes[MANY - 1].after.id,
	    &record), OK);
	ck_assert(str_eq(record.body, record_body(&ctx,
	    &changes[MANY - 1].after, changes[MANY - 1].doc, 0)));
}
END_TEST

static enum err
refuse(struct ctx *inside, void *arg)
{
	(void)inside;
	(void)arg;
	return ERR_INVALID_REQUEST;
}

/* 8 MB of records: more than is built at a time. */
START_TEST(large_write_is_made_whole_or_not_at_all)
{
	enum { RECORDS = 64, DATA = 128 * 1024 };
	struct change *changes = arena_array(ctx.arena, RECORDS,
	    sizeof(*changes));
	char *data = arena_zero(ctx.arena, DATA + 1);
	struct str text;
	long before;

	memset(data, 'A', DATA);
	text = arena_printf(ctx.arena, "{\"resourceType\":\"Patient\","
	    "\"photo\":[{\"data\":\"%s\"}]}", data);
	for (int i = 0; i < RECORDS; i++)
		changes[i] = change_of(CHANGE_CREATE, patient, NULL, text.p);
	before = count("select count(*) + ", " from res", 0);
	ck_assert_int_eq(store_write_look(&ctx, changes, RECORDS, refuse,
	    NULL), ERR_INVALID_REQUEST);
	ck_assert_int_eq(count("select count(*) + ", " from res", 0), before);
	ck_assert_int_eq(store_write(&ctx, changes, RECORDS), OK);
	ck_assert_int_eq(count("select count(*) + ", " from res", 0),
	    before + RECORDS);
}
END_TEST

/* A patient with so many of what `form` says, each with its number. */
static struct change
patient_of(const char *member, const char *form, int n)
{
	struct buf b = buf_new(ctx.arena, 64);

	buf_addf(&b, "{\"resourceType\":\"Patient\",\"%s\":[", member);
	for (int i = 0; i < n; i++)
		buf_addf(&b, "%s{\"%s\":\"n%d\"}", i > 0 ? "," : "", form, i);
	buf_addz(&b, "]}");
	buf_addc(&b, '\0');
	return change_of(CHANGE_CREATE, patient, NULL, buf_str(&b).p);
}

START_TEST(too_many_keys_are_refused)
{
	enum { CHANGES = 10 };
	struct change names = patient_of("name", "family", 4000);
	struct change numbers = patient_of("identifier", "value", 250000);
	struct change some = patient_of("name", "family", 1000);
	struct change many[CHANGES];

	ck_assert_int_eq(store_write(&ctx, &names, 1), ERR_TOO_LARGE);
	ck_assert_int_eq(store_write(&ctx, &numbers, 1), ERR_TOO_LARGE);
	ck_assert_int_eq(store_write(&ctx, &some, 1), OK);
	for (int i = 0; i < CHANGES; i++)
		many[i] = patient_of("identifier", "value", 150000);
	ck_assert_int_eq(store_write(&ctx, many, CHANGES), ERR_TOO_LARGE);
}
END_TEST

static const char observed[] = "{\"resourceType\":\"Observation\","
    "\"id\":\"keyed\",\"status\":\"final\",\"code\":{\"coding\":["
    "{\"system\":\"http://loinc.org\",\"code\":\"%s\"}],\"text\":\"t\"},"
    "\"subject\":{\"reference\":\"Patient/%s\"},"
    "\"effectiveDateTime\":\"%s\",\"valueQuantity\":{\"value\":%s}}";

static int64_t
differences(void)
{
	struct check check = { .tell = NULL };

	ck_assert_int_eq(check_keys(&ctx, &check), OK);
	ck_assert_int_gt(check.records, 0);
	return check.differences;
}

START_TEST(keys_follow_every_change)
{
	/* code, patient, date, value */
	static const char *const steps[][4] = {
		{ "1-1", "a", "2020-01-01T10:00:00Z", "1.10" },
		{ "1-1", "b", "2020-01-01T10:00:00Z", "1.10" },
		{ "1-2", "b", "2021-05", "2e3" },
		{ "1-2", "b", "2021-05", "2e3" },
	};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		char body[512];

		snprintf(body, sizeof(body), observed, steps[i][0],
		    steps[i][1], steps[i][2], steps[i][3]);
		make(CHANGE_UPDATE, observation, "keyed", body);
		ck_assert_int_eq(differences(), 0);
	}
	make(CHANGE_DELETE, observation, "keyed", NULL);
	ck_assert_int_eq(differences(), 0);
	put("keyed", "A");
	put("keyed", "B");
	ck_assert_int_eq(differences(), 0);
}
END_TEST

/* Plans are made once, here while all tables are empty, and kept. */
static const struct {
	struct pg_query	 explain;
	const char	*wanted;
} plans[] = {
	{ { "t_lock", "explain (costs off) execute store_lock(1, '{}', '{}')"
	    }, "Index Cond: ((tn = w.tn) AND (type = w.type) AND (id = " },
	{ { "t_unkey", "explain (costs off) execute store_unkey('{}', '{}', "
	    "'{}', '{}', '{}')" }, "Index Cond: ((k = o.k) AND (at = o.at) "
	    "AND (rid = o.rid) AND (aux = o.aux))" },
	{ { "t_update", "explain (costs off) execute store_update(1, '{}', "
	    "'{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', "
	    "'{}', '{}', '{}', '{}', '{}', '{}', '', '', '', '', 1, '{}', "
	    "'{}', '{}', '{}')" }, "Index Cond: (rid = u_2.rid)" },
	{ { "t_read", "explain (costs off) execute store_read(1, 1, '', 9)" },
	    "Index Cond: ((tn = $1) AND (type = $2) AND (id = $3))" },
	{ { "t_reads", "explain (costs off) execute store_read_many('{}', "
	    "'{}', '{}', '{}')" },
	    "Index Cond: ((tn = w.tn) AND (type = w.type) AND (id = (w.id)" },
};

START_TEST(plans_made_on_empty_tables_stay_good)
{
	struct record record;
	struct buf plan = buf_new(ctx.arena, 0);
	PGresult *res;

	put("planned", "A");
	put("planned", "B");
	ck_assert_int_eq(store_read(&ctx, patient, STR("planned"), &record),
	    OK);
	(void)store_ask(&ctx, patient, STR("planned"), 0);
	ck_assert_int_eq(store_answer(&ctx, store_ask(&ctx, patient,
	    STR("planned"), 0), &record), OK);
	ck_assert_int_eq(pg_exec(&ctx, &plans[_i].explain, NULL, &res), OK);
	for (int i = 0; i < PQntuples(res); i++)
		buf_add(&plan, pg_get_str(res, i, 0));
	buf_addc(&plan, '\0');
	ck_assert_msg(strstr(plan.p, plans[_i].wanted) != NULL, "%s", plan.p);
	ck_assert_msg(strstr(plan.p, "Seq Scan") == NULL, "%s", plan.p);
}
END_TEST

static void
add_tests(TCase *tc)
{
	const TTest *tests[] = {
		created_record_is_read_back_byte_for_byte,
		update_makes_the_next_version_and_keeps_the_last,
		update_of_an_unknown_id_creates_it,
		deleted_record_is_gone_until_it_is_put_again,
		delete_of_what_never_was_changes_nothing,
		update_must_name_its_own_id,
		same_record_twice_is_refused,
		several_changes_are_made_together_or_not_at_all,
		every_write_leaves_event_audit_and_count,
		another_tenants_record_does_not_exist,
		rids_and_times_grow,
		racing_puts_of_one_id_all_count,
		connection_lost_before_a_write_is_made_again,
		more_records_than_one_statement_takes_are_written,
		large_write_is_made_whole_or_not_at_all,
		too_many_keys_are_refused,
		keys_follow_every_change,
	};

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tc, tests[i]);
	tcase_add_loop_test(tc, if_match_guards_the_version, 0,
	    sizeof(matches) / sizeof(matches[0]));
}

int
main(int argc, char **argv)
{
	TCase *tc = suite_case("store");
	TCase *own = suite_case("damaged");
	int status;

	(void)argc;
	database_need(argv);
	database_prepare();
	tcase_add_checked_fixture(tc, open_ctx, close_ctx);
	add_tests(tc);
	tcase_add_checked_fixture(own, open_own, close_own);
	tcase_add_loop_test(own, plans_made_on_empty_tables_stay_good, 0,
	    sizeof(plans) / sizeof(plans[0]));
	status = suite_run();
	database_drop();
	return status;
}
