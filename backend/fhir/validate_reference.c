/*
 * Validation of what points elsewhere: References and contained resources.
 * R4 references.html; the rules ref-1 and dom-2 to dom-5.
 */

#include <stdlib.h>

#include "base/buf.h"
#include "fhir/validate.h"
#include "fhir/walk.h"

static bool
is_letter(char c)
{
	char lower = (char)(c | 0x20);

	return lower >= 'a' && lower <= 'z';
}

/* scheme ":" something. RFC 3986 3.1 */
static bool
is_absolute(struct str s)
{
	size_t i = 0;

	if (s.n == 0 || !is_letter(s.p[0]))
		return false;
	while (i < s.n && (is_letter(s.p[i]) ||
	    str_has(STR("0123456789+-."), s.p[i])))
		i++;
	return i + 1 < s.n && s.p[i] == ':';
}

static bool
has_blank(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ')
			return true;
	return false;
}

/*
 * The type of Type/id or Type/id/_history/version; NULL when s is neither.
 * In a Bundle also Type?criteria. R4 http.html#trules
 */
static const struct r4_type *
relative_type(const struct walk *w, struct str s)
{
	struct str rest = s, type, id, history;

	if (w->in_bundle && str_has(s, '?')) {
		type = str_cut(&rest, '?');
		return rest.n > 0 ? r4_type_named(type) : NULL;
	}
	type = str_cut(&rest, '/');
	if (rest.p == NULL)
		return NULL;
	id = str_cut(&rest, '/');
	if (!fhir_id_valid(id))
		return NULL;
	if (rest.p != NULL) {
		history = str_cut(&rest, '/');
		if (!str_eqz(history, "_history") || !fhir_id_valid(rest))
			return NULL;
	}
	return r4_type_named(type);
}

