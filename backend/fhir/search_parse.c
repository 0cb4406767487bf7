/*
 * Parameters become a struct search. A table says what each general parameter
 * does; whatever is neither in it nor a parameter of the type is refused by
 * name, or, with lenient, left out.
 */

#include "fhir/search.h"

#include "fhir/search_parse.h"

#define NITEMS(a)	(sizeof(a) / sizeof((a)[0]))

enum err
search_refuse(struct parse *p, enum err err, struct str text)
{
	p->ignored = true;
	if (!p->lenient)
		return fail(p->ctx, err, "%.*s", STR_ARGS(text));
	fault_warn(p->ctx, STR_NONE, "Ignored: %.*s", STR_ARGS(text));
	return OK;
}

/* Of every type. R4 search.html#all */
static bool
is_general(struct str code)
{
	return str_starts(code, STR("_")) && !str_starts(code, STR("_has"));
}

static enum err
one_type_alone(struct parse *p, const char *what, struct str name)
{
	return REFUSE(p, ERR_INVALID_REQUEST,
	    "%s '%.*s' is of one type alone; name the type instead of '*', or "
	    "search by _id, _lastUpdated, _profile, _security, _source or "
	    "_tag", what, STR_ARGS(name));
}

/* --- parameters of every type --------------------------------------------- */

static enum err
once(struct parse *p, bool *seen, const char *name)
{
	if (*seen)
		return fail(p->ctx, ERR_INVALID_REQUEST,
		    "Search parameter '%s' may be given once", name);
	*seen = true;
	return OK;
}

static enum err
take_count(struct parse *p, const struct http_param *param)
{
	uint64_t n;
	enum err err = once(p, &p->counted, "_count");

	if (err != OK)
		return err;
	if (!str_u64(param->value, UINT32_MAX, &n))
		return fail(p->ctx, ERR_INVALID_PARAMETER,
		    "Search parameter '_count' must be a number, 0 to %d",
		    SEARCH_COUNT_MAX);
	p->search->count = n < SEARCH_COUNT_MAX ? (int)n : SEARCH_COUNT_MAX;
	return OK;
}

/* The links say how many a page has. R4 search.html#count */
static struct http_param
counted(const struct parse *p)
{
	return (struct http_param){ STR("_count"), arena_printf(p->ctx->arena,
	    "%d", p->search->count) };
}

static enum err
take_offset(struct parse *p, const struct http_param *param)
{
	uint64_t n;
	enum err err = once(p, &p->skipped, "_offset");

	if (err != OK)
		return err;
	if (!str_u64(param->value, SEARCH_OFFSET_MAX, &n))
		return fail(p->ctx, ERR_INVALID_PARAMETER,
		    "Search parameter '_offset' must be a number, 0 to %d; to "
		    "read further follow the Bundle's next links",
		    SEARCH_OFFSET_MAX);
	p->search->offset = (int)n;
	return OK;
}

/* R4 search.html#total */
static enum err
take_total(struct parse *p, const struct http_param *param)
{
	enum err err = once(p, &p->totalled, "_total");

	if (err != OK)
		return err;
	p->search->estimates = str_eqz(param->value, "estimate");
	p->search->totals = p->search->estimates ||
	    str_eqz(param->value, "accurate");
	if (!p->search->totals && !str_eqz(param->value, "none"))
		return fail(p->ctx, ERR_INVALID_PARAMETER,
		    "Search parameter '_total' must be none, estimate or "
		    "accurate");
	return OK;
}

/* _summary, _elements. R4 search.html#summary, #elements */
static enum err
take_subset(struct parse *p, const struct http_param *param)
{
	struct search *search = p->search;
	struct str wrong;
	enum err err = search->ntypes > 0 ? subset_take(p->ctx, search->types,
	    search->ntypes, param, &search->subset, &wrong) :
	    subset_take(p->ctx, &search->type, 1, param, &search->subset,
	    &wrong);

	search->counts = search->subset.kind == SUBSET_COUNT;
	if (err == OK)
		return OK;
	return REFUSE(p, err, "%.*s", STR_ARGS(wrong));
}

static enum err
take_cursor(struct parse *p, const struct http_param *param)
{
	p->search->cursor = param->value;
	return OK;
}

