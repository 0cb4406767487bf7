/*
 * A resource against a profile: for each element of the profile the values that
 * the resource has, their number, and each value with the elements below it.
 */

#include "fhir/profile.h"

#include "fhir/profile_walk.h"

/* Profiles of extensions within profiles, and bases of bases. */
#define DEPTH_MAX	16

/* Members and values that are looked at, of all profiles: a second or two. A
 * resource of many values by a profile of many slices would take hours. */
#define STEPS_MAX	UINT64_C(10000000)

#define CORE	"http://hl7.org/fhir/StructureDefinition/"

static void	check_profile(struct checker *c, const struct place *at,
		    struct str canonical, struct value value);
static void	check_children(struct checker *c, const struct profile *p,
		    size_t up, const struct place *at, uint32_t object);

/* --- values --------------------------------------------------------------- */

/* Count steps; true when there were too many, which is told once. */
static bool
spend(struct checker *c, const struct profile *p, size_t steps)
{
	bool before = c->steps > STEPS_MAX;

	c->steps += steps;
	if (c->steps > STEPS_MAX && !before)
		(void)fail_as(c->w.ctx, ERR_VALIDATION, "too-costly",
		    p->type, "checking by the profile %.*s takes too long: "
		    "the rest is not checked", STR_ARGS(p->url));
	return c->steps > STEPS_MAX;
}

static bool
is_over(const struct checker *c)
{
	return walk_full(&c->w) || c->err != OK || c->steps > STEPS_MAX;
}

/* Types that an element may have; a choice of its base may be cut by them. */
static bool
is_allowed_type(struct checker *c, const struct profile *p, size_t element,
    struct str member)
{
	struct str name = p->v[element].name;
	uint32_t node = p->v[element].node, list;

	if (!str_ends(name, STR("[x]")) || node == 0 ||
	    (list = jdoc_get(p->d, node, STR("type"))) == 0)
		return true;
	for (uint32_t i = term_first(p->d, node, "type"); i != 0;
	    i = jdoc_next(p->d, list, i))
		if (str_ieq(str_from(member, name.n - 3), term_text(c->w.ctx,
		    p->d, i, "code")))
			return true;
	return false;
}

static void
check_fixed(struct checker *c, const struct profile *p, size_t element,
    const struct place *at, uint32_t value)
{
	uint32_t fixed = profile_value(p, element, "fixed");
	uint32_t pattern = profile_value(p, element, "pattern");
	uint32_t model = fixed != 0 ? fixed : pattern;
	struct str source;

	if (model == 0 || profile_matches(c->w.ctx, p->d, model, c->w.d,
	    value, fixed == 0))
		return;
	source = jdoc_source(p->d, model);
	walk_problem(&c->w, at, BAD_VALUE, "must %s %.*s (%.*s)",
	    fixed != 0 ? "be" : "have", STR_ARGS(source), STR_ARGS(p->url));
}

/* In characters. R4 elementdefinition.html#maxLength */
static void
check_length(struct checker *c, const struct profile *p, size_t element,
    const struct place *at, uint32_t value)
{
	uint64_t max = profile_number(c->w.ctx, p, element, "maxLength",
	    UINT64_MAX), n = 0;
	struct str text;

	if (max == UINT64_MAX || jdoc_type(c->w.d, value) != JDOC_STRING)
		return;
	text = walk_text(&c->w, value);
	for (size_t i = 0; i < text.n; i++)
		n += (text.p[i] & 0xc0) != 0x80;
	if (n > max)
		walk_problem(&c->w, at, BAD_VALUE, "must have at most %llu "
		    "characters (%.*s)", (unsigned long long)max,
		    STR_ARGS(p->url));
}

/* A literal reference to a record of a type that the profile does not name.
 * Whether the record keeps to a profile of that type is not looked at. */
static void
check_target(struct checker *c, const struct profile *p, uint32_t type,
    const struct place *at, uint32_t value)
{
	struct str rest = walk_member(&c->w, value, STR("reference"));
	struct str target = str_cut(&rest, '/'), url;
	uint32_t list = jdoc_get(p->d, type, STR("targetProfile"));

	if (list == 0 || rest.p == NULL || r4_type_named(target) == NULL)
		return;
	for (uint32_t i = term_first(p->d, type, "targetProfile"); i != 0;
	    i = jdoc_next(p->d, list, i)) {
		url = term_string(c->w.ctx, p->d, i);
		if (!str_starts(url, STR(CORE)))
			return;
		url = str_from(url, sizeof(CORE) - 1);
		if (str_eq(url, target) || r4_type_named(url) == NULL)
			return;
	}
	walk_problem(&c->w, at, BAD_VALUE, "must not refer to a %.*s (%.*s)",
	    STR_ARGS(target), STR_ARGS(p->url));
}

