/* Structural validation: what is refused, where it is told, what is fine. */

#include "lib/resource.h"
#include "lib/suite.h"

#include "fhir/validate.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

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

/* The type that the text itself names. */
static enum err
check_text(struct str text)
{
	struct jdoc d = resource_parse(arena, text);
	const struct r4_type *type = r4_type_named(jdoc_raw(&d,
	    jdoc_get(&d, 0, STR("resourceType"))));

	fault_clear(&ctx);
	return validate(&ctx, &d, 0,
	    type == NULL ? r4_type_named(STR("Patient")) : type);
}

static bool
has_issue(const char *path, const char *text)
{
	for (struct issue *i = ctx.fault.issues; i != NULL; i = i->next)
		if (str_eqz(i->path, path) &&
		    memmem(i->text.p, i->text.n, text, strlen(text)) != NULL)
			return true;
	return false;
}

static void
print_issues(void)
{
	for (struct issue *i = ctx.fault.issues; i != NULL; i = i->next)
		fprintf(stderr, "  [%.*s] %.*s\n", STR_ARGS(i->path),
		    STR_ARGS(i->text));
}

/* Bodies are members behind the resourceType. */
struct refused {
	const char *type;
	const char *members;
	const char *path;
	const char *text;
};

struct accepted {
	const char *type;
	const char *members;
};

static enum err
check_members(const char *type, const char *members)
{
	return check_text(arena_printf(arena, "{\"resourceType\":\"%s\"%s%s}",
	    type, members[0] == '\0' ? "" : ",", members));
}

static void
expect_refused(const struct refused *row)
{
	enum err err = check_members(row->type, row->members);

	if (err == ERR_VALIDATION && has_issue(row->path, row->text))
		return;
	fprintf(stderr, "%s %s: wanted [%s] %s\n", row->type, row->members,
	    row->path, row->text);
	print_issues();
	ck_abort_msg("not refused as expected");
}

static void
expect_accepted(const struct accepted *row)
{
	if (check_members(row->type, row->members) == OK)
		return;
	fprintf(stderr, "%s %s\n", row->type, row->members);
	print_issues();
	ck_abort_msg("refused");
}

#define OBS	"\"status\":\"final\",\"code\":{\"text\":\"x\"}"
#define DIV(x)	"\"text\":{\"status\":\"generated\",\"div\":\"<div " \
		"xmlns='http://www.w3.org/1999/xhtml'>" x "</div>\"}"
#define CONTAINED(x)	"\"contained\":[" x "]"

