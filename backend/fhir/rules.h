/*
 * By which rules search keys are extracted. Each record says by which its keys
 * were made (res.rules); after an upgrade that changed some, `twocare reindex`
 * makes the keys of older records again.
 */
#ifndef FHIR_RULES_H
#define FHIR_RULES_H

#include "base/ctx.h"
#include "fhir/r4.h"

/* The rules of a type: a hash over its parameters' programs, their kinds and
 * compartments, and the date that orders it; never 0. */
int64_t	rules_of(const struct r4_type *type);

/* Those of all types together. */
int64_t	rules_of_all(void);

/* A database without records is indexed by the rules of this program. */
enum err	rules_adopt(struct ctx *ctx);

/* All records of the type are indexed by its rules. */
enum err	rules_reached(struct ctx *ctx, const struct r4_type *type);

/* A parameter whose values older records may not be found by. */
struct rules_change {
	const struct r4_type	*type;
	const struct r4_param	*param;
};

/* All of them, by type and parameter, in the arena. */
enum err	rules_changed(struct ctx *ctx, struct rules_change **changes,
		    size_t *n);

#endif
