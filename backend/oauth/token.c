/* POST /oauth/token: from a form to a signed access token. */

#include "oauth/token.h"

#include "base/buf.h"
#include "base/code.h"
#include "base/conf.h"
#include "base/hash.h"
#include "base/jose.h"
#include "base/when.h"
#include "fhir/scope.h"
#include "oauth/keyring.h"
#include "oauth/login.h"
#include "queries.h"
#include "wire/json.h"
#include "wire/pg.h"

/* The token must fit the edge's JOSE_TOKEN_MAX beside the other claims. */
#define TOKEN_SCOPE_MAX		2048

/* A client's last_expiry runs ahead by so much, so that it is written once a
 * minute and not with each token. */
#define TOKEN_AHEAD_US		(60 * US_PER_SECOND)

/* Credentials in a URL end in logs and histories: refused. RFC 6749 2.3.1 */
static const char *const never_in_query[] = { "client_id", "client_secret",
	"client_assertion", "grant_type", "code", "refresh_token",
	"access_token", "username", "password" };

#define NITEMS(a)	(sizeof(a) / sizeof((a)[0]))

/* --- the form ------------------------------------------------------------ */

static enum err
check_request(struct ctx *ctx, const struct http_req *req)
{
	struct str rest = req->content_type;
	struct str type = str_trim(str_cut(&rest, ';'));

	for (size_t i = 0; i < NITEMS(never_in_query); i++)
		if (http_param(&req->params, str_of(never_in_query[i])).p !=
		    NULL)
			return fail(ctx, ERR_INVALID_REQUEST, "%s belongs into "
			    "the body, never into the URL", never_in_query[i]);
	if (!str_ieq(type, STR("application/x-www-form-urlencoded")))
		return fail(ctx, ERR_INVALID_REQUEST, "the body must be "
		    "application/x-www-form-urlencoded");
	if (req->body.n > TOKEN_FORM_MAX)
		return fail(ctx, ERR_INVALID_REQUEST, "the body is larger than "
		    "%d bytes", TOKEN_FORM_MAX);
	return OK;
}

static bool
is_repeated(const struct http_params *form, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (str_eq(form->v[j].name, form->v[i].name))
			return true;
	return false;
}

/* An empty value is as none, a parameter twice is refused. RFC 6749 3.2 */
static enum err
read_form(struct ctx *ctx, const struct http_req *req,
    struct http_params *form)
{
	struct http_params all;
	size_t n = 0;

	if (!http_params_parse(ctx->arena, req->body, true, &all))
		return fail(ctx, ERR_INVALID_REQUEST, "the body is not a valid "
		    "form (percent-encoding, UTF-8, at most %d parameters)",
		    HTTP_PARAMS_MAX);
	for (size_t i = 0; i < all.n; i++)
		if (all.v[i].value.n > 0)
			all.v[n++] = all.v[i];
	*form = (struct http_params){ all.v, n };
	for (size_t i = 0; i < n; i++)
		if (is_repeated(form, i))
			return fail(ctx, ERR_INVALID_REQUEST, "a parameter is "
			    "sent more than once");
	return OK;
}

static enum err
check_grant(struct ctx *ctx, const struct http_params *form)
{
	struct str grant = http_param(form, STR("grant_type"));

	if (grant.n == 0)
		return fail(ctx, ERR_INVALID_REQUEST, "grant_type is missing");
	if (!str_eqz(grant, "client_credentials"))
		return fail(ctx, ERR_OAUTH_GRANT_TYPE, "grant_type must be "
		    "client_credentials");
	return OK;
}

/* --- the scope ----------------------------------------------------------- */

/* Each scope once, one blank between: what the token will say. */
static struct str
normal_scope(struct ctx *ctx, struct str asked)
{
	struct buf b = buf_new(ctx->arena, asked.n + 1);

	while (asked.p != NULL) {
		struct str one = str_cut(&asked, ' ');

		if (one.n == 0 || (b.n > 0 && scope_within(one, buf_str(&b))))
			continue;
		if (b.n > 0)
			buf_addc(&b, ' ');
		buf_add(&b, one);
	}
	return buf_str(&b);
}

/* No scope means all that the client may have. RFC 6749 3.3 */
static enum err
grant_scope(struct ctx *ctx, const struct login *login, struct str asked,
    struct str *scope)
{
	*scope = normal_scope(ctx, asked.n == 0 ? login->scopes : asked);
	if (!scope_within(*scope, login->scopes))
		return fail(ctx, ERR_OAUTH_SCOPE, "this client may not have "
		    "one of these scopes");
	if (scope->n == 0 || scope->n > TOKEN_SCOPE_MAX)
		return fail(ctx, ERR_OAUTH_SCOPE, "scope must name 1 to %d "
		    "characters of scopes", TOKEN_SCOPE_MAX);
	return OK;
}

