/* Finding code systems and value sets, and reading what they say. */

#include "fhir/terms.h"

#include <stdlib.h>

#include "base/buf.h"
#include "fhir/record.h"
#include "fhir/search.h"

static const size_t none = 0;

static const struct {
	const char		*type;
	const struct r4_term	*own;
	const size_t		*count;
} kinds[] = {
	[TERM_CODE_SYSTEM] = { "CodeSystem", r4_code_systems,
	    &r4_code_systems_count },
	[TERM_VALUE_SET] = { "ValueSet", r4_value_sets,
	    &r4_value_sets_count },
	[TERM_STRUCTURE] = { "StructureDefinition", NULL, &none },
};

/* --- members -------------------------------------------------------------- */

struct str
term_string(struct ctx *ctx, const struct jdoc *d, uint32_t node)
{
	struct str raw = jdoc_raw(d, node);
	char *out;

	if (!d->nodes[node].escaped)
		return raw;
	out = arena_alloc(ctx->arena, raw.n);
	return (struct str){ out, jdoc_decode(d, node, out) };
}

struct str
term_text(struct ctx *ctx, const struct jdoc *d, uint32_t object,
    const char *name)
{
	uint32_t node = jdoc_get(d, object, str_of(name));

	return node == 0 || jdoc_type(d, node) != JDOC_STRING ? STR("") :
	    term_string(ctx, d, node);
}

uint32_t
term_first(const struct jdoc *d, uint32_t object, const char *name)
{
	uint32_t node = jdoc_get(d, object, str_of(name));

	return node != 0 && jdoc_type(d, node) == JDOC_ARRAY ?
	    jdoc_first(d, node) : 0;
}

struct term
term_of(struct ctx *ctx, const struct jdoc *d, uint32_t node)
{
	return (struct term){ d, node, term_text(ctx, d, node, "url"),
	    term_text(ctx, d, node, "version"),
	    term_text(ctx, d, node, "name") };
}

/* --- finding -------------------------------------------------------------- */

