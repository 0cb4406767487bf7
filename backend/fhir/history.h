/*
 * Versions of a record, of a type, of all types: newest first, deletions among
 * them, in pages that stay right while others write. R4 http.html#history
 *
 * Whoever follows changes asks again with _since, and nothing may be missed by
 * a write that takes its time before the question and becomes visible after it.
 * So an answer says from which time to ask next: every version that it did not
 * show is later. It may lie some seconds back, and further while a write takes
 * long; what was shown from there on is then shown once more.
 */
#ifndef FHIR_HISTORY_H
#define FHIR_HISTORY_H

#include "base/when.h"
#include "fhir/store.h"

/* What is asked. */
struct history {
	const struct r4_type	*type;		/* NULL: of all types */
	struct str		 id;		/* empty: of the type */
	const int16_t		*types;		/* of all types: those */
	size_t			 ntypes;	/* that may be read */
	int64_t			 since_us;	/* WHEN_MIN = any */
	/* Current at some time of [lo, hi); WHEN_MIN, WHEN_MAX = any. */
	int64_t			 at_lo_us, at_hi_us;
	int			 count;
	int32_t			 below;		/* of a record: a version; 0 =
						 * from the newest */
	struct str		 cursor;	/* of types; empty = none */
};

struct history_page {
	struct record	*records;
	size_t		 n;
	int64_t		 total;		/* of all versions; -1 = not known */
	int32_t		 below;		/* where a record's next page begins,
					 * 0 when it has none */
	struct str	 cursor;	/* the same of types; empty = none */
	int64_t		 safe_us;	/* what to ask _since next; WHEN_MIN
					 * when that was not looked up */
	/* Queries of the links, by the caller; empty when there is none. */
	struct str	 self, next, current;
};

/*
 * One page. It may have fewer versions than asked, even none, and yet a next
 * one: a page looks at a bounded number. ERR_NOT_FOUND when there is no such
 * record, ERR_INVALID_PARAMETER for a cursor of another history.
 */
enum err	history_read(struct ctx *ctx, const struct history *asked,
		    struct history_page *out);

/*
 * *safe_us: every version that a statement begun after this call does not see
 * is at least as late. A whole millisecond. To be called before the transaction
 * whose snapshot reads, or, when each of its statements has its own, first.
 */
enum err	history_horizon(struct ctx *ctx, int64_t *safe_us);

#endif
