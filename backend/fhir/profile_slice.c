/* Which slice of an element a value belongs to. R4
 * profiling.html#discriminator */

#include "fhir/profile_walk.h"

/* One discriminator of a slice, and the value that is asked. */
struct ask {
	struct checker		*c;
	const struct profile	*p;
	size_t			 slice;
	struct value		 value;
	struct str		 kind;	/* "value", "pattern", ... */
};

/* Element `up` or the nearest below it on the path says what its value is. */
static bool
is_as_said(const struct ask *a, size_t element, uint32_t value)
{
	struct ctx *ctx = a->c->w.ctx;
	uint32_t fixed = profile_value(a->p, element, "fixed");
	uint32_t pattern = profile_value(a->p, element, "pattern");

	if (fixed != 0)
		return profile_matches(ctx, a->p->d, fixed, a->c->w.d, value,
		    false);
	if (pattern != 0)
		return profile_matches(ctx, a->p->d, pattern, a->c->w.d, value,
		    true);
	return profile_is_bound(a->c, a->p, element, value);
}

static bool
says_something(const struct profile *p, size_t element)
{
	return profile_value(p, element, "fixed") != 0 ||
	    profile_value(p, element, "pattern") != 0;
}

static size_t
child_named(const struct profile *p, size_t up, struct str name)
{
	size_t i = profile_child(p, up, up);

	while (i != 0 && !str_eq(p->v[i].name, name))
		i = profile_child(p, up, i);
	return i;
}

/* Any of the values at the rest of the path is what the slice says of it. */
static bool
any_at(const struct ask *a, size_t element, uint32_t value, struct str path)
{
	const struct jdoc *d = a->c->w.d;
	struct str name;
	uint32_t member;
	size_t child;

	if (value == 0)
		return false;
	if (jdoc_type(d, value) == JDOC_ARRAY) {
		for (uint32_t i = jdoc_first(d, value); i != 0;
		    i = jdoc_next(d, value, i))
			if (any_at(a, element, i, path))
				return true;
		return false;
	}
	if (path.p == NULL || says_something(a->p, element))
		return is_as_said(a, element, value);
	name = str_cut(&path, '.');
	child = child_named(a->p, element, name);
	member = jdoc_get(d, value, name);
	return child != 0 && any_at(a, child, member, path);
}

/* Of an extension: the profile of the slice is its url. */
static bool
is_extension_of(const struct ask *a)
{
	const struct jdoc *d = a->p->d;
	uint32_t node = a->p->v[a->slice].node, type, profile;
	struct str url = term_text(a->c->w.ctx, a->c->w.d, a->value.node,
	    "url");

	if (node == 0 || (type = term_first(d, node, "type")) == 0 ||
	    (profile = term_first(d, type, "profile")) == 0)
		return false;
	return jdoc_is(d, profile, url);
}

/* "value" + "Quantity" for a type Quantity; a resource by its resourceType. */
static bool
is_of_type(const struct ask *a, size_t element, struct value value)
{
	const struct jdoc *d = a->p->d, *own = a->c->w.d;
	uint32_t node = a->p->v[element].node, list;
	uint32_t named = jdoc_get(own, value.node, STR("resourceType"));

	if (node == 0)
		return false;
	list = jdoc_get(d, node, STR("type"));
	for (uint32_t i = term_first(d, node, "type"); i != 0;
	    i = jdoc_next(d, list, i)) {
		struct str code = term_text(a->c->w.ctx, d, i, "code");
		struct str end = str_from(value.member,
		    value.member.n > code.n ? value.member.n - code.n : 0);

		if (named != 0 ? jdoc_is(own, named, code) :
		    code.n > 0 && str_ieq(end, code))
			return true;
	}
	return false;
}

static enum slicing
by_type(const struct ask *a, struct str path)
{
	size_t element = a->slice;
	struct value value = a->value;

	if (!str_eqz(path, "$this")) {
		if (str_has(path, '.') ||
		    (element = child_named(a->p, a->slice, path)) == 0)
			return SLICE_UNKNOWN;
		value = (struct value){ path, jdoc_get(a->c->w.d,
		    a->value.node, path) };
	}
	return value.node != 0 && is_of_type(a, element, value) ? SLICE_YES :
	    SLICE_NO;
}

static enum slicing
by_existence(const struct ask *a, struct str path)
{
	size_t child = child_named(a->p, a->slice, path);
	bool there = jdoc_get(a->c->w.d, a->value.node, path) != 0;
	struct ctx *ctx = a->c->w.ctx;

	if (child == 0)
		return SLICE_UNKNOWN;
	if (profile_number(ctx, a->p, child, "min", 0) > 0)
		return there ? SLICE_YES : SLICE_NO;
	return profile_number(ctx, a->p, child, "max", UINT64_MAX) == 0 &&
	    !there ? SLICE_YES : SLICE_NO;
}

static enum slicing
by_discriminator(const struct ask *a, struct str path)
{
	bool found;

	if (str_eqz(a->kind, "type"))
		return by_type(a, path);
	if (str_has(path, '('))
		return SLICE_UNKNOWN;
	if (str_eqz(a->kind, "exists"))
		return by_existence(a, path);
	if (!str_eqz(a->kind, "value") && !str_eqz(a->kind, "pattern"))
		return SLICE_UNKNOWN;
	if (str_eqz(path, "url") && is_extension_of(a))
		return SLICE_YES;
	found = any_at(a, a->slice, a->value.node, str_eqz(path, "$this") ?
	    STR_NONE : path);
	return found ? SLICE_YES : SLICE_NO;
}

enum slicing
profile_in_slice(struct checker *c, const struct profile *p, size_t sliced,
    size_t slice, struct value value)
{
	struct ask a = { c, p, slice, value, STR("value") };
	uint32_t node = p->v[sliced].node, slicing, list;
	enum slicing is = SLICE_UNKNOWN;

	slicing = node == 0 ? 0 : jdoc_get(p->d, node, STR("slicing"));
	if (str_eqz(p->v[slice].name, "extension") ||
	    str_eqz(p->v[slice].name, "modifierExtension"))
		return by_discriminator(&a, STR("url"));
	if (str_ends(p->v[slice].name, STR("[x]"))) {
		a.kind = STR("type");
		return by_type(&a, STR("$this"));
	}
	if (slicing == 0)
		return SLICE_UNKNOWN;
	list = jdoc_get(p->d, slicing, STR("discriminator"));
	for (uint32_t i = term_first(p->d, slicing, "discriminator"); i != 0;
	    i = jdoc_next(p->d, list, i)) {
		a.kind = term_text(c->w.ctx, p->d, i, "type");
		is = by_discriminator(&a, term_text(c->w.ctx, p->d, i,
		    "path"));
		if (is != SLICE_YES)
			return is;
	}
	return is;
}
