/*
 * The inside of a transaction, shared by bundle.c (its steps), bundle_entry.c
 * (what an entry asks) and refs.c (references between entries). Nobody else
 * includes it.
 */
#ifndef FHIR_BUNDLE_ENTRY_H
#define FHIR_BUNDLE_ENTRY_H

#include "fhir/bundle.h"

/* One request of a transaction. */
struct entry {
	size_t			 index;		/* in Bundle.entry */
	struct str		 path;		/* "Bundle.entry[3]" */
	struct str		 full_url;	/* empty when absent */
	bool			 reads;		/* GET: no change */
	struct change		 change;	/* of a GET: type and id */
	int32_t			 ver;		/* of a GET; 0 = current */
	enum err		 missed;	/* why a GET found nothing */
};

struct entries {
	struct entry	*v;
	size_t		 n;
};

/* The decoded content of a string node; STR_NONE when it is none. */
struct str	bundle_text(struct ctx *ctx, const struct jdoc *d,
		    uint32_t node);

/* Check the envelope of the transaction in d and read its entries. New ids are
 * given here, so that references can be rewritten before anything is stored. */
enum err	bundle_entries(struct ctx *ctx, const struct jdoc *d,
		    bundle_allow *allow, struct entries *out);

/*
 * References of entries to the fullUrl of others become "Type/id": *out is d
 * with those texts exchanged and nothing else touched, or d itself. Node
 * numbers stay the same. R4 http.html#trules, bundle.html#references
 */
enum err	refs_rewrite(struct ctx *ctx, const struct jdoc *d,
		    const struct entries *entries, const struct jdoc **out);

#endif
