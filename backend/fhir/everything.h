/*
 * All that is in the compartment of a patient or an encounter, in pages, each
 * with the records that its own refer to. R4 patient-operation-everything.html,
 * encounter-operation-everything.html
 */
#ifndef FHIR_EVERYTHING_H
#define FHIR_EVERYTHING_H

#include "base/when.h"
#include "fhir/search.h"

#define EVERYTHING_COUNT_MAX	1000

/* What is asked. */
struct everything {
	const struct r4_type	*owner;		/* one of r4_owners */
	struct str		 id;
	const bool		*readable;	/* by type->number */
	const bool		*wanted;	/* the same */
	int64_t			 since_us;	/* WHEN_MIN = any */
	int64_t			 start_us, end_us; /* [start, end) of care;
						 * WHEN_MIN, WHEN_MAX = any */
	int			 count;		/* 1..EVERYTHING_COUNT_MAX */
	struct str		 use;		/* what a cursor is good for */
	struct str		 cursor;	/* empty = from the beginning */
};

struct everything_page {
	struct search_page	found;		/* without its links */
	struct str		cursor;		/* of the next page, empty =
						 * there is none */
	int64_t			safe_us;	/* fhir/history.h */
};

/*
 * One page; members of the compartment come once over all pages, by type and
 * newest first; what they refer to comes with each page that refers to it. Of
 * what is only referred to nothing is of another patient: no Patient but those
 * that the owner itself names, and no record that refers to another one. A page
 * may have fewer members than asked, even none, and yet a next one. A warning
 * is noted when more than some thousand records are referred to. ERR_NOT_FOUND,
 * ERR_DELETED; ERR_INVALID_PARAMETER for a cursor of something else.
 */
enum err	everything_read(struct ctx *ctx,
		    const struct everything *asked,
		    struct everything_page *out);

#endif
