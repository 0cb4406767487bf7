/*
 * An installation of the authorization server for a test program: a migrated
 * database, key files in a folder of its own, settings, and a tenant.
 */
#ifndef TESTS_LIB_REALM_H
#define TESTS_LIB_REALM_H

#include "base/conf.h"
#include "base/ctx.h"
#include "oauth/client.h"
#include "wire/http.h"

/* Make it (after database_need and database_create) and take it away. */
void		 realm_create(void);
void		 realm_drop(void);

/* Its folder, below which "secret" and "state" lie. */
const char	*realm_dir(void);

/* A unit of work in it. */
void		 realm_ctx(struct ctx *ctx);

/* A client of its tenant; scopes "" for the default. */
struct client_secret	realm_client(struct ctx *ctx, const char *scopes,
			    bool public);

/* What a test sends to POST /oauth/token. */
struct realm_post {
	const char	*type;		/* NULL: the right one */
	const char	*query;
	const char	*authorization;
	const char	*body;
};

enum err	 realm_token(struct ctx *ctx, const struct realm_post *post,
		    struct http_answer *answer);

/* "Basic ..." of a text. */
const char	*realm_basic(struct ctx *ctx, const char *text);

/* The value of an answer's field, STR_NONE without. */
struct str	 realm_field(const struct http_answer *answer,
		    const char *name);

/* A member of an answer's JSON body: strings as they are, numbers in decimal;
 * STR_NONE without. */
struct str	 realm_member(struct ctx *ctx, const struct http_answer *answer,
		    const char *name);

#endif
