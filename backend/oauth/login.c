/* Who asks, by which mechanism, and whether the secret is right. */

#include "oauth/login.h"

#include "base/code.h"
#include "base/conf.h"
#include "base/hash.h"
#include "base/when.h"
#include "oauth/secret.h"
#include "queries.h"
#include "wire/pg.h"

/* The columns of query_token_client. */
enum { COL_TN, COL_KIND, COL_SCOPES, COL_STATUS, COL_TTL, COL_LAST_EXPIRY,
	COL_KID, COL_HASH };

/* Ours have 36 and 57 characters; other issuers' are longer at times. */
#define CREDENTIAL_MAX	512

/* What the request says about its client. */
struct claim {
	struct str	client_id;
	struct str	secret;		/* p NULL: none was sent */
	bool		assertion;
};

static enum err
refuse_client(struct ctx *ctx)
{
	return fail(ctx, ERR_OAUTH_CLIENT,
	    "client authentication failed");
}

/* Both halves are form-encoded before they are joined. RFC 6749 2.3.1 */
static bool
decode_half(struct ctx *ctx, struct str in, struct str *out)
{
	char *p = arena_alloc(ctx->arena, in.n + 1);
	size_t n = percent_decode(in, true, p);

	*out = (struct str){ p, n };
	return n != CODE_BAD;
}

/* "Basic " base64(id ":" secret). RFC 7617 2 */
static enum err
read_basic(struct ctx *ctx, struct str header, struct claim *claim)
{
	struct str rest = header, scheme = str_cut(&rest, ' ');
	struct str id;
	unsigned char *p;
	size_t n;

	if (!str_ieq(scheme, STR("Basic")) || rest.p == NULL)
		return fail(ctx, ERR_INVALID_REQUEST, "the Authorization "
		    "header of this endpoint is Basic with the client id "
		    "and secret");
	rest = str_trim(rest);
	p = arena_alloc(ctx->arena, rest.n + 1);
	n = base64_decode(rest, p);
	if (n == CODE_BAD)
		return fail(ctx, ERR_INVALID_REQUEST, "the Authorization "
		    "header is not valid base64");
	rest = (struct str){ (const char *)p, n };
	id = str_cut(&rest, ':');
	if (rest.p == NULL || !decode_half(ctx, id, &claim->client_id) ||
	    !decode_half(ctx, rest, &claim->secret))
		return fail(ctx, ERR_INVALID_REQUEST, "the Authorization "
		    "header must hold the form-encoded client id, a colon, "
		    "and the form-encoded secret");
	return OK;
}

/* Exactly one mechanism, and one client. RFC 6749 2.3 */
static enum err
read_claim(struct ctx *ctx, const struct http_req *req,
    const struct http_params *form, struct claim *claim)
{
	struct str header = req->var(req, "HTTP_AUTHORIZATION");
	struct str id = http_param(form, STR("client_id"));
	struct str secret = http_param(form, STR("client_secret"));
	enum err err;

	*claim = (struct claim){ .client_id = id, .secret = secret };
	claim->assertion =
	    http_param(form, STR("client_assertion")).n > 0 ||
	    http_param(form, STR("client_assertion_type")).n > 0;
	if ((header.n > 0) + (secret.n > 0) + claim->assertion > 1)
		return fail(ctx, ERR_INVALID_REQUEST, "use one way of client "
		    "authentication, not several");
	if (header.n > 0) {
		if ((err = read_basic(ctx, header, claim)) != OK)
			return err;
		if (id.n > 0 && !str_eq(id, claim->client_id))
			return fail(ctx, ERR_INVALID_REQUEST, "client_id is "
			    "not the client of the Authorization header");
	}
	if (claim->client_id.n == 0)
		return fail(ctx, ERR_INVALID_REQUEST, "client_id is missing");
	return OK;
}

/* Compares with each live secret, whatever the first one says. */
static bool
secret_matches(const PGresult *res, const unsigned char *hash)
{
	struct str mine = { (const char *)hash, SECRET_HASH_BYTES };
	bool found = false;

	for (int i = 0; i < PQntuples(res); i++)
		if (!pg_is_null(res, i, COL_HASH))
			found |= str_eq_secret(mine,
			    pg_get_str(res, i, COL_HASH));
	return found;
}

static void
take_row(struct ctx *ctx, const PGresult *res, struct login *login)
{
	login->tn = pg_get_int4(res, 0, COL_TN);
	login->public = str_eqz(pg_get_str(res, 0, COL_KIND), "public");
	login->scopes = pg_get_str(res, 0, COL_SCOPES);
	login->ttl_s = pg_is_null(res, 0, COL_TTL) ? ctx->conf->token_ttl_s :
	    pg_get_int4(res, 0, COL_TTL);
	login->last_expiry_us = pg_is_null(res, 0, COL_LAST_EXPIRY) ?
	    WHEN_MIN : pg_get_time(res, 0, COL_LAST_EXPIRY);
	login->kid = pg_is_null(res, 0, COL_KID) ? STR_NONE :
	    pg_get_str(res, 0, COL_KID);
}

enum err
login_client(struct ctx *ctx, const struct http_req *req,
    const struct http_params *form, struct login *login)
{
	struct pg_args a = pg_args(ctx->arena);
	unsigned char hash[SECRET_HASH_BYTES];
	struct claim claim;
	PGresult *res;
	bool proven;
	enum err err;

	if ((err = read_claim(ctx, req, form, &claim)) != OK)
		return err;
	if (claim.client_id.n > CREDENTIAL_MAX ||
	    claim.secret.n > CREDENTIAL_MAX)
		return refuse_client(ctx);
	/* The same work for every id, so that time does not tell who exists. */
	if ((err = secret_hash(ctx, claim.secret, hash)) != OK)
		return err;
	pg_text(&a, claim.client_id);
	if ((err = pg_exec(ctx, &query_token_client, &a, &res)) != OK)
		return err;
	proven = secret_matches(res, hash);
	if (PQntuples(res) == 0 ||
	    !str_eqz(pg_get_str(res, 0, COL_STATUS), "active"))
		return refuse_client(ctx);
	login->client_id = claim.client_id;
	take_row(ctx, res, login);
	if (login->public && claim.secret.n == 0 && !claim.assertion)
		return OK;
	return proven ? OK : refuse_client(ctx);
}

enum err
login_trusted(struct ctx *ctx, struct str client_id, struct login *login)
{
	struct pg_args a = pg_args(ctx->arena);
	PGresult *res;
	enum err err;

	pg_text(&a, client_id);
	if ((err = pg_exec(ctx, &query_token_client, &a, &res)) != OK)
		return err;
	if (PQntuples(res) == 0 ||
	    !str_eqz(pg_get_str(res, 0, COL_STATUS), "active"))
		return fail(ctx, ERR_NOT_FOUND, "there is no active client "
		    "%.*s", STR_ARGS(client_id));
	login->client_id = client_id;
	take_row(ctx, res, login);
	return OK;
}
