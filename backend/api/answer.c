/* Error bodies from the fault table, and the fields of records. */

#include "api/answer.h"

#include "base/buf.h"
#include "base/conf.h"
#include "base/log.h"
#include "base/when.h"
#include "fhir/outcome.h"
#include "oauth/token.h"

#define ERROR_ROOM_BYTES	512

/* --- error bodies --------------------------------------------------------- */

/* The first issue that made the request fail; NULL when none said so. */
static const struct issue *
first_issue(const struct ctx *ctx)
{
	for (const struct issue *i = ctx->fault.issues; i; i = i->next)
		if (!i->warning)
			return i;
	return NULL;
}

static struct str
fault_text(const struct ctx *ctx, enum err err)
{
	const struct issue *issue = first_issue(ctx);

	if (issue != NULL)
		return fault_sentence(ctx->arena, issue->text);
	return str_of(http_reason(fault_kind(err)->status));
}

static struct str
rest_error(struct ctx *ctx, enum err err)
{
	const struct issue *issue = first_issue(ctx);
	struct buf b = buf_new(ctx->arena, ERROR_ROOM_BYTES);

	buf_addz(&b, "{\"error\":{\"code\":");
	buf_add_quoted(&b, str_of(fault_kind(err)->code));
	buf_addz(&b, ",\"message\":");
	buf_add_quoted(&b, fault_text(ctx, err));
	if (issue != NULL && issue->path.n > 0) {
		buf_addz(&b, ",\"field\":");
		buf_add_quoted(&b, issue->path);
	}
	buf_addz(&b, ",\"requestId\":");
	buf_add_quoted(&b, ctx->request_id);
	buf_addz(&b, "}}");
	return buf_str(&b);
}

/* error_description may hold %x20-21 / %x23-5B / %x5D-7E. RFC 6749 5.2 */
static void
add_description(struct buf *b, struct str text)
{
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];

		if (c == '"')
			c = '\'';
		else if (c < 0x20 || c == '\\' || c == 0x7f)
			c = '?';
		buf_addc(b, c);
	}
}

static struct str
oauth_error(struct ctx *ctx, enum err err)
{
	struct buf b = buf_new(ctx->arena, ERROR_ROOM_BYTES);

	buf_addf(&b, "{\"error\":\"%s\",\"error_description\":\"",
	    fault_kind(err)->oauth);
	add_description(&b, fault_text(ctx, err));
	buf_addz(&b, "\"}");
	return buf_str(&b);
}

static struct str
outcome(struct ctx *ctx, enum err err)
{
	if (first_issue(ctx) == NULL)
		(void)fail(ctx, err, "%.*s", STR_ARGS(fault_text(ctx, err)));
	return outcome_write(ctx);
}

/* --- fields --------------------------------------------------------------- */

/* The challenge of a 401 or 403. RFC 6750 3, RFC 6749 5.2 */
static void
add_challenge(struct arena *arena, enum face face, enum err err,
    struct str need, struct http_answer *answer)
{
	if (face == FACE_OAUTH)
		http_field(answer, "WWW-Authenticate",
		    STR(TOKEN_CHALLENGE));
	else if (err != ERR_SCOPE)
		http_field(answer, "WWW-Authenticate",
		    STR("Bearer realm=\"2care\""));
	else if (need.n == 0)
		http_field(answer, "WWW-Authenticate",
		    STR("Bearer realm=\"2care\", "
		    "error=\"insufficient_scope\""));
	else
		http_field(answer, "WWW-Authenticate", arena_printf(arena,
		    "Bearer realm=\"2care\", error=\"insufficient_scope\", "
		    "scope=\"%.*s\"", STR_ARGS(need)));
}

void
answer_private(struct http_answer *answer)
{
	http_field(answer, "Cache-Control", STR("private, no-store"));
}

/* The cause is for the operator: it may name files and keys. */
static void
hide_cause(struct ctx *ctx)
{
	log_line(LOG_LEVEL_ERROR, "internal_error", "request_id=%s cause=%s",
	    log_word(ctx->request_id), log_word(fault_text(ctx,
	    ERR_INTERNAL)));
	fault_clear(ctx);
	(void)fail(ctx, ERR_INTERNAL, "an internal error; the request id leads "
	    "the operator to its cause");
}

void
answer_fault(struct ctx *ctx, enum face face, enum err err, struct str need,
    struct http_answer *answer)
{
	if (err == ERR_INTERNAL)
		hide_cause(ctx);
	http_answer_clear(answer);
	answer->status = fault_kind(err)->status;
	answer->content_type = face == FACE_FHIR ? MEDIA_FHIR : MEDIA_JSON;
	answer_private(answer);
	if (face == FACE_OAUTH)
		http_field(answer, "Pragma", STR("no-cache"));
	if (answer->status == 401 || err == ERR_SCOPE)
		add_challenge(ctx->arena, face, err, need, answer);
	if (answer->status == 503)
		http_field(answer, "Retry-After", STR("1"));
	http_body(answer, face == FACE_FHIR ? outcome(ctx, err) :
	    face == FACE_OAUTH ? oauth_error(ctx, err) :
	    rest_error(ctx, err));
}

void
answer_validators(const struct record *record, struct http_answer *answer)
{
	char date[WHEN_HTTP_CHARS + 1];

	when_http(record->updated_us, date);
	answer->modified_us = record->updated_us;
	http_field(answer, "ETag", arena_printf(answer->arena, "W/\"%d\"",
	    record->ver));
	http_field(answer, "Last-Modified", arena_str(answer->arena,
	    str_of(date)));
}

struct str
answer_fhir_base(const struct ctx *ctx)
{
	return arena_printf(ctx->arena, "%s/fhir", ctx->conf->base_url);
}

void
answer_location(const struct ctx *ctx, const struct record *record,
    struct http_answer *answer)
{
	http_field(answer, "Location", arena_printf(answer->arena,
	    "%s/fhir/%s/%.*s/_history/%d", ctx->conf->base_url,
	    record->type->name, STR_ARGS(record->id), record->ver));
}

void
answer_body(struct http_answer *answer, const char *media, struct str body)
{
	answer->content_type = media;
	http_body(answer, body);
}
