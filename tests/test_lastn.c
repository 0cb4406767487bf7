/* The newest observations of each code, and which codes are the same. */

#include "lib/suite.h"

#include "base/buf.h"
#include "fhir/lastn.h"

#include <check.h>

#define MEMBERS_MAX	8

/* Observations, newest first: id, code, time. */
static const struct row {
	const char	*what;
	uint64_t	 max;
	struct { const char *code, *time; } of[MEMBERS_MAX];
	const char	*kept;		/* their numbers */
} rows[] = {
{ "none", 1, { { 0 } }, "" },
{ "one of each code", 1, { { "{\"coding\":[{\"system\":\"s\",\"code\":\"a\"}]}",
    "2026-03" }, { "{\"coding\":[{\"system\":\"s\",\"code\":\"b\"}]}",
    "2026-02" }, { "{\"coding\":[{\"system\":\"s\",\"code\":\"a\"}]}",
    "2026-01" } }, "01" },
{ "two of each", 2, { { "{\"text\":\"x\"}", "2026-03" }, { "{\"text\":\"x\"}",
    "2026-02" }, { "{\"text\":\"x\"}", "2026-01" } }, "01" },
{ "a tie", 1, { { "{\"text\":\"x\"}", "2026-03" }, { "{\"text\":\"x\"}",
    "2026-03" }, { "{\"text\":\"x\"}", "2026-01" } }, "01" },
{ "no tie without a time", 1, { { "{\"text\":\"x\"}", NULL },
    { "{\"text\":\"x\"}", NULL } }, "0" },
{ "another system", 1, { { "{\"coding\":[{\"system\":\"s\",\"code\":\"a\"}]}",
    "2026-03" }, { "{\"coding\":[{\"system\":\"t\",\"code\":\"a\"}]}",
    "2026-02" }, { "{\"coding\":[{\"code\":\"a\"}]}", "2026-01" } }, "012" },
{ "a code in common with a third", 1, { { "{\"coding\":[{\"code\":\"a\"}]}",
    "2026-03" }, { "{\"coding\":[{\"code\":\"b\"}]}", "2026-02" },
    { "{\"coding\":[{\"code\":\"b\"},{\"code\":\"a\"}]}", "2026-01" } }, "0" },
{ "a third of its own", 1, { { "{\"coding\":[{\"code\":\"a\"}]}", "2026-03" },
    { "{\"coding\":[{\"code\":\"b\"}]}", "2026-02" },
    { "{\"coding\":[{\"code\":\"a\"},{\"code\":\"c\"}]}", "2026-01" } }, "01" },
{ "texts as written", 1, { { "{\"text\":\"textM\"}", "2026-03" },
    { "{\"text\":\"Text\"}", "2026-02" }, { "{\"text\":\"t e x t\"}",
    "2026-01" } }, "012" },
{ "a text is no code", 1, { { "{\"text\":\"a\"}", "2026-03" },
    { "{\"coding\":[{\"code\":\"a\"}],\"text\":\"a\"}", "2026-02" },
    { "{\"coding\":[{\"display\":\"d\"}],\"text\":\"a\"}", "2026-01" } },
    "01" },
{ "a text with a code in it", 1, { { "{\"text\":\"|s|a\"}", "2026-03" },
    { "{\"coding\":[{\"system\":\"s\",\"code\":\"a\"}]}", "2026-02" } },
    "01" },
};

START_TEST(the_newest_of_each_code_are_kept)
{
	struct ctx ctx = { .arena = arena_new(4096) };
	const struct row *row = &rows[_i];
	struct record records[MEMBERS_MAX] = { { 0 } };
	struct buf kept = buf_new(ctx.arena, 16);
	size_t n = 0;

	for (; n < MEMBERS_MAX && row->of[n].code != NULL; n++) {
		const char *time = row->of[n].time;

		records[n].ver = (int32_t)n;
		records[n].body = arena_printf(ctx.arena, "{\"resourceType\":"
		    "\"Observation\"%s%s%s,\"code\":%s}", time == NULL ? "" :
		    ",\"effectiveDateTime\":\"", time == NULL ? "" : time,
		    time == NULL ? "" : "\"", row->of[n].code);
	}
	n = lastn_keep(&ctx, records, n, row->max);
	for (size_t i = 0; i < n; i++)
		buf_add_i64(&kept, records[i].ver);
	ck_assert_msg(str_eqz(buf_str(&kept), row->kept), "%s: %.*s",
	    row->what, STR_ARGS(buf_str(&kept)));
	arena_free(ctx.arena);
}
END_TEST

START_TEST(a_period_begins_at_its_start)
{
	struct ctx ctx = { .arena = arena_new(4096) };
	struct record records[] = {
		{ .body = STR("{\"resourceType\":\"Observation\",\"code\":{"
		    "\"text\":\"x\"},\"effectivePeriod\":{\"start\":\"2026\","
		    "\"end\":\"2027\"}}") },
		{ .body = STR("{\"resourceType\":\"Observation\",\"code\":{"
		    "\"text\":\"x\"},\"effectiveInstant\":"
		    "\"2026-01-01T00:00:00Z\"}") },
		{ .body = STR("{\"resourceType\":\"Observation\",\"code\":{"
		    "\"text\":\"x\"},\"effectiveDateTime\":\"2025\"}") },
	};

	ck_assert_uint_eq(lastn_keep(&ctx, records, 3, 1), 2);
	arena_free(ctx.arena);
}
END_TEST

int
main(void)
{
	TCase *tc = suite_case("lastn");

	tcase_add_loop_test(tc, the_newest_of_each_code_are_kept, 0,
	    sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(tc, a_period_begins_at_its_start);
	return suite_run();
}
