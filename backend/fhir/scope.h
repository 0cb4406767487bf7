/*
 * Scopes: one table of what each of the product's scopes allows, level x type
 * x verbs. Read by authorization (api/), by the authorization server (oauth/)
 * and by the capability statement.
 */
#ifndef FHIR_SCOPE_H
#define FHIR_SCOPE_H

#include "base/ctx.h"
#include "fhir/r4.h"

/* The verbs of SMART v2: create read update delete search. */
enum scope_verb { SCOPE_C = 1, SCOPE_R = 2, SCOPE_U = 4, SCOPE_D = 8,
	SCOPE_S = 16 };

/* Whether a space-separated scope string allows verb (one or more bits, all
 * needed) on type. */
bool		scope_allows(struct str scopes, const struct r4_type *type,
		    unsigned verbs);

/* ERR_SCOPE, naming the scope that it takes, when ctx's who may not; what is
 * the verb in words ("search"). */
enum err	scope_check(struct ctx *ctx, const struct r4_type *type,
		    unsigned verbs, const char *what);

/* Whether scope is one that a client may be given. */
bool		scope_known(struct str scope);

/* The narrowest scope that would allow it, for the 403's WWW-Authenticate; a
 * static string, empty when there is none. */
struct str	scope_needed(const struct r4_type *type, unsigned verbs);

/* All known scopes, in the spec's order; NULL-terminated. */
extern const char *const	scope_names[];

/* Every scope of `asked` is in `allowed`. */
bool		scope_within(struct str asked, struct str allowed);

#endif
