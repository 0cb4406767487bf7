/* Exports, step by step: what they write, in files of which size, and what a
 * killed one leaves. */

#include "base/conf.h"
#include "base/when.h"
#include "lib/database.h"
#include "lib/records.h"
#include "lib/suite.h"
#include "platform/export.h"
#include "platform/ndjson.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#undef fail	/* a macro of Check's past */

/* More than a page of a type with filters. */
#define RECORDS	150

static const struct str kinds[] = { { "export", 6 } };

static struct ctx ctx;
static struct conf conf;
static char dir[64];
static struct task task;
static const struct r4_type *types[1];
static struct export_filter filters[1];
static size_t nfilters;

static void
open_ctx(void)
{
	snprintf(dir, sizeof(dir), "%s/twocare-export.XXXXXX", P_tmpdir);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	conf = (struct conf){ .state_dir = dir, .export_file_bytes = 1 << 20,
	    .base_url = "https://api.example.org/v3" };
	free(database_ask("delete from task"));
	database_ctx(&ctx);
	ctx.conf = &conf;
	ctx.who.client = STR("me");
	ctx.who.scope = STR("system:read");
	types[0] = r4_type_named(STR("Basic"));
	filters[0] = (struct export_filter){ types[0],
		STR("_lastUpdated=gt2000") };
	nfilters = 0;
	for (int i = 0; i < RECORDS; i++) {
		const char *id = arena_printf(ctx.arena, "b%d", i).p;

		records_put(&ctx, id, arena_printf(ctx.arena,
		    "{\"resourceType\":\"Basic\",\"id\":\"%s\",\n\"code\":"
		    "{\"text\":\"x\"}}", id).p);
	}
	ctx.now_us = when_now() + 2000;
}

static void
close_ctx(void)
{
	char path[96];

	(void)ndjson_remove(&ctx, task.id);
	snprintf(path, sizeof(path), "%s/bulk", dir);
	database_ctx_end(&ctx);
	(void)rmdir(path);
	(void)rmdir(dir);
}

/* Ask for an export of that time, and take it up; begun: it has waited. */
static void *
take_up(int64_t time_us, bool begun)
{
	struct export export = { .request = STR("x"), .types = types,
	    .ntypes = 1, .time_us = time_us, .scope = ctx.who.scope,
	    .filters = filters, .nfilters = nfilters };
	struct str id;
	void *work;
	bool any;

	ck_assert_int_eq(export_ask(&ctx, &export, &id), OK);
	ck_assert_int_eq(task_claim(&ctx, kinds, 1, &task, &any), OK);
	ck_assert(any);
	if (begun)
		task.place = STR("0");
	ck_assert_int_eq(export_open(&ctx, &task, &work), OK);
	return work;
}

static enum task_fate
do_step(void *work)
{
	enum task_fate fate;

	ck_assert_msg(export_step(&ctx, &task, work, &fate) == OK, "%s",
	    records_issue(&ctx));
	return fate;
}

static struct str
content(int n)
{
	const char *path = arena_printf(ctx.arena, "%s/bulk/%.*s/%d.ndjson",
	    dir, STR_ARGS(task.id), n).p;
	char *room = arena_zero(ctx.arena, 1 << 16);
	FILE *file = fopen(path, "re");
	struct str text = { room, 0 };

	if (file == NULL)
		return STR_NONE;
	text.n = fread(room, 1, 1 << 16, file);
	fclose(file);
	return text;
}

static size_t
count_lines(struct str text)
{
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++)
		n += text.p[i] == '\n';
	return n;
}

START_TEST(export_waits_until_nobody_writes_from_before_it)
{
	void *work = take_up(when_now(), false);

	ck_assert_int_eq(do_step(work), TASK_WAIT);
	ck_assert(content(1).p == NULL);
}
END_TEST

START_TEST(each_record_is_a_line)
{
	void *work = take_up(ctx.now_us, true);

	while (do_step(work) == TASK_MORE)
		;
	ck_assert_uint_eq(count_lines(content(1)), RECORDS);
	ck_assert(str_starts(content(1), STR("{\"resourceType\":\"Basic\"")));
}
END_TEST