/* clang-format off */
static const struct refused structure[] = {
{ "Patient", "\"nam\":[{\"family\":\"x\"}]", "Patient.nam", "is 'name' meant?" },
{ "Patient", "\"birthdate\":\"1980\"", "Patient.birthdate", "is 'birthDate' meant?" },
{ "Patient", "\"zzzzzz\":1", "Patient.zzzzzz", "is not an element of Patient" },
{ "Patient", "\"a b\":1", "Patient.`a?b`", "is not an element" },
{ "Patient", "\"contact\":[{\"name\":{\"famly\":\"x\"}}]", "Patient.contact[0].name.famly", "is 'family' meant?" },
{ "Patient", "\"active\":\"yes\"", "Patient.active", "must be true or false" },
{ "Patient", "\"name\":{\"family\":\"x\"}", "Patient.name", "must be an array" },
{ "Patient", "\"gender\":[\"male\"]", "Patient.gender", "must not be an array" },
{ "Patient", "\"name\":[\"x\"]", "Patient.name[0]", "must be an object, not a string" },
{ "Patient", "\"name\":[{\"family\":{}}]", "Patient.name[0].family", "must be a string" },
{ "Patient", "\"birthDate\":1980", "Patient.birthDate", "not a number" },
{ "Patient", "\"multipleBirthInteger\":\"2\"", "Patient.multipleBirth", "must be a number" },
{ "Patient", "\"name\":[]", "Patient.name", "is an empty array" },
{ "Patient", "\"name\":[{}]", "Patient.name[0]", "ele-1" },
{ "Patient", "\"name\":[{\"id\":\"a\"}]", "Patient.name[0]", "ele-1" },
{ "Patient", "\"name\":[null]", "Patient.name[0]", "must be an object, not null" },
{ "Patient", "\"active\":null", "Patient.active", "must not be null" },
{ "Patient", "\"contact\":null", "Patient.contact", "must not be null" },
{ "Patient", "\"link\":[{\"other\":{\"display\":\"x\"}}]", "Patient.link[0].type", "is missing" },
{ "Patient", "\"communication\":[{\"preferred\":true}]", "Patient.communication[0].language", "is missing" },
{ "Observation", "\"status\":\"final\"", "Observation.code", "is missing" },
{ "Observation", "\"code\":{\"text\":\"x\"}", "Observation.status", "is missing" },
{ "Observation", OBS ",\"valueString\":\"a\",\"valueInteger\":1", "Observation.value", "one type only (value[x])" },
{ "Observation", OBS ",\"valueAddress\":{\"city\":\"x\"}", "Observation.valueAddress", "is not an element" },
{ "Observation", OBS ",\"value\":1", "Observation.value", "is not an element" },
{ "Observation", OBS ",\"component\":[{\"code\":{\"text\":\"x\"},\"valueQuantity\":{\"value\":\"1\"}}]", "Observation.component[0].value.value", "must be a number" },
{ "MedicationRequest", "\"status\":\"active\",\"intent\":\"order\",\"subject\":{\"display\":\"x\"}", "MedicationRequest.medication", "needs medication[x]" },
{ "Bundle", "\"type\":\"collection\",\"entry\":[{\"link\":[{\"relation\":\"self\"}]}]", "Bundle.entry[0].link[0].url", "is missing" },
{ "Bundle", "\"type\":\"collection\",\"entry\":[{\"resource\":{\"resourceType\":\"Patient\",\"foo\":1}}]", "Bundle.entry[0].resource.foo", "is not an element of Patient" },
{ "Bundle", "\"type\":\"collection\",\"entry\":[{\"resource\":{\"foo\":1}}]", "Bundle.entry[0].resource.resourceType", "is missing" },
{ "Bundle", "\"type\":\"collection\",\"entry\":[{\"resource\":{\"resourceType\":\"Resource\"}}]", "Bundle.entry[0].resource.resourceType", "is not the name" },
{ "Bundle", "\"type\":\"collection\",\"entry\":[{\"resource\":\"x\"}]", "Bundle.entry[0].resource", "must be an object" },
{ "Parameters", "\"parameter\":[{\"name\":\"a\",\"part\":[{\"valueCode\":\"x\"}]}]", "Parameters.parameter[0].part[0].name", "is missing" },
{ "Questionnaire", "\"status\":\"active\",\"item\":[{\"linkId\":\"1\",\"type\":\"group\",\"item\":[{\"linkId\":\"2\",\"type\":\"x\"}]}]", "Questionnaire.item[0].item[0].type", "must have a code" },
{ "Binary", "\"data\":\"AAAA\"", "Binary.contentType", "is missing" },
{ "Patient", "\"meta\":{\"project\":\"x\"}", "Patient.meta.project", "is not an element of Meta" },
};

static const struct refused bindings[] = {
{ "Patient", "\"gender\":\"man\"", "Patient.gender", "female | male | other | unknown" },
{ "Patient", "\"name\":[{\"use\":\"x\"}]", "Patient.name[0].use", "ValueSet/name-use" },
{ "Timing", "", "Patient.resourceType", "is not the name" },
{ "Condition", "\"subject\":{\"reference\":\"Patient/1\"},\"clinicalStatus\":{\"text\":\"active\"}", "Condition.clinicalStatus", "must have a coding" },
{ "Condition", "\"subject\":{\"reference\":\"Patient/1\"},\"clinicalStatus\":{\"coding\":[{\"code\":\"active\"}]}", "Condition.clinicalStatus", "must have a coding" },
{ "Condition", "\"subject\":{\"reference\":\"Patient/1\"},\"clinicalStatus\":{\"coding\":[{\"system\":\"http://terminology.hl7.org/CodeSystem/condition-clinical\",\"code\":\"on\"}]}", "Condition.clinicalStatus", "condition-clinical" },
{ "OperationDefinition", "\"name\":\"x\",\"status\":\"active\",\"kind\":\"operation\",\"code\":\"x\",\"system\":true,\"type\":false,\"instance\":false,\"resource\":[\"Foo\"]", "OperationDefinition.resource[0]", "resource-types" },
};

