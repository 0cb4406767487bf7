/* The generated R4 tables: complete, sorted, and numbered for ever. */

#include "lib/resource.h"
#include "lib/suite.h"

#include "fhir/r4.h"
#include "fhir/structure.h"

#include <check.h>
#include <stdio.h>
#include <unistd.h>

#define NUMBERS	"tools/r4/numbers.tsv"

/* R4 resourcelist.html: 148 with Resource and DomainResource. */
#define R4_TYPES	146

static const struct r4_structure *
structure_of(const char *type)
{
	return &r4_structures[r4_type_named(str_of(type))->structure];
}

START_TEST(every_resource_type_of_r4_is_there)
{
	ck_assert_uint_eq(r4_types_count, R4_TYPES);
	for (size_t i = 0; i < r4_types_count; i++) {
		const struct r4_type *type = &r4_types[i];

		ck_assert_int_eq(type->number, (int)i + 1);
		ck_assert_ptr_eq(r4_type_numbered(type->number), type);
		ck_assert_ptr_eq(r4_type_named(str_of(type->name)), type);
		ck_assert_str_eq(r4_structures[type->structure].name,
		    type->name);
		ck_assert(r4_structures[type->structure].resource);
	}
}
END_TEST

START_TEST(unknown_and_abstract_types_are_not_found)
{
	static const char *const names[] = { "", "patient", "Patien",
		"Patients", "Resource", "DomainResource", "HumanName",
		"SubscriptionStatus" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		ck_assert_ptr_null(r4_type_named(str_of(names[i])));
	ck_assert_ptr_null(r4_type_numbered(0));
	ck_assert_ptr_null(r4_type_numbered(-1));
	ck_assert_ptr_null(r4_type_numbered(R4_TYPES + 1));
}
END_TEST

START_TEST(parameters_are_sorted_and_found_by_code)
{
	for (size_t i = 0; i < r4_types_count; i++) {
		const struct r4_type *type = &r4_types[i];

		for (size_t j = 0; j < type->nparams; j++) {
			ck_assert_ptr_eq(type->params[j], r4_param_named(type,
			    str_of(type->params[j]->code)));
			if (j > 0)
				ck_assert_int_lt(strcmp(
				    type->params[j - 1]->code,
				    type->params[j]->code), 0);
		}
		ck_assert_ptr_null(r4_param_named(type, STR("zzz")));
		ck_assert_ptr_nonnull(r4_param_named(type, STR("_id")));
	}
}
END_TEST

static void
check_row(const struct r4_structure *s, const struct r4_element *row)
{
	ck_assert_uint_eq(strlen(row->name), row->name_len);
	ck_assert_ptr_eq(r4_element_named(s, str_of(row->name)), row);
	ck_assert_uint_le(row->base_len, row->name_len);
	ck_assert_uint_le(row->slot, 64);
	if (row->base_len < row->name_len)
		ck_assert_uint_gt(row->slot, 0);
	if (row->min > 0)
		ck_assert_uint_ne(s->required >> (row->slot - 1) & 1, 0);
	for (const int16_t *t = &r4_targets[row->targets]; *t != 0; t++)
		ck_assert_ptr_nonnull(r4_type_numbered(*t));
}

/* Every structure that can be reached from a type is looked at. */
START_TEST(elements_are_sorted_and_point_at_rows_that_exist)
{
	static bool seen[UINT16_MAX];
	static uint16_t todo[UINT16_MAX];
	size_t n = 0;

	for (size_t i = 0; i < r4_types_count; i++)
		todo[n++] = r4_types[i].structure;
	while (n > 0) {
		const struct r4_structure *s = &r4_structures[todo[--n]];

		for (size_t i = 0; i < s->count; i++) {
			const struct r4_element *row = &s->elements[i];

			check_row(s, row);
			if (row->kind == R4_PRIMITIVE)
				ck_assert_uint_lt(row->type, PRIM__MAX);
			if (row->kind != R4_COMPLEX || seen[row->type])
				continue;
			seen[row->type] = true;
			todo[n++] = row->type;
		}
	}
}
END_TEST

/* type, element, base, kind, min, max of some well-known rows. */
START_TEST(rows_say_what_r4_says)
{
	static const struct {
		const char *type, *name, *base;
		int kind, min, max;
	} rows[] = {
		{ "Patient", "birthDate", "birthDate", R4_PRIMITIVE, 0, 1 },
		{ "Patient", "name", "name", R4_COMPLEX, 0, R4_MANY },
		{ "Patient", "contained", "contained", R4_RESOURCE, 0,
		    R4_MANY },
		{ "Patient", "deceasedDateTime", "deceased", R4_PRIMITIVE, 0,
		    1 },
		{ "Observation", "status", "status", R4_PRIMITIVE, 1, 1 },
		{ "Observation", "valueQuantity", "value", R4_COMPLEX, 0, 1 },
		{ "Bundle", "entry", "entry", R4_COMPLEX, 0, R4_MANY },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct r4_element *row = r4_element_named(
		    structure_of(rows[i].type), str_of(rows[i].name));

		ck_assert_ptr_nonnull(row);
		ck_assert_uint_eq(row->base_len, strlen(rows[i].base));
		ck_assert_int_eq(row->kind, rows[i].kind);
		ck_assert_int_eq(row->min, rows[i].min);
		ck_assert_int_eq(row->max, rows[i].max);
	}
}
END_TEST

static const struct r4_param *
param_of(struct str url, struct str code)
{
	for (size_t i = 0; i < r4_types_count; i++)
		for (size_t j = 0; j < r4_types[i].nparams; j++)
			if (str_eqz(url, r4_types[i].params[j]->url) &&
			    str_eqz(code, r4_types[i].params[j]->code))
				return r4_types[i].params[j];
	return NULL;
}

/* One line of the file of numbers against the tables. */
static void
check_number(struct str line)
{
	struct str kind = str_cut(&line, '\t');
	struct str digits = str_cut(&line, '\t'), url;
	const struct r4_param *param;
	uint64_t number;

	if (kind.n == 0 || kind.p[0] == '#')
		return;
	ck_assert(str_u64(digits, INT16_MAX, &number));
	if (str_eqz(kind, "type")) {
		ck_assert(str_eqz(line, r4_type_numbered((int)number)->name));
		return;
	}
	url = str_cut(&line, ' ');
	param = param_of(url, line);
	if (param != NULL)
		ck_assert_int_eq(param->number, (int)number);
}

START_TEST(numbers_are_those_of_the_committed_file)
{
	struct arena *arena = arena_new(1 << 18);
	struct str text;

	if (access(NUMBERS, R_OK) != 0) {
		printf("SKIP: no %s here\n", NUMBERS);
		arena_free(arena);
		return;
	}
	text = resource_read(arena, NUMBERS);
	while (text.p != NULL)
		check_number(str_cut(&text, '\n'));
	arena_free(arena);
}
END_TEST

/* Databases hold these: a changed number is a lost index. */
START_TEST(numbers_that_databases_hold_have_not_changed)
{
	static const struct { const char *type; int number; } rows[] = {
		{ "Account", 1 }, { "Claim", 19 }, { "Patient", 103 },
		{ "Observation", 96 }, { "VisionPrescription", 146 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_int_eq(r4_type_named(str_of(rows[i].type))->number,
		    rows[i].number);
}
END_TEST

int
main(void)
{
	TCase *tc = suite_case("r4");

	tcase_add_test(tc, every_resource_type_of_r4_is_there);
	tcase_add_test(tc, unknown_and_abstract_types_are_not_found);
	tcase_add_test(tc, parameters_are_sorted_and_found_by_code);
	tcase_add_test(tc, elements_are_sorted_and_point_at_rows_that_exist);
	tcase_add_test(tc, rows_say_what_r4_says);
	tcase_add_test(tc, numbers_are_those_of_the_committed_file);
	tcase_add_test(tc, numbers_that_databases_hold_have_not_changed);
	return suite_run();
}
