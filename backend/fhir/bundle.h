/*
 * Bundles: taking a transaction apart and running it, and writing searchset,
 * history and transaction-response bundles by copying stored bytes.
 */
#ifndef FHIR_BUNDLE_H
#define FHIR_BUNDLE_H

#include "fhir/search.h"
#include "fhir/store.h"

/* May the caller do this to that type? api/ gives it; ERR_SCOPE if not. verb
 * is one of c r u d s. */
typedef enum err	bundle_allow(struct ctx *ctx,
			    const struct r4_type *type, char verb);

/*
 * Run the transaction Bundle in d: urn:uuid and conditional-free references
 * rewritten, all or nothing, the answer's entries in the order of the request.
 * Issues name their entry ("Bundle.entry[3]"). R4 http.html#transaction
 */
enum err	bundle_transaction(struct ctx *ctx, const struct jdoc *d,
		    bundle_allow *allow, struct http_answer *answer);

/* A searchset and a history bundle as parts of an answer; base is the FHIR
 * base URL, path the type ("Observation") or "Patient/1/_history". */
void		bundle_searchset(struct ctx *ctx,
		    const struct search_page *page, struct str base,
		    struct str path, struct http_answer *answer);
void		bundle_history(struct ctx *ctx,
		    const struct history_page *page, struct str base,
		    struct str path, struct http_answer *answer);

#endif
