/*
 * The paths of a FHIRPath Patch, read and followed at once. What a type has is
 * asked of its structure, so a misspelt element is told apart from one that is
 * not there. R4 fhirpatch.html, fhirpath.html
 */

#include "fhir/patch_form.h"

#include "fhir/decimal.h"

/* Longer ones are no paths to an element; their conditions are read again for
 * each element. */
#define PATH_CHARS_MAX	1000

/* Elements that all paths of one patch may look at. */
#define PATH_STEPS_MAX	((size_t)4 * 1000 * 1000)

struct reader {
	struct str	whole, rest;
};

static enum err	follow(struct patch_work *w, struct reader *r,
		    struct spots *at, bool begins);

/* --- spots ---------------------------------------------------------------- */

static void
add_spot(struct patch_work *w, struct spots *to, struct spot spot)
{
	struct spot *old = to->v;

	if (to->n == to->room) {
		to->room = to->room * 2 + 4;
		to->v = arena_array(w->ctx->arena, to->room,
		    sizeof(*to->v));
		if (to->n > 0)
			memcpy(to->v, old, to->n * sizeof(*to->v));
	}
	to->v[to->n++] = spot;
}

struct str
patch_member(const struct r4_element *row)
{
	return (struct str){ row->name, row->name_len };
}

struct str
patch_sibling(struct forest *f, const struct r4_element *row)
{
	return arena_printf(f->arena, "_%s", row->name);
}

/* A value of a list, or that which does not repeat. */
static struct tree *
value_at(struct tree *t, size_t i)
{
	if (t == NULL || i == SIZE_MAX)
		return t;
	return t->type == JDOC_ARRAY && i < t->n ? t->v[i].value : NULL;
}

/* The structure of a resource in a resource. */
static const struct r4_structure *
resource_structure(struct patch_work *w, struct tree *value)
{
	struct tree *name = tree_get(w->f, value, STR("resourceType"));
	const struct r4_type *type = name == NULL ? NULL :
	    r4_type_named(tree_text(w->f, name));

	return type == NULL ? NULL : &r4_structures[type->structure];
}

static struct spot
spot_of(struct patch_work *w, struct tree *object,
    const struct r4_element *row, size_t i, struct tree *value,
    struct tree *sibling)
{
	struct spot spot = { .object = object, .row = row, .index = i };

	spot.value = value_at(value, i);
	spot.inside = row->kind == R4_PRIMITIVE ? value_at(sibling, i) :
	    spot.value;
	if (spot.inside != NULL && spot.inside->type != JDOC_OBJECT)
		spot.inside = NULL;
	if (row->kind == R4_PRIMITIVE)
		spot.s = &r4_structures[R4_STRUCTURE_ELEMENT];
	else if (row->kind == R4_COMPLEX)
		spot.s = &r4_structures[row->type];
	else if (spot.inside != NULL)
		spot.s = resource_structure(w, spot.inside);
	return spot;
}

/* --- members -------------------------------------------------------------- */

/* A choice is named without its type: Observation.value. */
static bool
is_named(const struct r4_element *row, struct str name)
{
	return str_eq(name, patch_member(row)) ||
	    str_eq(name, (struct str){ row->name, row->base_len });
}

static size_t
values_in(struct forest *f, struct tree *t)
{
	if (t == NULL)
		return 0;
	tree_open(f, t);
	return t->n;
}

static void
member_values(struct patch_work *w, const struct spot *from,
    const struct r4_element *row, struct spots *to)
{
	struct tree *value = tree_get(w->f, from->inside, patch_member(row));
	struct tree *sibling = row->kind != R4_PRIMITIVE ? NULL :
	    tree_get(w->f, from->inside, patch_sibling(w->f, row));
	struct tree *some = value == NULL ? sibling : value;
	size_t n;

	if (some == NULL)
		return;
	if (some->type != JDOC_ARRAY) {
		add_spot(w, to, spot_of(w, from->inside, row, SIZE_MAX, value,
		    sibling));
		return;
	}
	n = values_in(w->f, value);
	if (values_in(w->f, sibling) > n)
		n = sibling->n;
	for (size_t i = 0; i < n; i++)
		add_spot(w, to, spot_of(w, from->inside, row, i, value,
		    sibling));
}

