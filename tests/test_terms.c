/* R4's own code systems and value sets: all can be read, and what they expand
 * to is what the required bindings have. */

#include "fhir/expand.h"
#include "fhir/structure.h"
#include "lib/document.h"
#include "lib/suite.h"

#include <check.h>

#undef fail	/* a macro of Check's past */

static struct arena *arena;
static struct ctx ctx;

static void
open_ctx(void)
{
	arena = arena_new(1 << 16);
	ctx = (struct ctx){ .arena = arena };
}

static void
close_ctx(void)
{
	arena_free(arena);
}

static void
expect_sorted(const struct r4_term *terms, size_t n)
{
	for (size_t i = 1; i < n; i++)
		ck_assert_msg(strcmp(terms[i - 1].url, terms[i].url) < 0,
		    "%s", terms[i].url);
}

START_TEST(all_value_sets_of_r4_expand_or_say_why_not)
{
	size_t expanded = 0;

	expect_sorted(r4_code_systems, r4_code_systems_count);
	expect_sorted(r4_value_sets, r4_value_sets_count);
	for (size_t i = 0; i < r4_value_sets_count; i++) {
		struct expansion e;
		enum err err;

		fault_clear(&ctx);
		err = expand_named(&ctx, str_of(r4_value_sets[i].url), &e);
		ck_assert_msg(err == OK || (err == ERR_VALIDATION &&
		    ctx.fault.issues != NULL), "%s", r4_value_sets[i].url);
		expanded += err == OK && e.n > 0;
		arena_reset(arena);
	}
	ck_assert_uint_gt(expanded, 1100);
}
END_TEST

/* Row 0 is none; all that are asked for are among the first. */
static const struct r4_binding *
binding_of(const char *url)
{
	for (size_t i = 1; i < 200; i++)
		if (strcmp(r4_bindings[i].value_set, url) == 0)
			return &r4_bindings[i];
	return NULL;
}

START_TEST(an_expansion_has_what_the_required_binding_has)
{
	static const char *const urls[] = {
		"http://hl7.org/fhir/ValueSet/administrative-gender",
		"http://hl7.org/fhir/ValueSet/observation-status",
		"http://hl7.org/fhir/ValueSet/contact-point-use",
		"http://hl7.org/fhir/ValueSet/all-types",
	};

	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		const struct r4_binding *b = binding_of(urls[i]);
		struct expansion e;
		size_t n = 0;

		ck_assert_ptr_nonnull(b);
		ck_assert_int_eq(expand_named(&ctx, str_of(urls[i]), &e), OK);
		for (size_t j = 0; j < b->count; j++)
			for (size_t k = 0; k < b->systems[j].count; k++, n++)
				ck_assert_msg(expansion_find(&e, str_of(
				    b->systems[j].system), str_of(
				    b->systems[j].codes[k])) != NULL, "%s",
				    b->systems[j].codes[k]);
		ck_assert_uint_eq(n, e.n);
	}
}
END_TEST

static enum err
expand_text(const char *json, struct expansion *out)
{
	struct term set = term_of(&ctx, document_parse(arena, json), 0);

	fault_clear(&ctx);
	return expand(&ctx, &set, out);
}

START_TEST(what_cannot_be_expanded_has_its_own_issue_type)
{
	static const struct {
		const char	*compose, *type;
	} rows[] = {
		{ "{'include':[{'system':'urn:none'}]}", "not-found" },
		{ "{'include':[{'valueSet':['urn:none']}]}", "not-found" },
		{ "{'include':[{'system':'http://hl7.org/fhir/"
		    "administrative-gender','filter':[{'property':'code',"
		    "'op':'regex','value':'.'}]}]}", "not-supported" },
	};
	struct expansion e;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ck_assert_int_eq(expand_text(arena_printf(arena,
		    "{'resourceType':'ValueSet','compose':%s}",
		    rows[i].compose).p, &e), ERR_VALIDATION);
		ck_assert_str_eq(ctx.fault.issues->type, rows[i].type);
	}
}
END_TEST

START_TEST(nonsense_expands_to_nothing)
{
	static const char *const texts[] = { "{}", "[]", "7",
		"{'compose':7}", "{'compose':{'include':{}}}",
		"{'compose':{'include':[7,[],{}]}}",
		"{'compose':{'include':[{'system':'urn:a','concept':[7]}]}}",
		"{'expansion':[]}", "{'expansion':{'contains':[{}]}}" };
	struct expansion e;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		(void)expand_text(texts[i], &e);
		for (size_t j = 0; j < e.n; j++)
			ck_assert(e.v[j].code.n == 0);
	}
}
END_TEST

START_TEST(a_hierarchy_is_walked_by_nesting_and_properties)
{
	struct term system = term_of(&ctx, document_parse(arena,
	    "{'concept':[{'code':'c','property':[{'code':'parent',"
	    "'valueCode':'b'}]},{'code':'a','concept':[{'code':'b'}]},"
	    "{'code':'d','property':[{'code':'child','valueCode':'e'},"
	    "{'code':'subsumedBy','valueCode':'a'}]},{'code':'e'},"
	    "{'code':'f'}]}"), 0);
	const struct jdoc *filter = document_parse(arena,
	    "{'property':'concept','op':'is-a','value':'a'}");
	struct concepts c;
	bool selected[6];
	char found[7] = "";
	size_t n = 0;

	concepts_read(&ctx, &system, &c);
	ck_assert_uint_eq(c.n, 6);
	ck_assert_int_eq(concepts_filter(&ctx, &c, filter, 0, selected), OK);
	for (size_t i = 0; i < c.n; i++)
		if (selected[i])
			found[n++] = c.v[i].code.p[0];
	ck_assert_str_eq(found, "cabde");
}
END_TEST

int
main(void)
{
	TCase *tc = suite_case("terms");

	tcase_add_checked_fixture(tc, open_ctx, close_ctx);
	tcase_add_test(tc, all_value_sets_of_r4_expand_or_say_why_not);
	tcase_add_test(tc, an_expansion_has_what_the_required_binding_has);
	tcase_add_test(tc, what_cannot_be_expanded_has_its_own_issue_type);
	tcase_add_test(tc, nonsense_expands_to_nothing);
	tcase_add_test(tc, a_hierarchy_is_walked_by_nesting_and_properties);
	return suite_run();
}
