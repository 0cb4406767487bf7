/*
 * The operations: one table of what each is called, where it may be asked, what
 * it takes and answers. The OperationDefinitions and the CapabilityStatement
 * are made of it, and input is checked against it; the addresses, rights and
 * handlers are rows of routes[], as of everything else. A test compares the
 * two. R4 operations.html
 */
#ifndef API_OPERATION_H
#define API_OPERATION_H

#include "api/route.h"
#include "fhir/parameters.h"

enum operation_level {
	OPERATION_SYSTEM = 1,	/* /v3/fhir/$name */
	OPERATION_TYPE = 2,	/* /v3/fhir/{type}/$name */
	OPERATION_INSTANCE = 4	/* /v3/fhir/{type}/{id}/$name */
};

struct operation {
	const char			*name;		/* without '$' */
	unsigned			 levels;
	const char			*types;		/* separated by blanks;
							 * NULL = all */
	bool				 affects_state;	/* POST alone */
	const char			*summary;
	/* What HL7 published of it, or NULL: the operation is ours. */
	const char			*base;
	const struct parameter_kind	*params;
};

extern const struct operation	operations[];
extern const size_t		operations_count;

/* Whether it can be asked of records of that type. */
bool	operation_is_of(const struct operation *operation,
	    const struct r4_type *type);

/* The id of its OperationDefinition: "ValueSet-expand", "Resource-validate".
 * The first of its types stands for all. */
struct str	operation_id(struct arena *arena,
		    const struct operation *operation);

/* The operation that a route asks of a type (NULL: of the whole system); NULL
 * when the table has none, so that type has no such operation. */
const struct operation	*operation_of(const struct route *route,
			    const struct r4_type *type);

/* ERR_NOT_FOUND when the call's route is an operation that its type has not. */
enum err	operation_check(struct ctx *ctx, const struct call *call);

/* What the call gives to its operation: the query's and the body's
 * parameters. Errors: parameters_read. */
enum err	operation_input(struct ctx *ctx, const struct call *call,
		    struct parameters *out);

#endif