static enum err
member(struct patch_work *w, const struct spot *from, struct str name,
    struct spots *to)
{
	bool known = false;

	if (from->s == NULL)
		return OK;
	for (size_t i = 0; i < from->s->count; i++) {
		const struct r4_element *row = &from->s->elements[i];

		if (!is_named(row, name))
			continue;
		known = true;
		if (from->inside != NULL)
			member_values(w, from, row, to);
	}
	if (!known)
		return patch_misfit(w, "%s has no element \"%.*s\"",
		    from->s->name, STR_ARGS(name));
	return OK;
}

static enum err
members(struct patch_work *w, struct str name, struct spots *at)
{
	struct spots to = { NULL, 0, 0 };
	enum err err;

	for (size_t i = 0; i < at->n; i++)
		if ((err = member(w, &at->v[i], name, &to)) != OK)
			return err;
	w->steps += to.n + 1;
	*at = to;
	return w->steps > PATH_STEPS_MAX ? fail_at(w->ctx, ERR_TOO_LARGE,
	    w->at, "the paths of the patch look at too many elements") : OK;
}

/* --- reading a path ------------------------------------------------------- */

static enum err
fail_path(struct patch_work *w, const struct reader *r)
{
	return fail_at(w->ctx, ERR_NOT_SUPPORTED, w->at, "the path \"%.*s\" "
	    "cannot be read from \"%.*s\" on; known are members, [n], first(), "
	    "last(), single(), extension('url') and where(a.b = value and "
	    "...)", STR_ARGS(r->whole), STR_ARGS(r->rest));
}

static void
skip_blanks(struct reader *r)
{
	while (r->rest.n > 0 && (r->rest.p[0] == ' ' || r->rest.p[0] == '\t' ||
	    r->rest.p[0] == '\n' || r->rest.p[0] == '\r'))
		r->rest = str_from(r->rest, 1);
}

/* What is there is taken, and blanks around it. */
static bool
take(struct reader *r, struct str what)
{
	skip_blanks(r);
	if (!str_starts(r->rest, what))
		return false;
	r->rest = str_from(r->rest, what.n);
	skip_blanks(r);
	return true;
}

static bool
is_word(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	    (c >= '0' && c <= '9') || c == '_';
}

/* A name, also one in backquotes; empty when there is none. */
static struct str
take_name(struct reader *r)
{
	bool quoted = str_starts(r->rest, STR("`"));
	struct str name;

	if (quoted)
		r->rest = str_from(r->rest, 1);
	name = r->rest;
	name.n = 0;
	while (name.n < r->rest.n && is_word(r->rest.p[name.n]))
		name.n++;
	if (!quoted && name.n > 0 && name.p[0] <= '9')
		name.n = 0;
	if (quoted && !str_starts(str_from(r->rest, name.n), STR("`")))
		return STR_NONE;
	r->rest = str_from(r->rest, name.n + quoted);
	return name;
}

static bool
take_digits(struct reader *r, uint64_t *out)
{
	struct str digits = r->rest;

	digits.n = 0;
	while (digits.n < r->rest.n && r->rest.p[digits.n] >= '0' &&
	    r->rest.p[digits.n] <= '9')
		digits.n++;
	r->rest = str_from(r->rest, digits.n);
	return str_u64(digits, UINT32_MAX, out);
}

/* --- values in conditions ------------------------------------------------- */

/* A literal: its text without quotes or '@', and the JSON type of what can
 * equal it. */
struct literal {
	struct str	text;
	enum jdoc_type	type;
};

