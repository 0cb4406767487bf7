/* Copying part of a record: what _summary and _elements leave of it. */

#include "fhir/subset.h"

#include "base/buf.h"
#include "fhir/record.h"
#include "fhir/structure.h"
#include "fhir/suggest.h"

#define NITEMS(a)	(sizeof(a) / sizeof((a)[0]))

/* R4 search.html#elements, http.html#subsetted */
#define SUBSETTED							\
	"{\"system\":\"http://terminology.hl7.org/CodeSystem/"		\
	"v3-ObservationValue\",\"code\":\"SUBSETTED\"}"

/* --- parameters ----------------------------------------------------------- */

/* clang-format off */
static const struct {
	const char		*value;
	enum subset_kind	 kind;
} summaries[] = {
{ "true",	SUBSET_SUMMARY },
{ "text",	SUBSET_TEXT },
{ "data",	SUBSET_DATA },
{ "count",	SUBSET_COUNT },
{ "false",	SUBSET_WHOLE },
};
/* clang-format on */

static bool
take_summary(struct str value, struct subset *subset)
{
	size_t i;

	for (i = 0; i < NITEMS(summaries); i++)
		if (str_eqz(value, summaries[i].value)) {
			subset->kind = summaries[i].kind;
			subset->summed = true;
			return true;
		}
	return false;
}

/* Of value[x] the base, also of one of its types: R4 names it by its base. */
static bool
is_named(const struct r4_element *row, struct str name)
{
	if (str_ends(name, STR("[x]")))
		return name.n - 3 == row->base_len &&
		    row->base_len < row->name_len &&
		    memcmp(name.p, row->name, row->base_len) == 0;
	return (name.n == row->name_len || name.n == row->base_len) &&
	    memcmp(name.p, row->name, name.n) == 0;
}

static bool
has_element(const struct r4_type *type, struct str name)
{
	const struct r4_structure *s = &r4_structures[type->structure];
	size_t i;

	if (str_eqz(name, "resourceType"))
		return true;
	for (i = 0; i < s->count; i++)
		if (is_named(&s->elements[i], name))
			return true;
	return false;
}

/* "Patient.name" is "name" where Patients are asked for. */
static struct str
without_type(const struct r4_type *type, struct str name)
{
	struct str rest = name;

	if (str_eqz(str_cut(&rest, '.'), type->name) && rest.n > 0)
		return rest;
	return name;
}

static struct str
unknown_element(struct ctx *ctx, const struct r4_type *type, struct str name)
{
	const char *near = suggest_element(&r4_structures[type->structure],
	    name);

	if (str_has(name, '.'))
		return arena_printf(ctx->arena, "Search parameter '_elements' "
		    "takes elements of the record itself, not '%.*s'",
		    STR_ARGS(name));
	return arena_printf(ctx->arena, "Search parameter '_elements': %s has "
	    "no element '%.*s'%s%s%s", type->name, STR_ARGS(name),
	    near == NULL ? "" : "; did you mean '", near == NULL ? "" : near,
	    near == NULL ? "" : "'?");
}

static enum err
take_elements(struct ctx *ctx, const struct r4_type *const *types, size_t n,
    struct str value, struct subset *subset, struct str *wrong)
{
	struct str rest = value, name;
	size_t i, room = 1;

	for (i = 0; i < value.n; i++)
		room += value.p[i] == ',';
	subset->names = arena_array(ctx->arena, room, sizeof(*subset->names));
	subset->n = 0;
	while (rest.p != NULL) {
		name = str_trim(str_cut(&rest, ','));
		for (i = 0; i < n; i++)
			if (has_element(types[i], without_type(types[i],
			    name)))
				break;
		if (i == n) {
			*wrong = unknown_element(ctx, types[0],
			    without_type(types[0], name));
			return ERR_INVALID_REQUEST;
		}
		subset->names[subset->n++] = name;
	}
	return OK;
}

static bool
is_both(const struct subset *subset)
{
	return subset->names != NULL && subset->kind != SUBSET_WHOLE &&
	    subset->kind != SUBSET_COUNT;
}

