/* What each scope allows: the matrix against a reviewed file, and the rules. */

#include "base/buf.h"
#include "fhir/scope.h"
#include "lib/suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#define MATRIX_FILE	"tests/data/scope/matrix.txt"

static const struct r4_type *
type(const char *name)
{
	const struct r4_type *found = r4_type_named(str_of(name));

	ck_assert_msg(found != NULL, "%s", name);
	return found;
}

static bool
allows(const char *scopes, const char *name, unsigned verbs)
{
	return scope_allows(str_of(scopes), type(name), verbs);
}

/* --- the matrix ----------------------------------------------------------- */

static void
add_cell(struct buf *b, const struct r4_type *t, const char *scope)
{
	static const char letters[] = "cruds";
	bool any = false;

	for (unsigned i = 0; i < 5; i++) {
		if (!scope_allows(str_of(scope), t, 1U << i))
			continue;
		if (!any)
			buf_addf(b, " %s=", scope);
		buf_addc(b, letters[i]);
		any = true;
	}
}

/* "Patient patient:read=rs patient:write=cu ...", one line a type. */
static struct str
matrix(struct arena *arena)
{
	struct buf b = buf_new(arena, 0);

	for (size_t i = 0; i < r4_types_count; i++) {
		buf_addz(&b, r4_types[i].name);
		for (size_t k = 0; scope_names[k] != NULL; k++)
			add_cell(&b, &r4_types[i], scope_names[k]);
		buf_addc(&b, '\n');
	}
	return buf_str(&b);
}

START_TEST(the_matrix_is_the_reviewed_one)
{
	struct arena *arena = arena_new(64 * 1024);
	struct str now = matrix(arena);
	char *was = arena_alloc(arena, now.n + 2);
	FILE *file = fopen(MATRIX_FILE, "re");
	size_t n;

	ck_assert_msg(file != NULL, MATRIX_FILE " is missing");
	n = fread(was, 1, now.n + 1, file);
	fclose(file);
	ck_assert_msg(str_eq(now, (struct str){ was, n }), MATRIX_FILE
	    " differs; `test_scope --print` writes what the tables say");
	arena_free(arena);
}
END_TEST

/* --- rules ---------------------------------------------------------------- */

START_TEST(a_scope_allows_its_own_types_only)
{
	ck_assert(allows("patient:read", "Patient", SCOPE_R | SCOPE_S));
	ck_assert(!allows("patient:read", "Patient", SCOPE_C));
	ck_assert(!allows("patient:read", "Observation", SCOPE_R));
	ck_assert(allows("clinical:read", "Coverage", SCOPE_R));
	ck_assert(allows("clinical:write", "Claim", SCOPE_C));
	ck_assert(!allows("clinical:write", "Observation", SCOPE_R));
}
END_TEST

START_TEST(several_scopes_add_up)
{
	ck_assert(allows("patient:read patient:write", "Patient",
	    SCOPE_R | SCOPE_U));
	ck_assert(!allows("patient:read", "Patient", SCOPE_R | SCOPE_U));
}
END_TEST

START_TEST(deleting_a_patient_needs_its_own_scope_or_system_write)
{
	ck_assert(!allows("patient:write", "Patient", SCOPE_D));
	ck_assert(allows("patient:delete", "Patient", SCOPE_D));
	ck_assert(allows("system:write", "Patient", SCOPE_D));
	ck_assert(allows("patient:write", "RelatedPerson", SCOPE_D));
	ck_assert(!allows("patient:delete", "RelatedPerson", SCOPE_D));
	ck_assert(allows("clinical:write", "Observation", SCOPE_D));
}
END_TEST

START_TEST(any_data_scope_reads_who_and_where)
{
	static const char *const types[] = { "Practitioner",
	    "PractitionerRole", "Organization", "Location" };

	for (size_t i = 0; i < 4; i++) {
		ck_assert(allows("document:write", types[i], SCOPE_R));
		ck_assert(allows("appointment:read", types[i], SCOPE_S));
		ck_assert(!allows("patient:write", types[i], SCOPE_C));
		ck_assert(!allows("analytics:read", types[i], SCOPE_R));
		ck_assert(!allows("user:read user:write", types[i], SCOPE_R));
	}
}
END_TEST

