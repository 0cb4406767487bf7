/*
 * The inner searches of chains and _has, run ahead of the outer one.
 */
#ifndef FHIR_SEARCH_GATHER_H
#define FHIR_SEARCH_GATHER_H

#include "fhir/search_plan.h"

/*
 * The rh of the records at the end of c's reference: of CHAIN those that its
 * inner searches find, of REVERSE those that what they find refers to by
 * c->param (of any type). ERR_NOT_SUPPORTED, naming c, when they are more than
 * SEARCH_LINK_MAX or come of more than SEARCH_LINK_ROWS rows.
 */
enum err	search_gather(struct ctx *ctx, struct key_space space,
		    const struct search_condition *c, struct hashes *out);

#endif
