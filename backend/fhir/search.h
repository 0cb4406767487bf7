/*
 * Search in four steps: parameters -> struct search (neutral, checked against
 * the R4 tables) -> SQL of bounded index walks -> records. The tenant is in
 * the query itself. What cannot be asked is ERR_INVALID_PARAMETER or
 * ERR_NOT_SUPPORTED with a text that names it; with lenient it is ignored and
 * left out of the self link.
 */
#ifndef FHIR_SEARCH_H
#define FHIR_SEARCH_H

#include "fhir/store.h"
#include "wire/http.h"

#define SEARCH_COUNT_DEFAULT	50
#define SEARCH_COUNT_MAX	1000
#define SEARCH_OFFSET_MAX	10000

struct search;	/* a parsed query: fhir/search_parse.c */

/* One page of a search. */
struct search_page {
	struct record	*records;
	size_t		 n;
	struct record	*included;	/* by _include and _revinclude */
	size_t		 nincluded;
	/* Query strings (without '?') of this page and its neighbours; empty
	 * when there is none. */
	struct str	 self, first, next, previous;
	struct str	 current;	/* what to ask next for what comes
					 * later, of operations alone */
	int64_t		 total;		/* -1 = not asked */
};

/* The type of a parameter that can be asked ("token", "composite"), NULL when
 * it cannot. */
const char	*search_param_type(const struct r4_param *param);

/* The i-th modifier that a parameter can be asked with ("exact"), without
 * :[type] of references; NULL when it has no more. */
const char	*search_param_modifier(const struct r4_param *param,
		    unsigned i);

/* Whether _include and _revinclude can name it, and, of a target that is not
 * NULL, whether it can refer to one. */
bool		search_can_include(const struct r4_param *param,
		    const struct r4_type *target);

enum err	search_parse(struct ctx *ctx, const struct r4_type *type,
		    const struct http_params *params, bool lenient,
		    struct search **out);

/*
 * The same within a compartment: records of the owner Patient/id, of one type,
 * or of all types that it may have and ctx's who may search (type NULL): then
 * parameters are those of all types. ERR_NOT_FOUND when no compartments are of
 * owner, ERR_INVALID_REQUEST when records of that type are in none of them.
 * R4 compartmentdefinition.html
 */
enum err	search_parse_within(struct ctx *ctx,
		    const struct r4_type *owner, struct str id,
		    const struct r4_type *type,
		    const struct http_params *params, bool lenient,
		    struct search **out);

/* The same of the whole server: of the types that _type names, or of all that
 * ctx's who may search. Of several, parameters are those of all types. R4
 * http.html#search */
enum err	search_parse_all(struct ctx *ctx,
		    const struct http_params *params, bool lenient,
		    struct search **out);

enum err	search_run(struct ctx *ctx, struct search *search,
		    struct search_page *out);

#endif
