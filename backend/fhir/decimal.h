/*
 * FHIR decimals as numbers to compare by. The text stays the truth (1.10 is
 * not 1.1); a double orders it. R4 datatypes.html#decimal
 */
#ifndef FHIR_DECIMAL_H
#define FHIR_DECIMAL_H

#include <stdint.h>

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

/*
 * x becomes (x + before) * num / den * 10^power + after, exactly. num and den
 * are SCALE_MAX at most; the offsets are in 10^-9, and where den is not 1 after
 * is 0.
 */
struct scale {
	uint64_t	num, den;
	int		power;
	int64_t		before_nano, after_nano;
};
#define SCALE_MAX	UINT64_C(100000000000000000)

/* As decimal_parse, but of the number scaled: each of the three is the double
 * nearest to what it is in digits. False, too, when a number has too many
 * digits for an offset. */
bool	decimal_scaled(struct str text, const struct scale *scale,
	    struct decimal *out);

/* The same number, digit by digit: 1.10 and 1.1 and 11e-1. What is longer than
 * DECIMAL_CHARS_MAX, or has an exponent of hundreds, equals its text alone. */
bool	decimal_equal(struct str a, struct str b);

#endif
