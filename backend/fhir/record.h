/*
 * The bytes of a record: the client's resource with id, versionId and
 * lastUpdated put in their places, everything else as it was sent.
 */
#ifndef FHIR_RECORD_H
#define FHIR_RECORD_H

#include "fhir/store.h"

/*
 * The body of `type` from the resource at node: resourceType, id and meta
 * first, then the client's other members in their order, byte for byte. The
 * client's own id, meta.versionId and meta.lastUpdated are left out wherever
 * they stand; its other meta members are kept. Lives in the arena.
 */
struct str	record_body(struct ctx *ctx, const struct record *record,
		    const struct jdoc *d, uint32_t node);

/* The type of a body of ours. */
const struct r4_type	*record_type(struct str body);

/* What a body of that type says of its record: type, id, ver and updated_us, as
 * record_body put them there. The rest of *out is zero. */
void		record_read(const struct r4_type *type, struct str body,
		    struct record *out);

/* A body of ours as a document, in the arena. */
const struct jdoc	*record_parse(struct arena *arena, struct str body);

/* The same of one body after the other, in memory that each uses again: {0} at
 * first. */
struct record_doc {
	struct jdoc	 d;
	struct jnode	*nodes;
	size_t		 room;
};
const struct jdoc	*record_parse_next(struct arena *arena,
			    struct str body, struct record_doc *doc);

#endif
