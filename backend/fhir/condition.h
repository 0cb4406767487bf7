/*
 * Criteria in the place of an id: If-None-Exist, PUT and DELETE of
 * Type?criteria, references to "Type?criteria". They are searches, taken
 * strictly whatever the client prefers; who writes by the same criteria waits
 * for those before. R4 http.html#ccreate, #cond-update, #3.1.0.7.1
 */
#ifndef FHIR_CONDITION_H
#define FHIR_CONDITION_H

#include "fhir/patch.h"
#include "fhir/store.h"
#include "wire/http.h"

/* So many records a deletion may have at once. */
#define CONDITION_MANY_MAX	1000

struct condition {
	const struct r4_type	*type;
	struct http_params	 criteria;
	struct str		 path;		/* before issues; may be
						 * empty */
	int64_t			 key;		/* of who writes by them */
	/* Results of condition_find */
	struct record		*found;
	size_t			 n;
	bool			 more;		/* than these */
};

/*
 * Take criteria, check them as a search would, and know their key, which does
 * not depend on their order and spelling in the URL. What shapes a page only
 * (_sort, _include) is refused; none at all, too.
 */
enum err	condition_read(struct ctx *ctx, const struct r4_type *type,
		    const struct http_params *criteria, struct str path,
		    struct condition *out);

/* The same of a text, "identifier=a|1", as it stands in a URL. */
enum err	condition_parse(struct ctx *ctx, const struct r4_type *type,
		    struct str text, struct str path, struct condition *out);

/* The first `most` records that meet them now, with their bodies. */
enum err	condition_find(struct ctx *ctx, struct condition *c,
		    size_t most);

/* ERR_PRECONDITION of criteria that more than one record meets. */
enum err	condition_fail_many(struct ctx *ctx,
		    const struct condition *c);

/*
 * A change of what meets criteria. wish is the change as it would be of an id:
 * a CREATE (If-None-Exist), an UPDATE, whose id is that of the body or empty,
 * or a DELETE.
 */
struct conditional {
	struct condition	 condition;
	struct change		 wish;
	size_t			 most;		/* that a DELETE may have, at
						 * least 1 */
	bool			 some;		/* it may leave others */
	const struct patch	*patch;		/* of an UPDATE: what makes its
						 * body of what is found, and
						 * nothing of nothing; or
						 * NULL */
	/* What it comes to: no changes when a CREATE found its record, and
	 * when there is nothing to delete. */
	struct change		*changes;
	size_t			 n;
	struct record		 there;		/* of a CREATE: type NULL when
						 * it was made */
};

/* How many matches must be looked for. */
size_t		conditional_most(const struct conditional *c);

/* Take the criteria of a deletion and how many it may have: one; those that
 * _count among them says; or, by the settings, many. */
enum err	conditional_read_delete(struct ctx *ctx,
		    const struct http_params *params, struct str path,
		    struct conditional *c);

/* After condition_find: fill changes, n and there. ERR_PRECONDITION of too
 * many, ERR_INVALID_REQUEST of a body with the id of another record,
 * ERR_NOT_FOUND of nothing to patch. */
enum err	conditional_settle(struct ctx *ctx, struct conditional *c);

/* Lock, search, settle and write it; look may be NULL (store_write_look). */
enum err	conditional_write(struct ctx *ctx, struct conditional *c,
		    store_look *look, void *arg);

#endif
