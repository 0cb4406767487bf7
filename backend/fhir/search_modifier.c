/*
 * What can be asked of a parameter: the kinds, and a table that says which
 * modifiers each of them has. Searches and the CapabilityStatement read it.
 */

#include "fhir/search.h"

#include "fhir/search_query.h"

#define NITEMS(a)	(sizeof(a) / sizeof((a)[0]))

static const struct {
	int		 kind;		/* enum search_kind */
	const char	*name;
} kinds[] = {
	[R4_NUMBER] = { SEARCH_NUMBER, "number" },
	[R4_DATE] = { SEARCH_DATE, "date" },
	[R4_STRING] = { SEARCH_STRING, "string" },
	[R4_TOKEN] = { SEARCH_TOKEN, "token" },
	[R4_REFERENCE] = { SEARCH_REFERENCE, "reference" },
	[R4_COMPOSITE] = { SEARCH_COMPOSITE, "composite" },
	[R4_QUANTITY] = { SEARCH_QUANTITY, "quantity" },
	[R4_URI] = { SEARCH_URI, "uri" },
	[R4_SPECIAL] = { SEARCH_NEAR, "special" },
};

#define KIND(kind)	(1u << (kind))
#define CODED		(KIND(SEARCH_TOKEN) | KIND(SEARCH_REFERENCE))
#define ALL_KINDS	(CODED | KIND(SEARCH_URI) | KIND(SEARCH_STRING) | \
			KIND(SEARCH_DATE) | KIND(SEARCH_NUMBER) | \
			KIND(SEARCH_QUANTITY) | KIND(SEARCH_NEAR))

/* clang-format off */
static const struct row {
	const char		*name;
	unsigned		 kinds;		/* that have it here */
	unsigned		 others;	/* that have it in R4 alone */
	enum search_modifier	 modifier;
} rows[] = {
/* name		kinds			others			modifier   R4 search.html#modifiers */
{ "missing",	ALL_KINDS,		0,			SEARCH_MISSING_IS },
{ "exact",	KIND(SEARCH_STRING),	0,			SEARCH_EXACT },
{ "contains",	KIND(SEARCH_STRING),	0,			SEARCH_CONTAINS },
{ "not",	KIND(SEARCH_TOKEN),	0,			SEARCH_NOT },
{ "text",	KIND(SEARCH_TOKEN),	0,			SEARCH_TEXT },
{ "of-type",	KIND(SEARCH_TOKEN),	0,			SEARCH_OF_TYPE },
{ "identifier",	KIND(SEARCH_REFERENCE),	0,			SEARCH_IDENTIFIER },
{ "above",	KIND(SEARCH_URI),	CODED,			SEARCH_ABOVE },
{ "below",	KIND(SEARCH_URI),	CODED,			SEARCH_BELOW },
{ "in",		KIND(SEARCH_TOKEN),	0,			SEARCH_IN },
{ "not-in",	KIND(SEARCH_TOKEN),	0,			SEARCH_NOT_IN },
};
/* clang-format on */

/* :of-type is of identifiers alone; no value set has identifiers. */
static bool
has_row(const struct row *row, enum search_kind kind,
    const struct r4_param *param)
{
	bool in = row->modifier == SEARCH_IN || row->modifier == SEARCH_NOT_IN;

	return (row->kinds & KIND(kind)) != 0 &&
	    (row->modifier != SEARCH_OF_TYPE || param->identifiers) &&
	    (!in || !param->identifiers);
}

enum search_offer
search_modifier_of(enum search_kind kind, const struct r4_param *param,
    struct str name, enum search_modifier *out)
{
	size_t i;

	for (i = 0; i < NITEMS(rows); i++) {
		if (!str_eqz(name, rows[i].name))
			continue;
		*out = rows[i].modifier;
		if (has_row(&rows[i], kind, param))
			return MODIFIER_OFFERED;
		return (rows[i].others & KIND(kind)) != 0 ? MODIFIER_R4 :
		    MODIFIER_NONE;
	}
	return MODIFIER_NONE;
}

int
search_kind_of(const struct r4_param *param)
{
	if (strcmp(param->code, "_id") == 0)
		return SEARCH_ID;
	if (strcmp(param->code, "_lastUpdated") == 0)
		return SEARCH_UPDATED;
	return param->program == NULL ? -1 : kinds[param->kind].kind;
}

const char *
search_param_type(const struct r4_param *param)
{
	return search_kind_of(param) < 0 ? NULL : kinds[param->kind].name;
}

const char *
search_param_modifier(const struct r4_param *param, unsigned i)
{
	int kind = search_kind_of(param);
	size_t n;

	for (n = 0; kind >= 0 && n < NITEMS(rows); n++)
		if (has_row(&rows[n], (enum search_kind)kind, param) &&
		    i-- == 0)
			return rows[n].name;
	return NULL;
}
