/* What the settings ask of references is kept, whoever else writes. */

#include "lib/database.h"
#include "lib/document.h"
#include "lib/suite.h"

#include "base/conf.h"
#include "fhir/store.h"

#include <check.h>
#include <sys/wait.h>
#include <unistd.h>

static struct ctx ctx;
static struct conf conf = { .base_url = "https://h/v3" };

static void
open_ctx(void)
{
	database_ctx(&ctx);
	ctx.conf = &conf;
	ctx.who.scope = STR("system:read system:write");
}

static void
close_ctx(void)
{
	database_ctx_end(&ctx);
}

static struct change
change_of(enum change_kind kind, const char *type, const char *id,
    const char *text)
{
	struct change change = { .kind = kind,
	    .type = r4_type_named(str_of(type)), .id = str_of(id) };

	if (text != NULL)
		change.doc = document_parse(ctx.arena, text);
	return change;
}

static enum err
put(const char *type, const char *id, const char *more)
{
	struct change change = change_of(CHANGE_UPDATE, type, id,
	    arena_printf(ctx.arena, "{'resourceType':'%s','id':'%s'%s}",
	    type, id, more).p);

	fault_clear(&ctx);
	return store_write(&ctx, &change, 1);
}

static enum err
observe(const char *id, const char *subject)
{
	return put("Observation", id, arena_printf(ctx.arena,
	    ",'status':'final','code':{'text':'x'},'subject':{'reference':"
	    "'%s'}", subject).p);
}

static enum err
delete(const char *type, const char *id)
{
	struct change change = change_of(CHANGE_DELETE, type, id, NULL);

	fault_clear(&ctx);
	return store_write(&ctx, &change, 1);
}

static bool
says(const char *path, const char *text)
{
	const struct issue *issue = ctx.fault.issues;

	return issue != NULL && str_eqz(issue->path, path) &&
	    strstr(arena_z(ctx.arena, issue->text), text) != NULL;
}

static void
keep(bool referred, bool whole)
{
	conf.keep_referred = referred;
	conf.keep_whole = whole;
}

START_TEST(both_are_allowed_when_nothing_is_said)
{
	keep(false, false);
	ck_assert_int_eq(put("Patient", "free", ""), OK);
	ck_assert_int_eq(observe("free", "Patient/free"), OK);
	ck_assert_int_eq(delete("Patient", "free"), OK);
	ck_assert_int_eq(observe("free", "Patient/free"), OK);
}
END_TEST

START_TEST(what_is_referred_to_is_not_deleted)
{
	keep(true, false);
	ck_assert_int_eq(put("Patient", "kept", ""), OK);
	ck_assert_int_eq(observe("keeper", "Patient/kept"), OK);
	ck_assert_int_eq(delete("Patient", "kept"), ERR_CONFLICT);
	ck_assert(says("Patient", "Observation/keeper refers to it"));
	ctx.who.scope = STR("patient:delete");
	ck_assert_int_eq(delete("Patient", "kept"), ERR_CONFLICT);
	ck_assert(says("Patient", "another record refers to it"));
	ck_assert_int_eq(observe("keeper", "Patient/other"), OK);
	ck_assert_int_eq(delete("Patient", "kept"), OK);
	ck_assert_int_eq(delete("Patient", "kept"), OK);
}
END_TEST

START_TEST(a_deleted_or_foreign_referrer_is_none)
{
	keep(true, false);
	ck_assert_int_eq(put("Patient", "p", ""), OK);
	ck_assert_int_eq(observe("o", "Patient/p"), OK);
	ck_assert_int_eq(delete("Observation", "o"), OK);
	ctx.who.tn = 2;
	ck_assert_int_eq(observe("o", "Patient/p"), OK);
	ctx.who.tn = 1;
	ck_assert_int_eq(delete("Patient", "p"), OK);
}
END_TEST

