/*
 * Search keys of any JSON at all, validated or not, as each of a few types:
 * the first byte chooses. Extraction must neither crash nor hang, and what it
 * yields must be fit for the tables: sorted, distinct, spans not reversed.
 */

#include <stdlib.h>

#include "fhir/keys.h"

static const char *const types[] = { "Patient", "Observation", "Condition",
	"Bundle", "DocumentReference", "MolecularSequence", "Invoice",
	"CarePlan", "ValueSet", "Group" };

static void
check(const struct keys *keys)
{
	for (size_t i = 1; i < keys->npost; i++)
		if (keys->post[i - 1].k > keys->post[i].k)
			abort();
	for (size_t i = 0; i < keys->ndat; i++)
		if (keys->dat[i].lo_us > keys->dat[i].hi_us)
			abort();
	for (size_t i = 0; i < keys->nqty; i++)
		if (!(keys->qty[i].lo <= keys->qty[i].hi))
			abort();
	for (size_t i = 1; i < keys->nrefs; i++)
		if (keys->refs[i - 1] >= keys->refs[i])
			abort();
}

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct key_space space = { { 1, 2 }, 1 };
	struct str text = { (const char *)data, size };
	struct arena *arena;
	struct ctx ctx = { 0 };
	struct keys keys;
	struct jdoc d;
	size_t room;
	const char *name;

	if (size == 0)
		return 0;
	name = types[data[0] % (sizeof(types) / sizeof(types[0]))];
	text = str_from(text, 1);
	arena = arena_new(65536);
	ctx.arena = arena;
	room = jdoc_bound(text);
	if (jdoc_parse(&d, text, arena_array(arena, room,
	    sizeof(struct jnode)), room, JDOC_DEPTH_MAX) == JDOC_OK) {
		keys_extract(&ctx, space, r4_type_named(str_of(name)),
		    STR("1"), &(struct extract){ &d, 0 }, &keys);
		check(&keys);
	}
	arena_free(arena);
	return 0;
}
