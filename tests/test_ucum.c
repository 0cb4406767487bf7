/* Units of UCUM: what is one amount in two of them is found to be equal. */

#include "lib/suite.h"

#include "fhir/ucum.h"

#include <check.h>

/* clang-format off */
static const struct equal {
	const char	*number, *unit;
	const char	*same, *other;
} equals[] = {
	{ "5.4",	"g",		"5400",		"mg" },
	{ "5400",	"mg",		"0.0054",	"kg" },
	{ "5.4e-3",	"kg",		"5400000",	"ug" },
	{ "95",		"mg/dL",	"0.95",		"g/L" },
	{ "95",		"mg/dL",	"950",		"mg/L" },
	{ "95",		"mg/dl",	"0.95",		"mg/mL" },
	{ "0.1",	"g%",		"100",		"mg/dL" },
	{ "72",		"/min",		"1.2",		"Hz" },
	{ "72",		"{beats}/min",	"72",		"/min" },
	{ "72",		"1/min",	"4320",		"/h" },
	{ "5",		"10*3/uL",	"5",		"10*9/L" },
	{ "5",		"10*6/mL",	"5",		"10^6/mL" },
	{ "4.5",	"10*6/uL{RBC}",	"4500000",	"/uL" },
	{ "30",		"%",		"0.3",		"{ratio}" },
	{ "120",	"mm[Hg]",	"15.99864",	"kPa" },
	{ "1",		"atm",		"101325",	"Pa" },
	{ "1",		"[in_i'Hg]",	"25.4",		"mm[Hg]" },
	{ "6",		"[ft_i]",	"182.88",	"cm" },
	{ "10",		"[lb_av]",	"4535.9237",	"g" },
	{ "1",		"[oz_av]",	"28.349523125",	"g" },
	{ "1",		"[foz_us]",	"29.5735295625", "mL" },
	{ "3",		"[tsp_us]",	"1",		"[tbs_us]" },
	{ "37",		"Cel",		"98.6",		"[degF]" },
	{ "98.6",	"[degF]",	"37",		"Cel" },
	{ "98.6",	"[degF]",	"310.15",	"K" },
	{ "-40",	"Cel",		"-40",		"[degF]" },
	{ "0",		"K",		"-273.15",	"Cel" },
	{ "1",		"mo",		"30.4375",	"d" },
	{ "2",		"wk",		"336",		"h" },
	{ "1.5",	"a",		"18",		"mo" },
	{ "1",		"U/L",		"1000",		"mU/L" },
	{ "60",		"U",		"1",		"ukat" },
	{ "2",		"meq/L",	"2",		"mmol/L" },
	{ "5",		"[iU]/mL",	"5",		"k[IU]/L" },
	{ "70",		"kg/m2",	"0.007",	"kg/cm2" },
	{ "1",		"kg.m/s2",	"1",		"N" },
	{ "1",		"mL/min/{1.73_m2}", "60",	"mL/h" },
	{ "2",		"kcal",		"8368",		"J" },
	{ "4",		"mg/(24.h)",	"4",		"mg/d" },
	{ "1",		"m2/s",		"10000",	"cm2/s" },
};

/* No units, not ours, or not of one kind with a gram. */
static const char *const others[] = { "", "mgg", "mmHg", "MG", "m[", "m]",
	"g/", "/", ".", "g..L", "(g", "g)", "g{", "g}", "{a}{b", "10*", "pH",
	"xg", "kkg", "kmin", "g99", "0.g", "g/0", "m", "g.m-1", "mol", "[pH]",
	"Cel", "Cel/s", "mCel", "deg", "g2", "[nonsense]", "g--1", "g+", "/g",
	"((((((((((((((((((((g))))))))))))))))))))",
	"g30", "Yg.Yg.Yg.Yg.Yg.Yg.Yg.Yg.Yg.Yg", "\x80", "g\xff" };
/* clang-format on */

static bool
scale_of(const char *from, const char *to, struct scale *out)
{
	struct ucum a, b;

	return ucum_parse(str_of(from), &a) && ucum_parse(str_of(to), &b) &&
	    ucum_scale(&a, &b, out);
}

START_TEST(one_amount_in_two_units_is_one_double)
{
	const struct equal *e = &equals[_i];
	struct decimal there, here;
	struct scale scale;

	ck_assert_msg(scale_of(e->unit, e->other, &scale), "%s in %s", e->unit,
	    e->other);
	ck_assert(decimal_scaled(str_of(e->number), &scale, &there));
	ck_assert(decimal_parse(str_of(e->same), &here));
	ck_assert_msg(there.value == here.value, "%s %s is %.17g %s", e->number,
	    e->unit, there.value, e->other);
	ck_assert(there.lo < there.value && there.value < there.hi);
}
END_TEST

START_TEST(what_is_no_unit_of_mass_is_no_grams)
{
	struct scale scale;

	ck_assert_msg(!scale_of(others[_i], "g", &scale), "'%s'", others[_i]);
	ck_assert(!scale_of("g", others[_i], &scale));
}
END_TEST

START_TEST(bounds_are_those_of_the_digits_as_written)
{
	struct decimal n, lo, hi;
	struct scale scale;

	ck_assert(scale_of("g", "mg", &scale));
	ck_assert(decimal_scaled(STR("5.40"), &scale, &n));
	ck_assert(decimal_parse(STR("5395"), &lo));
	ck_assert(decimal_parse(STR("5405"), &hi));
	ck_assert(n.lo == lo.value && n.hi == hi.value);
	ck_assert(decimal_scaled(STR("-0.3"), &scale, &n));
	ck_assert(n.lo == -350 && n.value == -300 && n.hi == -250);
	ck_assert(decimal_scaled(STR("0"), &scale, &n));
	ck_assert(n.lo == -500 && n.value == 0 && n.hi == 500);
}
END_TEST

START_TEST(a_factor_without_end_is_the_nearest_double)
{
	struct decimal n;
	struct scale scale;

	ck_assert(scale_of("/min", "/s", &scale));
	ck_assert(decimal_scaled(STR("1"), &scale, &n));
	ck_assert(n.value == 1.0 / 60.0);
	ck_assert(decimal_scaled(STR("72"), &scale, &n));
	ck_assert(n.value == 1.2);
}
END_TEST

START_TEST(numbers_of_many_digits_are_scaled_or_refused)
{
	char digits[DECIMAL_CHARS_MAX + 1];
	struct str text = { digits, DECIMAL_CHARS_MAX };
	struct decimal n;
	struct scale scale;

	memset(digits, '9', sizeof(digits));
	ck_assert(scale_of("[psi]", "[in_i'Hg]", &scale));
	ck_assert(decimal_scaled(text, &scale, &n));
	ck_assert(n.value > 2e256 && n.value < 3e256);
	ck_assert(scale_of("Cel", "[degF]", &scale));
	ck_assert(!decimal_scaled(text, &scale, &n));
}
END_TEST

int
main(void)
{
	TCase *t = suite_case("ucum");

	tcase_add_loop_test(t, one_amount_in_two_units_is_one_double, 0,
	    sizeof(equals) / sizeof(equals[0]));
	tcase_add_loop_test(t, what_is_no_unit_of_mass_is_no_grams, 0,
	    sizeof(others) / sizeof(others[0]));
	tcase_add_test(t, bounds_are_those_of_the_digits_as_written);
	tcase_add_test(t, a_factor_without_end_is_the_nearest_double);
	tcase_add_test(t, numbers_of_many_digits_are_scaled_or_refused);
	return suite_run();
}
