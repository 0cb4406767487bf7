/*
 * Who did it and why, as told by the header X-Provenance: a Provenance without
 * target, stored in the transaction of the write with what was written as its
 * target. R4 provenance.html#header
 */
#ifndef FHIR_PROVENANCE_H
#define FHIR_PROVENANCE_H

#include "fhir/store.h"

struct provenance {
	const struct jdoc	*doc;		/* as sent; NULL: none was */
	/* What it tells of, by who writes: read when all is written. */
	struct change *const	*changes;
	const size_t		*n;
};

/* Take the header's value; empty is none. ERR_INVALID_REQUEST when it is no
 * Provenance in JSON, or has a target; the rest is checked when it is
 * stored. */
enum err	provenance_read(struct ctx *ctx, struct str header,
		    struct provenance *out);

/* What store_write_look and its kin take, with the provenance as their arg:
 * stores it, unless nothing was changed. NULL when none was sent. */
store_look	*provenance_look(const struct provenance *provenance);

#endif
