/* What _summary and _elements leave of a record. */

#include "base/arena.h"
#include "base/ctx.h"
#include "fhir/subset.h"
#include "lib/records.h"
#include "lib/suite.h"

#include <check.h>

static struct ctx ctx;

static void
open_ctx(void)
{
	ctx = (struct ctx){ .arena = arena_new(4096) };
}

static void
close_ctx(void)
{
	arena_free(ctx.arena);
}

#define META	"\"meta\":{\"versionId\":\"3\""
#define TAG	"{\"system\":\"http://terminology.hl7.org/CodeSystem/"	\
	"v3-ObservationValue\",\"code\":\"SUBSETTED\"}"
#define HEAD(t)	"{\"resourceType\":\"" t "\",\"id\":\"a\"," META
#define CUT(t)	HEAD(t) ",\"tag\":[" TAG "]}"

static const struct {
	const char	*type, *query, *body, *left;
} cuts[] = {
{ "Patient", "_summary=true",
  HEAD("Patient") "},\"text\":{\"status\":\"generated\",\"div\":\"x\"},"
  "\"active\" : true,\"name\":[{\"family\":\"A\",\"extension\":[{\"url\":"
  "\"u\",\"valueCode\":\"c\"}]}],\"contact\":[{\"gender\":\"male\"}],"
  "\"birthDate\":\"1970\",\"maritalStatus\":{\"text\":\"M\"}}",
  CUT("Patient") ",\"active\" : true,\"name\":[{\"family\":\"A\"}],"
  "\"birthDate\":\"1970\"}" },
/* Digits and escapes stay; a choice is shown by its mark. */
{ "Observation", "_summary=true",
  HEAD("Observation") "},\"status\":\"final\",\"code\":{\"text\":\"\\u00e4\""
  "},\"valueQuantity\":{\"value\":1.10,\"unit\":\"g\"},\"note\":[{\"text\":"
  "\"n\"}],\"component\":[{\"code\":{\"text\":\"c\"},\"interpretation\":[{"
  "\"text\":\"i\"}],\"valueInteger\":1}]}",
  CUT("Observation") ",\"status\":\"final\",\"code\":{\"text\":\"\\u00e4\"},"
  "\"valueQuantity\":{\"value\":1.10,\"unit\":\"g\"},\"component\":[{"
  "\"code\":{\"text\":\"c\"},\"valueInteger\":1}]}" },
/* What nothing is left of is not there; extensions of a date go with it. */
{ "Patient", "_summary=true",
  HEAD("Patient") "},\"identifier\":[{\"id\":\"x\"},{\"id\":\"y\"}],"
  "\"link\":[{\"id\":\"x\",\"type\":\"refer\"}],"
  "\"_birthDate\":{\"id\":\"b\"}}",
  CUT("Patient") ",\"link\":[{\"type\":\"refer\"}],"
  "\"_birthDate\":{\"id\":\"b\"}}" },
{ "Patient", "_summary=true",
  HEAD("Patient") "},\"modifierExtension\":[{\"url\":\"u\",\"valueCode\":"
  "\"c\"}],\"extension\":[{\"url\":\"v\"}]}",
  CUT("Patient") ",\"modifierExtension\":[{\"url\":\"u\",\"valueCode\":"
  "\"c\"}]}" },
{ "Observation", "_summary=text",
  HEAD("Observation") "},\"text\":{\"div\":\"d\"},\"status\":\"final\","
  "\"code\":{\"id\":\"c\"},\"valueString\":\"v\"}",
  CUT("Observation") ",\"text\":{\"div\":\"d\"},\"status\":\"final\","
  "\"code\":{\"id\":\"c\"}}" },
{ "Observation", "_summary=data",
  HEAD("Observation") "},\"text\":{\"div\":\"d\"},\"status\":\"final\","
  "\"valueString\":\"v\"}",
  CUT("Observation") ",\"status\":\"final\",\"valueString\":\"v\"}" },
{ "Observation", "_elements=value,_id",
  NULL, NULL },
{ "Observation", "_elements=value,%20note",
  HEAD("Observation") "},\"status\":\"final\",\"subject\":{},"
  "\"valueQuantity\":{\"value\":1.10},\"note\":[{\"id\":\"n\"}]}",
  CUT("Observation") ",\"status\":\"final\",\"valueQuantity\":{\"value\":"
  "1.10},\"note\":[{\"id\":\"n\"}]}" },
{ "Observation", "_elements=Observation.value%5Bx%5D",
  HEAD("Observation") "},\"status\":\"final\",\"valueInteger\":1}",
  CUT("Observation") ",\"status\":\"final\",\"valueInteger\":1}" },
{ "Patient", "_elements=birthDate",
  HEAD("Patient") "},\"birthDate\":\"1970\",\"_birthDate\":{\"id\":\"b\"},"
  "\"implicitRules\":\"u\",\"active\":true}",
  CUT("Patient") ",\"birthDate\":\"1970\",\"_birthDate\":{\"id\":\"b\"},"
  "\"implicitRules\":\"u\"}" },
{ "Patient", "_elements=gender&_summary=false",
  HEAD("Patient") ",\"tag\" : [ {\"code\":\"t\"} ],\"source\":\"s\"},"
  "\"gend\\u0065r\":\"male\",\"active\":true}",
  HEAD("Patient") ",\"tag\" : [ {\"code\":\"t\"} ," TAG "],\"source\":"
  "\"s\"},\"gend\\u0065r\":\"male\"}" },
{ "Patient", "_elements=id", "{\"resourceType\":\"Patient\",\"active\":true}",
  "{\"resourceType\":\"Patient\",\"meta\":{\"tag\":[" TAG "]}}" },
{ "Patient", "_summary=false", HEAD("Patient") "},\"active\":true}",
  HEAD("Patient") "},\"active\":true}" },
};

