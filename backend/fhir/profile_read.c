/* Reading StructureDefinitions, and comparing values with those in them. */

#include "fhir/profile_read.h"

#include "fhir/terms.h"

/* --- elements ------------------------------------------------------------- */

static bool
is_below(struct str path, struct str up)
{
	return path.n > up.n && str_starts(path, up) && path.p[up.n] == '.';
}

/* What of path is the child of up: "Patient.name" of "Patient.name.given". */
static struct str
step_below(struct str path, struct str up)
{
	size_t n = up.n + 1;

	while (n < path.n && path.p[n] != '.')
		n++;
	return (struct str){ path.p, n };
}

static bool
add_element(struct profile *p, struct str path, struct str slice,
    uint32_t node)
{
	size_t up = p->n - 1;
	struct str step;

	while (up != 0 && !is_below(path, p->v[up].path))
		up = p->v[up].up;
	if (!is_below(path, p->v[up].path))
		return false;
	for (;;) {
		if (p->n == p->room)
			return false;
		step = step_below(path, p->v[up].path);
		p->v[p->n] = (struct element){ .path = step,
		    .name = str_from(step, p->v[up].path.n + 1), .up = up };
		up = p->n++;
		if (step.n == path.n)
			break;
	}
	p->v[up].slice = slice;
	p->v[up].node = node;
	return true;
}

static size_t
count(const struct jdoc *d, uint32_t node)
{
	size_t n = 0;

	for (uint32_t i = jdoc_first(d, node); i != 0;
	    i = jdoc_next(d, node, i))
		n++;
	return n;
}

static void
read_elements(struct ctx *ctx, struct profile *p, uint32_t definition)
{
	uint32_t list = jdoc_get(p->d, definition, STR("element"));

	/* A differential may leave out what is between its elements. */
	p->room = list == 0 ? 1 : count(p->d, list) * 4 + 1;
	if (p->room > PROFILE_ELEMENTS_MAX)
		p->room = PROFILE_ELEMENTS_MAX;
	p->v = arena_array(ctx->arena, p->room, sizeof(*p->v));
	p->v[0] = (struct element){ .path = p->type, .name = p->type };
	p->n = 1;
	for (uint32_t i = term_first(p->d, definition, "element"); i != 0;
	    i = jdoc_next(p->d, list, i)) {
		struct str path = term_text(ctx, p->d, i, "path");

		if (str_eq(path, p->type)) {
			p->v[0].node = i;
			continue;
		}
		if (!add_element(p, path, term_text(ctx, p->d, i,
		    "sliceName"), i)) {
			p->n = 0;
			return;
		}
	}
}

enum err
profile_read(struct ctx *ctx, struct str canonical, struct profile *out)
{
	uint32_t snapshot;
	struct term found;
	enum err err = term_find(ctx, TERM_STRUCTURE, canonical, &found);

	if (err != OK)
		return err;
	*out = (struct profile){ .d = found.d, .url = found.url,
	    .type = term_text(ctx, found.d, found.node, "type"),
	    .base = term_text(ctx, found.d, found.node, "baseDefinition") };
	snapshot = jdoc_get(found.d, found.node, STR("snapshot"));
	out->whole = snapshot != 0;
	read_elements(ctx, out, snapshot != 0 ? snapshot :
	    jdoc_get(found.d, found.node, STR("differential")));
	return OK;
}

size_t
profile_child(const struct profile *p, size_t up, size_t after)
{
	for (size_t i = after + 1; i < p->n &&
	    is_below(p->v[i].path, p->v[up].path); i++)
		if (p->v[i].up == up)
			return i;
	return 0;
}

uint32_t
profile_value(const struct profile *p, size_t element, const char *prefix)
{
	struct str name = str_of(prefix);
	uint32_t node = p->v[element].node;

	if (node == 0)
		return 0;
	for (uint32_t i = jdoc_first(p->d, node); i != 0;
	    i = jdoc_next(p->d, node, i))
		if (str_starts(jdoc_raw(p->d, i), name) &&
		    jdoc_raw(p->d, i).n > name.n)
			return jdoc_value(p->d, i);
	return 0;
}

uint64_t
profile_number(struct ctx *ctx, const struct profile *p, size_t element,
    const char *name, uint64_t absent)
{
	uint32_t node = p->v[element].node, member;
	uint64_t n;

	if (node == 0 ||
	    (member = jdoc_get(p->d, node, str_of(name))) == 0)
		return absent;
	if (str_eqz(term_text(ctx, p->d, node, name), "*"))
		return UINT64_MAX;
	return str_u64(jdoc_raw(p->d, member), UINT32_MAX, &n) ? n : absent;
}

/* --- comparing ------------------------------------------------------------ */

static bool
members_match(struct ctx *ctx, const struct jdoc *m, uint32_t model,
    const struct jdoc *d, uint32_t value, bool pattern)
{
	if (!pattern && count(m, model) != count(d, value))
		return false;
	for (uint32_t i = jdoc_first(m, model); i != 0;
	    i = jdoc_next(m, model, i)) {
		uint32_t other = jdoc_get(d, value, term_string(ctx, m, i));

		if (other == 0 || !profile_matches(ctx, m, jdoc_value(m, i), d,
		    other, pattern))
			return false;
	}
	return true;
}

/* Each element of a pattern has one that matches; otherwise all in order. */
static bool
elements_match(struct ctx *ctx, const struct jdoc *m, uint32_t model,
    const struct jdoc *d, uint32_t value, bool pattern)
{
	uint32_t other = jdoc_first(d, value);

	if (!pattern && count(m, model) != count(d, value))
		return false;
	for (uint32_t i = jdoc_first(m, model); i != 0;
	    i = jdoc_next(m, model, i)) {
		if (pattern)
			other = jdoc_first(d, value);
		while (other != 0 && !profile_matches(ctx, m, i, d, other,
		    pattern)) {
			if (!pattern)
				return false;
			other = jdoc_next(d, value, other);
		}
		if (other == 0)
			return false;
		if (!pattern)
			other = jdoc_next(d, value, other);
	}
	return true;
}

bool
profile_matches(struct ctx *ctx, const struct jdoc *m, uint32_t model,
    const struct jdoc *d, uint32_t value, bool pattern)
{
	enum jdoc_type type = jdoc_type(m, model);

	if (type != jdoc_type(d, value))
		return false;
	if (type == JDOC_OBJECT)
		return members_match(ctx, m, model, d, value, pattern);
	if (type == JDOC_ARRAY)
		return elements_match(ctx, m, model, d, value, pattern);
	if (type == JDOC_STRING)
		return str_eq(term_string(ctx, m, model),
		    term_string(ctx, d, value));
	return str_eq(jdoc_raw(m, model), jdoc_raw(d, value));
}
