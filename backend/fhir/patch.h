/*
 * Patches: changes to some elements of a record, in the two forms of R4. They
 * take the stored bytes and give the new ones; whatever a patch does not name
 * stays byte for byte. Pure functions: reading and writing the record under
 * its lock is the caller's. R4 http.html#patch
 *
 * A patch that is malformed is ERR_INVALID_REQUEST (400); one that does not fit
 * this record (an element that is not there, a failed test, a wrong type) is
 * ERR_VALIDATION (422). Issues name the operation: "[2]",
 * "Parameters.parameter[2]". RFC 5789 2.2
 */
#ifndef FHIR_PATCH_H
#define FHIR_PATCH_H

#include "base/ctx.h"
#include "base/jdoc.h"
#include "fhir/r4.h"

#define MEDIA_JSON_PATCH	"application/json-patch+json"

/* Each operation walks from the root. */
#define PATCH_OPERATIONS_MAX	1000

enum patch_form { PATCH_JSON, PATCH_FHIRPATH };

struct patch {
	enum patch_form		 form;
	const struct jdoc	*doc;	/* the array, or the Parameters, at */
	uint32_t		 node;	/* node; checked for its form */
};

/* Read a patch of that form from the value at node; its doc is borrowed. */
enum err	patch_read(struct ctx *ctx, enum patch_form form,
		    const struct jdoc *doc, uint32_t node,
		    struct patch *out);

/*
 * Read the patch that the resource at node is or holds: a Parameters resource
 * is a FHIRPath Patch, a Binary of contentType MEDIA_JSON_PATCH holds a JSON
 * Patch in its data. R4 http.html#transaction
 */
enum err	patch_read_resource(struct ctx *ctx, const struct jdoc *doc,
		    uint32_t node, struct patch *out);

/*
 * Apply the patch to a record's body: all of its operations, in their order, or
 * none. *out is the new body in ctx's arena, parsed. id, resourceType,
 * meta.versionId and meta.lastUpdated must not be changed (they may be left
 * out). The result is JSON and of no other promise: store_write validates it.
 */
enum err	patch_apply(struct ctx *ctx, const struct patch *patch,
		    const struct r4_type *type, struct str body,
		    const struct jdoc **out);

#endif
