/*
 * A StructureDefinition as a tree of elements, and JSON values compared with
 * fixed ones and patterns. Internal to profile*.c.
 */
#ifndef FHIR_PROFILE_READ_H
#define FHIR_PROFILE_READ_H

#include "base/ctx.h"
#include "base/jdoc.h"

/* One element; one that a differential leaves out has no node (0). */
struct element {
	struct str	path;		/* "Patient.name" */
	struct str	name;		/* "name"; of a choice "value[x]" */
	struct str	slice;		/* sliceName; may be empty */
	uint32_t	node;
	size_t		up;		/* of itself for the root, 0 */
};

struct profile {
	const struct jdoc	*d;
	struct str		 url, type, base;
	bool			 whole;		/* has a snapshot */
	struct element		*v;		/* the root first */
	size_t			 n, room;
};

/* More elements are no profile of anything that R4 has. */
#define PROFILE_ELEMENTS_MAX	5000

/* The profile of that canonical; ERR_NOT_FOUND, not said, when none is stored.
 * One whose elements cannot be a tree has none (n is 0). */
enum err	profile_read(struct ctx *ctx, struct str canonical,
		    struct profile *out);

/* The children of an element: the first element after `after`
 * whose parent is `up`, 0 when there is none. Start with after = up. */
size_t		profile_child(const struct profile *p, size_t up,
		    size_t after);

/* The member of an element that begins with prefix ("fixed", "pattern"): its
 * value's node, 0 when there is none. */
uint32_t	profile_value(const struct profile *p, size_t element,
		    const char *prefix);

/* A number or "*" of an element: min, max, maxLength; `absent` when it does not
 * say, UINT64_MAX for "*". */
uint64_t	profile_number(struct ctx *ctx, const struct profile *p,
		    size_t element, const char *name, uint64_t absent);

/* `value` (in d) is what `model` (in m) says: the same, or, as a pattern, what
 * has at least its members and elements. R4 elementdefinition.html#pattern */
bool		profile_matches(struct ctx *ctx, const struct jdoc *m,
		    uint32_t model, const struct jdoc *d, uint32_t value,
		    bool pattern);

#endif