START_TEST(record_changed_later_is_as_it_was)
{
	void *work = take_up(ctx.now_us, true);
	struct str before, after;

	while (do_step(work) == TASK_MORE)
		;
	before = content(1);
	ck_assert(ndjson_remove(&ctx, task.id));
	while (when_now() < ctx.now_us + 2000)
		;
	records_put(&ctx, "b3", "{\"resourceType\":\"Basic\",\"id\":\"b3\","
	    "\"code\":{\"text\":\"changed\"}}");
	work = take_up(ctx.now_us, true);
	while (do_step(work) == TASK_MORE)
		;
	after = content(1);
	ck_assert(str_eq(before, after));
}
END_TEST

/* It dies between the file and the row; its successor does the same again. */
START_TEST(killed_step_is_done_again)
{
	void *work = take_up(ctx.now_us, true);
	struct ctx died = ctx;
	enum task_fate fate;
	struct str whole;
	bool any;

	died.arena = arena_new(1 << 16);
	task.turn--;
	ck_assert_int_eq(export_step(&died, &task, work, &fate),
	    ERR_CONFLICT);
	task.turn++;
	arena_free(died.arena);
	whole = content(1);
	ck_assert_uint_eq(count_lines(whole), RECORDS);
	fault_clear(&ctx);
	ck_assert_int_eq(task_release(&ctx, &task, 0), OK);
	ck_assert_int_eq(task_claim(&ctx, kinds, 1, &task, &any), OK);
	ck_assert(any);
	while (do_step(work) == TASK_MORE)
		;
	ck_assert(str_eq(content(1), whole));
}
END_TEST

/* It dies behind the last step, before the row says that it has ended. */
START_TEST(export_killed_at_its_end_ends)
{
	void *work = take_up(ctx.now_us, true);

	while (do_step(work) == TASK_MORE)
		;
	ck_assert_int_eq(do_step(work), TASK_COMPLETE);
}
END_TEST

START_TEST(full_file_is_followed_by_another)
{
	struct task_file *files;
	int64_t total = 0;
	void *work;
	size_t n;

	conf.export_file_bytes = 1;
	nfilters = 1;
	work = take_up(ctx.now_us, true);
	while (do_step(work) == TASK_MORE)
		;
	ck_assert_int_eq(task_files(&ctx, &task, &files, &n), OK);
	ck_assert_uint_ge(n, 2);
	for (size_t i = 0; i < n; i++) {
		ck_assert_uint_eq(count_lines(content(files[i].n)),
		    files[i].records);
		total += files[i].records;
	}
	ck_assert_int_eq(total, RECORDS);
}
END_TEST

/* As a full disk does, a limit refuses the write: for good, and the client is
 * told. */
START_TEST(disk_without_room_fails_the_export)
{
	struct rlimit none = { 100, 100 };
	void *work = take_up(ctx.now_us, true);
	enum task_fate fate;

	ck_assert(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &none), 0);
	ck_assert_int_eq(export_step(&ctx, &task, work, &fate),
	    ERR_TOO_LARGE);
	ck_assert_ptr_nonnull(strstr(records_issue(&ctx), "no room"));
}
END_TEST

int
main(int argc, char **argv)
{
	TCase *tc;
	int status;

	(void)argc;
	database_need(argv);
	database_prepare();
	tc = suite_case("export");
	tcase_add_checked_fixture(tc, open_ctx, close_ctx);
	tcase_add_test(tc, export_waits_until_nobody_writes_from_before_it);
	tcase_add_test(tc, each_record_is_a_line);
	tcase_add_test(tc, record_changed_later_is_as_it_was);
	tcase_add_test(tc, killed_step_is_done_again);
	tcase_add_test(tc, export_killed_at_its_end_ends);
	tcase_add_test(tc, full_file_is_followed_by_another);
	tcase_add_test(tc, disk_without_room_fails_the_export);
	status = suite_run();
	database_drop();
	return status;
}
