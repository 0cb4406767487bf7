/*
 * What a client gets when something is wrong: each code in each face, and each
 * step of a request that can refuse it. No database is there.
 */

#include "api/answer.h"
#include "api/request.h"
#include "base/buf.h"
#include "base/conf.h"
#include "base/hash.h"
#include "base/log.h"
#include "fhir/outcome.h"
#include "lib/suite.h"
#include "wire/json.h"
#include "wire/pg.h"

#include <check.h>
#include <jansson.h>
#include <stdlib.h>

#define VARS_MAX	8

static const struct conf conf = {
	.environment = "sandbox",
	.issuer = "https://localhost",
	.base_url = "https://localhost/v3",
};

#define INTERNAL	"An internal error; the request id leads the " \
	"operator to its cause"

static struct arena *arena;
static struct pg *pg;
static struct http_answer answer;
static const char *vars[VARS_MAX][2];
static size_t nvars;

static void
begin(void)
{
	ck_assert(hash_init());
	log_set_level(LOG_LEVEL_ERROR);
	arena = arena_new(4096);
	pg = pg_new("host=/nonexistent", 1000);
	nvars = 0;
}

static void
end(void)
{
	arena_free(arena);
	pg_free(pg);
}

/* --- a request without a transport ---------------------------------------- */

static struct str
var(const struct http_req *req, const char *name)
{
	(void)req;
	for (size_t i = 0; i < nvars; i++)
		if (strcmp(vars[i][0], name) == 0)
			return str_of(vars[i][1]);
	return STR_NONE;
}

static void
set(const char *name, const char *value)
{
	vars[nvars][0] = name;
	vars[nvars++][1] = value;
}

/* All steps of one request. */
static void
handle(struct request_world *world, const struct http_req *req)
{
	struct http_exchange x = { .arena = arena, .req = *req };

	http_answer_init(&x.answer, arena);
	(void)request_handler.ask(world, &x);
	request_handler.answer(world, &x);
	request_handler.sent(world, &x);
	answer = x.answer;
}

/* "GET /path?query" by a client with those scopes (NULL: nobody), with the
 * variables set since the last one. */
static int
ask(const char *method, const char *where, const char *scopes,
    struct str body)
{
	struct request_world world = { .conf = &conf, .pg = pg,
	    .schema_known = true };
	struct str query = str_of(where);
	struct http_req req = { .var = var };

	req.path = str_cut(&query, '?');
	req.query = query;
	req.method_name = str_of(method);
	req.method = http_method_named(req.method_name);
	req.body = body;
	req.content_type = var(&req, "CONTENT_TYPE");
	if (scopes != NULL) {
		set("EDGE_CLIENT_ID", "client");
		set("EDGE_TENANT", "1");
		set("EDGE_SCOPE", scopes);
	}
	set("EDGE_REQUEST_ID", "req_abcdefghijklmnopqrstuvwxyz");
	handle(&world, &req);
	nvars = 0;
	return answer.status;
}

static struct str
field(const char *name)
{
	for (const struct http_field *f = answer.fields; f; f = f->next)
		if (strcmp(f->name, name) == 0)
			return f->value;
	return STR_NONE;
}

static struct str
body_text(void)
{
	struct buf b = buf_new(arena, 0);

	for (const struct http_part *p = answer.parts; p; p = p->next)
		buf_add(&b, p->bytes);
	return buf_str(&b);
}

/* A member of the body by its path, as text; "" when absent. */
static const char *
member(const char *first, const char *second)
{
	struct str text = body_text();
	json_t *json = json_loadb(text.p, text.n, 0, NULL);
	const json_t *value = json_object_get(json, first);
	const char *found;

	ck_assert_msg(json != NULL, "%.*s", STR_ARGS(text));
	if (second != NULL)
		value = json_object_get(json_is_array(value) ?
		    json_array_get(value, 0) : value, second);
	found = json_is_string(value) ?
	    arena_z(arena, str_of(json_string_value(value))) : "";
	json_decref(json);
	return found;
}

/* --- each code in each face ----------------------------------------------- */

static void
answer_with(enum err err, enum face face, const char *need)
{
	struct ctx ctx = { .arena = arena, .conf = &conf,
	    .request_id = STR("req_abcdefghijklmnopqrstuvwxyz") };

	/* Check's own fail() is a macro. */
	(void)(fail)(&ctx, err, "what \"was\" wrong: %d", 1);
	http_answer_init(&answer, arena);
	http_field(&answer, "ETag", STR("W/\"1\""));
	http_body(&answer, STR("begun"));
	answer_fault(&ctx, face, err, str_of(need), &answer);
}

