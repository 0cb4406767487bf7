/*
 * FHIRPath Patch: five operations on elements. Where an element belongs,
 * whether it repeats and what type it may have says the structure of its
 * parent; a primitive and its "_name" are one element. R4 fhirpatch.html
 */

#include "fhir/patch_form.h"

#include "fhir/primitive.h"

/* What an operation says. */
struct request {
	const struct jdoc	*d;
	struct str		 type, path, name;
	uint64_t		 index, source, destination;
	uint32_t		 value;		/* its part; 0 = none */
};

/* A value that an operation brings. */
struct brought {
	const struct r4_element	*row;	/* of value[x]; NULL: one of these: */
	bool			 resource;
	uint32_t		 parts;	/* an array; 0 = none */
	struct tree		*value;	/* NULL: extensions alone */
	struct tree		*sibling;	/* "_name"; mostly NULL */
};

/* --- lists: the values and the "_name" of a member in step ---------------- */

static struct tree *
list_of(struct forest *f, struct tree *object, struct str name)
{
	struct tree *list = tree_get(f, object, name);

	if (list == NULL || list->type != JDOC_ARRAY)
		return NULL;
	tree_open(f, list);
	return list;
}

static size_t
list_length(struct forest *f, struct tree *object,
    const struct r4_element *row)
{
	struct tree *list = list_of(f, object, patch_member(row));
	struct tree *other = list_of(f, object, patch_sibling(f, row));
	size_t n = list == NULL ? 0 : list->n;

	return other != NULL && other->n > n ? other->n : n;
}

/* Put value before the i-th of `length`, with nulls up to there. */
static void
insert_into(struct forest *f, struct tree *object, struct str name, size_t i,
    size_t length, struct tree *value)
{
	struct tree *list = list_of(f, object, name);

	if (list == NULL) {
		list = tree_new(f, JDOC_ARRAY);
		tree_set(f, object, name, list);
	}
	while (list->n < length)
		tree_insert(f, list, list->n, STR_NONE,
		    tree_new(f, JDOC_NULL));
	tree_insert(f, list, i, STR_NONE, value != NULL ? value :
	    tree_new(f, JDOC_NULL));
}

static void
list_insert(struct forest *f, struct tree *object,
    const struct r4_element *row, size_t i, const struct brought *brought)
{
	size_t length = list_length(f, object, row);
	struct str sibling = patch_sibling(f, row);

	insert_into(f, object, patch_member(row), i, length, brought->value);
	if (brought->sibling != NULL || list_of(f, object, sibling) != NULL)
		insert_into(f, object, sibling, i, length, brought->sibling);
}

static void
remove_member(struct forest *f, struct tree *object, struct str name)
{
	size_t i = tree_find(f, object, name);

	if (i != SIZE_MAX)
		tree_remove(object, i);
}

static bool
has_values(const struct tree *list)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->v[i].value->type != JDOC_NULL)
			return true;
	return false;
}

/* A list that is empty, or of nulls alone, goes. */
static struct tree *
take_from(struct forest *f, struct tree *object, struct str name, size_t i)
{
	struct tree *list = list_of(f, object, name);
	struct tree *taken = NULL;

	if (list == NULL)
		return NULL;
	if (i < list->n) {
		taken = list->v[i].value;
		tree_remove(list, i);
	}
	if (!has_values(list))
		remove_member(f, object, name);
	return taken == NULL || taken->type == JDOC_NULL ? NULL : taken;
}

static struct brought
list_take(struct forest *f, struct tree *object, const struct r4_element *row,
    size_t i)
{
	struct brought taken = { .row = NULL };

	taken.value = take_from(f, object, patch_member(row), i);
	if (row->kind == R4_PRIMITIVE)
		taken.sibling = take_from(f, object, patch_sibling(f, row),
		    i);
	return taken;
}

/* --- values --------------------------------------------------------------- */

static const struct r4_structure *
parameter_structure(void)
{
	static const struct r4_structure *found;
	const struct r4_structure *s;
	const struct r4_type *type = r4_type_named(STR("Parameters"));

	if (found == NULL) {
		s = &r4_structures[type->structure];
		found = &r4_structures[r4_element_named(s,
		    STR("parameter"))->type];
	}
	return found;
}

static struct str
name_at(struct patch_work *w, const struct jdoc *d, uint32_t node)
{
	char *text = arena_alloc(w->ctx->arena, jdoc_raw(d, node).n + 1);

	return (struct str){ text, jdoc_decode(d, node, text) };
}

