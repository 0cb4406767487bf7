/*
 * Parameters become a struct search. A table says what each general parameter
 * does and another which modifiers a kind of parameter has; whatever is in
 * neither is refused by name, or, with lenient, left out.
 */

#include "fhir/search.h"

#include "fhir/search_query.h"

#define NITEMS(a)	(sizeof(a) / sizeof((a)[0]))

struct parse {
	struct ctx		*ctx;
	struct search		*search;
	bool			 lenient;
	bool			 ignored;	/* the parameter at hand */
	bool			 counted, sorted, skipped;	/* seen */
};

/* Say why a parameter cannot be asked: an error, or with lenient a warning
 * and the parameter does not count. R4 search.html#errors */
static enum err
refuse(struct parse *p, enum err err, struct str text)
{
	p->ignored = true;
	if (!p->lenient)
		return fail(p->ctx, err, "%.*s", STR_ARGS(text));
	fault_warn(p->ctx, STR_NONE, "Ignored: %.*s", STR_ARGS(text));
	return OK;
}

#define REFUSE(p, err, ...)	\
	refuse((p), (err), arena_printf((p)->ctx->arena, __VA_ARGS__))

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

/* What _sort can name. R4 search.html#sort */
static bool
sort_kind(const struct r4_param *param, struct str code,
    enum search_kind *kind)
{
	if (str_eqz(code, "_id"))
		*kind = SEARCH_ID;
	else if (str_eqz(code, "_lastUpdated"))
		*kind = SEARCH_UPDATED;
	else if (param != NULL && param->kind == R4_DATE)
		*kind = SEARCH_DATE;
	else if (param != NULL && param->kind == R4_STRING)
		*kind = SEARCH_STRING;
	else
		return false;
	return true;
}

static enum err
unknown_name(struct parse *p, struct str code, const char *what)
{
	const struct r4_type *type = p->search->type;
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
	if (sort_kind(sort->param, code, &sort->kind)) {
		search->nsort++;
		return OK;
	}
	if (sort->param == NULL)
		return unknown_name(p, code, "Sort key");
	return REFUSE(p, ERR_NOT_SUPPORTED,
	    "Sort key '%.*s' is not offered by this server; _sort takes _id, "
	    "_lastUpdated and parameters of type date or string",
	    STR_ARGS(code));
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
{ "_include",		not_offered,	false },	/* #revinclude */
{ "_revinclude",	not_offered,	false },
{ "_elements",		not_offered,	false },	/* #elements */
{ "_summary",		not_offered,	false },	/* #summary */
{ "_total",		not_offered,	false },	/* #total */
{ "_contained",		not_offered,	false },	/* #contained */
{ "_containedType",	not_offered,	false },
{ "_score",		not_offered,	false },	/* #score */
{ "_has",		not_offered,	false },	/* #has */
{ "_filter",		not_offered,	false },	/* search_filter.html */
{ "_query",		not_offered,	false },	/* #query */
{ "_text",		not_offered,	false },	/* #text */
{ "_content",		not_offered,	false },
{ "_list",		not_offered,	false },	/* #list */
{ "_type",		not_offered,	false },
};

/* --- modifiers ------------------------------------------------------------ */

#define KIND(kind)	(1u << (kind))

static const struct modifier_row {
	const char	*name;
	unsigned	 kinds;		/* that have it; 0: none here */
	int		 modifier;
} modifier_rows[] = {
/* name		kinds			modifier	     R4 search.html#modifiers */
{ "exact",	KIND(SEARCH_STRING),	SEARCH_EXACT },
{ "contains",	KIND(SEARCH_STRING),	SEARCH_CONTAINS },
{ "not",	KIND(SEARCH_TOKEN),	SEARCH_NOT },
{ "text",	KIND(SEARCH_TOKEN),	SEARCH_TEXT },
{ "of-type",	KIND(SEARCH_TOKEN),	SEARCH_OF_TYPE },
{ "identifier",	KIND(SEARCH_REFERENCE),	SEARCH_IDENTIFIER },
{ "in",		0,			0 },
{ "not-in",	0,			0 },
{ "above",	0,			0 },
{ "below",	0,			0 },
{ "iterate",	0,			0 },
{ "recurse",	0,			0 },
};
/* clang-format on */

