/* An installation of the authorization server for a test program. */

#include "realm.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/code.h"
#include "base/log.h"
#include "database.h"
#include "oauth/secret.h"
#include "oauth/token.h"
#include "wire/json.h"
#include "wire/migrate.h"

static char dir[64], secret_dir[80], state_dir[80];
static struct conf conf;

static void
must(bool fine, const char *what)
{
	if (fine)
		return;
	fprintf(stderr, "realm: %s\n", what);
	abort();
}

void
realm_create(void)
{
	struct ctx ctx;
	int32_t tn;
	int n;

	snprintf(dir, sizeof(dir), "/tmp/twocare-test.XXXXXX");
	log_set_level(LOG_LEVEL_ERROR);
	must(mkdtemp(dir) != NULL, "a folder");
	snprintf(secret_dir, sizeof(secret_dir), "%s/secret", dir);
	snprintf(state_dir, sizeof(state_dir), "%s/state", dir);
	must(mkdir(secret_dir, 0700) == 0 && mkdir(state_dir, 0700) == 0,
	    "its folders");
	conf = (struct conf){ .environment = "sandbox",
	    .issuer = "https://auth.example.org",
	    .base_url = "https://api.example.org/v3",
	    .secret_dir = secret_dir, .state_dir = state_dir, .user = "",
	    .token_ttl_s = 3600 };
	realm_ctx(&ctx);
	must(migrate(&ctx, &n) == OK, "the migrations");
	must(secret_create(&ctx, &n) == OK, "the key files");
	must(tenant_create(&ctx, STR("acme"), &tn) == OK, "the tenant");
	database_ctx_end(&ctx);
}

static void
empty(const char *folder, const char *const *files)
{
	char path[128];

	for (; *files != NULL; files++) {
		snprintf(path, sizeof(path), "%s/%s", folder, *files);
		(void)unlink(path);
	}
	(void)rmdir(folder);
}

void
realm_drop(void)
{
	static const char *const secrets[] = { "pepper", "master.key", NULL };
	static const char *const states[] = { "jwks.json", "clients.map",
		"revoked.map", "alive", NULL };
	static const char *const none[] = { NULL };

	empty(secret_dir, secrets);
	empty(state_dir, states);
	empty(dir, none);
}

const char *
realm_dir(void)
{
	return dir;
}

void
realm_ctx(struct ctx *ctx)
{
	database_ctx(ctx);
	ctx->conf = &conf;
}

struct client_secret
realm_client(struct ctx *ctx, const char *scopes, bool public)
{
	struct client_secret made;

	must(client_create(ctx, &(struct client_new){ .tenant = STR("acme"),
	    .name = STR("test"), .scopes = str_of(scopes),
	    .public = public }, &made) == OK, "a client");
	return made;
}

static struct str
var(const struct http_req *req, const char *name)
{
	const struct realm_post *post = req->transport;

	return strcmp(name, "HTTP_AUTHORIZATION") == 0 ?
	    str_of(post->authorization) : STR_NONE;
}

enum err
realm_token(struct ctx *ctx, const struct realm_post *post,
    struct http_answer *answer)
{
	struct realm_post copy = *post;
	struct http_req req = { .method = HTTP_POST,
	    .method_name = STR("POST"), .path = STR("/oauth/token"),
	    .query = str_of(post->query), .body = str_of(post->body),
	    .content_type = post->type != NULL ? str_of(post->type) :
	    STR("application/x-www-form-urlencoded"), .var = var,
	    .transport = &copy };

	must(http_params_parse(ctx->arena, req.query, true, &req.params),
	    "the query");
	fault_clear(ctx);
	http_answer_init(answer, ctx->arena);
	return oauth_token(ctx, &req, answer);
}

const char *
realm_basic(struct ctx *ctx, const char *text)
{
	struct str in = str_of(text);
	char *out = arena_alloc(ctx->arena, in.n * 2 + 8);

	return arena_printf(ctx->arena, "Basic %.*s",
	    (int)base64_encode(in, out), out).p;
}

struct str
realm_field(const struct http_answer *answer, const char *name)
{
	for (struct http_field *f = answer->fields; f != NULL; f = f->next)
		if (strcmp(f->name, name) == 0)
			return f->value;
	return STR_NONE;
}

struct str
realm_member(struct ctx *ctx, const struct http_answer *answer,
    const char *name)
{
	const char *why;
	json_t *json = json_read(ctx->arena, answer->parts->bytes, &why);
	json_t *value = json_object_get(json, name);

	if (json_is_integer(value))
		return arena_printf(ctx->arena, "%lld",
		    (long long)json_integer_value(value));
	return str_of(json_string_value(value));
}
