/*
 * The resources that describe this server, made of the tables that drive it: an
 * OperationDefinition for each row of operations[], a SearchParameter for each
 * type and parameter that can be asked. They are beside the tenant's own
 * records of these types: a record of the same id is read in their place as
 * long as it is there, and a search finds both, ours first. R4
 * operationdefinition.html, searchparameter.html
 */
#ifndef API_DEFINITION_H
#define API_DEFINITION_H

#include "api/operation.h"
#include "fhir/search.h"

/* The body of the resource of that type and id that the server has of itself,
 * STR_NONE when it has none. */
struct str	definition_read(struct ctx *ctx, const struct r4_type *type,
		    struct str id);

/*
 * A page of a search of that type: search_parse and search_run, and of types
 * that have some, ours before the tenant's. Ours are found by _id, url, name,
 * code and status; SearchParameters by base, type and derived-from,
 * OperationDefinitions by base, kind, system, type and instance: by other
 * parameters and with modifiers none. Errors: those of both.
 */
enum err	definition_search(struct ctx *ctx, const struct r4_type *type,
		    const struct http_params *params, bool lenient,
		    struct search_page *out);

/* --- inside --------------------------------------------------------------- */

/* One of ours; either an operation, or a parameter of a type. */
struct definition {
	struct str			 id, name;
	const struct operation		*operation;
	const struct r4_type		*of;
	const struct r4_param		*param;
};

struct definitions {
	struct definition	*v;
	size_t			 n;
};

/* All of a type in the order of their ids' making; n 0 when it has none. */
struct definitions	definition_list(struct ctx *ctx,
			    const struct r4_type *type);

/* Its body. */
struct str	definition_write(struct ctx *ctx,
		    const struct definition *definition);

/* definition_param.c: of a parameter. */
struct str	definition_write_param(struct ctx *ctx,
		    const struct definition *definition);

/* When what they say was last changed. */
#define DEFINITION_CHANGED	"2026-11-23"

/* "https://.../v3/fhir/SearchParameter/Patient-name" */
struct str	definition_url(struct ctx *ctx,
		    const struct definition *definition);

#endif
