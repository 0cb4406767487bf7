/* What a record puts into the key tables, as a search asks for it. */

#include "lib/keyed.h"
#include "lib/suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"

static bool
found_reference(const char *code, const char *target, const char *id)
{
	return posted(code, KEY_VALUE, key_reference(space, str_of(target),
	    str_of(id)), 0);
}

static const struct key_dict *
dict_row(const char *code, enum key_space_kind kind, const char *text)
{
	for (size_t i = 0; i < keys.ndict; i++)
		if (keys.dict[i].param == param(code)->number &&
		    keys.dict[i].space == kind &&
		    str_eqz(keys.dict[i].code, text))
			return &keys.dict[i];
	return NULL;
}

/* --- tokens ------------------------------------------------------------- */

START_TEST(a_concept_is_found_by_each_coding)
{
	keys_of("Observation", "{'code':{'text':'Blood  Pressure','coding':["
	    "{'system':'" LOINC "','code':'85354-9','display':'BP panel'},"
	    "{'code':'bp'}]}}");
	ck_assert(found_token("code", LOINC, "85354-9"));
	ck_assert(!found_token("code", "", "85354-9"));
	ck_assert(found_token("code", "", "bp"));
	ck_assert(posted("code", KEY_TEXT, hash_of("blood pressure"), 0));
	ck_assert(posted("code", KEY_TEXT, hash_of("bp panel"), 0));
}
END_TEST

START_TEST(a_token_is_not_folded)
{
	keys_of("Observation", "{'code':{'coding':[{'code':'Ab'}]}}");
	ck_assert(found_token("code", "", "Ab"));
	ck_assert(!found_token("code", "", "ab"));
}
END_TEST

START_TEST(distinct_tokens_are_listed_with_their_system)
{
	const struct key_dict *row;

	keys_of("Observation", "{'code':{'coding':[{'system':'" LOINC "',"
	    "'code':'1','display':'Ünits'}]}}");
	row = dict_row("code", KEY_VALUE, "1");
	ck_assert_ptr_nonnull(row);
	ck_assert(str_eqz(row->system, LOINC));
	ck_assert(str_eqz(row->display, "Ünits"));
	ck_assert(has_post(row->k, row->aux));
	row = dict_row("code", KEY_TEXT, "units");
	ck_assert_ptr_nonnull(row);
	ck_assert(has_post(row->k, row->aux));
}
END_TEST

START_TEST(an_identifier_is_found_by_value_system_and_type)
{
	keys_of("Patient", "{'identifier':[{'system':'urn:s','value':'A1',"
	    "'type':{'text':'Record','coding':[{'system':'urn:t',"
	    "'code':'MR'}]}},{'value':'only'}]}");
	ck_assert(found_token("identifier", "urn:s", "A1"));
	ck_assert(found_token("identifier", "", "only"));
	ck_assert(posted("identifier", KEY_SYSTEM, hash_of("urn:s"), 0));
	ck_assert(posted("identifier", KEY_OF_TYPE, key_triple(space,
	    STR("urn:t"), STR("MR"), STR("A1")), 0));
	ck_assert(posted("identifier", KEY_TEXT, hash_of("record"), 0));
	ck_assert_ptr_null(dict_row("identifier", KEY_VALUE, "A1"));
}
END_TEST

START_TEST(codes_contacts_and_booleans_are_tokens)
{
	keys_of("Patient", "{'gender':'male','active':true,'telecom':["
	    "{'system':'phone','use':'home','value':'555'}]}");
	ck_assert(found_token("gender", "", "male"));
	ck_assert_str_eq(param("gender")->system,
	    "http://hl7.org/fhir/administrative-gender");
	ck_assert(found_token("active", "", "true"));
	ck_assert(found_token("phone", "home", "555"));
	ck_assert(found_token("telecom", "home", "555"));
	ck_assert_ptr_null(dict_row("phone", KEY_VALUE, "555"));
	ck_assert(found_token("deceased", "", "false"));
}
END_TEST

START_TEST(escapes_are_decoded_before_hashing)
{
	keys_of("Patient", "{'gender':'m\\u0061le','name':[{'family':"
	    "'M\\u00fcller'}]}");
	ck_assert(found_token("gender", "", "male"));
	ck_assert(found_string("family", "muller"));
	ck_assert(posted("family", KEY_EXACT, hash_of("Müller"), 0));
}
END_TEST

/* --- references --------------------------------------------------------- */

static const char *const ours[] = {
	"Patient/a",
	"Patient/a/_history/3",
	"https://our.example/v3/fhir/Patient/a",
	"https://our.example/v3/fhir/Patient/a/_history/3",
};

