/* From what a value set is composed of to its codes. */

#include "fhir/expand.h"

#include "base/hash.h"

/* What expands one value set of those that are nested. */
struct work {
	struct ctx	*ctx;
	const struct term *value_set;
	unsigned	 depth;
	unsigned	*sets;		/* that were expanded so far */
};

static enum err	expand_set(struct work *w, struct expansion *out);

/* --- the list ------------------------------------------------------------- */

static uint64_t
hash_code(struct str system, struct str code)
{
	struct str parts[] = { system, code };

	return siphash_parts((struct siphash_key){ 0, 0 }, parts, 2);
}

/* The slot of a code: its own, or the empty one where it would be. */
static size_t
slot_of(const struct expansion *e, struct str system, struct str code)
{
	size_t i = hash_code(system, code) & (e->nslots - 1);

	while (e->slots[i] != 0 &&
	    !(str_eq(e->v[e->slots[i] - 1].code, code) &&
	    str_eq(e->v[e->slots[i] - 1].system, system)))
		i = (i + 1) & (e->nslots - 1);
	return i;
}

static void
grow(struct ctx *ctx, struct expansion *e)
{
	struct expansion_code *old = e->v;

	e->room = e->room == 0 ? 64 : e->room * 2;
	e->nslots = e->room * 2;
	e->v = arena_array(ctx->arena, e->room, sizeof(*e->v));
	e->slots = arena_array(ctx->arena, e->nslots, sizeof(*e->slots));
	if (e->n > 0)
		memcpy(e->v, old, e->n * sizeof(*e->v));
	for (size_t i = 0; i < e->n; i++)
		e->slots[slot_of(e, e->v[i].system, e->v[i].code)] = i + 1;
}

static enum err
add_code(struct ctx *ctx, struct expansion *e, struct expansion_code code)
{
	size_t slot;

	if (e->n == e->room)
		grow(ctx, e);
	slot = slot_of(e, code.system, code.code);
	if (e->slots[slot] != 0)
		return OK;
	if (e->n == EXPANSION_MAX)
		return fail_as(ctx, ERR_VALIDATION, "too-costly", STR_NONE,
		    "the value set has more than %d codes", EXPANSION_MAX);
	e->v[e->n++] = code;
	e->slots[slot] = e->n;
	return OK;
}

const struct expansion_code *
expansion_find(const struct expansion *e, struct str system, struct str code)
{
	size_t slot;

	if (e->n == 0)
		return NULL;
	if (system.p != NULL) {
		slot = slot_of(e, system, code);
		return e->slots[slot] == 0 ? NULL : &e->v[e->slots[slot] - 1];
	}
	for (size_t i = 0; i < e->n; i++)
		if (str_eq(e->v[i].code, code))
			return &e->v[i];
	return NULL;
}

/* --- one include ---------------------------------------------------------- */

/* "url|version" of a part that names its system and perhaps its version. */
static struct str
canonical_of(struct ctx *ctx, struct str system, struct str version)
{
	return version.n == 0 ? system : arena_printf(ctx->arena, "%.*s|%.*s",
	    STR_ARGS(system), STR_ARGS(version));
}

/* Listed concepts; a display that is not said is the code system's. */
static enum err
add_listed(struct work *w, uint32_t part, struct str system,
    struct expansion *out)
{
	const struct jdoc *d = w->value_set->d;
	uint32_t list = jdoc_get(d, part, STR("concept"));
	struct concepts known = { .n = 0 };
	struct term found;
	enum err err = term_find(w->ctx, TERM_CODE_SYSTEM, canonical_of(w->ctx,
	    system, term_text(w->ctx, d, part, "version")), &found);

	if (err == OK)
		concepts_read(w->ctx, &found, &known);
	else if (err != ERR_NOT_FOUND)
		return err;
	err = OK;
	for (uint32_t i = term_first(d, part, "concept"); i != 0 && err == OK;
	    i = jdoc_next(d, list, i)) {
		struct expansion_code code = { .system = system,
		    .code = term_text(w->ctx, d, i, "code"),
		    .display = term_text(w->ctx, d, i, "display") };
		const struct concept *concept = concept_named(&known,
		    code.code);

		if (code.display.n == 0 && concept != NULL)
			code.display = concept->display;
		code.inactive = concept != NULL && concept->inactive;
		err = add_code(w->ctx, out, code);
	}
	return err;
}

