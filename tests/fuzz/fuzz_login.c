/*
 * Any bytes as what a client says at the token endpoint: the first line as its
 * Authorization, the rest as its form. There is no pepper here, so whoever is
 * named well meets ERR_INTERNAL, and nobody is let in.
 */

#include "base/conf.h"
#include "base/log.h"
#include "fhir/scope.h"
#include "oauth/login.h"

#include <stdint.h>
#include <stdlib.h>

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct str
var(const struct http_req *req, const char *name)
{
	(void)name;
	return *(const struct str *)req->transport;
}

static void
check(enum err err)
{
	if (err != ERR_INVALID_REQUEST && err != ERR_OAUTH_CLIENT &&
	    err != ERR_INTERNAL)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct conf conf = { .secret_dir = "/nonexistent" };
	struct str form = { (const char *)data, size };
	struct str header = str_cut(&form, '\n');
	struct http_req req = { .var = var, .transport = &header };
	struct ctx ctx = { .arena = arena_new(4096), .conf = &conf };
	struct http_params params;
	struct login login;
	struct str scope;

	log_set_level(LOG_LEVEL_ERROR);
	if (http_params_parse(ctx.arena, form, true, &params)) {
		check(login_client(&ctx, &req, &params, &login));
		scope = http_param(&params, STR("scope"));
		if (!scope_within(scope, scope) ||
		    (scope.n > 0 && scope_within(scope, STR_NONE) &&
		    !str_eq(str_trim(scope), STR(""))))
			abort();
	}
	arena_free(ctx.arena);
	return 0;
}
