/*
 * Is the store what it should be? Keys are extracted again from the stored
 * bytes of every record and compared with every key table, both ways.
 */
#ifndef FHIR_CHECK_H
#define FHIR_CHECK_H

#include "fhir/store.h"

enum difference_kind {
	DIFFERENCE_MISSING,	/* rows that should be there */
	DIFFERENCE_SUPERFLUOUS,	/* rows that should not */
	DIFFERENCE_WRONG,	/* another value than it should have */
	DIFFERENCE_STALE,	/* extracted by other rules than today's */
	DIFFERENCE__MAX
};

/* One thing that is not as it should be; its texts live as long as the call. */
struct difference {
	const char		*table;		/* "post" */
	enum difference_kind	 kind;
	int32_t			 tn;		/* 0: of no tenant */
	const struct r4_type	*type;		/* NULL: of no record */
	struct str		 id;		/* empty: of the type */
	int64_t			 n;		/* how many rows */
};

struct check {
	/* What is asked */
	int32_t		 tn;		/* this tenant alone; 0 = all */
	void		*to;
	/* Told of each difference; may be NULL. */
	void		(*tell)(void *to, const struct difference *difference);
	/* Told before each page of records; may be NULL. */
	void		(*progress)(void *to, const struct check *check);

	/* What was found */
	int32_t		 at_tn;		/* where it is */
	int64_t		 records;	/* looked at */
	int64_t		 differences;
};

/*
 * Compare all records. Each page of them is a snapshot of its own, so that it
 * may run beside writers and holds up no vacuum for long. Of one tenant alone,
 * rows that belong to no record and superfluous postings are not looked for:
 * they have no tenant. Finding differences is no error.
 */
enum err	check_keys(struct ctx *ctx, struct check *check);

#endif
