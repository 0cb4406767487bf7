/*
 * What the authorization server says about itself.
 */
#ifndef OAUTH_METADATA_H
#define OAUTH_METADATA_H

#include "base/ctx.h"
#include "wire/http.h"

/* GET /.well-known/oauth-authorization-server: only what exists. RFC 8414 2 */
enum err	oauth_metadata(struct ctx *ctx, const struct http_req *req,
		    struct http_answer *answer);

#endif