static const struct refused formats[] = {
{ "Patient", "\"id\":\"a_b\"", "Patient.id", "must be an id" },
{ "Patient", "\"id\":\"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggggg\"", "Patient.id", "must be an id" },
{ "Patient", "\"meta\":{\"versionId\":\"a/b\"}", "Patient.meta.versionId", "must be an id" },
{ "Patient", "\"meta\":{\"lastUpdated\":\"2020-01-01\"}", "Patient.meta.lastUpdated", "must be an instant" },
{ "Patient", "\"birthDate\":\"1980-02-30\"", "Patient.birthDate", "must be a date" },
{ "Patient", "\"birthDate\":\"1980-01-01T00:00:00Z\"", "Patient.birthDate", "must be a date" },
{ "Patient", "\"birthDate\":\"80\"", "Patient.birthDate", "must be a date" },
{ "Patient", "\"birthDate\":\"\"", "Patient.birthDate", "is empty" },
{ "Patient", "\"deceasedDateTime\":\"2020-13\"", "Patient.deceased", "must be a dateTime" },
{ "Patient", "\"language\":\" en\"", "Patient.language", "must be a code" },
{ "Patient", "\"language\":\"en  us\"", "Patient.language", "must be a code" },
{ "Patient", "\"implicitRules\":\"a b\"", "Patient.implicitRules", "must be a URI" },
{ "Patient", "\"name\":[{\"family\":\"\"}]", "Patient.name[0].family", "is empty" },
{ "Patient", "\"multipleBirthInteger\":1.0", "Patient.multipleBirth", "must be an integer" },
{ "Patient", "\"multipleBirthInteger\":1e2", "Patient.multipleBirth", "must be an integer" },
{ "Patient", "\"multipleBirthInteger\":-0", "Patient.multipleBirth", "must be an integer" },
{ "Patient", "\"multipleBirthInteger\":2147483648", "Patient.multipleBirth", "must be an integer" },
{ "Patient", "\"telecom\":[{\"rank\":0}]", "Patient.telecom[0].rank", "from 1 to" },
{ "Patient", "\"photo\":[{\"size\":-1}]", "Patient.photo[0].size", "from 0 to" },
{ "Patient", "\"photo\":[{\"data\":\"AAA\"}]", "Patient.photo[0].data", "must be base64" },
{ "Patient", "\"photo\":[{\"data\":\"A=AA\"}]", "Patient.photo[0].data", "must be base64" },
{ "Patient", "\"photo\":[{\"data\":\"A===\"}]", "Patient.photo[0].data", "must be base64" },
{ "Patient", "\"photo\":[{\"data\":\"AA-_\"}]", "Patient.photo[0].data", "must be base64" },
{ "Patient", "\"photo\":[{\"data\":\"AA AA\"}]", "Patient.photo[0].data", "must be base64" },
{ "Patient", "\"extension\":[{\"url\":\"u\",\"valueOid\":\"urn:oid:3.1\"}]", "Patient.extension[0].value", "must be an OID" },
{ "Patient", "\"extension\":[{\"url\":\"u\",\"valueOid\":\"urn:oid:1.02\"}]", "Patient.extension[0].value", "must be an OID" },
{ "Patient", "\"extension\":[{\"url\":\"u\",\"valueUuid\":\"urn:uuid:C757873D-EC9A-4326-A141-556F43239520\"}]", "Patient.extension[0].value", "must be a UUID" },
{ "Patient", "\"extension\":[{\"url\":\"u\",\"valueTime\":\"24:00:00\"}]", "Patient.extension[0].value", "must be a time" },
{ "Patient", "\"extension\":[{\"url\":\"u\",\"valueUnsignedInt\":-1}]", "Patient.extension[0].value", "must be an integer" },
};