/* What the one type of an element says of its value. */
static void
check_type(struct checker *c, const struct profile *p, size_t element,
    const struct place *at, struct value value)
{
	uint32_t node = p->v[element].node, type, profile;
	struct str code;

	if (node == 0 || (type = term_first(p->d, node, "type")) == 0 ||
	    jdoc_next(p->d, jdoc_get(p->d, node, STR("type")), type) != 0)
		return;
	code = term_text(c->w.ctx, p->d, type, "code");
	if (str_eqz(code, "Reference"))
		check_target(c, p, type, at, value.node);
	profile = term_first(p->d, type, "profile");
	if (profile != 0 && jdoc_next(p->d, jdoc_get(p->d, type,
	    STR("profile")), profile) == 0)
		check_profile(c, at, term_string(c->w.ctx, p->d, profile),
		    value);
}

static void
check_value(struct checker *c, const struct profile *p, size_t element,
    const struct place *at, struct value value)
{
	if (value.node == 0 || jdoc_type(c->w.d, value.node) == JDOC_NULL ||
	    is_over(c))
		return;
	if (!is_allowed_type(c, p, element, value.member)) {
		walk_problem(&c->w, at, BAD_VALUE, "must not be %.*s (%.*s)",
		    STR_ARGS(value.member), STR_ARGS(p->url));
		return;
	}
	check_fixed(c, p, element, at, value.node);
	check_length(c, p, element, at, value.node);
	profile_check_binding(c, p, element, at, value.node);
	check_type(c, p, element, at, value);
	if (jdoc_type(c->w.d, value.node) == JDOC_OBJECT)
		check_children(c, p, element, at, value.node);
}

/* --- the values of an element --------------------------------------------- */

/* A value with its place. */
struct found {
	struct value	 value;
	struct place	 at;
};

struct list {
	struct found	*v;
	size_t		 n;
};

static bool
is_member_of(const struct element *e, struct str member)
{
	struct str name = e->name;

	if (!str_ends(name, STR("[x]")))
		return str_eq(name, member);
	name.n -= 3;
	return member.n > name.n && str_starts(member, name) &&
	    member.p[name.n] >= 'A' && member.p[name.n] <= 'Z';
}

static void
add_values(struct checker *c, struct list *list, struct str member,
    struct str name, const struct place *up, uint32_t node)
{
	const struct jdoc *d = c->w.d;
	struct place at = { up, name, -1 };

	if (jdoc_type(d, node) != JDOC_ARRAY) {
		list->v[list->n++] = (struct found){ { member, node }, at };
		return;
	}
	at.index = 0;
	for (uint32_t i = jdoc_first(d, node); i != 0;
	    i = jdoc_next(d, node, i), at.index++)
		list->v[list->n++] = (struct found){ { member, i }, at };
}

/* The values of element e in the object. One that has extensions alone
 * ("_birthDate") counts, but there is nothing to look at. */
static struct list
values_of(struct checker *c, const struct element *e, const struct place *up,
    uint32_t object)
{
	const struct jdoc *d = c->w.d;
	struct list list = { NULL, 0 };
	struct str name = e->name, member;
	size_t room = 1;

	if (str_ends(name, STR("[x]")))
		name.n -= 3;
	for (uint32_t i = jdoc_first(d, object); i != 0;
	    i = jdoc_next(d, object, i)) {
		uint32_t value = jdoc_value(d, i);

		if (is_member_of(e, jdoc_raw(d, i)))
			room += jdoc_type(d, value) == JDOC_ARRAY ?
			    d->nodes[value].next - value : 1;
	}
	list.v = arena_array(c->w.ctx->arena, room, sizeof(*list.v));
	for (uint32_t i = jdoc_first(d, object); i != 0;
	    i = jdoc_next(d, object, i)) {
		member = jdoc_raw(d, i);
		if (is_member_of(e, member))
			add_values(c, &list, member, name, up,
			    jdoc_value(d, i));
	}
	for (uint32_t i = jdoc_first(d, object); i != 0 && list.n == 0;
	    i = jdoc_next(d, object, i)) {
		member = jdoc_raw(d, i);
		if (member.n > 1 && member.p[0] == '_' &&
		    is_member_of(e, str_from(member, 1)))
			list.v[list.n++] = (struct found){ { member, 0 },
			    { up, name, -1 } };
	}
	return list;
}

