/* What both forms of patches have in common: reading them, what they must not
 * change, their bounds. */

#include "fhir/patch_form.h"

#include "base/code.h"
#include "fhir/validate.h"

#include <stdarg.h>

/* --- issues --------------------------------------------------------------- */

enum err
patch_misfit(struct patch_work *w, const char *fmt, ...)
{
	struct str text;
	va_list ap;

	va_start(ap, fmt);
	text = arena_vprintf(w->ctx->arena, fmt, ap);
	va_end(ap);
	return fail_as(w->ctx, ERR_VALIDATION, "processing", w->at, "%.*s",
	    STR_ARGS(text));
}

enum err
patch_malformed(struct patch_work *w, const char *fmt, ...)
{
	struct str text;
	va_list ap;

	va_start(ap, fmt);
	text = arena_vprintf(w->ctx->arena, fmt, ap);
	va_end(ap);
	return fail_at(w->ctx, ERR_INVALID_REQUEST, w->at, "%.*s",
	    STR_ARGS(text));
}

/* --- reading -------------------------------------------------------------- */

static bool
is_resource(const struct jdoc *d, uint32_t node, const char *type)
{
	uint32_t name = jdoc_get(d, node, STR("resourceType"));

	return name != 0 && jdoc_is(d, name, str_of(type));
}

enum err
patch_read(struct ctx *ctx, enum patch_form form, const struct jdoc *doc,
    uint32_t node, struct patch *out)
{
	*out = (struct patch){ form, doc, node };
	if (form == PATCH_JSON && jdoc_type(doc, node) != JDOC_ARRAY)
		return fail(ctx, ERR_INVALID_REQUEST, "a JSON Patch is an "
		    "array of operations");
	if (form == PATCH_JSON)
		return OK;
	if (!is_resource(doc, node, "Parameters"))
		return fail(ctx, ERR_INVALID_REQUEST, "a FHIRPath Patch is a "
		    "Parameters resource; a JSON Patch is sent as "
		    MEDIA_JSON_PATCH);
	return validate(ctx, doc, node, r4_type_named(STR("Parameters")));
}

static struct str
member_text(struct ctx *ctx, const struct jdoc *d, uint32_t object,
    struct str name)
{
	uint32_t node = jdoc_get(d, object, name);
	char *out;

	if (node == 0 || jdoc_type(d, node) != JDOC_STRING)
		return STR_NONE;
	out = arena_alloc(ctx->arena, jdoc_raw(d, node).n + 1);
	return (struct str){ out, jdoc_decode(d, node, out) };
}

static struct jdoc *
parse(struct ctx *ctx, struct str text, unsigned depth)
{
	struct jdoc *d = arena_zero(ctx->arena, sizeof(*d));
	size_t room = jdoc_bound(text);

	(void)jdoc_parse(d, text, arena_array(ctx->arena, room + 1,
	    sizeof(struct jnode)), room, depth);
	return d;
}

static enum err
read_binary(struct ctx *ctx, const struct jdoc *doc, uint32_t node,
    struct patch *out)
{
	struct str media = member_text(ctx, doc, node, STR("contentType"));
	struct str data = member_text(ctx, doc, node, STR("data"));
	struct str text;
	struct jdoc *d;
	char *bytes;

	if (!str_eqz(media, MEDIA_JSON_PATCH))
		return fail(ctx, ERR_INVALID_REQUEST, "the contentType of a "
		    "Binary with a patch must be " MEDIA_JSON_PATCH);
	bytes = arena_alloc(ctx->arena, data.n + 1);
	text.p = bytes;
	text.n = base64_decode(data, (unsigned char *)bytes);
	if (text.n == CODE_BAD || text.n == 0)
		return fail(ctx, ERR_INVALID_REQUEST, "the data of the Binary "
		    "must be the patch in base64");
	d = parse(ctx, text, TREE_DEPTH_MAX);
	if (d->error != JDOC_OK)
		return fail(ctx, ERR_INVALID_REQUEST, "the patch in the "
		    "Binary is not valid JSON: %s", jdoc_strerror(d->error));
	return patch_read(ctx, PATCH_JSON, d, 0, out);
}

