/*
 * What the files of validation share: where in the resource we are, and how a
 * problem there is told. Internal to validate*.c and walk.c.
 */
#ifndef FHIR_WALK_H
#define FHIR_WALK_H

#include "base/ctx.h"
#include "base/jdoc.h"
#include "fhir/structure.h"

/* A step of the way down from the root; the path is only written out when
 * there is a problem. */
struct place {
	const struct place	*up;
	struct str		 name;	/* of the element, or the type */
	int64_t			 index;	/* -1 = not in an array */
};

/* A contained resource, and whether something refers to it. */
struct contained {
	struct str		 id;
	const struct r4_type	*type;
	int64_t			 index;	/* as sent */
	bool			 used;
};

struct walk {
	struct ctx		*ctx;
	const struct jdoc	*d;
	struct contained	*contained;	/* of the resource we are in,
						 * sorted by id */
	size_t			 ncontained;
	struct contained	*current;	/* the one we are inside of */
	bool			 inside;	/* of a contained resource */
	bool			 in_bundle;	/* conditional references */
	bool			 failed;
	bool			 once;	/* what was said of a place is not
					 * said again, in other words */
};

/* Sorts of problems; walk.c says the issue-type of each. */
enum problem {
	BAD_SHAPE,		/* not JSON as R4 writes that element */
	MISSING,
	BAD_VALUE,
	BAD_CODE,		/* not of the required value set */
	NOT_CHECKED,		/* by what is known here */
	BROKEN_RULE		/* one of R4's invariants: dom-3, ext-1, ... */
};

/* Note a problem as an issue of the ctx. The text goes on after the path:
 * "must be ...". */
void		walk_problem(struct walk *w, const struct place *at,
		    enum problem problem, const char *fmt, ...)
		    __attribute__((format(printf, 4, 5)));

/* The same as a warning, which fails nothing. */
void		walk_warning(struct walk *w, const struct place *at,
		    enum problem problem, const char *fmt, ...)
		    __attribute__((format(printf, 4, 5)));

/* Enough problems, one of them here: the rest of the resource is not looked
 * at. What others noted before never ends a walk that found nothing. */
bool		walk_full(const struct walk *w);

/* The decoded content of a string node. */
struct str	walk_text(struct walk *w, uint32_t node);

/* "an object", "a string", ...: what the node is, for texts. */
const char	*walk_json(const struct walk *w, uint32_t node);
const char	*walk_json_name(enum jdoc_type type);

/* The content of a string member, empty when absent or no string. */
struct str	walk_member(struct walk *w, uint32_t object, struct str name);

/* --- validate_value.c ----------------------------------------------------- */

/* A primitive value, with the binding of its row. */
void		value_check(struct walk *w, const struct place *at,
		    const struct r4_element *row, uint32_t node);

/* A Coding or CodeableConcept against a required binding. */
void		value_check_coding(struct walk *w, const struct place *at,
		    const struct r4_binding *binding, uint32_t node);
void		value_check_concept(struct walk *w, const struct place *at,
		    const struct r4_binding *binding, uint32_t node);

/* --- validate_reference.c ------------------------------------------------- */

/* A Reference: its form, and that it may point at such a type. */
void		reference_check(struct walk *w, const struct place *at,
		    const struct r4_element *row, uint32_t node);

/* The contained resource of that id, or NULL. */
struct contained *reference_find(struct walk *w, struct str id);

/* List what `resource` contains, checking ids; and afterwards that each one
 * is referred to (dom-3). */
void		reference_begin(struct walk *w, const struct place *at,
		    uint32_t resource);
void		reference_end(struct walk *w, const struct place *at);

#endif
