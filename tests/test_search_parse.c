/* Parameters of a search: what is taken, and how the rest is refused. */

#include "lib/records.h"
#include "lib/suite.h"

#include "base/buf.h"
#include "base/when.h"
#include "fhir/search_query.h"

#include <check.h>
#include <stdlib.h>

static struct ctx ctx;
static struct search *search;

static void
open_ctx(void)
{
	ctx = (struct ctx){ .arena = arena_new(65536) };
	ctx.now_us = when_now();
	ctx.who.scope = STR("patient:read clinical:read");
}

static void
close_ctx(void)
{
	arena_free(ctx.arena);
}

static enum err
parse(const char *type, const char *query, bool lenient)
{
	struct http_params params = records_query(&ctx, str_of(query));

	fault_clear(&ctx);
	return search_parse(&ctx, r4_type_named(str_of(type)), &params,
	    lenient, &search);
}

/* clang-format off */
static const struct refusal {
	const char	*type, *query;
	enum err	 err;
	const char	*says;		/* a part of the text */
} refusals[] = {
{ "Patient", "nmae=x",			ERR_INVALID_REQUEST,	"did you mean 'name'?" },
{ "Patient", "birthDate=1970",		ERR_INVALID_REQUEST,	"'birthdate'" },
{ "Patient", "_lastupdated=2020",	ERR_INVALID_REQUEST,	"'_lastUpdated'" },
{ "Patient", "qqqqqqqqqq=x",		ERR_INVALID_REQUEST,	"'qqqqqqqqqq' is unknown for Patient" },
{ "Patient", "name:exakt=x",		ERR_INVALID_REQUEST,	"'name' has no modifier ':exakt'" },
{ "Patient", "gender:exact=x",		ERR_INVALID_REQUEST,	"':exact'" },
{ "Patient", "gender:of-type=a|b|c",	ERR_INVALID_REQUEST,	"':of-type'" },
{ "Patient", "identifier:in=http://v",	ERR_INVALID_REQUEST,	"'identifier' has no modifier ':in'" },
{ "Patient", "_id:missing=true",	ERR_INVALID_REQUEST,	"':missing'" },
{ "Patient", "name:missing=yes",	ERR_INVALID_PARAMETER,	"must be true or false" },
{ "Patient", "birthdate=xx1970",	ERR_INVALID_PARAMETER,	"no prefix that we know" },
{ "Patient", "birthdate=1970-13",	ERR_INVALID_PARAMETER,	"is not a date" },
{ "Patient", "birthdate=ge2020-02-30",	ERR_INVALID_PARAMETER,	"'2020-02-30' is not a date" },
{ "Patient", "name=",			ERR_INVALID_PARAMETER,	"'name' has no value" },
{ "Patient", "name=a,",			ERR_INVALID_PARAMETER,	"empty value" },
{ "Patient", "name=a\\b",		ERR_INVALID_PARAMETER,	"backslash" },
{ "Patient", "gender=|",		ERR_INVALID_PARAMETER,	"'|' alone" },
{ "Patient", "identifier:of-type=a|b",	ERR_INVALID_PARAMETER,	"type system|type code" },
{ "Patient", "_id=a_b",			ERR_INVALID_PARAMETER,	"'a_b' is not an id" },
{ "Patient", "organization=Foo/1",	ERR_INVALID_PARAMETER,	"is not a reference" },
{ "Patient", "organization=Patient/1",	ERR_INVALID_PARAMETER,	"cannot refer to a Patient" },
{ "Patient", "organization:Orgg=1",	ERR_INVALID_REQUEST,	"':Orgg'" },
{ "Patient", "general-practitioner:identifier=a|", ERR_INVALID_PARAMETER, "identifier's value" },
{ "Patient", "organization.nmae=x",	ERR_INVALID_REQUEST,	"'nmae' is unknown for all types that 'organization' can refer to; did you mean 'name'?" },
{ "Patient", "organisation.name=x",	ERR_INVALID_REQUEST,	"did you mean 'organization'?" },
{ "Observation", "subject:Pateint.name=x", ERR_INVALID_REQUEST,	"did you mean 'Patient'?" },
{ "Observation", "subject:Patient.nmae=x", ERR_INVALID_REQUEST,	"'nmae' is unknown for Patient; did you mean 'name'?" },
{ "Observation", "subject.organization.nmae=x", ERR_INVALID_REQUEST, "did you mean 'name'?" },
{ "Observation", "subject:Organization.name=x", ERR_INVALID_PARAMETER, "'subject' cannot refer to a Organization" },
{ "Observation", "subject:Patient.name:exakt=x", ERR_INVALID_REQUEST, "'name' has no modifier ':exakt'" },
{ "Observation", "subject:Patient.birthdate=x", ERR_INVALID_PARAMETER, "'birthdate'" },
{ "Observation", "subject:Patient.=x",	ERR_INVALID_REQUEST,	"'' is unknown for Patient" },
{ "Observation", "code.x=x",		ERR_INVALID_REQUEST,	"'code' cannot be followed" },
{ "Bundle", "composition.status=x",	ERR_INVALID_REQUEST,	"'composition' cannot be followed" },
{ "ActivityDefinition", "depends-on.name=x", ERR_INVALID_REQUEST, "'depends-on' cannot be followed" },
{ "Observation", "subject:Patient.link:Patient.link:Patient.link:Patient.name=x", ERR_NOT_SUPPORTED, "at most 3 references" },
{ "Observation", "subject:Patient.name=",  ERR_INVALID_PARAMETER, "has no value" },
{ "List", "item.identifier=x",		ERR_NOT_SUPPORTED,	"more than 32 searches of other types; name the type" },
{ "Observation", "based-on.intent=x",	ERR_SCOPE,		"medication:read" },
{ "Patient", "_has:MedicationRequest:patient:status=x", ERR_SCOPE, "to search MedicationRequest" },
{ "Patient", "_has=x",			ERR_INVALID_REQUEST,	"write _has:Type:reference:parameter" },
{ "Patient", "_has:Observation:patient=x", ERR_INVALID_REQUEST,	"write _has:Type:reference:parameter" },
{ "Patient", "_has:Observaton:patient:code=x", ERR_INVALID_REQUEST, "did you mean 'Observation'?" },
{ "Patient", "_has:Observation:pateint:code=x", ERR_INVALID_REQUEST, "did you mean 'patient'?" },
{ "Patient", "_has:Observation:patient:cod=x", ERR_INVALID_REQUEST, "'cod' is unknown for Observation; did you mean 'code'?" },
{ "Patient", "_has:Observation:code:status=x", ERR_INVALID_REQUEST, "'code' cannot be followed" },
{ "Location", "_has:Observation:patient:code=x", ERR_INVALID_PARAMETER, "'patient' of Observation cannot refer to a Location" },
{ "Patient", "_include=Patient:name",	ERR_INVALID_REQUEST,	"'name' of Patient is no reference" },
{ "Patient", "_include=Observation:patient", ERR_INVALID_REQUEST, "write _include:iterate" },
{ "Patient", "_include:iterate=Patint:link", ERR_INVALID_REQUEST, "did you mean 'Patient'" },
{ "Patient", "_revinclude=Claim:created", ERR_INVALID_REQUEST,	"'created' of Claim is no reference" },
{ "Patient", "_revinclude=AuditEvent:patient", ERR_SCOPE,	"to search AuditEvent" },
{ "Patient", "_summary=some",		ERR_INVALID_PARAMETER,	"count or false" },
{ "Patient", "_summary=true&_elements=name", ERR_INVALID_REQUEST, "cannot be combined" },
{ "Patient", "_elements=nmae",		ERR_INVALID_REQUEST,	"no element 'nmae'" },
{ "Patient", "_summary=count&_summary=count", ERR_INVALID_REQUEST, "once" },
{ "Patient", "_total=all",		ERR_INVALID_PARAMETER,	"none, estimate or accurate" },
{ "Patient", "_total=none&_total=none",	ERR_INVALID_REQUEST,	"once" },
{ "Observation", "value-quantity=five",	ERR_INVALID_PARAMETER,	"no prefix that we know" },
{ "Observation", "value-quantity=ge",	ERR_INVALID_PARAMETER,	"'' is not a number" },
{ "Observation", "value-quantity=1e999", ERR_INVALID_PARAMETER,	"'1e999' is not a number" },
{ "Observation", "value-quantity=5|mg",	ERR_INVALID_PARAMETER,	"number|system|code or number||unit" },
{ "Observation", "value-quantity=5|s|",	ERR_INVALID_PARAMETER,	"number|system|code or number||unit" },
{ "Observation", "value-quantity=|s|mg", ERR_INVALID_PARAMETER,	"'' is not a number" },
{ "RiskAssessment", "probability=0.8|a|b", ERR_INVALID_PARAMETER, "'0.8|a|b' is not a number" },
{ "RiskAssessment", "probability=xx0.8", ERR_INVALID_PARAMETER,	"eq ne gt ge lt le sa eb ap" },
{ "Observation", "code-value-quantity=a", ERR_INVALID_PARAMETER, "wants 2 values with '$' between" },
{ "Observation", "code-value-quantity=a$5$6", ERR_INVALID_PARAMETER, "wants 2 values with '$' between" },
{ "Observation", "code-value-quantity=a$",  ERR_INVALID_PARAMETER, "empty value" },
{ "Observation", "code-value-quantity=a$b", ERR_INVALID_PARAMETER, "'b' is not a number" },
{ "Observation", "code-value-quantity=s|$5", ERR_NOT_SUPPORTED,	"'code' wants a code" },
{ "Observation", "code-value-quantity:missing=true", ERR_INVALID_REQUEST, "no modifier ':missing'" },
{ "Observation", "code-value-string=a$b,c$d", ERR_NOT_SUPPORTED, "one alternative" },
{ "Observation", "_text=a",		ERR_NOT_SUPPORTED,	"_text" },
{ "Observation", "code:below=a",	ERR_NOT_SUPPORTED,	"':below' is not offered" },
{ "Patient", "_count=-1",		ERR_INVALID_PARAMETER,	"0 to 1000" },
{ "Patient", "_count=1&_count=2",	ERR_INVALID_REQUEST,	"once" },
{ "Patient", "_offset=10001",		ERR_INVALID_PARAMETER,	"next links" },
{ "Patient", "_offset=1&_cursor=a",	ERR_INVALID_REQUEST,	"cannot be combined" },
{ "Observation", "_sort=code-value-quantity", ERR_NOT_SUPPORTED, "have no order" },
{ "Patient", "_sort=-brithdate",	ERR_INVALID_REQUEST,	"'birthdate'" },
{ "Patient", "_sort=_id,family,name,given", ERR_INVALID_PARAMETER, "at most 3" },
{ "Patient", "_format=xml",		ERR_NOT_ACCEPTABLE,	"application/fhir+json" },
};
/* clang-format on */

