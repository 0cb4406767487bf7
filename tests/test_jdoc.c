/* The JSON tokenizer: what it accepts, refuses, and says about its nodes. */

#include "base/jdoc.h"
#include "lib/suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"

#define ROOM	4096

static struct jnode nodes[ROOM];
static struct jdoc doc;

static enum jdoc_error
parse(const char *text)
{
	return jdoc_parse(&doc, str_of(text), nodes, ROOM, 8);
}

#define S16	"aaaaaaaaaaaaaaaa"

/* clang-format off */
static const struct text_case {
	const char	*text;
	enum jdoc_error	 error;
	size_t		 off;		/* of the error */
} text_cases[] = {
/* fine */
{ "{}",				JDOC_OK,	0 },
{ " [ ] ",			JDOC_OK,	0 },
{ "\t\r\n 1 \n",		JDOC_OK,	0 },
{ "\"\"",			JDOC_OK,	0 },
{ "-0",				JDOC_OK,	0 },
{ "-0.0e-10",			JDOC_OK,	0 },
{ "1E+2",			JDOC_OK,	0 },
{ "123456789012345678901234567890.10", JDOC_OK,	0 },
{ "true",			JDOC_OK,	0 },
{ "[true,false,null]",		JDOC_OK,	0 },
{ "{\"a\":{\"a\":1},\"b\":[{\"a\":1},{\"a\":2}]}", JDOC_OK, 0 },
{ "{\"\":1,\" \":2}",		JDOC_OK,	0 },
{ "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83D\\uDE00\"", JDOC_OK, 0 },
{ "\"" S16 "\xc3\xa9" S16 "\"",	JDOC_OK,	0 },
{ "\"\xf4\x8f\xbf\xbf\"",	JDOC_OK,	0 },
{ "\"\x7f\"",			JDOC_OK,	0 },
{ "[[[[[[[[]]]]]]]]",		JDOC_OK,	0 },
/* ends too early */
{ "",				JDOC_END,	0 },
{ "  ",				JDOC_END,	2 },
{ "{",				JDOC_END,	1 },
{ "[1",				JDOC_END,	2 },
{ "[1,",			JDOC_END,	3 },
{ "{\"a\"",			JDOC_END,	4 },
{ "{\"a\":",			JDOC_END,	5 },
{ "{\"a\":1",			JDOC_END,	6 },
{ "\"" S16,			JDOC_END,	17 },
{ "\"\\",			JDOC_END,	2 },
{ "\"\\u12",			JDOC_END,	5 },
{ "-",				JDOC_END,	1 },
{ "1.",				JDOC_END,	2 },
{ "1e",				JDOC_END,	2 },
{ "nul",			JDOC_END,	3 },
/* not RFC 8259 */
{ "\xef\xbb\xbf{}",		JDOC_SYNTAX,	0 },
{ "[1,]",			JDOC_SYNTAX,	3 },
{ "[,1]",			JDOC_SYNTAX,	1 },
{ "{,}",			JDOC_SYNTAX,	1 },
{ "{\"a\":1,}",			JDOC_SYNTAX,	7 },
{ "{a:1}",			JDOC_SYNTAX,	1 },
{ "{'a':1}",			JDOC_SYNTAX,	1 },
{ "{1:1}",			JDOC_SYNTAX,	1 },
{ "{\"a\" 1}",			JDOC_SYNTAX,	5 },
{ "{\"a\":}",			JDOC_SYNTAX,	5 },
{ "[1 2]",			JDOC_SYNTAX,	3 },
{ "[}",				JDOC_SYNTAX,	1 },
{ "{]",				JDOC_SYNTAX,	1 },
{ "[1}",			JDOC_SYNTAX,	2 },
{ "]",				JDOC_SYNTAX,	0 },
{ "{} {}",			JDOC_SYNTAX,	3 },
{ "1 2",			JDOC_SYNTAX,	2 },
{ "01",				JDOC_SYNTAX,	1 },
{ "-01",			JDOC_SYNTAX,	2 },
{ "+1",				JDOC_SYNTAX,	0 },
{ ".5",				JDOC_SYNTAX,	0 },
{ "1.e5",			JDOC_SYNTAX,	2 },
{ "1e+x",			JDOC_SYNTAX,	3 },
{ "0x10",			JDOC_SYNTAX,	1 },
{ "NaN",			JDOC_SYNTAX,	0 },
{ "Infinity",			JDOC_SYNTAX,	0 },
{ "True",			JDOC_SYNTAX,	0 },
{ "nulL",			JDOC_SYNTAX,	3 },
{ "\"\n\"",			JDOC_SYNTAX,	1 },
{ "\"" S16 "\x1f\"",		JDOC_SYNTAX,	17 },
{ "\"\\x\"",			JDOC_SYNTAX,	1 },
{ "\"\\u00g0\"",		JDOC_SYNTAX,	1 },
{ "// no\n1",			JDOC_SYNTAX,	0 },
{ "1\f",			JDOC_SYNTAX,	1 },
/* not UTF-8, or half a surrogate pair */
{ "\"\x80\"",			JDOC_UTF8,	1 },
{ "\"\xc0\xaf\"",		JDOC_UTF8,	1 },
{ "\"\xc3\"",			JDOC_UTF8,	1 },
{ "\"\xe0\x80\x80\"",		JDOC_UTF8,	1 },
{ "\"\xed\xa0\x80\"",		JDOC_UTF8,	1 },
{ "\"\xf4\x90\x80\x80\"",	JDOC_UTF8,	1 },
{ "\"" S16 "\xff\"",		JDOC_UTF8,	17 },
{ "\"\\ud800\"",		JDOC_UTF8,	1 },
{ "\"\\ud800\\ud800\"",		JDOC_UTF8,	1 },
{ "\"\\udc00\\ud800\"",		JDOC_UTF8,	1 },
{ "\"\\ud800abcdefgh\"",	JDOC_UTF8,	1 },
{ "\"\\u0000\"",		JDOC_NUL,	1 },
/* names twice, escapes decoded */
{ "{\"a\":1,\"a\":1}",		JDOC_DUPLICATE,	7 },
{ "{\"\":1,\"\":1}",		JDOC_DUPLICATE,	6 },
{ "{\"a\":1,\"b\":{},\"\\u0061\":1}", JDOC_DUPLICATE, 14 },
{ "{\"\\u0061\":1,\"a\":1}",	JDOC_DUPLICATE,	12 },
{ "{\"\\u00e9\":1,\"\xc3\xa9\":1}", JDOC_DUPLICATE, 12 },
{ "[{\"x\":{\"a\":1,\"a\":1}}]",	JDOC_DUPLICATE,	13 },
/* too deep */
{ "[[[[[[[[[]]]]]]]]]",		JDOC_DEPTH,	8 },
{ "[[[[[[[[{}]]]]]]]]",		JDOC_DEPTH,	8 },
};
/* clang-format on */

