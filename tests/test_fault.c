/* What can go wrong: the one table, and the issues that a ctx collects. */

#include "base/fault.h"
#include "lib/suite.h"

#include <check.h>

/* Check has a macro of this name. */
#undef fail

#include "base/ctx.h"

static struct ctx ctx;

static void
setup(void)
{
	ctx = (struct ctx){ .arena = arena_new(1024) };
}

static void
teardown(void)
{
	arena_free(ctx.arena);
}

START_TEST(every_err_has_its_row)
{
	for (int err = OK; err < ERR__MAX; err++) {
		const struct fault_kind *kind = fault_kind((enum err)err);

		ck_assert_int_eq(kind->err, err);
		ck_assert_int_ge(kind->status, 200);
		ck_assert_int_lt(kind->status, 600);
		ck_assert_ptr_nonnull(kind->code);
		ck_assert_ptr_nonnull(kind->issue);
		ck_assert_ptr_nonnull(kind->oauth);
		ck_assert(err == OK || kind->status >= 400);
	}
	ck_assert_int_eq(fault_kind(ERR__MAX)->err, ERR_INTERNAL);
}
END_TEST

START_TEST(first_err_stays_and_issues_keep_their_order)
{
	char path[] = "Patient.name";

	ck_assert_int_eq(fail_at(&ctx, ERR_VALIDATION, str_of(path),
	    "wrong %d", 1), ERR_VALIDATION);
	path[0] = 'X';
	ck_assert_int_eq(fail(&ctx, ERR_NOT_FOUND, "gone"), ERR_NOT_FOUND);
	ck_assert_int_eq(ctx.fault.err, ERR_VALIDATION);
	ck_assert_uint_eq(ctx.fault.count, 2);
	ck_assert(str_eqz(ctx.fault.issues->text, "wrong 1"));
	ck_assert(str_eqz(ctx.fault.issues->path, "Patient.name"));
	ck_assert(str_eqz(ctx.fault.issues->next->text, "gone"));
	ck_assert_ptr_null(ctx.fault.issues->next->next);
}
END_TEST

START_TEST(warning_fails_nothing)
{
	fault_warn(&ctx, STR("Patient"), "odd");
	ck_assert_int_eq(ctx.fault.err, OK);
	ck_assert(ctx.fault.issues->warning);
	fail(&ctx, ERR_CONFLICT, "taken");
	ck_assert_int_eq(ctx.fault.err, ERR_CONFLICT);
}
END_TEST

START_TEST(issues_are_counted_beyond_those_kept)
{
	size_t kept = 0;

	for (int i = 0; i < FAULT_ISSUES_MAX + 50; i++)
		fail(&ctx, ERR_VALIDATION, "issue %d", i);
	for (struct issue *i = ctx.fault.issues; i != NULL; i = i->next)
		kept++;
	ck_assert_uint_eq(kept, FAULT_ISSUES_MAX);
	ck_assert_uint_eq(ctx.fault.count, FAULT_ISSUES_MAX + 50);
}
END_TEST

START_TEST(issue_type_is_the_one_that_was_said)
{
	(void)fail(&ctx, ERR_VALIDATION, "x");
	ck_assert_ptr_null(ctx.fault.issues->type);
	ck_assert_int_eq(fail_as(&ctx, ERR_VALIDATION, "structure", STR("a.b"),
	    "%s", "y"), ERR_VALIDATION);
	ck_assert_str_eq(ctx.fault.last->type, "structure");
	ck_assert(str_eqz(ctx.fault.last->path, "a.b"));
}
END_TEST

START_TEST(text_begins_with_a_capital_unless_it_begins_with_a_name)
{
	static const struct {
		const char *text, *said;
	} rows[] = {
		{ "the body is missing", "The body is missing" },
		{ "missing", "Missing" },
		{ "client_id is missing", "client_id is missing" },
		{ "Patient.name must be an array",
		    "Patient.name must be an array" },
		{ "a.b is wrong", "a.b is wrong" },
		{ "_count is wrong", "_count is wrong" },
		{ "", "" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_msg(str_eqz(fault_sentence(ctx.arena,
		    str_of(rows[i].text)), rows[i].said), "%s", rows[i].text);
}
END_TEST

START_TEST(cleared_fault_is_none)
{
	fail(&ctx, ERR_RETRY, "again");
	fault_clear(&ctx);
	ck_assert_int_eq(ctx.fault.err, OK);
	ck_assert_ptr_null(ctx.fault.issues);
	fail(&ctx, ERR_NOT_FOUND, "gone");
	ck_assert_int_eq(ctx.fault.err, ERR_NOT_FOUND);
	ck_assert_uint_eq(ctx.fault.count, 1);
}
END_TEST

int
main(void)
{
	TCase *c = suite_case("fault");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, every_err_has_its_row);
	tcase_add_test(c, first_err_stays_and_issues_keep_their_order);
	tcase_add_test(c, warning_fails_nothing);
	tcase_add_test(c, issues_are_counted_beyond_those_kept);
	tcase_add_test(c, issue_type_is_the_one_that_was_said);
	tcase_add_test(c,
	    text_begins_with_a_capital_unless_it_begins_with_a_name);
	tcase_add_test(c, cleared_fault_is_none);
	return suite_run();
}
