/* Encodings of outside bytes: base64, base64url, hex, percent, UTF-8. */

#include "base/code.h"

#define BAD	0xffU

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char base64url_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

#define KNOWN	0x40

/* clang-format off */
/* What both alphabets share: the value of a digit + KNOWN; 0 = no digit. */
#define DIGITS_SHARED \
	['A']=64, ['B']=65, ['C']=66, ['D']=67, ['E']=68, ['F']=69, \
	['G']=70, ['H']=71, ['I']=72, ['J']=73, ['K']=74, ['L']=75, \
	['M']=76, ['N']=77, ['O']=78, ['P']=79, ['Q']=80, ['R']=81, \
	['S']=82, ['T']=83, ['U']=84, ['V']=85, ['W']=86, ['X']=87, \
	['Y']=88, ['Z']=89, ['a']=90, ['b']=91, ['c']=92, ['d']=93, \
	['e']=94, ['f']=95, ['g']=96, ['h']=97, ['i']=98, ['j']=99, \
	['k']=100, ['l']=101, ['m']=102, ['n']=103, ['o']=104, ['p']=105, \
	['q']=106, ['r']=107, ['s']=108, ['t']=109, ['u']=110, ['v']=111, \
	['w']=112, ['x']=113, ['y']=114, ['z']=115, ['0']=116, ['1']=117, \
	['2']=118, ['3']=119, ['4']=120, ['5']=121, ['6']=122, ['7']=123, \
	['8']=124, ['9']=125,

static const unsigned char base64_values[256] = {
	DIGITS_SHARED ['+']=126, ['/']=127,
};
static const unsigned char base64url_values[256] = {
	DIGITS_SHARED ['-']=126, ['_']=127,
};
/* clang-format on */

/* All whole digits of in; returns how many were written. */
static size_t
encode_digits(struct str in, const char digits[], char *out)
{
	const unsigned char *p = (const unsigned char *)in.p;
	size_t left = in.n;
	char *o = out;

	for (; left >= 3; left -= 3, p += 3) {
		unsigned word = (unsigned)p[0] << 16 | (unsigned)p[1] << 8 |
		    p[2];

		*o++ = digits[word >> 18];
		*o++ = digits[word >> 12 & 63];
		*o++ = digits[word >> 6 & 63];
		*o++ = digits[word & 63];
	}
	if (left > 0) {
		unsigned word = (unsigned)p[0] << 16 |
		    (left > 1 ? (unsigned)p[1] << 8 : 0);

		*o++ = digits[word >> 18];
		*o++ = digits[word >> 12 & 63];
		if (left > 1)
			*o++ = digits[word >> 6 & 63];
	}
	return (size_t)(o - out);
}

/* The last 2 or 3 digits; bits that say nothing must be 0 (RFC 4648 3.5). */
static size_t
decode_rest(const unsigned char *p, size_t left, const unsigned char values[],
    unsigned char *out)
{
	unsigned a = values[p[0]], b = values[p[1]];
	unsigned c = left == 3 ? values[p[2]] : KNOWN;
	unsigned word = (a & 63) << 12 | (b & 63) << 6 | (c & 63);

	if ((a & b & c & KNOWN) == 0)
		return CODE_BAD;
	out[0] = (unsigned char)(word >> 10);
	if (left == 2)
		return (word & 0x3ff) == 0 ? 1 : CODE_BAD;
	out[1] = (unsigned char)(word >> 2);
	return (word & 3) == 0 ? 2 : CODE_BAD;
}

/* Digits without padding. */
static size_t
decode_digits(struct str in, const unsigned char values[], unsigned char *out)
{
	const unsigned char *p = (const unsigned char *)in.p;
	size_t left = in.n, n = 0, rest;
	unsigned known = KNOWN;

	for (; left >= 4; left -= 4, p += 4) {
		unsigned a = values[p[0]], b = values[p[1]];
		unsigned c = values[p[2]], d = values[p[3]];
		unsigned word = (a & 63) << 18 | (b & 63) << 12 |
		    (c & 63) << 6 | (d & 63);

		known &= a & b & c & d;
		out[n++] = (unsigned char)(word >> 16);
		out[n++] = (unsigned char)(word >> 8);
		out[n++] = (unsigned char)word;
	}
	if (known == 0 || left == 1)
		return CODE_BAD;
	if (left == 0)
		return n;
	rest = decode_rest(p, left, values, out + n);
	return rest == CODE_BAD ? CODE_BAD : n + rest;
}

size_t
base64url_encode(struct str in, char *out)
{
	return encode_digits(in, base64url_digits, out);
}

size_t
base64url_decode(struct str in, unsigned char *out)
{
	return decode_digits(in, base64url_values, out);
}

size_t
base64_encode(struct str in, char *out)
{
	size_t n = encode_digits(in, base64_digits, out);

	while (n % 4 != 0)
		out[n++] = '=';
	return n;
}

size_t
base64_decode(struct str in, unsigned char *out)
{
	if (in.n % 4 != 0)
		return CODE_BAD;
	for (int i = 0; i < 2 && in.n > 0 && in.p[in.n - 1] == '='; i++)
		in.n--;
	return decode_digits(in, base64_values, out);
}

static unsigned
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a') + 10;
	if (c >= 'A' && c <= 'F')
		return (unsigned)(c - 'A') + 10;
	return BAD;
}

/* The byte of the "%XX" at s.p, or BAD * 2 when it is none. RFC 3986 2.1 */
static unsigned
percent_byte(struct str s)
{
	unsigned high, low;

	if (s.n < 3)
		return BAD * 2;
	high = hex_value(s.p[1]);
	low = hex_value(s.p[2]);
	return high == BAD || low == BAD ? BAD * 2 : high << 4 | low;
}

size_t
percent_decode(struct str in, bool plus, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < in.n; i++) {
		unsigned byte = (unsigned char)in.p[i];

		if (byte == '%') {
			byte = percent_byte(str_from(in, i));
			if (byte > 0xff)
				return CODE_BAD;
			i += 2;
		} else if (byte == '+' && plus) {
			byte = ' ';
		}
		out[n++] = (char)(unsigned char)byte;
	}
	return utf8_valid((struct str){ out, n }) ? n : CODE_BAD;
}

/* Unicode table 3-7: what the second byte may be depends on the first. */
size_t
utf8_step(struct str s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	unsigned char low = 0x80, high = 0xbf;
	size_t length;

	if (s.n == 0)
		return 0;
	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	length = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (p[0] == 0xe0)
		low = 0xa0;		/* overlong */
	else if (p[0] == 0xed)
		high = 0x9f;		/* surrogates */
	else if (p[0] == 0xf0)
		low = 0x90;		/* overlong */
	else if (p[0] == 0xf4)
		high = 0x8f;		/* above U+10FFFF */
	if (s.n < length || p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return length;
}

bool
utf8_valid(struct str s)
{
	while (s.n > 0) {
		size_t step = utf8_step(s);

		if (step == 0 || s.p[0] == '\0')
			return false;
		s = str_from(s, step);
	}
	return true;
}

void
base32_id(const unsigned char in[16], char out[BASE32_ID_CHARS])
{
	static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";
	unsigned word = 0, bits = 2;	/* 26 * 5 = 130: two leading zeros */
	size_t n = 0;

	for (size_t i = 0; i < 16; i++) {
		word = word << 8 | in[i];
		for (bits += 8; bits >= 5; bits -= 5)
			out[n++] = digits[word >> (bits - 5) & 31];
	}
}