START_TEST(text_is_judged)
{
	const struct text_case *c = &text_cases[_i];
	enum jdoc_error error = parse(c->text);

	ck_assert_msg(error == c->error, "%s: %s", c->text,
	    jdoc_strerror(error));
	ck_assert_msg(doc.error_off == c->off, "%s: at %zu", c->text,
	    doc.error_off);
	ck_assert_uint_le(doc.count, jdoc_bound(str_of(c->text)));
}
END_TEST

START_TEST(raw_nul_is_refused_everywhere)
{
	static const char *const around[] = { "\"a%b\"", "%", "[1%]", "1%" };

	for (size_t i = 0; i < 4; i++) {
		char text[8];
		size_t n = strlen(around[i]);

		memcpy(text, around[i], n + 1);
		*strchr(text, '%') = '\0';
		ck_assert_int_eq(jdoc_parse(&doc, (struct str){ text, n },
		    nodes, ROOM, 8), JDOC_NUL);
	}
}
END_TEST

START_TEST(every_prefix_of_a_text_is_refused)
{
	const char *text = "{\"a\":[1.5e3,true,\"\\ud83d\\ude00\xc3\xa9\"],"
	    "\"b\":{\"c\":null}}";
	size_t n = strlen(text);

	for (size_t i = 0; i < n; i++) {
		/* A copy of its own, so that a sanitizer sees overruns. */
		char *copy = malloc(i + 1);

		memcpy(copy, text, i);
		ck_assert_int_ne(jdoc_parse(&doc, (struct str){ copy, i },
		    nodes, ROOM, 8), JDOC_OK);
		free(copy);
	}
	ck_assert_int_eq(parse(text), JDOC_OK);
}
END_TEST

