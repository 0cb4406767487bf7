/* Tasks: who claims them, what a process may still do for one, and the files
 * in their folders. */

#include "base/conf.h"
#include "base/when.h"
#include "lib/database.h"
#include "lib/suite.h"
#include "platform/ndjson.h"
#include "platform/place.h"
#include "platform/task.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#undef fail	/* a macro of Check's past */

#define MOST	2

static const struct str kinds[] = { { "dig", 3 } };

static struct ctx ctx;
static struct conf conf;
static char dir[64];

static void
open_ctx(void)
{
	snprintf(dir, sizeof(dir), "%s/twocare-task.XXXXXX", P_tmpdir);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	conf = (struct conf){ .state_dir = dir };
	free(database_ask("delete from task"));
	database_ctx(&ctx);
	ctx.conf = &conf;
	ctx.who.client = STR("me");
	ctx.now_us = when_now();
}

static void
close_ctx(void)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/bulk", dir);
	database_ctx_end(&ctx);
	(void)rmdir(path);
	(void)rmdir(dir);
}

static void
add(const char *id)
{
	ck_assert_int_eq(task_add(&ctx, str_of(id), "dig", STR("a hole"),
	    MOST), OK);
}

static bool
claim(struct task *task)
{
	bool any;

	ck_assert_int_eq(task_claim(&ctx, kinds, 1, task, &any), OK);
	return any;
}

START_TEST(task_is_claimed_once)
{
	struct task task, other;

	add("t1");
	ck_assert(claim(&task));
	ck_assert(str_eqz(task.id, "t1"));
	ck_assert(str_eqz(task.input, "a hole"));
	ck_assert(str_eqz(task.client, "me"));
	ck_assert(!claim(&other));
	ck_assert_int_eq(task_release(&ctx, &task, 0), OK);
	ck_assert(claim(&other));
	ck_assert_int_eq(other.turn, task.turn + 1);
}
END_TEST

START_TEST(killed_process_is_not_waited_for)
{
	struct task task;

	add("t1");
	ck_assert(claim(&task));
	free(database_ask("update task set session = 'gone'"));
	ck_assert(claim(&task));
}
END_TEST

START_TEST(place_outlives_its_process)
{
	struct task_file file = { .n = 1, .role = "output",
		.type = STR("Patient"), .records = 3, .bytes = 99 };
	struct task task, next;
	struct task_file *files;
	size_t n;

	add("t1");
	ck_assert(claim(&task));
	ck_assert_int_eq(task_keep(&ctx, &task, STR("7 8"), &file), OK);
	file.records = 4;
	ck_assert_int_eq(task_keep(&ctx, &task, STR("9 9"), &file), OK);
	ck_assert_int_eq(task_release(&ctx, &task, 0), OK);
	ck_assert(claim(&next));
	ck_assert(str_eqz(next.place, "9 9"));
	ck_assert_int_eq(task_files(&ctx, &next, &files, &n), OK);
	ck_assert_uint_eq(n, 1);
	ck_assert_int_eq(files[0].records, 4);
}
END_TEST

START_TEST(who_lost_a_task_changes_nothing)
{
	struct task old, task;

	add("t1");
	ck_assert(claim(&old));
	free(database_ask("update task set lease = '-infinity'"));
	ck_assert(claim(&task));
	ck_assert_int_eq(task_keep(&ctx, &old, STR("1"), NULL), ERR_CONFLICT);
	ck_assert_int_eq(task_end(&ctx, &old, TASK_DONE, STR(""), 60), OK);
	ck_assert_int_eq(task_read(&ctx, STR("t1"), &task), OK);
	ck_assert_int_eq(task.state, TASK_OPEN);
}
END_TEST

START_TEST(cancelled_task_is_gone)
{
	struct task task;

	add("t1");
	ck_assert(claim(&task));
	ck_assert_int_eq(task_cancel(&ctx, &task), OK);
	ck_assert_int_eq(task_read(&ctx, STR("t1"), &task), ERR_NOT_FOUND);
	ck_assert_int_eq(task_keep(&ctx, &task, STR("1"), NULL), ERR_CONFLICT);
}
END_TEST

