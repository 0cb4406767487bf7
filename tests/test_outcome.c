/* OperationOutcome: what it says of the issues of a ctx. */

#include "lib/resource.h"
#include "lib/suite.h"

#include "fhir/outcome.h"
#include "fhir/validate.h"

#include <check.h>

#undef fail	/* a macro of Check's past */

static struct arena *arena;
static struct ctx ctx;

static void
open_ctx(void)
{
	arena = arena_new(1 << 16);
	ctx = (struct ctx){ .arena = arena, .request_id = STR("req_1") };
}

static void
close_ctx(void)
{
	arena_free(arena);
}

static void
expect(const char *json)
{
	struct str text = outcome_write(&ctx);

	ck_assert_msg(str_eqz(text, json), "%.*s", STR_ARGS(text));
}

/* What we write must pass our own validation. */
static struct jdoc
valid_outcome(void)
{
	struct jdoc d = resource_parse(arena, outcome_write(&ctx));

	fault_clear(&ctx);
	ck_assert_int_eq(validate(&ctx, &d, 0,
	    r4_type_named(STR("OperationOutcome"))), OK);
	return d;
}

START_TEST(an_issue_has_code_text_diagnostics_and_expression)
{
	fail_at(&ctx, ERR_VALIDATION, STR("Patient.name[0]"), "\"%d\"", 1);
	expect("{\"resourceType\":\"OperationOutcome\",\"issue\":["
	    "{\"severity\":\"error\",\"code\":\"invariant\","
	    "\"details\":{\"text\":\"\\\"1\\\"\"},"
	    "\"diagnostics\":\"validation_error req_1\","
	    "\"expression\":[\"Patient.name[0]\"]}]}");
	valid_outcome();
}
END_TEST

START_TEST(an_issue_without_a_place_is_about_the_subject)
{
	fail(&ctx, ERR_NOT_FOUND, "no");
	ctx.subject = STR("Patient");
	expect("{\"resourceType\":\"OperationOutcome\",\"issue\":["
	    "{\"severity\":\"error\",\"code\":\"not-found\","
	    "\"details\":{\"text\":\"No\"},"
	    "\"diagnostics\":\"resource_not_found req_1\","
	    "\"expression\":[\"Patient\"]}]}");
	ctx.subject = STR_NONE;
	expect("{\"resourceType\":\"OperationOutcome\",\"issue\":["
	    "{\"severity\":\"error\",\"code\":\"not-found\","
	    "\"details\":{\"text\":\"No\"},"
	    "\"diagnostics\":\"resource_not_found req_1\"}]}");
}
END_TEST

START_TEST(issues_keep_their_order_and_severity)
{
	fault_warn(&ctx, STR("Patient"), "w");
	fail(&ctx, ERR_INTERNAL, "f");
	ctx.request_id = STR_NONE;
	expect("{\"resourceType\":\"OperationOutcome\",\"issue\":["
	    "{\"severity\":\"warning\",\"code\":\"informational\","
	    "\"details\":{\"text\":\"W\"},"
	    "\"diagnostics\":\"warning\",\"expression\":[\"Patient\"]},"
	    "{\"severity\":\"fatal\",\"code\":\"exception\","
	    "\"details\":{\"text\":\"F\"},"
	    "\"diagnostics\":\"server_error\"}]}");
	valid_outcome();
}
END_TEST

START_TEST(nothing_wrong_is_said_too)
{
	expect("{\"resourceType\":\"OperationOutcome\",\"issue\":["
	    "{\"severity\":\"information\",\"code\":\"informational\","
	    "\"details\":{\"text\":\"All is well\"},"
	    "\"diagnostics\":\"information req_1\"}]}");
	valid_outcome();
}
END_TEST

START_TEST(more_issues_than_are_kept_are_mentioned)
{
	struct jdoc d;

	for (int i = 0; i < FAULT_ISSUES_MAX + 1; i++)
		fail(&ctx, ERR_VALIDATION, "%d", i);
	d = valid_outcome();
	ck_assert_uint_eq(d.nodes[jdoc_get(&d, 0, STR("issue"))].count,
	    FAULT_ISSUES_MAX + 1);
	ck_assert_ptr_nonnull(memmem(d.text.p, d.text.n,
	    "Only the first 100", 18));
}
END_TEST

START_TEST(every_kind_of_fault_has_a_valid_outcome)
{
	fail(&ctx, (enum err)_i, "x");
	valid_outcome();
}
END_TEST

int
main(void)
{
	TCase *tc = suite_case("outcome");

	tcase_add_checked_fixture(tc, open_ctx, close_ctx);
	tcase_add_test(tc, an_issue_has_code_text_diagnostics_and_expression);
	tcase_add_test(tc, an_issue_without_a_place_is_about_the_subject);
	tcase_add_test(tc, issues_keep_their_order_and_severity);
	tcase_add_test(tc, nothing_wrong_is_said_too);
	tcase_add_test(tc, more_issues_than_are_kept_are_mentioned);
	tcase_add_loop_test(tc, every_kind_of_fault_has_a_valid_outcome,
	    OK + 1, ERR__MAX);
	return suite_run();
}