static enum err
find_system(struct work *w, uint32_t part, struct str system,
    struct concepts *out)
{
	struct str name = canonical_of(w->ctx, system, term_text(w->ctx,
	    w->value_set->d, part, "version"));
	struct term found;
	enum err err = term_find(w->ctx, TERM_CODE_SYSTEM, name, &found);

	if (err == ERR_NOT_FOUND)
		return fail_as(w->ctx, ERR_VALIDATION, "not-found", STR(
		    "ValueSet.compose.include.system"), "the code system "
		    "%.*s is neither of R4 nor stored here, so its codes "
		    "cannot be listed", STR_ARGS(name));
	if (err != OK)
		return err;
	concepts_read(w->ctx, &found, out);
	if (!out->complete)
		return fail_as(w->ctx, ERR_VALIDATION, "incomplete", STR(
		    "ValueSet.compose.include.system"), "the code system "
		    "%.*s is here only in part, so its codes cannot be "
		    "listed", STR_ARGS(name));
	return OK;
}

/* A whole code system, or what every filter selects of it. */
static enum err
add_system(struct work *w, uint32_t part, struct str system,
    struct expansion *out)
{
	const struct jdoc *d = w->value_set->d;
	uint32_t list = jdoc_get(d, part, STR("filter"));
	struct concepts c;
	bool *all, *one;
	enum err err = find_system(w, part, system, &c);

	if (err != OK)
		return err;
	all = arena_alloc(w->ctx->arena, c.n + 1);
	one = arena_alloc(w->ctx->arena, c.n + 1);
	memset(all, true, c.n);
	for (uint32_t i = term_first(d, part, "filter"); i != 0;
	    i = jdoc_next(d, list, i)) {
		if ((err = concepts_filter(w->ctx, &c, d, i, one)) != OK)
			return err;
		for (size_t j = 0; j < c.n; j++)
			all[j] = all[j] && one[j];
	}
	for (size_t i = 0; i < c.n && err == OK; i++)
		if (all[i])
			err = add_code(w->ctx, out, (struct expansion_code){
			    system, c.v[i].code, c.v[i].display,
			    c.v[i].inactive });
	return err;
}

/* Keep of `codes` what `other` has, too. */
static enum err
intersect(struct ctx *ctx, struct expansion *codes,
    const struct expansion *other)
{
	struct expansion both = { .n = 0 };
	enum err err = OK;

	for (size_t i = 0; i < codes->n && err == OK; i++)
		if (expansion_find(other, codes->v[i].system,
		    codes->v[i].code) != NULL)
			err = add_code(ctx, &both, codes->v[i]);
	*codes = both;
	return err;
}

static enum err
find_nested(struct work *w, struct str url, struct expansion *out)
{
	struct term nested;
	struct work inner = { w->ctx, &nested, w->depth + 1, w->sets };
	enum err err;

	if (w->depth >= EXPANSION_DEPTH_MAX ||
	    ++*w->sets > EXPANSION_SETS_MAX)
		return fail_as(w->ctx, ERR_VALIDATION, "too-costly", STR_NONE,
		    "more than %d value sets are nested, more than %d are "
		    "used, or they are in a circle", EXPANSION_DEPTH_MAX,
		    EXPANSION_SETS_MAX);
	err = term_find(w->ctx, TERM_VALUE_SET, url, &nested);
	if (err == ERR_NOT_FOUND)
		return fail_as(w->ctx, ERR_VALIDATION, "not-found", STR(
		    "ValueSet.compose.include.valueSet"), "the value set "
		    "%.*s is neither of R4 nor stored here", STR_ARGS(url));
	return err != OK ? err : expand_set(&inner, out);
}

/* System and value sets of one part are met by all of its codes. R4
 * valueset.html#compositions */
