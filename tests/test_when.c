/* Times: FHIR's forms with their spans, HTTP's, and what is neither. */

#include "base/when.h"
#include "lib/suite.h"

#include <check.h>
#include <string.h>

/* The microsecond of an instant that when_format can print. */
static const char *
shown(int64_t us)
{
	static char out[2][WHEN_INSTANT_CHARS + 1];
	static int turn;

	when_format(us, out[turn ^= 1]);
	return out[turn];
}

static const struct span_case {
	const char		*text;
	enum when_kind		 kind;
	const char		*lo, *hi;
	enum when_precision	 precision;
} span_cases[] = {
	{ "2026", WHEN_DATE, "2026-01-01T00:00:00.000Z",
	    "2027-01-01T00:00:00.000Z", WHEN_YEAR },
	{ "2024-02", WHEN_DATE, "2024-02-01T00:00:00.000Z",
	    "2024-03-01T00:00:00.000Z", WHEN_MONTH },
	{ "1999-12", WHEN_DATETIME, "1999-12-01T00:00:00.000Z",
	    "2000-01-01T00:00:00.000Z", WHEN_MONTH },
	{ "2024-02-29", WHEN_DATE, "2024-02-29T00:00:00.000Z",
	    "2024-03-01T00:00:00.000Z", WHEN_DAY },
	{ "2000-02-29", WHEN_DATETIME, "2000-02-29T00:00:00.000Z",
	    "2000-03-01T00:00:00.000Z", WHEN_DAY },
	{ "1969-12-31", WHEN_DATE, "1969-12-31T00:00:00.000Z",
	    "1970-01-01T00:00:00.000Z", WHEN_DAY },
	{ "0001-01-01", WHEN_DATE, "0001-01-01T00:00:00.000Z",
	    "0001-01-02T00:00:00.000Z", WHEN_DAY },
	{ "2026-01-15T10:30:00Z", WHEN_DATETIME, "2026-01-15T10:30:00.000Z",
	    "2026-01-15T10:30:01.000Z", WHEN_SECOND },
	{ "2026-01-15T10:30:00+05:30", WHEN_INSTANT,
	    "2026-01-15T05:00:00.000Z", "2026-01-15T05:00:01.000Z",
	    WHEN_SECOND },
	{ "2026-01-01T00:00:00-14:00", WHEN_INSTANT,
	    "2026-01-01T14:00:00.000Z", "2026-01-01T14:00:01.000Z",
	    WHEN_SECOND },
	{ "2026-01-01T00:00:00+14:00", WHEN_INSTANT,
	    "2025-12-31T10:00:00.000Z", "2025-12-31T10:00:01.000Z",
	    WHEN_SECOND },
	{ "2026-01-15T10:30:00.5Z", WHEN_DATETIME,
	    "2026-01-15T10:30:00.500Z", "2026-01-15T10:30:00.600Z",
	    WHEN_FRACTION },
	{ "2026-01-15T10:30:00.123Z", WHEN_INSTANT,
	    "2026-01-15T10:30:00.123Z", "2026-01-15T10:30:00.124Z",
	    WHEN_FRACTION },
	{ "2026-06-30T23:59:60Z", WHEN_INSTANT, "2026-06-30T23:59:59.999Z",
	    "2026-07-01T00:00:00.000Z", WHEN_SECOND },
	{ "2026-01-15T10:30", WHEN_SEARCH, "2026-01-15T10:30:00.000Z",
	    "2026-01-15T10:31:00.000Z", WHEN_MINUTE },
	{ "2026-01-15T10:30-05:00", WHEN_SEARCH, "2026-01-15T15:30:00.000Z",
	    "2026-01-15T15:31:00.000Z", WHEN_MINUTE },
	{ "2026-01-15T10:30:00", WHEN_SEARCH, "2026-01-15T10:30:00.000Z",
	    "2026-01-15T10:30:01.000Z", WHEN_SECOND },
	{ "12:00:00", WHEN_TIME, "1970-01-01T12:00:00.000Z",
	    "1970-01-01T12:00:01.000Z", WHEN_SECOND },
	{ "23:59:59.99", WHEN_TIME, "1970-01-01T23:59:59.990Z",
	    "1970-01-02T00:00:00.000Z", WHEN_FRACTION },
};