START_TEST(failed_task_waits_before_it_is_tried_again)
{
	struct task task;

	add("t1");
	ck_assert(claim(&task));
	ck_assert_int_eq(task_retry(&ctx, &task), OK);
	ck_assert(!claim(&task));
	free(database_ask("update task set due = now()"));
	ck_assert(claim(&task));
	ck_assert_int_eq(task.tries, 1);
	ck_assert_int_eq(task_keep(&ctx, &task, STR("1"), NULL), OK);
	ck_assert_int_eq(task_release(&ctx, &task, 0), OK);
	ck_assert(claim(&task));
	ck_assert_int_eq(task.tries, 0);
}
END_TEST

START_TEST(client_has_so_many_at_once)
{
	struct task task;

	add("t1");
	add("t2");
	ck_assert_int_eq(task_add(&ctx, STR("t3"), "dig", STR(""), MOST),
	    ERR_RATE_LIMIT);
	ck_assert_int_eq(task_add(&ctx, STR("t3"), "fill", STR(""), MOST), OK);
	ctx.who.client = STR("you");
	ck_assert_int_eq(task_add(&ctx, STR("t4"), "dig", STR(""), MOST), OK);
	ck_assert(claim(&task));
	ck_assert_int_eq(task_end(&ctx, &task, TASK_DONE, STR(""), 60), OK);
	ctx.who.client = STR("me");
	fault_clear(&ctx);
	ck_assert_int_eq(task_add(&ctx, STR("t5"), "dig", STR(""), MOST), OK);
}
END_TEST

START_TEST(task_is_read_by_its_client_and_administrators)
{
	struct task task;

	add("t1");
	ctx.who.client = STR("you");
	ck_assert_int_eq(task_read(&ctx, STR("t1"), &task), ERR_NOT_FOUND);
	ctx.who.scope = STR("patient:read system:admin");
	ck_assert_int_eq(task_read(&ctx, STR("t1"), &task), OK);
	ctx.who.tn = 2;
	ck_assert_int_eq(task_read(&ctx, STR("t1"), &task), ERR_NOT_FOUND);
}
END_TEST

/* --- files ---------------------------------------------------------------- */

static struct str
content(const char *id, const char *name)
{
	const char *path = arena_printf(ctx.arena, "%s/bulk/%s/%s", dir, id,
	    name).p;
	char *room = arena_zero(ctx.arena, 1024);
	FILE *file = fopen(path, "re");
	size_t n;

	if (file == NULL)
		return STR_NONE;
	n = fread(room, 1, 1023, file);
	fclose(file);
	return (struct str){ room, n };
}

START_TEST(what_a_killed_step_wrote_is_cut_off)
{
	struct ndjson *folder;

	ck_assert_int_eq(ndjson_open(&ctx, STR("f1"), &folder), OK);
	ck_assert_int_eq(ndjson_write(&ctx, folder, 1, 0, STR("one\n")), OK);
	ck_assert_int_eq(ndjson_write(&ctx, folder, 1, 4, STR("lost lost\n")),
	    OK);
	ck_assert_int_eq(ndjson_write(&ctx, folder, 1, 4, STR("two\n")), OK);
	ck_assert(str_eqz(content("f1", "1.ndjson"), "one\ntwo\n"));
	ck_assert(ndjson_remove(&ctx, STR("f1")));
	ck_assert(content("f1", "1.ndjson").p == NULL);
}
END_TEST

START_TEST(folder_is_held_by_one)
{
	struct ndjson *folder, *other;
	struct ctx later = ctx;

	later.arena = arena_new(1024);
	ck_assert_int_eq(ndjson_open(&later, STR("f1"), &folder), OK);
	ck_assert_int_eq(ndjson_open(&ctx, STR("f1"), &other), ERR_CONFLICT);
	arena_free(later.arena);
	ck_assert_int_eq(ndjson_open(&ctx, STR("f1"), &other), OK);
	ck_assert(ndjson_remove(&ctx, STR("f1")));
}
END_TEST

