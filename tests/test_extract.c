/* The compiled parameters: none is missing, and each kind of step works. */

#include "fhir/extract.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "lib/document.h"
#include "lib/suite.h"

#define NUMBERS	"tools/r4/numbers.tsv"

static struct arena *arena;

static void
begin(void)
{
	arena = arena_new(65536);
}

static void
end(void)
{
	arena_free(arena);
}

/* --- the table ---------------------------------------------------------- */

/* The parameter of that number, in whichever type has it. */
static const struct r4_param *
param_numbered(long number)
{
	for (size_t t = 0; t < r4_types_count; t++)
		for (unsigned i = 0; i < r4_types[t].nparams; i++)
			if (r4_types[t].params[i]->number == number)
				return r4_types[t].params[i];
	return NULL;
}

START_TEST(every_official_parameter_is_extracted)
{
	FILE *f = fopen(NUMBERS, "r");
	char line[512], url[256], code[128];
	long number;
	int params = 0;

	ck_assert_msg(f != NULL, "%s", NUMBERS);
	while (fgets(line, sizeof(line), f) != NULL) {
		const struct r4_param *p;

		if (sscanf(line, "param\t%ld\t%255s %127s", &number, url,
		    code) != 3)
			continue;
		params++;
		p = param_numbered(number);
		ck_assert_msg(p != NULL, "%s", line);
		ck_assert_str_eq(p->url, url);
		ck_assert_str_eq(p->code, code);
		ck_assert_msg((p->program == NULL) == (p->kind == R4_SPECIAL &&
		    strcmp(p->code, "near") != 0),
		    "%s", line);
	}
	fclose(f);
	ck_assert_int_ge(params, 1377);
}
END_TEST

START_TEST(parameters_of_a_type_are_sorted_and_have_bits_of_their_own)
{
	const struct r4_type *type = &r4_types[_i];
	uint64_t bits = 0;

	ck_assert_uint_ge(type->nparams, 8);
	for (unsigned i = 0; i < type->nparams; i++) {
		const struct r4_param *p = type->params[i];
		uint64_t bit = UINT64_C(1) << p->bit;

		ck_assert(i == 0 ||
		    strcmp(type->params[i - 1]->code, p->code) < 0);
		ck_assert_uint_lt(p->bit, 64);
		ck_assert((bits & bit) == 0);
		bits |= bit;
	}
}
END_TEST

START_TEST(references_name_targets_and_composites_components)
{
	const struct r4_type *type = &r4_types[_i];

	for (unsigned i = 0; i < type->nparams; i++) {
		const struct r4_param *p = type->params[i];

		ck_assert((p->targets != NULL) == (p->kind == R4_REFERENCE));
		/* RequestGroup's instantiates-canonical says no targets. */
		if (p->kind == R4_REFERENCE &&
		    strcmp(p->code, "instantiates-canonical") != 0)
			ck_assert_msg(p->targets[0] > 0, "%s", p->url);
		if (p->kind == R4_COMPOSITE)
			ck_assert_msg(p->components[1] != NULL, "%s", p->url);
	}
	if (type->primary_date != NULL)
		ck_assert_int_eq(type->primary_date->kind, R4_DATE);
}
END_TEST

/* --- what is selected --------------------------------------------------- */

struct selected {
	const struct jdoc	*d;
	struct buf		 b;
};

static void
note(void *to, enum extract_kind kind, uint32_t node,
    const struct r4_step *group)
{
	struct selected *s = to;

	(void)group;
	if (s->b.n > 0)
		buf_addc(&s->b, ' ');
	if (kind == EXTRACT_YES || kind == EXTRACT_NO)
		buf_addz(&s->b, kind == EXTRACT_YES ? "yes" : "no");
	else
		buf_add(&s->b, jdoc_raw(s->d, node));
}

/* What a parameter selects from a JSON text, blank between the values. */
static struct str
select_of(const char *type, const char *code, const char *text)
{
	struct selected s = { document_parse(arena, text),
		buf_new(arena, 256) };
	const struct r4_param *p = r4_param_named(
	    r4_type_named(str_of(type)), str_of(code));
	struct extract x = { s.d, 0 };

	ck_assert_ptr_nonnull(p);
	extract_run(&x, p->program, 0, note, &s);
	return buf_str(&s.b);
}