/* The characters that a backslash stands for; \u is read as JSON has it. */
static bool
take_escape(struct reader *r, struct buf *b)
{
	static const char from[] = "'\"`\\/rntf", to[] = "'\"`\\/\r\n\t\f";
	const char *at;

	if (r->rest.n == 0 || (at = memchr(from, r->rest.p[0],
	    sizeof(from) - 1)) == NULL)
		return false;
	buf_addc(b, to[at - from]);
	r->rest = str_from(r->rest, 1);
	return true;
}

static bool
take_string(struct patch_work *w, struct reader *r, struct str *out)
{
	struct buf b = buf_new(w->ctx->arena, 0);

	while (r->rest.n > 0) {
		char c = r->rest.p[0];

		r->rest = str_from(r->rest, 1);
		if (c == '\'') {
			*out = buf_str(&b);
			return true;
		}
		if (c != '\\')
			buf_addc(&b, c);
		else if (!take_escape(r, &b))
			return false;
	}
	return false;
}

/* The characters of a number, or of a date or time behind '@'. */
static struct str
take_run(struct reader *r, const char *more)
{
	struct str run = r->rest;

	run.n = 0;
	while (run.n < r->rest.n && ((r->rest.p[run.n] >= '0' &&
	    r->rest.p[run.n] <= '9') || strchr(more, r->rest.p[run.n]) !=
	    NULL) && r->rest.p[run.n] != '\0')
		run.n++;
	r->rest = str_from(r->rest, run.n);
	return run;
}

static bool
take_literal(struct patch_work *w, struct reader *r, struct literal *out)
{
	out->type = JDOC_STRING;
	if (take(r, STR("'")))
		return take_string(w, r, &out->text);
	if (take(r, STR("@"))) {
		out->text = take_run(r, "-+:.TZ");
		if (str_starts(out->text, STR("T")))
			out->text = str_from(out->text, 1);
		return out->text.n > 0;
	}
	out->text = take_name(r);
	if (out->text.n > 0) {
		out->type = str_eqz(out->text, "true") ? JDOC_TRUE :
		    JDOC_FALSE;
		return str_eqz(out->text, "true") ||
		    str_eqz(out->text, "false");
	}
	out->type = JDOC_NUMBER;
	out->text = take_run(r, "-.");
	return out->text.n > 0;
}

/* One element, and it has that value: none and several are not equal. */
static bool
equals(struct patch_work *w, const struct spots *found,
    const struct literal *literal)
{
	struct tree *value = found->n == 1 ? found->v[0].value : NULL;

	if (value == NULL || value->type != literal->type)
		return false;
	if (value->type == JDOC_STRING)
		return str_eq(tree_text(w->f, value), literal->text);
	if (value->type == JDOC_NUMBER)
		return decimal_equal(jdoc_raw(value->d, value->node),
		    literal->text);
	return true;
}

/* a.b = value and ..., up to its ')'. */
static enum err
condition(struct patch_work *w, struct reader *r, struct spots at, bool *yes)
{
	struct literal literal;
	enum err err;

	*yes = true;
	do {
		struct spots found = { NULL, 0, 0 };

		for (size_t i = 0; i < at.n; i++)
			add_spot(w, &found, at.v[i]);
		skip_blanks(r);
		if ((err = follow(w, r, &found, true)) != OK)
			return err;
		if (!take(r, STR("=")) || !take_literal(w, r, &literal))
			return fail_path(w, r);
		*yes = *yes && equals(w, &found, &literal);
	} while (take(r, STR("and ")));
	return take(r, STR(")")) ? OK : fail_path(w, r);
}

static enum err
where(struct patch_work *w, struct reader *r, struct spots *at)
{
	struct reader begin = *r;
	struct spots to = { NULL, 0, 0 };
	bool yes;
	enum err err;

	if (at->n == 0)
		return condition(w, r, to, &yes);
	for (size_t i = 0; i < at->n; i++) {
		*r = begin;
		if ((err = condition(w, r, (struct spots){ &at->v[i], 1, 1 },
		    &yes)) != OK)
			return err;
		if (yes)
			add_spot(w, &to, at->v[i]);
	}
	*at = to;
	return OK;
}

