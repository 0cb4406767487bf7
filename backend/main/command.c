/* How a command is found, begun and ended. */

#include "main/command.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/conf.h"
#include "base/log.h"
#include "base/when.h"
#include "main/privilege.h"
#include "wire/pg.h"

#define COMMAND_ARENA_BYTES	(64 * 1024)
#define PROGRESS_US		3000000

static void
print_line(const char *fmt, va_list ap)
{
	char text[1024];

	vsnprintf(text, sizeof(text), fmt, ap);
	for (char *p = text; *p != '\0'; p++)
		if (*p == '\n')
			*p = ' ';
	fprintf(stderr, "twocare: %s\n", text);
}

int
command_fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print_line(fmt, ap);
	va_end(ap);
	return COMMAND_FAILED;
}

int
command_misuse(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print_line(fmt, ap);
	va_end(ap);
	return COMMAND_USAGE;
}

void
command_progress(const char *fmt, ...)
{
	static int64_t told_us;
	int64_t now_us = when_now();
	va_list ap;

	if (told_us == 0)
		told_us = now_us;
	if (now_us - told_us < PROGRESS_US)
		return;
	told_us = now_us;
	va_start(ap, fmt);
	print_line(fmt, ap);
	va_end(ap);
}

int
command_fault(const struct ctx *ctx)
{
	const struct issue *issue = ctx->fault.issues;

	if (issue == NULL)
		return command_fail("%s", ctx->fault.err == ERR_UNAVAILABLE ?
		    "the database is not available" : "it did not work");
	return command_fail("%.*s", STR_ARGS(issue->text));
}

static void
print_table(const struct command *table, const char *prefix)
{
	printf("usage: %s COMMAND ...\n\n", prefix);
	for (; table->name != NULL; table++)
		printf("  %s %s\n      %s\n", table->name, table->usage,
		    table->summary);
}

static bool
asks_help(const char *word)
{
	return strcmp(word, "help") == 0 || strcmp(word, "--help") == 0 ||
	    strcmp(word, "-h") == 0;
}

/* How many words of argv spell name (1 or 2), or 0. */
static int
words_of(const char *name, int argc, char **argv)
{
	struct str second = str_of(name);
	struct str first = str_cut(&second, ' ');

	if (!str_eqz(first, argv[0]))
		return 0;
	if (second.p == NULL)
		return 1;
	return argc > 1 && str_eqz(second, argv[1]) ? 2 : 0;
}

int
command_run(const struct command *table, const char *prefix, int argc,
    char **argv)
{
	if (argc < 1 || asks_help(argv[0])) {
		print_table(table, prefix);
		return COMMAND_OK;
	}
	for (const struct command *c = table; c->name != NULL; c++) {
		int n = words_of(c->name, argc, argv);

		if (n == 0)
			continue;
		if (argc > n && strcmp(argv[n], "--help") == 0) {
			printf("usage: %s %s %s\n  %s\n", prefix, c->name,
			    c->usage, c->summary);
			return COMMAND_OK;
		}
		return c->run(argc - (n - 1), argv + (n - 1));
	}
	return command_misuse("unknown command \"%s %s\" (\"%s help\" lists "
	    "them)", prefix, argv[0], prefix);
}

const struct conf *
command_conf(void)
{
	static struct conf conf;
	static bool loaded;
	char *why;

	if (loaded)
		return &conf;
	if (!conf_load(&conf, NULL, &why)) {
		command_fail("%s", why);
		return NULL;
	}
	log_set_level((enum log_level)conf.log_level);
	loaded = true;
	return &conf;
}

struct ctx *
command_ctx(void)
{
	static struct arena *arena;	/* as long as the process */
	const struct conf *conf = command_conf();
	struct ctx *ctx;
	char *why;

	if (conf == NULL)
		return NULL;
	if (!become_user(conf->user, &why)) {
		command_fail("%s", why);
		return NULL;
	}
	arena = arena_new(COMMAND_ARENA_BYTES);
	ctx = arena_zero(arena, sizeof(*ctx));
	ctx->arena = arena;
	ctx->conf = conf;
	ctx->pg = pg_new(conf->database, conf->statement_timeout_ms);
	ctx->request_id = STR("command");
	ctx->now_us = when_now();
	return ctx;
}

static const struct option_row *
row_of(const struct option_row *rows, const char *name)
{
	for (; rows != NULL && rows->name != NULL; rows++)
		if (strcmp(rows->name, name) == 0)
			return rows;
	return NULL;
}

/* Take the option at argv[0]; the number of words that it is, 0 after an error
 * line. */
static int
take_option(const struct option_row *rows, char **argv)
{
	const struct option_row *row = row_of(rows, argv[0]);

	if (row == NULL) {
		command_misuse("unknown option %s", argv[0]);
		return 0;
	}
	if (row->flag != NULL) {
		*row->flag = true;
		return 1;
	}
	if (argv[1] == NULL) {
		command_misuse("%s needs a value", row->name);
		return 0;
	}
	*row->value = argv[1];
	return 2;
}

bool
command_options(const struct option_row *rows, int argc, char **argv,
    const char **word)
{
	const char *found = NULL;
	int n;

	for (int i = 1; i < argc; i += n) {
		n = 1;
		if (strncmp(argv[i], "--", 2) == 0) {
			if ((n = take_option(rows, argv + i)) == 0)
				return false;
		} else if (word == NULL || found != NULL) {
			command_misuse("\"%s\" is too much", argv[i]);
			return false;
		} else
			found = argv[i];
	}
	if (word == NULL)
		return true;
	if (found == NULL)
		command_misuse("something is missing (--help shows what)");
	*word = found;
	return found != NULL;
}
