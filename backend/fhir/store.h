/*
 * The record store: FHIR resources as the exact bytes that are served, their
 * versions, their search keys. All writes, of one record or of a bundle, go
 * one way (store_write); all reads are one prepared statement.
 *
 * Body: {"resourceType":"T","id":"I","meta":{"versionId":"N","lastUpdated":
 * "...",<client's other meta>},<the client's other members as sent>}. The
 * client's blanks and digits are kept: 1.10 stays 1.10.
 */
#ifndef FHIR_STORE_H
#define FHIR_STORE_H

#include "base/ctx.h"
#include "base/jdoc.h"
#include "fhir/keys.h"
#include "fhir/r4.h"

struct record {
	const struct r4_type	*type;
	struct str		 id;
	int64_t			 rid;
	int32_t			 ver;
	int64_t			 updated_us;	/* a whole millisecond */
	bool			 deleted;
	struct str		 body;		/* empty when deleted */
	char			 op;		/* 'C', 'U', 'D': how this
						 * version came to be; an
						 * update-as-create is a 'U'
						 * of version 1 */
	bool			 created;	/* of a history: there was
						 * none before */
};

/* Room for an id that the server makes: time-ordered, [0-9a-z], 26 chars. */
struct str	store_new_id(struct ctx *ctx);

/* --- reading --------------------------------------------------------------
 * ERR_NOT_FOUND when the tenant has none; ERR_DELETED (out filled, no body). */

enum err	store_read(struct ctx *ctx, const struct r4_type *type,
		    struct str id, struct record *out);
enum err	store_vread(struct ctx *ctx, const struct r4_type *type,
		    struct str id, int32_t ver, struct record *out);

/*
 * The same in two steps, so that several units of work ask before the first
 * takes its answer and share one round trip (pg_ask). ver 0 is the current
 * version; id is borrowed.
 */
struct record_ask;
struct record_ask	*store_ask(struct ctx *ctx, const struct r4_type *type,
			    struct str id, int32_t ver);
enum err	store_answer(struct ctx *ctx, const struct record_ask *ask,
		    struct record *out);

/* --- writing -------------------------------------------------------------- */

/* What a change may find instead of a version: RFC 9110 13.1.1, 13.1.2 */
#define MATCH_ANY	0	/* whatever is there, or nothing */
#define MATCH_SOME	(-1)	/* If-Match: *, a record that is not deleted */
#define MATCH_NONE	(-2)	/* If-None-Match: *, none */
#define MATCH_FREE	(-3)	/* none, else ERR_CONFLICT: an id that comes
				 * with criteria which nothing meets */

enum change_kind { CHANGE_CREATE, CHANGE_UPDATE, CHANGE_DELETE };

/*
 * One wished change. The body was parsed by jdoc; store_write validates it,
 * splices id and meta, extracts keys. An UPDATE of an id that does not exist
 * creates it (update-as-create).
 */
struct change {
	enum change_kind	 kind;
	const struct r4_type	*type;
	struct str		 id;		/* empty on CREATE: made here */
	const struct jdoc	*doc;		/* NULL on DELETE */
	uint32_t		 node;
	int32_t			 if_match;	/* a version or MATCH_... */
	struct str		 path;		/* "Bundle.entry[3].resource"
						 * before issues; empty alone */
	bool			 by_criteria;	/* the body may lack the id */
	int32_t			 seen_ver;	/* of a search within the same
						 * write: when it is another by
						 * now, all begins anew; 0 =
						 * none */
	/* Results; the body only when it was the only change (record_body
	 * makes it again) */
	struct record		 after;
	bool			 created;
	bool			 unchanged;	/* DELETE of nothing */
};

/*
 * Make all changes, or none, in one transaction with version rows, keys,
 * counts, events and audit. The same record twice, or an update whose body has
 * another id: ERR_INVALID_REQUEST. If-Match missed: ERR_PRECONDITION.
 * Serialization failures and lost races are tried again inside.
 */
enum err	store_write(struct ctx *ctx, struct change *changes, size_t n);

/* Look at what was written before it is committed; an err undoes it. Called
 * again when the write was tried again. */
typedef enum err	store_look(struct ctx *ctx, void *arg);

/* store_write, then look within the same transaction; with n 0 look alone. */
enum err	store_write_look(struct ctx *ctx, struct change *changes,
		    size_t n, store_look *look, void *arg);

/*
 * A write that is decided within its transaction. keys are advisory locks,
 * taken before anything else and held until the end; what is searched after
 * them sees what their last holder wrote. Then `decide` says the changes (n may
 * be 0), which are written as by store_write_look. All of it is done again when
 * another one was faster; ERR_UNAVAILABLE when that does not end.
 */
typedef enum err store_decide(struct ctx *ctx, void *arg,
		    struct change **changes, size_t *n);

struct store_plan {
	const int64_t	*keys;
	size_t		 nkeys;
	store_decide	*decide;
	store_look	*look;		/* may be NULL */
	void		*arg;		/* of both */
};

enum err	store_write_plan(struct ctx *ctx,
		    const struct store_plan *plan);

/* Further changes within a write, from its look. */
enum err	store_write_inside(struct ctx *ctx, struct change *changes,
		    size_t n);

/* The key space of ctx's tenant (reads the database's key once). */
enum err	store_key_space(struct ctx *ctx, struct key_space *out);

#endif
