/*
 * _include and _revinclude as parameters. What could never bring anything along
 * is refused: a client that asks it has made a mistake.
 * R4 search.html#revinclude
 */

#include "fhir/search_parse.h"

#include "fhir/scope.h"
#include "fhir/search.h"

bool
search_can_include(const struct r4_param *param, const struct r4_type *target)
{
	return param->kind == R4_REFERENCE && param->program != NULL &&
	    (target == NULL || search_is_target(param, target));
}

/* The parts of Type:parameter:Type; absent ones have p NULL. */
struct parts {
	struct str	source, param, target;
};

static enum err
take_modifier(struct parse *p, const struct http_param *param,
    struct str modifier, struct search_include *include)
{
	include->iterate = str_eqz(modifier, "iterate");
	if (modifier.p == NULL || include->iterate)
		return OK;
	return REFUSE(p, ERR_INVALID_REQUEST,
	    "Search parameter '%.*s' has no modifier ':%.*s', only ':iterate'",
	    (int)(param->name.n - modifier.n - 1), param->name.p,
	    STR_ARGS(modifier));
}

static enum err
take_source(struct parse *p, const struct parts *parts,
    struct search_include *include)
{
	if (str_eqz(parts->source, "*") && parts->param.p == NULL)
		return OK;
	include->source = r4_type_named(parts->source);
	return include->source != NULL ? OK :
	    search_unknown_type(p, parts->source);
}

static enum err
take_reference(struct parse *p, const struct http_param *param,
    const struct parts *parts, struct search_include *include)
{
	if (include->source == NULL || str_eqz(parts->param, "*"))
		return OK;
	if (parts->param.n == 0)
		return REFUSE(p, ERR_INVALID_REQUEST,
		    "Search parameter '%.*s': write Type:parameter, as in "
		    "Observation:subject, or Type:parameter:Type",
		    STR_ARGS(param->name));
	include->param = r4_param_named(include->source, parts->param);
	if (include->param == NULL)
		return search_unknown(p, include->source, parts->param,
		    "Reference");
	if (!search_can_include(include->param, NULL))
		return REFUSE(p, ERR_INVALID_REQUEST,
		    "Search parameter '%.*s': '%s' of %s is no reference",
		    STR_ARGS(param->name), include->param->code,
		    include->source->name);
	return OK;
}

static enum err
take_target(struct parse *p, const struct parts *parts,
    struct search_include *include)
{
	if (parts->target.p == NULL)
		return OK;
	include->target = r4_type_named(parts->target);
	if (include->target == NULL)
		return search_unknown_type(p, parts->target);
	if (include->param != NULL &&
	    !search_is_target(include->param, include->target))
		return REFUSE(p, ERR_INVALID_REQUEST,
		    "'%s' of %s cannot refer to a %s", include->param->code,
		    include->source->name, include->target->name);
	return OK;
}

/* Without :iterate it begins at the records that are searched for. */
static enum err
check_begin(struct parse *p, const struct http_param *param,
    const struct search_include *include)
{
	const struct r4_type *type = p->search->type;
	const struct r4_type *first = include->reverse ? include->target :
	    include->source;

	if (include->iterate)
		return OK;
	if (first != NULL && !search_is_of(p->search, first))
		return REFUSE(p, ERR_INVALID_REQUEST,
		    "Search parameter '%.*s' of '%.*s' does not begin at a "
		    "%s, which is searched for; to go on from what is "
		    "included write %.*s:iterate", STR_ARGS(param->name),
		    STR_ARGS(param->value), type->name, STR_ARGS(param->name));
	if (include->reverse && include->param != NULL &&
	    p->search->ntypes == 0 && !search_is_target(include->param, type))
		return REFUSE(p, ERR_INVALID_REQUEST,
		    "'%s' of %s cannot refer to a %s", include->param->code,
		    include->source->name, type->name);
	return OK;
}

/* Of several types those that may not be read are left out of the answer; of
 * one alone there would be no answer. */
static enum err
check_scope(struct parse *p, const struct search_include *include)
{
	const struct r4_type *type = include->reverse ? include->source :
	    include->target;

	if (type == NULL && !include->reverse && include->param != NULL &&
	    include->param->targets[0] != 0 && include->param->targets[1] == 0)
		type = r4_type_numbered(include->param->targets[0]);
	return type == NULL ? OK : scope_check(p->ctx, type,
	    include->reverse ? SCOPE_S : SCOPE_R,
	    include->reverse ? "search" : "read");
}

static struct parts
parts_of(struct str value)
{
	struct parts parts;

	parts.source = str_cut(&value, ':');
	parts.param = value.p == NULL ? STR_NONE : str_cut(&value, ':');
	parts.target = value;
	return parts;
}

enum err
search_take_include(struct parse *p, const struct http_param *param)
{
	struct parts parts = parts_of(param->value);
	struct search *search = p->search;
	struct search_include include = { .reverse = false };
	struct str modifier = param->name;
	enum err err;

	include.reverse = str_eqz(str_cut(&modifier, ':'), "_revinclude");
	if (search->nincludes == SEARCH_INCLUDES_MAX)
		return fail(p->ctx, ERR_INVALID_REQUEST, "A search may have "
		    "at most %d of _include and _revinclude",
		    SEARCH_INCLUDES_MAX);
	if ((err = take_modifier(p, param, modifier, &include)) != OK ||
	    p->ignored ||
	    (err = take_source(p, &parts, &include)) != OK || p->ignored ||
	    (err = take_reference(p, param, &parts, &include)) != OK ||
	    p->ignored ||
	    (err = take_target(p, &parts, &include)) != OK || p->ignored ||
	    (err = check_begin(p, param, &include)) != OK || p->ignored ||
	    (err = check_scope(p, &include)) != OK)
		return err;
	if (search->includes == NULL)
		search->includes = arena_array(p->ctx->arena,
		    SEARCH_INCLUDES_MAX, sizeof(*search->includes));
	search->includes[search->nincludes++] = include;
	return OK;
}
