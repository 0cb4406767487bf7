/* Encodings: what they give, and every spelling that they refuse. */

#include "base/code.h"
#include "lib/suite.h"

#include <check.h>
#include <stdlib.h>

/* RFC 4648 10, and RFC 7515 C for the URL alphabet. */
static const struct base64_case {
	struct str	 raw;
	const char	*base64, *base64url;
} base64_cases[] = {
	{ { "", 0 }, "", "" },
	{ { "f", 1 }, "Zg==", "Zg" },
	{ { "fo", 2 }, "Zm8=", "Zm8" },
	{ { "foo", 3 }, "Zm9v", "Zm9v" },
	{ { "foob", 4 }, "Zm9vYg==", "Zm9vYg" },
	{ { "fooba", 5 }, "Zm9vYmE=", "Zm9vYmE" },
	{ { "foobar", 6 }, "Zm9vYmFy", "Zm9vYmFy" },
	{ { "\x03\xec\xff\xe0\xc1", 5 }, "A+z/4ME=", "A-z_4ME" },
};

START_TEST(base64_goes_both_ways)
{
	const struct base64_case *c = &base64_cases[_i];
	char text[16];
	unsigned char raw[16];
	size_t n = base64_encode(c->raw, text);

	ck_assert(str_eqz((struct str){ text, n }, c->base64));
	n = base64_decode(str_of(c->base64), raw);
	ck_assert(str_eq((struct str){ (char *)raw, n }, c->raw));
	n = base64url_encode(c->raw, text);
	ck_assert(str_eqz((struct str){ text, n }, c->base64url));
	n = base64url_decode(str_of(c->base64url), raw);
	ck_assert(str_eq((struct str){ (char *)raw, n }, c->raw));
}
END_TEST

START_TEST(other_base64_spellings_are_refused)
{
	static const char *const bad[] = {
		"A", "AAAAA", "Zg", "Zg=", "Zg===", "====", "=", "Z===",
		"Zh==", "Zm9=", "Zm 9v", "Zm9v\n", "Zm-v", "Zm_v", "Zg==Zg==",
		"Zm9v=", "\xc3\xa9==",
	};
	unsigned char out[16];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(base64_decode(str_of(bad[i]), out) == CODE_BAD,
		    "%s", bad[i]);
}
END_TEST

START_TEST(other_base64url_spellings_are_refused)
{
	static const char *const bad[] = {
		"A", "AAAAA", "Zg==", "Zg=", "=", "Zh", "Zm9", "Z/", "Z+",
		"Zm9v Zg", "Zm9v\n", ".", "Zm9v\xff",
	};
	unsigned char out[16];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(base64url_decode(str_of(bad[i]), out) ==
		    CODE_BAD, "%s", bad[i]);
}
END_TEST

START_TEST(every_byte_string_has_one_spelling)
{
	/* Of all two-digit texts 256 decode, each to another byte. */
	unsigned char seen[256] = { 0 }, out[2];
	int decoded = 0;

	for (int a = 0; a < 256; a++)
		for (int b = 0; b < 256; b++) {
			char text[2] = { (char)a, (char)b };

			if (base64url_decode((struct str){ text, 2 }, out) !=
			    1)
				continue;
			ck_assert_int_eq(seen[out[0]]++, 0);
			decoded++;
		}
	ck_assert_int_eq(decoded, 256);
}
END_TEST

static const struct percent_case {
	const char	*text;
	bool		 plus;
	const char	*decoded;	/* NULL = refused */
} percent_cases[] = {
	{ "", false, "" },
	{ "abc", false, "abc" },
	{ "a%20b", false, "a b" },
	{ "a+b", false, "a+b" },
	{ "a+b", true, "a b" },
	{ "a%2bb", true, "a+b" },
	{ "%2B%2b", true, "++" },
	{ "%C3%A9", false, "\xc3\xa9" },
	{ "\xc3\xa9", false, "\xc3\xa9" },
	{ "%25%32%30", false, "%20" },
	{ "%", false, NULL },
	{ "%2", false, NULL },
	{ "%2g", false, NULL },
	{ "%%20", false, NULL },
	{ "%u0041", false, NULL },
	{ "%00", false, NULL },
	{ "a%00b", false, NULL },
	{ "%C3", false, NULL },
	{ "%c0%af", false, NULL },
	{ "%ED%A0%80", false, NULL },
	{ "\xff", false, NULL },
};

