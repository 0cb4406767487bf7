/* Slices: comparing, cutting, and strangers' numbers. */

#include "base/str.h"
#include "lib/suite.h"

#include <check.h>

START_TEST(empty_slices_are_equal)
{
	ck_assert(str_eq(STR_NONE, STR("")));
	ck_assert(str_eqz(str_of(NULL), ""));
	ck_assert(str_ieq(STR_NONE, STR("")));
	ck_assert(str_eq_secret(STR_NONE, STR("")));
	ck_assert_int_eq(str_cmp(STR_NONE, STR("")), 0);
}
END_TEST

START_TEST(case_is_ignored_for_ascii_letters_alone)
{
	ck_assert(str_ieq(STR("Content-TYPE"), STR("content-type")));
	ck_assert(!str_ieq(STR("a@"), STR("a`")));
	ck_assert(!str_ieq(STR("[x"), STR("{x")));
	ck_assert(!str_ieq(STR("\xc3\x89"), STR("\xc3\xa9")));
	ck_assert(!str_ieq(STR("abc"), STR("ab")));
}
END_TEST

START_TEST(secrets_compare_as_bytes)
{
	ck_assert(str_eq_secret(STR("secret"), STR("secret")));
	ck_assert(!str_eq_secret(STR("secret"), STR("secreT")));
	ck_assert(!str_eq_secret(STR("secret"), STR("secre")));
}
END_TEST

START_TEST(order_is_of_unsigned_bytes_with_prefixes_first)
{
	ck_assert_int_lt(str_cmp(STR("a"), STR("b")), 0);
	ck_assert_int_lt(str_cmp(STR("a"), STR("aa")), 0);
	ck_assert_int_gt(str_cmp(STR("\xff"), STR("a")), 0);
	ck_assert_int_eq(str_cmp(STR("aa"), STR("aa")), 0);
}
END_TEST

START_TEST(ends_and_parts_are_found)
{
	ck_assert(str_starts(STR("Patient/1"), STR("Patient/")));
	ck_assert(!str_starts(STR("Pat"), STR("Patient/")));
	ck_assert(str_ends(STR("a.json"), STR(".json")));
	ck_assert(!str_ends(STR("json"), STR(".json")));
	ck_assert(str_starts(STR("x"), STR("")));
	ck_assert(str_has(STR("a/b"), '/'));
	ck_assert(!str_has(STR(""), '\0'));
	ck_assert(str_eqz(str_from(STR("abc"), 1), "bc"));
	ck_assert_uint_eq(str_from(STR("abc"), 4).n, 0);
	ck_assert(str_eqz(str_trim(STR(" \t a b\t ")), "a b"));
	ck_assert_uint_eq(str_trim(STR(" \t ")).n, 0);
}
END_TEST

START_TEST(cutting_yields_every_part_and_the_last_empty_one)
{
	struct str rest = STR("a,,b,");
	const char *const parts[] = { "a", "", "b", "" };
	size_t n = 0;

	while (rest.p != NULL) {
		ck_assert_uint_lt(n, 4);
		ck_assert(str_eqz(str_cut(&rest, ','), parts[n++]));
	}
	ck_assert_uint_eq(n, 4);
}
END_TEST

static const struct number_case {
	const char	*text;
	uint64_t	 max;
	bool		 fits;
	uint64_t	 value;
} number_cases[] = {
	{ "0", 0, true, 0 },
	{ "1", 0, false, 0 },
	{ "10", 10, true, 10 },
	{ "11", 10, false, 0 },
	{ "7", 3, false, 0 },
	{ "18446744073709551615", UINT64_MAX, true, UINT64_MAX },
	{ "18446744073709551616", UINT64_MAX, false, 0 },
	{ "99999999999999999999999", UINT64_MAX, false, 0 },
	{ "", 9, false, 0 },
	{ "00", 9, false, 0 },
	{ "01", 9, false, 0 },
	{ "-1", 9, false, 0 },
	{ "+1", 9, false, 0 },
	{ " 1", 9, false, 0 },
	{ "1 ", 9, false, 0 },
	{ "1.0", 9, false, 0 },
	{ "0x1", 9, false, 0 },
	{ "\xd9\xa1", 9, false, 0 },
};

START_TEST(number_is_judged)
{
	const struct number_case *c = &number_cases[_i];
	uint64_t value = 0;

	ck_assert_int_eq(str_u64(str_of(c->text), c->max, &value), c->fits);
	ck_assert_uint_eq(value, c->value);
}
END_TEST

#define NITEMS(a)	((int)(sizeof(a) / sizeof((a)[0])))

int
main(void)
{
	TCase *c = suite_case("str");

	tcase_add_test(c, empty_slices_are_equal);
	tcase_add_test(c, case_is_ignored_for_ascii_letters_alone);
	tcase_add_test(c, secrets_compare_as_bytes);
	tcase_add_test(c, order_is_of_unsigned_bytes_with_prefixes_first);
	tcase_add_test(c, ends_and_parts_are_found);
	tcase_add_test(c, cutting_yields_every_part_and_the_last_empty_one);
	tcase_add_loop_test(c, number_is_judged, 0,
	    NITEMS(number_cases));
	return suite_run();
}