static const struct refused narratives[] = {
{ "Patient", "\"text\":{\"status\":\"generated\"}", "Patient.text.div", "is missing" },
{ "Patient", "\"text\":{\"status\":\"generated\",\"div\":\"x\"}", "Patient.text.div", "text outside of the div" },
{ "Patient", "\"text\":{\"status\":\"generated\",\"div\":\"<p>x</p>\"}", "Patient.text.div", "something else than one div" },
{ "Patient", "\"text\":{\"status\":\"generated\",\"div\":\"<div>x</div><div>y</div>\"}", "Patient.text.div", "something else than one div" },
{ "Patient", DIV("<b>x</i>"), "Patient.text.div", "do not nest" },
{ "Patient", DIV("<b>x"), "Patient.text.div", "do not nest" },
{ "Patient", DIV("<script>x</script>"), "Patient.text.div", "an element that" },
{ "Patient", DIV("<iframe src='x'/>"), "Patient.text.div", "an element that" },
{ "Patient", DIV("<b onclick='x'>y</b>"), "Patient.text.div", "an attribute that" },
{ "Patient", DIV("<a href='javascript:x'>y</a>"), "Patient.text.div", "a link" },
{ "Patient", DIV("<a href='JaVa\\nScript:x'>y</a>"), "Patient.text.div", "a link" },
{ "Patient", DIV("<a href='&#106;avascript:x'>y</a>"), "Patient.text.div", "a link" },
{ "Patient", DIV("<a href='data:text/html,x'>y</a>"), "Patient.text.div", "a link" },
{ "Patient", DIV("<a href=x>y</a>"), "Patient.text.div", "without quotes" },
{ "Patient", DIV("<b x>y</b>"), "Patient.text.div", "without a value" },
{ "Patient", DIV("<!DOCTYPE x>"), "Patient.text.div", "a declaration" },
{ "Patient", DIV("<?x?>"), "Patient.text.div", "a declaration" },
{ "Patient", DIV("<!-- x"), "Patient.text.div", "a comment" },
{ "Patient", DIV("a & b"), "Patient.text.div", "'&' that" },
};

static const struct refused references[] = {
{ "Patient", "\"managingOrganization\":{\"reference\":\"Foo/1\"}", "Patient.managingOrganization.reference", "must be Type/id" },
{ "Patient", "\"managingOrganization\":{\"reference\":\"Organization\"}", "Patient.managingOrganization.reference", "must be Type/id" },
{ "Patient", "\"managingOrganization\":{\"reference\":\"Organization/a_b\"}", "Patient.managingOrganization.reference", "must be Type/id" },
{ "Patient", "\"managingOrganization\":{\"reference\":\"Organization/1/x/2\"}", "Patient.managingOrganization.reference", "must be Type/id" },
{ "Patient", "\"managingOrganization\":{\"reference\":\"Organization?identifier=1\"}", "Patient.managingOrganization.reference", "must be Type/id" },
{ "Patient", "\"managingOrganization\":{\"reference\":\"Patient/1\"}", "Patient.managingOrganization.reference", "may not refer to Patient, only to Organization" },
{ "Patient", "\"managingOrganization\":{\"reference\":\"#x\"}", "Patient.managingOrganization.reference", "ref-1" },
{ "Patient", "\"managingOrganization\":{\"type\":\"Foo\",\"display\":\"x\"}", "Patient.managingOrganization.type", "is not the name" },
{ "Patient", "\"managingOrganization\":{\"type\":\"Patient\",\"reference\":\"Organization/1\"}", "Patient.managingOrganization.type", "says Patient" },
{ "Patient", "\"managingOrganization\":{\"type\":\"Patient\",\"display\":\"x\"}", "Patient.managingOrganization.type", "may not refer to Patient" },
{ "Patient", "\"managingOrganization\":{\"type\":\"Organization\"}", "Patient.managingOrganization", "must have a reference" },
{ "Patient", "\"generalPractitioner\":[{\"display\":\"x\"},{\"reference\":1}]", "Patient.generalPractitioner[1].reference", "must be a string" },
{ "Patient", CONTAINED("{\"resourceType\":\"Organization\",\"name\":\"x\"}"), "Patient.contained[0]", "must have an id" },
{ "Patient", CONTAINED("{\"resourceType\":\"Organization\",\"id\":\"a\"}"), "Patient.contained[0]", "dom-3" },
{ "Patient", "\"implicitRules\":\"#\"," CONTAINED("{\"resourceType\":\"Organization\",\"id\":\"a\"}"), "Patient.contained[0]", "dom-3" },
{ "Patient", "\"managingOrganization\":{\"reference\":\"#a\"}," CONTAINED("{\"resourceType\":\"Organization\",\"id\":\"a\"},{\"resourceType\":\"Organization\",\"id\":\"a\"}"), "Patient.contained[1]", "has the id of another" },
{ "Patient", "\"managingOrganization\":{\"reference\":\"#a\"}," CONTAINED("{\"resourceType\":\"Practitioner\",\"id\":\"a\"}"), "Patient.managingOrganization.reference", "may not refer to Practitioner" },
{ "Patient", "\"managingOrganization\":{\"reference\":\"#a\"}," CONTAINED("{\"resourceType\":\"Organization\",\"id\":\"a\",\"contained\":[{\"resourceType\":\"Patient\",\"id\":\"b\"}]}"), "Patient.contained[0]", "dom-2" },
{ "Patient", "\"managingOrganization\":{\"reference\":\"#a\"}," CONTAINED("{\"resourceType\":\"Organization\",\"id\":\"a\",\"meta\":{\"versionId\":\"1\"}}"), "Patient.contained[0].meta", "dom-4" },
{ "Patient", "\"managingOrganization\":{\"reference\":\"#a\"}," CONTAINED("{\"resourceType\":\"Organization\",\"id\":\"a\",\"nam\":\"x\"}"), "Patient.contained[0].nam", "is 'name' meant?" },
{ "Bundle", "\"type\":\"collection\",\"entry\":[{\"resource\":{\"resourceType\":\"Patient\",\"managingOrganization\":{\"reference\":\"#a\"}}},{\"resource\":{\"resourceType\":\"Patient\",\"managingOrganization\":{\"reference\":\"#a\"}," CONTAINED("{\"resourceType\":\"Organization\",\"id\":\"a\"}") "}}]", "Bundle.entry[0].resource.managingOrganization.reference", "ref-1" },
};

