/*
 * How commands print what they found: rows as a table for people and shells,
 * or as JSON; and single facts as text, JSON or shell assignments.
 */
#ifndef MAIN_ROWS_H
#define MAIN_ROWS_H

#include <libpq-fe.h>

#include "base/ctx.h"

enum column_kind { COLUMN_TEXT, COLUMN_INT4, COLUMN_INT8, COLUMN_TIME };

/* Which column of a result is shown under which name; name NULL ends. */
struct column {
	const char		*name;
	int			 col;
	enum column_kind	 kind;
};

enum output { OUTPUT_TEXT, OUTPUT_JSON, OUTPUT_ENV };

/* --output text|json|env (NULL: text); false after an error line. */
bool	output_parse(const char *word, enum output *output);

/* Print the rows: text has a header line and tabs between columns. */
void	rows_print(struct ctx *ctx, const PGresult *res,
	    const struct column *columns, enum output output);

/*
 * A whole command `... list [--output text|json]`: ask for the rows, print
 * them. Its exit code.
 */
int	rows_list(int argc, char **argv, const struct column *columns,
	    enum err (*ask)(struct ctx *ctx, PGresult **res));

/* One fact; name NULL ends a list. As env, names become upper case and values
 * are quoted where the shell needs it. */
struct fact {
	const char	*name;
	struct str	 value;
};

void	facts_print(struct ctx *ctx, const struct fact *facts,
	    enum output output);

#endif