START_TEST(a_reference_to_our_record_is_its_rh)
{
	struct str text = arena_printf(arena,
	    "{'subject':{'reference':'%s'}}", ours[_i]);

	keys_of("Observation", text.p);
	ck_assert(found_reference("subject", "Patient", "a"));
	ck_assert(found_reference("patient", "Patient", "a"));
	ck_assert_uint_eq(keys.nrefs, 1);
	ck_assert_int_eq(keys.refs[0],
	    key_reference(space, STR("Patient"), STR("a")));
}
END_TEST

START_TEST(a_reference_to_another_server_is_its_url)
{
	keys_of("Observation", "{'subject':{'reference':"
	    "'https://other.example/Patient/a/_history/3'}}");
	ck_assert(!found_reference("subject", "Patient", "a"));
	ck_assert(posted("subject", KEY_VALUE,
	    hash_of("https://other.example/Patient/a"), 0));
	ck_assert_uint_eq(keys.nrefs, 0);
}
END_TEST

START_TEST(a_logical_reference_is_found_by_identifier)
{
	keys_of("Observation", "{'subject':{'type':'Patient','identifier':"
	    "{'system':'urn:s','value':'A1'}}}");
	ck_assert(posted("subject", KEY_IDENTIFIER, hash_of("A1"),
	    system_of("urn:s")));
	ck_assert(keys.has >> param("subject")->bit & 1);
	ck_assert(keys.has >> param("patient")->bit & 1);
}
END_TEST

START_TEST(a_contained_reference_has_no_key)
{
	keys_of("Observation", "{'contained':[{'resourceType':'Patient',"
	    "'id':'p'}],'subject':{'reference':'#p'}}");
	ck_assert_uint_eq(keys.nrefs, 0);
	for (size_t i = 0; i < keys.npost; i++)
		ck_assert_int_ne(keys.post[i].k, key_const(space,
		    type->number, param("subject")->number, KEY_VALUE) ^
		    hash_of("#p"));
}
END_TEST

START_TEST(a_canonical_is_found_with_and_without_version)
{
	keys_of("Observation", "{'meta':{'profile':['http://p.example/a|2']}}");
	ck_assert(posted("_profile", KEY_VALUE,
	    hash_of("http://p.example/a|2"), 0));
	ck_assert(posted("_profile", KEY_CANONICAL,
	    hash_of("http://p.example/a"), 0));
	ck_assert_ptr_nonnull(dict_row("_profile", KEY_VALUE,
	    "http://p.example/a|2"));
}
END_TEST

/* --- pairs, and what is wide -------------------------------------------- */

static bool
paired(const char *code, const char *system, const char *value)
{
	return posted(code, KEY_PAIR, key_pair_hash(space,
	    key_reference(space, STR("Patient"), STR("p")), hash_of(value)),
	    system_of(system));
}

START_TEST(a_patient_and_a_code_are_one_key)
{
	keys_of("Observation", "{'subject':{'reference':'Patient/p'},"
	    "'code':{'coding':[{'system':'" LOINC "','code':'c'},"
	    "{'code':'d'}]},'category':[{'coding':[{'code':'lab'}]}]}");
	ck_assert(paired("code", LOINC, "c"));
	ck_assert(paired("code", "", "d"));
	ck_assert(paired("category", "", "lab"));
	ck_assert(!paired("category", "", "c"));
	keys_of("Observation", "{'subject':{'reference':'Group/p'},"
	    "'code':{'coding':[{'code':'c'}]}}");
	ck_assert(!paired("code", "", "c"));
}
END_TEST

/* A posting, and whether the same is in the list of what is wide. */
START_TEST(what_spans_more_than_a_day_is_a_list_of_its_own)
{
	static const struct {
		const char	*period;
		int32_t		 end;	/* minutes; 0: not wide */
	} rows[] = {
		{ "'start':'1970-01-01','end':'1970-01-02'", 2 * 1440 },
		{ "'start':'1970-01-01','end':'1970-01-02T00:00:30Z'",
		    1440 + 1 },
		{ "'start':'1970-01-01'", INT32_MAX },
		{ "'end':'1970-01-01T01:00Z'", 61 },
		{ "'start':'1970-01-01','end':'1970-01-01'", 0 },
		{ "'start':'1970-01-01T10:00:00Z',"
		    "'end':'1970-01-02T09:00:00Z'", 0 },
	};
	char text[256];
	int64_t k;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(text, sizeof(text), "{'subject':{'reference':"
		    "'Patient/p'},'period':{%s}}", rows[i].period);
		keys_of("Encounter", text);
		k = key_const(space, type->number, param("patient")->number,
		    KEY_VALUE) ^ key_reference(space, STR("Patient"),
		    STR("p"));
		ck_assert(has_post(k, 0));
		ck_assert_msg(has_post(k ^ key_wide(space, type),
		    rows[i].end) == (rows[i].end != 0), "%s", text);
		ck_assert_int_eq(has_post(key_wide(space, type), rows[i].end),
		    rows[i].end != 0);
	}
}
END_TEST

