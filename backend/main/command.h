/*
 * The commands of `twocare`: tables of rows, and what every command begins
 * with (settings, user, database) and ends with (one line on an error).
 */
#ifndef MAIN_COMMAND_H
#define MAIN_COMMAND_H

#include "base/ctx.h"

/* Exit codes. */
#define COMMAND_OK	0
#define COMMAND_FAILED	1	/* it was tried and did not work */
#define COMMAND_USAGE	2	/* it was asked wrongly */

/* One row of a table; the row with name NULL ends it. */
struct command {
	const char	*name;		/* one or two words */
	int		(*run)(int argc, char **argv);
	const char	*summary;
	const char	*usage;		/* arguments after the name */
};

/*
 * Run the row that the first words of argv name; argv[0] of the row's function
 * is its (last) word. No words, "help" and "--help" print the table. An unknown
 * name is COMMAND_USAGE.
 */
int	command_run(const struct command *table, const char *prefix, int argc,
	    char **argv);

/* One line "twocare: ..." on standard error; returns COMMAND_FAILED. */
int	command_fail(const char *fmt, ...)
	    __attribute__((format(printf, 1, 2)));

/* The same for a command asked wrongly; returns COMMAND_USAGE. */
int	command_misuse(const char *fmt, ...)
	    __attribute__((format(printf, 1, 2)));

/* The first issue of ctx's fault as that line; returns COMMAND_FAILED. */
int	command_fault(const struct ctx *ctx);

/* A line about how far a long command is, on standard error, every few seconds
 * at most. */
void	command_progress(const char *fmt, ...)
	    __attribute__((format(printf, 1, 2)));

/*
 * The settings (--conf, else TWOCARE_CONF), read once, with their log level in
 * force. NULL after an error line.
 */
const struct conf	*command_conf(void);

/*
 * The settings read, root given up, and a ctx with a database connection (not
 * yet made). It lives as long as the process. NULL after an error line.
 */
struct ctx	*command_ctx(void);

/* One option of a command; the row with name NULL ends the list. */
struct option_row {
	const char	 *name;		/* "--tenant" */
	const char	**value;	/* gets the following word; or */
	bool		 *flag;		/* is set */
};

/*
 * Read the options of argv, and into *word the one word beside them (borrowed);
 * word NULL: there must be none. rows NULL: no options. False after an error
 * line: unknown option, missing value, a word too few or too many.
 */
bool	command_options(const struct option_row *rows, int argc, char **argv,
	    const char **word);

/* The commands. */
int	command_serve(int argc, char **argv);
int	command_jobs(int argc, char **argv);
int	command_migrate(int argc, char **argv);
int	command_check(int argc, char **argv);
int	command_reindex(int argc, char **argv);
int	command_admin(int argc, char **argv);

#endif
