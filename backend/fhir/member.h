/*
 * Whether a resource is in a compartment, by its own bytes: of a version of the
 * past the tables of search keys know nothing. R4 compartmentdefinition.html
 */
#ifndef FHIR_MEMBER_H
#define FHIR_MEMBER_H

#include "base/ctx.h"
#include "base/jdoc.h"
#include "fhir/r4.h"

/* Compartments of one owner type: those of some owners, or of any. */
struct member_set;

/* Of these ids of `owner`; ids NULL: of any. In the arena. */
enum err	member_set(struct ctx *ctx, const struct r4_type *owner,
		    const struct str *ids, size_t n,
		    const struct member_set **out);

/* Whether records of type can be in a compartment of owner: it itself, too. */
bool		member_can(const struct r4_type *owner,
		    const struct r4_type *type);

/* Whether the resource, of that type and id, is in one of the set. */
bool		member_is(struct ctx *ctx, const struct member_set *set,
		    const struct r4_type *type, struct str id,
		    const struct jdoc *doc);

#endif
