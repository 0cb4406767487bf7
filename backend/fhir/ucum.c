/*
 * The units of clinical practice as a table, and the grammar by which codes
 * combine them. A row says a unit as UCUM's own table does, by a number and
 * other units; factors are fractions and powers of ten, never doubles. Units
 * that UCUM defines by logarithms or by pi are bases of their own here: they
 * equal only themselves. ucum.org
 */

#include "fhir/ucum.h"

#define NITEMS(a)	(sizeof(a) / sizeof((a)[0]))

/* Definitions refer to definitions, and brackets nest, no deeper. */
#define DEPTH_MAX	12
/* Codes are not longer. */
#define CODE_MAX	64
#define EXPONENT_MAX	20
#define POWER_MAX	200

static const struct prefix {
	const char	*code;
	int		 power;
} prefixes[] = {
	{ "da", 1 }, { "h", 2 }, { "k", 3 }, { "M", 6 }, { "G", 9 },
	{ "T", 12 }, { "P", 15 }, { "E", 18 }, { "Z", 21 }, { "Y", 24 },
	{ "d", -1 }, { "c", -2 }, { "m", -3 }, { "u", -6 }, { "n", -9 },
	{ "p", -12 }, { "f", -15 }, { "a", -18 }, { "z", -21 }, { "y", -24 },
};

/* The bases; the first BASES_METRIC take prefixes. */
#define BASES_METRIC	17
static const char *const bases[] = {
	"m", "s", "g", "K", "cd", "mol", "C", "rad", "[iU]", "B", "Np",
	"[CFU]", "[PFU]", "bit", "[arb'U]", "[anti'Xa'U]", "[hnsf'U]",
	"[pH]", "deg", "[USP'U]", "[GPL'U]", "[MPL'U]", "[APL'U]",
	"[beth'U]", "[todd'U]", "[EU]", "[ELU]", "[IR]",
};