START_TEST(percent_text_is_judged)
{
	const struct percent_case *c = &percent_cases[_i];
	struct str in = str_of(c->text);
	/* Room of exactly n bytes, so that a sanitizer sees overruns. */
	char *out = malloc(in.n + 1);
	size_t n = percent_decode(in, c->plus, out);

	if (c->decoded == NULL)
		ck_assert_uint_eq(n, CODE_BAD);
	else
		ck_assert(str_eqz((struct str){ out, n }, c->decoded));
	free(out);
}
END_TEST

/* Unicode table 3-7 by its edges. */
static const struct utf8_case {
	const char	*text;
	bool		 valid;
} utf8_cases[] = {
	{ "", true }, { "a", true }, { "\x7f", true },
	{ "\xc2\x80", true }, { "\xdf\xbf", true },
	{ "\xe0\xa0\x80", true }, { "\xed\x9f\xbf", true },
	{ "\xee\x80\x80", true }, { "\xef\xbf\xbf", true },
	{ "\xf0\x90\x80\x80", true }, { "\xf4\x8f\xbf\xbf", true },
	{ "\x80", false }, { "\xbf", false }, { "\xc0\x80", false },
	{ "\xc1\xbf", false }, { "\xc2", false }, { "\xc2\x7f", false },
	{ "\xc2\xc0", false }, { "\xe0\x9f\xbf", false },
	{ "\xe0\xa0", false }, { "\xed\xa0\x80", false },
	{ "\xed\xbf\xbf", false }, { "\xf0\x8f\xbf\xbf", false },
	{ "\xf0\x90\x80", false }, { "\xf4\x90\x80\x80", false },
	{ "\xf5\x80\x80\x80", false }, { "\xfe", false },
	{ "\xe2\x82\x28", false }, { "ok\xe2\x28\xa1", false },
};

START_TEST(utf8_is_judged)
{
	ck_assert_int_eq(utf8_valid(str_of(utf8_cases[_i].text)),
	    utf8_cases[_i].valid);
}
END_TEST

START_TEST(nul_is_no_text)
{
	ck_assert(!utf8_valid(STR("a\0b")));
}
END_TEST

START_TEST(ids_keep_the_order_of_their_bytes)
{
	unsigned char low[16] = { 0 }, high[16];
	char a[BASE32_ID_CHARS], b[BASE32_ID_CHARS];

	base32_id(low, a);
	ck_assert_mem_eq(a, "00000000000000000000000000", 26);
	memset(high, 0xff, sizeof(high));
	base32_id(high, b);
	ck_assert_mem_eq(b, "7zzzzzzzzzzzzzzzzzzzzzzzzz", 26);
	low[15] = 1;
	base32_id(low, a);
	ck_assert_mem_eq(a, "00000000000000000000000001", 26);
	low[0] = 0x20;
	base32_id(low, b);
	ck_assert_int_lt(memcmp(a, b, BASE32_ID_CHARS), 0);
}
END_TEST

#define NITEMS(a)	((int)(sizeof(a) / sizeof((a)[0])))

int
main(void)
{
	TCase *c = suite_case("code");

	tcase_add_test(c, base64_goes_both_ways);
	tcase_add_test(c, other_base64_spellings_are_refused);
	tcase_add_test(c, other_base64url_spellings_are_refused);
	tcase_add_test(c, every_byte_string_has_one_spelling);
	tcase_add_loop_test(c, percent_text_is_judged, 0,
	    NITEMS(percent_cases));
	tcase_add_test(c, utf8_is_judged);
	tcase_add_test(c, nul_is_no_text);
	tcase_add_test(c, ids_keep_the_order_of_their_bytes);
	return suite_run();
}
