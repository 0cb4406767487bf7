/*
 * Stored records, page after page, with the keys that they should have: what
 * check.c compares and reindex.c writes. Nobody else includes it.
 */
#ifndef FHIR_RESCAN_H
#define FHIR_RESCAN_H

#include "fhir/store_row.h"

/* Records of a page: few enough that a reindex holds nobody up for long. */
#define RESCAN_PAGE	100

/* One kind of records: those of a tenant and a type. */
struct rescan_pair {
	int32_t			 tn;
	const struct r4_type	*type;
};

/* All pairs that have records, by tenant and type, in the arena. Types that
 * this program does not know are left out. */
enum err	rescan_pairs(struct ctx *ctx, struct rescan_pair **pairs,
		    size_t *n);

/* What is known of a record beside its row. */
struct rescan_fact {
	bool	unreadable;	/* its body is no JSON: no keys are known */
	bool	wrong;		/* res has other keys than it should */
	bool	stale;		/* they were extracted by other rules */
};

/*
 * A page. Of each row, `keys`, `print` and `rules` are as they should be, the
 * old ones as res has them; fate is ROW_CREATE, as if nothing were there.
 */
struct rescan {
	struct rescan_pair	 pair;
	struct rows		 rows;
	struct rescan_fact	*facts;
};

/* Where in a pair's records a walk is: behind the record of this id. It stays
 * when the arena is reset. */
struct rescan_place {
	char	id[64];
	size_t	n;
};

void		rescan_place_set(struct rescan_place *place, struct str id);
struct str	rescan_after(const struct rescan_place *place);

/* To the last record of a page, unless that is empty. */
void		rescan_move(struct rescan_place *place,
		    const struct rescan *page);

/* Make a page of the rows of check_page or reindex_page. ctx->who.tn is the
 * pair's tenant. */
enum err	rescan_page(struct ctx *ctx, struct rescan_pair pair,
		    const PGresult *res, struct rescan *out);

/* Call fn for each table in which rows of a record are missing or superfluous,
 * with their number. Superfluous postings are not found here. */
typedef void	rescan_differs(void *to, size_t row, const char *table,
		    bool missing, int64_t n);
enum err	rescan_compare(struct ctx *ctx, const struct rescan *page,
		    rescan_differs *fn, void *to);

#endif
