/*
 * $validate: what would be wrong with a resource, or with deleting a record.
 * The answer is 200 with an OperationOutcome whatever is found; other statuses
 * say that the question was wrong. R4 resource-operation-validate.html
 */

#include "api/fhir.h"

#include "api/operation.h"
#include "fhir/outcome.h"
#include "fhir/profile.h"
#include "fhir/record.h"
#include "fhir/store.h"
#include "fhir/terms.h"
#include "fhir/validate.h"

/* What is looked at, and what for. */
struct question {
	const struct call	*call;
	struct parameters	 given;
	struct str		 mode;
	const struct jdoc	*doc;
	uint32_t		 node;
};

static enum err
check_mode(struct ctx *ctx, struct question *q)
{
	static const char *const modes[] = { "create", "update", "delete" };

	q->mode = parameters_text(&q->given, "mode");
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (q->mode.p == NULL || str_eqz(q->mode, modes[i]))
			return OK;
	return fail_at(ctx, ERR_INVALID_PARAMETER, STR("mode"), "mode must be "
	    "create, update or delete");
}

/* The resource that was sent, else the record of the address. */
static enum err
take_resource(struct ctx *ctx, struct question *q)
{
	const struct parameter *sent = parameters_get(&q->given, "resource");
	struct record record;
	enum err err;

	if (sent != NULL) {
		q->doc = sent->doc;
		q->node = sent->node;
		return OK;
	}
	if (q->call->id.n == 0)
		return fail_at(ctx, ERR_MISSING_PARAMETER, STR("resource"),
		    "the parameter resource is missing: send the resource to "
		    "look at");
	if ((err = fhir_check_id(ctx, q->call->id)) != OK ||
	    (err = store_read(ctx, q->call->type, q->call->id,
	    &record)) != OK)
		return err;
	q->doc = record_parse(ctx->arena, record.body);
	return OK;
}

/* Both names of the record must agree. R4 http.html#update */
static void
check_id(struct ctx *ctx, const struct question *q)
{
	uint32_t id = jdoc_get(q->doc, q->node, STR("id"));

	if (id == 0)
		fail_as(ctx, ERR_VALIDATION, "required", arena_printf(
		    ctx->arena, "%s.id", q->call->type->name),
		    "the id is missing, which an update must have");
	else if (q->call->id.n > 0 && !jdoc_is(q->doc, id, q->call->id))
		fail_as(ctx, ERR_VALIDATION, "value", arena_printf(ctx->arena,
		    "%s.id", q->call->type->name), "the id must be that of "
		    "the address, \"%.*s\"", STR_ARGS(q->call->id));
}

/* Whether there is something to delete. */
static enum err
check_delete(struct ctx *ctx, const struct question *q)
{
	struct record record;
	enum err err;

	if (q->call->id.n == 0)
		return fail_at(ctx, ERR_INVALID_PARAMETER, STR("mode"),
		    "mode delete is asked of a record: %s/<id>/$validate",
		    q->call->type->name);
	if ((err = fhir_check_id(ctx, q->call->id)) != OK)
		return err;
	return store_read(ctx, q->call->type, q->call->id, &record);
}

/* The profile that was named, else those that the resource names itself. */
static enum err
check_profiles(struct ctx *ctx, const struct question *q)
{
	struct str named = parameters_text(&q->given, "profile");
	const struct r4_type *type = q->call->type;
	uint32_t meta, list;
	enum err err = OK;

	if (named.p != NULL)
		return profile_check(ctx, q->doc, q->node, type, named);
	meta = jdoc_get(q->doc, q->node, STR("meta"));
	list = meta == 0 ? 0 : jdoc_get(q->doc, meta, STR("profile"));
	if (list == 0 || jdoc_type(q->doc, list) != JDOC_ARRAY)
		return OK;
	for (uint32_t i = jdoc_first(q->doc, list); i != 0 && err == OK;
	    i = jdoc_next(q->doc, list, i))
		if (jdoc_type(q->doc, i) == JDOC_STRING)
			err = profile_check(ctx, q->doc, q->node, type,
			    term_string(ctx, q->doc, i));
	return err;
}

/* All that may be wrong with the resource. */
static enum err
check_resource(struct ctx *ctx, struct question *q)
{
	enum err err = take_resource(ctx, q);

	if (err != OK)
		return err;
	(void)validate(ctx, q->doc, q->node, q->call->type);
	if (str_eqz(q->mode, "update"))
		check_id(ctx, q);
	return check_profiles(ctx, q);
}

enum err
fhir_validate(struct ctx *ctx, const struct call *call,
    struct http_answer *answer)
{
	struct question q = { .call = call };
	enum err err;

	if ((err = operation_input(ctx, call, &q.given)) != OK ||
	    (err = check_mode(ctx, &q)) != OK)
		return err;
	err = str_eqz(q.mode, "delete") ? check_delete(ctx, &q) :
	    check_resource(ctx, &q);
	if (err != OK)
		return err;
	answer_private(answer);
	answer_body(answer, call->media, outcome_write(ctx));
	return OK;
}