static const struct refused extensions[] = {
{ "Patient", "\"extension\":[{\"valueCode\":\"x\"}]", "Patient.extension[0].url", "is missing" },
{ "Patient", "\"extension\":[{\"url\":\"u\"}]", "Patient.extension[0]", "must have a value or extensions" },
{ "Patient", "\"extension\":[{\"url\":\"u\",\"valueCode\":\"x\",\"extension\":[{\"url\":\"v\",\"valueCode\":\"x\"}]}]", "Patient.extension[0]", "must not have both" },
{ "Patient", "\"extension\":[{\"url\":\"u\",\"valueCode\":\"x\",\"valueString\":\"x\"}]", "Patient.extension[0].value", "one type only" },
{ "Patient", "\"extension\":[{\"url\":\"u\",\"extension\":[{\"valueCode\":\"x\"}]}]", "Patient.extension[0].extension[0].url", "is missing" },
{ "Patient", "\"name\":[{\"modifierExtension\":[{\"url\":\"u\",\"valueCode\":\"x\"}]}]", "Patient.name[0].modifierExtension", "is not an element" },
{ "Patient", "\"_birthDate\":{\"extension\":[{\"valueCode\":\"x\"}]}", "Patient.birthDate.extension[0].url", "is missing" },
{ "Patient", "\"_birthDate\":[{\"id\":\"a\"}]", "Patient.birthDate", "must not be an array" },
{ "Patient", "\"_birthDate\":\"x\"", "Patient.birthDate", "under its _ name, not a string" },
{ "Patient", "\"_birthDate\":{\"id\":\"a\"}", "Patient.birthDate", "ele-1" },
{ "Patient", "\"birthDate\":\"1980\",\"_birthDate\":{}", "Patient.birthDate", "ele-1" },
{ "Patient", "\"_birthDate\":{}", "Patient.birthDate", "ele-1" },
{ "Patient", "\"_birthDate\":{\"value\":1}", "Patient.birthDate.value", "is not an element" },
{ "Patient", "\"_name\":[{\"id\":\"a\"}]", "Patient._name", "is not an element" },
{ "Patient", "\"name\":[{\"given\":[\"a\",null]}]", "Patient.name[0].given[1]", "must not be null without an extension" },
{ "Patient", "\"name\":[{\"given\":[\"a\",\"b\"],\"_given\":[{\"id\":\"a\"}]}]", "Patient.name[0].given", "as many elements" },
{ "Patient", "\"name\":[{\"given\":[\"a\",null],\"_given\":[{\"id\":\"a\"},null]}]", "Patient.name[0].given[1]", "must not be null" },
{ "Patient", "\"name\":[{\"given\":[\"a\"],\"_given\":[null]}]", "Patient.name[0].given", "nothing but null" },
{ "Patient", "\"name\":[{\"given\":[\"a\"],\"_given\":{\"id\":\"a\"}}]", "Patient.name[0].given", "must be an array" },
};

