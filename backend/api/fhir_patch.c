/*
 * The handlers of PATCH, by id and by criteria. A JSON Patch has a media type
 * of its own; everything else is a resource, a FHIRPath Patch or (in a Bundle)
 * a Binary that holds a JSON Patch. R4 http.html#patch
 */

#include "api/fhir.h"

#include "fhir/edit.h"
#include "fhir/patch.h"

static enum err
make(struct ctx *ctx, void *arg, const struct record *now,
    const struct jdoc **doc)
{
	return patch_apply(ctx, arg, now->type, now->body, doc);
}

static enum err
run(struct ctx *ctx, const struct call *call, struct edit *edit,
    struct http_answer *answer)
{
	bool json = field_is(call->req->content_type, MEDIA_JSON_PATCH);
	struct change *change = &edit->change;
	struct provenance provenance;
	struct patch patch;
	enum err err;

	edit->type = call->type;
	edit->make = make;
	edit->arg = &patch;
	err = json ? patch_read(ctx, PATCH_JSON, call->doc, call->node,
	    &patch) : patch_read_resource(ctx, call->doc, call->node, &patch);
	if (err != OK ||
	    (err = fhir_take_match(ctx, call, &edit->if_match)) != OK ||
	    (err = fhir_take_provenance(ctx, call, &provenance)) != OK)
		return err;
	provenance.changes = &change;
	provenance.n = &edit->n;
	edit->look = provenance_look(&provenance);
	edit->look_arg = &provenance;
	if ((err = edit_write(ctx, edit)) != OK)
		return err;
	fhir_answer_written(ctx, call, &edit->after, false, answer);
	return OK;
}

enum err
fhir_patch(struct ctx *ctx, const struct call *call,
    struct http_answer *answer)
{
	struct edit edit = { .id = call->id };
	enum err err = fhir_check_id(ctx, call->id);

	return err != OK ? err : run(ctx, call, &edit, answer);
}

enum err
fhir_patch_by(struct ctx *ctx, const struct call *call,
    struct http_answer *answer)
{
	struct condition condition;
	struct edit edit = { .condition = &condition };
	enum err err = condition_read(ctx, call->type, &call->params, STR_NONE,
	    &condition);

	return err != OK ? err : run(ctx, call, &edit, answer);
}
