/*
 * Inside the planning of searches: what could drive, and how rare it is.
 */
#ifndef FHIR_SEARCH_COUNT_H
#define FHIR_SEARCH_COUNT_H

#include "fhir/search_plan.h"

struct candidate {
	enum driver	driver;
	int		probe;		/* -1 = none */
	int64_t		count;		/* INT64_MAX = not counted */
	int		rank;		/* of equals the lowest drives */
};

struct candidates {
	struct candidate	v[SEARCH_CONDITIONS_MAX];
	size_t			n;
};

/* The conditions with an index of their own. */
void	search_list_candidates(const struct plan *plan, struct candidates *all);

bool	search_has_driver(const struct candidates *all, enum driver driver);

/* Count them, each up to bound; patterns that too many texts are like are
 * taken off the list. */
enum err	search_count_candidates(struct ctx *ctx,
		    const struct plan *plan, struct candidates *all,
		    int64_t bound);

/* The one with the fewest rows; NULL when there is none. */
const struct candidate	*search_rarest(const struct candidates *all);

/* --- search_total.c ------------------------------------------------------- */

/* All matches of the segments at hand, by plan's driver. */
enum err	search_count_matches(struct ctx *ctx, const struct plan *plan,
		    int64_t *total);

/* What Bundle.total says of page's search: the count, or, where an estimate is
 * asked, what costs no more than TOTAL_EXACT_MAX probes. */
enum err	search_total(struct ctx *ctx, const struct plan *page,
		    int64_t *total);

#endif