static const char *const json_types[] = { "json", "application/json",
	"application/fhir+json", "application/fhir json", "text/json" };

static enum err
take_format(struct parse *p, const struct http_param *param)
{
	struct str type = param->value;
	size_t i;

	type = str_trim(str_cut(&type, ';'));
	for (i = 0; i < NITEMS(json_types); i++)
		if (str_ieq(type, str_of(json_types[i])))
			return OK;
	return fail(p->ctx, ERR_NOT_ACCEPTABLE,
	    "Search parameter '_format': only application/fhir+json is "
	    "offered by this server");
}

/* Answers are the stored bytes: there is nothing to make pretty. */
static enum err
take_nothing(struct parse *p, const struct http_param *param)
{
	(void)param;
	p->ignored = true;
	return OK;
}

static enum err
not_offered(struct parse *p, const struct http_param *param)
{
	return REFUSE(p, ERR_NOT_SUPPORTED,
	    "Search parameter '%.*s' is not offered by this server",
	    STR_ARGS(param->name));
}

/* What _sort can name: what has one value to compare. R4 search.html#sort */
static bool
sort_kind(const struct r4_param *param, enum search_kind *out)
{
	int kind = param == NULL ? -1 : search_kind_of(param);

	if (kind < 0 || kind == SEARCH_COMPOSITE || kind == SEARCH_NEAR)
		return false;
	*out = (enum search_kind)kind;
	return true;
}

enum err
search_unknown(struct parse *p, const struct r4_type *type, struct str code,
    const char *what)
{
	const char *near = search_nearest(type, code);

	return REFUSE(p, ERR_INVALID_REQUEST,
	    "%s '%.*s' is unknown for %s%s%s%s", what, STR_ARGS(code),
	    type->name, near == NULL ? "" : "; did you mean '",
	    near == NULL ? "" : near, near == NULL ? "" : "'?");
}

static enum err
take_sort_key(struct parse *p, struct str key)
{
	struct search *search = p->search;
	struct search_sort *sort = &search->sort[search->nsort];
	bool descending = str_starts(key, STR("-"));
	struct str code = str_from(key, descending ? 1 : 0);

	if (search->nsort == SEARCH_SORT_MAX)
		return fail(p->ctx, ERR_INVALID_PARAMETER,
		    "Search parameter '_sort' takes at most %d keys",
		    SEARCH_SORT_MAX);
	sort->descending = descending;
	sort->param = r4_param_named(search->type, code);
	if (search->ntypes > 0 && !str_eqz(code, "_id") &&
	    !str_eqz(code, "_lastUpdated"))
		return one_type_alone(p, "Sort key", code);
	if (sort_kind(sort->param, &sort->kind)) {
		search->nsort++;
		return OK;
	}
	if (sort->param == NULL)
		return search_unknown(p, search->type, code, "Sort key");
	return REFUSE(p, ERR_NOT_SUPPORTED,
	    "Sort key '%.*s' is not offered by this server: its values have no "
	    "order", STR_ARGS(code));
}

/* The types were chosen before. */
static enum err
take_type(struct parse *p, const struct http_param *param)
{
	enum err err = once(p, &p->typed, "_type");

	if (err != OK || p->search->whole)
		return err;
	return REFUSE(p, ERR_INVALID_REQUEST,
	    "Search parameter '%.*s' is of searches of the whole server, "
	    "/fhir?_type=Patient,Observation", STR_ARGS(param->name));
}

static enum err
take_sort(struct parse *p, const struct http_param *param)
{
	struct str rest = param->value;
	enum err err = once(p, &p->sorted, "_sort");

	while (err == OK && rest.p != NULL)
		err = take_sort_key(p, str_cut(&rest, ','));
	if (p->ignored)
		p->search->nsort = 0;
	return err;
}

