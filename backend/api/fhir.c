/* The handlers of one record: read, vread, create, update, delete. */

#include "api/fhir.h"

#include "api/definition.h"
#include "api/authorize.h"
#include "base/when.h"
#include "fhir/match.h"
#include "fhir/outcome.h"
#include "fhir/store.h"
#include "fhir/subset.h"
#include "fhir/validate.h"

/* --- answers of one record ------------------------------------------------ */

/* The client has this version already. RFC 9110 13.2.2 */
static bool
is_unchanged(const struct http_req *req, const struct record *record)
{
	struct str tags = req->var(req, "HTTP_IF_NONE_MATCH");
	struct str since = req->var(req, "HTTP_IF_MODIFIED_SINCE");
	int64_t us;

	if (tags.n > 0)
		return match_none(tags, record->ver);
	return when_http_parse(since, &us) &&
	    record->updated_us / US_PER_SECOND <= us / US_PER_SECOND;
}

static void
answer_record(const struct call *call, const struct record *record,
    struct http_answer *answer)
{
	answer_private(answer);
	answer_validators(record, answer);
	if (is_unchanged(call->req, record))
		answer->status = 304;
	else
		answer_body(answer, call->media, record->body);
}

void
fhir_answer_written(struct ctx *ctx, const struct call *call,
    const struct record *after, bool created, struct http_answer *answer)
{
	answer->status = created ? 201 : 200;
	answer_private(answer);
	answer_validators(after, answer);
	answer_location(ctx, after, answer);
	if (call->prefer.ret == PREFER_OUTCOME)
		answer_body(answer, call->media, outcome_write(ctx));
	else if (call->prefer.ret != PREFER_MINIMAL)
		answer_body(answer, call->media, after->body);
}

void
fhir_answer_deleted(struct ctx *ctx, const struct call *call,
    const struct record *after, struct http_answer *answer)
{
	answer_private(answer);
	if (after->ver > 0)
		answer_validators(after, answer);
	if (call->prefer.ret == PREFER_OUTCOME)
		answer_body(answer, call->media, outcome_write(ctx));
	else
		answer->status = 204;
}

/* --- reading -------------------------------------------------------------- */

enum err
fhir_check_id(struct ctx *ctx, struct str id)
{
	if (fhir_id_valid(id))
		return OK;
	return fail(ctx, ERR_NOT_FOUND, "ids are 1 to 64 of A-Z a-z 0-9 - .");
}

/* What _summary and _elements leave of one record. R4 search.html#summary */
static enum err
read_subset(struct ctx *ctx, const struct call *call, struct subset *out)
{
	enum err err = subset_of(ctx, &call->type, 1, &call->params,
	    call->prefer.handling == HANDLING_LENIENT, out);

	if (err == OK && out->kind == SUBSET_COUNT)
		return fail_at(ctx, ERR_INVALID_PARAMETER, STR("_summary"),
		    "_summary=count is of searches and histories");
	return err;
}

enum err
fhir_ask_read(struct ctx *ctx, struct call *call)
{
	struct subset subset;
	enum err err;

	if ((err = fhir_check_id(ctx, call->id)) == OK &&
	    (err = read_subset(ctx, call, &subset)) == OK)
		call->asked = store_ask(ctx, call->type, call->id, call->vid);
	return err;
}

enum err
fhir_read(struct ctx *ctx, const struct call *call, struct http_answer *answer)
{
	struct record record, own = { .type = call->type };
	struct subset subset;
	enum err err;

	if ((err = read_subset(ctx, call, &subset)) != OK)
		return err;
	if ((err = store_answer(ctx, call->asked, &record)) == OK) {
		subset_records(ctx, &subset, &record, 1);
		answer_record(call, &record, answer);
	}
	if ((err != ERR_NOT_FOUND && err != ERR_DELETED) || call->vid != 0)
		return err;
	own.body = definition_read(ctx, call->type, call->id);
	if (own.body.p == NULL)
		return err;
	fault_clear(ctx);
	subset_records(ctx, &subset, &own, 1);
	answer_private(answer);
	answer_body(answer, call->media, own.body);
	return OK;
}

/* --- writing -------------------------------------------------------------- */