START_TEST(nodes_are_walked_in_order)
{
	uint32_t a, b, i;

	ck_assert_int_eq(parse("{\"a\":[1,{\"x\":[]},\"s\"],\"b\":false}"),
	    JDOC_OK);
	ck_assert_uint_eq(doc.count, 10);
	ck_assert_uint_eq(nodes[0].count, 2);
	a = jdoc_get(&doc, 0, STR("a"));
	b = jdoc_get(&doc, 0, STR("b"));
	ck_assert_int_eq(jdoc_type(&doc, a), JDOC_ARRAY);
	ck_assert_uint_eq(nodes[a].count, 3);
	ck_assert_int_eq(jdoc_type(&doc, b), JDOC_FALSE);
	i = jdoc_first(&doc, a);
	ck_assert(str_eqz(jdoc_raw(&doc, i), "1"));
	i = jdoc_next(&doc, a, i);
	ck_assert(str_eqz(jdoc_raw(&doc, i), "{\"x\":[]}"));
	ck_assert_uint_eq(jdoc_first(&doc, jdoc_get(&doc, i, STR("x"))), 0);
	i = jdoc_next(&doc, a, i);
	ck_assert(str_eqz(jdoc_raw(&doc, i), "s"));
	ck_assert(str_eqz(jdoc_source(&doc, i), "\"s\""));
	ck_assert_uint_eq(jdoc_next(&doc, a, i), 0);
	i = jdoc_first(&doc, 0);
	ck_assert(jdoc_is(&doc, i, STR("a")));
	i = jdoc_next(&doc, 0, i);
	ck_assert_uint_eq(jdoc_value(&doc, i), b);
	ck_assert_uint_eq(jdoc_next(&doc, 0, i), 0);
	ck_assert_uint_eq(jdoc_get(&doc, 0, STR("c")), 0);
	ck_assert_uint_eq(jdoc_get(&doc, a, STR("a")), 0);
}
END_TEST

START_TEST(escapes_are_decoded)
{
	char out[64];
	size_t n;

	ck_assert_int_eq(parse("[\"\\\"\\\\\\/\\b\\f\\n\\r\\tA\\u00E9\\u20ac"
	    "\\uD83D\\uDE00z\"]"), JDOC_OK);
	n = jdoc_decode(&doc, 1, out);
	ck_assert_uint_le(n, jdoc_raw(&doc, 1).n);
	ck_assert(str_eqz((struct str){ out, n }, "\"\\/\b\f\n\r\tA\xc3\xa9"
	    "\xe2\x82\xac\xf0\x9f\x98\x80z"));
	ck_assert(jdoc_is(&doc, 1, (struct str){ out, n }));
	ck_assert(!jdoc_is(&doc, 1, (struct str){ out, n - 1 }));
	ck_assert(!jdoc_is(&doc, 1, STR("\"")));
	ck_assert(!jdoc_is(&doc, 0, STR("")));
}
END_TEST

/* {"<prefix>0":0,...}, the last name once more when twice. */
static struct str
many_members(struct arena *arena, int count, bool twice)
{
	struct buf b = buf_new(arena, 65536);

	buf_addc(&b, '{');
	for (int i = 0; i < count; i++)
		buf_addf(&b, "%s\"member%d\":[%d]", i > 0 ? "," : "",
		    twice && i == count - 1 ? (count - 1) / 2 : i, i);
	buf_addc(&b, '}');
	return buf_str(&b);
}

START_TEST(duplicates_are_found_in_objects_of_any_size)
{
	struct arena *arena = arena_new(0);

	for (int count = 2; count <= JDOC_MEMBERS_MAX; count += 1 + count / 8) {
		struct str fine = many_members(arena, count, false);
		struct str twice = many_members(arena, count, true);

		ck_assert_int_eq(jdoc_parse(&doc, fine, nodes, ROOM, 8),
		    JDOC_OK);
		ck_assert_int_eq(jdoc_parse(&doc, twice, nodes, ROOM, 8),
		    JDOC_DUPLICATE);
	}
	ck_assert_int_eq(jdoc_parse(&doc, many_members(arena,
	    JDOC_MEMBERS_MAX, false), nodes, ROOM, 8), JDOC_OK);
	ck_assert_int_eq(jdoc_parse(&doc, many_members(arena,
	    JDOC_MEMBERS_MAX + 1, false), nodes, ROOM, 8), JDOC_MEMBERS);
	arena_free(arena);
}
END_TEST

