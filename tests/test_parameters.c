/* What operations are given, by query and by body, and what they answer. */

#include "fhir/parameters.h"
#include "fhir/validate.h"
#include "lib/document.h"
#include "lib/records.h"
#include "lib/resource.h"
#include "lib/suite.h"

#include <check.h>

#undef fail	/* a macro of Check's past */

/* clang-format off */
static const struct parameter_kind kinds[] = {
{ "url",	PARAMETER_IN,	"uri",		0, false, "" },
{ "count",	PARAMETER_IN,	"integer",	0, false, "" },
{ "exact",	PARAMETER_IN,	"boolean",	0, false, "" },
{ "name",	PARAMETER_IN,	"string",	0, true,  "" },
{ "coding",	PARAMETER_IN,	"Coding",	0, false, "" },
{ "valueSet",	PARAMETER_IN,	"ValueSet",	0, false, "" },
{ "result",	PARAMETER_OUT,	"boolean",	1, false, "" },
{ NULL, PARAMETER_IN, NULL, 0, false, NULL },
};
/* clang-format on */

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

static enum err
read(const char *query, const char *body, bool lenient,
    struct parameters *out)
{
	struct http_params params = records_query(&ctx, str_of(query));

	fault_clear(&ctx);
	return parameters_read(&ctx, kinds, &(struct parameters_given){
	    &params, body == NULL ? NULL : document_parse(arena, body), 0,
	    lenient }, out);
}

START_TEST(a_query_is_read_in_its_order)
{
	struct parameters p;

	ck_assert_int_eq(read("name=b&url=http://x&name=a&exact=true&count=3",
	    NULL, false, &p), OK);
	ck_assert_uint_eq(p.n, 5);
	ck_assert(str_eqz(parameters_text(&p, "name"), "b"));
	ck_assert(str_eqz(p.v[2].text, "a"));
	ck_assert(parameters_true(&p, "exact"));
	ck_assert(parameters_text(&p, "coding").p == NULL);
}
END_TEST

START_TEST(a_body_is_read_with_its_types)
{
	struct parameters p;

	ck_assert_int_eq(read("", "{'resourceType':'Parameters','parameter':["
	    "{'name':'url','valueUrl':'http://x/\\u0061'},"
	    "{'name':'exact','valueBoolean':false},"
	    "{'name':'count','valuePositiveInt':7},"
	    "{'name':'coding','valueCoding':{'code':'c'}},"
	    "{'name':'valueSet','resource':{'resourceType':'ValueSet'}}]}",
	    false, &p), OK);
	ck_assert_uint_eq(p.n, 5);
	ck_assert(str_eqz(p.v[0].text, "http://x/a"));
	ck_assert(str_eqz(p.v[1].text, "false"));
	ck_assert(str_eqz(p.v[2].text, "7"));
	ck_assert_uint_ne(jdoc_get(p.v[3].doc, p.v[3].node, STR("code")), 0);
	ck_assert_uint_ne(jdoc_get(p.v[4].doc, p.v[4].node,
	    STR("resourceType")), 0);
}
END_TEST

START_TEST(a_resource_alone_is_the_parameter_of_its_type)
{
	struct parameters p;

	ck_assert_int_eq(read("count=2", "{'resourceType':'ValueSet'}", false,
	    &p), OK);
	ck_assert_ptr_nonnull(parameters_get(&p, "valueSet"));
	ck_assert_ptr_nonnull(parameters_get(&p, "count"));
	ck_assert_int_eq(read("", "{'resourceType':'Patient'}", false, &p),
	    ERR_INVALID_REQUEST);
}
END_TEST

START_TEST(what_is_wrong_is_refused_by_its_name)
{
	static const struct {
		const char	*query, *body;
		enum err	 err;
		const char	*path;
	} rows[] = {
		{ "ur1=x", NULL, ERR_INVALID_REQUEST, "ur1" },
		{ "result=true", NULL, ERR_INVALID_REQUEST, "result" },
		{ "count=x", NULL, ERR_INVALID_PARAMETER, "count" },
		{ "exact=yes", NULL, ERR_INVALID_PARAMETER, "exact" },
		{ "url=a&url=b", NULL, ERR_INVALID_PARAMETER, "url" },
		{ "coding=x", NULL, ERR_INVALID_PARAMETER, "coding" },
		{ "", "{}", ERR_INVALID_REQUEST, "resourceType" },
		{ "", "[]", ERR_INVALID_REQUEST, "resourceType" },
		{ "", "{'resourceType':'Parameters','parameter':{}}",
		    ERR_VALIDATION, "Parameters.parameter" },
		{ "", "{'resourceType':'Parameters','parameter':[1]}",
		    ERR_VALIDATION, "Parameters.parameter.name" },
		{ "", "{'resourceType':'Parameters','parameter':["
		    "{'name':'count','valueString':'7'}]}",
		    ERR_VALIDATION, "count" },
		{ "", "{'resourceType':'Parameters','parameter':["
		    "{'name':'coding','valueString':'7'}]}",
		    ERR_VALIDATION, "coding" },
		{ "", "{'resourceType':'Parameters','parameter':["
		    "{'name':'coding'}]}", ERR_MISSING_PARAMETER, "coding" },
		{ "", "{'resourceType':'Parameters','parameter':["
		    "{'name':'cuont','valueInteger':1}]}",
		    ERR_INVALID_REQUEST, "cuont" },
	};
	struct parameters p;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ck_assert_int_eq(read(rows[i].query, rows[i].body, false, &p),
		    rows[i].err);
		ck_assert_msg(str_eqz(ctx.fault.issues->path, rows[i].path),
		    "%zu: %.*s", i, STR_ARGS(ctx.fault.issues->path));
	}
	ck_assert(strstr(records_issue(&ctx), "is \"count\" meant?") != NULL);
	ck_assert_int_eq(read("ur1=x&url=y", NULL, true, &p), OK);
	ck_assert_uint_eq(p.n, 1);
}
END_TEST

START_TEST(an_answer_is_a_valid_parameters_resource)
{
	struct parameters_out o = parameters_begin(&ctx);
	struct jdoc d;

	parameters_add_json(&o, "result", "valueBoolean", STR("true"));
	parameters_open(&o, "property");
	parameters_add(&o, "code", "valueCode", STR("parent"));
	parameters_add(&o, "value", "valueString", STR("a \"b\""));
	parameters_close(&o);
	parameters_add(&o, "message", "valueString", STR("x"));
	d = resource_parse(arena, parameters_end(&o));
	ck_assert_int_eq(validate(&ctx, &d, 0,
	    r4_type_named(STR("Parameters"))), OK);
}
END_TEST

int
main(void)
{
	TCase *tc = suite_case("parameters");

	tcase_add_checked_fixture(tc, open_ctx, close_ctx);
	tcase_add_test(tc, a_query_is_read_in_its_order);
	tcase_add_test(tc, a_body_is_read_with_its_types);
	tcase_add_test(tc, a_resource_alone_is_the_parameter_of_its_type);
	tcase_add_test(tc, what_is_wrong_is_refused_by_its_name);
	tcase_add_test(tc, an_answer_is_a_valid_parameters_resource);
	return suite_run();
}
