/*
 * A ctx is one unit of work: a request, a job, or a command. It holds what
 * every layer needs and nothing that only one layer needs. It is made by the
 * outermost caller and handed down; all its strings live in its arena.
 */
#ifndef BASE_CTX_H
#define BASE_CTX_H

#include <stdint.h>

#include "base/arena.h"
#include "base/fault.h"
#include "base/str.h"

struct pg;		/* wire/pg.h: the database connection */
struct conf;		/* base/conf.h: the settings of this process */

/* For whom we work: the verified claims of the access token. */
struct who {
	int32_t		tn;		/* tenant number; 0 = nobody */
	struct str	client;		/* client_id */
	struct str	sub;
	struct str	scope;		/* space separated, as granted */
	struct str	jti;
	struct str	addr;		/* of the peer, for the audit */
};

struct ctx {
	struct arena		*arena;
	struct pg		*pg;
	const struct conf	*conf;
	struct who		 who;
	struct fault		 fault;
	struct str		 request_id;	/* "req_" + 26 characters */
	struct str		 subject;	/* type of resource that an
						 * issue without a place is
						 * about; empty = unknown */
	int64_t			 now_us;	/* Unix us; its beginning */
};

#endif
