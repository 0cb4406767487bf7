/*
 * The inside of the running of Bundles, shared by bundle.c (which kind),
 * bundle_transaction.c and bundle_batch.c (their steps), bundle_entry.c (what
 * an entry asks), bundle_response.c (what it is answered) and refs.c
 * (references between entries). Nobody else includes it.
 */
#ifndef FHIR_BUNDLE_ENTRY_H
#define FHIR_BUNDLE_ENTRY_H

#include "fhir/bundle.h"

/* --- bundle_entry.c ------------------------------------------------------- */

/* One request of a Bundle; of a batch changes are not made by it. */
struct entry {
	size_t			 index;		/* in Bundle.entry */
	struct str		 path;		/* "Bundle.entry[3]" */
	struct str		 full_url;	/* empty when absent */
	struct bundle_request	 request;
	bool			 reads;		/* GET: no change */
	struct change		 change;
	struct http_answer	*got;		/* of a GET */
	struct str		 wrong;		/* refs_apart(); empty if not */
};

struct entries {
	struct entry	*v;
	size_t		 n;
};

/* The decoded content of a string node; STR_NONE when it is none. */
struct str	bundle_text(struct ctx *ctx, const struct jdoc *d,
		    uint32_t node);

/* The array Bundle.entry, 0 when there is none; ERR_TOO_LARGE when it has more
 * than max elements. */
enum err	bundle_list(struct ctx *ctx, const struct jdoc *d, size_t max,
		    uint32_t *array);

/* What the entry at node asks; path is its own, for issues. */
enum err	bundle_request(struct ctx *ctx, const struct jdoc *d,
		    uint32_t node, struct str path,
		    struct bundle_request *out);

/* Read the entries of the transaction in d. New ids are given here, so that
 * references can be rewritten before anything is stored. */
enum err	bundle_entries(struct ctx *ctx, const struct jdoc *d,
		    bundle_allow *allow, struct entries *out);

/* --- bundle_transaction.c, bundle_batch.c --------------------------------- */

enum err	bundle_transaction(struct ctx *ctx, const struct jdoc *d,
		    const struct bundle_host *host,
		    struct http_answer *answer);
enum err	bundle_batch(struct ctx *ctx, const struct jdoc *d,
		    const struct bundle_host *host,
		    struct http_answer *answer);

/* --- bundle_response.c ---------------------------------------------------- */

/* The beginning of a response of that type and its end; n is the number of
 * entries. */
void		bundle_begin_response(struct http_answer *answer,
		    const char *type, size_t n);
void		bundle_end_response(struct http_answer *answer, size_t n);

/* An entry of a response: what a change came to, and what a request was
 * answered (its bytes are handed on, not copied). */
void		bundle_add_change(struct ctx *ctx,
		    const struct bundle_host *host,
		    const struct change *change, bool first,
		    struct http_answer *answer);
void		bundle_add_answer(struct ctx *ctx,
		    const struct bundle_host *host,
		    const struct bundle_request *request,
		    const struct http_answer *part, bool first,
		    struct http_answer *answer);

/* --- refs.c --------------------------------------------------------------- */

/*
 * References of entries to the fullUrl of others become "Type/id": *out is d
 * with those texts exchanged and nothing else touched, or d itself. Node
 * numbers stay the same. R4 http.html#trules, bundle.html#references
 */
enum err	refs_rewrite(struct ctx *ctx, const struct jdoc *d,
		    const struct entries *entries, const struct jdoc **out);

/* Entries of a batch must not link to the fullUrl of one that is created:
 * says of each entry what is wrong. */
void		refs_apart(struct ctx *ctx, const struct jdoc *d,
		    struct entries *entries);

#endif
