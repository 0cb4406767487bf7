/* Queries, answers, and the header fields that steer a request. */

#include "api/answer.h"
#include "api/field.h"
#include "api/pretty.h"
#include "fhir/match.h"
#include "fhir/store.h"
#include "lib/suite.h"
#include "wire/http.h"

#include <check.h>

static struct arena *arena;

static void
begin(void)
{
	arena = arena_new(4096);
}

static void
end(void)
{
	arena_free(arena);
}

static struct http_params
parse(const char *text)
{
	struct http_params params;

	ck_assert(http_params_parse(arena, str_of(text), true, &params));
	return params;
}

/* --- queries -------------------------------------------------------------- */

START_TEST(a_query_becomes_decoded_pairs_in_order)
{
	struct http_params p = parse("name%3Acontains=Sm+i%2B&a=&b&=x&&c=1=2");

	ck_assert_uint_eq(p.n, 5);
	ck_assert(str_eqz(p.v[0].name, "name:contains"));
	ck_assert(str_eqz(p.v[0].value, "Sm i+"));
	ck_assert(str_eqz(p.v[1].name, "a") && p.v[1].value.n == 0);
	ck_assert(str_eqz(p.v[2].name, "b") && p.v[2].value.n == 0);
	ck_assert(p.v[3].name.n == 0 && str_eqz(p.v[3].value, "x"));
	ck_assert(str_eqz(p.v[4].value, "1=2"));
}
END_TEST

START_TEST(an_empty_query_has_no_parameters)
{
	ck_assert_uint_eq(parse("").n, 0);
	ck_assert_uint_eq(parse("&").n, 0);
}
END_TEST

START_TEST(an_invalid_query_leaves_nothing)
{
	static const char *const bad[] = { "a=%", "a=%4", "a=%zz", "a=%00",
	    "a=%ff", "ok=1&%c0%af=1" };
	struct http_params p;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_msg(!http_params_parse(arena, str_of(bad[i]), true,
		    &p), "%s", bad[i]);
		ck_assert(p.v == NULL && p.n == 0);
	}
}
END_TEST

START_TEST(too_many_parameters_are_refused)
{
	char text[2 * (HTTP_PARAMS_MAX + 1)];
	struct http_params p;

	memset(text, 'a', sizeof(text));
	for (size_t i = 1; i < sizeof(text); i += 2)
		text[i] = '&';
	ck_assert(http_params_parse(arena, (struct str){ text,
	    2 * HTTP_PARAMS_MAX - 1 }, true, &p));
	ck_assert_uint_eq(p.n, HTTP_PARAMS_MAX);
	ck_assert(!http_params_parse(arena, (struct str){ text,
	    sizeof(text) - 1 }, true, &p));
}
END_TEST

START_TEST(the_first_parameter_of_a_name_is_found)
{
	struct http_params p = parse("a=1&b=2&a=3");

	ck_assert(str_eqz(http_param(&p, STR("a")), "1"));
	ck_assert(http_param(&p, STR("c")).p == NULL);
}
END_TEST

/* --- answers -------------------------------------------------------------- */

START_TEST(an_answer_is_built_of_parts_and_cleared)
{
	struct http_answer answer;

	http_answer_init(&answer, arena);
	http_field(&answer, "A", STR("1"));
	http_field(&answer, "B", STR("2"));
	http_body(&answer, STR("abc"));
	http_body(&answer, STR(""));
	http_body(&answer, STR("de"));
	ck_assert_uint_eq(answer.body_bytes, 5);
	ck_assert_str_eq(answer.fields->next->name, "B");
	ck_assert(str_eqz(answer.parts->next->bytes, "de"));
	ck_assert_ptr_null(answer.parts->next->next);
	http_answer_clear(&answer);
	http_body(&answer, STR("x"));
	ck_assert_uint_eq(answer.body_bytes, 1);
	ck_assert_ptr_null(answer.fields);
}
END_TEST

START_TEST(methods_are_known_by_their_exact_names)
{
	ck_assert_int_eq(http_method_named(STR("GET")), HTTP_GET);
	ck_assert_int_eq(http_method_named(STR("PATCH")), HTTP_PATCH);
	ck_assert_int_eq(http_method_named(STR("get")), HTTP_METHOD__MAX);
	ck_assert_int_eq(http_method_named(STR("")), HTTP_METHOD__MAX);
	ck_assert_str_eq(http_method_name(HTTP_DELETE), "DELETE");
	ck_assert_str_eq(http_method_name(HTTP_METHOD__MAX), "other");
}
END_TEST

/* --- Accept and Content-Type ---------------------------------------------- */

