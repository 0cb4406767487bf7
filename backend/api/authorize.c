/* Who asks, and whether they may. */

#include "api/authorize.h"

#include "base/buf.h"
#include "fhir/scope.h"

void
authorize_who(struct ctx *ctx, const struct http_req *req)
{
	uint64_t tn = 0;

	(void)str_u64(req->var(req, "EDGE_TENANT"), INT32_MAX, &tn);
	ctx->who = (struct who){
		.tn = (int32_t)tn,
		.client = req->var(req, "EDGE_CLIENT_ID"),
		.sub = req->var(req, "EDGE_SUB"),
		.scope = req->var(req, "EDGE_SCOPE"),
		.jti = req->var(req, "EDGE_JTI"),
		.addr = req->var(req, "EDGE_ADDR"),
	};
}

static const struct {
	char		 letter;
	unsigned	 verb;
	const char	*what;
} verbs[] = {
	{ 'c', SCOPE_C, "create" },
	{ 'r', SCOPE_R, "read" },
	{ 'u', SCOPE_U, "update" },
	{ 'd', SCOPE_D, "delete" },
	{ 's', SCOPE_S, "search" },
};

#define NVERBS	(sizeof(verbs) / sizeof(verbs[0]))

enum err
authorize_route(struct ctx *ctx, const struct route *route,
    const struct r4_type *type)
{
	enum err err = OK;

	if (route->who != TOKEN)
		return OK;
	if (ctx->who.client.n == 0)
		return fail(ctx, ERR_INVALID_TOKEN, "send an access token: "
		    "Authorization: Bearer ...");
	if (ctx->who.tn == 0)
		return fail(ctx, ERR_INVALID_TOKEN, "the access token names "
		    "no tenant");
	for (size_t i = 0; type != NULL && i < NVERBS && err == OK; i++)
		if (route->verbs & verbs[i].verb)
			err = scope_check(ctx, type, verbs[i].verb,
			    verbs[i].what);
	return err;
}

struct str
authorize_needed(struct ctx *ctx, const struct route *route,
    const struct r4_type *type)
{
	struct buf b = buf_new(ctx->arena, 64);

	for (size_t i = 0; i < NVERBS; i++) {
		struct str scope = scope_needed(type, verbs[i].verb);

		if ((route->verbs & verbs[i].verb) == 0 || scope.n == 0 ||
		    scope_within(scope, buf_str(&b)))
			continue;
		if (b.n > 0)
			buf_addc(&b, ' ');
		buf_add(&b, scope);
	}
	return buf_str(&b);
}

enum err
authorize_entry(struct ctx *ctx, const struct r4_type *type, char verb)
{
	for (size_t i = 0; i < NVERBS; i++)
		if (verbs[i].letter == verb)
			return scope_check(ctx, type, verbs[i].verb,
			    verbs[i].what);
	return fail(ctx, ERR_SCOPE, "no scope allows that on %s", type->name);
}