/* clang-format off */
static const struct general {
	const char	*name;
	enum err	(*take)(struct parse *, const struct http_param *);
	bool		 linked;	/* the links repeat it */
} generals[] = {
/* name			take		linked    R4 search.html */
{ "_count",		take_count,	true },		/* #count */
{ "_offset",		take_offset,	false },
{ "_cursor",		take_cursor,	false },
{ "_sort",		take_sort,	true },		/* #sort */
{ "_format",		take_format,	true },		/* http.html#parameters */
{ "_pretty",		take_nothing,	false },
{ "_include",		search_take_include, true },	/* #revinclude */
{ "_revinclude",	search_take_include, true },
{ "_elements",		take_subset,	true },		/* #elements */
{ "_summary",		take_subset,	true },		/* #summary */
{ "_total",		take_total,	true },		/* #total */
{ "_contained",		not_offered,	false },	/* #contained */
{ "_containedType",	not_offered,	false },
{ "_score",		not_offered,	false },	/* #score */
{ "_filter",		not_offered,	false },	/* search_filter.html */
{ "_query",		not_offered,	false },	/* #query */
{ "_text",		not_offered,	false },	/* #text */
{ "_content",		not_offered,	false },
{ "_list",		search_take_list, true },	/* #list */
{ "_type",		take_type,	true },		/* #system */
};

/* --- modifiers ------------------------------------------------------------ */

static enum err
no_modifier(struct parse *p, struct str code, struct str modifier,
    bool known)
{
	if (known)
		return REFUSE(p, ERR_NOT_SUPPORTED,
		    "Search parameter '%.*s' with modifier ':%.*s' is not "
		    "offered by this server", STR_ARGS(code),
		    STR_ARGS(modifier));
	return REFUSE(p, ERR_INVALID_REQUEST,
	    "Search parameter '%.*s' has no modifier ':%.*s'",
	    STR_ARGS(code), STR_ARGS(modifier));
}

/* Set c's modifier (or kind, for :missing) and the :Type of a reference. */
static enum err
take_modifier(struct parse *p, struct search_condition *c, struct str code,
    struct str modifier, const struct r4_type **target)
{
	switch (search_modifier_of(c->kind, c->param, modifier,
	    &c->modifier)) {
	case MODIFIER_OFFERED:
		if (c->modifier == SEARCH_MISSING_IS)
			c->kind = SEARCH_MISSING;
		return OK;
	case MODIFIER_R4:
		return no_modifier(p, code, modifier, true);
	default:
		break;
	}
	if (c->kind == SEARCH_REFERENCE)
		*target = r4_type_named(modifier);
	if (*target == NULL)
		return no_modifier(p, code, modifier, false);
	c->modifier = SEARCH_TYPED;
	return OK;
}

/* --- parameters of the type ----------------------------------------------- */

enum err
search_add_condition(struct parse *p, const struct search_condition *c)
{
	struct search *search = p->search;

	if (search->n == SEARCH_CONDITIONS_MAX)
		return fail(p->ctx, ERR_INVALID_REQUEST,
		    "A search may have at most %d conditions",
		    SEARCH_CONDITIONS_MAX);
	search->conditions[search->n++] = *c;
	return OK;
}

/* Of a composite with a string there are no rows, because its group is the
 * whole record: it is its components, as conditions of their own. Alternatives
 * would be an OR of ANDs. */
static enum err
add_components(struct parse *p, const struct search_condition *c)
{
	enum err err = OK;
	size_t i;

	if (c->n > 1)
		return REFUSE(p, ERR_NOT_SUPPORTED,
		    "Search parameter '%s' takes one alternative on this "
		    "server", c->param->code);
	for (i = 0; c->param->components[i] != NULL && err == OK; i++)
		err = search_add_condition(p, &(struct search_condition){
			.kind = (enum search_kind)
			    search_kind_of(c->param->components[i]),
			.param = c->param->components[i],
			.values = &c->values[0].parts[i],
			.n = 1,
		});
	return err;
}

static bool
has_string(const struct r4_param *composite)
{
	const struct r4_param *const *part = composite->components;

	while (*part != NULL && (*part)->kind != R4_STRING)
		part++;
	return *part != NULL;
}