static const struct r4_term *
own_named(enum term_kind kind, struct str url)
{
	size_t low = 0, high = *kinds[kind].count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct r4_term *own = &kinds[kind].own[middle];
		int order = str_cmp(url, str_of(own->url));

		if (order == 0)
			return own;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

/* A search value: what it would read as separators is plain. */
static struct str
escaped(struct arena *arena, struct str text)
{
	struct buf b = buf_new(arena, text.n + 8);

	for (size_t i = 0; i < text.n; i++) {
		if (strchr("\\,|$", text.p[i]) != NULL)
			buf_addc(&b, '\\');
		buf_addc(&b, text.p[i]);
	}
	return buf_str(&b);
}

/* The tenant's, by its own search: the one that was changed last. */
static enum err
find_stored(struct ctx *ctx, enum term_kind kind, struct str url,
    struct str version, struct term *out)
{
	struct http_param v[] = {
		{ STR("url"), escaped(ctx->arena, url) },
		{ STR("_sort"), STR("-_lastUpdated") },
		{ STR("_count"), STR("1") },
		{ STR("version"), escaped(ctx->arena, version) },
	};
	struct http_params params = { v, version.n > 0 ? 4 : 3 };
	struct search_page page;
	struct search *search;
	enum err err;

	if ((err = search_parse(ctx, r4_type_named(str_of(kinds[kind].type)),
	    &params, false, &search)) != OK ||
	    (err = search_run(ctx, search, &page)) != OK)
		return err;
	if (page.n == 0)
		return ERR_NOT_FOUND;
	*out = term_of(ctx, record_parse(ctx->arena, page.records[0].body), 0);
	return OK;
}

enum err
term_find(struct ctx *ctx, enum term_kind kind, struct str canonical,
    struct term *out)
{
	struct str version = canonical, url = str_cut(&version, '|');
	const struct r4_term *own;
	enum err err = ERR_NOT_FOUND;

	*out = (struct term){ NULL, 0, STR_NONE, STR_NONE, STR_NONE };
	if (url.n == 0)
		return ERR_NOT_FOUND;
	if (ctx->pg != NULL)
		err = find_stored(ctx, kind, url, version, out);
	if (err != ERR_NOT_FOUND)
		return err;
	own = own_named(kind, url);
	if (own == NULL || (version.n > 0 && !str_eqz(version, own->version)))
		return ERR_NOT_FOUND;
	*out = term_of(ctx, record_parse(ctx->arena, str_of(own->json)), 0);
	return OK;
}

/* --- concepts ------------------------------------------------------------- */

static size_t
count_concepts(const struct jdoc *d, uint32_t object)
{
	uint32_t list = jdoc_get(d, object, STR("concept"));
	size_t n = 0;

	for (uint32_t i = term_first(d, object, "concept"); i != 0;
	    i = jdoc_next(d, list, i))
		n += 1 + count_concepts(d, i);
	return n;
}

/* The value[x] of a property, whatever its type: of a Coding its code. */
static struct str
property_value(struct ctx *ctx, const struct jdoc *d, uint32_t property)
{
	for (uint32_t i = jdoc_first(d, property); i != 0;
	    i = jdoc_next(d, property, i)) {
		uint32_t value = jdoc_value(d, i);

		if (!str_starts(jdoc_raw(d, i), STR("value")))
			continue;
		if (jdoc_type(d, value) == JDOC_OBJECT)
			return term_text(ctx, d, value, "code");
		return jdoc_type(d, value) == JDOC_STRING ? term_text(ctx, d,
		    property, arena_z(ctx->arena, jdoc_raw(d, i))) :
		    jdoc_raw(d, value);
	}
	return STR("");
}

static bool
has_property(struct ctx *ctx, const struct concepts *c,
    const struct concept *concept, struct str code, struct str value)
{
	const struct jdoc *d = c->system.d;
	uint32_t list = jdoc_get(d, concept->node, STR("property"));

	for (uint32_t i = term_first(d, concept->node, "property"); i != 0;
	    i = jdoc_next(d, list, i))
		if (str_eq(term_text(ctx, d, i, "code"), code) &&
		    str_eq(property_value(ctx, d, i), value))
			return true;
	return false;
}

/* R4 codesystem-concept-properties.html; "status" as HL7's v3 tables have it */
static bool
is_inactive(struct ctx *ctx, const struct concepts *c,
    const struct concept *concept)
{
	return has_property(ctx, c, concept, STR("inactive"), STR("true")) ||
	    has_property(ctx, c, concept, STR("status"), STR("retired")) ||
	    has_property(ctx, c, concept, STR("status"), STR("inactive"));
}

static void
add_concepts(struct ctx *ctx, struct concepts *c, uint32_t object, size_t up)
{
	const struct jdoc *d = c->system.d;
	uint32_t list = jdoc_get(d, object, STR("concept"));

	for (uint32_t i = term_first(d, object, "concept"); i != 0;
	    i = jdoc_next(d, list, i)) {
		struct concept *concept = &c->v[c->n++];

		*concept = (struct concept){ term_text(ctx, d, i, "code"),
		    term_text(ctx, d, i, "display"), i, up, false };
		concept->inactive = is_inactive(ctx, c, concept);
		add_concepts(ctx, c, i, c->n);
	}
}

static int
by_code(const void *a, const void *b)
{
	const struct concept_place *x = a, *y = b;

	return str_cmp(x->code, y->code);
}

void
concepts_read(struct ctx *ctx, const struct term *system,
    struct concepts *out)
{
	size_t n = count_concepts(system->d, system->node);

	*out = (struct concepts){ .system = *system };
	out->v = arena_array(ctx->arena, n, sizeof(*out->v));
	out->complete = str_eqz(term_text(ctx, system->d, system->node,
	    "content"), "complete");
	add_concepts(ctx, out, system->node, 0);
	out->places = arena_array(ctx->arena, n, sizeof(*out->places));
	for (size_t i = 0; i < n; i++)
		out->places[i] = (struct concept_place){ out->v[i].code, i };
	if (n > 0)
		qsort(out->places, n, sizeof(*out->places), by_code);
}

const struct concept *
concept_named(const struct concepts *c, struct str code)
{
	struct concept_place wanted = { code, 0 };
	const struct concept_place *place = c->n == 0 ? NULL :
	    bsearch(&wanted, c->places, c->n, sizeof(wanted), by_code);

	return place == NULL ? NULL : &c->v[place->i];
}

/* --- filters -------------------------------------------------------------- */

static bool
is_marked(const struct concepts *c, const bool *marked, struct str code)
{
	const struct concept *concept = concept_named(c, code);

	return concept != NULL && marked[concept - c->v];
}

static bool
mark(const struct concepts *c, bool *marked, struct str code)
{
	const struct concept *concept = concept_named(c, code);

	if (concept == NULL || marked[concept - c->v])
		return false;
	return marked[concept - c->v] = true;
}

/* What a concept's properties say of its neighbours in the hierarchy. */
static bool
mark_by_properties(struct ctx *ctx, const struct concepts *c, size_t at,
    bool *marked)
{
	const struct jdoc *d = c->system.d;
	uint32_t object = c->v[at].node;
	uint32_t list = jdoc_get(d, object, STR("property"));
	bool more = false;

	for (uint32_t i = term_first(d, object, "property"); i != 0;
	    i = jdoc_next(d, list, i)) {
		struct str code = term_text(ctx, d, i, "code");

		if (str_eqz(code, "child"))
			more |= marked[at] && mark(c, marked,
			    property_value(ctx, d, i));
		else if (!marked[at] && (str_eqz(code, "parent") ||
		    str_eqz(code, "subsumedBy")) && is_marked(c, marked,
		    property_value(ctx, d, i)))
			more = marked[at] = true;
	}
	return more;
}

/* Mark what is nested in a marked one or says that it is below one. */
static bool
mark_children(struct ctx *ctx, const struct concepts *c, bool *marked)
{
	bool more = false;

	for (size_t i = 0; i < c->n; i++) {
		if (!marked[i] && c->v[i].up != 0 && marked[c->v[i].up - 1])
			more = marked[i] = true;
		more |= mark_by_properties(ctx, c, i, marked);
	}
	return more;
}

static void
select_below(struct ctx *ctx, const struct concepts *c, struct str code,
    bool itself, bool *selected)
{
	size_t top = c->n;

	for (size_t i = 0; i < c->n; i++)
		if (str_eq(c->v[i].code, code))
			selected[top = i] = true;
	while (mark_children(ctx, c, selected))
		;
	if (top < c->n)
		selected[top] = itself;
}

/* Property `code`, `concept` and `display` are of every concept. */
static bool
is_equal(struct ctx *ctx, const struct concepts *c,
    const struct concept *concept, struct str property, struct str value)
{
	if (str_eqz(property, "concept") || str_eqz(property, "code"))
		return str_eq(concept->code, value);
	if (str_eqz(property, "display"))
		return str_eq(concept->display, value);
	if (str_eqz(property, "parent") && concept->up != 0 &&
	    str_eq(c->v[concept->up - 1].code, value))
		return true;
	return has_property(ctx, c, concept, property, value);
}

static bool
is_one_of(struct ctx *ctx, const struct concepts *c,
    const struct concept *concept, struct str property, struct str values)
{
	while (values.p != NULL)
		if (is_equal(ctx, c, concept, property,
		    str_trim(str_cut(&values, ','))))
			return true;
	return false;
}

static enum err
fail_filter(struct ctx *ctx, struct str property, struct str op)
{
	return fail_as(ctx, ERR_VALIDATION, "not-supported", STR(
	    "ValueSet.compose.include.filter"), "the filter \"%.*s %.*s\" is "
	    "not done here; =, in, not-in, is-a, descendent-of and is-not-a "
	    "are", STR_ARGS(property), STR_ARGS(op));
}

enum err
concepts_filter(struct ctx *ctx, const struct concepts *c,
    const struct jdoc *d, uint32_t filter, bool *selected)
{
	struct str property = term_text(ctx, d, filter, "property");
	struct str op = term_text(ctx, d, filter, "op");
	struct str value = term_text(ctx, d, filter, "value");
	bool not_in = str_eqz(op, "not-in"), one = str_eqz(op, "=");
	bool hierarchy = str_eqz(op, "is-a") ||
	    str_eqz(op, "descendent-of") || str_eqz(op, "is-not-a");

	if (hierarchy && !str_eqz(property, "concept") &&
	    !str_eqz(property, "code"))
		return fail_filter(ctx, property, op);
	if (!hierarchy && !one && !not_in && !str_eqz(op, "in"))
		return fail_filter(ctx, property, op);
	memset(selected, 0, c->n * sizeof(*selected));
	if (hierarchy)
		select_below(ctx, c, value, !str_eqz(op, "descendent-of"),
		    selected);
	for (size_t i = 0; i < c->n; i++)
		if (str_eqz(op, "is-not-a"))
			selected[i] = !selected[i];
		else if (!hierarchy)
			selected[i] = not_in != (one ? is_equal(ctx, c,
			    &c->v[i], property, value) : is_one_of(ctx, c,
			    &c->v[i], property, value));
	return OK;
}