/* What the part at node holds. */
static struct brought
bring(struct patch_work *w, const struct jdoc *d, uint32_t node)
{
	struct brought b = { .row = NULL };

	for (uint32_t i = jdoc_first(d, node); i != 0;
	    i = jdoc_next(d, node, i)) {
		struct str name = name_at(w, d, i);
		bool under = str_starts(name, STR("_value"));

		if (str_eqz(name, "part")) {
			b.parts = jdoc_value(d, i);
		} else if (str_eqz(name, "resource")) {
			b.resource = true;
			b.value = tree_of(w->f, d, jdoc_value(d, i));
		} else if (under || str_starts(name, STR("value"))) {
			b.row = r4_element_named(parameter_structure(),
			    str_from(name, under));
			*(under ? &b.sibling : &b.value) = tree_of(w->f, d,
			    jdoc_value(d, i));
		}
	}
	return b;
}

/* A code may come as a string: whoever wrote it meant the text, and its form is
 * checked with the whole. A choice is named by its exact type. */
static bool
fits(const struct r4_element *row, const struct brought *b, bool choice)
{
	if (b->resource)
		return row->kind == R4_RESOURCE;
	if (b->row == NULL)
		return b->parts != 0 && !choice && row->kind == R4_COMPLEX;
	if (row->kind != b->row->kind)
		return false;
	if (row->kind == R4_PRIMITIVE && !choice)
		return primitive_json((enum r4_primitive)row->type) ==
		    primitive_json((enum r4_primitive)b->row->type);
	return row->type == b->row->type;
}

/* The row by which the value is the element `name`. */
static enum err
choose_row(struct patch_work *w, const struct r4_structure *s,
    struct str name, const struct brought *b, const struct r4_element **out)
{
	bool known = false;

	for (size_t i = 0; s != NULL && i < s->count; i++) {
		const struct r4_element *row = &s->elements[i];
		bool choice = row->base_len < row->name_len;

		if (!str_eq(name, (struct str){ row->name, row->base_len }) &&
		    !str_eq(name, patch_member(row)))
			continue;
		known = true;
		*out = row;
		if (fits(row, b, choice))
			return OK;
	}
	if (!known)
		return patch_misfit(w, "%s has no element \"%.*s\"", s == NULL ?
		    "what the path finds" : s->name, STR_ARGS(name));
	return patch_misfit(w, "the value has a type that %s.%.*s cannot have",
	    s->name, STR_ARGS(name));
}

static bool
is_there(struct forest *f, struct tree *object, const struct r4_element *row)
{
	return tree_find(f, object, patch_member(row)) != SIZE_MAX ||
	    (row->kind == R4_PRIMITIVE && tree_find(f, object,
	    patch_sibling(f, row)) != SIZE_MAX);
}

/* An element that does not repeat, whatever type it has. */
static bool
is_taken(struct forest *f, struct tree *object, const struct r4_structure *s,
    const struct r4_element *row)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct r4_element *other = &s->elements[i];

		if (other->base_len == row->base_len &&
		    memcmp(other->name, row->name, row->base_len) == 0 &&
		    is_there(f, object, other))
			return true;
	}
	return false;
}

static void
set_single(struct forest *f, struct tree *object, const struct r4_element *row,
    const struct brought *b)
{
	if (b->value != NULL)
		tree_set(f, object, patch_member(row), b->value);
	else
		remove_member(f, object, patch_member(row));
	if (b->sibling != NULL)
		tree_set(f, object, patch_sibling(f, row), b->sibling);
	else if (row->kind == R4_PRIMITIVE)
		remove_member(f, object, patch_sibling(f, row));
}

static enum err	add_to(struct patch_work *w, struct tree *object,
		    const struct r4_structure *s, struct str name,
		    const struct jdoc *d, uint32_t part);

/* Parts become the object of their names and values. */
static enum err
assemble(struct patch_work *w, const struct r4_element *row,
    const struct jdoc *d, struct brought *b)
{
	struct tree *object;
	enum err err;

	if (b->parts == 0)
		return OK;
	object = tree_new(w->f, JDOC_OBJECT);
	for (uint32_t i = jdoc_first(d, b->parts); i != 0;
	    i = jdoc_next(d, b->parts, i)) {
		uint32_t name = jdoc_get(d, i, STR("name"));

		if (name == 0)
			return patch_malformed(w, "a part of the value has no "
			    "name");
		if ((err = add_to(w, object, &r4_structures[row->type],
		    name_at(w, d, name), d, i)) != OK)
			return err;
	}
	b->value = object;
	return OK;
}

