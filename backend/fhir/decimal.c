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

/* The digits of a number without its point, and the power of ten of the last.
 * False when text is no number. */
struct digits {
	bool	minus;
	int	power;
	size_t	n;
	char	p[DECIMAL_CHARS_MAX + 2];	/* two more may be appended */
};

static bool
read_digits(struct str text, struct digits *out)
{
	struct str whole, fraction = STR_NONE, rest = text;
	bool scaled = false;

	*out = (struct digits){ .n = 0 };
	take_sign(&rest, &out->minus);
	whole = rest;
	whole.n = digits(&rest);
	if (whole.n == 0)
		return false;
	if (rest.n > 0 && rest.p[0] == '.') {
		fraction = rest = str_from(rest, 1);
		fraction.n = digits(&rest);
		if (fraction.n == 0)
			return false;
	}
	if (rest.n > 0 && (rest.p[0] | 0x20) == 'e') {
		rest = str_from(rest, 1);
		scaled = true;
		if (!exponent(&rest, &out->power))
			return false;
	}
	memcpy(out->p, whole.p, whole.n);
	if (fraction.n > 0)
		memcpy(out->p + whole.n, fraction.p, fraction.n);
	out->n = whole.n + fraction.n;
	out->power -= (int)fraction.n;
	/* R4 reads 1e2 as 95 to 105: one digit behind the mantissa's. */
	if (scaled && fraction.n == 0) {
		out->p[out->n++] = '0';
		out->power--;
	}
	return rest.n == 0;
}

/* One less in the last digit; false of zero, which stays. */
static bool
count_down(struct digits *d)
{
	size_t i = d->n;

	while (i > 0 && d->p[i - 1] == '0')
		i--;
	if (i == 0)
		return false;
	d->p[i - 1]--;
	memset(d->p + i, '9', d->n - i);
	return true;
}

/* d with half a unit of its last digit behind it: of the decimal itself, not
 * of its double, so that a bound is the double of what it is in digits. */
static double
with_half(struct digits d, bool minus)
{
	char text[DECIMAL_CHARS_MAX + 24];

	snprintf(text, sizeof(text), "%s%.*s5e%d", minus ? "-" : "", (int)d.n,
	    d.p, d.power - 1);
	return strtod(text, NULL);
}

bool
decimal_parse(struct str text, struct decimal *out)
{
	char copy[DECIMAL_CHARS_MAX + 1];
	struct digits d;
	bool above;

	if (text.n == 0 || text.n > DECIMAL_CHARS_MAX || !read_digits(text, &d))
		return false;
	memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';
	/* + 0.0 makes a negative zero plain. */
	out->value = strtod(copy, NULL) + 0.0;
	out->hi = with_half(d, d.minus);
	above = count_down(&d);
	out->lo = with_half(d, above ? d.minus : !d.minus);
	if (d.minus) {
		double outer = out->hi;

		out->hi = out->lo;
		out->lo = outer;
	}
	return true;
}

/* Without the zeros that change nothing: 1.10 and 1.1, 1e2 and 100. */
static void
normalize(struct digits *d)
{
	size_t zeros = 0;

	while (zeros < d->n && d->p[zeros] == '0')
		zeros++;
	d->n -= zeros;
	memmove(d->p, d->p + zeros, d->n);
	while (d->n > 0 && d->p[d->n - 1] == '0') {
		d->n--;
		d->power++;
	}
	if (d->n == 0) {
		d->power = 0;
		d->minus = false;
	}
}

bool
decimal_equal(struct str a, struct str b)
{
	struct digits x, y;

	if (str_eq(a, b))
		return true;
	if (a.n > DECIMAL_CHARS_MAX || b.n > DECIMAL_CHARS_MAX ||
	    !read_digits(a, &x) || !read_digits(b, &y) ||
	    x.power >= EXPONENT_MAX || y.power >= EXPONENT_MAX ||
	    x.power <= -EXPONENT_MAX || y.power <= -EXPONENT_MAX)
		return false;
	normalize(&x);
	normalize(&y);
	return x.minus == y.minus && x.power == y.power && x.n == y.n &&
	    memcmp(x.p, y.p, x.n) == 0;
}
