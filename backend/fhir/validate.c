/*
 * Structural validation: a walk over the JSON with the generated tables beside
 * it. It goes on after each problem and stops when more were found than an
 * answer shows. Each function looks at one level: a resource, an object's
 * members, one member, one value.
 */

#include "fhir/validate.h"

#include "fhir/suggest.h"
#include "fhir/walk.h"

#define NO_CONTENT	"has neither a value nor children (ele-1)"

/* One object while its members are checked. */
struct members {
	const struct r4_structure	*s;
	uint32_t			 object;
	uint64_t			 seen;	/* slots */
	bool				 content;	/* more than an id */
};

static void	check_object(struct walk *w, const struct place *at,
		    const struct r4_structure *s, uint32_t node);
static void	check_resource(struct walk *w, const struct place *at,
		    const struct r4_type *want, uint32_t node);
static void	check_members(struct walk *w, const struct place *at,
		    struct members *m);

/* --- members -------------------------------------------------------------- */

/* The sibling of a primitive: "_x" of "x"; 0 when there is none. */
static uint32_t
underscored(struct walk *w, uint32_t object, const struct r4_element *row)
{
	char name[UINT8_MAX + 1];

	name[0] = '_';
	memcpy(name + 1, row->name, row->name_len);
	return jdoc_get(w->d, object, (struct str){ name,
	    (size_t)row->name_len + 1 });
}

static void
check_value(struct walk *w, const struct place *at,
    const struct r4_element *row, uint32_t node)
{
	const struct r4_structure *s = &r4_structures[row->type];

	if (row->kind == R4_PRIMITIVE) {
		value_check(w, at, row, node);
		return;
	}
	if (jdoc_type(w->d, node) != JDOC_OBJECT) {
		walk_problem(w, at, BAD_SHAPE, "must be an object, not %s",
		    walk_json(w, node));
		return;
	}
	if (row->kind == R4_RESOURCE) {
		check_resource(w, at, NULL, node);
		return;
	}
	check_object(w, at, s, node);
	if (s->rule == R4_RULE_REFERENCE)
		reference_check(w, at, row, node);
	else if (row->binding != 0 && s->rule == R4_RULE_CODING)
		value_check_coding(w, at, &r4_bindings[row->binding], node);
	else if (row->binding != 0 && s->rule == R4_RULE_CODEABLE)
		value_check_concept(w, at, &r4_bindings[row->binding], node);
}

/* True when the element may repeat, so the JSON must be an array, and it is
 * one; an array elsewhere, or none here, is told. R4 json.html#primitive */
static bool
array_as_due(struct walk *w, const struct place *at,
    const struct r4_element *row, uint32_t node)
{
	bool is = jdoc_type(w->d, node) == JDOC_ARRAY;

	if (is != (row->max != 1)) {
		walk_problem(w, at, BAD_SHAPE,
		    is ? "must not be an array: the element "
		    "does not repeat" : "must be an array: the element may "
		    "repeat");
		return false;
	}
	if (is && jdoc_first(w->d, node) == 0) {
		walk_problem(w, at, BAD_SHAPE,
		    "is an empty array; leave the member out "
		    "instead");
		return false;
	}
	return true;
}

/* A null in an array of primitives stands for a value that has extensions
 * only: `pair` walks the array of these in step. */
static void
check_elements(struct walk *w, const struct place *at,
    const struct r4_element *row, const struct members *m, uint32_t array)
{
	uint32_t other = 0, pair = 0;
	struct place here = { at->up, at->name, 0 };

	if (row->kind == R4_PRIMITIVE) {
		other = underscored(w, m->object, row);
		if (other != 0 && jdoc_type(w->d, other) == JDOC_ARRAY)
			pair = jdoc_first(w->d, other);
	}
	for (uint32_t i = jdoc_first(w->d, array); i != 0 && !walk_full(w);
	    i = jdoc_next(w->d, array, i), here.index++) {
		if (jdoc_type(w->d, i) != JDOC_NULL ||
		    row->kind != R4_PRIMITIVE)
			check_value(w, &here, row, i);
		else if (pair == 0 || jdoc_type(w->d, pair) != JDOC_OBJECT)
			walk_problem(w, &here, BAD_SHAPE,
			    "must not be null without an "
			    "extension at the same index of _%s", row->name);
		if (pair != 0)
			pair = jdoc_next(w->d, other, pair);
	}
}

static void
check_member(struct walk *w, const struct place *at,
    const struct r4_element *row, const struct members *m, uint32_t value)
{
	if (!array_as_due(w, at, row, value))
		return;
	if (row->max != 1)
		check_elements(w, at, row, m, value);
	else
		check_value(w, at, row, value);
}

/* --- "_birthDate" --------------------------------------------------------- */

static size_t
array_length(const struct jdoc *d, uint32_t array)
{
	size_t n = 0;

	for (uint32_t i = jdoc_first(d, array); i != 0;
	    i = jdoc_next(d, array, i))
		n++;
	return n;
}

