/* Which row a method and a path select, and what the table promises. */

#include "api/route.h"
#include "lib/suite.h"

#include "api/fhir.h"
#include "fhir/scope.h"

#include <check.h>

static struct route_match
find(enum http_method method, const char *path)
{
	struct route_match m;

	route_find(method, str_of(path), &m);
	return m;
}

START_TEST(a_row_is_found_by_method_and_path)
{
	static const struct {
		enum http_method	 method;
		const char		*path;
		route_handler		*handler;
	} rows[] = {
		{ HTTP_GET, "/v3/fhir/metadata", fhir_capabilities },
		{ HTTP_POST, "/v3/fhir", fhir_bundle },
		{ HTTP_POST, "/v3/fhir/", fhir_bundle },
		{ HTTP_GET, "/v3/fhir/Patient", fhir_search },
		{ HTTP_HEAD, "/v3/fhir/Patient", fhir_search },
		{ HTTP_POST, "/v3/fhir/Patient", fhir_create },
		{ HTTP_POST, "/v3/fhir/Patient/_search",
		    fhir_search_form },
		{ HTTP_PUT, "/v3/fhir/Patient", fhir_update_by },
		{ HTTP_GET, "/v3/fhir/Patient/1", fhir_read },
		{ HTTP_PUT, "/v3/fhir/Patient/a.b-C", fhir_update },
		{ HTTP_PATCH, "/v3/fhir/Patient", fhir_patch_by },
		{ HTTP_PATCH, "/v3/fhir/Patient/a.b-C", fhir_patch },
		{ HTTP_DELETE, "/v3/fhir/Patient/1", fhir_delete },
		{ HTTP_GET, "/v3/fhir/Patient/1/_history", fhir_history },
		{ HTTP_GET, "/v3/fhir/Patient/1/_history/2", fhir_read },
		{ HTTP_GET, "/v3/fhir/Patient/_history", fhir_history_type },
		{ HTTP_GET, "/v3/fhir/_history", fhir_history_system },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct route_match m = find(rows[i].method, rows[i].path);

		ck_assert_msg(m.route != NULL &&
		    m.route->handler == rows[i].handler, "%s", rows[i].path);
	}
}
END_TEST

START_TEST(the_holes_keep_what_they_matched)
{
	struct route_match m = find(HTTP_GET,
	    "/v3/fhir/Observation/x.1/_history/7");

	ck_assert(str_eqz(m.type, "Observation"));
	ck_assert(str_eqz(m.id, "x.1"));
	ck_assert(str_eqz(m.vid, "7"));
	m = find(HTTP_GET, "/v3/fhir/ValueSet/$expand");
	ck_assert(str_eqz(m.type, "ValueSet"));
	ck_assert_msg(m.id.n == 0, "another row's hole is kept");
	m = find(HTTP_GET, "/v3/fhir/Patient/_history");
	ck_assert_uint_eq(m.id.n, 0);	/* a row that failed behind it */
	m = find(HTTP_GET, "/v3/fhir/_history");
	ck_assert_uint_eq(m.type.n, 0);
}
END_TEST

START_TEST(other_paths_have_no_row)
{
	static const char *const paths[] = { "", "/", "/v3", "/v3/patients",
	    "/v3/fhirx", "/v3/fhir//", "/v3/fhir/patient", "/v3/fhir/Patient//",
	    "/v3/fhir/Patient/_searches", "/v3/fhir/Patient/$nonsense",
	    "/v3/fhir/Patient/1/_history/2/3", "/v3/fhir/Patient/1/x",
	    "/v3/fhir/$nonsense", "/oauth", "/oauth/token/x", "health" };

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		ck_assert_msg(find(HTTP_GET, paths[i]).allowed == 0, "%s",
		    paths[i]);
}
END_TEST

START_TEST(a_path_tells_its_methods)
{
	struct arena *arena = arena_new(1024);
	struct route_match m = find(HTTP_POST, "/v3/fhir/Patient/1");

	ck_assert_ptr_null(m.route);
	ck_assert(str_eqz(route_allow(arena, m.allowed),
	    "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"));
	m = find(HTTP_METHOD__MAX, "/oauth/token");
	ck_assert(m.route == NULL);
	ck_assert(str_eqz(route_allow(arena, m.allowed), "POST, OPTIONS"));
	arena_free(arena);
}
END_TEST

START_TEST(faces_follow_the_path_even_where_nothing_is)
{
	ck_assert_int_eq(route_face(STR("/v3/fhir/Nonsense/x/y")), FACE_FHIR);
	ck_assert_int_eq(route_face(STR("/v3/fhir")), FACE_FHIR);
	ck_assert_int_eq(route_face(STR("/v3/fhirx")), FACE_REST);
	ck_assert_int_eq(route_face(STR("/v3/patients")), FACE_REST);
	ck_assert_int_eq(route_face(STR("/oauth/nonsense")), FACE_OAUTH);
	ck_assert_int_eq(route_face(STR("")), FACE_REST);
}
END_TEST

START_TEST(only_known_parameters_are_taken)
{
	const struct route *r = find(HTTP_GET,
	    "/v3/fhir/Patient/1/_history").route;

	ck_assert(route_takes(r, STR("_count")));
	ck_assert(route_takes(r, STR("_before")));
	ck_assert(!route_takes(r, STR("_cursor")));
	ck_assert(!route_takes(r, STR("_count _before")));
	r = find(HTTP_GET, "/v3/fhir/Patient").route;
	ck_assert(route_takes(r, STR("anything")));
}
END_TEST

START_TEST(every_row_says_what_it_needs)
{
	for (size_t i = 0; i < routes_count; i++) {
		const struct route *r = &routes[i];
		bool typed = strstr(r->path, "{type}") != NULL;

		ck_assert_ptr_nonnull(r->handler);
		ck_assert_ptr_nonnull(r->summary);
		ck_assert_msg(typed == (r->verbs != 0), "%s", r->path);
		ck_assert_msg(!typed || r->who == TOKEN, "%s", r->path);
		ck_assert_msg(r->face == route_face(str_of(r->path)), "%s",
		    r->path);
	}
}
END_TEST

int
main(void)
{
	TCase *tc = suite_case("route");

	tcase_add_test(tc, a_row_is_found_by_method_and_path);
	tcase_add_test(tc, the_holes_keep_what_they_matched);
	tcase_add_test(tc, other_paths_have_no_row);
	tcase_add_test(tc, a_path_tells_its_methods);
	tcase_add_test(tc, faces_follow_the_path_even_where_nothing_is);
	tcase_add_test(tc, only_known_parameters_are_taken);
	tcase_add_test(tc, every_row_says_what_it_needs);
	return suite_run();
}