static void
check_count(struct checker *c, const struct profile *p, size_t element,
    const struct place *at, size_t n)
{
	const struct element *e = &p->v[element];
	uint64_t min = profile_number(c->w.ctx, p, element, "min", 0);
	uint64_t max = profile_number(c->w.ctx, p, element, "max",
	    UINT64_MAX);
	const char *colon = e->slice.n > 0 ? ", slice " : "";

	if (n < min)
		walk_problem(&c->w, at, MISSING, "is missing: %llu needed, "
		    "%zu there (%.*s%s%.*s)", (unsigned long long)min, n,
		    STR_ARGS(p->url), colon, STR_ARGS(e->slice));
	else if (n > max)
		walk_problem(&c->w, at, BAD_SHAPE, "is there %zu times, at "
		    "most %llu allowed (%.*s%s%.*s)", n,
		    (unsigned long long)max, STR_ARGS(p->url), colon,
		    STR_ARGS(e->slice));
}

/* --- slices --------------------------------------------------------------- */

/* A slice has the path of what it is cut from and follows it. Slices of slices
 * ("a/b") are not looked at. */
static size_t
next_slice(const struct profile *p, size_t sliced, size_t after)
{
	size_t up = p->v[sliced].up;
	size_t i = profile_child(p, up, after);

	while (i != 0 && (!str_eq(p->v[i].path, p->v[sliced].path) ||
	    p->v[i].slice.n == 0 || str_has(p->v[i].slice, '/')))
		i = profile_child(p, up, i);
	return i;
}

static void
check_slice(struct checker *c, const struct profile *p, size_t sliced,
    size_t slice, const struct list *values, bool *taken)
{
	enum slicing is;
	size_t n = 0;
	struct place at = { NULL, STR_NONE, -1 };

	if (spend(c, p, values->n * 8))
		return;
	for (size_t i = 0; i < values->n; i++) {
		const struct found *found = &values->v[i];

		is = found->value.node == 0 ? SLICE_NO : profile_in_slice(c,
		    p, sliced, slice, found->value);
		if (is == SLICE_UNKNOWN) {
			at = found->at;
			walk_warning(&c->w, &at, NOT_CHECKED, "cannot be "
			    "told to be of the slice %.*s by its "
			    "discriminators: not checked (%.*s)",
			    STR_ARGS(p->v[slice].slice), STR_ARGS(p->url));
			return;
		}
		if (is == SLICE_NO)
			continue;
		n++;
		taken[i] = true;
		check_value(c, p, slice, &found->at, found->value);
	}
	at = values->v[0].at;
	at.index = -1;
	check_count(c, p, slice, &at, n);
}

static bool
is_closed(struct checker *c, const struct profile *p, size_t sliced)
{
	uint32_t node = p->v[sliced].node, slicing;

	slicing = node == 0 ? 0 : jdoc_get(p->d, node, STR("slicing"));
	return slicing != 0 && str_eqz(term_text(c->w.ctx, p->d, slicing,
	    "rules"), "closed");
}

/* at: of the element, for slices that nothing is there of. */
static void
check_slices(struct checker *c, const struct profile *p, size_t sliced,
    const struct list *values, const struct place *at)
{
	bool *taken = arena_zero(c->w.ctx->arena, values->n + 1);
	size_t slice = next_slice(p, sliced, sliced);

	if (slice == 0)
		return;
	for (; slice != 0; slice = next_slice(p, sliced, slice))
		if (values->n == 0)
			check_count(c, p, slice, at, 0);
		else
			check_slice(c, p, sliced, slice, values, taken);
	for (size_t i = 0; i < values->n && is_closed(c, p, sliced); i++)
		if (!taken[i])
			walk_problem(&c->w, &values->v[i].at, BAD_SHAPE,
			    "is of none of the slices, and others are not "
			    "allowed (%.*s)", STR_ARGS(p->url));
}

/* --- elements ------------------------------------------------------------- */

static void
check_element(struct checker *c, const struct profile *p, size_t element,
    const struct place *up, uint32_t object)
{
	const struct element *e = &p->v[element];
	struct list values = values_of(c, e, up, object);
	struct place at = { up, e->name, -1 };

	if (str_ends(at.name, STR("[x]")))
		at.name.n -= 3;
	check_count(c, p, element, &at, values.n);
	for (size_t i = 0; i < values.n; i++)
		check_value(c, p, element, &values.v[i].at,
		    values.v[i].value);
	check_slices(c, p, element, &values, &at);
}

/* A slice is met with what it is cut from; in a differential that may be left
 * out, and then stands for nothing by itself. */
static bool
is_later_slice(const struct profile *p, size_t up, size_t element)
{
	size_t i;

	if (p->v[element].slice.n == 0)
		return false;
	for (i = profile_child(p, up, up); i != 0 && i < element;
	    i = profile_child(p, up, i))
		if (str_eq(p->v[i].path, p->v[element].path))
			return true;
	return false;
}

