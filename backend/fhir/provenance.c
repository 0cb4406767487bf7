/* The Provenance that comes in a header. */

#include "fhir/provenance.h"

#include "base/buf.h"

#define HEADER		STR("X-Provenance")

/* It is given to every write of a batch, and is small. */
#define NODES_MAX	((size_t)16 * 1024)

static enum err
parse(struct ctx *ctx, struct str text, const struct jdoc **out)
{
	size_t room = jdoc_bound(text);
	struct jdoc *d = arena_zero(ctx->arena, sizeof(*d));

	*out = d;
	if (jdoc_parse(d, text, arena_array(ctx->arena, room,
	    sizeof(struct jnode)), room, JDOC_DEPTH_MAX) == JDOC_OK)
		return OK;
	return fail_at(ctx, ERR_INVALID_REQUEST, HEADER, "is not valid JSON, "
	    "byte %zu: %s", d->error_off + 1, jdoc_strerror(d->error));
}

enum err
provenance_read(struct ctx *ctx, struct str header, struct provenance *out)
{
	const struct jdoc *d;
	enum err err;

	*out = (struct provenance){ .doc = NULL };
	if (header.n == 0)
		return OK;
	if (jdoc_bound(header) > NODES_MAX)
		return fail_at(ctx, ERR_TOO_LARGE, HEADER, "has too many "
		    "values");
	if ((err = parse(ctx, header, &d)) != OK)
		return err;
	if (jdoc_type(d, 0) != JDOC_OBJECT || !jdoc_is(d, jdoc_get(d, 0,
	    STR("resourceType")), STR("Provenance")))
		return fail_at(ctx, ERR_INVALID_REQUEST, HEADER, "must be a "
		    "Provenance resource in JSON");
	if (jdoc_get(d, 0, STR("target")) != 0)
		return fail_at(ctx, ERR_INVALID_REQUEST, HEADER, "must not "
		    "have a target: that is what this request writes");
	out->doc = d;
	return OK;
}

/* The same with the versions that were made; empty when none was. */
static struct str
text_with_targets(struct ctx *ctx, const struct provenance *p)
{
	struct str text = jdoc_raw(p->doc, 0);
	struct buf b = buf_new(ctx->arena, text.n + 64 * (*p->n + 1));
	const char *before = "{\"target\":[";

	for (size_t i = 0; i < *p->n; i++) {
		const struct change *change = &(*p->changes)[i];
		const struct record *after = &change->after;

		if (change->unchanged)
			continue;
		buf_addf(&b, "%s{\"reference\":\"%s/%.*s/_history/%d\"}",
		    before, after->type->name, STR_ARGS(after->id),
		    after->ver);
		before = ",";
	}
	if (b.n == 0)
		return STR_NONE;
	buf_addz(&b, "],");
	buf_add(&b, str_from(text, 1));
	return buf_str(&b);
}

static enum err
store(struct ctx *ctx, void *arg)
{
	const struct provenance *p = arg;
	struct str text = text_with_targets(ctx, p);
	struct change change = { .kind = CHANGE_CREATE,
	    .type = r4_type_named(STR("Provenance")), .path = HEADER };
	enum err err;

	if (text.n == 0)
		return OK;
	if ((err = parse(ctx, text, &change.doc)) != OK)
		return err;
	return store_write_inside(ctx, &change, 1);
}

store_look *
provenance_look(const struct provenance *provenance)
{
	return provenance->doc == NULL ? NULL : store;
}
