/* The discovery document, from the settings and the table of scopes. */

#include "oauth/metadata.h"

#include "base/conf.h"
#include "fhir/scope.h"
#include "wire/json.h"

static json_t *
scopes(struct arena *arena)
{
	json_t *list = json_build(arena, "[]");

	for (const char *const *name = scope_names; *name != NULL; name++)
		json_array_append_new(list, json_string(*name));
	return list;
}

enum err
oauth_metadata(struct ctx *ctx, const struct http_req *req,
    struct http_answer *answer)
{
	const char *issuer = ctx->conf->issuer;
	json_t *json = json_build(ctx->arena,
	    "{s:s,s:s+,s:s+,s:O,s:[],s:[s],s:[ss]}",
	    "issuer", issuer,
	    "token_endpoint", issuer, "/oauth/token",
	    "jwks_uri", issuer, "/.well-known/jwks.json",
	    "scopes_supported", scopes(ctx->arena),
	    "response_types_supported",
	    "grant_types_supported", "client_credentials",
	    "token_endpoint_auth_methods_supported", "client_secret_basic",
	    "client_secret_post");

	(void)req;
	answer->status = 200;
	answer->content_type = "application/json";
	http_field(answer, "Cache-Control", STR("public, max-age=300"));
	http_body(answer, json_text(ctx->arena, json));
	return OK;
}