static enum err
add_to(struct patch_work *w, struct tree *object,
    const struct r4_structure *s, struct str name, const struct jdoc *d,
    uint32_t part)
{
	struct brought b = bring(w, d, part);
	const struct r4_element *row;
	enum err err;

	if ((err = choose_row(w, s, name, &b, &row)) != OK ||
	    (err = assemble(w, row, d, &b)) != OK)
		return err;
	if (row->max != 1)
		list_insert(w->f, object, row, list_length(w->f, object, row),
		    &b);
	else if (is_taken(w->f, object, s, row))
		return patch_misfit(w, "%s.%.*s is there already and does not "
		    "repeat; replace it", s->name, STR_ARGS(name));
	else
		set_single(w->f, object, row, &b);
	return OK;
}

/* --- the operations ------------------------------------------------------- */

static enum err
one_spot(struct patch_work *w, struct str path, struct spot *out)
{
	struct spots found;
	enum err err = patch_path(w, path, &found);

	if (err != OK)
		return err;
	if (found.n != 1)
		return patch_misfit(w, "the path \"%.*s\" finds %zu elements, "
		    "not one", STR_ARGS(path), found.n);
	*out = found.v[0];
	return OK;
}

/* A primitive without extensions so far. */
static struct tree *
make_inside(struct patch_work *w, const struct spot *spot)
{
	struct tree *object = tree_new(w->f, JDOC_OBJECT);
	struct str name = patch_sibling(w->f, spot->row);
	struct tree *list;

	if (spot->index == SIZE_MAX) {
		tree_set(w->f, spot->object, name, object);
		return object;
	}
	insert_into(w->f, spot->object, name, 0, list_length(w->f,
	    spot->object, spot->row), NULL);
	list = list_of(w->f, spot->object, name);
	tree_remove(list, 0);
	tree_replace(list, spot->index, object);
	return object;
}

static enum err
do_add(struct patch_work *w, const struct request *r)
{
	struct spot spot;
	enum err err = one_spot(w, r->path, &spot);

	if (err != OK)
		return err;
	if (spot.inside == NULL && spot.row->kind == R4_PRIMITIVE)
		spot.inside = make_inside(w, &spot);
	if (spot.inside == NULL)
		return patch_misfit(w, "what \"%.*s\" finds has no elements",
		    STR_ARGS(r->path));
	return add_to(w, spot.inside, spot.s, r->name, r->d, r->value);
}

/* The list that the path finds as a whole. */
static enum err
whole_list(struct patch_work *w, struct str path, struct spot *out)
{
	struct spots found;
	enum err err = patch_path(w, path, &found);

	if (err != OK)
		return err;
	if (found.n == 0)
		return patch_misfit(w, "the path \"%.*s\" finds no list; add "
		    "makes one", STR_ARGS(path));
	*out = found.v[0];
	if (out->index == SIZE_MAX || found.n != list_length(w->f,
	    out->object, out->row))
		return patch_misfit(w, "the path \"%.*s\" does not find one "
		    "whole list", STR_ARGS(path));
	for (size_t i = 0; i < found.n; i++)
		if (found.v[i].object != out->object ||
		    found.v[i].row != out->row)
			return patch_misfit(w, "the path \"%.*s\" finds "
			    "elements of several lists", STR_ARGS(path));
	out->index = found.n;
	return OK;
}

static enum err
do_insert(struct patch_work *w, const struct request *r)
{
	struct brought b = bring(w, r->d, r->value);
	const struct r4_element *row;
	struct spot list;
	enum err err;

	if ((err = whole_list(w, r->path, &list)) != OK)
		return err;
	row = list.row;
	if (r->index > list.index)
		return patch_misfit(w, "index %llu is behind the end of a list "
		    "of %zu", (unsigned long long)r->index, list.index);
	if (!fits(row, &b, false))
		return patch_misfit(w, "the value has a type that %s cannot "
		    "have", row->name);
	if ((err = assemble(w, row, r->d, &b)) != OK)
		return err;
	list_insert(w->f, list.object, row, (size_t)r->index, &b);
	return OK;
}

