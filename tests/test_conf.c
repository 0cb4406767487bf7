/* Settings: defaults, bounds, and messages that name file and line. */

#include "base/conf.h"
#include "lib/suite.h"

#include <check.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"

#define MUST	"issuer = https://auth.test\nbase_url = https://api.test/v3\n"

static struct conf conf;

static void
end(void)
{
	conf_free(&conf);
}

/* Load a file of this text; the message stands in *why. */
static bool
load(struct str text, char **why)
{
	char folder[64], file[96];
	FILE *out;
	bool fine;

	snprintf(folder, sizeof(folder), "%s/conf.XXXXXX", P_tmpdir);
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(file, sizeof(file), "%s/twocare.conf", folder);
	out = fopen(file, "we");
	ck_assert_ptr_nonnull(out);
	ck_assert_uint_eq(fwrite(text.p, 1, text.n, out), text.n);
	fclose(out);
	*why = NULL;
	fine = conf_load(&conf, file, why);
	unlink(file);
	rmdir(folder);
	return fine;
}

START_TEST(defaults_hold_where_nothing_is_said)
{
	char *why;

	ck_assert(load(STR(MUST), &why));
	ck_assert_str_eq(conf.issuer, "https://auth.test");
	ck_assert_str_eq(conf.environment, "production");
	ck_assert_int_eq(conf.fast_workers, 8);
	ck_assert_int_eq(conf.log_level, LOG_LEVEL_INFO);
}
END_TEST

/* The file that is installed shows the defaults, all of them. */
START_TEST(installed_file_shows_the_defaults)
{
	static const size_t texts[] = { offsetof(struct conf, environment),
		offsetof(struct conf, database),
		offsetof(struct conf, socket_dir),
		offsetof(struct conf, state_dir),
		offsetof(struct conf, secret_dir), offsetof(struct conf, user),
		offsetof(struct conf, socket_group) };
	struct conf shown = { .issuer = NULL };
	char *why = NULL;

	ck_assert_msg(conf_load(&shown, "conf/twocare.conf", &why), "%s", why);
	ck_assert(load(STR(MUST), &why));
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		ck_assert_str_eq(
		    *(char **)(void *)((char *)&shown + texts[i]),
		    *(char **)(void *)((char *)&conf + texts[i]));
	ck_assert_mem_eq(&shown.fast_workers, &conf.fast_workers,
	    sizeof(conf) - offsetof(struct conf, fast_workers));
	conf_free(&shown);
}
END_TEST

START_TEST(what_is_said_wins)
{
	char *why;

	ck_assert(load(STR("# a comment\n\n" MUST
	    "  fast_workers=3  \r\nlog_level = debug\n"
	    "conditional_delete = multiple\ndangling_references = refuse\n"
	    "database = host=/run dbname=x\nenvironment = sandbox"), &why));
	ck_assert_int_eq(conf.delete_many, 1);
	ck_assert_int_eq(conf.keep_referred, 0);
	ck_assert_int_eq(conf.keep_whole, 1);
	ck_assert_int_eq(conf.fast_workers, 3);
	ck_assert_int_eq(conf.log_level, LOG_LEVEL_DEBUG);
	ck_assert_str_eq(conf.database, "host=/run dbname=x");
	ck_assert_str_eq(conf.environment, "sandbox");
}
END_TEST

static const struct bad_case {
	const char	*text;
	const char	*says;		/* somewhere in the message */
} bad_cases[] = {
	{ "", "\"issuer\" must be set" },
	{ "issuer = https://x\n", "\"base_url\" must be set" },
	{ "issuer = x\n", ".conf:1: bad value of \"issuer\" (must be" },
	{ "issuer = ftp://x\n", ".conf:1: bad value" },
	{ "issuer = https://\n", ".conf:1: bad value" },
	{ "issuer = https://x/\n", ".conf:1: bad value" },
	{ "issuer = https://x/auth\n", ".conf:1: bad value" },
	{ "issuer = https://x y\n", ".conf:1: bad value" },
	{ "issuer = https://x\"y\n", ".conf:1: bad value" },
	{ "base_url = x/v3\n", ".conf:1: bad value of \"base_url\"" },
	{ "base_url = https://x/v3/\n", ".conf:1: bad value" },
	{ "base_url = https://x/v3?a\n", ".conf:1: bad value" },
	{ "environment = staging\n", ".conf:1: bad value of "
	    "\"environment\" (must be production or sandbox)" },
	{ MUST "colour = red\n", ".conf:3: unknown setting \"colour\"" },
	{ MUST "fast_workers\n", ".conf:3: expected name = value" },
	{ MUST "\nfast_workers = 0\n", ".conf:4: bad value" },
	{ MUST "fast_workers = 257\n", ".conf:3: bad value" },
	{ MUST "fast_workers = -1\n", ".conf:3: bad value" },
	{ MUST "fast_workers = 8x\n", ".conf:3: bad value" },
	{ MUST "fast_workers =\n", ".conf:3: bad value" },
	{ MUST "user =\n", ".conf:3: bad value" },
	{ MUST "log_level = loud\n", ".conf:3: bad value" },
	{ MUST "conditional_delete = all\n", ".conf:3: bad value of "
	    "\"conditional_delete\" (must be single or multiple)" },
	{ MUST "delete_referred = no\n", "(must be allow or refuse)" },
	{ MUST "= x\n", ".conf:3:" },
};

START_TEST(mistake_is_named_with_its_line)
{
	const struct bad_case *c = &bad_cases[_i];
	char *why;

	ck_assert_msg(!load(str_of(c->text), &why), "%s", c->text);
	ck_assert_ptr_nonnull(why);
	ck_assert_msg(strstr(why, c->says) != NULL, "%s", why);
	free(why);
}
END_TEST

START_TEST(too_long_line_is_refused)
{
	static char text[5000];
	char *why;

	memset(text, 'x', sizeof(text));
	ck_assert(!load((struct str){ text, sizeof(text) }, &why));
	ck_assert_ptr_nonnull(strstr(why, ".conf:1: line too long"));
	free(why);
}
END_TEST

START_TEST(missing_file_is_named)
{
	char *why = NULL;

	ck_assert(!conf_load(&conf, "/nonexistent/twocare.conf", &why));
	ck_assert_ptr_nonnull(strstr(why, "/nonexistent/twocare.conf: "));
	free(why);
	conf_free(&conf);
	setenv("TWOCARE_CONF", "/nonexistent/other.conf", 1);
	ck_assert(!conf_load(&conf, NULL, &why));
	ck_assert_ptr_nonnull(strstr(why, "/nonexistent/other.conf: "));
	free(why);
}
END_TEST

#define NITEMS(a)	((int)(sizeof(a) / sizeof((a)[0])))

int
main(void)
{
	TCase *c = suite_case("conf");

	tcase_add_checked_fixture(c, NULL, end);
	tcase_add_test(c, defaults_hold_where_nothing_is_said);
	tcase_add_test(c, installed_file_shows_the_defaults);
	tcase_add_test(c, what_is_said_wins);
	tcase_add_loop_test(c, mistake_is_named_with_its_line, 0,
	    NITEMS(bad_cases));
	tcase_add_test(c, too_long_line_is_refused);
	tcase_add_test(c, missing_file_is_named);
	return suite_run();
}
