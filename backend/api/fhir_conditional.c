/*
 * The handlers of writes that name their record by criteria: conditional
 * create, update and delete. R4 http.html#ccreate, #cond-update
 */

#include "api/fhir.h"

#include "api/authorize.h"
#include "fhir/condition.h"
#include "fhir/scope.h"

/* What it comes to, and the provenance that came with it. */
static enum err
write_by(struct ctx *ctx, const struct call *call, struct conditional *c)
{
	struct provenance provenance;
	enum err err = fhir_take_provenance(ctx, call, &provenance);

	provenance.changes = &c->changes;
	provenance.n = &c->n;
	return err != OK ? err : conditional_write(ctx, c,
	    provenance_look(&provenance), &provenance);
}

/* R4 http.html#ccreate: a record that is there is left as it is. It is shown
 * to who may read it. */
enum err
fhir_create_by(struct ctx *ctx, const struct call *call,
    struct http_answer *answer)
{
	struct conditional c = { .wish = { .kind = CHANGE_CREATE,
	    .type = call->type, .doc = call->doc, .node = call->node } };
	struct call shown = *call;
	enum err err;

	if ((err = authorize_entry(ctx, call->type, 's')) != OK ||
	    (err = fhir_check_body(ctx, call)) != OK ||
	    (err = condition_parse(ctx, call->type, call->req->var(call->req,
	    "HTTP_IF_NONE_EXIST"), STR("If-None-Exist"),
	    &c.condition)) != OK ||
	    (err = write_by(ctx, call, &c)) != OK)
		return err;
	if (c.there.type != NULL && call->prefer.ret != PREFER_OUTCOME &&
	    !scope_allows(ctx->who.scope, call->type, SCOPE_R))
		shown.prefer.ret = PREFER_MINIMAL;
	fhir_answer_written(ctx, &shown, c.there.type != NULL ? &c.there :
	    &c.changes->after, c.there.type == NULL, answer);
	return OK;
}

/* The body's id, when it has one, is that of the record. R4
 * http.html#cond-update */
static enum err
take_id(struct ctx *ctx, const struct call *call, struct str *id)
{
	uint32_t node = jdoc_get(call->doc, call->node, STR("id"));

	*id = STR_NONE;
	if (node == 0)
		return OK;
	if (jdoc_type(call->doc, node) != JDOC_STRING ||
	    call->doc->nodes[node].escaped)
		return fail_at(ctx, ERR_INVALID_REQUEST, STR("id"),
		    "the body's id must be a string of A-Z a-z 0-9 - .");
	*id = jdoc_raw(call->doc, node);
	return OK;
}

enum err
fhir_update_by(struct ctx *ctx, const struct call *call,
    struct http_answer *answer)
{
	struct conditional c = { .wish = { .kind = CHANGE_UPDATE,
	    .type = call->type, .doc = call->doc, .node = call->node } };
	enum err err;

	if ((err = fhir_check_body(ctx, call)) != OK ||
	    (err = take_id(ctx, call, &c.wish.id)) != OK ||
	    (err = fhir_take_match(ctx, call, &c.wish.if_match)) != OK ||
	    (err = condition_read(ctx, call->type, &call->params, STR_NONE,
	    &c.condition)) != OK ||
	    (err = write_by(ctx, call, &c)) != OK)
		return err;
	fhir_answer_written(ctx, call, &c.changes->after, c.changes->created,
	    answer);
	return OK;
}

enum err
fhir_delete_by(struct ctx *ctx, const struct call *call,
    struct http_answer *answer)
{
	struct conditional c = { .wish = { .kind = CHANGE_DELETE,
	    .type = call->type } };
	struct record nothing = { .type = call->type };
	enum err err;

	if ((err = fhir_take_match(ctx, call, &c.wish.if_match)) != OK ||
	    (err = conditional_read_delete(ctx, &call->params, STR_NONE,
	    &c)) != OK ||
	    (err = write_by(ctx, call, &c)) != OK)
		return err;
	fhir_answer_deleted(ctx, call, c.n == 1 ? &c.changes->after :
	    &nothing, answer);
	return OK;
}