/* --- the token ----------------------------------------------------------- */

/* A disabled client stays known to the edge until its last token expired. */
static enum err
note_expiry(struct ctx *ctx, const struct login *login, int64_t exp_s)
{
	struct pg_args a = pg_args(ctx->arena);
	int64_t exp_us = exp_s * US_PER_SECOND;

	if (login->last_expiry_us >= exp_us)
		return OK;
	pg_text(&a, login->client_id);
	pg_time(&a, exp_us + TOKEN_AHEAD_US);
	return pg_exec(ctx, &query_token_last_expiry, &a, NULL);
}

/* The claims of RFC 9068 2.2, the tenant and the environment. */
static struct str
claims(struct ctx *ctx, const struct login *login, struct str scope,
    int64_t iat_s)
{
	const struct conf *conf = ctx->conf;
	unsigned char bytes[16];
	char jti[BASE32_ID_CHARS];
	struct str tenant = arena_printf(ctx->arena, "%d", (int)login->tn);

	random_bytes(bytes, sizeof(bytes));
	base32_id(bytes, jti);
	return json_text(ctx->arena, json_build(ctx->arena,
	    "{s:s,s:s%,s:s,s:s%,s:I,s:I,s:s%,s:s%,s:s%,s:s}",
	    "iss", conf->issuer,
	    "sub", login->client_id.p, login->client_id.n,
	    "aud", conf->base_url,
	    "client_id", login->client_id.p, login->client_id.n,
	    "iat", (json_int_t)iat_s,
	    "exp", (json_int_t)iat_s + login->ttl_s,
	    "jti", jti, sizeof(jti),
	    "scope", scope.p, scope.n,
	    "tenant", tenant.p, tenant.n,
	    "env", conf->environment));
}

static enum err
sign(struct ctx *ctx, const struct login *login, struct str claims_json,
    struct str *token)
{
	const struct jose_private *key;
	char *room = arena_alloc(ctx->arena, JOSE_TOKEN_MAX);
	enum err err;

	if (login->kid.n == 0)
		return fail(ctx, ERR_UNAVAILABLE, "there is no signing key "
		    "yet; try again later");
	if ((err = keyring_key(ctx, login->kid, &key)) != OK)
		return err;
	*token = (struct str){ room, jose_sign(key, STR("at+jwt"),
	    claims_json, room, JOSE_TOKEN_MAX) };
	if (token->n == 0)
		return fail(ctx, ERR_INTERNAL, "the token could not be signed");
	return OK;
}

enum err
token_issue(struct ctx *ctx, const struct login *login, struct str asked,
    struct str *scope, struct str *token)
{
	int64_t iat_s = ctx->now_us / US_PER_SECOND;
	enum err err;

	if ((err = grant_scope(ctx, login, asked, scope)) != OK ||
	    (err = sign(ctx, login, claims(ctx, login, *scope, iat_s),
	    token)) != OK)
		return err;
	return note_expiry(ctx, login, iat_s + login->ttl_s);
}

/* RFC 6749 5.1 */
static void
say(struct ctx *ctx, const struct login *login, struct str token,
    struct str scope, struct http_answer *answer)
{
	answer->status = 200;
	answer->content_type = "application/json";
	http_field(answer, "Cache-Control", STR("no-store"));
	http_field(answer, "Pragma", STR("no-cache"));
	http_field(answer, "X-Edge-Client", login->client_id);
	http_body(answer, json_text(ctx->arena, json_build(ctx->arena,
	    "{s:s%,s:s,s:I,s:s%}",
	    "access_token", token.p, token.n,
	    "token_type", "Bearer",
	    "expires_in", (json_int_t)login->ttl_s,
	    "scope", scope.p, scope.n)));
}

enum err
oauth_token(struct ctx *ctx, const struct http_req *req,
    struct http_answer *answer)
{
	struct http_params form;
	struct login login;
	struct str scope = STR_NONE, token = STR_NONE;
	enum err err;

	if ((err = check_request(ctx, req)) != OK ||
	    (err = read_form(ctx, req, &form)) != OK ||
	    (err = check_grant(ctx, &form)) != OK ||
	    (err = login_client(ctx, req, &form, &login)) != OK)
		return err;
	if (login.public)
		return fail(ctx, ERR_OAUTH_UNAUTHORIZED, "a public client may "
		    "not use client_credentials");
	err = token_issue(ctx, &login, http_param(&form, STR("scope")),
	    &scope, &token);
	if (err != OK)
		return err;
	ctx->who.tn = login.tn;
	ctx->who.client = ctx->who.sub = login.client_id;
	say(ctx, &login, token, scope, answer);
	return OK;
}
