/*
 * Profiles: does a resource keep to a stored StructureDefinition? Its snapshot
 * is read, or its differential and then the profile that it is based on:
 * cardinalities, types, fixed and pattern values, lengths, slices by value,
 * pattern, existence and type, required and extensible bindings, and the
 * profiles of extensions and other elements. Invariants (FHIRPath) are not.
 * R4 profiling.html
 */
#ifndef FHIR_PROFILE_H
#define FHIR_PROFILE_H

#include "base/ctx.h"
#include "base/jdoc.h"
#include "fhir/r4.h"

/*
 * Check the resource at node, which validate() has seen, against the profile of
 * that canonical. Whatever is wrong, an unknown profile too, becomes an issue
 * of ctx->fault with its FHIRPath. Other errors than those are returned: the
 * database.
 */
enum err	profile_check(struct ctx *ctx, const struct jdoc *d,
		    uint32_t node, const struct r4_type *type,
		    struct str canonical);

#endif