START_TEST(text_is_a_span)
{
	const struct span_case *c = &span_cases[_i];
	struct when w;

	ck_assert_msg(when_parse(str_of(c->text), c->kind, &w), "%s",
	    c->text);
	ck_assert_str_eq(shown(w.lo_us), c->lo);
	ck_assert_str_eq(shown(w.hi_us), c->hi);
	ck_assert_int_eq(w.precision, c->precision);
	ck_assert_int_lt(w.lo_us, w.hi_us);
}
END_TEST

static const struct bad_case {
	const char	*text;
	enum when_kind	 kind;
} bad_cases[] = {
	{ "", WHEN_DATE }, { "202", WHEN_DATE }, { "20266", WHEN_DATE },
	{ "0000", WHEN_DATE }, { "2026-", WHEN_DATE },
	{ "2026-1", WHEN_DATE }, { "2026-00", WHEN_DATE },
	{ "2026-13", WHEN_DATE }, { "2026-01-00", WHEN_DATE },
	{ "2026-01-32", WHEN_DATE }, { "2023-02-29", WHEN_DATE },
	{ "1900-02-29", WHEN_DATE }, { "2026-04-31", WHEN_DATE },
	{ "2026-01-01Z", WHEN_DATE }, { " 2026", WHEN_DATE },
	{ "2026 ", WHEN_DATE }, { "+2026", WHEN_DATE },
	{ "20260101", WHEN_DATE }, { "2026/01/01", WHEN_DATE },
	{ "2026-01-01T00:00:00Z", WHEN_DATE },
	{ "2026-01-01T", WHEN_DATETIME },
	{ "2026-01T10:00:00Z", WHEN_DATETIME },
	{ "2026-01-01T10:00:00", WHEN_DATETIME },
	{ "2026-01-01T10:00Z", WHEN_DATETIME },
	{ "2026-01-01T24:00:00Z", WHEN_DATETIME },
	{ "2026-01-01T10:60:00Z", WHEN_DATETIME },
	{ "2026-01-01T10:00:61Z", WHEN_DATETIME },
	{ "2026-01-01T10:00:00.Z", WHEN_DATETIME },
	{ "2026-01-01T10:00:00,5Z", WHEN_DATETIME },
	{ "2026-01-01t10:00:00z", WHEN_DATETIME },
	{ "2026-01-01 10:00:00Z", WHEN_DATETIME },
	{ "2026-01-01T10:00:00+14:01", WHEN_DATETIME },
	{ "2026-01-01T10:00:00-15:00", WHEN_DATETIME },
	{ "2026-01-01T10:00:00+05:60", WHEN_DATETIME },
	{ "2026-01-01T10:00:00+0530", WHEN_DATETIME },
	{ "2026-01-01T10:00:00+5:30", WHEN_DATETIME },
	{ "2026-01-01T10:00:00ZZ", WHEN_DATETIME },
	{ "2026", WHEN_INSTANT }, { "2026-01-01", WHEN_INSTANT },
	{ "2026-01-01T10:00:00", WHEN_INSTANT },
	{ "2026-01-01T10", WHEN_SEARCH },
	{ "2026-01-01T10:00:00+", WHEN_SEARCH },
	{ "12:00", WHEN_TIME }, { "12:00:00Z", WHEN_TIME },
	{ "24:00:00", WHEN_TIME }, { "2026-01-01", WHEN_TIME },
};

START_TEST(text_is_refused)
{
	struct when w;

	ck_assert_msg(!when_parse(str_of(bad_cases[_i].text),
	    bad_cases[_i].kind, &w), "%s", bad_cases[_i].text);
}
END_TEST

START_TEST(fraction_is_cut_at_the_microsecond)
{
	struct when w;

	ck_assert(when_parse(STR("1970-01-01T00:00:00.1234567899Z"),
	    WHEN_INSTANT, &w));
	ck_assert_int_eq(w.lo_us, 123456);
	ck_assert_int_eq(w.hi_us, 123457);
	ck_assert(when_parse(STR("1970-01-01T00:00:00.10Z"), WHEN_INSTANT,
	    &w));
	ck_assert_int_eq(w.lo_us, 100000);
	ck_assert_int_eq(w.hi_us, 110000);
}
END_TEST

