/*
 * The newest observations of each code. Codes are the same when a system and
 * code of one are those of the other, or, over several observations, can be
 * reached so; without a coding by their text. R4
 * observation-operation-lastn.html
 */
#ifndef FHIR_LASTN_H
#define FHIR_LASTN_H

#include "fhir/store.h"

/*
 * Keep of n Observations, newest first, `max` of each code, and those that are
 * of the same time as the last of these; the order stays. How many are left.
 */
size_t	lastn_keep(struct ctx *ctx, struct record *records, size_t n,
	    uint64_t max);

#endif