enum err
patch_read_resource(struct ctx *ctx, const struct jdoc *doc, uint32_t node,
    struct patch *out)
{
	if (is_resource(doc, node, "Binary"))
		return read_binary(ctx, doc, node, out);
	if (is_resource(doc, node, "Parameters"))
		return patch_read(ctx, PATCH_FHIRPATH, doc, node, out);
	return fail(ctx, ERR_INVALID_REQUEST, "a patch is a Binary with a JSON "
	    "Patch in it, or a Parameters resource");
}

/* --- applying ------------------------------------------------------------- */

static bool
same_text(const struct jdoc *a, uint32_t x, const struct jdoc *b, uint32_t y)
{
	return x != 0 && y != 0 && jdoc_type(b, y) == JDOC_STRING &&
	    str_eq(jdoc_raw(a, x), jdoc_raw(b, y));
}

/* What the server wrote stays, or is left out where it is written anew. */
static enum err
check_kept(struct ctx *ctx, const struct jdoc *old, const struct jdoc *d)
{
	static const char *const of_root[] = { "resourceType", "id" };
	static const char *const of_meta[] = { "versionId", "lastUpdated" };
	uint32_t old_meta = jdoc_get(old, 0, STR("meta"));
	uint32_t meta = jdoc_get(d, 0, STR("meta"));

	for (size_t i = 0; i < 2; i++)
		if (!same_text(old, jdoc_get(old, 0, str_of(of_root[i])), d,
		    jdoc_get(d, 0, str_of(of_root[i]))))
			return fail_as(ctx, ERR_VALIDATION, "business-rule",
			    str_of(of_root[i]), "a patch must not change %s",
			    of_root[i]);
	for (size_t i = 0; meta != 0 && i < 2; i++) {
		uint32_t node = jdoc_get(d, meta, str_of(of_meta[i]));

		if (node != 0 && !same_text(old, jdoc_get(old, old_meta,
		    str_of(of_meta[i])), d, node))
			return fail_as(ctx, ERR_VALIDATION, "business-rule",
			    arena_printf(ctx->arena, "meta.%s", of_meta[i]),
			    "a patch must not change meta.%s, which the "
			    "server writes", of_meta[i]);
	}
	return OK;
}

static enum err
check_bounds(struct ctx *ctx, const struct forest *f)
{
	if (f->large)
		return fail(ctx, ERR_TOO_LARGE, "what the patch makes is too "
		    "large: at most %zu values and %zu MiB are handled",
		    TREE_VALUES_MAX, TREE_BYTES_MAX >> 20);
	if (f->deep)
		return fail(ctx, ERR_VALIDATION, "what the patch makes is "
		    "nested more than %d deep", TREE_DEPTH_MAX);
	return OK;
}

enum err
patch_apply(struct ctx *ctx, const struct patch *patch,
    const struct r4_type *type, struct str body, const struct jdoc **out)
{
	struct forest f = { .arena = ctx->arena };
	const struct jdoc *old = parse(ctx, body, JDOC_DEPTH_MAX);
	struct patch_work w = { .ctx = ctx, .f = &f,
	    .s = &r4_structures[type->structure] };
	struct jdoc *d;
	struct str text;
	enum err err;

	if (old->error != JDOC_OK)
		return fail(ctx, ERR_INTERNAL, "a stored body is no JSON");
	w.root = tree_of(&f, old, 0);
	err = patch->form == PATCH_JSON ? patch_json(&w, patch) :
	    patch_fhirpath(&w, patch);
	/* A bound that was met explains whatever was not found after it. */
	if (f.large || f.deep)
		fault_clear(ctx);
	else if (err != OK)
		return err;
	text = tree_write(&f, w.root);
	if ((err = check_bounds(ctx, &f)) != OK)
		return err;
	d = parse(ctx, text, TREE_DEPTH_MAX);
	if (d->error != JDOC_OK)
		return fail(ctx, ERR_VALIDATION, "what the patch makes is not "
		    "valid JSON: %s", jdoc_strerror(d->error));
	*out = d;
	return check_kept(ctx, old, d);
}
