/*
 * Fuzzing of validation: any JSON, checked as the type that it names. No input
 * may crash it, and what it tells must be a JSON text with as many issues.
 */

#include <stdlib.h>

#include "fhir/outcome.h"
#include "fhir/validate.h"

#define DEPTH	64

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct jdoc
parse(struct arena *arena, struct str text, unsigned depth)
{
	size_t room = jdoc_bound(text);
	struct jdoc d;

	jdoc_parse(&d, text, arena_array(arena, room + 1,
	    sizeof(struct jnode)), room, depth);
	return d;
}

static void
check_told(struct ctx *ctx, enum err err)
{
	struct jdoc d = parse(ctx->arena, outcome_write(ctx), DEPTH);

	if (d.error != JDOC_OK || (err == OK) != (ctx->fault.count == 0))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct arena *arena;
	struct str text = { (const char *)data, size };
	const struct r4_type *type = NULL;
	struct ctx ctx = { .arena = arena };
	struct jdoc d;

	if (arena == NULL)
		arena = ctx.arena = arena_new(1 << 16);
	arena_reset(arena);
	d = parse(arena, text, DEPTH);
	if (d.error != JDOC_OK)
		return 0;
	if (jdoc_get(&d, 0, STR("resourceType")) != 0)
		type = r4_type_named(jdoc_raw(&d,
		    jdoc_get(&d, 0, STR("resourceType"))));
	if (type == NULL)
		type = r4_type_numbered(1);
	check_told(&ctx, validate(&ctx, &d, 0, type));
	return 0;
}
