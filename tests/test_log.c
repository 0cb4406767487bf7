/* The log: one line per fact, and nothing a stranger can forge. */

#include "base/log.h"
#include "lib/suite.h"

#include <check.h>
#include <stdio.h>
#include <unistd.h>

static int pipe_fds[2];

static void
setup(void)
{
	ck_assert_int_eq(pipe(pipe_fds), 0);
	ck_assert_int_ge(dup2(pipe_fds[1], STDERR_FILENO), 0);
	close(pipe_fds[1]);
}

/* What has been written to standard error. */
static struct str
written(void)
{
	static char text[4096];
	ssize_t n;

	close(STDERR_FILENO);
	n = read(pipe_fds[0], text, sizeof(text));
	ck_assert_int_ge(n, 0);
	return (struct str){ text, (size_t)n };
}

START_TEST(line_is_level_event_and_pairs)
{
	log_line(LOG_LEVEL_WARN, "pool_full", "pool=%s n=%d", "fast", 3);
	ck_assert(str_eqz(written(),
	    "level=warn event=pool_full pool=fast n=3\n"));
}
END_TEST

START_TEST(lines_above_the_level_are_dropped)
{
	log_line(LOG_LEVEL_DEBUG, "detail", "n=%d", 1);
	log_set_level(LOG_LEVEL_ERROR);
	log_line(LOG_LEVEL_WARN, "hint", "n=%d", 1);
	log_line(LOG_LEVEL_ERROR, "broken", "n=%d", 1);
	ck_assert(str_eqz(written(), "level=error event=broken n=1\n"));
}
END_TEST

START_TEST(held_lines_wait_for_a_flush)
{
	log_hold(true);
	log_line(LOG_LEVEL_INFO, "request", "n=%d", 1);
	ck_assert(log_held());
	log_flush();
	log_line(LOG_LEVEL_INFO, "request", "n=%d", 2);
	ck_assert(str_eqz(written(), "level=info event=request n=1\n"));
}
END_TEST

START_TEST(warning_brings_held_lines_before_it)
{
	log_hold(true);
	log_line(LOG_LEVEL_INFO, "request", "n=%d", 1);
	log_line(LOG_LEVEL_WARN, "hint", "n=%d", 2);
	ck_assert(!log_held());
	ck_assert(str_eqz(written(), "level=info event=request n=1\n"
	    "level=warn event=hint n=2\n"));
}
END_TEST

START_TEST(control_characters_make_no_second_line)
{
	log_line(LOG_LEVEL_INFO, "request", "path=%s", "a\nlevel=error\x1b[0m");
	ck_assert(str_eqz(written(),
	    "level=info event=request path=a level=error [0m\n"));
}
END_TEST

START_TEST(long_line_is_cut_and_ended)
{
	char text[3000];
	struct str line;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_line(LOG_LEVEL_INFO, "request", "path=%s", text);
	line = written();
	ck_assert_uint_le(line.n, 1024);
	ck_assert_int_eq(line.p[line.n - 1], '\n');
}
END_TEST

static const struct word_case {
	struct str	 raw;
	const char	*word;
} word_cases[] = {
	{ { "plain-1.2", 9 }, "plain-1.2" },
	{ { "", 0 }, "\"\"" },
	{ { "two words", 9 }, "\"two words\"" },
	{ { "a=b", 3 }, "\"a=b\"" },
	{ { "a\"b\\c", 5 }, "\"a?b?c\"" },
	{ { "a\nb\0c", 5 }, "\"a?b?c\"" },
	{ { "\xc3\xa9", 2 }, "\"??\"" },
};

START_TEST(strangers_word_is_quoted)
{
	ck_assert_str_eq(log_word(word_cases[_i].raw), word_cases[_i].word);
}
END_TEST

START_TEST(four_words_stand_at_once_and_long_ones_are_cut)
{
	char text[500];
	const char *a = log_word(STR("a")), *b = log_word(STR("b"));
	const char *c = log_word(STR("c")), *d;

	memset(text, 'x', sizeof(text));
	d = log_word((struct str){ text, sizeof(text) });
	ck_assert_str_eq(a, "a");
	ck_assert_str_eq(b, "b");
	ck_assert_str_eq(c, "c");
	ck_assert_uint_eq(strlen(d), 200);
}
END_TEST

#define NITEMS(a)	((int)(sizeof(a) / sizeof((a)[0])))

int
main(void)
{
	TCase *c = suite_case("log");

	tcase_add_checked_fixture(c, setup, NULL);
	tcase_add_test(c, line_is_level_event_and_pairs);
	tcase_add_test(c, lines_above_the_level_are_dropped);
	tcase_add_test(c, held_lines_wait_for_a_flush);
	tcase_add_test(c, warning_brings_held_lines_before_it);
	tcase_add_test(c, control_characters_make_no_second_line);
	tcase_add_test(c, long_line_is_cut_and_ended);
	tcase_add_loop_test(c, strangers_word_is_quoted, 0,
	    NITEMS(word_cases));
	tcase_add_test(c, four_words_stand_at_once_and_long_ones_are_cut);
	return suite_run();
}