static const struct {
	const char *type, *code, *text, *selected;
} paths[] = {
	{ "Patient", "birthdate", "{'birthDate':'1970'}", "1970" },
	{ "Patient", "birthdate", "{}", "" },
	{ "Patient", "family", "{'name':[{'family':'A'},{},{'family':'B'}]}",
	    "A B" },
	{ "Patient", "given", "{'name':[{'given':['A','B']},{'given':['C']}]}",
	    "A B C" },
	{ "Patient", "given", "{'name':[{'given':['A',null]}]}", "A" },
	{ "Patient", "email", "{'telecom':[{'system':'phone','value':'1'},"
	    "{'system':'email','value':'e'}]}",
	    "{\"system\":\"email\",\"value\":\"e\"}" },
	{ "Patient", "deceased", "{}", "no" },
	{ "Patient", "deceased", "{'deceasedBoolean':false}", "no" },
	{ "Patient", "deceased", "{'deceasedBoolean':true}", "yes" },
	{ "Patient", "deceased", "{'deceasedDateTime':'2020'}", "yes" },
	{ "Observation", "value-string", "{'valueString':'x'}", "x" },
	{ "Observation", "value-string", "{'valueInteger':1}", "" },
	{ "Observation", "combo-value-concept", "{'valueCodeableConcept':1,"
	    "'component':[{'valueCodeableConcept':2}]}", "1 2" },
	{ "Condition", "onset-age", "{'onsetAge':5}", "5" },
	{ "Observation", "patient", "{'subject':{'reference':'Group/1'}}", "" },
	{ "Observation", "patient", "{'subject':{'reference':'Patient/1'}}",
	    "{\"reference\":\"Patient/1\"}" },
	{ "Observation", "patient", "{'subject':{'reference':"
	    "'http://x.example/Patient/1/_history/2'}}",
	    "{\"reference\":\"http://x.example/Patient/1/_history/2\"}" },
	{ "Observation", "patient", "{'subject':{'reference':'Patient\\/1'}}",
	    "{\"reference\":\"Patient\\/1\"}" },
	{ "Observation", "patient", "{'subject':{'type':'Patient'}}",
	    "{\"type\":\"Patient\"}" },
	{ "Observation", "patient", "{'contained':[{'resourceType':'Patient',"
	    "'id':'p'}],'subject':{'reference':'#p'}}",
	    "{\"reference\":\"#p\"}" },
	{ "Observation", "patient", "{'contained':[{'resourceType':'Group',"
	    "'id':'p'}],'subject':{'reference':'#p'}}", "" },
	{ "Bundle", "composition", "{'entry':[{'resource':1},{'resource':2}]}",
	    "1" },
	{ "Bundle", "composition", "{'entry':[]}", "" },
	{ "InsurancePlan", "name", "{'name':'A','alias':['B']}", "A B" },
	/* Nothing is where the definitions say: nothing is selected. */
	{ "Patient", "family", "{'name':'A'}", "" },
	{ "Patient", "family", "{'name':[[{'family':'A'}]]}", "" },
	{ "Observation", "patient", "{'subject':{'reference':1}}", "" },
};

START_TEST(a_parameter_selects)
{
	struct str selected = select_of(paths[_i].type, paths[_i].code,
	    paths[_i].text);

	ck_assert_msg(str_eqz(selected, paths[_i].selected), "%s %s %s: %.*s",
	    paths[_i].type, paths[_i].code, paths[_i].text,
	    STR_ARGS(selected));
}
END_TEST

/* --- references --------------------------------------------------------- */

static const struct { const char *text, *before, *type, *id; } literals[] = {
	{ "Patient/1", "", "Patient", "1" },
	{ "Patient/1/_history/2", "", "Patient", "1" },
	{ "https://h.example/fhir/Patient/a.b-c", "https://h.example/fhir/",
	    "Patient", "a.b-c" },
	{ "Patient", NULL, NULL, NULL },
	{ "Patient/", NULL, NULL, NULL },
	{ "/1", NULL, NULL, NULL },
	{ "Patent/1", NULL, NULL, NULL },
	{ "_history/2", NULL, NULL, NULL },
	{ "1/_history/2", NULL, NULL, NULL },
	{ "urn:uuid:c757873d-ec9a-4326-a141-556f43239520", NULL, NULL, NULL },
	{ "", NULL, NULL, NULL },
	{ "///", NULL, NULL, NULL },
};

START_TEST(a_literal_reference_is_taken_apart)
{
	const struct r4_type *type;
	struct str before, id;
	bool found = extract_literal(str_of(literals[_i].text), &before,
	    &type, &id);

	ck_assert_int_eq(found, literals[_i].type != NULL);
	if (!found)
		return;
	ck_assert(str_eqz(before, literals[_i].before));
	ck_assert_str_eq(type->name, literals[_i].type);
	ck_assert(str_eqz(id, literals[_i].id));
}
END_TEST

int
main(void)
{
	TCase *tc = suite_case("extract");
	int types = (int)r4_types_count;

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, every_official_parameter_is_extracted);
	tcase_add_loop_test(tc,
	    parameters_of_a_type_are_sorted_and_have_bits_of_their_own, 0,
	    types);
	tcase_add_loop_test(tc,
	    references_name_targets_and_composites_components, 0, types);
	tcase_add_loop_test(tc, a_parameter_selects, 0,
	    sizeof(paths) / sizeof(paths[0]));
	tcase_add_loop_test(tc, a_literal_reference_is_taken_apart, 0,
	    sizeof(literals) / sizeof(literals[0]));
	return suite_run();
}
