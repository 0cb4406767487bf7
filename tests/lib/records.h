/*
 * Records for tests: JSON text in through the store, searches by query string,
 * pages followed by their links.
 */
#ifndef TESTS_LIB_RECORDS_H
#define TESTS_LIB_RECORDS_H

#include "base/ctx.h"
#include "fhir/search.h"

/* Write the resource; its type is in it. Its rid. Fails the test otherwise. */
int64_t		 records_put(struct ctx *ctx, const char *id,
		    const char *json);

void		 records_delete(struct ctx *ctx, const char *type,
		    const char *id);

/* A query string as parameters; "" gives none. */
struct http_params	 records_query(struct ctx *ctx, struct str query);

/* Parse and run one page. */
enum err	 records_search(struct ctx *ctx, const char *type,
		    struct str query, struct search_page *page);

/* The text of the first issue of ctx, "" when there is none. */
const char	*records_issue(const struct ctx *ctx);

#endif
