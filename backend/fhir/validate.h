/*
 * Structural validation: is this JSON value a resource that R4 allows? Checked
 * against the generated tables: unknown elements, JSON types, cardinality,
 * required bindings, formats of primitives, ids, references, choice types,
 * contained resources, extensions on any element and primitive ("_birthDate").
 */
#ifndef FHIR_VALIDATE_H
#define FHIR_VALIDATE_H

#include "base/ctx.h"
#include "base/jdoc.h"
#include "fhir/r4.h"

/*
 * Check the resource at `node` as `type`. Every problem becomes an issue of
 * ctx->fault with its FHIRPath ("Patient.contact[0].name"); returns OK or
 * ERR_VALIDATION. The root's id and meta.versionId/lastUpdated are checked for
 * form only.
 */
enum err	validate(struct ctx *ctx, const struct jdoc *d, uint32_t node,
		    const struct r4_type *type);

/* [A-Za-z0-9-.]{1,64}. R4 datatypes.html#id */
bool		fhir_id_valid(struct str id);

#endif
