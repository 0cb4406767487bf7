/*
 * The inside of patching, shared by patch.c (what both forms have in common),
 * patch_json.c and patch_fhirpath.c (the operations of each) and patch_path.c
 * (FHIRPath). Nobody else includes it.
 */
#ifndef FHIR_PATCH_FORM_H
#define FHIR_PATCH_FORM_H

#include "fhir/patch.h"
#include "fhir/structure.h"
#include "fhir/tree.h"

/* One operation while it is done. */
struct patch_work {
	struct ctx		*ctx;
	struct forest		*f;
	struct tree		*root;	/* the record; JSON Patch may replace
					 * it */
	const struct r4_structure *s;	/* of the root */
	struct str		 at;	/* "[2]", for issues */
	size_t			 steps;	/* elements that paths looked at */
};

/* The patch cannot be done to this record as it is: 422. */
enum err	patch_misfit(struct patch_work *w, const char *fmt, ...)
		    __attribute__((format(printf, 2, 3)));

/* What the operation at w->at says is no patch: 400. */
enum err	patch_malformed(struct patch_work *w, const char *fmt, ...)
		    __attribute__((format(printf, 2, 3)));

/* --- patch_json.c, patch_fhirpath.c --------------------------------------- */

enum err	patch_json(struct patch_work *w, const struct patch *patch);
enum err	patch_fhirpath(struct patch_work *w,
		    const struct patch *patch);

/* --- patch_path.c --------------------------------------------------------- */

/*
 * An element that a path found: member `name` of object, or its index-th value.
 * The values of a primitive and what _name holds of it are one element.
 */
struct spot {
	struct tree			*object;	/* NULL: the root */
	const struct r4_element		*row;	/* NULL of the root */
	size_t				 index;	/* SIZE_MAX: it does not
						 * repeat */
	/* What members are looked for in; NULL when it has none. Of a
	 * primitive that is its _name. */
	struct tree			*inside;
	const struct r4_structure	*s;
	struct tree			*value;	/* NULL: extensions alone */
};

struct spots {
	struct spot	*v;
	size_t		 n, room;
};

/* The member of a row, and of its sibling "_name". */
struct str	patch_member(const struct r4_element *row);
struct str	patch_sibling(struct forest *f, const struct r4_element *row);

/*
 * All elements that the path finds, in their order. Of FHIRPath it knows
 * members, [n], first(), last(), single(), where(a.b = value and ...) and
 * extension('url'); everything else is ERR_NOT_SUPPORTED by name, and an
 * element that the type does not have ERR_VALIDATION. R4 fhirpath.html#simple
 */
enum err	patch_path(struct patch_work *w, struct str path,
		    struct spots *out);

#endif
