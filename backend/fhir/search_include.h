/*
 * What _include and _revinclude bring along with a page, complete for its
 * matches up to a stated bound. R4 search.html#revinclude
 */
#ifndef FHIR_SEARCH_INCLUDE_H
#define FHIR_SEARCH_INCLUDE_H

#include "fhir/keys.h"
#include "fhir/search.h"
#include "fhir/search_query.h"

/* More is left out, with a warning in ctx. */
#define SEARCH_INCLUDED_MAX		1000
#define SEARCH_INCLUDED_BYTES		((size_t)8 * 1024 * 1024)

/*
 * Fill page->included: each record once, none that is a match of the page.
 * Types that ctx's who may not read are left out; where a record refers to one
 * of them, a warning says so. The matches' bodies must be whole.
 */
enum err	search_include_run(struct ctx *ctx, struct key_space space,
		    const struct search *search, struct search_page *page);

#endif
