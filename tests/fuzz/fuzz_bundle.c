/*
 * Any JSON as a transaction: its entries are read and its references
 * rewritten, or it is refused with a text; what is rewritten is JSON of the
 * same shape. Storing it is not part of this.
 */

#include "base/conf.h"
#include "fhir/bundle_entry.h"

#include <stdint.h>
#include <stdlib.h>

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool fine)
{
	if (!fine)
		abort();
}

static enum err
allow_all(struct ctx *ctx, const struct r4_type *type, char verb)
{
	(void)ctx;
	check(type != NULL && verb != '\0');
	return OK;
}

static void
check_entries(const struct jdoc *d, const struct entries *entries)
{
	for (size_t i = 0; i < entries->n; i++) {
		const struct entry *e = &entries->v[i];

		check(e->path.n > 0 && e->request.url.p != NULL);
		if (e->reads)
			continue;
		check(e->change.type != NULL);
		check(e->change.kind == CHANGE_DELETE ||
		    e->change.node < d->count);
		check(e->change.kind == CHANGE_CREATE || e->change.id.n > 0);
	}
}

static void
check_rewritten(struct arena *arena, const struct jdoc *d)
{
	size_t room = jdoc_bound(d->text);
	struct jdoc again;

	check(jdoc_parse(&again, d->text, arena_array(arena, room,
	    sizeof(struct jnode)), room, JDOC_DEPTH_MAX) == JDOC_OK);
	check(again.count == d->count);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct conf conf = { .base_url = "https://api.test/v3" };
	struct str text = { (const char *)data, size };
	struct ctx ctx = { .arena = arena_new(65536), .conf = &conf };
	size_t room = jdoc_bound(text);
	struct entries entries;
	const struct jdoc *rewritten;
	struct jdoc d;

	if (jdoc_parse(&d, text, arena_array(ctx.arena, room,
	    sizeof(struct jnode)), room, JDOC_DEPTH_MAX) == JDOC_OK) {
		if (bundle_entries(&ctx, &d, allow_all, &entries) == OK) {
			check_entries(&d, &entries);
			check(refs_rewrite(&ctx, &d, &entries, &rewritten) ==
			    OK || ctx.fault.count > 0);
			if (ctx.fault.count == 0)
				check_rewritten(ctx.arena, rewritten);
		} else
			check(ctx.fault.count > 0);
	}
	arena_free(ctx.arena);
	return 0;
}
