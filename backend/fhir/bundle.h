/*
 * Bundles: running transactions and batches, and writing their responses,
 * searchsets and histories by copying stored bytes.
 */
#ifndef FHIR_BUNDLE_H
#define FHIR_BUNDLE_H

#include "fhir/history.h"
#include "fhir/provenance.h"
#include "fhir/search.h"
#include "fhir/store.h"

/* What an entry asks: its request as sent, members that are absent empty. R4
 * bundle-definitions.html#Bundle.entry.request */
struct bundle_request {
	struct str		 method, url;
	struct str		 if_match, if_none_match, if_none_exist,
				 if_modified_since;
	const struct jdoc	*doc;	/* of its resource; NULL = none */
	uint32_t		 node;
};

/* May the caller do this to that type? ERR_SCOPE if not. verb is one of
 * c r u d s. */
typedef enum err	bundle_allow(struct ctx *ctx,
			    const struct r4_type *type, char verb);

/* Answer an entry as if it were a request of its own, refusals too; its err
 * is returned, and ctx's issues stay as they were. */
typedef enum err	bundle_ask(struct ctx *ctx, void *world,
			    const struct bundle_request *request,
			    struct http_answer *answer);

/* What entries that write show of it. R4 http.html#ops */
enum bundle_returns { BUNDLE_MINIMAL, BUNDLE_RECORD, BUNDLE_OUTCOME };

/* What api/ gives to the running of a Bundle. */
struct bundle_host {
	bundle_allow		*allow;
	bundle_ask		*ask;
	void			*world;		/* of ask */
	struct str		 base;		/* the FHIR base URL */
	enum bundle_returns	 returns;
	struct provenance	*provenance;	/* of a transaction; its
						 * changes are set here. NULL:
						 * none */
};

/*
 * Run the Bundle in d; the entries of its response are in the order of the
 * request.
 * A transaction is all or nothing: links to the fullUrl of other entries are
 * rewritten, and what it reads it reads before it is committed; issues name
 * their entry ("Bundle.entry[3]"). A batch is its entries one by one, each with
 * its own transaction and outcome.
 * R4 http.html#transaction
 */
enum err	bundle_run(struct ctx *ctx, const struct jdoc *d,
		    const struct bundle_host *host,
		    struct http_answer *answer);

/* A searchset and a history bundle as parts of an answer; base is the FHIR
 * base URL, path the type ("Observation", empty of the whole server) or
 * "Patient/1/_history". */
void		bundle_searchset(struct ctx *ctx,
		    const struct search_page *page, struct str base,
		    struct str path, struct http_answer *answer);
void		bundle_history(struct ctx *ctx,
		    const struct history_page *page, struct str base,
		    struct str path, struct http_answer *answer);

#endif