/* `valued`: there is a value, so an id alone is content enough. */
static void
check_element(struct walk *w, const struct place *at, uint32_t node,
    bool valued)
{
	struct members m = { .s = &r4_structures[R4_STRUCTURE_ELEMENT],
		.object = node };

	if (jdoc_type(w->d, node) != JDOC_OBJECT) {
		walk_problem(w, at, BAD_SHAPE,
		    "must be an object with id or extension "
		    "under its _ name, not %s", walk_json(w, node));
		return;
	}
	check_members(w, at, &m);
	if (!m.content && !(valued && jdoc_first(w->d, node) != 0))
		walk_problem(w, at, BROKEN_RULE, NO_CONTENT);
}

static void
check_element_array(struct walk *w, const struct place *at, uint32_t array,
    uint32_t values)
{
	struct place here = { at->up, at->name, 0 };
	bool valued = values != 0 && jdoc_type(w->d, values) == JDOC_ARRAY;
	bool any = false;

	if (valued && array_length(w->d, values) != array_length(w->d, array))
		walk_problem(w, at, BAD_SHAPE,
		    "must have as many elements under its _ "
		    "name as it has values (null where there is nothing)");
	for (uint32_t i = jdoc_first(w->d, array); i != 0 && !walk_full(w);
	    i = jdoc_next(w->d, array, i), here.index++) {
		if (jdoc_type(w->d, i) == JDOC_NULL)
			continue;
		any = true;
		check_element(w, &here, i, valued);
	}
	if (!any)
		walk_problem(w, at, BAD_SHAPE,
		    "has nothing but null under its _ name");
}

/* The id and extensions of a primitive. R4 json.html#primitive */
static void
check_underscored(struct walk *w, const struct place *at,
    const struct r4_element *row, struct members *m, uint32_t value)
{
	uint32_t plain = jdoc_get(w->d, m->object, (struct str){ row->name,
	    row->name_len });

	/* Alone it fills the element's slot; else its value does. */
	if (plain == 0 && row->slot != 0)
		m->seen |= UINT64_C(1) << (row->slot - 1);
	if (!array_as_due(w, at, row, value))
		return;
	if (row->max == 1)
		check_element(w, at, value, plain != 0);
	else
		check_element_array(w, at, value, plain);
}

/* --- objects -------------------------------------------------------------- */

static void
unknown_member(struct walk *w, const struct place *at,
    struct members *m, struct str name)
{
	const struct r4_structure *s = m->s;
	const char *near = suggest_element(s, name);

	m->content = true;
	walk_problem(w, at, BAD_SHAPE, "is not an element of %s%s%s%s", s->name,
	    near == NULL ? "" : "; is '", near == NULL ? "" : near,
	    near == NULL ? "" : "' meant?");
}

static void
fill_slot(struct walk *w, const struct place *at,
    const struct r4_element *row, struct members *m)
{
	uint64_t bit;

	if (row->slot == 0)
		return;
	bit = UINT64_C(1) << (row->slot - 1);
	if ((m->seen & bit) != 0)
		walk_problem(w, at, BAD_SHAPE,
		    "may be given with one type only (%.*s[x])",
		    row->base_len, row->name);
	m->seen |= bit;
}

static void
check_named(struct walk *w, const struct place *up, struct members *m,
    struct str name, uint32_t value)
{
	bool extra = name.n > 1 && name.p[0] == '_';
	const struct r4_element *row = r4_element_named(m->s,
	    extra ? str_from(name, 1) : name);
	struct place at = { up, name, -1 };

	if (row == NULL || (extra && row->kind != R4_PRIMITIVE)) {
		unknown_member(w, &at, m, name);
		return;
	}
	at.name = (struct str){ row->name, row->base_len };
	if (jdoc_type(w->d, value) == JDOC_NULL) {
		walk_problem(w, &at, BAD_SHAPE,
		    "must not be null; leave the member out "
		    "instead");
		return;
	}
	m->content |= extra || !str_eqz(name, "id");
	if (extra) {
		check_underscored(w, &at, row, m, value);
		return;
	}
	fill_slot(w, &at, row, m);
	check_member(w, &at, row, m, value);
}

static void
missing_elements(struct walk *w, const struct place *up,
    const struct members *m)
{
	uint64_t missing = m->s->required & ~m->seen, bit;
	const struct r4_element *row;
	struct place at = { up, STR_NONE, -1 };

	for (size_t i = 0; i < m->s->count && missing != 0; i++) {
		row = &m->s->elements[i];
		bit = row->slot == 0 ? 0 : UINT64_C(1) << (row->slot - 1);
		if ((missing & bit) == 0)
			continue;
		missing &= ~bit;
		at.name = (struct str){ row->name, row->base_len };
		walk_problem(w, &at, MISSING,
		    "is missing; %s needs %.*s%s", m->s->name,
		    row->base_len, row->name,
		    row->base_len < row->name_len ? "[x]" : "");
	}
}

