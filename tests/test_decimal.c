/* Decimals as numbers with the precision that is written. */

#include "fhir/decimal.h"
#include "lib/suite.h"

#include <check.h>
#include <math.h>

static const struct { const char *text; double value, lo, hi; } good[] = {
	{ "0", 0, -0.5, 0.5 },
	{ "-0", 0, -0.5, 0.5 },
	{ "0.00", 0, -0.005, 0.005 },
	{ "100", 100, 99.5, 100.5 },
	{ "100.00", 100, 99.995, 100.005 },
	{ "5.40", 5.4, 5.395, 5.405 },
	{ "5.4", 5.4, 5.35, 5.45 },
	{ "0.1", 0.1, 0.05, 0.15 },
	{ "-7.25", -7.25, -7.255, -7.245 },
	{ "-100", -100, -100.5, -99.5 },
	{ "+3", 3, 2.5, 3.5 },
	{ "007", 7, 6.5, 7.5 },
	{ "1e2", 100, 95, 105 },	/* R4 search.html#number */
	{ "1.0e2", 100, 95, 105 },
	{ "-1e2", -100, -105, -95 },
	{ "1.5E-3", 0.0015, 0.00145, 0.00155 },
	{ "1e-400", 0, 0, 0 },
};

/* Bounds are the doubles of the decimals, so that a record with 5.395 is in the
 * span of 5.40: no tolerance. */
START_TEST(a_decimal_is_its_value_and_its_precision)
{
	struct decimal d;

	ck_assert_msg(decimal_parse(str_of(good[_i].text), &d), "%s",
	    good[_i].text);
	ck_assert_double_eq(d.value, good[_i].value);
	ck_assert_double_eq(d.lo, good[_i].lo);
	ck_assert_double_eq(d.hi, good[_i].hi);
	ck_assert(!signbit(d.value) || d.value < 0);
}
END_TEST

START_TEST(what_no_double_can_hold_is_infinite)
{
	struct decimal d;

	ck_assert(decimal_parse(STR("1e400"), &d));
	ck_assert(isinf(d.value));
	ck_assert(decimal_parse(STR("1e99999999999999999999"), &d));
	ck_assert(isinf(d.value));
}
END_TEST

static const char *const bad[] = { "", "-", ".5", "5.", "1e", "1e+", "0x10",
	"nan", "inf", "1,5", " 1", "1 ", "1e2e3", "--1" };

START_TEST(what_is_no_decimal_is_refused)
{
	struct decimal d;

	ck_assert_msg(!decimal_parse(str_of(bad[_i]), &d), "%s", bad[_i]);
}
END_TEST

START_TEST(a_number_of_many_digits_is_refused)
{
	char digits[DECIMAL_CHARS_MAX + 1];
	struct decimal d;

	memset(digits, '9', sizeof(digits));
	ck_assert(decimal_parse(
	    (struct str){ digits, DECIMAL_CHARS_MAX }, &d));
	ck_assert(!decimal_parse(
	    (struct str){ digits, DECIMAL_CHARS_MAX + 1 }, &d));
}
END_TEST

int
main(void)
{
	TCase *tc = suite_case("decimal");

	tcase_add_loop_test(tc, a_decimal_is_its_value_and_its_precision, 0,
	    sizeof(good) / sizeof(good[0]));
	tcase_add_test(tc, what_no_double_can_hold_is_infinite);
	tcase_add_loop_test(tc, what_is_no_decimal_is_refused, 0,
	    sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(tc, a_number_of_many_digits_is_refused);
	return suite_run();
}
