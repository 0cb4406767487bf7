/* Byte strings built step by step: growing, escaping. */

#include "base/buf.h"
#include "lib/suite.h"

#include <check.h>

static struct arena *arena;

static void
setup(void)
{
	arena = arena_new(64);
}

static void
teardown(void)
{
	arena_free(arena);
}

START_TEST(empty_buf_is_an_empty_string)
{
	struct buf b = buf_new(arena, 0);

	ck_assert_ptr_nonnull(buf_str(&b).p);
	ck_assert_uint_eq(buf_str(&b).n, 0);
	buf_add(&b, STR_NONE);
	buf_addz(&b, "");
	ck_assert_uint_eq(buf_str(&b).n, 0);
}
END_TEST

START_TEST(bytes_survive_growth)
{
	struct buf b = buf_new(arena, 1);

	for (int i = 0; i < 100000; i++)
		buf_addc(&b, (char)('a' + i % 26));
	ck_assert_uint_eq(b.n, 100000);
	for (size_t i = 0; i < b.n; i++)
		ck_assert_int_eq(b.p[i], (char)('a' + i % 26));
	buf_clear(&b);
	ck_assert_uint_eq(buf_str(&b).n, 0);
}
END_TEST

START_TEST(parts_are_joined)
{
	struct buf b = buf_new(arena, 0);

	buf_add(&b, STR("a\0b"));
	buf_addz(&b, "c");
	buf_addf(&b, "%d%s", 7, "x");
	buf_add_i64(&b, INT64_MIN);
	memcpy(buf_room(&b, 2), "yz", 2);
	buf_took(&b, 2);
	ck_assert(str_eq(buf_str(&b),
	    STR("a\0bc7x-9223372036854775808yz")));
}
END_TEST

static const struct escape_case {
	struct str	 raw;
	const char	*quoted;
} escape_cases[] = {
	{ { "plain", 5 }, "\"plain\"" },
	{ { "", 0 }, "\"\"" },
	{ { "a\"b\\c/d", 7 }, "\"a\\\"b\\\\c/d\"" },
	{ { "\n\r\t\x01\x1f", 5 }, "\"\\n\\r\\t\\u0001\\u001f\"" },
	{ { "a\0b", 3 }, "\"a\\u0000b\"" },
	{ { "\x7f", 1 }, "\"\\u007f\"" },
	{ { "\xc3\xa9", 2 }, "\"\xc3\xa9\"" },
	{ { NULL, 0 }, "\"\"" },
};

START_TEST(json_strings_are_escaped)
{
	struct buf b = buf_new(arena, 0);

	buf_add_quoted(&b, escape_cases[_i].raw);
	ck_assert(str_eqz(buf_str(&b), escape_cases[_i].quoted));
}
END_TEST

START_TEST(url_values_are_percent_encoded)
{
	struct buf b = buf_new(arena, 0);

	buf_add_percent(&b, STR("aZ09-._~ /?&=+%|\xc3\xa9"));
	ck_assert(str_eqz(buf_str(&b),
	    "aZ09-._~%20%2F%3F%26%3D%2B%25%7C%C3%A9"));
}
END_TEST

#define NITEMS(a)	((int)(sizeof(a) / sizeof((a)[0])))

int
main(void)
{
	TCase *c = suite_case("buf");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, empty_buf_is_an_empty_string);
	tcase_add_test(c, bytes_survive_growth);
	tcase_add_test(c, parts_are_joined);
	tcase_add_loop_test(c, json_strings_are_escaped, 0,
	    NITEMS(escape_cases));
	tcase_add_test(c, url_values_are_percent_encoded);
	return suite_run();
}
