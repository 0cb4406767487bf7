/*
 * What can go wrong, and how each face of the product says it. One table
 * (fault.c) turns an err into an HTTP status, a 2care code, an OperationOutcome
 * issue code, an OAuth error and a log level; nobody else knows these.
 *
 * A fallible function returns an enum err, OK being 0. The place that knows
 * the fact calls fail() once; callers pass the err up unchanged. The text is
 * for the developer of a client: what was wrong, where, what is allowed. It
 * never holds a secret, a token, or data of somebody else.
 */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#include <stddef.h>

#include "base/str.h"

struct arena;
struct ctx;

enum err {
	OK = 0,
	ERR_INVALID_REQUEST,		/* malformed syntax */
	ERR_MISSING_PARAMETER,		/* a query or body member is absent */
	ERR_INVALID_PARAMETER,		/* a bad value in the query */
	ERR_NOT_SUPPORTED,		/* valid FHIR that we do not offer */
	ERR_VALIDATION,			/* a bad value in the body */
	ERR_INVALID_TOKEN,
	ERR_INVALID_CREDENTIALS,
	ERR_SCOPE,			/* insufficient_scope */
	ERR_NOT_FOUND,
	ERR_DELETED,
	ERR_METHOD,
	ERR_NOT_ACCEPTABLE,
	ERR_CONFLICT,			/* resource_conflict */
	ERR_PRECONDITION,
	ERR_TOO_LARGE,
	ERR_URI_TOO_LONG,
	ERR_MEDIA_TYPE,
	ERR_HEADERS_TOO_LARGE,
	ERR_RATE_LIMIT,
	ERR_OAUTH_CLIENT,		/* invalid_client, RFC 6749 5.2 */
	ERR_OAUTH_GRANT,		/* invalid_grant */
	ERR_OAUTH_UNAUTHORIZED,		/* unauthorized_client */
	ERR_OAUTH_GRANT_TYPE,		/* unsupported_grant_type */
	ERR_OAUTH_SCOPE,		/* invalid_scope */
	ERR_INTERNAL,			/* server_error */
	ERR_UNAVAILABLE,		/* database away: retry */
	ERR_TOO_COSTLY,			/* longer than a statement may take */
	ERR_RETRY,			/* lost a race; never shown */
	ERR__MAX
};

/* One row of the fault table. */
struct fault_kind {
	enum err	 err;
	int		 status;	/* HTTP */
	const char	*code;		/* 2care "error.code" */
	const char	*issue;		/* FHIR issue-type */
	const char	*oauth;		/* RFC 6749 5.2 "error" */
	int		 log;		/* enum log_level */
};

/* The row of err; never NULL. */
const struct fault_kind	*fault_kind(enum err err);

/* One thing that was wrong. Warnings do not make a request fail. */
struct issue {
	struct issue	*next;
	enum err	 err;
	bool		 warning;
	const char	*type;		/* FHIR issue-type; NULL = err's */
	struct str	 text;
	struct str	 path;		/* FHIRPath expression or JSON path */
};

/* What a ctx has collected; err is that of the first failing issue. */
struct fault {
	enum err	 err;
	struct issue	*issues;	/* in the order they were found */
	struct issue	*last;
	size_t		 count;
};

/* After so many issues further ones are counted but not kept. */
#define FAULT_ISSUES_MAX	100

/*
 * Note an issue in ctx->fault and return err, so that callers write
 * `return fail(ctx, ERR_X, "...")`. fail_at adds where (path is copied).
 */
enum err	fail(struct ctx *ctx, enum err err, const char *fmt, ...)
		    __attribute__((format(printf, 3, 4)));
enum err	fail_at(struct ctx *ctx, enum err err, struct str path,
		    const char *fmt, ...)
		    __attribute__((format(printf, 4, 5)));

/* The same with an issue-type that says more than that of err (a literal). R4
 * valueset-issue-type.html */
enum err	fail_as(struct ctx *ctx, enum err err, const char *type,
		    struct str path, const char *fmt, ...)
		    __attribute__((format(printf, 5, 6)));

/* Note a warning: shown in an OperationOutcome, fails nothing. */
void		fault_warn(struct ctx *ctx, struct str path,
		    const char *fmt, ...)
		    __attribute__((format(printf, 3, 4)));

/* The same with its issue-type (a literal). */
void		fault_warn_as(struct ctx *ctx, const char *type,
		    struct str path, const char *fmt, ...)
		    __attribute__((format(printf, 4, 5)));

/* Forget all issues: before a retry. */
void		fault_clear(struct ctx *ctx);

/* An issue's text as a client reads it: with a capital, unless it begins with
 * the name of something ("client_id is missing"). */
struct str	fault_sentence(struct arena *arena, struct str text);

#endif