enum err
search_take_condition(struct parse *p, const struct http_param *param)
{
	const struct r4_type *type = p->search->type;
	struct search_condition c = { .n = 0 };
	struct str modifier = param->name;
	struct str code = str_cut(&modifier, ':');
	const struct r4_type *target = NULL;
	int kind;
	enum err err;

	if (p->search->ntypes > 0 && !is_general(code))
		return one_type_alone(p, "Search parameter", param->name);
	if (search_is_link(param->name))
		return search_take_link(p, param);
	c.param = r4_param_named(type, code);
	if (c.param == NULL)
		return search_unknown(p, type, code, "Search parameter");
	if ((kind = search_kind_of(c.param)) < 0)
		return REFUSE(p, ERR_NOT_SUPPORTED,
		    "Search parameter '%.*s' is not offered by this server",
		    STR_ARGS(code));
	c.kind = (enum search_kind)kind;
	if (modifier.p != NULL) {
		err = take_modifier(p, &c, code, modifier, &target);
		if (err != OK || p->ignored)
			return err;
		if (c.kind == SEARCH_MISSING && p->search->ntypes > 0)
			return one_type_alone(p, "Search parameter",
			    param->name);
	}
	if ((err = search_values(p->ctx, &c, target, param->name,
	    param->value)) != OK)
		return err;
	if (c.kind == SEARCH_COMPOSITE && has_string(c.param))
		return add_components(p, &c);
	return search_add_condition(p, &c);
}

static enum err
take_param(struct parse *p, const struct http_param *param)
{
	struct str rest = param->name;
	struct str code = str_cut(&rest, ':');
	const struct general *general = NULL;
	bool linked;
	size_t i;
	enum err err;

	p->ignored = false;
	p->links = p->branches = 0;
	for (i = 0; i < NITEMS(generals) && general == NULL; i++)
		if (str_eqz(code, generals[i].name))
			general = &generals[i];
	linked = general == NULL || general->linked;
	if (param->value.n == 0)
		return REFUSE(p, ERR_INVALID_PARAMETER,
		    "Search parameter '%.*s' has no value",
		    STR_ARGS(param->name));
	if (general == NULL)
		err = search_take_condition(p, param);
	else if (rest.p != NULL && general->take != not_offered &&
	    general->take != search_take_include)
		err = no_modifier(p, code, rest, false);
	else
		err = general->take(p, param);
	if (err == OK && linked && !p->ignored)
		p->search->applied[p->search->napplied++] = general != NULL &&
		    general->take == take_count ? counted(p) : *param;
	return err;
}

static struct search *
search_new(struct ctx *ctx, const struct r4_type *type,
    const struct http_params *params)
{
	struct search *search = arena_zero(ctx->arena, sizeof(*search));

	search->type = type;
	search->count = SEARCH_COUNT_DEFAULT;
	search->conditions = arena_array(ctx->arena, SEARCH_CONDITIONS_MAX,
	    sizeof(*search->conditions));
	search->applied = arena_array(ctx->arena, params->n,
	    sizeof(*search->applied));
	return search;
}

static enum err
take_params(struct ctx *ctx, struct search *search,
    const struct http_params *params, bool lenient)
{
	struct parse p = { .ctx = ctx, .search = search, .lenient = lenient };
	size_t i;
	enum err err;

	for (i = 0; i < params->n; i++)
		if ((err = take_param(&p, &params->v[i])) != OK)
			return err;
	if (search->cursor.n > 0 && search->offset > 0)
		return fail(ctx, ERR_INVALID_REQUEST,
		    "'_offset' and '_cursor' cannot be combined");
	return OK;
}

enum err
search_parse(struct ctx *ctx, const struct r4_type *type,
    const struct http_params *params, bool lenient, struct search **out)
{
	*out = search_new(ctx, type, params);
	return take_params(ctx, *out, params, lenient);
}

enum err
search_parse_all(struct ctx *ctx, const struct http_params *params,
    bool lenient, struct search **out)
{
	enum err err;

	*out = search_new(ctx, NULL, params);
	if ((err = search_choose_types(ctx, *out, params)) != OK)
		return err;
	return take_params(ctx, *out, params, lenient);
}

enum err
search_parse_within(struct ctx *ctx, const struct r4_type *owner,
    struct str id, const struct r4_type *type,
    const struct http_params *params, bool lenient, struct search **out)
{
	enum err err;

	*out = search_new(ctx, type, params);
	if ((err = search_enter(ctx, *out, owner, id)) != OK)
		return err;
	return take_params(ctx, *out, params, lenient);
}
