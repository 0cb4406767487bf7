/* The table of operations: what it promises has a route, what it says of
 * itself is valid R4. */

#include "api/definition.h"
#include "api/operation.h"
#include "base/conf.h"
#include "fhir/primitive.h"
#include "fhir/validate.h"
#include "lib/resource.h"
#include "lib/suite.h"

#include <stdlib.h>

#include <check.h>

#undef fail	/* a macro of Check's past */

static struct arena *arena;
static struct ctx ctx;
static struct conf conf;

static void
open_ctx(void)
{
	arena = arena_new(1 << 16);
	conf.base_url = "https://api.example.org/v3";
	ctx = (struct ctx){ .arena = arena, .conf = &conf };
}

static void
close_ctx(void)
{
	arena_free(arena);
}

static const struct r4_type *
a_type_of(const struct operation *o)
{
	struct str types = str_of(o->types == NULL ? "Patient" : o->types);

	return r4_type_named(str_cut(&types, ' '));
}

static const struct route *
route_of(const struct operation *o, enum operation_level level,
    enum http_method method)
{
	const char *type = a_type_of(o)->name;
	struct route_match m;
	struct str path = level == OPERATION_SYSTEM ?
	    arena_printf(arena, "/v3/fhir/$%s", o->name) :
	    level == OPERATION_TYPE ?
	    arena_printf(arena, "/v3/fhir/%s/$%s", type, o->name) :
	    arena_printf(arena, "/v3/fhir/%s/1/$%s", type, o->name);

	route_find(method, path, &m);
	return m.route;
}

static void
expect_routes(const struct operation *o, enum operation_level level)
{
	const struct r4_type *type = level == OPERATION_SYSTEM ? NULL :
	    a_type_of(o);
	const struct route *post = route_of(o, level, HTTP_POST);
	const struct route *get = route_of(o, level, HTTP_GET);

	if ((o->levels & level) == 0) {
		ck_assert_msg((post == NULL ||
		    operation_of(post, type) != o) && (get == NULL ||
		    operation_of(get, type) != o),
		    "$%s has a route at a level it does not name", o->name);
		return;
	}
	ck_assert_msg(post != NULL || get != NULL, "$%s has no route at level "
	    "%d", o->name, level);
	ck_assert_msg(post == NULL || operation_of(post, type) == o,
	    "$%s: POST", o->name);
	ck_assert_msg(get == NULL || !o->affects_state,
	    "$%s changes something by GET", o->name);
}

START_TEST(every_operation_has_the_routes_of_its_levels)
{
	for (size_t i = 0; i < operations_count; i++) {
		expect_routes(&operations[i], OPERATION_SYSTEM);
		expect_routes(&operations[i], OPERATION_TYPE);
		expect_routes(&operations[i], OPERATION_INSTANCE);
	}
}
END_TEST

START_TEST(every_route_of_an_operation_is_in_the_table)
{
	for (size_t i = 0; i < routes_count; i++) {
		const char *mark = strstr(routes[i].path, "/$");
		bool found = false;

		if (mark == NULL)
			continue;
		ck_assert_msg(routes[i].pool == SLOW, "%s: nginx gives it to "
		    "the slow workers", routes[i].path);
		for (size_t j = 0; j < operations_count; j++)
			found |= operation_of(&routes[i], strstr(routes[i].path,
			    "{type}") == NULL ? NULL :
			    a_type_of(&operations[j])) != NULL;
		ck_assert_msg(found, "%s", routes[i].path);
	}
}
END_TEST

START_TEST(types_and_parameters_are_of_r4)
{
	for (size_t i = 0; i < operations_count; i++) {
		struct str types = str_of(operations[i].types);

		while (types.p != NULL)
			ck_assert_ptr_nonnull(r4_type_named(str_cut(&types,
			    ' ')));
		for (const struct parameter_kind *k = operations[i].params;
		    k->name != NULL; k++)
			ck_assert_msg(k->documentation != NULL, "$%s %s",
			    operations[i].name, k->name);
	}
}
END_TEST

START_TEST(every_definition_is_valid_and_found_by_its_id)
{
	const struct r4_type *type = r4_type_named(STR("OperationDefinition"));

	for (size_t i = 0; i < operations_count; i++) {
		struct str id = operation_id(arena, &operations[i]);
		struct str text = definition_read(&ctx, type, id);
		struct jdoc d;

		ck_assert_msg(text.p != NULL, "%.*s", STR_ARGS(id));
		d = resource_parse(arena, text);
		ck_assert_msg(validate(&ctx, &d, 0, type) == OK, "%.*s: %.*s",
		    STR_ARGS(id), STR_ARGS(ctx.fault.issues->text));
		ck_assert(jdoc_is(&d, jdoc_get(&d, 0, STR("id")), id));
		for (size_t j = 0; j < i; j++)
			ck_assert_msg(!str_eq(id, operation_id(arena,
			    &operations[j])), "%.*s twice", STR_ARGS(id));
	}
	ck_assert(definition_read(&ctx, type, STR("none")).p == NULL);
	ck_assert(definition_read(&ctx, r4_type_named(STR("Patient")),
	    STR("Resource-validate")).p == NULL);
}
END_TEST

static int
by_id(const void *a, const void *b)
{
	const struct definition *x = a, *y = b;

	return str_cmp(x->id, y->id);
}

START_TEST(every_search_parameter_is_valid_and_has_an_id_of_its_own)
{
	const struct r4_type *type = r4_type_named(STR("SearchParameter"));
	struct definitions list = definition_list(&ctx, type);

	ck_assert_uint_gt(list.n, 2000);
	qsort(list.v, list.n, sizeof(*list.v), by_id);
	for (size_t i = 0; i < list.n; i++) {
		struct str text = definition_write(&ctx, &list.v[i]);
		struct jdoc d = resource_parse(arena, text);

		ck_assert_msg(validate(&ctx, &d, 0, type) == OK, "%.*s: %.*s",
		    STR_ARGS(text), STR_ARGS(ctx.fault.issues->text));
		ck_assert_msg(i == 0 || !str_eq(list.v[i].id,
		    list.v[i - 1].id), "%.*s twice", STR_ARGS(list.v[i].id));
	}
	ck_assert(definition_read(&ctx, type, STR("Patient-birthdate")).p !=
	    NULL);
}
END_TEST

int
main(void)
{
	TCase *tc = suite_case("operation");

	tcase_add_checked_fixture(tc, open_ctx, close_ctx);
	tcase_add_test(tc, every_operation_has_the_routes_of_its_levels);
	tcase_add_test(tc, every_route_of_an_operation_is_in_the_table);
	tcase_add_test(tc, types_and_parameters_are_of_r4);
	tcase_add_test(tc, every_definition_is_valid_and_found_by_its_id);
	tcase_add_test(tc,
	    every_search_parameter_is_valid_and_has_an_id_of_its_own);
	return suite_run();
}
