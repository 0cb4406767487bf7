/* Any query as a search of Patients or Observations: parsed, or refused with
 * a text. */

#include "fhir/search.h"

#include <stdlib.h>

#include "base/code.h"
#include "base/ctx.h"
#include "fhir/search_query.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool fine)
{
	if (!fine)
		abort();
}

static void
check_search(const struct search *search, size_t sent)
{
	const struct search_condition *c;
	size_t i, n;

	check(search->n <= SEARCH_CONDITIONS_MAX);
	check(search->nsort <= SEARCH_SORT_MAX);
	check(search->count >= 0 && search->count <= SEARCH_COUNT_MAX);
	check(search->offset >= 0 && search->offset <= SEARCH_OFFSET_MAX);
	check(search->napplied <= sent);
	for (i = 0; i < search->n; i++) {
		c = &search->conditions[i];
		check(c->n > 0 && c->n <= SEARCH_VALUES_MAX);
		for (n = 0; n < c->n; n++)
			check(c->kind != SEARCH_DATE ||
			    c->values[n].lo_us < c->values[n].hi_us);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str query = { (const char *)data, size };
	struct ctx ctx = { .arena = arena_new(4096) };
	struct http_params params;
	struct search *search;
	bool lenient = size > 0 && (data[0] & 1) != 0;
	const char *type = size > 1 && (data[1] & 1) != 0 ? "Patient" :
	    "Observation";

	if (http_params_parse(ctx.arena, query, true, &params)) {
		if (search_parse(&ctx, r4_type_named(str_of(type)), &params,
		    lenient, &search) == OK)
			check_search(search, params.n);
		else
			check(ctx.fault.issues != NULL &&
			    ctx.fault.issues->text.n > 0 &&
			    utf8_valid(ctx.fault.issues->text));
	}
	arena_free(ctx.arena);
	return 0;
}
