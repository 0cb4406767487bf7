/* The routes of the authorization server. */

#include "api/login.h"

#include "oauth/metadata.h"
#include "oauth/token.h"

enum err
login_token(struct ctx *ctx, const struct call *call,
    struct http_answer *answer)
{
	return oauth_token(ctx, call->req, answer);
}

enum err
login_metadata(struct ctx *ctx, const struct call *call,
    struct http_answer *answer)
{
	return oauth_metadata(ctx, call->req, answer);
}
