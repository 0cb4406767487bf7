/*
 * Part of a record: what _summary and _elements leave of it, copied from the
 * stored bytes, so that each number keeps its digits. R4 search.html#summary,
 * #elements
 */
#ifndef FHIR_SUBSET_H
#define FHIR_SUBSET_H

#include "fhir/store.h"
#include "wire/http.h"

enum subset_kind {
	SUBSET_WHOLE,		/* _summary=false */
	SUBSET_SUMMARY,		/* =true: what R4 marks isSummary */
	SUBSET_TEXT,		/* =text: text, id, meta, what is mandatory */
	SUBSET_DATA,		/* =data: all but text */
	SUBSET_COUNT		/* =count: no records */
};

struct subset {
	enum subset_kind	 kind;
	bool			 summed;	/* _summary was given */
	struct str		*names;		/* of _elements; NULL without */
	size_t			 n;
};

/*
 * Take the value of _summary or _elements. ERR_INVALID_PARAMETER, or
 * ERR_INVALID_REQUEST for an element that none of the types has, with *wrong
 * saying why and *subset as it was; nothing is noted in ctx.
 */
enum err	subset_take(struct ctx *ctx, const struct r4_type *const *types,
		    size_t n, const struct http_param *param,
		    struct subset *subset, struct str *wrong);

/* Those of params that say a subset of records of these types; others are left
 * alone. */
enum err	subset_of(struct ctx *ctx, const struct r4_type *const *types,
		    size_t n, const struct http_params *params, bool lenient,
		    struct subset *out);

/*
 * Replace the bodies by what is left of them, tagged SUBSETTED: mandatory
 * elements and modifierExtension are always kept. Records without a body stay
 * as they are.
 */
void		subset_records(struct ctx *ctx, const struct subset *subset,
		    struct record *records, size_t n);

#endif