START_TEST(every_code_has_its_rest_form)
{
	for (int e = ERR_INVALID_REQUEST; e < ERR__MAX; e++) {
		const struct fault_kind *kind = fault_kind((enum err)e);

		answer_with((enum err)e, FACE_REST, "");
		ck_assert_int_eq(answer.status, kind->status);
		ck_assert_int_ge(answer.status, 400);
		ck_assert_str_eq(answer.content_type, MEDIA_JSON);
		ck_assert_str_eq(member("error", "code"), kind->code);
		ck_assert_str_eq(member("error", "message"),
		    e == ERR_INTERNAL ? INTERNAL : "What \"was\" wrong: 1");
		ck_assert_str_eq(member("error", "requestId"),
		    "req_abcdefghijklmnopqrstuvwxyz");
		ck_assert(str_eqz(field("Cache-Control"),
		    "private, no-store"));
		ck_assert(field("ETag").p == NULL);
	}
}
END_TEST

START_TEST(every_code_has_its_fhir_form)
{
	for (int e = ERR_INVALID_REQUEST; e < ERR__MAX; e++) {
		const struct fault_kind *kind = fault_kind((enum err)e);

		answer_with((enum err)e, FACE_FHIR, "");
		ck_assert_int_eq(answer.status, kind->status);
		ck_assert_str_eq(answer.content_type, MEDIA_FHIR);
		ck_assert_str_eq(member("resourceType", NULL),
		    "OperationOutcome");
		ck_assert_str_eq(member("issue", "code"), kind->issue);
	}
}
END_TEST

START_TEST(every_code_has_its_oauth_form)
{
	for (int e = ERR_INVALID_REQUEST; e < ERR__MAX; e++) {
		const struct fault_kind *kind = fault_kind((enum err)e);

		answer_with((enum err)e, FACE_OAUTH, "");
		ck_assert_int_eq(answer.status, kind->status);
		ck_assert_str_eq(answer.content_type, MEDIA_JSON);
		ck_assert_str_eq(member("error", NULL), kind->oauth);
		/* RFC 6749 5.2: no quotation mark in the description. */
		ck_assert_str_eq(member("error_description", NULL),
		    e == ERR_INTERNAL ? INTERNAL : "What 'was' wrong: 1");
		ck_assert(str_eqz(field("Pragma"), "no-cache"));
	}
}
END_TEST

static const char *
find(const char *part)
{
	struct str body = body_text();

	return memmem(body.p, body.n, part, strlen(part));
}

/* Its text may name files and keys of the operator. */
START_TEST(the_cause_of_an_internal_error_is_not_told)
{
	answer_with(ERR_INTERNAL, FACE_REST, "");
	ck_assert_ptr_nonnull(find(INTERNAL));
	ck_assert_ptr_null(find("wrong"));
	answer_with(ERR_INTERNAL, FACE_FHIR, "");
	ck_assert_ptr_nonnull(find(INTERNAL));
	ck_assert_ptr_null(find("wrong"));
}
END_TEST

START_TEST(a_401_and_a_403_say_what_is_needed)
{
	answer_with(ERR_INVALID_TOKEN, FACE_FHIR, "");
	ck_assert(str_eqz(field("WWW-Authenticate"),
	    "Bearer realm=\"2care\""));
	answer_with(ERR_SCOPE, FACE_FHIR, "patient:read");
	ck_assert(str_eqz(field("WWW-Authenticate"), "Bearer realm=\"2care\", "
	    "error=\"insufficient_scope\", scope=\"patient:read\""));
	answer_with(ERR_SCOPE, FACE_REST, "");
	ck_assert(str_eqz(field("WWW-Authenticate"), "Bearer realm=\"2care\", "
	    "error=\"insufficient_scope\""));
	answer_with(ERR_OAUTH_CLIENT, FACE_OAUTH, "");
	ck_assert(str_starts(field("WWW-Authenticate"), STR("Basic ")));
	answer_with(ERR_NOT_FOUND, FACE_REST, "");
	ck_assert(field("WWW-Authenticate").p == NULL);
}
END_TEST