START_TEST(what_refers_to_nothing_is_not_written)
{
	static const struct {
		const char	*reference;
		enum err	 err;
	} rows[] = {
		{ "Patient/none", ERR_CONFLICT },
		{ "Patient/none/_history/1", ERR_CONFLICT },
		{ "https://h/v3/fhir/Patient/none", ERR_CONFLICT },
		{ "Patient/gone", ERR_CONFLICT },
		{ "Patient/two", ERR_CONFLICT },	/* another tenant's */
		{ "Patient/here", OK },
		{ "https://h/v3/fhir/Patient/here", OK },
		{ "https://elsewhere/fhir/Patient/none", OK },
		{ "urn:uuid:0b9a8a1e-7f3c-4f0a-9a7b-000000000001", OK },
	};

	keep(false, true);
	ck_assert_int_eq(put("Patient", "here", ""), OK);
	ck_assert_int_eq(put("Patient", "gone", ""), OK);
	ck_assert_int_eq(delete("Patient", "gone"), OK);
	ctx.who.tn = 2;
	ck_assert_int_eq(put("Patient", "two", ""), OK);
	ctx.who.tn = 1;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ck_assert_msg(observe("w", rows[i].reference) == rows[i].err,
		    "%s", rows[i].reference);
		ck_assert(rows[i].err == OK || says("Observation.subject",
		    "which is not there"));
	}
	ck_assert_int_eq(put("Patient", "deep", ",'contact':[{'gender':'male'},"
	    "{'organization':{'reference':'Organization/none'}}]"),
	    ERR_CONFLICT);
	ck_assert(says("Patient.contact[1].organization",
	    "Organization/none"));
}
END_TEST

START_TEST(a_transaction_may_bring_and_take_both_sides)
{
	struct change changes[2];

	keep(true, true);
	changes[0] = change_of(CHANGE_UPDATE, "Observation", "b",
	    "{'resourceType':'Observation','id':'b','status':'final',"
	    "'code':{'text':'x'},'subject':{'reference':'Patient/b'}}");
	changes[1] = change_of(CHANGE_UPDATE, "Patient", "b",
	    "{'resourceType':'Patient','id':'b'}");
	ck_assert_int_eq(store_write(&ctx, changes, 2), OK);
	changes[0] = change_of(CHANGE_DELETE, "Patient", "b", NULL);
	changes[1] = change_of(CHANGE_DELETE, "Observation", "b", NULL);
	ck_assert_int_eq(store_write(&ctx, changes, 1), ERR_CONFLICT);
	fault_clear(&ctx);
	ck_assert_int_eq(store_write(&ctx, changes, 2), OK);
}
END_TEST

/* In a process of its own, which ends with 0 when it was done. */
static pid_t
beside(enum err (*write)(const char *, const char *), const char *a,
    const char *b)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	open_ctx();
	_exit(write(a, b) == OK ? 0 : 1);
}

static bool
done(pid_t pid)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

START_TEST(of_a_deletion_and_a_reference_at_once_one_is_refused)
{
	int deleted = 0, referred = 0;

	keep(true, true);
	for (int i = 0; i < 60; i++) {
		struct str id = arena_printf(ctx.arena, "race%d", i);
		struct str to = arena_printf(ctx.arena, "Patient/race%d", i);
		pid_t one, other;
		bool a, b;

		ck_assert_int_eq(put("Patient", id.p, ""), OK);
		one = beside(i % 2 ? delete : observe, i % 2 ? "Patient" :
		    id.p, i % 2 ? id.p : to.p);
		other = beside(i % 2 ? observe : delete, i % 2 ? id.p :
		    "Patient", i % 2 ? to.p : id.p);
		a = done(one);
		b = done(other);
		ck_assert_msg(a != b, "%s: %d and %d", id.p, a, b);
		deleted += i % 2 ? a : b;
		referred += i % 2 ? b : a;
	}
	ck_assert_int_eq(deleted + referred, 60);
}
END_TEST

int
main(int argc, char **argv)
{
	TCase *tc = suite_case("guard");
	int status;

	(void)argc;
	database_need(argv);
	database_prepare();
	tcase_add_checked_fixture(tc, open_ctx, close_ctx);
	tcase_add_test(tc, both_are_allowed_when_nothing_is_said);
	tcase_add_test(tc, what_is_referred_to_is_not_deleted);
	tcase_add_test(tc, a_deleted_or_foreign_referrer_is_none);
	tcase_add_test(tc, what_refers_to_nothing_is_not_written);
	tcase_add_test(tc, a_transaction_may_bring_and_take_both_sides);
	tcase_add_test(tc,
	    of_a_deletion_and_a_reference_at_once_one_is_refused);
	status = suite_run();
	database_drop();
	return status;
}
