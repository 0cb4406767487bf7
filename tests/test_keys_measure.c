/* Keys of dates, quantities and composites, as a search asks for them. */

#include "lib/keyed.h"
#include "lib/suite.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "base/buf.h"

static bool
found_date(const char *code, int64_t lo_us, int64_t hi_us)
{
	for (size_t i = 0; i < keys.ndat; i++)
		if (keys.dat[i].param == param(code)->number &&
		    keys.dat[i].lo_us == lo_us && keys.dat[i].hi_us == hi_us)
			return true;
	return false;
}

/* unit: as `5||unit` asks for it, or NULL; system: of `5|system|unit`. */
static bool
found_qty(const char *code, const char *unit, const char *system, double lo,
    double hi)
{
	int32_t print = unit == NULL ? 0 : key_unit(space, str_of(unit));

	for (size_t i = 0; i < keys.nqty; i++) {
		const struct key_qty *q = &keys.qty[i];

		if (q->param == param(code)->number &&
		    (unit == NULL || q->code == print ||
		    (q->unit == print && system[0] == '\0')) &&
		    (system[0] == '\0' || q->system == system_of(system)) &&
		    q->lo >= lo && q->lo <= lo &&
		    q->hi >= hi && q->hi <= hi)
			return true;
	}
	return false;
}

static int64_t
us_of(const char *text)
{
	struct when when;

	ck_assert(when_parse(str_of(text), WHEN_SEARCH, &when));
	return when.lo_us;
}

/* --- dates -------------------------------------------------------------- */

static const struct {
	const char *type, *text, *code, *lo, *hi;	/* NULL = open */
} dates[] = {
	{ "Patient", "{'birthDate':'1970-02'}", "birthdate", "1970-02-01",
	    "1970-03-01" },
	{ "Observation", "{'effectiveInstant':'2020-01-02T03:04:05+01:00'}",
	    "date", "2020-01-02T02:04:05Z", "2020-01-02T02:04:06Z" },
	{ "Encounter", "{'period':{'start':'2020-01-02','end':'2020-01-03'}}",
	    "date", "2020-01-02", "2020-01-04" },
	{ "Encounter", "{'period':{'start':'2020-01-02'}}", "date",
	    "2020-01-02", NULL },
	{ "Encounter", "{'period':{'end':'2020-01-02'}}", "date", NULL,
	    "2020-01-03" },
	{ "Encounter", "{'period':{'start':'2020-01-02','end':'2019'}}",
	    "date", "2020-01-02", "2020-01-03" },
	{ "Encounter", "{'period':{'start':'2020','end':'2020-02'}}",
	    "date", "2020-01-01", "2020-03-01" },
	{ "Observation", "{'effectiveTiming':{'event':['2020-01-05',"
	    "'2020-01-02','2020-01-03']}}", "date", "2020-01-02",
	    "2020-01-06" },
	{ "Observation", "{'effectiveTiming':{'repeat':{'boundsPeriod':"
	    "{'start':'2020-01-02','end':'2020-01-03'}}}}", "date",
	    "2020-01-02", "2020-01-04" },
};

START_TEST(a_date_is_a_span)
{
	keys_of(dates[_i].type, dates[_i].text);
	ck_assert_msg(found_date(dates[_i].code,
	    dates[_i].lo == NULL ? WHEN_MIN : us_of(dates[_i].lo),
	    dates[_i].hi == NULL ? WHEN_MAX : us_of(dates[_i].hi)), "%s",
	    dates[_i].text);
}
END_TEST

START_TEST(a_record_is_ordered_by_its_primary_date)
{
	keys_of("Observation", "{'effectiveDateTime':'2020-01-02',"
	    "'issued':'2021-01-01T00:00:00Z'}");
	ck_assert_int_eq(keys.at_us, us_of("2020-01-02"));
	keys_of("Observation", "{}");
	ck_assert_int_eq(keys.at_us, KEY_AT_NONE);
	keys_of("Patient", "{'birthDate':'1970'}");
	ck_assert_int_eq(keys.at_us, KEY_AT_NONE);
}
END_TEST

/* --- numbers and quantities --------------------------------------------- */

START_TEST(a_quantity_is_one_row_for_number_code_and_unit)
{
	keys_of("Observation", "{'valueQuantity':{'value':120.50,"
	    "'unit':'mmHg','system':'" UCUM "','code':'mm[Hg]'}}");
	ck_assert(found_qty("value-quantity", NULL, "", 120.5, 120.5));
	ck_assert(found_qty("value-quantity", "mm[Hg]", UCUM, 120.5, 120.5));
	ck_assert(found_qty("value-quantity", "mmHg", "", 120.5, 120.5));
	ck_assert(!found_qty("value-quantity", "mmHg", UCUM, 120.5, 120.5));
	ck_assert_uint_eq(keys.nqty, 1);
	keys_of("Observation", "{'valueQuantity':{'value':1,'unit':'kg',"
	    "'code':'kg'}}");
	ck_assert_int_eq(keys.qty[0].unit, 0);
}
END_TEST