START_TEST(a_503_says_when_to_come_back)
{
	answer_with(ERR_UNAVAILABLE, FACE_REST, "");
	ck_assert(str_eqz(field("Retry-After"), "1"));
}
END_TEST

/* --- each step of a request ----------------------------------------------- */

#define ALL_SCOPES	"system:read system:write"

START_TEST(an_unknown_path_is_404_in_its_face)
{
	ck_assert_int_eq(ask("GET", "/v3/patients", NULL, STR_NONE), 404);
	ck_assert_str_eq(member("error", "code"), "resource_not_found");
	ck_assert_int_eq(ask("GET", "/v3/fhir/x", NULL, STR_NONE), 404);
	ck_assert_str_eq(member("resourceType", NULL), "OperationOutcome");
	ck_assert_int_eq(ask("GET", "/oauth/x", NULL, STR_NONE), 404);
	ck_assert_str_eq(member("error", NULL), "invalid_request");
	ck_assert_int_eq(ask("GET", "/v3/fhir/Nonsense/1", ALL_SCOPES,
	    STR_NONE), 404);
}
END_TEST

START_TEST(a_path_must_be_utf8)
{
	ck_assert_int_eq(ask("GET", "/v3/fhir/Pat\xc0\xaf/1", ALL_SCOPES,
	    STR_NONE), 400);
	ck_assert_int_eq(ask("OPTIONS", "/v3/\xff", NULL, STR_NONE), 400);
}
END_TEST

START_TEST(a_wrong_method_is_405_and_options_204)
{
	ck_assert_int_eq(ask("POST", "/v3/fhir/Patient/1", ALL_SCOPES,
	    STR_NONE), 405);
	ck_assert(str_eqz(field("Allow"),
	    "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"));
	ck_assert_int_eq(ask("BREW", "/v3/fhir/Patient/1", ALL_SCOPES,
	    STR_NONE), 405);
	ck_assert_int_eq(ask("GET", "/oauth/token", NULL, STR_NONE), 405);
	ck_assert_int_eq(ask("OPTIONS", "/v3/fhir/Patient/1", NULL,
	    STR_NONE), 204);
	ck_assert(str_eqz(field("Allow"),
	    "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"));
	ck_assert(str_eqz(field("Accept-Patch"),
	    "application/json-patch+json, application/fhir+json"));
}
END_TEST

START_TEST(nobody_is_401)
{
	ck_assert_int_eq(ask("GET", "/v3/fhir/Patient/1", NULL, STR_NONE),
	    401);
	ck_assert_int_eq(ask("POST", "/v3/fhir", NULL, STR_NONE), 401);
}
END_TEST

START_TEST(a_token_without_tenant_is_401)
{
	static const char *const bad[] = { "", "0", "-1", "x", "2147483648" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		set("EDGE_CLIENT_ID", "client");
		set("EDGE_SCOPE", ALL_SCOPES);
		set("EDGE_TENANT", bad[i]);
		ck_assert_int_eq(ask("GET", "/v3/fhir/Patient/1", NULL,
		    STR_NONE), 401);
	}
}
END_TEST

START_TEST(a_missing_scope_is_403)
{
	ck_assert_int_eq(ask("GET", "/v3/fhir/Patient/1", "clinical:read",
	    STR_NONE), 403);
	ck_assert_str_eq(member("issue", "code"), "forbidden");
	ck_assert_int_eq(ask("DELETE", "/v3/fhir/Patient/1", "patient:write",
	    STR_NONE), 403);
	ck_assert_int_eq(ask("POST", "/v3/fhir/AuditEvent", ALL_SCOPES
	    " system:admin", STR_NONE), 403);
}
END_TEST

START_TEST(a_bad_query_is_400)
{
	static const char *const bad[] = { "?a=%zz", "?a=%00", "?foo=1",
	    "?_prettier=true" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct str where = arena_printf(arena,
		    "/v3/fhir/Patient/1%s", bad[i]);

		ck_assert_int_eq(ask("GET", where.p, ALL_SCOPES, STR_NONE),
		    400);
		ck_assert_str_eq(member("issue", "code"), "invalid");
	}
}
END_TEST

START_TEST(an_unacceptable_answer_is_406)
{
	set("HTTP_ACCEPT", "application/fhir+xml");
	ck_assert_int_eq(ask("GET", "/v3/fhir/Patient/1", ALL_SCOPES,
	    STR_NONE), 406);
	ck_assert_int_eq(ask("GET", "/v3/fhir/Patient/1?_format=xml",
	    ALL_SCOPES, STR_NONE), 406);
}
END_TEST

