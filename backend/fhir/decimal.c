/* Reading decimals with the precision that their digits imply. */

#include "fhir/decimal.h"

#include <stdio.h>
#include <stdlib.h>

/* Exponents beyond these are infinity and zero in any case. */
#define EXPONENT_MAX	400

static size_t
digits(struct str *s)
{
	size_t n = 0;

	while (n < s->n && s->p[n] >= '0' && s->p[n] <= '9')
		n++;
	*s = str_from(*s, n);
	return n;
}

static bool
take_sign(struct str *s, bool *minus)
{
	if (s->n == 0 || (s->p[0] != '-' && s->p[0] != '+'))
		return false;
	*minus = s->p[0] == '-';
	*s = str_from(*s, 1);
	return true;
}

/* The exponent behind 'e', clamped; false when there are no digits. */
static bool
exponent(struct str *s, int *out)
{
	bool minus = false;
	struct str text;
	int value = 0;

	take_sign(s, &minus);
	text = *s;
	text.n = digits(s);
	for (size_t i = 0; i < text.n; i++)
		if (value < EXPONENT_MAX)
			value = value * 10 + (text.p[i] - '0');
	if (value > EXPONENT_MAX)
		value = EXPONENT_MAX;
	*out = minus ? -value : value;
	return text.n > 0;
}

bool
decimal_parse(struct str text, struct decimal *out)
{
	char copy[DECIMAL_CHARS_MAX + 1], unit[16];
	struct str rest = text;
	int fraction = 0, power = 0;
	bool minus, scaled = false;

	if (text.n == 0 || text.n > DECIMAL_CHARS_MAX)
		return false;
	take_sign(&rest, &minus);
	if (digits(&rest) == 0)
		return false;
	if (rest.n > 0 && rest.p[0] == '.') {
		rest = str_from(rest, 1);
		fraction = (int)digits(&rest);
		if (fraction == 0)
			return false;
	}
	if (rest.n > 0 && (rest.p[0] | 0x20) == 'e') {
		rest = str_from(rest, 1);
		scaled = true;
		if (!exponent(&rest, &power))
			return false;
	}
	if (rest.n > 0)
		return false;
	memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';
	/* + 0.0 makes a negative zero plain. */
	out->value = strtod(copy, NULL) + 0.0;
	/* R4 reads 1e2 as 95 to 105: one digit behind the mantissa's. */
	snprintf(unit, sizeof(unit), "5e%d", power -
	    (scaled && fraction == 0 ? 1 : fraction) - 1);
	out->half = strtod(unit, NULL);
	return true;
}
