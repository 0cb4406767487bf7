/*
 * Names that lead to other types: chains (`subject:Patient.name`) and _has
 * (`_has:Observation:patient:code`). What is asked at the other end of the
 * reference is a search of its own, whose parameter may lead on.
 * R4 search.html#chaining, #has
 */

#include "fhir/search_parse.h"

#include "fhir/extract.h"
#include "fhir/scope.h"
#include "fhir/suggest.h"

#define HAS	"_has:"

bool
search_is_link(struct str name)
{
	return str_has(name, '.') || str_eqz(name, "_has") ||
	    str_starts(name, STR(HAS));
}

/* It names records here: a canonical does not, nor does a resource inside. */
static bool
is_link(const struct r4_param *param)
{
	return param->kind == R4_REFERENCE && param->program != NULL &&
	    extract_refers(param->program);
}

static enum err
not_a_link(struct parse *p, const struct r4_param *param)
{
	return REFUSE(p, ERR_INVALID_REQUEST,
	    "Search parameter '%s' cannot be followed: it is no reference to "
	    "records of this server", param->code);
}

enum err
search_unknown_type(struct parse *p, struct str name)
{
	const char *best = NULL;
	size_t near = 4, distance, i;

	for (i = 0; i < r4_types_count && name.n <= SUGGEST_CHARS_MAX; i++) {
		distance = suggest_distance(name, str_of(r4_types[i].name));
		if (distance < near) {
			near = distance;
			best = r4_types[i].name;
		}
	}
	return REFUSE(p, ERR_INVALID_REQUEST,
	    "FHIR R4 has no resource type '%.*s'%s%s%s", STR_ARGS(name),
	    best == NULL ? "" : "; did you mean '", best == NULL ? "" : best,
	    best == NULL ? "" : "'?");
}

/* --- the other end -------------------------------------------------------- */

/* One more search of c: of type, by what is left of the name. */
static enum err
take_inner(struct parse *p, struct search_condition *c,
    const struct r4_type *type, struct str name, struct str value)
{
	const struct http_param param = { name, value };
	struct search *inner = &c->inner[c->ninner++];
	struct parse sub = *p;
	enum err err;

	if ((err = scope_check(p->ctx, type, SCOPE_S, "search")) != OK)
		return err;
	*inner = (struct search){ .type = type };
	inner->conditions = arena_array(p->ctx->arena, SEARCH_CONDITIONS_MAX,
	    sizeof(*inner->conditions));
	sub.search = inner;
	sub.links++;
	sub.branches++;
	err = search_take_condition(&sub, &param);
	p->branches = sub.branches;
	p->ignored = sub.ignored;
	return err;
}

/* --- chains --------------------------------------------------------------- */

/* The first name of a chain, cut off: its code and, when there is one, type. */
static struct str
cut_link(struct str *rest, struct str *type)
{
	*type = str_cut(rest, '.');
	return str_cut(type, ':');
}

/*
 * Whether all names that follow are there, by way of any type: so an untyped
 * chain goes through those types alone that have its parameter.
 */
static bool
reaches(const struct r4_type *type, struct str name, int links)
{
	struct str of, code;
	const struct r4_param *param;
	const struct r4_type *target;
	const int16_t *t;

	if (links > SEARCH_LINKS_MAX || str_starts(name, STR(HAS)))
		return true;
	code = cut_link(&name, &of);
	param = r4_param_named(type, code);
	if (param == NULL || name.p == NULL)
		return param != NULL;
	for (t = param->targets; is_link(param) && *t != 0; t++) {
		target = r4_type_numbered(*t);
		if ((of.p == NULL || str_eqz(of, target->name)) &&
		    reaches(target, name, links + 1))
			return true;
	}
	return false;
}

/* The targets of param through which the rest of the name leads; when none
 * does, the first that has at least its beginning, and will say more. */
static size_t
untyped(struct parse *p, const struct r4_param *param, struct str rest,
    const struct r4_type ***out)
{
	const struct r4_type *near = NULL, **list, *type;
	struct str first = rest, of;
	size_t n = 0, room = 0;
	const int16_t *t;

	first = cut_link(&first, &of);
	while (param->targets[room] != 0)
		room++;
	*out = list = arena_array(p->ctx->arena, room + 1,
	    sizeof(const struct r4_type *));
	for (t = param->targets; *t != 0; t++) {
		type = r4_type_numbered(*t);
		if (reaches(type, rest, p->links + 1))
			list[n++] = type;
		else if (near == NULL && r4_param_named(type, first) != NULL)
			near = type;
	}
	if (n == 0 && near != NULL)
		list[n++] = near;
	return n;
}