START_TEST(a_union_has_the_keys_of_its_parts_alone)
{
	keys_of("Observation", "{'code':{'coding':[{'code':'c'}]},"
	    "'component':[{'code':{'coding':[{'code':'d'}]},"
	    "'valueQuantity':{'value':1}}]}");
	ck_assert(found_token("code", "", "c"));
	ck_assert(found_token("component-code", "", "d"));
	ck_assert(!found_token("combo-code", "", "c"));
	ck_assert(found_qty("component-value-quantity", NULL, "", 1, 1));
	ck_assert(!found_qty("combo-value-quantity", NULL, "", 1, 1));
	ck_assert(keys.has >> param("combo-code")->bit & 1);
	ck_assert(keys.has >> param("combo-value-quantity")->bit & 1);
	ck_assert(!(keys.has >> param("combo-value-concept")->bit & 1));
}
END_TEST

static const struct {
	const char *type, *text, *code, *unit, *system; double lo, hi;
} measures[] = {
	{ "Observation", "{'valueQuantity':{'value':5,'comparator':'<'}}",
	    "value-quantity", NULL, "", -HUGE_VAL, 5 - 0x1p-50 },
	{ "Observation", "{'valueQuantity':{'value':5,'comparator':'<='}}",
	    "value-quantity", NULL, "", -HUGE_VAL, 5 },
	{ "Observation", "{'valueQuantity':{'value':5,'comparator':'>'}}",
	    "value-quantity", NULL, "", 5 + 0x1p-50, HUGE_VAL },
	{ "Observation", "{'valueQuantity':{'value':5,'comparator':'>='}}",
	    "value-quantity", NULL, "", 5, HUGE_VAL },
	{ "Condition", "{'onsetRange':{'low':{'value':4,'unit':'a'},"
	    "'high':{'value':6}}}", "onset-age", "a", "", 4, 6 },
	{ "Condition", "{'onsetRange':{'high':{'value':6,'code':'a'}}}",
	    "onset-age", "a", "", -HUGE_VAL, 6 },
	{ "Invoice", "{'totalNet':{'value':9.9,'currency':'EUR'}}",
	    "totalnet", "EUR", "urn:iso:std:iso:4217", 9.9, 9.9 },
	{ "Observation", "{'valueSampledData':{'origin':{'value':10,"
	    "'code':'V'},'factor':2,'data':'1 E -3 5 U'}}", "value-quantity",
	    "V", "", 4, 20 },
	{ "Observation", "{'valueSampledData':{'origin':{'value':10},"
	    "'factor':-1,'data':'1 5'}}", "value-quantity", NULL, "", 5, 9 },
	{ "MolecularSequence", "{'variant':[{'start':22}]}", "variant-start",
	    NULL, "", 22, 22 },
	{ "RiskAssessment", "{'prediction':[{'probabilityDecimal':0.2}]}",
	    "probability", NULL, "", 0.2, 0.2 },
};

START_TEST(a_measure_is_a_span)
{
	keys_of(measures[_i].type, measures[_i].text);
	ck_assert_msg(found_qty(measures[_i].code, measures[_i].unit,
	    measures[_i].system, measures[_i].lo, measures[_i].hi), "%s",
	    measures[_i].text);
}
END_TEST

/* --- composites --------------------------------------------------------- */

static bool
found_cqty(const char *code, const int64_t *hashes, size_t n,
    struct key_cqty want)
{
	int64_t k = key_const(space, type->number, param(code)->number,
	    KEY_VALUE) ^ key_combine(space, hashes, n);

	for (size_t i = 0; i < keys.ncqty; i++) {
		const struct key_cqty *c = &keys.cqty[i];

		if (c->k == k && c->aux == want.aux &&
		    c->system == want.system && c->code == want.code &&
		    c->unit == want.unit && c->lo >= want.lo &&
		    c->lo <= want.lo && c->hi >= want.hi && c->hi <= want.hi)
			return true;
	}
	return false;
}

#define BP	"{'code':{'coding':[{'system':'" LOINC "','code':'bp'}]}," \
	"'component':[{'code':{'coding':[{'system':'" LOINC "'," \
	"'code':'sys'}]},'valueQuantity':{'value':120,'code':'mm'," \
	"'system':'" UCUM "'}},{'code':{'coding':[{'system':'" LOINC "'," \
	"'code':'dia'}]},'valueQuantity':{'value':80,'code':'mm'," \
	"'system':'" UCUM "'}}]}"

