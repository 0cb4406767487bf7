/*
 * Fuzzing of patches: {"record":{...},"patch":...}, an array being a JSON
 * Patch, anything else a FHIRPath Patch. No input may crash it; what it makes
 * must be JSON and keep its id; a patch without operations changes no byte.
 */

#include <stdlib.h>

#include "fhir/patch.h"

#define DEPTH	64

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct r4_type *
type_of(const struct jdoc *d, uint32_t record)
{
	uint32_t node = jdoc_get(d, record, STR("resourceType"));

	return node == 0 ? NULL : r4_type_named(jdoc_raw(d, node));
}

static void
apply(struct ctx *ctx, const struct jdoc *d, uint32_t record, uint32_t patch)
{
	enum patch_form form = jdoc_type(d, patch) == JDOC_ARRAY ?
	    PATCH_JSON : PATCH_FHIRPATH;
	const struct jdoc *made = NULL;
	struct patch read;

	if (type_of(d, record) == NULL ||
	    patch_read(ctx, form, d, patch, &read) != OK)
		return;
	if (patch_apply(ctx, &read, type_of(d, record),
	    jdoc_raw(d, record), &made) != OK) {
		if (ctx->fault.count == 0)
			abort();
		return;
	}
	if (made->error != JDOC_OK || jdoc_get(made, 0, STR("id")) == 0)
		abort();
	if (jdoc_first(d, patch) == 0 &&
	    !str_eq(made->text, jdoc_raw(d, record)))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct arena *arena;
	struct str text = { (const char *)data, size };
	struct ctx ctx = { .arena = arena };
	struct jdoc d;
	size_t room = jdoc_bound(text);
	uint32_t record, patch;

	if (arena == NULL)
		arena = ctx.arena = arena_new(1 << 16);
	arena_reset(arena);
	if (jdoc_parse(&d, text, arena_array(arena, room + 1,
	    sizeof(struct jnode)), room, DEPTH) != JDOC_OK)
		return 0;
	record = jdoc_get(&d, 0, STR("record"));
	patch = jdoc_get(&d, 0, STR("patch"));
	if (record != 0 && patch != 0)
		apply(&ctx, &d, record, patch);
	return 0;
}