START_TEST(what_cannot_be_asked_is_refused_by_name)
{
	const struct refusal *r = &refusals[_i];
	enum err err = parse(r->type, r->query, false);

	ck_assert_msg(err == r->err, "%s: %d", r->query, (int)err);
	ck_assert_msg(strstr(records_issue(&ctx), r->says) != NULL,
	    "%s: %s", r->query, records_issue(&ctx));
}
END_TEST

START_TEST(lenient_leaves_out_what_is_unknown_and_says_so)
{
	ck_assert_int_eq(parse("Patient", "nmae=x&gender=male&_elements=x"
	    "&name:in=b&_sort=gendre&name=", true), OK);
	ck_assert_uint_eq(search->n, 1);
	ck_assert_uint_eq(search->napplied, 1);
	ck_assert_uint_eq(search->nsort, 0);
	ck_assert(str_eqz(search->applied[0].name, "gender"));
	ck_assert_uint_eq(ctx.fault.count, 5);
	ck_assert_int_eq(ctx.fault.err, OK);
}
END_TEST

static enum err
parse_within(const char *owner, const char *type, const char *query)
{
	struct http_params params = records_query(&ctx, str_of(query));

	fault_clear(&ctx);
	return search_parse_within(&ctx, r4_type_named(str_of(owner)),
	    STR("x"), r4_type_named(str_of(type)), &params, false, &search);
}