enum err
subset_take(struct ctx *ctx, const struct r4_type *const *types, size_t n,
    const struct http_param *param, struct subset *subset, struct str *wrong)
{
	bool summary = str_eqz(param->name, "_summary");
	struct subset taken = *subset;
	enum err err = OK;

	if (summary ? subset->summed : subset->names != NULL) {
		*wrong = arena_printf(ctx->arena, "Search parameter '%.*s' "
		    "may be given once", STR_ARGS(param->name));
		return ERR_INVALID_REQUEST;
	}
	if (!summary)
		err = take_elements(ctx, types, n, param->value, &taken,
		    wrong);
	else if (!take_summary(param->value, &taken)) {
		*wrong = STR("Search parameter '_summary' must be true, text, "
		    "data, count or false");
		err = ERR_INVALID_PARAMETER;
	}
	if (err == OK && is_both(&taken)) {
		*wrong = STR("Search parameters '_summary' and '_elements' "
		    "cannot be combined");
		err = ERR_INVALID_REQUEST;
	}
	if (err == OK)
		*subset = taken;
	return err;
}

enum err
subset_of(struct ctx *ctx, const struct r4_type *const *types, size_t n,
    const struct http_params *params, bool lenient, struct subset *out)
{
	struct str wrong;
	size_t i;
	enum err err;

	*out = (struct subset){ .kind = SUBSET_WHOLE };
	for (i = 0; i < params->n; i++) {
		const struct http_param *param = &params->v[i];

		if (!str_eqz(param->name, "_summary") &&
		    !str_eqz(param->name, "_elements"))
			continue;
		err = subset_take(ctx, types, n, param, out, &wrong);
		if (err != OK && !lenient)
			return fail_at(ctx, err, param->name, "%.*s",
			    STR_ARGS(wrong));
	}
	return OK;
}

/* --- the copy ------------------------------------------------------------- */

struct copy {
	const struct subset	*subset;
	const struct jdoc	*d;
	struct buf		 b;
	bool			 tagged;
};

/* The longest name of an R4 element has 36 bytes. */
#define NAME_MAX_BYTES	64

/* A member's name; room is for one that is written with escapes. */
static struct str
name_of(const struct jdoc *d, uint32_t name, char room[NAME_MAX_BYTES])
{
	struct str raw = jdoc_raw(d, name);

	if (!d->nodes[name].escaped || raw.n > NAME_MAX_BYTES)
		return raw;
	return (struct str){ room, jdoc_decode(d, name, room) };
}

static struct str
without_underscore(struct str name)
{
	return str_starts(name, STR("_")) ? str_from(name, 1) : name;
}

/* What no client may be without: the frame, and what changes the meaning of
 * the rest. */
static bool
is_always_shown(struct str name)
{
	static const char *const names[] = { "resourceType", "id", "meta",
		"implicitRules", "modifierExtension" };
	size_t i;

	for (i = 0; i < NITEMS(names); i++)
		if (str_eqz(name, names[i]))
			return true;
	return false;
}

static bool
is_asked(const struct subset *subset, const struct r4_type *type,
    const struct r4_element *row)
{
	size_t i;

	for (i = 0; i < subset->n; i++)
		if (is_named(row, without_type(type, subset->names[i])))
			return true;
	return false;
}

static bool
is_shown(const struct subset *subset, const struct r4_type *type,
    const struct r4_element *row)
{
	bool text = strcmp(row->name, "text") == 0;

	switch (subset->kind) {
	case SUBSET_SUMMARY:
		return row->summary || row->min > 0;
	case SUBSET_TEXT:
		return text || row->min > 0;
	case SUBSET_DATA:
		return !text;
	default:
		return row->min > 0 || is_asked(subset, type, row);
	}
}

static void	add_value(struct copy *c, const struct r4_element *row,
		    uint32_t node);

/* The name, with the colon and the blanks that stand before its value. */
static void
add_name(struct copy *c, uint32_t name)
{
	struct str key = jdoc_source(c->d, name);
	struct str value = jdoc_source(c->d, jdoc_value(c->d, name));

	if (c->b.p[c->b.n - 1] != '{')
		buf_addc(&c->b, ',');
	buf_add(&c->b, (struct str){ key.p, (size_t)(value.p - key.p) });
}

/* A member and what is shown of its value; nothing when that is nothing. */
static void
add_member(struct copy *c, const struct r4_element *row, uint32_t name)
{
	size_t before = c->b.n, begin;

	add_name(c, name);
	begin = c->b.n;
	add_value(c, row, jdoc_value(c->d, name));
	if (c->b.n == begin)
		c->b.n = before;
}

/* Inside an element a summary has what is marked there, too. What "_birthDate"
 * holds goes with birthDate: lists of both must be as long. */