START_TEST(zone_is_noticed)
{
	struct when w;

	ck_assert(when_parse(STR("2026-01-15T10:30:00"), WHEN_SEARCH, &w));
	ck_assert(!w.zoned);
	ck_assert(when_parse(STR("2026-01-15T10:30:00Z"), WHEN_SEARCH, &w));
	ck_assert(w.zoned);
	ck_assert(when_parse(STR("2026-01-15"), WHEN_SEARCH, &w));
	ck_assert(!w.zoned);
}
END_TEST

START_TEST(every_day_of_400_years_comes_back)
{
	struct when w;

	ck_assert(when_parse(STR("1800"), WHEN_DATE, &w));
	for (int64_t us = w.lo_us, n = 0; n < 146097; n++, us += US_PER_DAY) {
		char text[WHEN_INSTANT_CHARS + 1];

		when_format(us, text);
		ck_assert(when_parse((struct str){ text, 10 }, WHEN_DATE,
		    &w));
		ck_assert_int_eq(w.lo_us, us);
		ck_assert_int_eq(w.hi_us, us + US_PER_DAY);
	}
}
END_TEST

START_TEST(endless_times_are_shown_as_the_last_that_can_be)
{
	ck_assert_str_eq(shown(WHEN_MIN), "0001-01-01T00:00:00.000Z");
	ck_assert_str_eq(shown(WHEN_MAX), "9999-12-31T23:59:59.999Z");
	ck_assert_str_eq(shown(-1), "1969-12-31T23:59:59.999Z");
}
END_TEST

START_TEST(http_dates_come_in_three_forms)
{
	static const char *const forms[] = {	/* RFC 9110 5.6.7 */
		"Sun, 06 Nov 1994 08:49:37 GMT",
		"Sunday, 06-Nov-94 08:49:37 GMT",
		"Sun Nov  6 08:49:37 1994",
	};
	char text[WHEN_HTTP_CHARS + 1];
	int64_t us;

	for (size_t i = 0; i < 3; i++) {
		ck_assert(when_http_parse(str_of(forms[i]), &us));
		ck_assert_int_eq(us, INT64_C(784111777) * US_PER_SECOND);
	}
	when_http(us, text);
	ck_assert_str_eq(text, forms[0]);
}
END_TEST

START_TEST(other_http_dates_are_refused)
{
	static const char *const bad[] = {
		"", "Sun", "Sun, 06 Nov 1994 08:49:37", "1994-11-06",
		"Sun, 06 Nov 1994 08:49:37 UTC",
		"Sun, 06 Nov 1994 08:49:37 GMT ",
		"Sun, 31 Feb 1994 08:49:37 GMT",
		"Sun, 00 Nov 1994 08:49:37 GMT",
		"Sun, 06 Nov 1994 24:49:37 GMT",
		"Xxx, 06 Nov 1994 08:49:37 GMT",
		"Sun, 06 Xov 1994 08:49:37 GMT",
		"Sun, 6 Nov 1994 08:49:37 GMT",
	};
	int64_t us;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!when_http_parse(str_of(bad[i]), &us), "%s",
		    bad[i]);
}
END_TEST

START_TEST(clock_is_of_this_century)
{
	ck_assert_int_gt(when_now(), INT64_C(1700000000) * US_PER_SECOND);
	ck_assert_int_lt(when_now(), INT64_C(4102444800) * US_PER_SECOND);
}
END_TEST

#define NITEMS(a)	((int)(sizeof(a) / sizeof((a)[0])))

int
main(void)
{
	TCase *c = suite_case("when");

	tcase_add_loop_test(c, text_is_a_span, 0,
	    NITEMS(span_cases));
	tcase_add_loop_test(c, text_is_refused, 0,
	    NITEMS(bad_cases));
	tcase_add_test(c, fraction_is_cut_at_the_microsecond);
	tcase_add_test(c, zone_is_noticed);
	tcase_add_test(c, every_day_of_400_years_comes_back);
	tcase_add_test(c, endless_times_are_shown_as_the_last_that_can_be);
	tcase_add_test(c, http_dates_come_in_three_forms);
	tcase_add_test(c, other_http_dates_are_refused);
	tcase_add_test(c, clock_is_of_this_century);
	return suite_run();
}