START_TEST(a_compartment_has_owners_types_and_parameters_of_all)
{
	static const struct {
		const char	*owner, *type, *query;
		enum err	 err;
	} rows[] = {
		{ "Patient", "Observation", "code=a",	OK },
		{ "Patient", "Patient", "",		OK },
		{ "Device", "Device", "",		OK },
		{ "Patient", "Location", "",		ERR_INVALID_REQUEST },
		{ "Organization", "Observation", "",	ERR_NOT_FOUND },
		{ "Patient", "*", "_tag=a&_sort=-_id",	OK },
		{ "Patient", "*", "code=a",		ERR_INVALID_REQUEST },
		{ "Patient", "*", "_tag:missing=true",	ERR_INVALID_REQUEST },
		{ "Patient", "*", "_sort=date",		ERR_INVALID_REQUEST },
		{ "Patient", "*", "_has:Observation:patient:code=a",
		    ERR_INVALID_REQUEST },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_msg(parse_within(rows[i].owner, rows[i].type,
		    rows[i].query) == rows[i].err, "%s/x/%s?%s: %s",
		    rows[i].owner, rows[i].type, rows[i].query,
		    records_issue(&ctx));
}
END_TEST

START_TEST(all_types_of_a_compartment_are_those_that_the_scopes_allow)
{
	ctx.who.scope = STR("patient:read");
	ck_assert_int_eq(parse_within("Patient", "*", ""), OK);
	ck_assert_uint_eq(search->ntypes, 3);	/* Patient, RelatedPerson,
						 * Person */
	ctx.who.scope = STR("analytics:read");
	ck_assert_int_eq(parse_within("Patient", "*", ""), ERR_SCOPE);
}
END_TEST

START_TEST(lenient_leaves_out_a_chain_to_nowhere)
{
	ck_assert_int_eq(parse("Observation", "subject:Patient.nmae=x"
	    "&subject.qqqqqqqq=y&_has:Nothing:a:b=z&status=final", true), OK);
	ck_assert_uint_eq(search->n, 1);
	ck_assert_uint_eq(search->napplied, 1);
	ck_assert_uint_eq(ctx.fault.count, 3);
}
END_TEST

START_TEST(an_untyped_chain_is_a_search_of_each_type_that_has_the_parameter)
{
	const struct search_condition *c;

	ck_assert_int_eq(parse("Observation", "subject.organization.name=x",
	    false), OK);
	c = &search->conditions[0];
	ck_assert_int_eq(c->kind, SEARCH_CHAIN);
	ck_assert_uint_eq(c->ninner, 3);	/* not Group */
	for (size_t i = 0; i < c->ninner; i++)
		ck_assert_str_ne(c->inner[i].type->name, "Group");
	c = &c->inner[0].conditions[0];
	ck_assert_int_eq(c->kind, SEARCH_CHAIN);
	ck_assert_uint_eq(c->ninner, 1);
	ck_assert_str_eq(c->inner[0].type->name, "Organization");
	ck_assert_int_eq(c->inner[0].conditions[0].kind, SEARCH_STRING);
}
END_TEST

START_TEST(has_goes_on_with_chains_modifiers_and_itself)
{
	static const char *const queries[] = {
		"_has:Observation:patient:code:text=a",
		"_has:Observation:patient:performer:Practitioner.name=a",
		"_has:Observation:patient:_has:DiagnosticReport:result:code=a",
		"_has:Observation:subject:date=ge2020",
		"general-practitioner:Practitioner._has:Group:member:code=a" };

	ck_assert_msg(parse("Patient", queries[_i], false) == OK, "%s: %s",
	    queries[_i], records_issue(&ctx));
	ck_assert_uint_eq(search->n, 1);
	ck_assert(str_eqz(search->conditions[0].name, arena_z(ctx.arena,
	    search->applied[0].name)));
}
END_TEST

START_TEST(lenient_still_refuses_a_wrong_value_of_a_known_parameter)
{
	ck_assert_int_eq(parse("Patient", "birthdate=soon", true),
	    ERR_INVALID_PARAMETER);
}
END_TEST

START_TEST(commas_are_alternatives_and_escapes_are_text)
{
	const struct search_value *v;

	ck_assert_int_eq(parse("Patient",
	    "name=a%5C,b,c%5C%5C%5C$d,%5C%7Ce", false), OK);
	ck_assert_uint_eq(search->n, 1);
	ck_assert_uint_eq(search->conditions[0].n, 3);
	v = search->conditions[0].values;
	ck_assert(str_eqz(v[0].text, "a,b"));
	ck_assert(str_eqz(v[1].text, "c\\$d"));
	ck_assert(str_eqz(v[2].text, "|e"));
}
END_TEST

START_TEST(tokens_have_a_system_a_code_or_both)
{
	const struct search_value *v;

	ck_assert_int_eq(parse("Observation",
	    "code=a,s%7Ca,%7Ca,s%7C,x%5C%7Cy%7Cz", false), OK);
	v = search->conditions[0].values;
	ck_assert(!v[0].has_system && v[0].has_text);
	ck_assert(v[1].has_system && str_eqz(v[1].system, "s"));
	ck_assert(v[2].has_system && v[2].system.n == 0 && v[2].has_text);
	ck_assert(v[3].has_system && !v[3].has_text);
	ck_assert(str_eqz(v[4].system, "x|y") && str_eqz(v[4].text, "z"));
}
END_TEST

START_TEST(references_are_ids_literals_or_urls)
{
	const struct search_value *v;

	ck_assert_int_eq(parse("Observation", "subject=1,Patient/2,"
	    "Patient/3/_history/4,http://x/Patient/5,urn:uuid:6", false), OK);
	v = search->conditions[0].values;
	ck_assert(v[0].type == NULL && str_eqz(v[0].id, "1"));
	ck_assert(v[1].type == r4_type_named(STR("Patient")));
	ck_assert(str_eqz(v[2].id, "3"));
	ck_assert(v[3].id.n == 0 && str_eqz(v[3].text, "http://x/Patient/5"));
	ck_assert(v[4].id.n == 0);
	ck_assert_int_eq(parse("Observation", "subject:Group=7", false), OK);
	v = search->conditions[0].values;
	ck_assert(v[0].type == r4_type_named(STR("Group")));
}
END_TEST

START_TEST(dates_have_a_prefix_and_a_span)
{
	const struct search_value *v;

	ck_assert_int_eq(parse("Patient",
	    "birthdate=1970,ge1970-01-02,ap1970-01-01T00:00Z", false), OK);
	v = search->conditions[0].values;
	ck_assert_int_eq(v[0].prefix, SEARCH_EQ);
	ck_assert_int_eq(v[0].hi_us, 365 * US_PER_DAY);
	ck_assert_int_eq(v[1].prefix, SEARCH_GE);
	ck_assert_int_eq(v[1].lo_us, US_PER_DAY);
	ck_assert_int_eq(v[2].prefix, SEARCH_AP);
	ck_assert_int_eq(v[2].hi_us, 60 * US_PER_SECOND);
}
END_TEST

START_TEST(repeated_parameters_are_conditions_of_their_own)
{
	ck_assert_int_eq(parse("Patient", "name=a&name=b&_count=2000"
	    "&_sort=-family,_id&_format=json&_pretty=true", false), OK);
	ck_assert_uint_eq(search->n, 2);
	ck_assert_int_eq(search->count, SEARCH_COUNT_MAX);
	ck_assert_uint_eq(search->nsort, 2);
	ck_assert(search->sort[0].descending);
	ck_assert_int_eq(search->sort[1].kind, SEARCH_ID);
	ck_assert_uint_eq(search->napplied, 5);
}
END_TEST

START_TEST(too_many_conditions_or_alternatives_are_refused)
{
	struct buf b = buf_new(ctx.arena, 4096);

	buf_addz(&b, "name=a");
	for (int i = 0; i < SEARCH_VALUES_MAX; i++)
		buf_addz(&b, ",a");
	ck_assert_int_eq(parse("Patient", arena_z(ctx.arena, buf_str(&b)),
	    false), ERR_INVALID_PARAMETER);
	buf_clear(&b);
	buf_addz(&b, "_count=1");
	for (int i = 0; i <= SEARCH_CONDITIONS_MAX; i++)
		buf_addz(&b, "&name=a");
	ck_assert_int_eq(parse("Patient", arena_z(ctx.arena, buf_str(&b)),
	    false), ERR_INVALID_REQUEST);
}
END_TEST

int
main(void)
{
	TCase *t = suite_case("search_parse");

	tcase_add_checked_fixture(t, open_ctx, close_ctx);
	tcase_add_loop_test(t, what_cannot_be_asked_is_refused_by_name, 0,
	    (int)(sizeof(refusals) / sizeof(refusals[0])));
	tcase_add_test(t, lenient_leaves_out_what_is_unknown_and_says_so);
	tcase_add_test(t,
	    a_compartment_has_owners_types_and_parameters_of_all);
	tcase_add_test(t,
	    all_types_of_a_compartment_are_those_that_the_scopes_allow);
	tcase_add_test(t, lenient_leaves_out_a_chain_to_nowhere);
	tcase_add_test(t,
	    an_untyped_chain_is_a_search_of_each_type_that_has_the_parameter);
	tcase_add_loop_test(t, has_goes_on_with_chains_modifiers_and_itself,
	    0, 5);
	tcase_add_test(t,
	    lenient_still_refuses_a_wrong_value_of_a_known_parameter);
	tcase_add_test(t, commas_are_alternatives_and_escapes_are_text);
	tcase_add_test(t, tokens_have_a_system_a_code_or_both);
	tcase_add_test(t, references_are_ids_literals_or_urls);
	tcase_add_test(t, dates_have_a_prefix_and_a_span);
	tcase_add_test(t, repeated_parameters_are_conditions_of_their_own);
	tcase_add_test(t, too_many_conditions_or_alternatives_are_refused);
	return suite_run();
}