START_TEST(format_wins_over_accept)
{
	set("HTTP_ACCEPT", "application/fhir+xml");
	ck_assert_int_eq(ask("GET", "/v3/fhir/metadata?_format=json",
	    NULL, STR_NONE), 200);
	ck_assert_str_eq(answer.content_type, MEDIA_FHIR);
	ck_assert_str_eq(member("resourceType", NULL), "CapabilityStatement");
	set("HTTP_ACCEPT", "application/json");
	ck_assert_int_eq(ask("GET", "/v3/fhir/metadata", NULL, STR_NONE),
	    200);
	ck_assert_str_eq(answer.content_type, MEDIA_JSON);
}
END_TEST

START_TEST(a_body_of_another_type_is_415)
{
	ck_assert_int_eq(ask("POST", "/v3/fhir/Patient", ALL_SCOPES,
	    STR("{}")), 415);
	set("CONTENT_TYPE", "application/fhir+xml");
	ck_assert_int_eq(ask("POST", "/v3/fhir/Patient", ALL_SCOPES,
	    STR("<Patient/>")), 415);
}
END_TEST

static int
create(struct str body)
{
	set("CONTENT_TYPE", MEDIA_FHIR);
	return ask("POST", "/v3/fhir/Patient", ALL_SCOPES, body);
}

