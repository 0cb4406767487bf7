/* The one table of what can go wrong, and the list of issues of a ctx. */

#include "base/fault.h"

#include <stdarg.h>
#include <string.h>

#include "base/ctx.h"
#include "base/log.h"

#define E	LOG_LEVEL_ERROR
#define W	LOG_LEVEL_WARN
#define I	LOG_LEVEL_INFO

/* clang-format off */
static const struct fault_kind kinds[ERR__MAX] = {
/* err				status	code			 issue-type		oauth			 log */
{ OK,				200, "ok",			 "informational",	"",			 I },
{ ERR_INVALID_REQUEST,		400, "invalid_request",		 "invalid",		"invalid_request",	 I },
{ ERR_MISSING_PARAMETER,	400, "missing_parameter",	 "required",		"invalid_request",	 I },
{ ERR_INVALID_PARAMETER,	400, "invalid_parameter",	 "value",		"invalid_request",	 I },
{ ERR_NOT_SUPPORTED,		400, "invalid_request",		 "not-supported",	"invalid_request",	 I },
{ ERR_VALIDATION,		422, "validation_error",	 "invariant",		"invalid_request",	 I },
{ ERR_INVALID_TOKEN,		401, "invalid_token",		 "login",		"invalid_client",	 I },
{ ERR_INVALID_CREDENTIALS,	401, "invalid_credentials",	 "login",		"invalid_client",	 I },
{ ERR_SCOPE,			403, "insufficient_scope",	 "forbidden",		"invalid_scope",	 I },
{ ERR_NOT_FOUND,		404, "resource_not_found",	 "not-found",		"invalid_request",	 I },
{ ERR_DELETED,			410, "resource_deleted",	 "deleted",		"invalid_request",	 I },
{ ERR_METHOD,			405, "method_not_allowed",	 "not-supported",	"invalid_request",	 I },
{ ERR_NOT_ACCEPTABLE,		406, "not_acceptable",		 "not-supported",	"invalid_request",	 I },
{ ERR_CONFLICT,			409, "resource_conflict",	 "conflict",		"invalid_request",	 I },
{ ERR_PRECONDITION,		412, "precondition_failed",	 "conflict",		"invalid_request",	 I },
{ ERR_TOO_LARGE,		413, "payload_too_large",	 "too-long",		"invalid_request",	 I },
{ ERR_URI_TOO_LONG,		414, "uri_too_long",		 "too-long",		"invalid_request",	 I },
{ ERR_MEDIA_TYPE,		415, "unsupported_media_type",	 "not-supported",	"invalid_request",	 I },
{ ERR_HEADERS_TOO_LARGE,	431, "headers_too_large",	 "too-long",		"invalid_request",	 I },
{ ERR_RATE_LIMIT,		429, "rate_limit_exceeded",	 "throttled",		"temporarily_unavailable", I },
{ ERR_OAUTH_CLIENT,		401, "invalid_credentials",	 "login",		"invalid_client",	 I },
{ ERR_OAUTH_GRANT,		400, "invalid_request",		 "invalid",		"invalid_grant",	 I },
{ ERR_OAUTH_UNAUTHORIZED,	400, "invalid_request",		 "invalid",		"unauthorized_client",	 I },
{ ERR_OAUTH_GRANT_TYPE,		400, "invalid_request",		 "invalid",		"unsupported_grant_type", I },
{ ERR_OAUTH_SCOPE,		400, "invalid_request",		 "invalid",		"invalid_scope",	 I },
{ ERR_INTERNAL,			500, "server_error",		 "exception",		"server_error",		 E },
{ ERR_UNAVAILABLE,		503, "service_unavailable",	 "transient",		"temporarily_unavailable", W },
{ ERR_TOO_COSTLY,		503, "service_unavailable",	 "too-costly",		"temporarily_unavailable", W },
{ ERR_RETRY,			503, "service_unavailable",	 "transient",		"temporarily_unavailable", W },
};
/* clang-format on */

const struct fault_kind *
fault_kind(enum err err)
{
	return &kinds[err >= OK && err < ERR__MAX ? err : ERR_INTERNAL];
}

static void
add_issue(struct ctx *ctx, struct issue issue)
{
	struct fault *fault = &ctx->fault;
	struct issue *kept;

	if (!issue.warning && fault->err == OK)
		fault->err = issue.err;
	if (fault->count++ >= FAULT_ISSUES_MAX)
		return;
	kept = arena_alloc(ctx->arena, sizeof(*kept));
	*kept = issue;
	kept->path = arena_str(ctx->arena, issue.path);
	if (fault->last == NULL)
		fault->issues = kept;
	else
		fault->last->next = kept;
	fault->last = kept;
}

enum err
fail(struct ctx *ctx, enum err err, const char *fmt, ...)
{
	struct issue issue = { .err = err };
	va_list ap;

	va_start(ap, fmt);
	issue.text = arena_vprintf(ctx->arena, fmt, ap);
	va_end(ap);
	add_issue(ctx, issue);
	return err;
}

enum err
fail_at(struct ctx *ctx, enum err err, struct str path, const char *fmt, ...)
{
	struct issue issue = { .err = err, .path = path };
	va_list ap;

	va_start(ap, fmt);
	issue.text = arena_vprintf(ctx->arena, fmt, ap);
	va_end(ap);
	add_issue(ctx, issue);
	return err;
}

enum err
fail_as(struct ctx *ctx, enum err err, const char *type, struct str path,
    const char *fmt, ...)
{
	struct issue issue = { .err = err, .type = type, .path = path };
	va_list ap;

	va_start(ap, fmt);
	issue.text = arena_vprintf(ctx->arena, fmt, ap);
	va_end(ap);
	add_issue(ctx, issue);
	return err;
}

void
fault_warn(struct ctx *ctx, struct str path, const char *fmt, ...)
{
	struct issue issue = { .warning = true, .path = path };
	va_list ap;

	va_start(ap, fmt);
	issue.text = arena_vprintf(ctx->arena, fmt, ap);
	va_end(ap);
	add_issue(ctx, issue);
}

void
fault_warn_as(struct ctx *ctx, const char *type, struct str path,
    const char *fmt, ...)
{
	struct issue issue = { .warning = true, .type = type, .path = path };
	va_list ap;

	va_start(ap, fmt);
	issue.text = arena_vprintf(ctx->arena, fmt, ap);
	va_end(ap);
	add_issue(ctx, issue);
}

struct str
fault_sentence(struct arena *arena, struct str text)
{
	char *copy;
	size_t i = 0;

	while (i < text.n && text.p[i] >= 'a' && text.p[i] <= 'z')
		i++;
	if (i == 0 || (i < text.n && text.p[i] != ' '))
		return text;
	copy = arena_alloc(arena, text.n);
	memcpy(copy, text.p, text.n);
	copy[0] = (char)(copy[0] - 'a' + 'A');
	return (struct str){ copy, text.n };
}

void
fault_clear(struct ctx *ctx)
{
	ctx->fault = (struct fault){ .err = OK };
}
