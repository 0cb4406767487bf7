/* Texts that differ in case, accents or blanks fold to the same. */

#include "fhir/keys.h"
#include "lib/suite.h"

#include <check.h>

#include "base/code.h"

static struct arena *arena;

static void
begin(void)
{
	arena = arena_new(65536);
}

static void
end(void)
{
	arena_free(arena);
}

static const struct { const char *text, *folded; } rows[] = {
	{ "Smith", "smith" },
	{ "  van   der\tBerg\n", "van der berg" },
	{ "Müller", "muller" },
	{ "Mu\xcc\x88ller", "muller" },		/* decomposed */
	{ "STRASSE", "strasse" },
	{ "Straße", "strasse" },
	{ "Renée-Noël", "renee-noel" },
	{ "ÅNGSTRÖM", "angstrom" },
	{ "ﬁne", "fine" },			/* a ligature */
	{ "ＡＢＣ", "abc" },			/* full width */
	{ "Nguyễn", "nguyen" },
	{ "ΣΊΣΥΦΟΣ", "σισυφοσ" },
	{ "Иван", "иван" },
	{ "李", "李" },
	{ "a\xc2\xa0" "b", "a b" },		/* no-break space */
	{ "", "" },
	{ " \xcc\x81 ", "" },			/* a mark on nothing */
};

START_TEST(text_folds_to)
{
	struct str folded = key_fold(arena, str_of(rows[_i].text));

	ck_assert_msg(str_eqz(folded, rows[_i].folded), "%s: %.*s",
	    rows[_i].text, STR_ARGS(folded));
}
END_TEST

START_TEST(folding_again_changes_nothing)
{
	struct str once = key_fold(arena, str_of(rows[_i].text));

	ck_assert(str_eq(once, key_fold(arena, once)));
}
END_TEST

/* A letter of two bytes that folds to two; one that grows most (U+FDFA). */
static const char *const long_letters[] = { "a", "я", "ﷺ" };

START_TEST(long_text_is_cut_at_a_character)
{
	struct str letter = str_of(long_letters[_i]);
	size_t n = 100000 / letter.n * letter.n;
	char *text = arena_alloc(arena, n);
	struct str folded;

	for (size_t i = 0; i < n; i += letter.n)
		memcpy(text + i, letter.p, letter.n);
	folded = key_fold(arena, (struct str){ text, n });
	ck_assert_uint_le(folded.n, 256);
	ck_assert_uint_gt(folded.n, 252);
	ck_assert(utf8_valid(folded));
}
END_TEST

START_TEST(bytes_that_are_no_utf8_harm_nobody)
{
	key_fold(arena, STR("\xff\xfe Smith \xc3"));
	key_fold(arena, STR("\x80\x80\x80"));
}
END_TEST

int
main(void)
{
	TCase *tc = suite_case("fold");
	int n = sizeof(rows) / sizeof(rows[0]);

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_loop_test(tc, text_folds_to, 0, n);
	tcase_add_loop_test(tc, folding_again_changes_nothing, 0, n);
	tcase_add_loop_test(tc, long_text_is_cut_at_a_character, 0, 3);
	tcase_add_test(tc, bytes_that_are_no_utf8_harm_nobody);
	return suite_run();
}
