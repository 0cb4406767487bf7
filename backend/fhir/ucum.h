/*
 * Units of UCUM as what they are made of: base units and an exact factor. So
 * 5400 mg and 5.4 g are found to be one amount without a rounded number
 * between them. ucum.org
 */
#ifndef FHIR_UCUM_H
#define FHIR_UCUM_H

#include "fhir/decimal.h"

#define UCUM_SYSTEM	"http://unitsofmeasure.org"

/* Base units, arbitrary ones that are like nothing else among them. */
#define UCUM_BASES_MAX	32

/* One of the unit is (1 + offset) * num / den * 10^power of its bases. */
struct ucum {
	uint64_t	num, den;
	int		power;
	int64_t		offset_nano;	/* 10^-9; of temperatures alone */
	int8_t		bases[UCUM_BASES_MAX];	/* their exponents */
};

/* False when code is no unit that we know or has no exact factor. Codes are
 * case-sensitive; annotations in braces count for nothing. */
bool	ucum_parse(struct str code, struct ucum *out);

/* What turns numbers of one unit into numbers of another; false when they are
 * of different kinds, or the numbers too large to be exact. */
bool	ucum_scale(const struct ucum *from, const struct ucum *to,
	    struct scale *out);

#endif