/* --- compartments ------------------------------------------------------- */

static bool
in_compartment(const char *owner, const char *id)
{
	const struct r4_type *o = r4_type_named(str_of(owner));

	return has_post(key_const(space, type->number, o->number,
	    KEY_COMPARTMENT) ^ key_reference(space, str_of(owner), str_of(id)),
	    0);
}

START_TEST(a_record_is_in_the_compartments_of_its_references)
{
	keys_of("Observation", "{'subject':{'reference':'Patient/p'},"
	    "'encounter':{'reference':'Encounter/e'},'performer':["
	    "{'reference':'Practitioner/d'}],'device':"
	    "{'reference':'Device/x'},'focus':[{'reference':'Patient/q'}]}");
	ck_assert(in_compartment("Patient", "p"));
	ck_assert(in_compartment("Encounter", "e"));
	ck_assert(in_compartment("Practitioner", "d"));
	ck_assert(in_compartment("Device", "x"));
	/* focus is no parameter of the compartment definition. */
	ck_assert(!in_compartment("Patient", "q"));
}
END_TEST

START_TEST(a_patient_is_in_its_own_compartment)
{
	keys_of("Patient", "{'generalPractitioner':["
	    "{'reference':'Practitioner/d'}]}");
	ck_assert(in_compartment("Patient", "1"));
	ck_assert(in_compartment("Practitioner", "d"));
}
END_TEST

START_TEST(the_compartment_table_names_parameters_of_its_type)
{
	ck_assert_uint_gt(r4_compartments_count, 200);
	for (size_t i = 0; i < r4_compartments_count; i++) {
		const struct r4_compartment *c = &r4_compartments[i];
		const struct r4_type *t = r4_type_numbered(c->type);

		for (size_t n = 0; c->params[n] != NULL; n++)
			ck_assert_ptr_eq(c->params[n], r4_param_named(t,
			    str_of(c->params[n]->code)));
	}
}
END_TEST

/* --- strings ------------------------------------------------------------ */

START_TEST(every_part_of_a_name_and_address_is_text)
{
	keys_of("Patient", "{'name':[{'use':'official','family':'Smith',"
	    "'given':['Ann','Lee'],'prefix':['Dr.'],'text':'Dr. A. Smith'}],"
	    "'address':[{'line':['1 Hill St'],'city':'Rome','state':'NY',"
	    "'postalCode':'10001','country':'US'}]}");
	ck_assert(found_string("name", "smith"));
	ck_assert(found_string("name", "lee"));
	ck_assert(found_string("name", "dr."));
	ck_assert(found_string("name", "dr. a. smith"));
	ck_assert(!found_string("name", "official"));
	ck_assert(found_string("given", "ann"));
	ck_assert(found_string("address", "1 hill st"));
	ck_assert(found_string("address", "10001"));
	ck_assert(found_string("address-city", "rome"));
	ck_assert(posted("given", KEY_EXACT, hash_of("Lee"), 0));
}
END_TEST

/* --- the whole ---------------------------------------------------------- */

START_TEST(rows_are_sorted_and_distinct)
{
	keys_of("Patient", "{'identifier':[{'value':'A'},{'value':'A'}],"
	    "'name':[{'family':'X','given':['X']},{'family':'x'}],"
	    "'birthDate':'1970'}");
	for (size_t i = 1; i < keys.npost; i++)
		ck_assert(keys.post[i - 1].k < keys.post[i].k ||
		    (keys.post[i - 1].k == keys.post[i].k &&
			keys.post[i - 1].aux < keys.post[i].aux));
	for (size_t i = 1; i < keys.nstr; i++)
		ck_assert(keys.str[i - 1].param < keys.str[i].param ||
		    str_cmp(keys.str[i - 1].folded, keys.str[i].folded) < 0);
}
END_TEST