START_TEST(escaped_duplicate_is_found_in_a_large_object)
{
	struct arena *arena = arena_new(0);
	struct buf b = buf_new(arena, 4096);

	buf_addz(&b, "{\"first\":0");
	for (int i = 0; i < 100; i++)
		buf_addf(&b, ",\"m%d\":0", i);
	buf_addz(&b, ",\"f\\u0069rst\":0}");
	ck_assert_int_eq(jdoc_parse(&doc, buf_str(&b), nodes, ROOM, 8),
	    JDOC_DUPLICATE);
	arena_free(arena);
}
END_TEST

START_TEST(long_array_is_walked_beyond_its_saturated_count)
{
	struct arena *arena = arena_new(0);
	struct buf b = buf_new(arena, 200000);
	uint32_t seen = 0;
	size_t room;
	struct jnode *many;

	buf_addz(&b, "[0");
	for (int i = 1; i < 70000; i++)
		buf_addz(&b, ",0");
	buf_addc(&b, ']');
	room = jdoc_bound(buf_str(&b));
	ck_assert_uint_eq(room, 70001);
	many = arena_array(arena, room, sizeof(*many));
	ck_assert_int_eq(jdoc_parse(&doc, buf_str(&b), many, room, 8),
	    JDOC_OK);
	ck_assert_uint_eq(many[0].count, UINT16_MAX);
	for (uint32_t i = jdoc_first(&doc, 0); i != 0;
	    i = jdoc_next(&doc, 0, i))
		seen++;
	ck_assert_uint_eq(seen, 70000);
	ck_assert_int_eq(jdoc_parse(&doc, buf_str(&b), many, room - 1, 8),
	    JDOC_ROOM);
	arena_free(arena);
}
END_TEST

START_TEST(depth_and_size_are_bounded)
{
	char deep[2 * JDOC_DEPTH_MAX + 2];

	memset(deep, '[', JDOC_DEPTH_MAX);
	memset(deep + JDOC_DEPTH_MAX, ']', JDOC_DEPTH_MAX);
	ck_assert_int_eq(jdoc_parse(&doc,
	    (struct str){ deep, 2 * JDOC_DEPTH_MAX }, nodes, ROOM, 100000),
	    JDOC_OK);
	memset(deep, '[', sizeof(deep));
	ck_assert_int_eq(jdoc_parse(&doc, (struct str){ deep, sizeof(deep) },
	    nodes, ROOM, 100000), JDOC_DEPTH);
	ck_assert_int_eq(jdoc_parse(&doc, STR("[]"), nodes, ROOM, 0),
	    JDOC_DEPTH);
	ck_assert_int_eq(jdoc_parse(&doc, STR("1"), nodes, ROOM, 0), JDOC_OK);
	ck_assert_int_eq(jdoc_parse(&doc,
	    (struct str){ deep, JDOC_TEXT_MAX + 1 }, nodes, ROOM, 8),
	    JDOC_LARGE);
}
END_TEST

START_TEST(place_is_line_and_character)
{
	struct str text = STR("{\n \"\xc3\xa9\": x}");
	unsigned line, column;

	ck_assert_int_eq(jdoc_parse(&doc, text, nodes, ROOM, 8), JDOC_SYNTAX);
	jdoc_place(text, doc.error_off, &line, &column);
	ck_assert_uint_eq(line, 2);
	ck_assert_uint_eq(column, 7);
}
END_TEST

#define NITEMS(a)	((int)(sizeof(a) / sizeof((a)[0])))

int
main(void)
{
	TCase *c = suite_case("jdoc");

	tcase_add_loop_test(c, text_is_judged, 0, NITEMS(text_cases));
	tcase_add_test(c, raw_nul_is_refused_everywhere);
	tcase_add_test(c, every_prefix_of_a_text_is_refused);
	tcase_add_test(c, nodes_are_walked_in_order);
	tcase_add_test(c, escapes_are_decoded);
	tcase_add_test(c, duplicates_are_found_in_objects_of_any_size);
	tcase_add_test(c, escaped_duplicate_is_found_in_a_large_object);
	tcase_add_test(c, long_array_is_walked_beyond_its_saturated_count);
	tcase_add_test(c, depth_and_size_are_bounded);
	tcase_add_test(c, place_is_line_and_character);
	return suite_run();
}