START_TEST(a_body_that_is_not_the_resource_is_400)
{
	static const char *const bad[] = { "", "{", "[]", "{}", "null",
	    "{\"resourceType\":\"Patient\"}x", "{\"resourceType\":1}",
	    "{\"resourceType\":\"Observation\"}",
	    "{\"resourceType\":\"Patient\",\"resourceType\":\"Patient\"}",
	    "{\"resourceType\":\"Patient\",\"a\":\"\xff\"}" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(create(str_of(bad[i])) == 400, "%s", bad[i]);
}
END_TEST

START_TEST(broken_json_is_told_with_its_place)
{
	ck_assert_int_eq(create(STR("{\"a\":1,\n  \"b\":}")), 400);
	ck_assert_msg(find("line 2, column 7") != NULL,
	    "%s", body_text().p);
}
END_TEST

START_TEST(too_many_values_are_413)
{
	struct buf b = buf_new(arena, 9 * 1024 * 1024);

	buf_addc(&b, '[');
	for (int i = 0; i < 2200; i++) {
		buf_addz(&b, i == 0 ? "[1" : ",[1");
		for (int k = 0; k < 2000; k++)
			buf_addz(&b, ",1");
		buf_addc(&b, ']');
	}
	buf_addc(&b, ']');
	ck_assert_int_eq(create(buf_str(&b)), 413);
}
END_TEST

START_TEST(criteria_that_are_none_are_400)
{
	set("HTTP_IF_NONE_EXIST", "nonsense=x");
	set("CONTENT_TYPE", MEDIA_FHIR);
	ck_assert_int_eq(ask("POST", "/v3/fhir/Patient", ALL_SCOPES,
	    STR("{\"resourceType\":\"Patient\"}")), 400);
	ck_assert_str_eq(member("issue", "code"), "invalid");
	ck_assert_int_eq(ask("DELETE", "/v3/fhir/Patient?_sort=_id",
	    ALL_SCOPES, STR_NONE), 400);
	ck_assert_str_eq(member("issue", "code"), "invalid");
}
END_TEST

static int
update(const char *where, const char *if_match, const char *body)
{
	set("CONTENT_TYPE", MEDIA_FHIR);
	set("HTTP_IF_MATCH", if_match);
	return ask("PUT", where, ALL_SCOPES, str_of(body));
}

START_TEST(an_update_must_agree_with_its_address)
{
	static const char one[] = "{\"resourceType\":\"Patient\","
	    "\"id\":\"1\"}";

	ck_assert_int_eq(update("/v3/fhir/Patient/2", "", one), 400);
	ck_assert_int_eq(update("/v3/fhir/Patient/1", "",
	    "{\"resourceType\":\"Patient\"}"), 400);
	ck_assert_int_eq(update("/v3/fhir/Patient/a_b", "",
	    "{\"resourceType\":\"Patient\",\"id\":\"a_b\"}"), 400);
	ck_assert_int_eq(update("/v3/fhir/Patient/1", "7", one), 400);
}
END_TEST

START_TEST(an_id_that_cannot_be_is_404)
{
	ck_assert_int_eq(ask("GET", "/v3/fhir/Patient/a_b", ALL_SCOPES,
	    STR_NONE), 404);
	ck_assert_int_eq(ask("GET", "/v3/fhir/Patient/1/_history/x",
	    ALL_SCOPES, STR_NONE), 404);
	ck_assert_int_eq(ask("GET", "/v3/fhir/Patient/1/_history/0",
	    ALL_SCOPES, STR_NONE), 404);
}
END_TEST

START_TEST(history_takes_counts_within_bounds)
{
	static const char *const bad[] = { "_count=0", "_count=1001",
	    "_count=x", "_before=0", "_before=-1" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct str where = arena_printf(arena,
		    "/v3/fhir/Patient/1/_history?%s", bad[i]);

		ck_assert_int_eq(ask("GET", where.p, ALL_SCOPES, STR_NONE),
		    400);
		ck_assert_str_eq(member("issue", "code"), "value");
	}
}
END_TEST

START_TEST(without_the_database_it_is_503)
{
	struct request_world world = { .conf = &conf, .pg = pg };
	struct http_req req = { .var = var, .method = HTTP_GET,
	    .path = STR("/v3/fhir/metadata") };

	ck_assert_int_eq(ask("GET", "/health", NULL, STR_NONE), 200);
	ck_assert_int_eq(ask("GET", "/metrics", NULL, STR_NONE), 200);
	ck_assert_int_eq(ask("GET", "/ready", NULL, STR_NONE), 503);
	ck_assert_int_eq(ask("GET", "/v3/fhir/Patient/1", ALL_SCOPES,
	    STR_NONE), 503);
	ck_assert(str_eqz(field("Retry-After"), "1"));
	handle(&world, &req);
	ck_assert_int_eq(answer.status, 503);
	ck_assert(!world.schema_known);
}
END_TEST

START_TEST(a_request_without_id_gets_one)
{
	struct request_world world = { .conf = &conf, .pg = pg,
	    .schema_known = true };
	struct http_req req = { .var = var, .method = HTTP_GET,
	    .path = STR("/v3/nothing") };
	struct str id;

	handle(&world, &req);
	id = str_of(member("error", "requestId"));
	ck_assert_uint_eq(id.n, 30);
	ck_assert(str_starts(id, STR("req_")));
}
END_TEST

static void
add_tests(TCase *tc)
{
	tcase_add_test(tc, every_code_has_its_rest_form);
	tcase_add_test(tc, every_code_has_its_fhir_form);
	tcase_add_test(tc, every_code_has_its_oauth_form);
	tcase_add_test(tc, the_cause_of_an_internal_error_is_not_told);
	tcase_add_test(tc, a_401_and_a_403_say_what_is_needed);
	tcase_add_test(tc, a_503_says_when_to_come_back);
	tcase_add_test(tc, an_unknown_path_is_404_in_its_face);
	tcase_add_test(tc, a_path_must_be_utf8);
	tcase_add_test(tc, a_wrong_method_is_405_and_options_204);
	tcase_add_test(tc, nobody_is_401);
	tcase_add_test(tc, a_token_without_tenant_is_401);
	tcase_add_test(tc, a_missing_scope_is_403);
	tcase_add_test(tc, a_bad_query_is_400);
	tcase_add_test(tc, an_unacceptable_answer_is_406);
	tcase_add_test(tc, format_wins_over_accept);
	tcase_add_test(tc, a_body_of_another_type_is_415);
	tcase_add_test(tc, a_body_that_is_not_the_resource_is_400);
	tcase_add_test(tc, broken_json_is_told_with_its_place);
	tcase_add_test(tc, too_many_values_are_413);
	tcase_add_test(tc, criteria_that_are_none_are_400);
	tcase_add_test(tc, an_update_must_agree_with_its_address);
	tcase_add_test(tc, an_id_that_cannot_be_is_404);
	tcase_add_test(tc, history_takes_counts_within_bounds);
	tcase_add_test(tc, without_the_database_it_is_503);
	tcase_add_test(tc, a_request_without_id_gets_one);
}

int
main(void)
{
	TCase *tc = suite_case("answer");

	tcase_add_checked_fixture(tc, begin, end);
	add_tests(tc);
	return suite_run();
}
