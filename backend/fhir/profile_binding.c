/* Codes against the value sets that a profile binds them to. R4
 * terminologies.html#strength */

#include "fhir/profile_walk.h"

static struct known_set *
know_set(struct checker *c, struct str canonical)
{
	struct fault before = c->w.ctx->fault;
	struct known_set *set;
	enum err err;

	for (set = c->sets; set != NULL; set = set->next)
		if (str_eq(set->canonical, canonical))
			return set;
	set = arena_zero(c->w.ctx->arena, sizeof(*set));
	set->canonical = canonical;
	err = expand_named(c->w.ctx, canonical, &set->codes);
	set->found = err == OK;
	if (err != OK && err != ERR_NOT_FOUND && err != ERR_VALIDATION)
		c->err = err;
	c->w.ctx->fault = before;
	if (before.last != NULL)
		before.last->next = NULL;
	set->next = c->sets;
	return c->sets = set;
}

static bool
has_code(const struct checker *c, const struct known_set *set, uint32_t node)
{
	struct str system = term_text(c->w.ctx, c->w.d, node, "system");
	struct str code = term_text(c->w.ctx, c->w.d, node, "code");

	return code.n > 0 && expansion_find(&set->codes, system, code) != NULL;
}

/* A code by itself, a Coding or Quantity, or any coding of a concept. */
static bool
is_member(const struct checker *c, const struct known_set *set, uint32_t node)
{
	const struct jdoc *d = c->w.d;
	uint32_t list;

	if (jdoc_type(d, node) == JDOC_STRING) {
		struct walk w = c->w;

		return expansion_find(&set->codes, STR_NONE,
		    walk_text(&w, node)) != NULL;
	}
	list = jdoc_get(d, node, STR("coding"));
	for (uint32_t i = term_first(d, node, "coding"); i != 0;
	    i = jdoc_next(d, list, i))
		if (has_code(c, set, i))
			return true;
	return list == 0 && has_code(c, set, node);
}

/* The value set that the element is bound to, NULL without one. */
static struct known_set *
bound_set(struct checker *c, const struct profile *p, size_t element,
    struct str *strength)
{
	uint32_t node = p->v[element].node, binding;
	struct str canonical;

	if (node == 0 ||
	    (binding = jdoc_get(p->d, node, STR("binding"))) == 0)
		return NULL;
	*strength = term_text(c->w.ctx, p->d, binding, "strength");
	canonical = term_text(c->w.ctx, p->d, binding, "valueSet");
	if (canonical.n == 0 || (!str_eqz(*strength, "required") &&
	    !str_eqz(*strength, "extensible")))
		return NULL;
	return know_set(c, canonical);
}

bool
profile_is_bound(struct checker *c, const struct profile *p, size_t element,
    uint32_t value)
{
	struct str strength;
	struct known_set *set = bound_set(c, p, element, &strength);

	return set != NULL && set->found && is_member(c, set, value);
}

/* What has no code cannot have a wrong one; a text alone is allowed where the
 * binding is extensible. */
static bool
is_coded(const struct checker *c, uint32_t value, bool required)
{
	const struct jdoc *d = c->w.d;

	if (jdoc_type(d, value) != JDOC_OBJECT)
		return jdoc_type(d, value) == JDOC_STRING;
	return required || jdoc_get(d, value, STR("coding")) != 0 ||
	    jdoc_get(d, value, STR("code")) != 0;
}

void
profile_check_binding(struct checker *c, const struct profile *p,
    size_t element, const struct place *at, uint32_t value)
{
	struct str strength = STR("");
	struct known_set *set = bound_set(c, p, element, &strength);
	bool required = str_eqz(strength, "required");

	if (set == NULL || c->err != OK || !is_coded(c, value, required))
		return;
	if (!set->found) {
		if (!set->told)
			walk_warning(&c->w, at, NOT_CHECKED, "is bound to "
			    "the value set %.*s, whose codes are not known "
			    "here: not checked", STR_ARGS(set->canonical));
		set->told = true;
	} else if (!is_member(c, set, value) && required)
		walk_problem(&c->w, at, BAD_CODE, "must have a code of the "
		    "value set %.*s (%.*s)", STR_ARGS(set->canonical),
		    STR_ARGS(p->url));
	else if (!is_member(c, set, value))
		walk_warning(&c->w, at, BAD_CODE, "should have a code of the "
		    "value set %.*s, if one of them fits (%.*s)",
		    STR_ARGS(set->canonical), STR_ARGS(p->url));
}