START_TEST(record_is_cut_to_what_was_asked)
{
	const struct r4_type *type = r4_type_named(str_of(cuts[_i].type));
	struct http_params params = records_query(&ctx,
	    str_of(cuts[_i].query));
	struct record record = { .type = type, .body = str_of(cuts[_i].body) };
	struct subset subset;
	enum err err = subset_of(&ctx, &type, 1, &params, false, &subset);

	ck_assert_int_eq(err, cuts[_i].left == NULL ? ERR_INVALID_REQUEST :
	    OK);
	if (err != OK)
		return;
	subset_records(&ctx, &subset, &record, 1);
	ck_assert_msg(str_eqz(record.body, cuts[_i].left), "%.*s",
	    STR_ARGS(record.body));
}
END_TEST

static const struct {
	const char	*query, *says;
	enum err	 err;
} refusals[] = {
{ "_summary=some", "true, text, data, count or false", ERR_INVALID_PARAMETER },
{ "_summary=true&_summary=true", "'_summary' may be given once",
  ERR_INVALID_REQUEST },
{ "_elements=id&_elements=name", "'_elements' may be given once",
  ERR_INVALID_REQUEST },
{ "_elements=id&_summary=data", "cannot be combined", ERR_INVALID_REQUEST },
{ "_summary=text&_elements=id", "cannot be combined", ERR_INVALID_REQUEST },
{ "_elements=nmae", "no element 'nmae'", ERR_INVALID_REQUEST },
{ "_elements=birthdat", "did you mean 'birthDate'?", ERR_INVALID_REQUEST },
{ "_elements=name.family", "not 'name.family'", ERR_INVALID_REQUEST },
{ "_elements=name,", "no element ''", ERR_INVALID_REQUEST },
};

START_TEST(what_is_no_subset_is_refused_by_name)
{
	const struct r4_type *type = r4_type_named(STR("Patient"));
	struct http_params params = records_query(&ctx,
	    str_of(refusals[_i].query));
	struct subset subset;

	ck_assert_int_eq(subset_of(&ctx, &type, 1, &params, false, &subset),
	    refusals[_i].err);
	ck_assert_msg(strstr(records_issue(&ctx), refusals[_i].says) != NULL,
	    "%s", records_issue(&ctx));
	ck_assert_int_eq(subset_of(&ctx, &type, 1, &params, true, &subset), OK);
	ck_assert(subset.names == NULL || subset.n > 0);
	ck_assert(subset.names == NULL || subset.kind == SUBSET_WHOLE);
}
END_TEST

int
main(void)
{
	TCase *tc = suite_case("subset");

	tcase_add_checked_fixture(tc, open_ctx, close_ctx);
	tcase_add_loop_test(tc, record_is_cut_to_what_was_asked, 0,
	    (int)(sizeof(cuts) / sizeof(cuts[0])));
	tcase_add_loop_test(tc, what_is_no_subset_is_refused_by_name, 0,
	    (int)(sizeof(refusals) / sizeof(refusals[0])));
	return suite_run();
}