static enum err
expand_part(struct work *w, uint32_t part, struct expansion *out)
{
	const struct jdoc *d = w->value_set->d;
	struct str system = term_text(w->ctx, d, part, "system");
	uint32_t sets = jdoc_get(d, part, STR("valueSet"));
	bool first = system.n == 0;
	enum err err = OK;

	*out = (struct expansion){ .n = 0 };
	if (!first)
		err = jdoc_get(d, part, STR("concept")) != 0 ?
		    add_listed(w, part, system, out) :
		    add_system(w, part, system, out);
	for (uint32_t i = term_first(d, part, "valueSet"); i != 0 &&
	    err == OK; i = jdoc_next(d, sets, i), first = false) {
		struct expansion nested;

		if ((err = find_nested(w, term_string(w->ctx, d, i),
		    &nested)) != OK)
			return err;
		if (first)
			*out = nested;
		else
			err = intersect(w->ctx, out, &nested);
	}
	return err;
}

/* --- the whole ------------------------------------------------------------ */

/* One that was stored expanded, and says nothing else. */
static enum err
add_contains(struct work *w, uint32_t object, struct expansion *out)
{
	const struct jdoc *d = w->value_set->d;
	uint32_t list = jdoc_get(d, object, STR("contains"));
	enum err err = OK;

	for (uint32_t i = term_first(d, object, "contains"); i != 0 &&
	    err == OK; i = jdoc_next(d, list, i)) {
		struct expansion_code code = {
			.system = term_text(w->ctx, d, i, "system"),
			.code = term_text(w->ctx, d, i, "code"),
			.display = term_text(w->ctx, d, i, "display") };
		uint32_t abstract = jdoc_get(d, i, STR("abstract"));

		if (code.code.n > 0 && (abstract == 0 ||
		    jdoc_type(d, abstract) != JDOC_TRUE))
			err = add_code(w->ctx, out, code);
		if (err == OK)
			err = add_contains(w, i, out);
	}
	return err;
}

static enum err
include_all(struct work *w, uint32_t compose, struct expansion *out)
{
	const struct jdoc *d = w->value_set->d;
	uint32_t list = jdoc_get(d, compose, STR("include"));
	struct expansion part;
	enum err err = OK;

	for (uint32_t i = term_first(d, compose, "include"); i != 0;
	    i = jdoc_next(d, list, i)) {
		if ((err = expand_part(w, i, &part)) != OK)
			return err;
		for (size_t j = 0; j < part.n && err == OK; j++)
			err = add_code(w->ctx, out, part.v[j]);
		if (err != OK)
			return err;
	}
	return OK;
}

static enum err
exclude_all(struct work *w, uint32_t compose, struct expansion *out)
{
	const struct jdoc *d = w->value_set->d;
	uint32_t list = jdoc_get(d, compose, STR("exclude"));
	struct expansion part, left;
	enum err err;

	for (uint32_t i = term_first(d, compose, "exclude"); i != 0;
	    i = jdoc_next(d, list, i)) {
		left = (struct expansion){ .n = 0 };
		if ((err = expand_part(w, i, &part)) != OK)
			return err;
		for (size_t j = 0; j < out->n; j++)
			if (expansion_find(&part, out->v[j].system,
			    out->v[j].code) == NULL)
				(void)add_code(w->ctx, &left, out->v[j]);
		*out = left;
	}
	return OK;
}

static enum err
expand_set(struct work *w, struct expansion *out)
{
	const struct jdoc *d = w->value_set->d;
	uint32_t top = w->value_set->node;
	uint32_t compose = jdoc_get(d, top, STR("compose"));
	uint32_t expansion = jdoc_get(d, top, STR("expansion"));
	enum err err;

	*out = (struct expansion){ .n = 0 };
	if (compose == 0)
		return expansion == 0 ? OK : add_contains(w, expansion, out);
	if ((err = include_all(w, compose, out)) != OK)
		return err;
	return exclude_all(w, compose, out);
}

enum err
expand(struct ctx *ctx, const struct term *value_set, struct expansion *out)
{
	unsigned sets = 1;
	struct work w = { ctx, value_set, 1, &sets };
	enum err err = expand_set(&w, out);

	out->value_set = *value_set;
	return err;
}

enum err
expand_named(struct ctx *ctx, struct str canonical, struct expansion *out)
{
	struct term value_set;
	enum err err = term_find(ctx, TERM_VALUE_SET, canonical, &value_set);

	if (err == ERR_NOT_FOUND)
		return fail(ctx, ERR_NOT_FOUND, "the value set %.*s is neither "
		    "of R4 nor stored here", STR_ARGS(canonical));
	return err != OK ? err : expand(ctx, &value_set, out);
}