static void
remove_spot(struct forest *f, const struct spot *spot)
{
	if (spot->index != SIZE_MAX) {
		(void)list_take(f, spot->object, spot->row, spot->index);
		return;
	}
	remove_member(f, spot->object, patch_member(spot->row));
	if (spot->row->kind == R4_PRIMITIVE)
		remove_member(f, spot->object, patch_sibling(f, spot->row));
}

/* R4 fhirpatch.html: nothing found is no error, more than one is. */
static enum err
do_delete(struct patch_work *w, const struct request *r)
{
	struct spots found;
	enum err err = patch_path(w, r->path, &found);

	if (err != OK || found.n == 0)
		return err;
	if (found.n > 1)
		return patch_misfit(w, "the path \"%.*s\" finds %zu elements; "
		    "one is deleted at a time", STR_ARGS(r->path), found.n);
	if (found.v[0].object == NULL)
		return patch_misfit(w, "the whole record cannot be deleted by "
		    "a patch; that is a DELETE");
	remove_spot(w->f, &found.v[0]);
	return OK;
}

/* The structure that has the row of the spot; its own name is not enough. */
static const struct r4_structure *
parent_of(const struct r4_element *row)
{
	for (const struct r4_structure *s = r4_structures; ; s++)
		if (row >= s->elements && row < s->elements + s->count)
			return s;
}

static enum err
do_replace(struct patch_work *w, const struct request *r)
{
	struct brought b = bring(w, r->d, r->value);
	const struct r4_element *row;
	struct spot spot;
	enum err err;

	if ((err = one_spot(w, r->path, &spot)) != OK)
		return err;
	if (spot.object == NULL)
		return patch_misfit(w, "the whole record cannot be replaced by "
		    "a patch; that is a PUT");
	if ((err = choose_row(w, parent_of(spot.row), (struct str){
	    spot.row->name, spot.row->base_len }, &b, &row)) != OK ||
	    (err = assemble(w, row, r->d, &b)) != OK)
		return err;
	if (spot.index != SIZE_MAX) {
		list_insert(w->f, spot.object, row, spot.index, &b);
		spot.index++;
		remove_spot(w->f, &spot);
		return OK;
	}
	if (row != spot.row)
		remove_spot(w->f, &spot);
	set_single(w->f, spot.object, row, &b);
	return OK;
}

static enum err
do_move(struct patch_work *w, const struct request *r)
{
	struct brought moved;
	struct spot list;
	enum err err;

	if ((err = whole_list(w, r->path, &list)) != OK)
		return err;
	if (r->source >= list.index || r->destination >= list.index)
		return patch_misfit(w, "source and destination must be below "
		    "%zu, the length of the list", list.index);
	if (r->source == r->destination)
		return OK;
	moved = list_take(w->f, list.object, list.row, (size_t)r->source);
	list_insert(w->f, list.object, list.row, (size_t)r->destination,
	    &moved);
	return OK;
}

/* --- reading an operation ------------------------------------------------- */

enum part { PART_TYPE, PART_PATH, PART_NAME, PART_VALUE, PART_INDEX,
	PART_SOURCE, PART_DESTINATION, PART__MAX };

#define BIT(part)	(1U << (part))

static const char *const part_names[PART__MAX] = { "type", "path", "name",
	"value", "index", "source", "destination" };

/* clang-format off */
static const struct {
	const char	*name;
	unsigned	 parts;		/* that it needs besides type and path */
	enum err	(*run)(struct patch_work *w, const struct request *r);
} operations[] = {
	{ "add",	BIT(PART_NAME) | BIT(PART_VALUE),	  do_add },
	{ "insert",	BIT(PART_INDEX) | BIT(PART_VALUE),	  do_insert },
	{ "delete",	0,					  do_delete },
	{ "replace",	BIT(PART_VALUE),			  do_replace },
	{ "move",	BIT(PART_SOURCE) | BIT(PART_DESTINATION), do_move },
};
/* clang-format on */

#define NOPERATIONS	(sizeof(operations) / sizeof(operations[0]))

static enum part
part_named(const struct jdoc *d, uint32_t name)
{
	enum part part = PART_TYPE;

	while (part < PART__MAX && (name == 0 ||
	    !jdoc_is(d, name, str_of(part_names[part]))))
		part++;
	return part;
}

/* The value[x] of a part. */
static uint32_t
value_of(struct patch_work *w, const struct jdoc *d, uint32_t part)
{
	for (uint32_t i = jdoc_first(d, part); i != 0;
	    i = jdoc_next(d, part, i))
		if (str_starts(name_at(w, d, i), STR("value")))
			return jdoc_value(d, i);
	return 0;
}