START_TEST(nobody_writes_audit_events_and_only_admins_read_them)
{
	for (size_t i = 0; scope_names[i] != NULL; i++) {
		const char *scope = scope_names[i];
		bool admin = strcmp(scope, "system:admin") == 0;

		ck_assert(allows(scope, "AuditEvent", SCOPE_R) == admin);
		for (unsigned verb = SCOPE_C; verb <= SCOPE_D; verb <<= 1)
			ck_assert(verb == SCOPE_R ||
			    !allows(scope, "AuditEvent", verb));
	}
}
END_TEST

START_TEST(provenance_is_never_changed)
{
	for (size_t i = 0; scope_names[i] != NULL; i++) {
		ck_assert(!allows(scope_names[i], "Provenance", SCOPE_U));
		ck_assert(!allows(scope_names[i], "Provenance", SCOPE_D));
	}
	ck_assert(allows("clinical:write", "Provenance", SCOPE_C));
}
END_TEST

START_TEST(definitions_are_written_by_the_system_only)
{
	static const char *const types[] = { "StructureDefinition",
	    "ValueSet", "CodeSystem", "SearchParameter" };

	for (size_t i = 0; i < 4; i++) {
		ck_assert(!allows("clinical:write", types[i], SCOPE_C));
		ck_assert(allows("system:write", types[i], SCOPE_U));
		ck_assert(allows("system:admin", types[i], SCOPE_D));
		ck_assert(allows("clinical:read", types[i], SCOPE_R));
	}
}
END_TEST

START_TEST(unknown_and_malformed_scopes_allow_nothing)
{
	static const char *const bad[] = { "", " ", "patient:*",
	    "Patient:read", "patient:read,patient:write", "system",
	    "patient:readx", "system:read\tsystem:write", "system/*.cruds" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_msg(!allows(bad[i], "Patient", SCOPE_R), "%s",
		    bad[i]);
		ck_assert(!scope_known(str_of(bad[i])));
	}
}
END_TEST

START_TEST(every_name_is_known)
{
	for (size_t i = 0; scope_names[i] != NULL; i++)
		ck_assert(scope_known(str_of(scope_names[i])));
}
END_TEST

START_TEST(the_narrowest_scope_is_asked_for)
{
	ck_assert(str_eqz(scope_needed(type("Patient"), SCOPE_R),
	    "patient:read"));
	ck_assert(str_eqz(scope_needed(type("Patient"), SCOPE_D),
	    "patient:delete"));
	ck_assert(str_eqz(scope_needed(type("Observation"), SCOPE_C),
	    "clinical:write"));
	ck_assert(str_eqz(scope_needed(type("ValueSet"), SCOPE_C),
	    "system:write"));
	ck_assert(str_eqz(scope_needed(type("AuditEvent"), SCOPE_R),
	    "system:admin"));
	ck_assert_uint_eq(scope_needed(type("AuditEvent"), SCOPE_C).n, 0);
}
END_TEST

START_TEST(what_is_asked_must_be_within_what_is_allowed)
{
	ck_assert(scope_within(STR("a b"), STR("b c a")));
	ck_assert(scope_within(STR(""), STR("a")));
	ck_assert(!scope_within(STR("a d"), STR("a b")));
	ck_assert(!scope_within(STR("a"), STR("")));
	ck_assert(!scope_within(STR("patient:read"), STR("patient:readx")));
}
END_TEST

static int
print_matrix(void)
{
	struct str text = matrix(arena_new(64 * 1024));

	return fwrite(text.p, 1, text.n, stdout) == text.n ? 0 : 1;
}

int
main(int argc, char **argv)
{
	TCase *tc = suite_case("scope");

	if (argc > 1 && strcmp(argv[1], "--print") == 0)
		return print_matrix();
	tcase_add_test(tc, the_matrix_is_the_reviewed_one);
	tcase_add_test(tc, a_scope_allows_its_own_types_only);
	tcase_add_test(tc, several_scopes_add_up);
	tcase_add_test(tc,
	    deleting_a_patient_needs_its_own_scope_or_system_write);
	tcase_add_test(tc, any_data_scope_reads_who_and_where);
	tcase_add_test(tc,
	    nobody_writes_audit_events_and_only_admins_read_them);
	tcase_add_test(tc, provenance_is_never_changed);
	tcase_add_test(tc, definitions_are_written_by_the_system_only);
	tcase_add_test(tc, unknown_and_malformed_scopes_allow_nothing);
	tcase_add_test(tc, every_name_is_known);
	tcase_add_test(tc, the_narrowest_scope_is_asked_for);
	tcase_add_test(tc, what_is_asked_must_be_within_what_is_allowed);
	return suite_run();
}
