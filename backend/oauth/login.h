/*
 * Client authentication at the endpoints of /oauth: which client a form comes
 * from, and whether it proved so. RFC 6749 2.3
 */
#ifndef OAUTH_LOGIN_H
#define OAUTH_LOGIN_H

#include "base/ctx.h"
#include "wire/http.h"

/* A client as a token request needs it. */
struct login {
	struct str	client_id;
	int32_t		tn;
	bool		public;		/* has no secret to prove itself */
	struct str	scopes;		/* that it may have */
	int64_t		ttl_s;		/* of its tokens */
	int64_t		last_expiry_us;	/* WHEN_MIN: has none yet */
	struct str	kid;		/* of the key that signs, or empty */
};

/*
 * The client of this form, proven by its secret (a public client by its id
 * alone). Errors: ERR_INVALID_REQUEST when nobody is named, when two mechanisms
 * are used at once, or Basic is malformed; ERR_OAUTH_CLIENT, always with the
 * same text and after the same work, for everything else.
 */
enum err	login_client(struct ctx *ctx, const struct http_req *req,
		    const struct http_params *form, struct login *login);

/* The client of this id without any proof, for administrators. ERR_NOT_FOUND
 * for one that is unknown or disabled. */
enum err	login_trusted(struct ctx *ctx, struct str client_id,
		    struct login *login);

#endif
