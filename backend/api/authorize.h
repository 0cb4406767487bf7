/*
 * Who asks, and whether they may use a route. What a search looks into besides
 * its own type is checked by fhir/search_link.c.
 */
#ifndef API_AUTHORIZE_H
#define API_AUTHORIZE_H

#include "api/route.h"

/*
 * Fill ctx->who from the claims that the edge verified (EDGE_*). Nobody is no
 * error here.
 */
void		authorize_who(struct ctx *ctx, const struct http_req *req);

/* ERR_INVALID_TOKEN or ERR_SCOPE when ctx's who may not use that route on that
 * type (NULL when it has none). */
enum err	authorize_route(struct ctx *ctx, const struct route *route,
		    const struct r4_type *type);

/* The narrowest scopes that allow that route on that type, for the 403's
 * WWW-Authenticate; empty when there are none. */
struct str	authorize_needed(struct ctx *ctx, const struct route *route,
		    const struct r4_type *type);

/* authorize_route for one verb of c r u d s: of an entry of a Bundle, or of a
 * condition. */
enum err	authorize_entry(struct ctx *ctx, const struct r4_type *type,
		    char verb);

#endif
