/*
 * FHIR decimals as numbers to compare by. The text stays the truth (1.10 is
 * not 1.1); a double orders it. R4 datatypes.html#decimal
 */
#ifndef FHIR_DECIMAL_H
#define FHIR_DECIMAL_H

#include "base/str.h"

/* Longer numbers are no measurements. */
#define DECIMAL_CHARS_MAX	256

struct decimal {
	double	value;
	/* Half a unit of the last digit written around it: 5.40 means 5.395 to
	 * 5.405, and 1e2 means 95 to 105. R4 search.html#number */
	double	lo, hi;
};

/* False when text is no JSON number (a leading '+' and zeros are taken, as
 * search values have them) or is too long. */
bool	decimal_parse(struct str text, struct decimal *out);

/* The same number, digit by digit: 1.10 and 1.1 and 11e-1. What is longer than
 * DECIMAL_CHARS_MAX, or has an exponent of hundreds, equals its text alone. */
bool	decimal_equal(struct str a, struct str b);

#endif
