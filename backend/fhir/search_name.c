/*
 * Misspelt parameter names: the nearest right one, by edit distance, so that
 * a 400 says what was probably meant.
 */

#include "fhir/search_query.h"

#include "fhir/suggest.h"

static const char *const general[] = { "_id", "_lastUpdated", "_count",
	"_offset", "_sort", "_format", "_pretty" };

/* code becomes the best of the names so far when it is nearer than *near. */
static void
consider(struct str wanted, const char *code, size_t *near, const char **best)
{
	struct str name = str_of(code);
	size_t d;

	if (name.n > SUGGEST_CHARS_MAX)
		return;
	d = suggest_distance(wanted, name);
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

	if (code.n > SUGGEST_CHARS_MAX)
		return NULL;
	for (i = 0; i < type->nparams; i++)
		consider(code, type->params[i]->code, &near, &best);
	for (i = 0; i < sizeof(general) / sizeof(general[0]); i++)
		consider(code, general[i], &near, &best);
	return best;
}
