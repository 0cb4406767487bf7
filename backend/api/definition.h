/*
 * The resources that describe this server, made of the tables that drive it.
 * R4 operationdefinition.html
 */
#ifndef API_DEFINITION_H
#define API_DEFINITION_H

#include "base/ctx.h"
#include "fhir/r4.h"

/*
 * The resource of that type and id that the server has of itself, STR_NONE
 * when it has none. A record of the tenant with the same id goes first: it is
 * the client's, and nothing of ours may hide it.
 */
struct str	definition_read(struct ctx *ctx, const struct r4_type *type,
		    struct str id);

#endif
