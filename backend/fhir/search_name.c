/*
 * Misspelt parameter names: the nearest right one, by edit distance, so that
 * a 400 says what was probably meant.
 */

#include "fhir/search_query.h"

#define CODE_MAX	64	/* longer names are nobody's slip of a key */

static const char *const general[] = { "_id", "_lastUpdated", "_count",
	"_offset", "_sort", "_format", "_pretty" };

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Insertions, deletions and replacements that make b of a. */
static size_t
distance(struct str a, struct str b)
{
	size_t row[CODE_MAX + 1];
	size_t i, j, above_left, above;

	for (j = 0; j <= b.n; j++)
		row[j] = j;
	for (i = 1; i <= a.n; i++) {
		above_left = row[0];
		row[0] = i;
		for (j = 1; j <= b.n; j++) {
			above = row[j];
			row[j] = least(least(above, row[j - 1]) + 1,
			    above_left + (a.p[i - 1] != b.p[j - 1]));
			above_left = above;
		}
	}
	return row[b.n];
}

/* code becomes the best of the names so far when it is nearer than *near. */
static void
consider(struct str wanted, const char *code, size_t *near, const char **best)
{
	struct str name = str_of(code);
	size_t d;

	if (name.n > CODE_MAX)
		return;
	d = distance(wanted, name);
	if (d < *near) {
		*near = d;
		*best = code;
	}
}

const char *
search_nearest(const struct r4_type *type, struct str code)
{
	/* Every third letter wrong, and it is another word. */
	size_t near = code.n / 3 + 2;
	const char *best = NULL;
	size_t i;

	if (code.n > CODE_MAX)
		return NULL;
	for (i = 0; i < type->nparams; i++)
		consider(code, type->params[i]->code, &near, &best);
	for (i = 0; i < sizeof(general) / sizeof(general[0]); i++)
		consider(code, general[i], &near, &best);
	return best;
}