/* The first of the slices of an element that is not there itself: each looks
 * at its own. */
static void
check_lone_slices(struct checker *c, const struct profile *p, size_t first,
    const struct place *up, uint32_t object)
{
	struct list values = values_of(c, &p->v[first], up, object);
	bool *taken = arena_zero(c->w.ctx->arena, values.n + 1);
	struct place at = { up, p->v[first].name, -1 };

	for (size_t slice = first; slice != 0;
	    slice = next_slice(p, first, slice))
		if (values.n == 0)
			check_count(c, p, slice, &at, 0);
		else
			check_slice(c, p, first, slice, &values, taken);
}

static void
check_children(struct checker *c, const struct profile *p, size_t up,
    const struct place *at, uint32_t object)
{
	for (size_t i = profile_child(p, up, up); i != 0 && !is_over(c);
	    i = profile_child(p, up, i))
		if (spend(c, p, c->w.d->nodes[object].count + 1U) ||
		    is_later_slice(p, up, i))
			continue;
		else if (p->v[i].slice.n > 0)
			check_lone_slices(c, p, i, at, object);
		else
			check_element(c, p, i, at, object);
}

/* --- profiles ------------------------------------------------------------- */

static const struct known_profile *
know_profile(struct checker *c, struct str canonical)
{
	struct known_profile *known;
	enum err err;

	for (known = c->profiles; known != NULL; known = known->next)
		if (str_eq(known->canonical, canonical))
			return known;
	known = arena_zero(c->w.ctx->arena, sizeof(*known));
	known->canonical = canonical;
	err = profile_read(c->w.ctx, canonical, &known->profile);
	known->found = err == OK;
	if (err != OK && err != ERR_NOT_FOUND)
		c->err = err;
	known->next = c->profiles;
	return c->profiles = known;
}

/* R4's own types were looked at by structure. */
static bool
is_core(struct str canonical)
{
	struct str version = canonical, url = str_cut(&version, '|');

	if (!str_starts(url, STR(CORE)))
		return false;
	url = str_from(url, sizeof(CORE) - 1);
	return r4_type_named(url) != NULL || str_eqz(url, "Extension") ||
	    str_eqz(url, "DomainResource") || str_eqz(url, "Resource") ||
	    str_eqz(url, "Element") || str_eqz(url, "BackboneElement");
}

static void
check_known(struct checker *c, const struct place *at,
    const struct profile *p, struct value value)
{
	if (p->n == 0)
		walk_problem(&c->w, at, BAD_VALUE, "cannot be checked: the "
		    "elements of %.*s are not below its type %.*s",
		    STR_ARGS(p->url), STR_ARGS(p->type));
	else if (jdoc_type(c->w.d, value.node) == JDOC_OBJECT)
		check_children(c, p, 0, at, value.node);
	if (!p->whole && p->base.n > 0)
		check_profile(c, at, p->base, value);
}

/* A profile of a part of the resource, or the base of another one. Of one that
 * is not here nothing is said: structure was checked. */
static void
check_profile(struct checker *c, const struct place *at, struct str canonical,
    struct value value)
{
	const struct known_profile *known;

	if (is_core(canonical) || c->depth >= DEPTH_MAX || c->err != OK)
		return;
	known = know_profile(c, canonical);
	c->depth++;
	if (known->found)
		check_known(c, at, &known->profile, value);
	c->depth--;
}

enum err
profile_check(struct ctx *ctx, const struct jdoc *d, uint32_t node,
    const struct r4_type *type, struct str canonical)
{
	struct checker c = { .w = { .ctx = ctx, .d = d, .once = true } };
	struct place root = { NULL, str_of(type->name), -1 };
	const struct known_profile *known;

	if (is_core(canonical)) {
		if (!str_eqz(str_from(canonical, sizeof(CORE) - 1),
		    type->name) && r4_type_named(str_from(canonical,
		    sizeof(CORE) - 1)) != NULL)
			walk_problem(&c.w, &root, BAD_VALUE, "is not what the "
			    "profile %.*s is of", STR_ARGS(canonical));
		return OK;
	}
	known = know_profile(&c, canonical);
	if (c.err != OK)
		return c.err;
	if (!known->found)
		(void)fail_as(ctx, ERR_VALIDATION, "not-found",
		    str_of(type->name), "the profile %.*s is not stored here",
		    STR_ARGS(canonical));
	else if (!str_eqz(known->profile.type, type->name))
		walk_problem(&c.w, &root, BAD_VALUE, "is not what the profile "
		    "%.*s is of, which is %.*s", STR_ARGS(canonical),
		    STR_ARGS(known->profile.type));
	else
		check_known(&c, &root, &known->profile, (struct value){
		    str_of(type->name), node });
	return c.err;
}