START_TEST(tenants_types_and_parameters_share_no_key)
{
	struct key_space other = space;
	int64_t k = key_const(space, 1, 2, KEY_VALUE);

	other.tn = 8;
	ck_assert_int_ne(k, key_const(other, 1, 2, KEY_VALUE));
	ck_assert_int_ne(k, key_const(space, 2, 2, KEY_VALUE));
	ck_assert_int_ne(k, key_const(space, 1, 1, KEY_VALUE));
	ck_assert_int_ne(k, key_const(space, 1, 2, KEY_TEXT));
	ck_assert_int_ne(key_reference(space, STR("Patient"), STR("1")),
	    key_reference(other, STR("Patient"), STR("1")));
}
END_TEST

/* Nothing of it is where R4 has it. */
static const char *const odd[] = {
	"{}", "[]", "1", "'x'", "null",
	"{'code':1,'identifier':{},'subject':[],'valueQuantity':'x'}",
	"{'code':{'coding':1},'identifier':[1,null,'x',{'type':1,"
	"'value':true}],'subject':{'reference':{},'identifier':1}}",
	"{'code':{'coding':[[],1,{'code':{}}]},'valueQuantity':{'value':'5'}}",
	"{'effectivePeriod':{'start':1,'end':[]},'effectiveTiming':"
	"{'event':{},'repeat':[]},'valueSampledData':{'origin':5}}",
	"{'valueSampledData':{'origin':{'value':1e999},'factor':-1e999,"
	"'data':'1e999 -1e999'}}",
	"{'effectiveDateTime':'','subject':{'reference':''},'meta':"
	"{'profile':['','|','|1'],'tag':[{}]}}",
	"{'contained':{},'subject':{'reference':'#'}}",
	"{'component':{'code':[],'valueQuantity':[{'value':1}]}}",
};

START_TEST(odd_documents_have_keys_too)
{
	for (size_t t = 0; t < r4_types_count; t++) {
		keys_of(r4_types[t].name, odd[_i]);
		for (size_t i = 0; i < keys.nqty; i++)
			ck_assert(keys.qty[i].lo <= keys.qty[i].hi);
		for (size_t i = 0; i < keys.ndat; i++)
			ck_assert(keys.dat[i].lo_us <= keys.dat[i].hi_us);
	}
}
END_TEST

START_TEST(tokens_too_long_for_dict_are_still_found)
{
	char code[KEY_DICT_MAX + 2];
	struct str text;

	memset(code, 'c', sizeof(code) - 1);
	code[sizeof(code) - 1] = '\0';
	text = arena_printf(arena, "{'code':{'coding':[{'code':'%s'}]}}", code);
	keys_of("Observation", text.p);
	ck_assert(found_token("code", "", code));
	ck_assert_ptr_null(dict_row("code", KEY_VALUE, code));
}
END_TEST

int
main(void)
{
	TCase *tc = suite_case("keys");

	tcase_add_checked_fixture(tc, keyed_begin, keyed_end);
	tcase_add_test(tc, a_concept_is_found_by_each_coding);
	tcase_add_test(tc, a_token_is_not_folded);
	tcase_add_test(tc, distinct_tokens_are_listed_with_their_system);
	tcase_add_test(tc, an_identifier_is_found_by_value_system_and_type);
	tcase_add_test(tc, codes_contacts_and_booleans_are_tokens);
	tcase_add_test(tc, escapes_are_decoded_before_hashing);
	tcase_add_loop_test(tc, a_reference_to_our_record_is_its_rh, 0,
	    sizeof(ours) / sizeof(ours[0]));
	tcase_add_test(tc, a_reference_to_another_server_is_its_url);
	tcase_add_test(tc, a_logical_reference_is_found_by_identifier);
	tcase_add_test(tc, a_contained_reference_has_no_key);
	tcase_add_test(tc, a_canonical_is_found_with_and_without_version);
	tcase_add_test(tc, a_patient_and_a_code_are_one_key);
	tcase_add_test(tc, what_spans_more_than_a_day_is_a_list_of_its_own);
	tcase_add_test(tc, a_record_is_in_the_compartments_of_its_references);
	tcase_add_test(tc, a_patient_is_in_its_own_compartment);
	tcase_add_test(tc, the_compartment_table_names_parameters_of_its_type);
	tcase_add_test(tc, every_part_of_a_name_and_address_is_text);
	tcase_add_test(tc, rows_are_sorted_and_distinct);
	tcase_add_test(tc, tenants_types_and_parameters_share_no_key);
	tcase_add_loop_test(tc, odd_documents_have_keys_too, 0,
	    sizeof(odd) / sizeof(odd[0]));
	tcase_add_test(tc, tokens_too_long_for_dict_are_still_found);
	return suite_run();
}
