/*
 * The inside of the running of Bundles, shared by bundle.c (which kind),
 * bundle_transaction.c and bundle_batch.c (their steps), bundle_entry.c (what
 * an entry asks), bundle_decide.c (what criteria come to), bundle_response.c
 * (what an entry is answered) and refs.c (references between entries). Nobody
 * else includes it.
 */
#ifndef FHIR_BUNDLE_ENTRY_H
#define FHIR_BUNDLE_ENTRY_H

#include "fhir/bundle.h"
#include "fhir/condition.h"

/* --- bundle_entry.c ------------------------------------------------------- */

/* One request of a Bundle; of a batch changes are not made by it. */
struct entry {
	size_t			 index;		/* in Bundle.entry */
	struct str		 path;		/* "Bundle.entry[3]" */
	struct str		 full_url;	/* empty when absent */
	struct bundle_request	 request;
	bool			 reads;		/* GET: no change */
	struct change		 change;
	struct conditional	*by;		/* criteria; NULL: of an id */
	const struct patch	*patch;		/* of a PATCH */
	size_t			 first, n;	/* its changes; mostly one */
	bool			 waits;		/* has a link whose target the
						 * transaction may write */
	struct http_answer	*got;		/* of a GET */
	struct str		 wrong;		/* refs_apart(); empty if not */
};

struct entries {
	struct entry	*v;
	size_t		 n;
};

/* A reference by criteria, "Patient?identifier=1", of one entry or many. R4
 * http.html#trules */
struct link {
	struct str		 text;
	struct str		 path;		/* of one that has it */
	struct condition	 condition;
	struct str		 target;	/* "Patient/1"; empty so far */
};

struct links {
	struct link	*v;			/* sorted by text */
	size_t		 n;
};

/* The decoded content of a string node; STR_NONE when it is none. */
struct str	bundle_text(struct ctx *ctx, const struct jdoc *d,
		    uint32_t node);

/* The issues behind `last` (NULL: all) are told as of that place. */
void		bundle_place_issues(struct ctx *ctx, struct issue *last,
		    struct str path);

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

/* --- bundle_decide.c ------------------------------------------------------ */

/* A transaction on its way. */
struct transaction {
	const struct bundle_host	*host;
	const struct jdoc		*d;		/* as sent */
	struct entries			 entries;
	struct links			 links;
	struct change			*changes;	/* of all entries */
	size_t				 n;
	size_t				 waiting;	/* the last of them,
							 * which wait */
	bool				 reads;		/* has GETs */
};

/* Look for what the criteria mean, and make the changes of it: a store_decide,
 * whose arg is the transaction. Those that wait are left out. */
enum err	bundle_decide(struct ctx *ctx, void *transaction,
		    struct change **changes, size_t *n);

/* Then, before the commit: find what was waited for, write who waited, and see
 * that the criteria mean the same as before. */
enum err	bundle_settle(struct ctx *ctx, struct transaction *t);

/* --- bundle_response.c ---------------------------------------------------- */

/* The beginning of a response of that type and its end; n is the number of
 * entries. */
void		bundle_begin_response(struct http_answer *answer,
		    const char *type, size_t n);
void		bundle_end_response(struct http_answer *answer, size_t n);

/* An entry of a response: what the change of an entry came to, and what a
 * request was answered (its bytes are handed on, not copied). */
void		bundle_add_entry(struct ctx *ctx,
		    const struct bundle_host *host, const struct entry *e,
		    const struct change *changes, bool first,
		    struct http_answer *answer);
void		bundle_add_answer(struct ctx *ctx,
		    const struct bundle_host *host,
		    const struct bundle_request *request,
		    const struct http_answer *part, bool first,
		    struct http_answer *answer);

/* --- refs.c --------------------------------------------------------------- */

/* All references by criteria; their conditions are not yet read. */
void		refs_links(struct ctx *ctx, const struct jdoc *d,
		    struct entries *entries, struct links *out);

/*
 * References of entries to the fullUrl of others, and by criteria, become
 * "Type/id": *out is d with those texts exchanged and nothing else touched, or
 * d itself. Node numbers stay the same. An entry with a link that has no target
 * yet is marked waiting. R4 http.html#trules, bundle.html#references
 */
enum err	refs_rewrite(struct ctx *ctx, const struct jdoc *d,
		    struct entries *entries, struct links *links,
		    const struct jdoc **out);

/* Entries of a batch must not link to the fullUrl of one that is created:
 * says of each entry what is wrong. */
void		refs_apart(struct ctx *ctx, const struct jdoc *d,
		    struct entries *entries);

#endif
