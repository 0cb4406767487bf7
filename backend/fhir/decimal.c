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

/* Some more may be appended, and a factor and a quotient have theirs. */
#define DIGITS_MAX	(DECIMAL_CHARS_MAX + 64)

/* The digits of a number without its point, and the power of ten of the last.
 * False when text is no number. */
struct digits {
	bool	minus;
	int	power;
	size_t	n;
	char	p[DIGITS_MAX];
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

static double
as_double(const struct digits *d)
{
	char text[DIGITS_MAX + 32];

	snprintf(text, sizeof(text), "%s%.*se%d", d->minus ? "-" : "",
	    (int)d->n, d->p, d->power);
	/* + 0.0 makes a negative zero plain. */
	return strtod(text, NULL) + 0.0;
}

/* --- scaling, digit by digit ---------------------------------------------- */

/* Digits of a quotient behind those of its dividend: more than a double has. */
#define QUOTIENT_DIGITS	24

static void
multiply(struct digits *d, uint64_t by)
{
	uint64_t carry = 0;
	size_t i, more = 0;

	for (i = d->n; i-- > 0;) {
		carry += (uint64_t)(d->p[i] - '0') * by;
		d->p[i] = (char)('0' + carry % 10);
		carry /= 10;
	}
	for (uint64_t rest = carry; rest > 0; rest /= 10)
		more++;
	memmove(d->p + more, d->p, d->n);
	d->n += more;
	for (i = more; i-- > 0; carry /= 10)
		d->p[i] = (char)('0' + carry % 10);
}

/* A rest is one more digit: nothing is nearer to another double by it. */
static void
divide(struct digits *d, uint64_t by)
{
	uint64_t rest = 0;
	size_t i;

	memset(d->p + d->n, '0', QUOTIENT_DIGITS);
	d->n += QUOTIENT_DIGITS;
	d->power -= QUOTIENT_DIGITS;
	for (i = 0; i < d->n; i++) {
		rest = rest * 10 + (uint64_t)(d->p[i] - '0');
		d->p[i] = (char)('0' + rest / by);
		rest %= by;
	}
	if (rest > 0) {
		d->p[d->n++] = '1';
		d->power--;
	}
}

/* Temperatures have few digits: those of an int64 in 10^-12. */
static bool
add_nano(struct digits *d, int64_t nano)
{
	int64_t value = 0;
	size_t i;

	if (nano == 0)
		return true;
	for (i = 0; i < d->n; i++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, d->p[i] - '0', &value))
			return false;
	for (; value % 10 == 0 && value != 0 && d->power < -12; d->power++)
		value /= 10;
	for (; d->power > -12; d->power--)
		if (__builtin_mul_overflow(value, 10, &value))
			return false;
	if (d->power != -12 || __builtin_add_overflow(d->minus ? -value : value,
	    nano * 1000, &value))
		return false;
	d->minus = value < 0;
	d->n = (size_t)snprintf(d->p, sizeof(d->p), "%lld",
	    (long long)(value < 0 ? -value : value));
	return true;
}

static bool
scale_digits(struct digits *d, const struct scale *s)
{
	if (s == NULL)
		return true;
	if (!add_nano(d, s->before_nano))
		return false;
	multiply(d, s->num);
	if (s->den > 1)
		divide(d, s->den);
	d->power += s->power;
	return add_nano(d, s->after_nano);
}

/* d with half a unit of its last digit behind it: of the decimal itself, not
 * of its double, so that a bound is the double of what it is in digits. */
static bool
with_half(struct digits d, bool minus, const struct scale *scale, double *out)
{
	d.p[d.n++] = '5';
	d.power--;
	d.minus = minus;
	if (!scale_digits(&d, scale))
		return false;
	*out = as_double(&d);
	return true;
}

bool
decimal_scaled(struct str text, const struct scale *scale, struct decimal *out)
{
	struct digits d, value;
	double outer, inner;
	bool above;

	if (text.n == 0 || text.n > DECIMAL_CHARS_MAX || !read_digits(text, &d))
		return false;
	value = d;
	if (!scale_digits(&value, scale) ||
	    !with_half(d, d.minus, scale, &outer))
		return false;
	above = count_down(&d);
	if (!with_half(d, above ? d.minus : !d.minus, scale, &inner))
		return false;
	out->value = as_double(&value);
	out->lo = d.minus ? outer : inner;
	out->hi = d.minus ? inner : outer;
	return true;
}

bool
decimal_parse(struct str text, struct decimal *out)
{
	char copy[DECIMAL_CHARS_MAX + 1];

	if (!decimal_scaled(text, NULL, out))
		return false;
	memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';
	/* Its exponent may be beyond what is kept of one. */
	out->value = strtod(copy, NULL) + 0.0;
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