static const struct accepted fine[] = {
{ "Patient", "" },
{ "Patient", "\"active\":false,\"id\":\"A-z.09\"" },
{ "Patient", "\"n\\u0061me\":[{\"family\":\"\\ud83d\\ude00\"}]" },
{ "Patient", "\"birthDate\":\"1980-02\",\"deceasedBoolean\":false" },
{ "Patient", "\"_birthDate\":{\"extension\":[{\"url\":\"http://x\",\"valueDateTime\":\"1980-02-01T10:00:00+01:00\"}]}" },
{ "Patient", "\"birthDate\":\"1980\",\"_birthDate\":{\"id\":\"a\"}" },
{ "Patient", "\"name\":[{\"given\":[\"a\",null],\"_given\":[null,{\"extension\":[{\"url\":\"u\",\"valueCode\":\"x\"}]}]}]" },
{ "Patient", "\"name\":[{\"_given\":[{\"extension\":[{\"url\":\"u\",\"valueCode\":\"x\"}]}]}]" },
{ "Patient", "\"extension\":[{\"url\":\"u\",\"extension\":[{\"url\":\"v\",\"valueDecimal\":1.10}]}]" },
{ "Patient", "\"extension\":[{\"url\":\"u\",\"_valueCode\":{\"extension\":[{\"url\":\"v\",\"valueCode\":\"x\"}]}}]" },
{ "Patient", "\"modifierExtension\":[{\"url\":\"u\",\"valueAddress\":{\"city\":\"x\"}}]" },
{ "Patient", "\"telecom\":[{\"rank\":2147483647}],\"multipleBirthInteger\":-2147483648" },
{ "Patient", "\"photo\":[{\"data\":\"AAAA\\n BBB=\",\"size\":0,\"contentType\":\"image/png\"}]" },
{ "Patient", "\"managingOrganization\":{\"reference\":\"Organization/1/_history/2\",\"type\":\"Organization\"}" },
{ "Patient", "\"managingOrganization\":{\"reference\":\"https://x.org/fhir/Organization/1\"}" },
{ "Patient", "\"managingOrganization\":{\"reference\":\"urn:uuid:c757873d-ec9a-4326-a141-556f43239520\"}" },
{ "Patient", "\"managingOrganization\":{\"identifier\":{\"value\":\"1\"}}" },
{ "Patient", "\"managingOrganization\":{\"_reference\":{\"extension\":[{\"url\":\"v\",\"valueCode\":\"x\"}]}}" },
{ "Patient", "\"managingOrganization\":{\"reference\":\"#a\"}," CONTAINED("{\"resourceType\":\"Organization\",\"id\":\"a\"}") },
{ "Patient", CONTAINED("{\"resourceType\":\"Provenance\",\"id\":\"a\",\"target\":[{\"reference\":\"#\"}],\"recorded\":\"2020-01-01T00:00:00Z\",\"agent\":[{\"who\":{\"display\":\"x\"}}]}") },
{ "Questionnaire", "\"status\":\"active\",\"item\":[{\"linkId\":\"1\",\"type\":\"choice\",\"answerValueSet\":\"#v\"}]," CONTAINED("{\"resourceType\":\"ValueSet\",\"id\":\"v\",\"status\":\"active\"}") },
{ "Patient", DIV("a &lt; b &#169; &nbsp;<br/><a href='#x' title='y'>z</a><!-- c --><img src='data:image/png;base64,AA' alt=''/>") },
{ "Patient", DIV("") },
{ "Observation", OBS ",\"valueQuantity\":{\"value\":1e-3,\"comparator\":\"<=\"}" },
{ "Observation", OBS ",\"component\":[{\"code\":{\"text\":\"x\"},\"valueTime\":\"10:00:00\"}]" },
{ "Observation", "\"_status\":{\"extension\":[{\"url\":\"u\",\"valueCode\":\"unknown\"}]},\"code\":{\"text\":\"x\"}" },
{ "Condition", "\"subject\":{\"reference\":\"Patient/1\"},\"clinicalStatus\":{\"coding\":[{\"code\":\"local\"},{\"system\":\"http://terminology.hl7.org/CodeSystem/condition-clinical\",\"code\":\"active\"}]}" },
{ "Condition", "\"subject\":{\"reference\":\"Patient/1\"},\"clinicalStatus\":{\"extension\":[{\"url\":\"u\",\"valueCode\":\"unknown\"}]}" },
{ "Bundle", "\"type\":\"collection\",\"entry\":[{\"resource\":{\"resourceType\":\"Patient\",\"managingOrganization\":{\"reference\":\"Organization?identifier=1\"}}}]" },
{ "Parameters", "\"parameter\":[{\"name\":\"a\",\"resource\":{\"resourceType\":\"Patient\"}},{\"name\":\"b\",\"part\":[{\"name\":\"c\",\"valueMoney\":{\"value\":1.50,\"currency\":\"EUR\"}}]}]" },
{ "Binary", "\"contentType\":\"text/plain\",\"data\":\"AA==\"" },
{ "EvidenceVariable", "\"status\":\"draft\",\"characteristic\":[{\"definitionCanonical\":\"http://x\",\"groupMeasure\":\"median\"}]" },
{ "DetectedIssue", "\"status\":\"final\"" },
};
/* clang-format on */

