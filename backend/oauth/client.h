/*
 * Tenants and clients as administrators handle them.
 */
#ifndef OAUTH_CLIENT_H
#define OAUTH_CLIENT_H

#include <libpq-fe.h>

#include "base/ctx.h"

/* How long the old secret lives beside the new one, in days. */
#define CLIENT_OVERLAP_DAYS	7
#define CLIENT_OVERLAP_DAYS_MAX	30

/* A client to be made; members that are empty or NULL have defaults. */
struct client_new {
	struct str	tenant;		/* name of an existing one */
	struct str	name;		/* for people */
	struct str	scopes;		/* none: every scope but user:* and
					 * system:admin */
	struct str	tier;		/* none: standard */
	struct str	hour, minute;	/* numbers; enterprise only, and both */
	struct str	pool;		/* clients of one tenant that share
					 * windows */
	struct str	ttl;		/* seconds; none: the setting */
	bool		public;
};

/* What the owner of a client must know; the secret is shown this once. */
struct client_secret {
	struct str	client_id;
	struct str	secret;		/* empty for a public client */
};

/* A new tenant and its number. ERR_CONFLICT for a taken name,
 * ERR_INVALID_PARAMETER for one that is not 1 to 64 of [A-Za-z0-9._-]. */
enum err	tenant_create(struct ctx *ctx, struct str name, int32_t *tn);

/* The number of a tenant; ERR_NOT_FOUND for an unknown one. */
enum err	tenant_named(struct ctx *ctx, struct str name, int32_t *tn);

/* All tenants: columns of query_tenant_list. */
enum err	tenant_list(struct ctx *ctx, PGresult **res);

/* Whether all clients of a tenant share windows, each with numbers of its own;
 * clients with a pool share those of the pool. ERR_NOT_FOUND for an unknown
 * tenant. */
enum err	tenant_pool(struct ctx *ctx, struct str name, bool pooled);

/* A new client. ERR_NOT_FOUND for an unknown tenant, ERR_INVALID_PARAMETER
 * (naming the member) for a bad value. */
enum err	client_create(struct ctx *ctx, const struct client_new *new,
		    struct client_secret *made);

/*
 * Change what `change` names: of its members, tenant and public do not count,
 * empty ones leave what is there, and "-" takes pool or ttl away. A client that
 * becomes enterprise needs both numbers, one that is may change either. Tokens
 * keep the scopes that they were issued with. Errors as client_create;
 * ERR_NOT_FOUND for an unknown id.
 */
enum err	client_change(struct ctx *ctx, struct str id,
		    const struct client_new *change);

/* The clients of a tenant, or all when its name is empty: columns of
 * query_client_list. */
enum err	client_list(struct ctx *ctx, struct str tenant,
		    PGresult **res);

/* Disable or enable. ERR_NOT_FOUND for an unknown id. */
enum err	client_enable(struct ctx *ctx, struct str id, bool enabled);

/* Refuse all tokens that the client has got until now. ERR_NOT_FOUND for an
 * unknown id. */
enum err	client_revoke(struct ctx *ctx, struct str id,
		    struct str reason);

/*
 * A new secret; the newest of the old ones lives for overlap_days more, all
 * others end now. ERR_NOT_FOUND for an unknown id, ERR_INVALID_PARAMETER for a
 * public client or too long an overlap.
 */
enum err	client_rotate(struct ctx *ctx, struct str id,
		    int64_t overlap_days, struct client_secret *made);

#endif