START_TEST(line_has_no_ends_within)
{
	static const struct { const char *body, *line; } rows[] = {
		{ "{}", "{}\n" },
		{ "{\"a\":\n 1.10,\r\n\"b\":\"\\n\"}\n",
		    "{\"a\": 1.10,\"b\":\"\\n\"}\n" },
		{ "\n\n[\n]", "[]\n" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf b = buf_new(ctx.arena, 0);

		ndjson_line(&b, str_of(rows[i].body));
		ck_assert(str_eqz(buf_str(&b), rows[i].line));
	}
}
END_TEST

START_TEST(files_that_nobody_needs_are_swept)
{
	static const char *const ids[] = { "open", "cancelled", "expired" };
	struct ndjson *folder;
	struct task task;

	for (size_t i = 0; i < 3; i++) {
		ctx.who.client = str_of(ids[i]);
		add(ids[i]);
		ck_assert_int_eq(ndjson_open(&ctx, str_of(ids[i]), &folder),
		    OK);
		ck_assert_int_eq(ndjson_write(&ctx, folder, 1, 0, STR("x")),
		    OK);
	}
	ck_assert_int_eq(ndjson_open(&ctx, STR("fresh"), &folder), OK);
	free(database_ask("update task set state = 'cancelled', expires = "
	    "now() + interval '1 h' where id = 'cancelled'"));
	free(database_ask("update task set state = 'done', expires = "
	    "now() - interval '1 s' where id = 'expired'"));
	ck_assert_int_eq(task_sweep(&ctx), OK);
	ck_assert_uint_eq(content("open", "1.ndjson").n, 1);
	ck_assert(content("cancelled", "1.ndjson").p == NULL);
	ck_assert(content("expired", "1.ndjson").p == NULL);
	ck_assert_int_eq(ndjson_write(&ctx, folder, 1, 0, STR("x")), OK);
	ctx.who.client = STR("expired");
	ck_assert_int_eq(task_read(&ctx, STR("expired"), &task),
	    ERR_NOT_FOUND);
	ck_assert(ndjson_remove(&ctx, STR("open")));
	ck_assert(ndjson_remove(&ctx, STR("fresh")));
}
END_TEST

START_TEST(place_is_numbers)
{
	uint64_t v[3] = { 1, 2, 3 };

	ck_assert(str_eqz(place_text(ctx.arena, v, 3), "1 2 3"));
	place_read(STR("7 8"), v, 3);
	ck_assert(v[0] == 7 && v[1] == 8 && v[2] == 0);
	place_read(STR(""), v, 3);
	ck_assert(v[0] == 0 && v[1] == 0 && v[2] == 0);
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
	tc = suite_case("task");
	tcase_add_checked_fixture(tc, open_ctx, close_ctx);
	tcase_add_test(tc, task_is_claimed_once);
	tcase_add_test(tc, killed_process_is_not_waited_for);
	tcase_add_test(tc, place_outlives_its_process);
	tcase_add_test(tc, who_lost_a_task_changes_nothing);
	tcase_add_test(tc, cancelled_task_is_gone);
	tcase_add_test(tc, failed_task_waits_before_it_is_tried_again);
	tcase_add_test(tc, client_has_so_many_at_once);
	tcase_add_test(tc, task_is_read_by_its_client_and_administrators);
	tcase_add_test(tc, what_a_killed_step_wrote_is_cut_off);
	tcase_add_test(tc, folder_is_held_by_one);
	tcase_add_test(tc, line_has_no_ends_within);
	tcase_add_test(tc, files_that_nobody_needs_are_swept);
	tcase_add_test(tc, place_is_numbers);
	status = suite_run();
	database_drop();
	return status;
}
