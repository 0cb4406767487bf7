/*
 * What the files of profile checking share: profile.c walks, profile_slice.c
 * says which slice a value belongs to, profile_binding.c looks at codes.
 */
#ifndef FHIR_PROFILE_WALK_H
#define FHIR_PROFILE_WALK_H

#include "fhir/expand.h"
#include "fhir/profile_read.h"
#include "fhir/walk.h"

/* What was read, by its canonical; found false: there is none, or it cannot be
 * expanded. */
struct known_profile {
	struct known_profile	*next;
	struct str		 canonical;
	bool			 found;
	struct profile		 profile;
};

struct known_set {
	struct known_set	*next;
	struct str		 canonical;
	bool			 found, told;
	struct expansion	 codes;
};

/* One check. */
struct checker {
	struct walk		 w;
	struct known_profile	*profiles;
	struct known_set	*sets;
	unsigned		 depth;	/* profiles within profiles */
	uint64_t		 steps;	/* done so far */
	enum err		 err;	/* of the database */
};

/* One value that an element has, with the JSON member it is in ("valueCode" of
 * a choice). node 0: it has extensions only. */
struct value {
	struct str	member;
	uint32_t	node;
};

/* --- profile_slice.c ------------------------------------------------------ */

enum slicing { SLICE_NO, SLICE_YES, SLICE_UNKNOWN };

/* Whether a value belongs to the slice by the discriminators of `sliced`, the
 * element that is cut; SLICE_UNKNOWN when these are not done here. */
enum slicing	profile_in_slice(struct checker *c, const struct profile *p,
		    size_t sliced, size_t slice, struct value value);

/* --- profile_binding.c ---------------------------------------------------- */

/* The binding of the element, if it has one that says more than an example. */
void		profile_check_binding(struct checker *c,
		    const struct profile *p, size_t element,
		    const struct place *at, uint32_t value);

/* Whether a code, Coding or CodeableConcept has a code of the value set that
 * the element is bound to; false when it has none. */
bool		profile_is_bound(struct checker *c, const struct profile *p,
		    size_t element, uint32_t value);

#endif
