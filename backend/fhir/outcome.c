/*
 * OperationOutcome: what went wrong, for a machine (code, expression), for a
 * developer (details.text) and for support (diagnostics: our own code and the
 * request's id). R4 operationoutcome.html
 */

#include "fhir/outcome.h"

#include "base/buf.h"

static void
begin_issue(struct buf *b, const char *severity, const char *code,
    struct str text)
{
	buf_addf(b, "{\"severity\":\"%s\",\"code\":\"%s\","
	    "\"details\":{\"text\":", severity, code);
	buf_add_quoted(b, text);
	buf_addc(b, '}');
}

/* What support wants to know, and which resource it is about. */
static void
end_issue(struct ctx *ctx, struct buf *b, const char *code, struct str path)
{
	struct buf text = buf_new(ctx->arena, 64);

	buf_addf(&text, "%s", code);
	if (ctx->request_id.n > 0)
		buf_addf(&text, " %.*s", STR_ARGS(ctx->request_id));
	buf_addz(b, ",\"diagnostics\":");
	buf_add_quoted(b, buf_str(&text));
	if (path.n == 0)
		path = ctx->subject;
	if (path.n > 0) {
		buf_addz(b, ",\"expression\":[");
		buf_add_quoted(b, path);
		buf_addc(b, ']');
	}
	buf_addc(b, '}');
}

static void
add_issue(struct ctx *ctx, struct buf *b, const struct issue *issue)
{
	const struct fault_kind *kind = fault_kind(issue->err);
	const char *severity = "error";

	if (issue->warning)
		severity = "warning";
	else if (kind->status >= 500)
		severity = "fatal";
	begin_issue(b, severity, issue->type != NULL ? issue->type :
	    kind->issue, fault_sentence(ctx->arena, issue->text));
	end_issue(ctx, b, issue->warning ? severity : kind->code,
	    issue->path);
}

static void
add_information(struct ctx *ctx, struct buf *b, const char *code,
    struct str text)
{
	begin_issue(b, "information", code, text);
	end_issue(ctx, b, "information", STR_NONE);
}

struct str
outcome_write(struct ctx *ctx)
{
	struct buf b = buf_new(ctx->arena, 512);

	buf_addz(&b, OUTCOME_BEGIN);
	for (const struct issue *issue = ctx->fault.issues; issue != NULL;
	    issue = issue->next) {
		add_issue(ctx, &b, issue);
		if (issue->next != NULL)
			buf_addc(&b, ',');
	}
	if (ctx->fault.count > FAULT_ISSUES_MAX) {
		buf_addc(&b, ',');
		add_information(ctx, &b, "incomplete", arena_printf(
		    ctx->arena, "Only the first %d problems are listed",
		    FAULT_ISSUES_MAX));
	}
	if (ctx->fault.issues == NULL)
		add_information(ctx, &b, "informational", STR("All is well"));
	buf_addz(&b, "]}");
	return buf_str(&b);
}
