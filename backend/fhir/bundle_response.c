/* The entries of transaction-response and batch-response Bundles. */

#include "fhir/bundle_entry.h"

#include "base/buf.h"
#include "base/when.h"
#include "fhir/outcome.h"
#include "fhir/record.h"
#include "fhir/scope.h"

#define ENTRY_BYTES	256	/* of most, without a resource */

static void
add_validators(struct buf *b, int32_t ver, int64_t updated_us)
{
	char when[WHEN_INSTANT_CHARS + 1];

	when_format(updated_us, when);
	buf_addz(b, ",\"etag\":\"W/\\\"");
	buf_add_i64(b, ver);
	buf_addz(b, "\\\"\",\"lastModified\":\"");
	buf_addz(b, when);
	buf_addc(b, '"');
}

static void
add_status(struct buf *b, int status)
{
	buf_addf(b, "\"response\":{\"status\":\"%d %s\"", status,
	    http_reason(status));
}

void
bundle_begin_response(struct http_answer *answer, const char *type, size_t n)
{
	http_body(answer, STR("{\"resourceType\":\"Bundle\",\"type\":\""));
	http_body(answer, str_of(type));
	http_body(answer, n > 0 ? STR("\",\"entry\":[") : STR("\""));
}

void
bundle_end_response(struct http_answer *answer, size_t n)
{
	http_body(answer, n > 0 ? STR("]}") : STR("}"));
}

/* Of one change alone the body was kept. */
static struct str
body_of(struct ctx *ctx, const struct change *change)
{
	return change->after.body.n > 0 ? change->after.body :
	    record_body(ctx, &change->after, change->doc, change->node);
}

/* R4 http.html#transaction-response */
static void
add_change(struct ctx *ctx, const struct bundle_host *host,
    const struct change *change, bool first, struct http_answer *answer)
{
	const struct record *after = &change->after;
	struct buf b = buf_new(ctx->arena, ENTRY_BYTES);

	buf_addz(&b, first ? "{" : ",{");
	if (host->returns == BUNDLE_RECORD && !after->deleted) {
		buf_addz(&b, "\"resource\":");
		http_body(answer, buf_str(&b));
		http_body(answer, body_of(ctx, change));
		b = buf_new(ctx->arena, ENTRY_BYTES);
		buf_addc(&b, ',');
	}
	add_status(&b, change->kind == CHANGE_DELETE ? 204 :
	    change->created ? 201 : 200);
	if (change->kind != CHANGE_DELETE)
		buf_addf(&b, ",\"location\":\"%s/%.*s/_history/%d\"",
		    after->type->name, STR_ARGS(after->id), after->ver);
	if (after->ver > 0)
		add_validators(&b, after->ver, after->updated_us);
	if (host->returns == BUNDLE_OUTCOME) {
		buf_addz(&b, ",\"outcome\":");
		buf_add(&b, outcome_write(ctx));
	}
	buf_addz(&b, "}}");
	http_body(answer, buf_str(&b));
}

/* What an entry's criteria found, and nothing was changed of: shown to who may
 * read it. */
static struct change
unchanged(const struct entry *e)
{
	struct change change = e->change;

	change.created = false;
	change.after = e->by->there;
	if (change.kind == CHANGE_DELETE)
		change.after = (struct record){ .type = change.type,
		    .deleted = true };
	return change;
}

void
bundle_add_entry(struct ctx *ctx, const struct bundle_host *host,
    const struct entry *e, const struct change *changes, bool first,
    struct http_answer *answer)
{
	struct bundle_host shown = *host;
	struct change none;

	if (e->n > 0) {
		add_change(ctx, host, &changes[e->first], first, answer);
		return;
	}
	none = unchanged(e);
	if (host->returns == BUNDLE_RECORD &&
	    !scope_allows(ctx->who.scope, e->change.type, SCOPE_R))
		shown.returns = BUNDLE_MINIMAL;
	add_change(ctx, &shown, &none, first, answer);
}

/* --- the answer to a request as an entry */

static struct str
field_of(const struct http_answer *part, const char *name)
{
	for (const struct http_field *f = part->fields; f != NULL; f = f->next)
		if (strcmp(f->name, name) == 0)
			return f->value;
	return STR_NONE;
}

static void
hand_on(const struct http_answer *part, struct http_answer *answer)
{
	for (const struct http_part *p = part->parts; p != NULL; p = p->next)
		http_body(answer, p->bytes);
}

static void
add_fields(struct buf *b, const struct bundle_host *host,
    const struct http_answer *part)
{
	struct str location = field_of(part, "Location");
	struct str etag = field_of(part, "ETag");
	char when[WHEN_INSTANT_CHARS + 1];

	if (str_starts(location, host->base))
		location = str_from(location, host->base.n + 1);
	if (location.n > 0) {
		buf_addz(b, ",\"location\":");
		buf_add_quoted(b, location);
	}
	if (etag.n > 0) {
		buf_addz(b, ",\"etag\":");
		buf_add_quoted(b, etag);
	}
	if (part->modified_us != 0) {
		when_format(part->modified_us, when);
		buf_addf(b, ",\"lastModified\":\"%s\"", when);
	}
}

/* Whether the body is an OperationOutcome about the request, not its result. */
static bool
is_outcome(const struct bundle_host *host,
    const struct bundle_request *request, const struct http_answer *part)
{
	return part->status >= 400 || (host->returns == BUNDLE_OUTCOME &&
	    !str_eqz(request->method, "GET") &&
	    str_starts(part->parts->bytes, STR(OUTCOME_BEGIN)));
}

void
bundle_add_answer(struct ctx *ctx, const struct bundle_host *host,
    const struct bundle_request *request, const struct http_answer *part,
    bool first, struct http_answer *answer)
{
	bool shows = part->parts != NULL && !str_eqz(request->method, "HEAD");
	bool outcome = shows && is_outcome(host, request, part);
	struct buf b = buf_new(ctx->arena, ENTRY_BYTES);

	http_body(answer, first ? STR("{") : STR(",{"));
	if (shows && !outcome) {
		http_body(answer, STR("\"resource\":"));
		hand_on(part, answer);
		buf_addc(&b, ',');
	}
	add_status(&b, part->status);
	add_fields(&b, host, part);
	if (outcome)
		buf_addz(&b, ",\"outcome\":");
	http_body(answer, buf_str(&b));
	if (outcome)
		hand_on(part, answer);
	http_body(answer, STR("}}"));
}