#define REFUSED(name, table)						\
	START_TEST(name)						\
	{								\
		expect_refused(&(table)[_i]);				\
	}								\
	END_TEST

REFUSED(wrong_structure_is_refused_where_it_is, structure)
REFUSED(codes_outside_required_value_sets_are_refused, bindings)
REFUSED(malformed_primitives_are_refused, formats)
REFUSED(narratives_that_are_not_harmless_xhtml_are_refused, narratives)
REFUSED(references_to_nothing_are_refused, references)
REFUSED(malformed_extensions_are_refused, extensions)

START_TEST(valid_resources_are_accepted)
{
	expect_accepted(&fine[_i]);
}
END_TEST

START_TEST(every_problem_is_listed_in_one_answer)
{
	ck_assert_int_eq(check_members("Patient", "\"nam\":1,\"gender\":\"x\","
	    "\"birthDate\":\"x\",\"name\":[{\"family\":1},{\"given\":[\"\"]}]"),
	    ERR_VALIDATION);
	ck_assert_uint_eq(ctx.fault.count, 5);
	ck_assert(has_issue("Patient.name[1].given[0]", "is empty"));
}
END_TEST

START_TEST(a_walk_ends_soon_after_the_last_issue_that_is_kept)
{
	struct str names = STR("1");

	for (int i = 0; i < 300; i++)
		names = arena_printf(arena, "%.*s,1", STR_ARGS(names));
	ck_assert_int_eq(check_members("Patient", arena_z(arena,
	    arena_printf(arena, "\"name\":[%.*s]", STR_ARGS(names)))),
	    ERR_VALIDATION);
	ck_assert_uint_eq(ctx.fault.count, FAULT_ISSUES_MAX + 1);
}
END_TEST

START_TEST(issues_of_others_do_not_hide_a_problem)
{
	struct jdoc d = resource_parse(arena,
	    STR("{\"resourceType\":\"Patient\",\"foo\":1}"));

	for (int i = 0; i < FAULT_ISSUES_MAX + 1; i++)
		fault_warn(&ctx, STR_NONE, "%d", i);
	ck_assert_int_eq(validate(&ctx, &d, 0,
	    r4_type_named(STR("Patient"))), ERR_VALIDATION);
	ck_assert_int_eq(ctx.fault.err, ERR_VALIDATION);
}
END_TEST

START_TEST(a_missing_element_is_told_once)
{
	ck_assert_int_eq(check_members("Patient", "\"link\":[{}]"),
	    ERR_VALIDATION);
	ck_assert_uint_eq(ctx.fault.count, 2);
}
END_TEST

START_TEST(another_type_than_the_expected_is_refused)
{
	struct jdoc d = resource_parse(arena,
	    STR("{\"resourceType\":\"Group\"}"));

	ck_assert_int_eq(validate(&ctx, &d, 0,
	    r4_type_named(STR("Patient"))), ERR_VALIDATION);
	ck_assert(has_issue("Patient.resourceType", "must be Patient here"));
}
END_TEST

START_TEST(a_resource_is_an_object)
{
	struct jdoc d = resource_parse(arena, STR("[]"));

	ck_assert_int_eq(validate(&ctx, &d, 0,
	    r4_type_named(STR("Patient"))), ERR_VALIDATION);
	ck_assert(has_issue("Patient", "must be an object, not an array"));
}
END_TEST