static const struct modifier_row *
modifier_named(struct str name)
{
	size_t i;

	for (i = 0; i < NITEMS(modifier_rows); i++)
		if (str_eqz(name, modifier_rows[i].name))
			return &modifier_rows[i];
	return NULL;
}

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
	const struct modifier_row *row = modifier_named(modifier);

	if (str_eqz(modifier, "missing") && c->param != NULL &&
	    c->kind != SEARCH_ID && c->kind != SEARCH_UPDATED) {
		c->kind = SEARCH_MISSING;
		return OK;
	}
	if (c->kind == SEARCH_REFERENCE && row == NULL) {
		*target = r4_type_named(modifier);
		c->modifier = SEARCH_TYPED;
		if (*target == NULL)
			return no_modifier(p, code, modifier, false);
		return OK;
	}
	if (row == NULL || row->kinds == 0)
		return no_modifier(p, code, modifier, row != NULL);
	if ((row->kinds & KIND(c->kind)) == 0 ||
	    (row->modifier == SEARCH_OF_TYPE &&
	    (c->param == NULL || !c->param->identifiers)))
		return no_modifier(p, code, modifier, false);
	c->modifier = (enum search_modifier)row->modifier;
	return OK;
}

/* --- parameters of the type ----------------------------------------------- */

static const int kind_of[] = {
	[R4_NUMBER] = -1,
	[R4_DATE] = SEARCH_DATE,
	[R4_STRING] = SEARCH_STRING,
	[R4_TOKEN] = SEARCH_TOKEN,
	[R4_REFERENCE] = SEARCH_REFERENCE,
	[R4_COMPOSITE] = -1,
	[R4_QUANTITY] = -1,
	[R4_URI] = SEARCH_URI,
	[R4_SPECIAL] = -1,
};

/* The condition on parameter `code`: false when we cannot search by it. */
static bool
condition_kind(struct search_condition *c, struct str code)
{
	int kind;

	if (str_eqz(code, "_id"))
		c->kind = SEARCH_ID;
	else if (str_eqz(code, "_lastUpdated"))
		c->kind = SEARCH_UPDATED;
	else {
		kind = c->param == NULL ? -1 : kind_of[c->param->kind];
		if (kind < 0)
			return false;
		c->kind = (enum search_kind)kind;
	}
	return true;
}

static enum err
take_condition(struct parse *p, const struct http_param *param)
{
	struct search *search = p->search;
	struct search_condition c = { .n = 0 };
	struct str modifier = param->name;
	struct str code = str_cut(&modifier, ':');
	const struct r4_type *target = NULL;
	enum err err;

	if (str_has(param->name, '.'))
		return REFUSE(p, ERR_NOT_SUPPORTED,
		    "Chained search parameter '%.*s' is not offered by this "
		    "server", STR_ARGS(param->name));
	c.param = r4_param_named(search->type, code);
	if (c.param == NULL && !str_eqz(code, "_id") &&
	    !str_eqz(code, "_lastUpdated"))
		return unknown_name(p, code, "Search parameter");
	if (!condition_kind(&c, code))
		return REFUSE(p, ERR_NOT_SUPPORTED,
		    "Search parameter '%.*s' is not offered by this server",
		    STR_ARGS(code));
	if (modifier.p != NULL) {
		err = take_modifier(p, &c, code, modifier, &target);
		if (err != OK || p->ignored)
			return err;
	}
	if (search->n == SEARCH_CONDITIONS_MAX)
		return fail(p->ctx, ERR_INVALID_REQUEST,
		    "A search may have at most %d conditions",
		    SEARCH_CONDITIONS_MAX);
	if ((err = search_values(p->ctx, &c, target, param->name,
	    param->value)) != OK)
		return err;
	search->conditions[search->n++] = c;
	return OK;
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
	for (i = 0; i < NITEMS(generals) && general == NULL; i++)
		if (str_eqz(code, generals[i].name))
			general = &generals[i];
	linked = general == NULL || general->linked;
	if (param->value.n == 0)
		return REFUSE(p, ERR_INVALID_PARAMETER,
		    "Search parameter '%.*s' has no value",
		    STR_ARGS(param->name));
	if (general == NULL)
		err = take_condition(p, param);
	else if (rest.p != NULL && general->take != not_offered)
		err = no_modifier(p, code, rest, false);
	else
		err = general->take(p, param);
	if (err == OK && linked && !p->ignored)
		p->search->applied[p->search->napplied++] = *param;
	return err;
}

enum err
search_parse(struct ctx *ctx, const struct r4_type *type,
    const struct http_params *params, bool lenient, struct search **out)
{
	struct search *search = arena_zero(ctx->arena, sizeof(*search));
	struct parse p = { .ctx = ctx, .search = search, .lenient = lenient };
	size_t i;
	enum err err;

	search->type = type;
	search->count = SEARCH_COUNT_DEFAULT;
	search->conditions = arena_array(ctx->arena, SEARCH_CONDITIONS_MAX,
	    sizeof(*search->conditions));
	search->applied = arena_array(ctx->arena, params->n,
	    sizeof(*search->applied));
	for (i = 0; i < params->n; i++)
		if ((err = take_param(&p, &params->v[i])) != OK)
			return err;
	if (search->cursor.n > 0 && search->offset > 0)
		return fail(ctx, ERR_INVALID_REQUEST,
		    "'_offset' and '_cursor' cannot be combined");
	*out = search;
	return OK;
}