/* extension('url') is extension.where(url = 'url'). */
static enum err
extension(struct patch_work *w, struct reader *r, struct spots *at)
{
	struct literal url = { STR_NONE, JDOC_STRING };
	struct spots to = { NULL, 0, 0 };
	enum err err;

	if (!take(r, STR("'")) || !take_string(w, r, &url.text) ||
	    !take(r, STR(")")))
		return fail_path(w, r);
	if ((err = members(w, STR("extension"), at)) != OK)
		return err;
	for (size_t i = 0; i < at->n; i++) {
		struct spots found = { NULL, 0, 0 };

		if ((err = member(w, &at->v[i], STR("url"), &found)) != OK)
			return err;
		if (equals(w, &found, &url))
			add_spot(w, &to, at->v[i]);
	}
	*at = to;
	return OK;
}

/* --- steps ---------------------------------------------------------------- */

static void
only(struct spots *at, size_t i)
{
	*at = i < at->n ? (struct spots){ &at->v[i], 1, 1 } :
	    (struct spots){ NULL, 0, 0 };
}

static enum err
call(struct patch_work *w, struct reader *r, struct str name, struct spots *at)
{
	if (str_eqz(name, "where"))
		return where(w, r, at);
	if (str_eqz(name, "extension"))
		return extension(w, r, at);
	if (!str_eqz(name, "first") && !str_eqz(name, "last") &&
	    !str_eqz(name, "single"))
		return fail_at(w->ctx, ERR_NOT_SUPPORTED, w->at, "the "
		    "function %.*s() is not known in the path of a patch",
		    STR_ARGS(name));
	if (!take(r, STR(")")))
		return fail_path(w, r);
	if (str_eqz(name, "single") && at->n > 1)
		return patch_misfit(w, "single() of %zu elements", at->n);
	only(at, str_eqz(name, "last") && at->n > 0 ? at->n - 1 : 0);
	return OK;
}

/* Whether a name at the beginning is that of what the path begins with. */
static bool
is_type(const struct spots *at, struct str name)
{
	return at->n == 1 && at->v[0].object == NULL &&
	    (str_eqz(name, at->v[0].s->name) || str_eqz(name, "Resource") ||
	    str_eqz(name, "DomainResource"));
}

static enum err
step(struct patch_work *w, struct reader *r, struct spots *at, bool first)
{
	struct str name;

	if (first && (take(r, STR("$this")) || take(r, STR("%resource"))))
		return OK;
	name = take_name(r);
	if (name.n == 0)
		return fail_path(w, r);
	if (take(r, STR("(")))
		return call(w, r, name, at);
	return first && is_type(at, name) ? OK : members(w, name, at);
}

static enum err
follow(struct patch_work *w, struct reader *r, struct spots *at, bool begins)
{
	enum err err = step(w, r, at, begins);
	uint64_t i;

	while (err == OK) {
		if (take(r, STR("["))) {
			if (!take_digits(r, &i) || !take(r, STR("]")))
				return fail_path(w, r);
			only(at, (size_t)i);
		} else if (take(r, STR("."))) {
			err = step(w, r, at, false);
		} else {
			return OK;
		}
	}
	return err;
}

enum err
patch_path(struct patch_work *w, struct str path, struct spots *out)
{
	struct reader r = { path, path };
	enum err err;

	*out = (struct spots){ NULL, 0, 0 };
	if (path.n > PATH_CHARS_MAX)
		return patch_malformed(w, "a path is longer than %d characters",
		    PATH_CHARS_MAX);
	add_spot(w, out, (struct spot){ .index = SIZE_MAX, .inside = w->root,
	    .s = w->s, .value = w->root });
	skip_blanks(&r);
	if ((err = follow(w, &r, out, true)) != OK)
		return err;
	return r.rest.n == 0 ? OK : fail_path(w, &r);
}
