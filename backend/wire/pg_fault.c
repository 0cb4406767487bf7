/* What PostgreSQL's errors mean here: one table from SQLSTATE to err. */

#include "wire/pg_link.h"

#include "base/log.h"
#include "base/metrics.h"

#include <stdio.h>

struct sqlstate_kind {
	const char	*prefix;	/* of the SQLSTATE; first match wins */
	enum err	 err;
	int		 log;
	bool		 says;	/* the message holds no data: log it */
};

/* PostgreSQL documentation, appendix A */
/* clang-format off */
static const struct sqlstate_kind kinds[] = {
/*	  prefix	err			log			says */
	{ "40001",	ERR_RETRY,		LOG_LEVEL_DEBUG,	false },
	{ "40P01",	ERR_RETRY,		LOG_LEVEL_INFO,		false },
	{ "23",		ERR_INTERNAL,		LOG_LEVEL_INFO,		false },
	{ "57014",	ERR_TOO_COSTLY,	LOG_LEVEL_WARN,		true },
	{ "57",		ERR_UNAVAILABLE,	LOG_LEVEL_WARN,		true },
	{ "55P03",	ERR_UNAVAILABLE,	LOG_LEVEL_WARN,		false },
	{ "53",		ERR_UNAVAILABLE,	LOG_LEVEL_ERROR,	true },
	{ "25P03",	ERR_UNAVAILABLE,	LOG_LEVEL_WARN,		true },
	{ "25006",	ERR_UNAVAILABLE,	LOG_LEVEL_ERROR,	true },
	{ "08",		ERR_UNAVAILABLE,	LOG_LEVEL_WARN,		true },
	{ "42",		ERR_INTERNAL,		LOG_LEVEL_ERROR,	true },
	{ "0A000",	ERR_INTERNAL,		LOG_LEVEL_ERROR,	true },
	{ "26000",	ERR_UNAVAILABLE,	LOG_LEVEL_WARN,		true },
	{ "",		ERR_INTERNAL,		LOG_LEVEL_ERROR,	false },
};
/* clang-format on */

static const struct sqlstate_kind *
kind_of(const char *sqlstate)
{
	const struct sqlstate_kind *kind = kinds;

	while (strncmp(sqlstate, kind->prefix, strlen(kind->prefix)) != 0)
		kind++;
	return kind;
}

static const char *
field(const PGresult *res, int code)
{
	const char *text = res == NULL ? NULL : PQresultErrorField(res, code);

	return text == NULL ? "" : text;
}

enum err
pg_fault_keep(struct pg *pg, const PGresult *res, const char *statement)
{
	const char *sqlstate = field(res, PG_DIAG_SQLSTATE);
	const struct sqlstate_kind *kind;

	/* libpq's own errors, a lost connection, carry no SQLSTATE. */
	if (sqlstate[0] == '\0')
		sqlstate = "08006";
	kind = kind_of(sqlstate);
	metrics_count(&metrics->database_errors[kind->err]);
	snprintf(pg->sqlstate, sizeof(pg->sqlstate), "%s", sqlstate);
	snprintf(pg->constraint, sizeof(pg->constraint), "%s",
	    field(res, PG_DIAG_CONSTRAINT_NAME));
	log_line(kind->log, "pg_error",
	    "sqlstate=%s statement=%s constraint=%s message=%s", sqlstate,
	    statement, log_word(str_of(pg->constraint)),
	    log_word(str_of(kind->says ?
	    field(res, PG_DIAG_MESSAGE_PRIMARY) : "")));
	return kind->err;
}

enum err
pg_fault_note(struct ctx *ctx, enum err err)
{
	switch (err) {
	case ERR_UNAVAILABLE:
		return fail(ctx, err, "the database is not available at the "
		    "moment; try again in a few seconds");
	case ERR_TOO_COSTLY:
		return fail(ctx, err, "this took longer than the server "
		    "allows; ask for less at once, or try again");
	case ERR_RETRY:
		return fail(ctx, err, "this change met another one of the "
		    "same data; try again");
	default:
		return fail(ctx, err, "an internal error; the request id "
		    "leads the operator to its cause");
	}
}