enum err
fhir_check_body(struct ctx *ctx, const struct call *call)
{
	uint32_t node = jdoc_get(call->doc, call->node, STR("resourceType"));

	if (jdoc_type(call->doc, call->node) != JDOC_OBJECT)
		return fail(ctx, ERR_INVALID_REQUEST, "the body must be a "
		    "JSON object with a \"resourceType\"");
	if (node == 0)
		return fail_at(ctx, ERR_MISSING_PARAMETER, STR("resourceType"),
		    "the body's \"resourceType\" is missing");
	if (!jdoc_is(call->doc, node, str_of(call->type->name)))
		return fail_at(ctx, ERR_INVALID_REQUEST, STR("resourceType"),
		    "the body's resourceType must be \"%s\", as the address "
		    "says", call->type->name);
	return OK;
}

enum err
fhir_take_provenance(struct ctx *ctx, const struct call *call,
    struct provenance *out)
{
	enum err err = provenance_read(ctx, call->req->var(call->req,
	    "HTTP_X_PROVENANCE"), out);

	if (err != OK || out->doc == NULL)
		return err;
	return authorize_entry(ctx, r4_type_named(STR("Provenance")), 'c');
}

/* One change of an id, and the provenance that came with it. */
static enum err
write_one(struct ctx *ctx, const struct call *call, struct change *change)
{
	struct provenance provenance;
	size_t n = 1;
	enum err err = fhir_take_provenance(ctx, call, &provenance);

	provenance.changes = &change;
	provenance.n = &n;
	return err != OK ? err : store_write_look(ctx, change, n,
	    provenance_look(&provenance), &provenance);
}

enum err
fhir_create(struct ctx *ctx, const struct call *call,
    struct http_answer *answer)
{
	struct change change = { .kind = CHANGE_CREATE, .type = call->type,
	    .doc = call->doc, .node = call->node };
	enum err err;

	if (call->req->var(call->req, "HTTP_IF_NONE_EXIST").n > 0)
		return fhir_create_by(ctx, call, answer);
	if ((err = fhir_check_body(ctx, call)) != OK ||
	    (err = write_one(ctx, call, &change)) != OK)
		return err;
	fhir_answer_written(ctx, call, &change.after, true, answer);
	return OK;
}

/* Both names of the record must agree. R4 http.html#update */
static enum err
check_body_id(struct ctx *ctx, const struct call *call)
{
	uint32_t node = jdoc_get(call->doc, call->node, STR("id"));

	if (!fhir_id_valid(call->id))
		return fail(ctx, ERR_INVALID_REQUEST, "the id in the address "
		    "must be 1 to 64 of A-Z a-z 0-9 - .");
	if (node == 0)
		return fail_at(ctx, ERR_MISSING_PARAMETER, STR("id"), "the "
		    "body's \"id\" is missing; it must be \"%.*s\"",
		    STR_ARGS(call->id));
	if (!jdoc_is(call->doc, node, call->id))
		return fail_at(ctx, ERR_INVALID_REQUEST, STR("id"), "the body "
		    "must have the id of the address, \"%.*s\"",
		    STR_ARGS(call->id));
	return OK;
}

enum err
fhir_take_match(struct ctx *ctx, const struct call *call, int32_t *match)
{
	const struct http_req *req = call->req;
	const char *wrong = match_write(req->var(req, "HTTP_IF_MATCH"),
	    req->var(req, "HTTP_IF_NONE_MATCH"), match);

	if (wrong != NULL)
		return fail(ctx, ERR_INVALID_REQUEST, "%s", wrong);
	return OK;
}

enum err
fhir_update(struct ctx *ctx, const struct call *call,
    struct http_answer *answer)
{
	struct change change = { .kind = CHANGE_UPDATE, .type = call->type,
	    .id = call->id, .doc = call->doc, .node = call->node };
	enum err err;

	if ((err = fhir_check_body(ctx, call)) != OK ||
	    (err = check_body_id(ctx, call)) != OK ||
	    (err = fhir_take_match(ctx, call, &change.if_match)) != OK ||
	    (err = write_one(ctx, call, &change)) != OK)
		return err;
	fhir_answer_written(ctx, call, &change.after, change.created, answer);
	return OK;
}

enum err
fhir_delete(struct ctx *ctx, const struct call *call,
    struct http_answer *answer)
{
	struct change change = { .kind = CHANGE_DELETE, .type = call->type,
	    .id = call->id };
	enum err err;

	if ((err = fhir_check_id(ctx, call->id)) != OK ||
	    (err = fhir_take_match(ctx, call, &change.if_match)) != OK ||
	    (err = write_one(ctx, call, &change)) != OK)
		return err;
	fhir_answer_deleted(ctx, call, &change.after, answer);
	return OK;
}