START_TEST(accept_chooses_what_the_client_likes_best)
{
	static const struct { const char *accept, *media; } rows[] = {
		{ "", MEDIA_FHIR },
		{ "*/*", MEDIA_FHIR },
		{ "application/*", MEDIA_FHIR },
		{ "application/fhir+json", MEDIA_FHIR },
		{ "Application/FHIR+JSON; fhirVersion=4.0", MEDIA_FHIR },
		{ "application/json", MEDIA_JSON },
		{ "application/json;q=0.5, application/fhir+json;q=0.4",
		  MEDIA_JSON },
		{ "application/json;q=0.5,*/*;q=0.8", MEDIA_FHIR },
		{ "text/html, application/xhtml+xml, */*;q=0.1", MEDIA_FHIR },
		{ "application/fhir+json;q=0, */*", MEDIA_JSON },
		{ "application/fhir+xml", NULL },
		{ "text/html", NULL },
		{ "*/*;q=0", NULL },
		{ "application/json;q=2", NULL },
		{ "application/fhir+json;fhirVersion=5.0", NULL },
		{ ",;,=;q", NULL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_msg(field_accept(str_of(rows[i].accept),
		    MEDIA_FHIR) == rows[i].media || (rows[i].media != NULL &&
		    strcmp(field_accept(str_of(rows[i].accept), MEDIA_FHIR),
		    rows[i].media) == 0), "%s", rows[i].accept);
}
END_TEST

START_TEST(format_names_our_media_types_only)
{
	ck_assert_str_eq(field_format(STR("json")), MEDIA_FHIR);
	ck_assert_str_eq(field_format(STR("application/fhir+json")),
	    MEDIA_FHIR);
	ck_assert_str_eq(field_format(STR("application/fhir json")),
	    MEDIA_FHIR);
	ck_assert_str_eq(field_format(STR("application/json")), MEDIA_JSON);
	ck_assert_ptr_null(field_format(STR("xml")));
	ck_assert_ptr_null(field_format(STR("")));
}
END_TEST

START_TEST(bodies_are_json_in_utf_8)
{
	static const struct { const char *type; bool fine; } rows[] = {
		{ "application/fhir+json", true },
		{ "application/json", true },
		{ "Application/JSON ; Charset=\"UTF-8\"", true },
		{ "application/fhir+json; charset=utf-8; fhirVersion=4.0",
		  true },
		{ "application/json; charset=iso-8859-1", false },
		{ "application/fhir+json; fhirVersion=3.0", false },
		{ "application/fhir+xml", false },
		{ "text/plain", false },
		{ "application/x-www-form-urlencoded", false },
		{ "", false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_msg(field_is_json(str_of(rows[i].type)) ==
		    rows[i].fine, "%s", rows[i].type);
}
END_TEST

/* --- pretty answers ------------------------------------------------------- */

static struct str
prettied(const char *first, const char *rest)
{
	struct http_answer answer;

	http_answer_init(&answer, arena);
	http_body(&answer, str_of(first));
	http_body(&answer, str_of(rest));
	pretty_answer(&answer);
	ck_assert_ptr_null(answer.parts->next);
	ck_assert_uint_eq(answer.body_bytes, answer.parts->bytes.n);
	return answer.parts->bytes;
}

START_TEST(pretty_json_has_a_line_for_each_member)
{
	static const struct {
		const char *first, *rest, *pretty;
	} rows[] = {
		{ "{\"a\":1.10,\"b\":[tr", "ue,null]}", "{\n  \"a\": 1.10,\n"
		    "  \"b\": [\n    true,\n    null\n  ]\n}\n" },
		{ "{ \"a\" :\t[\r\n] , ", "\"b\": { } }",
		    "{\n  \"a\": [],\n  \"b\": {}\n}\n" },
		{ "{\"a{,\\\"\":\"x:\\", "\",[ ]\\\\\",\"\":\"\"}",
		    "{\n  \"a{,\\\"\": \"x:\\\",[ ]\\\\\",\n"
		    "  \"\": \"\"\n}\n" },
		{ "[[[]]", "]", "[\n  [\n    []\n  ]\n]\n" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_str_eq(arena_z(arena, prettied(rows[i].first,
		    rows[i].rest)), rows[i].pretty);
}
END_TEST

/* --- Prefer and entity tags ----------------------------------------------- */

START_TEST(prefer_is_read_in_both_spellings)
{
	struct prefer p = field_prefer(STR("return=minimal, "
	    "handling=lenient"));

	ck_assert(p.ret == PREFER_MINIMAL);
	ck_assert(p.handling == HANDLING_LENIENT);
	p = field_prefer(STR("handling=strict; return=\"OperationOutcome\""));
	ck_assert(p.ret == PREFER_OUTCOME);
	ck_assert(p.handling == HANDLING_STRICT);
	p = field_prefer(STR("respond-async, return=nonsense"));
	ck_assert(p.ret == PREFER_NOTHING && p.handling == HANDLING_NOTHING);
	p = field_prefer(STR("return=x, return=minimal, "
	    "return=representation"));
	ck_assert_msg(p.ret == PREFER_MINIMAL, "the first that is known");
}
END_TEST

START_TEST(what_was_done_of_prefer_is_told)
{
	static const struct {
		const char *prefer, *applied;
		bool writes;
	} rows[] = {
		{ "", "", true },
		{ "return=minimal", "return=minimal", true },
		{ "return=minimal", "", false },
		{ "handling=lenient", "handling=lenient", false },
		{ "handling=strict, return=OperationOutcome",
		    "return=OperationOutcome, handling=strict", true },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct prefer p = field_prefer(str_of(rows[i].prefer));

		ck_assert_msg(str_eqz(field_applied(arena, &p, rows[i].writes),
		    rows[i].applied), "%s", rows[i].prefer);
	}
}
END_TEST

START_TEST(if_match_is_one_version)
{
	static const char *const bad[] = { "", "7", "W/", "W/\"\"", "*",
	    "\"0\"", "\"01\"", "\"x\"", "W/\"1\", W/\"2\"", "w/\"1\"",
	    "\"2147483648\"", "\"" };
	int32_t ver = -1;

	ck_assert(match_version(STR("W/\"3\""), &ver) && ver == 3);
	ck_assert(match_version(STR(" \"2147483647\" "), &ver));
	ck_assert_int_eq(ver, INT32_MAX);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!match_version(str_of(bad[i]), &ver), "%s",
		    bad[i]);
}
END_TEST

START_TEST(conditions_of_a_write_are_one_version_some_or_none)
{
	static const struct {
		const char *if_match, *if_none_match;
		bool fine;
		int32_t match;
	} rows[] = {
		{ "", "", true, MATCH_ANY },
		{ "W/\"3\"", "", true, 3 },
		{ " * ", "", true, MATCH_SOME },
		{ "", " *", true, MATCH_NONE },
		{ "3", "", false, 0 },
		{ "", "W/\"3\"", false, 0 },
		{ "*", "*", false, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int32_t match = 7;
		const char *wrong = match_write(str_of(rows[i].if_match),
		    str_of(rows[i].if_none_match), &match);

		ck_assert_msg((wrong == NULL) == rows[i].fine, "%zu", i);
		ck_assert(!rows[i].fine || match == rows[i].match);
	}
}
END_TEST

START_TEST(if_none_match_may_name_any_tag)
{
	ck_assert(match_tag(STR("\"a\", W/\"b\""), STR("W/\"b\"")));
	ck_assert(match_tag(STR("*"), STR("W/\"b\"")));
	ck_assert(!match_tag(STR("W/\"bb\""), STR("W/\"b\"")));
	ck_assert(!match_tag(STR_NONE, STR("W/\"b\"")));
}
END_TEST

START_TEST(if_none_match_is_a_list_of_versions)
{
	ck_assert(match_none(STR("W/\"1\", W/\"2\""), 2));
	ck_assert(match_none(STR("*"), 9));
	ck_assert(!match_none(STR("W/\"1\""), 2));
	ck_assert(!match_none(STR("nonsense, \"x\""), 2));
}
END_TEST

int
main(void)
{
	TCase *tc = suite_case("http");

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, a_query_becomes_decoded_pairs_in_order);
	tcase_add_test(tc, an_empty_query_has_no_parameters);
	tcase_add_test(tc, an_invalid_query_leaves_nothing);
	tcase_add_test(tc, too_many_parameters_are_refused);
	tcase_add_test(tc, the_first_parameter_of_a_name_is_found);
	tcase_add_test(tc, an_answer_is_built_of_parts_and_cleared);
	tcase_add_test(tc, methods_are_known_by_their_exact_names);
	tcase_add_test(tc, accept_chooses_what_the_client_likes_best);
	tcase_add_test(tc, format_names_our_media_types_only);
	tcase_add_test(tc, bodies_are_json_in_utf_8);
	tcase_add_test(tc, pretty_json_has_a_line_for_each_member);
	tcase_add_test(tc, prefer_is_read_in_both_spellings);
	tcase_add_test(tc, what_was_done_of_prefer_is_told);
	tcase_add_test(tc, if_match_is_one_version);
	tcase_add_test(tc, conditions_of_a_write_are_one_version_some_or_none);
	tcase_add_test(tc, if_none_match_may_name_any_tag);
	tcase_add_test(tc, if_none_match_is_a_list_of_versions);
	return suite_run();
}
