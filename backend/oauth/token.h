/*
 * The token endpoint, POST /oauth/token. RFC 6749 3.2, 4.4, 5
 */
#ifndef OAUTH_TOKEN_H
#define OAUTH_TOKEN_H

#include "base/ctx.h"
#include "wire/http.h"

/* A form holds one credential and one scope list; RFC 6749 needs far less. */
#define TOKEN_FORM_MAX		(32 * 1024)

/*
 * Answer a token request: client_credentials, with the client authenticated by
 * client_secret_basic or client_secret_post. The answer carries the token, the
 * no-store fields, and X-Edge-Client, by which the edge charges the request to
 * the client. Errors are the ERR_OAUTH_* kinds and ERR_INVALID_REQUEST; the
 * text of ERR_OAUTH_CLIENT is the same for every reason. Every 401 from here
 * needs `WWW-Authenticate: Basic` (TOKEN_CHALLENGE). RFC 6749 5.2
 */
enum err	oauth_token(struct ctx *ctx, const struct http_req *req,
		    struct http_answer *answer);

struct login;

/*
 * Sign a token for a client that has been found, and note when it expires.
 * asked: the scopes wanted, empty for all that the client may have; *scope gets
 * those of the token. ERR_OAUTH_SCOPE for one that it may not have,
 * ERR_UNAVAILABLE while there is no key.
 */
enum err	token_issue(struct ctx *ctx, const struct login *login,
		    struct str asked, struct str *scope, struct str *token);

#define TOKEN_CHALLENGE		"Basic realm=\"2care\", charset=\"UTF-8\""

#endif