static enum err
nowhere(struct parse *p, const struct r4_param *param, struct str rest)
{
	const char *near = NULL;
	struct str of, code = cut_link(&rest, &of);
	const int16_t *t;

	for (t = param->targets; near == NULL && *t != 0; t++)
		near = search_nearest(r4_type_numbered(*t), code);
	return REFUSE(p, ERR_INVALID_REQUEST,
	    "Search parameter '%.*s' is unknown for all types that '%s' can "
	    "refer to%s%s%s", STR_ARGS(code), param->code,
	    near == NULL ? "" : "; did you mean '", near == NULL ? "" : near,
	    near == NULL ? "" : "'?");
}

/* Set *types to those that the chain goes on with; none: it was refused. */
static enum err
chain_types(struct parse *p, const struct search_condition *c, struct str name,
    struct str rest, const struct r4_type ***types, size_t *n)
{
	*n = 0;
	if (name.p == NULL) {
		*n = untyped(p, c->param, rest, types);
		return *n > 0 ? OK : nowhere(p, c->param, rest);
	}
	*types = arena_array(p->ctx->arena, 1, sizeof(const struct r4_type *));
	**types = r4_type_named(name);
	if (**types == NULL)
		return search_unknown_type(p, name);
	if (!search_is_target(c->param, **types))
		return fail(p->ctx, ERR_INVALID_PARAMETER,
		    "Search parameter '%s' cannot refer to a %.*s",
		    c->param->code, STR_ARGS(name));
	*n = 1;
	return OK;
}

static enum err
take_chain(struct parse *p, const struct http_param *param,
    struct search_condition *c)
{
	const struct r4_type *type = p->search->type, **types;
	struct str rest = param->name, of;
	struct str code = cut_link(&rest, &of);
	size_t n, i;
	enum err err;

	c->kind = SEARCH_CHAIN;
	c->param = r4_param_named(type, code);
	if (c->param == NULL)
		return search_unknown(p, type, code, "Search parameter");
	if (!is_link(c->param))
		return not_a_link(p, c->param);
	if ((err = chain_types(p, c, of, rest, &types, &n)) != OK || n == 0)
		return err;
	if (p->branches + (int)n > SEARCH_BRANCHES_MAX)
		return fail(p->ctx, ERR_NOT_SUPPORTED,
		    "Search parameter '%.*s' stands for more than %d searches "
		    "of other types; name the type, as in subject:Patient.name",
		    STR_ARGS(c->name), SEARCH_BRANCHES_MAX);
	c->inner = arena_array(p->ctx->arena, n, sizeof(*c->inner));
	for (i = 0; i < n && err == OK && !p->ignored; i++)
		err = take_inner(p, c, types[i], rest, param->value);
	return err;
}

/* --- _has ----------------------------------------------------------------- */

static enum err
take_has(struct parse *p, const struct http_param *param,
    struct search_condition *c)
{
	struct str rest = str_from(param->name, sizeof(HAS) - 1);
	struct str name = str_cut(&rest, ':');
	struct str code = rest.p == NULL ? STR_NONE : str_cut(&rest, ':');
	const struct r4_type *type = r4_type_named(name);

	c->kind = SEARCH_REVERSE;
	if (rest.n == 0)
		return REFUSE(p, ERR_INVALID_REQUEST,
		    "Search parameter '%.*s': write _has:Type:reference:"
		    "parameter, as in _has:Observation:patient:code",
		    STR_ARGS(param->name));
	if (type == NULL)
		return search_unknown_type(p, name);
	c->param = r4_param_named(type, code);
	if (c->param == NULL)
		return search_unknown(p, type, code, "Search parameter");
	if (!is_link(c->param))
		return not_a_link(p, c->param);
	if (!search_is_target(c->param, p->search->type))
		return fail(p->ctx, ERR_INVALID_PARAMETER,
		    "Search parameter '%s' of %s cannot refer to a %s",
		    c->param->code, type->name, p->search->type->name);
	c->inner = arena_array(p->ctx->arena, 1, sizeof(*c->inner));
	return take_inner(p, c, type, rest, param->value);
}

enum err
search_take_link(struct parse *p, const struct http_param *param)
{
	struct search_condition c = { .name = param->name };
	enum err err;

	if (p->links == SEARCH_LINKS_MAX)
		return REFUSE(p, ERR_NOT_SUPPORTED,
		    "A search parameter may lead through at most %d "
		    "references; '%.*s' is one more", SEARCH_LINKS_MAX,
		    STR_ARGS(param->name));
	if (str_starts(param->name, STR("_has")))
		err = take_has(p, param, &c);
	else
		err = take_chain(p, param, &c);
	if (err != OK || p->ignored)
		return err;
	return search_add_condition(p, &c);
}