START_TEST(texts_may_have_1_mib_and_no_more)
{
	size_t n = 1024 * 1024;
	char *text = arena_alloc(arena, n + 2);

	memset(text, 'x', n + 1);
	text[n] = '\0';
	ck_assert_int_eq(check_members("Basic", arena_z(arena,
	    arena_printf(arena, "\"code\":{\"text\":\"%s\"}", text))), OK);
	text[n] = 'x';
	text[n + 1] = '\0';
	ck_assert_int_eq(check_members("Basic", arena_z(arena,
	    arena_printf(arena, "\"code\":{\"text\":\"%s\"}", text))),
	    ERR_VALIDATION);
}
END_TEST

/* HL7's own examples that R4's rules refuse. */
static bool
is_exception(const char *name)
{
	/* reasonReference names a Procedure, which is no target of it. */
	return strcmp(name, "deviceusestatement-example.json") == 0;
}

static void
check_example(struct arena *mine, const char *name, struct str text)
{
	struct arena *kept = arena;
	enum err err;

	arena = ctx.arena = mine;
	err = check_text(text);
	if (err != OK && !is_exception(name)) {
		fprintf(stderr, "%s\n", name);
		print_issues();
		ck_abort_msg("an example of HL7 is refused");
	}
	arena = ctx.arena = kept;
	fault_clear(&ctx);
}

START_TEST(the_examples_of_hl7_are_accepted)
{
	resource_each("R4_EXAMPLES_DIR", "r4-examples.tar.xz", check_example);
}
END_TEST

static void
check_bundle(struct arena *mine, const char *name, struct str text)
{
	struct jdoc d = resource_parse(mine, text);
	uint32_t list = jdoc_get(&d, 0, STR("entry")), node;
	const struct r4_type *type;
	struct arena *kept = ctx.arena;

	ctx.arena = mine;
	for (uint32_t i = jdoc_first(&d, list); i != 0;
	    i = jdoc_next(&d, list, i)) {
		node = jdoc_get(&d, i, STR("resource"));
		type = r4_type_named(jdoc_raw(&d, jdoc_get(&d, node,
		    STR("resourceType"))));
		if (validate(&ctx, &d, node, type) != OK) {
			print_issues();
			ck_abort_msg("%s is refused", name);
		}
	}
	ctx.arena = kept;
}

START_TEST(the_resources_of_synthetic_patients_are_accepted)
{
	resource_each("SYNTHEA_DIR", "synthea.tar.xz", check_bundle);
}
END_TEST

static void
add_table(TCase *tc, const TTest *test, size_t rows)
{
	tcase_add_loop_test(tc, test, 0, (int)rows);
}

#define ROWS(table)	(sizeof(table) / sizeof((table)[0]))

int
main(void)
{
	TCase *tc = suite_case("validate");

	tcase_add_checked_fixture(tc, open_ctx, close_ctx);
	add_table(tc, wrong_structure_is_refused_where_it_is,
	    ROWS(structure));
	add_table(tc, codes_outside_required_value_sets_are_refused,
	    ROWS(bindings));
	add_table(tc, malformed_primitives_are_refused, ROWS(formats));
	add_table(tc, narratives_that_are_not_harmless_xhtml_are_refused,
	    ROWS(narratives));
	add_table(tc, references_to_nothing_are_refused, ROWS(references));
	add_table(tc, malformed_extensions_are_refused, ROWS(extensions));
	add_table(tc, valid_resources_are_accepted, ROWS(fine));
	tcase_add_test(tc, every_problem_is_listed_in_one_answer);
	tcase_add_test(tc, a_walk_ends_soon_after_the_last_issue_that_is_kept);
	tcase_add_test(tc, issues_of_others_do_not_hide_a_problem);
	tcase_add_test(tc, a_missing_element_is_told_once);
	tcase_add_test(tc, another_type_than_the_expected_is_refused);
	tcase_add_test(tc, a_resource_is_an_object);
	tcase_add_test(tc, texts_may_have_1_mib_and_no_more);
	tcase_add_test(tc, the_examples_of_hl7_are_accepted);
	tcase_add_test(tc, the_resources_of_synthetic_patients_are_accepted);
	return suite_run();
}
