/*
 * Changing a record that is there: it is locked and read, a function makes the
 * new body of the present one, and that is validated and written, all in one
 * transaction. So none of many changes at once is lost. Patches and the
 * operations on meta are such changes.
 */
#ifndef FHIR_EDIT_H
#define FHIR_EDIT_H

#include "fhir/condition.h"
#include "fhir/store.h"

/*
 * Make *doc, in ctx's arena, of the present body; NULL when nothing is to be
 * changed. It keeps the id. Called again when another one was faster.
 */
typedef enum err	edit_make(struct ctx *ctx, void *arg,
			    const struct record *now,
			    const struct jdoc **doc);

struct edit {
	const struct r4_type	*type;
	struct str		 id;		/* or what meets the */
	struct condition	*condition;	/* condition, NULL without */
	int32_t			 if_match;	/* a version or MATCH_... */
	struct str		 path;		/* before issues; as of a
						 * change */
	edit_make		*make;
	void			*arg;
	store_look		*look;		/* before the commit; may be
						 * NULL */
	void			*look_arg;
	/* Results */
	struct change		 change;
	size_t			 n;		/* changes: 1, or 0 when */
	bool			 unchanged;	/* it is as it was */
	struct record		 after;		/* as it is now */
};

/* ERR_NOT_FOUND, ERR_DELETED; ERR_PRECONDITION of another version, and of
 * criteria that several meet; and what make, validation and store_write
 * refuse. */
enum err	edit_write(struct ctx *ctx, struct edit *edit);

/* The first half, in a transaction that is open: what is to be written is
 * edit->change, unless edit->unchanged. */
enum err	edit_decide(struct ctx *ctx, struct edit *edit);

#endif
