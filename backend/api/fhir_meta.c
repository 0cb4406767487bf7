/*
 * $meta, $meta-add and $meta-delete of records and, for the first, of their
 * versions. Adding and deleting labels makes a new version: versions are never
 * changed once they were seen. R4 resource-operation-meta.html
 */

#include "api/fhir.h"

#include "api/operation.h"
#include "fhir/edit.h"
#include "fhir/meta.h"
#include "fhir/validate.h"

static void
answer_meta(struct ctx *ctx, const struct call *call, struct str body,
    struct http_answer *answer)
{
	struct parameters_out o = parameters_begin(ctx);

	parameters_add_json(&o, "return", "valueMeta", meta_of(ctx, body));
	answer_private(answer);
	answer_body(answer, call->media, parameters_end(&o));
}

enum err
fhir_meta(struct ctx *ctx, const struct call *call, struct http_answer *answer)
{
	struct parameters given;
	struct record record;
	enum err err;

	if ((err = operation_input(ctx, call, &given)) != OK ||
	    (err = fhir_check_id(ctx, call->id)) != OK)
		return err;
	err = call->vid == 0 ? store_read(ctx, call->type, call->id, &record) :
	    store_vread(ctx, call->type, call->id, call->vid, &record);
	if (err == OK)
		answer_meta(ctx, call, record.body, answer);
	return err;
}

/* What is to become of the labels that were given. */
struct wish {
	enum meta_change		 what;
	const struct parameter		*meta;
};

static enum err
make(struct ctx *ctx, void *arg, const struct record *now,
    const struct jdoc **doc)
{
	const struct wish *wish = arg;

	return meta_change(ctx, now->body, wish->what, wish->meta->doc,
	    wish->meta->node, doc);
}

static enum err
change(struct ctx *ctx, const struct call *call, enum meta_change what,
    struct http_answer *answer)
{
	struct wish wish = { .what = what };
	struct edit edit = { .type = call->type, .id = call->id,
	    .make = make, .arg = &wish };
	struct parameters given;
	enum err err;

	if ((err = operation_input(ctx, call, &given)) != OK ||
	    (err = validate(ctx, call->doc, call->node,
	    r4_type_named(STR("Parameters")))) != OK ||
	    (err = fhir_check_id(ctx, call->id)) != OK ||
	    (err = fhir_take_match(ctx, call, &edit.if_match)) != OK)
		return err;
	wish.meta = parameters_get(&given, "meta");
	if ((err = edit_write(ctx, &edit)) != OK)
		return err;
	answer_meta(ctx, call, edit.after.body, answer);
	answer_validators(&edit.after, answer);
	return OK;
}

enum err
fhir_meta_add(struct ctx *ctx, const struct call *call,
    struct http_answer *answer)
{
	return change(ctx, call, META_ADD, answer);
}

enum err
fhir_meta_delete(struct ctx *ctx, const struct call *call,
    struct http_answer *answer)
{
	return change(ctx, call, META_DELETE, answer);
}
