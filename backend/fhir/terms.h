/*
 * Code systems and value sets: R4's own, which are in the program, and those
 * that the tenant has stored, which go first. Both are JSON and read in the
 * same way. R4 terminology-service.html
 */
#ifndef FHIR_TERMS_H
#define FHIR_TERMS_H

#include "base/ctx.h"
#include "base/jdoc.h"

/* R4's own: CodeSystem or ValueSet as JSON, with what expanding it needs. */
struct r4_term {
	const char	*url, *version, *json;
};

/* Both sorted by url. */
extern const struct r4_term	r4_code_systems[], r4_value_sets[];
extern const size_t		r4_code_systems_count, r4_value_sets_count;

/* One of them, wherever it was found. Empty what it does not say. */
struct term {
	const struct jdoc	*d;
	uint32_t		 node;
	struct str		 url, version, name;
};

/* Of structure definitions the program has none: its tables say them. */
enum term_kind { TERM_CODE_SYSTEM, TERM_VALUE_SET, TERM_STRUCTURE };

/*
 * The one of that canonical, "url" or "url|version"; without a version the
 * one stored last. ERR_NOT_FOUND, but nothing is said, when neither the tenant
 * nor R4 has it: *out is empty then.
 */
enum err	term_find(struct ctx *ctx, enum term_kind kind,
		    struct str canonical, struct term *out);

/* One that came with a request, or was read from the store. */
struct term	term_of(struct ctx *ctx, const struct jdoc *d, uint32_t node);

/* --- the concepts of a code system ---------------------------------------- */

struct concept {
	struct str	code, display;
	uint32_t	node;
	size_t		up;		/* 1 + the one it is nested in */
	bool		inactive;	/* by its properties */
};

struct concept_place { struct str code; size_t i; };

struct concepts {
	struct term		 system;
	bool			 complete;	/* all codes are there */
	struct concept		*v;	/* parents before their children */
	struct concept_place	*places;	/* sorted by code */
	size_t			 n;
};

/* The concepts of a code system in the order they are written. */
void		concepts_read(struct ctx *ctx, const struct term *system,
		    struct concepts *out);

/* The concept of that code, NULL when there is none. */
const struct concept	*concept_named(const struct concepts *c,
			    struct str code);

/* Those that filter (compose.include.filter: property, op, value) selects, as
 * flags of c->n. ERR_VALIDATION for operators that are not done here. */
enum err	concepts_filter(struct ctx *ctx, const struct concepts *c,
		    const struct jdoc *d, uint32_t filter, bool *selected);

/* --- members -------------------------------------------------------------- */

/* The decoded content of a string node. */
struct str	term_string(struct ctx *ctx, const struct jdoc *d,
		    uint32_t node);

/* The decoded content of a string member, empty when absent; the node of an
 * array member's first element, 0 when there is none. */
struct str	term_text(struct ctx *ctx, const struct jdoc *d,
		    uint32_t object, const char *name);
uint32_t	term_first(const struct jdoc *d, uint32_t object,
		    const char *name);

#endif
