/*
 * Validation of single values: JSON type and form of a primitive, and the
 * codes of required bindings.
 */

#include "base/buf.h"
#include "fhir/primitive.h"
#include "fhir/walk.h"

#define CODES_SHOWN	12	/* longer lists name the value set only */

static bool
codes_have(const struct r4_codes *codes, struct str code)
{
	size_t low = 0, high = codes->count, middle;
	int order;

	while (low < high) {
		middle = low + (high - low) / 2;
		order = str_cmp(code, str_of(codes->codes[middle]));
		if (order == 0)
			return true;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return false;
}

static bool
binding_has_code(const struct r4_binding *binding, struct str code)
{
	for (size_t i = 0; i < binding->count; i++)
		if (codes_have(&binding->systems[i], code))
			return true;
	return false;
}

static bool
binding_has_coding(const struct r4_binding *binding, struct str system,
    struct str code)
{
	for (size_t i = 0; i < binding->count; i++)
		if (str_eqz(system, binding->systems[i].system) &&
		    codes_have(&binding->systems[i], code))
			return true;
	return false;
}

/* "must have a code of the required value set URL: a | b | c" */
static void
wrong_code(struct walk *w, const struct place *at,
    const struct r4_binding *binding, const char *what)
{
	const struct r4_codes *codes = &binding->systems[0];
	struct buf list = buf_new(w->ctx->arena, 0);

	if (binding->count == 1 && codes->count <= CODES_SHOWN)
		for (size_t i = 0; i < codes->count; i++)
			buf_addf(&list, "%s%s", i == 0 ? ": " : " | ",
			    codes->codes[i]);
	walk_problem(w, at, BAD_CODE,
	    "must have %s of the required value set %s%.*s",
	    what, binding->value_set, STR_ARGS(buf_str(&list)));
}

/* A "#id" in a canonical or URI keeps a contained resource in use, and so does
 * a "#" inside of it (dom-3). */
static void
note_fragment(struct walk *w, enum r4_primitive type, struct str text)
{
	struct contained *contained;
	bool uri = type == PRIM_URI || type == PRIM_URL ||
	    type == PRIM_CANONICAL;

	if (!uri || w->ncontained == 0 || text.n == 0 || text.p[0] != '#')
		return;
	contained = text.n == 1 ? w->current :
	    reference_find(w, str_from(text, 1));
	if (contained != NULL)
		contained->used = true;
}

static void
check_text(struct walk *w, const struct place *at,
    const struct r4_element *row, struct str text)
{
	enum r4_primitive type = row->type;

	if (text.n == 0) {
		walk_problem(w, at, BAD_VALUE,
		    "is empty; leave the member out instead");
		return;
	}
	if (!primitive_valid(type, text)) {
		const char *why = type == PRIM_XHTML ? xhtml_problem(text) :
		    NULL;

		walk_problem(w, at, BAD_VALUE,
		    "must be %s%s%s", primitive_form(type),
		    why == NULL ? "" : "; there is ", why == NULL ? "" : why);
		return;
	}
	if (row->binding != 0 &&
	    !binding_has_code(&r4_bindings[row->binding], text))
		wrong_code(w, at, &r4_bindings[row->binding], "a code");
	note_fragment(w, type, text);
}

/* Plain text need not be decoded to see that it is neither empty nor long. */
static bool
must_decode(const struct walk *w, const struct r4_element *row, uint32_t node)
{
	return primitive_has_form(row->type) ||
	    jdoc_raw(w->d, node).n > PRIMITIVE_STRING_MAX;
}

void
value_check(struct walk *w, const struct place *at,
    const struct r4_element *row, uint32_t node)
{
	enum jdoc_type want = primitive_json(row->type);
	enum jdoc_type have = jdoc_type(w->d, node);

	if (have == JDOC_FALSE)
		have = JDOC_TRUE;
	if (have != want) {
		walk_problem(w, at, BAD_SHAPE, "must be %s (%s), not %s",
		    walk_json_name(want), primitive_form(row->type),
		    walk_json(w, node));
		return;
	}
	if (want == JDOC_STRING)
		check_text(w, at, row, must_decode(w, row, node) ?
		    walk_text(w, node) : jdoc_raw(w->d, node));
	else if (!primitive_valid(row->type, jdoc_raw(w->d, node)))
		walk_problem(w, at, BAD_VALUE,
		    "must be %s", primitive_form(row->type));
}

static bool
coding_is_bound(struct walk *w, const struct r4_binding *binding,
    uint32_t node)
{
	return binding_has_coding(binding,
	    walk_member(w, node, STR("system")),
	    walk_member(w, node, STR("code")));
}

/* A concept whose code is absent for a stated reason has an extension only. */
static bool
says_why_absent(struct walk *w, uint32_t node)
{
	return jdoc_get(w->d, node, STR("extension")) != 0 &&
	    jdoc_get(w->d, node, STR("code")) == 0 &&
	    jdoc_get(w->d, node, STR("coding")) == 0;
}

void
value_check_coding(struct walk *w, const struct place *at,
    const struct r4_binding *binding, uint32_t node)
{
	if (jdoc_type(w->d, node) == JDOC_OBJECT &&
	    !coding_is_bound(w, binding, node) && !says_why_absent(w, node))
		wrong_code(w, at, binding, "a system and code");
}

/* One coding of the value set is enough. R4 terminologies.html#required */
void
value_check_concept(struct walk *w, const struct place *at,
    const struct r4_binding *binding, uint32_t node)
{
	uint32_t list, i;

	if (jdoc_type(w->d, node) != JDOC_OBJECT || says_why_absent(w, node))
		return;
	list = jdoc_get(w->d, node, STR("coding"));
	if (list != 0 && jdoc_type(w->d, list) == JDOC_ARRAY)
		for (i = jdoc_first(w->d, list); i != 0;
		    i = jdoc_next(w->d, list, i))
			if (coding_is_bound(w, binding, i))
				return;
	wrong_code(w, at, binding, "a coding (system and code)");
}
