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

static void
add_diagnostics(struct ctx *ctx, struct buf *b, enum err err)
{
	struct buf text = buf_new(ctx->arena, 64);

	buf_addf(&text, "%s", fault_kind(err)->code);
	if (ctx->request_id.n > 0)
		buf_addf(&text, " %.*s", STR_ARGS(ctx->request_id));
	buf_addz(b, ",\"diagnostics\":");
	buf_add_quoted(b, buf_str(&text));
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
	if (!issue->warning)
		add_diagnostics(ctx, b, issue->err);
	if (issue->path.n > 0) {
		buf_addz(b, ",\"expression\":[");
		buf_add_quoted(b, issue->path);
		buf_addc(b, ']');
	}
	buf_addc(b, '}');
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
		begin_issue(&b, "information", "incomplete", arena_printf(
		    ctx->arena, "Only the first %d problems are listed",
		    FAULT_ISSUES_MAX));
		buf_addc(&b, '}');
	}
	if (ctx->fault.issues == NULL) {
		begin_issue(&b, "information", "informational",
		    STR("All is well"));
		buf_addc(&b, '}');
	}
	buf_addz(&b, "]}");
	return buf_str(&b);
}
