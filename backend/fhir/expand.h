/*
 * Value sets as lists of codes: $expand, $validate-code, searches by :in and
 * the bindings of profiles all ask here. R4 valueset.html#compositions
 */
#ifndef FHIR_EXPAND_H
#define FHIR_EXPAND_H

#include "fhir/terms.h"

/* More codes are too costly (422). R4 valueset-operation-expand.html */
#define EXPANSION_MAX		20000
/* Value sets within value sets, so that a circle ends; and how many in all. */
#define EXPANSION_DEPTH_MAX	8
#define EXPANSION_SETS_MAX	100

struct expansion_code {
	struct str	system, code, display;
	bool		inactive;
};

struct expansion {
	struct term		 value_set;
	struct expansion_code	*v;	/* in the order they are composed */
	size_t			 n, room;
	size_t			*slots;	/* hash table: 1 + index */
	size_t			 nslots;
};

/*
 * Expand a value set: compose.include and .exclude of listed concepts, whole
 * code systems, filters and other value sets; one that has an expansion alone
 * by that. ERR_VALIDATION (422), with the issue-type, when a code system or
 * value set in it is neither stored nor of R4 (not-found) or not complete
 * (incomplete), a filter is not done (not-supported), or it has too many codes
 * (too-costly).
 */
enum err	expand(struct ctx *ctx, const struct term *value_set,
		    struct expansion *out);

/* The same by its canonical; ERR_NOT_FOUND, said, when there is none. */
enum err	expand_named(struct ctx *ctx, struct str canonical,
		    struct expansion *out);

/* The code of that system, NULL when the expansion has none. Without a system
 * (p is NULL) the first of that code. */
const struct expansion_code	*expansion_find(const struct expansion *e,
				    struct str system, struct str code);

#endif
