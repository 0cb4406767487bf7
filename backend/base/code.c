/* Encodings of outside bytes: base64, base64url, hex, percent, UTF-8. */

#include "base/code.h"

#define BAD	0xff

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char base64url_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char hex_digits[] = "0123456789abcdef";

/* The value of a digit; c62 and c63 are what the two alphabets differ in. */
static unsigned
base64_value(unsigned char c, char c62, char c63)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26U;
	if (c >= '0' && c <= '9')
		return c - '0' + 52U;
	if (c == (unsigned char)c62)
		return 62;
	return c == (unsigned char)c63 ? 63 : BAD;
}

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

/* Digits without padding; bits that say nothing must be 0 (RFC 4648 3.5). */
static size_t
decode_digits(struct str in, char c62, char c63, unsigned char *out)
{
	uint32_t word = 0;
	unsigned bits = 0;
	size_t n = 0;

	if (in.n % 4 == 1)
		return CODE_BAD;
	for (size_t i = 0; i < in.n; i++) {
		unsigned value = base64_value((unsigned char)in.p[i], c62,
		    c63);

		if (value == BAD)
			return CODE_BAD;
		word = word << 6 | value;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			out[n++] = (unsigned char)(word >> bits);
		}
	}
	return (word & ((1U << bits) - 1)) == 0 ? n : CODE_BAD;
}

size_t
base64url_encode(struct str in, char *out)
{
	return encode_digits(in, base64url_digits, out);
}

size_t
base64url_decode(struct str in, unsigned char *out)
{
	return decode_digits(in, '-', '_', out);
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
	return decode_digits(in, '+', '/', out);
}

size_t
hex_encode(struct str in, char *out)
{
	for (size_t i = 0; i < in.n; i++) {
		unsigned char byte = (unsigned char)in.p[i];

		out[2 * i] = hex_digits[byte >> 4];
		out[2 * i + 1] = hex_digits[byte & 15];
	}
	return in.n * 2;
}

static unsigned
hex_value(char c, bool upper_too)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a') + 10;
	if (upper_too && c >= 'A' && c <= 'F')
		return (unsigned)(c - 'A') + 10;
	return BAD;
}

size_t
hex_decode(struct str in, unsigned char *out)
{
	if (in.n % 2 != 0)
		return CODE_BAD;
	for (size_t i = 0; i < in.n; i += 2) {
		unsigned high = hex_value(in.p[i], false);
		unsigned low = hex_value(in.p[i + 1], false);

		if (high == BAD || low == BAD)
			return CODE_BAD;
		out[i / 2] = (unsigned char)(high << 4 | low);
	}
	return in.n / 2;
}

/* The byte of the "%XX" at s.p, or BAD * 2 when it is none. RFC 3986 2.1 */
static unsigned
percent_byte(struct str s)
{
	unsigned high, low;

	if (s.n < 3)
		return BAD * 2;
	high = hex_value(s.p[1], true);
	low = hex_value(s.p[2], true);
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
