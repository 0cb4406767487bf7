/*
 * Folding of text for string search: what differs only in case, accents or
 * blanks becomes equal. Compatibility decomposition, case folding, marks
 * dropped (Unicode, UAX #15 and core specification 3.13). R4
 * search.html#string
 */

#include "fhir/keys.h"

#include <stdlib.h>

#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

#define FOLD_BYTES	256
/* More text than this cannot matter: decomposed it is never shorter than a
 * third, and blanks are the only thing that goes. */
#define FOLD_INPUT	1024
/* One character of 3 bytes becomes at most 33 (U+FDFA). */
#define FOLD_GROWTH	12

/* The longest beginning of s of at most max bytes that ends a character. */
static struct str
cut(struct str s, size_t max)
{
	if (s.n <= max)
		return s;
	while (max > 0 && ((unsigned char)s.p[max] & 0xc0) == 0x80)
		max--;
	return (struct str){ s.p, max };
}

static bool
is_ascii(struct str s)
{
	unsigned char all = 0;

	for (size_t i = 0; i < s.n; i++)
		all |= (unsigned char)s.p[i];
	return all < 0x80;
}

/* Lower case of ASCII, runs of blanks as one, none at the ends. */
static struct str
fold_ascii(struct arena *arena, struct str text)
{
	char *out = arena_alloc(arena, text.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if (c <= ' ') {
			if (n > 0 && out[n - 1] != ' ')
				out[n++] = ' ';
			continue;
		}
		out[n++] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
	}
	if (n > 0 && out[n - 1] == ' ')
		n--;
	return (struct str){ out, n };
}

/* The same for characters that are already decomposed and case-folded;
 * combining ones are left out. */
static struct str
strip_marks(struct arena *arena, const uint8_t *p, size_t n)
{
	uint8_t *out = arena_alloc(arena, n + 1);
	size_t at = 0, used = 0;
	ucs4_t c;

	while (at < n) {
		int bytes = u8_mbtouc(&c, p + at, n - at);

		if (c <= ' ' || uc_is_property_white_space(c)) {
			if (used > 0 && out[used - 1] != ' ')
				out[used++] = ' ';
		} else if (uc_combining_class(c) == 0) {
			memcpy(out + used, p + at, (size_t)bytes);
			used += (size_t)bytes;
		}
		at += (size_t)bytes;
	}
	if (used > 0 && out[used - 1] == ' ')
		used--;
	return (struct str){ (const char *)out, used };
}

static struct str
fold_unicode(struct arena *arena, struct str text)
{
	size_t room = text.n * FOLD_GROWTH, n = room;
	uint8_t *buffer = arena_alloc(arena, room);
	uint8_t *folded = u8_casefold((const uint8_t *)text.p, text.n, NULL,
	    UNINORM_NFKD, buffer, &n);

	/* Not UTF-8: only unchecked text can be so. */
	if (folded == NULL)
		return fold_ascii(arena, text);
	if (folded != buffer)
		arena_later(arena, free, folded);
	return strip_marks(arena, folded, n);
}

struct str
key_fold(struct arena *arena, struct str text)
{
	text = cut(text, FOLD_INPUT);
	return cut(is_ascii(text) ? fold_ascii(arena, text) :
	    fold_unicode(arena, text), FOLD_BYTES);
}