/* clang-format off */
static const struct atom {
	const char	*code;
	bool		 metric;
	uint64_t	 num, den;
	int		 power;
	const char	*unit;
} atoms[] = {
/* code		metric	  number		10^  of */
{ "10*",	false,	 1,		1,	1,  "" },
{ "10^",	false,	 1,		1,	1,  "" },
{ "%",		false,	 1,		1,	-2, "" },
{ "[ppth]",	false,	 1,		1,	-3, "" },
{ "[ppm]",	false,	 1,		1,	-6, "" },
{ "[ppb]",	false,	 1,		1,	-9, "" },
{ "[pptr]",	false,	 1,		1,	-12, "" },
{ "[HPF]",	false,	 1,		1,	0,  "" },
{ "[LPF]",	false,	 1,		1,	2,  "" },
{ "g%",		true,	 1,		1,	0,  "g/dL" },
{ "[IU]",	true,	 1,		1,	0,  "[iU]" },
{ "eq",		true,	 1,		1,	0,  "mol" },
{ "osm",	true,	 1,		1,	0,  "mol" },
{ "kat",	true,	 1,		1,	0,  "mol/s" },
{ "U",		true,	 1,		1,	0,  "umol/min" },
/* time */
{ "min",	false,	 60,		1,	0,  "s" },
{ "h",		false,	 60,		1,	0,  "min" },
{ "d",		false,	 24,		1,	0,  "h" },
{ "wk",		false,	 7,		1,	0,  "d" },
{ "a",		false,	 36525,		1,	-2, "d" },
{ "a_j",	false,	 36525,		1,	-2, "d" },
{ "a_g",	false,	 3652425,	1,	-4, "d" },
{ "a_t",	false,	 36524219,	1,	-5, "d" },
{ "mo",		false,	 1,		12,	0,  "a_j" },
{ "mo_j",	false,	 1,		12,	0,  "a_j" },
{ "mo_g",	false,	 1,		12,	0,  "a_g" },
{ "mo_s",	false,	 2953059,	1,	-5, "d" },
{ "Hz",		true,	 1,		1,	0,  "/s" },
{ "Bq",		true,	 1,		1,	0,  "/s" },
{ "Ci",		true,	 37,		1,	9,  "Bq" },
/* length, area, volume */
{ "L",		true,	 1,		1,	0,  "dm3" },
{ "l",		true,	 1,		1,	0,  "dm3" },
{ "Ao",		false,	 1,		1,	-10, "m" },
{ "[in_i]",	false,	 254,		1,	-2, "cm" },
{ "[ft_i]",	false,	 12,		1,	0,  "[in_i]" },
{ "[yd_i]",	false,	 3,		1,	0,  "[ft_i]" },
{ "[mi_i]",	false,	 5280,		1,	0,  "[ft_i]" },
{ "[nmi_i]",	false,	 1852,		1,	0,  "m" },
{ "[ft_us]",	false,	 1200,		3937,	0,  "m" },
{ "[mi_us]",	false,	 5280,		1,	0,  "[ft_us]" },
{ "[sin_i]",	false,	 1,		1,	0,  "[in_i]2" },
{ "[sft_i]",	false,	 1,		1,	0,  "[ft_i]2" },
{ "[cin_i]",	false,	 1,		1,	0,  "[in_i]3" },
{ "[cft_i]",	false,	 1,		1,	0,  "[ft_i]3" },
{ "[gal_us]",	false,	 231,		1,	0,  "[in_i]3" },
{ "[qt_us]",	false,	 1,		4,	0,  "[gal_us]" },
{ "[pt_us]",	false,	 1,		8,	0,  "[gal_us]" },
{ "[cup_us]",	false,	 1,		16,	0,  "[gal_us]" },
{ "[foz_us]",	false,	 1,		128,	0,  "[gal_us]" },
{ "[tbs_us]",	false,	 1,		2,	0,  "[foz_us]" },
{ "[tsp_us]",	false,	 1,		6,	0,  "[foz_us]" },
{ "[drp]",	false,	 1,		20,	0,  "mL" },
{ "[cup_m]",	false,	 240,		1,	0,  "mL" },
{ "[tsp_m]",	false,	 5,		1,	0,  "mL" },
{ "[tbs_m]",	false,	 15,		1,	0,  "mL" },
{ "[foz_m]",	false,	 30,		1,	0,  "mL" },
{ "[diop]",	false,	 1,		1,	0,  "/m" },
/* mass */
{ "t",		true,	 1,		1,	6,  "g" },
{ "[gr]",	false,	 6479891,	1,	-5, "mg" },
{ "[lb_av]",	false,	 7000,		1,	0,  "[gr]" },
{ "[oz_av]",	false,	 1,		16,	0,  "[lb_av]" },
{ "[dr_av]",	false,	 1,		256,	0,  "[lb_av]" },
{ "[stone_av]",	false,	 14,		1,	0,  "[lb_av]" },
{ "[oz_tr]",	false,	 480,		1,	0,  "[gr]" },
{ "[lb_tr]",	false,	 5760,		1,	0,  "[gr]" },
/* force, pressure, energy */
{ "N",		true,	 1,		1,	0,  "kg.m/s2" },
{ "[g]",	true,	 980665,	1,	-5, "m/s2" },
{ "[lbf_av]",	false,	 1,		1,	0,  "[lb_av].[g]" },
{ "dyn",	true,	 1,		1,	0,  "g.cm/s2" },
{ "Pa",		true,	 1,		1,	0,  "N/m2" },
{ "bar",	true,	 1,		1,	5,  "Pa" },
{ "atm",	false,	 101325,	1,	0,  "Pa" },
{ "[psi]",	false,	 1,		1,	0,  "[lbf_av]/[sin_i]" },
{ "m[Hg]",	true,	 133322,	1,	0,  "Pa" },
{ "m[H2O]",	true,	 980665,	1,	-2, "Pa" },
{ "[in_i'Hg]",	false,	 1,		1,	0,  "m[Hg].[in_i]/m" },
{ "[in_i'H2O]",	false,	 1,		1,	0,  "m[H2O].[in_i]/m" },
{ "P",		true,	 1,		1,	0,  "dyn.s/cm2" },
{ "J",		true,	 1,		1,	0,  "N.m" },
{ "erg",	true,	 1,		1,	0,  "dyn.cm" },
{ "cal",	true,	 4184,		1,	-3, "J" },
{ "cal_th",	true,	 4184,		1,	-3, "J" },
{ "[Cal]",	false,	 1,		1,	0,  "kcal_th" },
{ "W",		true,	 1,		1,	0,  "J/s" },
{ "[MET]",	false,	 35,		1,	-1, "mL/min/kg" },
/* dose, electricity, light */
{ "Gy",		true,	 1,		1,	0,  "J/kg" },
{ "Sv",		true,	 1,		1,	0,  "J/kg" },
{ "RAD",	true,	 1,		1,	-2, "Gy" },
{ "REM",	true,	 1,		1,	-2, "Sv" },
{ "R",		true,	 258,		1,	-6, "C/kg" },
{ "A",		true,	 1,		1,	0,  "C/s" },
{ "V",		true,	 1,		1,	0,  "J/C" },
{ "F",		true,	 1,		1,	0,  "C/V" },
{ "Ohm",	true,	 1,		1,	0,  "V/A" },
{ "S",		true,	 1,		1,	0,  "A/V" },
{ "Wb",		true,	 1,		1,	0,  "V.s" },
{ "T",		true,	 1,		1,	0,  "Wb/m2" },
{ "By",		true,	 8,		1,	0,  "bit" },
{ "Lmb",	true,	 1,		1,	0,  "cd/cm2" },
};