struct contained *
reference_find(struct walk *w, struct str id)
{
	size_t low = 0, high = w->ncontained, middle;
	int order;

	while (low < high) {
		middle = low + (high - low) / 2;
		order = str_cmp(id, w->contained[middle].id);
		if (order == 0)
			return &w->contained[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

static bool
target_allowed(const struct r4_element *row, const struct r4_type *type)
{
	const int16_t *list = &r4_targets[row->targets];

	if (row->targets == 0)
		return true;
	for (; *list != 0; list++)
		if (*list == type->number)
			return true;
	return false;
}

static void
check_target(struct walk *w, const struct place *at,
    const struct r4_element *row, const struct r4_type *type)
{
	const int16_t *list = &r4_targets[row->targets];
	struct buf names;

	if (target_allowed(row, type))
		return;
	names = buf_new(w->ctx->arena, 0);
	for (; *list != 0; list++)
		buf_addf(&names, "%s%s", names.n == 0 ? "" : ", ",
		    r4_type_numbered(*list)->name);
	walk_problem(w, at, BAD_VALUE,
	    "may not refer to %s, only to %.*s", type->name,
	    STR_ARGS(buf_str(&names)));
}

/* The type that the text points at, NULL when it cannot be known. */
static const struct r4_type *
check_text(struct walk *w, const struct place *at, struct str text)
{
	const struct r4_type *type;
	struct contained *contained;

	if (str_eqz(text, "#") && w->current != NULL) {
		w->current->used = true;
		return NULL;
	}
	if (text.n > 0 && text.p[0] == '#') {
		contained = reference_find(w, str_from(text, 1));
		if (contained == NULL && text.n > 1)
			walk_problem(w, at, BROKEN_RULE,
			    "is not the #id of a contained "
			    "resource (ref-1)");
		if (contained == NULL)
			return NULL;
		contained->used = true;
		return contained->type;
	}
	if (is_absolute(text) && !has_blank(text))
		return NULL;
	type = relative_type(w, text);
	if (type == NULL)
		walk_problem(w, at, BAD_VALUE,
		    "must be Type/id with an R4 resource "
		    "type, an absolute URL, urn:uuid:... or #id");
	return type;
}

/* Reference.type: a resource type, or the URL of a logical model. */
static const struct r4_type *
check_type(struct walk *w, const struct place *at, struct str text)
{
	const struct r4_type *type = r4_type_named(text);

	if (type == NULL && !is_absolute(text))
		walk_problem(w, at, BAD_VALUE,
		    "is not the name of an R4 resource type");
	return type;
}

/* R4 references.html#Reference: or an extension instead. */
static bool
says_something(struct walk *w, uint32_t node)
{
	return jdoc_get(w->d, node, STR("identifier")) != 0 ||
	    jdoc_get(w->d, node, STR("display")) != 0 ||
	    jdoc_get(w->d, node, STR("extension")) != 0 ||
	    jdoc_get(w->d, node, STR("reference")) != 0 ||
	    jdoc_get(w->d, node, STR("_reference")) != 0;
}

void
reference_check(struct walk *w, const struct place *at,
    const struct r4_element *row, uint32_t node)
{
	struct place at_text = { at, STR("reference"), -1 };
	struct place at_type = { at, STR("type"), -1 };
	struct str text = walk_member(w, node, STR("reference"));
	struct str named = walk_member(w, node, STR("type"));
	const struct r4_type *type = NULL, *said = NULL;

	if (text.n == 0 && !says_something(w, node))
		walk_problem(w, at, MISSING,
		    "must have a reference, an identifier or "
		    "a display");
	if (text.n > 0)
		type = check_text(w, &at_text, text);
	if (named.n > 0)
		said = check_type(w, &at_type, named);
	if (type != NULL && said != NULL && type != said)
		walk_problem(w, &at_type, BAD_VALUE,
		    "says %s, but the reference is to "
		    "%s", said->name, type->name);
	if (type == NULL)
		type = said;
	if (type != NULL)
		check_target(w, text.n > 0 ? &at_text : &at_type, row, type);
}

static int
by_id(const void *a, const void *b)
{
	const struct contained *x = a, *y = b;
	int order = str_cmp(x->id, y->id);

	return order != 0 ? order : (x->index > y->index) -
	    (x->index < y->index);
}

/* Room for the elements of the list. */
static struct contained *
contained_room(struct walk *w, uint32_t list)
{
	size_t n = 1;

	for (uint32_t i = jdoc_first(w->d, list); i != 0;
	    i = jdoc_next(w->d, list, i))
		n++;
	return arena_array(w->ctx->arena, n, sizeof(struct contained));
}

static void
list_contained(struct walk *w, const struct place *at, uint32_t node)
{
	struct contained *c = &w->contained[w->ncontained];

	if (jdoc_type(w->d, node) != JDOC_OBJECT)
		return;
	c->id = walk_member(w, node, STR("id"));
	c->type = r4_type_named(walk_member(w, node, STR("resourceType")));
	c->index = at->index;
	if (c->id.n == 0)
		walk_problem(w, at, MISSING,
		    "must have an id, being contained");
	else
		w->ncontained++;
}

void
reference_begin(struct walk *w, const struct place *at, uint32_t resource)
{
	struct place here = { at, STR("contained"), 0 };
	uint32_t list = jdoc_get(w->d, resource, STR("contained")), i;

	w->contained = NULL;
	w->ncontained = 0;
	if (list == 0 || jdoc_type(w->d, list) != JDOC_ARRAY)
		return;
	w->contained = contained_room(w, list);
	for (i = jdoc_first(w->d, list); i != 0 && !walk_full(w);
	    i = jdoc_next(w->d, list, i), here.index++)
		list_contained(w, &here, i);
	qsort(w->contained, w->ncontained, sizeof(*w->contained), by_id);
	for (i = 1; i < w->ncontained; i++) {
		here.index = w->contained[i].index;
		if (str_eq(w->contained[i].id, w->contained[i - 1].id))
			walk_problem(w, &here, BROKEN_RULE,
			    "has the id of another "
			    "contained resource");
	}
}

void
reference_end(struct walk *w, const struct place *at)
{
	struct place here = { at, STR("contained"), 0 };

	for (size_t i = 0; i < w->ncontained && !walk_full(w); i++) {
		here.index = w->contained[i].index;
		if (!w->contained[i].used)
			walk_problem(w, &here, BROKEN_RULE,
			    "must be referred to by its #id "
			    "(dom-3)");
	}
}
