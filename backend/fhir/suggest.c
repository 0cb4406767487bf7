/* Guessing which name a client meant: the smallest edit distance. */

#include "fhir/suggest.h"

static char
lower(char c)
{
	return (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

static size_t
least(size_t a, size_t b, size_t c)
{
	size_t ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* Levenshtein's, one row at a time. */
size_t
suggest_distance(struct str a, struct str b)
{
	size_t row[SUGGEST_CHARS_MAX + 1], left, corner;

	for (size_t j = 0; j <= b.n; j++)
		row[j] = j;
	for (size_t i = 1; i <= a.n; i++) {
		corner = row[0];
		row[0] = i;
		for (size_t j = 1; j <= b.n; j++) {
			left = corner +
			    (lower(a.p[i - 1]) != lower(b.p[j - 1]));
			corner = row[j];
			row[j] = least(row[j] + 1, row[j - 1] + 1, left);
		}
	}
	return row[b.n];
}

const char *
suggest_element(const struct r4_structure *s, struct str name)
{
	size_t best = 3, distance;
	const char *near = NULL;

	if (name.n == 0 || name.n > SUGGEST_CHARS_MAX)
		return NULL;
	for (size_t i = 0; i < s->count; i++) {
		const struct r4_element *row = &s->elements[i];

		distance = suggest_distance(name, (struct str){ row->name,
		    row->name_len });
		if (distance < best && distance * 3 <= name.n) {
			best = distance;
			near = row->name;
		}
	}
	return near;
}