/* Temperatures, which begin elsewhere: alone they are units. */
static const struct {
	const char	*code;
	uint64_t	 num, den;
	int64_t		 offset_nano;
} scales[] = {
{ "Cel",	1,	1,	INT64_C(273150000000) },
{ "[degF]",	5,	9,	INT64_C(459670000000) },
};
/* clang-format on */

#define BASE_KELVIN	3

_Static_assert(NITEMS(bases) <= UCUM_BASES_MAX, "bases");

/* --- exact factors -------------------------------------------------------- */

static uint64_t
common(uint64_t a, uint64_t b)
{
	while (b != 0) {
		uint64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

static bool
times(uint64_t *a, uint64_t b)
{
	return !__builtin_mul_overflow(*a, b, a) && *a <= SCALE_MAX;
}

/* As small as can be: no common part, no tens. */
static void
reduce(uint64_t *num, uint64_t *den, int *power)
{
	uint64_t part = common(*num, *den);

	*num /= part;
	*den /= part;
	for (; *num % 10 == 0; ++*power)
		*num /= 10;
	for (; *den % 10 == 0; --*power)
		*den /= 10;
}

/* u becomes u * by^exponent. */
static bool
multiply(struct ucum *u, const struct ucum *by, int exponent)
{
	int n = exponent < 0 ? -exponent : exponent;
	int sign = exponent < 0 ? -1 : 1;
	int i, b;

	for (i = 0; i < n; i++) {
		uint64_t num = exponent < 0 ? by->den : by->num;
		uint64_t den = exponent < 0 ? by->num : by->den;
		uint64_t one = common(u->num, den), two = common(num, u->den);

		u->num /= one;
		u->den /= two;
		if (!times(&u->num, num / two) || !times(&u->den, den / one))
			return false;
		u->power += sign * by->power;
		reduce(&u->num, &u->den, &u->power);
		for (b = 0; b < UCUM_BASES_MAX; b++)
			u->bases[b] = (int8_t)(u->bases[b] +
			    sign * by->bases[b]);
		for (b = 0; b < UCUM_BASES_MAX; b++)
			if (u->bases[b] > EXPONENT_MAX ||
			    u->bases[b] < -EXPONENT_MAX)
				return false;
	}
	return u->power <= POWER_MAX && u->power >= -POWER_MAX;
}

static const struct ucum one = { .num = 1, .den = 1 };

/* --- atoms ---------------------------------------------------------------- */

static bool	term(struct str *rest, int depth, struct ucum *out);

static bool
whole(struct str code, int depth, struct ucum *out)
{
	*out = one;
	if (code.n == 0)
		return true;
	return depth < DEPTH_MAX && term(&code, depth + 1, out) && code.n == 0;
}

/* The unit of that very code, if it takes a prefix or needs none. */
static bool
exact(struct str code, bool prefixed, int depth, struct ucum *out)
{
	struct ucum of;
	size_t i;

	for (i = 0; i < NITEMS(bases); i++)
		if (str_eqz(code, bases[i]) &&
		    (!prefixed || i < BASES_METRIC)) {
			*out = one;
			out->bases[i] = 1;
			return true;
		}
	for (i = 0; i < NITEMS(atoms); i++) {
		const struct atom *a = &atoms[i];

		if (!str_eqz(code, a->code) || (prefixed && !a->metric))
			continue;
		*out = one;
		out->num = a->num;
		out->den = a->den;
		out->power = a->power;
		reduce(&out->num, &out->den, &out->power);
		return whole(str_of(a->unit), depth, &of) &&
		    multiply(out, &of, 1);
	}
	return false;
}

static bool
simple(struct str code, int depth, struct ucum *out)
{
	size_t i;

	if (exact(code, false, depth, out))
		return true;
	for (i = 0; i < NITEMS(prefixes); i++) {
		struct str prefix = str_of(prefixes[i].code);

		if (code.n > prefix.n && str_starts(code, prefix) &&
		    exact(str_from(code, prefix.n), true, depth, out)) {
			out->power += prefixes[i].power;
			return true;
		}
	}
	return false;
}

/* --- the grammar ---------------------------------------------------------- */

static bool
is_digit(struct str s)
{
	return s.n > 0 && s.p[0] >= '0' && s.p[0] <= '9';
}

static bool
take_char(struct str *s, char c)
{
	if (s->n == 0 || s->p[0] != c)
		return false;
	*s = str_from(*s, 1);
	return true;
}

static bool
take_digits(struct str *s, uint64_t max, uint64_t *out)
{
	struct str text = *s;

	text.n = 0;
	for (; is_digit(*s); *s = str_from(*s, 1))
		text.n++;
	return str_u64(text, max, out);
}

/* {anything} */
static bool
take_annotation(struct str *s)
{
	size_t i;

	for (i = 0; i < s->n && s->p[i] != '}'; i++)
		;
	if (i == s->n)
		return false;
	*s = str_from(*s, i + 1);
	return true;
}

/* The letters of a unit with what stands in brackets; 10* and 10^, too. */
static struct str
take_symbol(struct str *s)
{
	struct str symbol = *s;
	bool inside = false;
	size_t i = 0;

	if (str_starts(*s, STR("10*")) || str_starts(*s, STR("10^")))
		i = 3;
	for (; i < s->n && (i != 3 || s->p[0] != '1'); i++) {
		char c = s->p[i];

		if (!inside && (strchr("./(){}+-", c) != NULL ||
		    (c >= '0' && c <= '9')))
			break;
		if (c == '[' || c == ']')
			inside = c == '[';
	}
	symbol.n = i;
	*s = str_from(*s, i);
	return symbol;
}

/* unit or prefix and unit, and an exponent: [in_i]2, s-1, 10*3. */
static bool
take_unit(struct str *rest, int depth, struct ucum *out)
{
	struct ucum unit;
	uint64_t exponent = 1;
	bool minus, plus;

	if (!simple(take_symbol(rest), depth, &unit))
		return false;
	minus = take_char(rest, '-');
	plus = !minus && take_char(rest, '+');
	if ((minus || plus || is_digit(*rest)) &&
	    !take_digits(rest, EXPONENT_MAX, &exponent))
		return false;
	*out = one;
	return multiply(out, &unit, minus ? -(int)exponent : (int)exponent);
}

static bool
component(struct str *rest, int depth, struct ucum *out)
{
	bool bare = false;

	*out = one;
	if (take_char(rest, '(')) {
		if (depth >= DEPTH_MAX || !term(rest, depth + 1, out) ||
		    !take_char(rest, ')'))
			return false;
	} else if (is_digit(*rest) && !str_starts(*rest, STR("10*")) &&
	    !str_starts(*rest, STR("10^"))) {
		if (!take_digits(rest, 1000000000, &out->num) || out->num == 0)
			return false;
		reduce(&out->num, &out->den, &out->power);
	} else if (rest->n > 0 && rest->p[0] == '{') {
		bare = true;
	} else if (!take_unit(rest, depth, out)) {
		return false;
	}
	if (bare || (rest->n > 0 && rest->p[0] == '{'))
		return take_annotation(rest);
	return true;
}

/* Components with '.' and '/' between them, from left to right. */
static bool
term(struct str *rest, int depth, struct ucum *out)
{
	struct ucum next;
	bool over = take_char(rest, '/');

	*out = one;
	do {
		if (!component(rest, depth, &next) ||
		    !multiply(out, &next, over ? -1 : 1))
			return false;
		over = rest->n > 0 && rest->p[0] == '/';
	} while (take_char(rest, '.') || take_char(rest, '/'));
	return true;
}

bool
ucum_parse(struct str code, struct ucum *out)
{
	size_t i;

	if (code.n == 0 || code.n > CODE_MAX)
		return false;
	for (i = 0; i < NITEMS(scales); i++)
		if (str_eqz(code, scales[i].code)) {
			*out = (struct ucum){ .num = scales[i].num,
				.den = scales[i].den,
				.offset_nano = scales[i].offset_nano };
			out->bases[BASE_KELVIN] = 1;
			return true;
		}
	return whole(code, 0, out);
}

/* --- from one unit to another --------------------------------------------- */

/* 5 and 2 below the line are powers of ten: then the factor is a decimal. */
static bool
decimalise(struct scale *s)
{
	for (; s->den % 5 == 0; s->den /= 5, s->power--)
		if (!times(&s->num, 2))
			return false;
	for (; s->den % 2 == 0; s->den /= 2, s->power--)
		if (!times(&s->num, 5))
			return false;
	return true;
}

/* (x + a) * f - b is (x + before) * f, or x * f + after: one of them is a
 * decimal where the other is not. */
static bool
set_offsets(struct scale *s, int64_t a, int64_t b, int64_t num, int64_t den)
{
	int64_t whole_b = b * den, whole_a = a * num;

	if (whole_b % num == 0)
		s->before_nano = a - whole_b / num;
	else if (whole_a % den == 0)
		s->after_nano = whole_a / den - b;
	else
		return false;
	return true;
}

bool
ucum_scale(const struct ucum *from, const struct ucum *to, struct scale *out)
{
	struct ucum ratio = *from, by = *to;

	if (memcmp(from->bases, to->bases, sizeof(from->bases)) != 0 ||
	    !multiply(&ratio, &by, -1))
		return false;
	*out = (struct scale){ .num = ratio.num, .den = ratio.den,
		.power = ratio.power };
	if (from->offset_nano == 0 && to->offset_nano == 0)
		return decimalise(out);
	/* Temperatures: kelvins without a prefix, or the fractions above. */
	if (ratio.power != 0 || ratio.num > 9 || ratio.den > 9)
		return false;
	return set_offsets(out, from->offset_nano, to->offset_nano,
	    (int64_t)ratio.num, (int64_t)ratio.den) && decimalise(out);
}
