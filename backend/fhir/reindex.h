/*
 * Make the search keys of stored records again, while others read and write.
 * After a change of the rules by which keys are extracted (fhir/rules.h), or
 * when `twocare check --keys` has found differences.
 *
 * A page of records at a time is locked, extracted again, compared with the
 * key tables, and where it differs written, in one short transaction; a write
 * to one of them waits for that long and then goes on from there. Versions,
 * times and bodies stay as they are. How far it has come is part of the
 * transaction: started again after a kill it goes on behind the last page.
 */
#ifndef FHIR_REINDEX_H
#define FHIR_REINDEX_H

#include "base/ctx.h"
#include "fhir/r4.h"

struct reindex {
	/* What is asked */
	const struct r4_type	*type;		/* NULL: all types */
	bool			 stale;		/* those extracted by other
						 * rules alone */
	int			 per_second;	/* at most; 0: no limit */
	void			*to;
	/* Told after each page; may be NULL. */
	void			(*progress)(void *to,
				    const struct reindex *reindex);

	/* What was done; counted on from before a kill */
	int64_t			 records;	/* looked at */
	int64_t			 changed;	/* whose keys were others */
	int64_t			 unreadable;	/* body is no JSON: left */
	int64_t			 orphans;	/* rows that were of none */
	bool			 resumed;
};

/*
 * Do it. ERR_CONFLICT when another one is at work. With neither type nor
 * `stale`, rows that belong to no record and wrong totals go, too.
 */
enum err	reindex(struct ctx *ctx, struct reindex *reindex);

#endif