static void
add_object(struct copy *c, const struct r4_structure *s, uint32_t object)
{
	size_t before = c->b.n;
	const struct r4_element *row;
	char room[NAME_MAX_BYTES];
	uint32_t name;

	buf_addc(&c->b, '{');
	for (name = jdoc_first(c->d, object); name != 0;
	    name = jdoc_next(c->d, object, name)) {
		struct str key = name_of(c->d, name, room);

		row = r4_element_named(s, without_underscore(key));
		if (row == NULL || (!row->summary && row->min == 0))
			continue;
		add_member(c, str_starts(key, STR("_")) ? NULL : row, name);
	}
	if (c->b.n == before + 1)
		c->b.n = before;
	else
		buf_addc(&c->b, '}');
}

static void
add_array(struct copy *c, const struct r4_element *row, uint32_t array)
{
	size_t before = c->b.n, end, begin;
	uint32_t i;

	buf_addc(&c->b, '[');
	for (i = jdoc_first(c->d, array); i != 0;
	    i = jdoc_next(c->d, array, i)) {
		end = c->b.n;
		if (end > before + 1)
			buf_addc(&c->b, ',');
		begin = c->b.n;
		add_value(c, row, i);
		if (c->b.n == begin)
			c->b.n = end;
	}
	if (c->b.n == before + 1)
		c->b.n = before;
	else
		buf_addc(&c->b, ']');
}

/* row NULL: all of it. An extension is shown whole or not at all. */
static void
add_value(struct copy *c, const struct r4_element *row, uint32_t node)
{
	const struct r4_structure *s = row == NULL ||
	    row->kind != R4_COMPLEX ? NULL : &r4_structures[row->type];

	if (s == NULL || s->rule == R4_RULE_EXTENSION)
		buf_add(&c->b, jdoc_source(c->d, node));
	else if (jdoc_type(c->d, node) == JDOC_ARRAY)
		add_array(c, row, node);
	else if (jdoc_type(c->d, node) == JDOC_OBJECT)
		add_object(c, s, node);
	else
		buf_add(&c->b, jdoc_source(c->d, node));
}

/* The record's meta with one tag more. */
static void
add_meta(struct copy *c, uint32_t name)
{
	uint32_t meta = jdoc_value(c->d, name);
	uint32_t tags = jdoc_get(c->d, meta, STR("tag"));
	struct str source = jdoc_source(c->d, meta), list;
	size_t before;

	c->tagged = true;
	add_name(c, name);
	if (tags == 0 || jdoc_type(c->d, tags) != JDOC_ARRAY) {
		buf_add(&c->b, (struct str){ source.p, source.n - 1 });
		buf_addz(&c->b, ",\"tag\":[" SUBSETTED "]}");
		return;
	}
	list = jdoc_source(c->d, tags);
	before = (size_t)(list.p - source.p) + list.n - 1;
	buf_add(&c->b, (struct str){ source.p, before });
	buf_addz(&c->b, jdoc_first(c->d, tags) == 0 ? SUBSETTED :
	    "," SUBSETTED);
	buf_add(&c->b, str_from(source, before));
}

static void
add_root_member(struct copy *c, const struct r4_type *type, uint32_t name)
{
	char room[NAME_MAX_BYTES];
	struct str key = name_of(c->d, name, room);
	struct str bare = without_underscore(key);
	const struct r4_element *row = r4_element_named(
	    &r4_structures[type->structure], bare);

	if (str_eqz(key, "meta"))
		add_meta(c, name);
	else if (is_always_shown(bare))
		add_member(c, NULL, name);
	else if (row != NULL && is_shown(c->subset, type, row))
		add_member(c, c->subset->kind == SUBSET_SUMMARY &&
		    bare.n == key.n ? row : NULL, name);
}

static struct str
copy_record(struct ctx *ctx, const struct subset *subset,
    const struct jdoc *d, const struct r4_type *type)
{
	struct copy c = { .subset = subset, .d = d, .b = buf_new(ctx->arena,
	    d->text.n + sizeof(SUBSETTED) + 32) };
	uint32_t name;

	buf_addc(&c.b, '{');
	for (name = jdoc_first(d, 0); name != 0; name = jdoc_next(d, 0, name))
		add_root_member(&c, type, name);
	buf_addz(&c.b, c.tagged ? "}" : ",\"meta\":{\"tag\":[" SUBSETTED
	    "]}}");
	return buf_str(&c.b);
}

void
subset_records(struct ctx *ctx, const struct subset *subset,
    struct record *records, size_t n)
{
	struct record_doc doc = { .room = 0 };
	size_t i;

	if (subset->kind == SUBSET_WHOLE && subset->names == NULL)
		return;
	for (i = 0; i < n; i++)
		if (records[i].body.n > 0)
			records[i].body = copy_record(ctx, subset,
			    record_parse_next(ctx->arena, records[i].body,
			    &doc), records[i].type);
}