static enum err
take_text(struct patch_work *w, struct request *r, uint32_t part,
    const char *name, struct str *out)
{
	uint32_t node = value_of(w, r->d, part);

	if (node == 0 || jdoc_type(r->d, node) != JDOC_STRING)
		return patch_malformed(w, "%s must be a string", name);
	*out = name_at(w, r->d, node);
	return OK;
}

static enum err
take_number(struct patch_work *w, struct request *r, uint32_t part,
    const char *name, uint64_t *out)
{
	uint32_t node = value_of(w, r->d, part);

	if (node == 0 || jdoc_type(r->d, node) != JDOC_NUMBER ||
	    !str_u64(jdoc_raw(r->d, node), UINT32_MAX, out))
		return patch_malformed(w, "%s must be a whole number from 0",
		    name);
	return OK;
}

static enum err
take_part(struct patch_work *w, struct request *r, uint32_t node,
    unsigned *seen)
{
	enum part part = part_named(r->d, jdoc_get(r->d, node, STR("name")));

	if (part == PART__MAX)
		return patch_malformed(w, "an operation has the parts type, "
		    "path, name, value, index, source, destination");
	if (*seen & BIT(part))
		return patch_malformed(w, "%s is given twice",
		    part_names[part]);
	*seen |= BIT(part);
	switch (part) {
	case PART_TYPE:
		return take_text(w, r, node, "type", &r->type);
	case PART_PATH:
		return take_text(w, r, node, "path", &r->path);
	case PART_NAME:
		return take_text(w, r, node, "name", &r->name);
	case PART_INDEX:
		return take_number(w, r, node, "index", &r->index);
	case PART_SOURCE:
		return take_number(w, r, node, "source", &r->source);
	case PART_DESTINATION:
		return take_number(w, r, node, "destination",
		    &r->destination);
	default:
		r->value = node;
		return OK;
	}
}

static enum err
run_request(struct patch_work *w, const struct request *r, unsigned seen)
{
	unsigned need = BIT(PART_TYPE) | BIT(PART_PATH);
	size_t which = 0;

	while (which < NOPERATIONS &&
	    !str_eqz(r->type, operations[which].name))
		which++;
	if (which == NOPERATIONS && (seen & BIT(PART_TYPE)))
		return patch_malformed(w, "\"%.*s\" is no operation: add, "
		    "insert, delete, replace or move", STR_ARGS(r->type));
	if (which < NOPERATIONS)
		need |= operations[which].parts;
	for (enum part part = PART_TYPE; part < PART__MAX; part++)
		if (need & ~seen & BIT(part))
			return patch_malformed(w, "the operation needs the "
			    "part \"%s\"", part_names[part]);
	return operations[which].run(w, r);
}

static enum err
run_one(struct patch_work *w, const struct jdoc *d, uint32_t node)
{
	struct request r = { .d = d };
	uint32_t name = jdoc_get(d, node, STR("name"));
	uint32_t parts = jdoc_get(d, node, STR("part"));
	unsigned seen = 0;
	enum err err;

	if (name == 0 || !jdoc_is(d, name, STR("operation")))
		return patch_malformed(w, "the parameters of a patch are "
		    "called \"operation\"");
	for (uint32_t i = parts == 0 ? 0 : jdoc_first(d, parts); i != 0;
	    i = jdoc_next(d, parts, i))
		if ((err = take_part(w, &r, i, &seen)) != OK)
			return err;
	return run_request(w, &r, seen);
}

enum err
patch_fhirpath(struct patch_work *w, const struct patch *patch)
{
	const struct jdoc *d = patch->doc;
	uint32_t list = jdoc_get(d, patch->node, STR("parameter"));
	size_t n = 0;
	enum err err;

	for (uint32_t i = list == 0 ? 0 : jdoc_first(d, list); i != 0;
	    i = jdoc_next(d, list, i), n++) {
		w->at = arena_printf(w->ctx->arena,
		    "Parameters.parameter[%zu]", n);
		if (n == PATCH_OPERATIONS_MAX)
			return fail_at(w->ctx, ERR_TOO_LARGE, w->at, "a patch "
			    "may have %d operations", PATCH_OPERATIONS_MAX);
		if ((err = run_one(w, d, i)) != OK)
			return err;
	}
	return OK;
}