/* ext-1: a value or extensions, not both. R4 extensibility.html */
static void
check_extension(struct walk *w, const struct place *at,
    const struct members *m)
{
	bool value = (m->seen & ~m->s->required) != 0;
	bool nested = jdoc_get(w->d, m->object, STR("extension")) != 0;

	if (value && nested)
		walk_problem(w, at, BROKEN_RULE,
		    "must not have both a value and extensions "
		    "(ext-1)");
	else if (!value && !nested)
		walk_problem(w, at, BROKEN_RULE,
		    "must have a value or extensions (ext-1)");
}

static void
check_members(struct walk *w, const struct place *at, struct members *m)
{
	for (uint32_t i = jdoc_first(w->d, m->object); i != 0 && !walk_full(w);
	    i = jdoc_next(w->d, m->object, i)) {
		struct str name = walk_text(w, i);

		if (m->s->resource && str_eqz(name, "resourceType"))
			continue;
		check_named(w, at, m, name, jdoc_value(w->d, i));
	}
	if ((m->s->required & ~m->seen) != 0)
		missing_elements(w, at, m);
}

static void
check_object(struct walk *w, const struct place *at,
    const struct r4_structure *s, uint32_t node)
{
	struct members m = { .s = s, .object = node };

	check_members(w, at, &m);
	if (s->rule == R4_RULE_EXTENSION)
		check_extension(w, at, &m);
	else if (!m.content && !s->resource && s->required == 0)
		walk_problem(w, at, BROKEN_RULE, NO_CONTENT);
}

/* --- resources ------------------------------------------------------------ */

/* dom-2, dom-4, dom-5: what a contained resource may not have. */
static void
check_contained(struct walk *w, const struct place *at, uint32_t node)
{
	static const char *const members[] = { "versionId", "lastUpdated",
		"security" };
	uint32_t meta = jdoc_get(w->d, node, STR("meta"));
	struct place at_meta = { at, STR("meta"), -1 };

	if (jdoc_get(w->d, node, STR("contained")) != 0)
		walk_problem(w, at, BROKEN_RULE,
		    "must not contain resources: it is "
		    "contained itself (dom-2)");
	for (size_t i = 0; meta != 0 && i < 3; i++)
		if (jdoc_get(w->d, meta, str_of(members[i])) != 0)
			walk_problem(w, &at_meta, BROKEN_RULE,
			    "must not have %s in a "
			    "contained resource (dom-4, dom-5)", members[i]);
}

static const struct r4_type *
resource_type(struct walk *w, const struct place *at,
    const struct r4_type *want, uint32_t node)
{
	struct place here = { at, STR("resourceType"), -1 };
	uint32_t named = jdoc_get(w->d, node, STR("resourceType"));
	const struct r4_type *type;

	if (named == 0) {
		walk_problem(w, &here, MISSING,
		    "is missing; a resource says its type");
		return NULL;
	}
	type = jdoc_type(w->d, named) == JDOC_STRING ?
	    r4_type_named(walk_text(w, named)) : NULL;
	if (type == NULL)
		walk_problem(w, &here, BAD_VALUE,
		    "is not the name of an R4 resource "
		    "type");
	else if (want != NULL && type != want)
		walk_problem(w, &here, BAD_VALUE,
		    "must be %s here, not %s", want->name,
		    type->name);
	return want != NULL && type != want ? NULL : type;
}

static void
check_inside(struct walk *w, const struct place *at,
    const struct r4_structure *s, uint32_t node)
{
	w->current = reference_find(w, walk_member(w, node, STR("id")));
	w->inside = true;
	check_contained(w, at, node);
	check_object(w, at, s, node);
	w->inside = false;
}

static void
check_resource(struct walk *w, const struct place *at,
    const struct r4_type *want, uint32_t node)
{
	const struct r4_type *type = resource_type(w, at, want, node);
	const struct r4_structure *s;
	struct walk outer = *w;

	if (type == NULL)
		return;
	s = &r4_structures[type->structure];
	if (str_eqz(at->name, "contained")) {
		if (!w->inside)
			check_inside(w, at, s, node);
		return;
	}
	w->in_bundle |= str_eqz(STR("Bundle"), type->name);
	w->current = NULL;
	w->inside = false;
	reference_begin(w, at, node);
	check_object(w, at, s, node);
	reference_end(w, at);
	outer.failed = w->failed;
	*w = outer;
}

enum err
validate(struct ctx *ctx, const struct jdoc *d, uint32_t node,
    const struct r4_type *type)
{
	struct walk w = { .ctx = ctx, .d = d };
	struct place root = { NULL, str_of(type->name), -1 };

	if (jdoc_type(d, node) == JDOC_OBJECT)
		check_resource(&w, &root, type, node);
	else
		walk_problem(&w, &root, BAD_SHAPE, "must be an object, not %s",
		    walk_json(&w, node));
	return w.failed ? ERR_VALIDATION : OK;
}