START_TEST(components_are_combined_within_their_group_only)
{
	int64_t sys[] = { hash_of("sys") }, dia[] = { hash_of("dia") };
	struct key_cqty at120 = { .lo = 120, .hi = 120,
		.aux = system_of(LOINC), .system = system_of(UCUM),
		.code = key_unit(space, STR("mm")) };

	keys_of("Observation", BP);
	ck_assert(found_cqty("component-code-value-quantity", sys, 1, at120));
	ck_assert(!found_cqty("component-code-value-quantity", dia, 1, at120));
	ck_assert(!found_cqty("code-value-quantity", sys, 1, at120));
	ck_assert_uint_eq(keys.ncqty, 2);
}
END_TEST

START_TEST(two_tokens_combine_with_both_systems)
{
	int64_t both[] = { hash_of("c"), hash_of("v") };

	keys_of("Observation", "{'code':{'coding':[{'system':'urn:a',"
	    "'code':'c'}]},'valueCodeableConcept':{'coding':[{'system':"
	    "'urn:b','code':'v'}]}}");
	ck_assert(found_cqty("code-value-concept", both, 2, (struct key_cqty){
		.aux = system_of("urn:a"), .system = system_of("urn:b") }));
}
END_TEST

START_TEST(a_token_combines_with_a_date)
{
	int64_t code[] = { hash_of("c") };

	keys_of("Observation", "{'code':{'coding':[{'code':'c'}]},"
	    "'valueDateTime':'2020-01-02'}");
	ck_assert(found_cqty("code-value-date", code, 1, (struct key_cqty){
		.lo = (double)us_of("2020-01-02"),
		.hi = (double)us_of("2020-01-03") }));
}
END_TEST

START_TEST(two_numbers_are_the_ends_of_one_span)
{
	int64_t chromosome[] = { hash_of("1") };

	keys_of("MolecularSequence", "{'referenceSeq':{'chromosome':{'coding':["
	    "{'code':'1'}]}},'variant':[{'start':5,'end':9}]}");
	ck_assert(found_cqty("chromosome-variant-coordinate", chromosome, 1,
	    (struct key_cqty){ .lo = 5, .hi = 9 }));
}
END_TEST

START_TEST(a_reference_combines_with_a_token)
{
	int64_t both[] = { key_reference(space, STR("DocumentReference"),
	    STR("d")), hash_of("replaces") };

	keys_of("DocumentReference", "{'relatesTo':[{'code':'replaces',"
	    "'target':{'reference':'DocumentReference/d'}}]}");
	ck_assert(found_cqty("relationship", both, 2, (struct key_cqty){ 0 }));
}
END_TEST

START_TEST(a_composite_with_a_string_has_no_rows)
{
	keys_of("Observation", "{'code':{'coding':[{'code':'c'}]},"
	    "'valueString':'x'}");
	ck_assert_uint_eq(keys.ncqty, 0);
	ck_assert(found_string("value-string", "x"));
}
END_TEST

START_TEST(combinations_of_one_group_are_bounded)
{
	struct buf b = buf_new(arena, 65536);

	buf_addz(&b, "{'code':{'coding':[{'code':'c'}");
	for (int i = 0; i < 1000; i++)
		buf_addf(&b, ",{'code':'c%d'}", i);
	buf_addz(&b, "]},'valueCodeableConcept':{'coding':[{'code':'v'}");
	for (int i = 0; i < 1000; i++)
		buf_addf(&b, ",{'code':'v%d'}", i);
	buf_addz(&b, "]}}");
	keys_of("Observation", arena_z(arena, buf_str(&b)));
	ck_assert_uint_gt(keys.ncqty, 0);
	ck_assert_uint_lt(keys.ncqty, 1000);
	ck_assert(found_token("code", "", "c999"));
}
END_TEST

int
main(void)
{
	TCase *tc = suite_case("keys_measure");

	tcase_add_checked_fixture(tc, keyed_begin, keyed_end);
	tcase_add_loop_test(tc, a_date_is_a_span, 0,
	    sizeof(dates) / sizeof(dates[0]));
	tcase_add_test(tc, a_record_is_ordered_by_its_primary_date);
	tcase_add_test(tc, a_quantity_is_one_row_for_number_code_and_unit);
	tcase_add_test(tc, a_union_has_the_keys_of_its_parts_alone);
	tcase_add_loop_test(tc, a_measure_is_a_span, 0,
	    sizeof(measures) / sizeof(measures[0]));
	tcase_add_test(tc, components_are_combined_within_their_group_only);
	tcase_add_test(tc, two_tokens_combine_with_both_systems);
	tcase_add_test(tc, a_token_combines_with_a_date);
	tcase_add_test(tc, two_numbers_are_the_ends_of_one_span);
	tcase_add_test(tc, a_reference_combines_with_a_token);
	tcase_add_test(tc, a_composite_with_a_string_has_no_rows);
	tcase_add_test(tc, combinations_of_one_group_are_bounded);
	return suite_run();
}
