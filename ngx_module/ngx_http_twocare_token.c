
/*
 * Gives the verdict on a request's bearer token: whether it is well made, who
 * signed it, for whom and for how long, and whether it has been revoked.  Cheap
 * looks come before the signature, and a signature is only computed for a
 * digest that the cache does not know.
 *
 * RFC 6750 3, RFC 9068 4, RFC 8725 3
 */


#include "ngx_http_twocare.h"


static ngx_http_twocare_refusal_e ngx_http_twocare_token_shape(
    enum jose_error error);
static ngx_http_twocare_refusal_e ngx_http_twocare_token_open(
    struct str token, const u_char digest[SHA256_BYTES],
    ngx_http_twocare_loc_conf_t *lcf, ngx_http_twocare_claims_t *claims);
static ngx_http_twocare_refusal_e ngx_http_twocare_token_claims(
    const ngx_http_twocare_claims_t *claims, const struct jose_token *t,
    ngx_http_twocare_loc_conf_t *lcf);
static ngx_http_twocare_refusal_e ngx_http_twocare_token_signature(
    const struct jose_token *t, const u_char digest[SHA256_BYTES],
    ngx_http_twocare_loc_conf_t *lcf);
static ngx_uint_t ngx_http_twocare_token_revoked(
    const ngx_http_twocare_claims_t *claims, ngx_http_twocare_state_t *state);
static ngx_http_twocare_refusal_e ngx_http_twocare_token_client(
    const ngx_http_twocare_claims_t *claims, ngx_http_twocare_loc_conf_t *lcf,
    ngx_http_twocare_ctx_t *ctx);
static uint64_t ngx_http_twocare_token_quota(ngx_http_twocare_loc_conf_t *lcf,
    const struct state_client *client, struct str client_id,
    ngx_http_twocare_quota_t *quota);
static ngx_int_t ngx_http_twocare_token_keep(ngx_http_request_t *r,
    const ngx_http_twocare_claims_t *claims, ngx_http_twocare_ctx_t *ctx);


/* too large for the stack; a worker looks at one token at a time */

static struct jose_token  ngx_http_twocare_token;


const ngx_http_twocare_refusal_t *
ngx_http_twocare_token_judge(ngx_http_request_t *r,
    ngx_http_twocare_loc_conf_t *lcf, ngx_http_twocare_ctx_t *ctx)
{
    u_char                            digest[SHA256_BYTES];
    uint64_t                          generation;
    struct str                        token;
    ngx_http_twocare_claims_t         fresh;
    ngx_http_twocare_refusal_e        rc;
    const ngx_http_twocare_claims_t  *claims;

    rc = ngx_http_twocare_bearer_get(r, &token);
    if (rc != NGX_HTTP_TWOCARE_GOOD) {
        return ngx_http_twocare_refusal(rc);
    }

    if (!ngx_http_twocare_state_ready(lcf->state)) {
        return ngx_http_twocare_refusal(NGX_HTTP_TWOCARE_NO_STATE);
    }

    if (token.n > JOSE_TOKEN_MAX) {
        return ngx_http_twocare_refusal(NGX_HTTP_TWOCARE_TOKEN_TOO_LARGE);
    }

    generation = jose_keys_generation(lcf->state->keys);
    sha256(token, digest);

    claims = ngx_http_twocare_claims_recall(digest, generation);

    if (claims != NULL) {
        rc = ngx_http_twocare_token_claims(claims, NULL, lcf);

    } else {
        claims = &fresh;
        rc = ngx_http_twocare_token_open(token, digest, lcf, &fresh);

        if (rc == NGX_HTTP_TWOCARE_GOOD) {
            ngx_http_twocare_claims_remember(digest, generation, &fresh,
                                             r->connection->log);
        }
    }

    if (rc == NGX_HTTP_TWOCARE_GOOD
        && ngx_http_twocare_token_revoked(claims, lcf->state))
    {
        rc = NGX_HTTP_TWOCARE_REVOKED;
    }

    if (rc == NGX_HTTP_TWOCARE_GOOD) {
        rc = ngx_http_twocare_token_client(claims, lcf, ctx);
    }

    if (rc == NGX_HTTP_TWOCARE_GOOD
        && ngx_http_twocare_token_keep(r, claims, ctx) != NGX_OK)
    {
        return ngx_http_twocare_refusal(NGX_HTTP_TWOCARE_NO_STATE);
    }

    if (rc != NGX_HTTP_TWOCARE_GOOD) {
        return ngx_http_twocare_refusal(rc);
    }

    ctx->accepted = 1;

    return NULL;
}


/* a token that this worker does not remember; the signature comes last */

static ngx_http_twocare_refusal_e
ngx_http_twocare_token_open(struct str token,
    const u_char digest[SHA256_BYTES], ngx_http_twocare_loc_conf_t *lcf,
    ngx_http_twocare_claims_t *claims)
{
    struct jose_token           *t;
    ngx_http_twocare_refusal_e   rc;

    t = &ngx_http_twocare_token;

    rc = ngx_http_twocare_token_shape(jose_open(t, token, STR("at+jwt")));
    if (rc != NGX_HTTP_TWOCARE_GOOD) {
        return rc;
    }

    if (ngx_http_twocare_claims_read(t, claims) != NGX_OK) {
        return NGX_HTTP_TWOCARE_BAD_CLAIM;
    }

    rc = ngx_http_twocare_token_claims(claims, t, lcf);
    if (rc != NGX_HTTP_TWOCARE_GOOD) {
        return rc;
    }

    return ngx_http_twocare_token_signature(t, digest, lcf);
}


static ngx_http_twocare_refusal_e
ngx_http_twocare_token_shape(enum jose_error error)
{
    switch (error) {

    case JOSE_OK:
        return NGX_HTTP_TWOCARE_GOOD;

    case JOSE_TOO_LARGE:
        return NGX_HTTP_TWOCARE_TOKEN_TOO_LARGE;

    case JOSE_ALG:
    case JOSE_ALGORITHM_UNSUPPORTED:
        return NGX_HTTP_TWOCARE_ALGORITHM;

    case JOSE_TYP:
        return NGX_HTTP_TWOCARE_TYPE;

    case JOSE_CRIT:
        return NGX_HTTP_TWOCARE_CRITICAL;

    case JOSE_KID:
        return NGX_HTTP_TWOCARE_UNKNOWN_KEY;

    case JOSE_SIGNATURE:
        return NGX_HTTP_TWOCARE_BAD_SIGNATURE;

    default:
        return NGX_HTTP_TWOCARE_MALFORMED;
    }
}


/* RFC 7519 4.1; t is at hand when the audience may be a list */

static ngx_http_twocare_refusal_e
ngx_http_twocare_token_claims(const ngx_http_twocare_claims_t *claims,
    const struct jose_token *t, ngx_http_twocare_loc_conf_t *lcf)
{
    time_t      now;
    struct str  audience;

    audience = ngx_http_twocare_str(lcf->audience);

    if (!str_eq(claims->iss, ngx_http_twocare_str(lcf->issuer))) {
        return NGX_HTTP_TWOCARE_WRONG_ISSUER;
    }

    if (!str_eq(claims->aud, audience)
        && (t == NULL || !jose_claim_aud(t, audience)))
    {
        return NGX_HTTP_TWOCARE_WRONG_AUDIENCE;
    }

    now = ngx_time();

    if (now >= claims->exp + lcf->leeway) {
        return NGX_HTTP_TWOCARE_EXPIRED;
    }

    if (now + lcf->leeway < claims->nbf || now + lcf->leeway < claims->iat) {
        return NGX_HTTP_TWOCARE_NOT_YET;
    }

    return NGX_HTTP_TWOCARE_GOOD;
}


static ngx_http_twocare_refusal_e
ngx_http_twocare_token_signature(const struct jose_token *t,
    const u_char digest[SHA256_BYTES], ngx_http_twocare_loc_conf_t *lcf)
{
    int64_t                 exp;
    uint64_t                generation;
    enum jose_error         error;
    struct jose_keys       *keys;
    const struct jose_key  *key;

    keys = lcf->state->keys;
    generation = jose_keys_generation(keys);

    if (ngx_http_twocare_cache_has(lcf->zone, digest, generation)) {
        return NGX_HTTP_TWOCARE_GOOD;
    }

    key = jose_keys_find(keys, t->kid);
    if (key == NULL) {
        return NGX_HTTP_TWOCARE_UNKNOWN_KEY;
    }

    error = jose_verify(t, key);
    if (error != JOSE_OK) {
        return ngx_http_twocare_token_shape(error);
    }

    if (jose_claim_time(t, STR("exp"), &exp)) {
        ngx_http_twocare_cache_add(lcf->zone, digest, generation,
                                   exp + lcf->leeway);
    }

    return NGX_HTTP_TWOCARE_GOOD;
}


static ngx_uint_t
ngx_http_twocare_token_revoked(const ngx_http_twocare_claims_t *claims,
    ngx_http_twocare_state_t *state)
{
    ngx_uint_t  i;

    const struct {
        struct str               value;
        enum state_revoked_kind  kind;
    } kinds[] = {
        { claims->jti, STATE_REVOKED_JTI },
        { claims->gid, STATE_REVOKED_GRANT },
        { claims->sub, STATE_REVOKED_USER_BEFORE },
        { claims->client_id, STATE_REVOKED_CLIENT_BEFORE },
        { claims->kid, STATE_REVOKED_KEY },
    };

    if (state->revoked.header->count == 0) {
        return 0;
    }

    for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (kinds[i].value.p != NULL
            && state_is_revoked(&state->revoked, kinds[i].kind,
                                kinds[i].value, claims->iat))
        {
            return 1;
        }
    }

    return 0;
}


static ngx_http_twocare_refusal_e
ngx_http_twocare_token_client(const ngx_http_twocare_claims_t *claims,
    ngx_http_twocare_loc_conf_t *lcf, ngx_http_twocare_ctx_t *ctx)
{
    const struct state_client  *client;

    client = state_client_find(&lcf->state->clients, claims->client_id);

    if (client != NULL && client->status != STATE_CLIENT_ACTIVE) {
        return NGX_HTTP_TWOCARE_CLIENT_DISABLED;
    }

    ctx->window_key = ngx_http_twocare_token_quota(lcf, client,
                                                   claims->client_id,
                                                   &ctx->quota);

    return NGX_HTTP_TWOCARE_GOOD;
}


uint64_t
ngx_http_twocare_token_windows(ngx_http_twocare_loc_conf_t *lcf,
    struct str client_id, ngx_http_twocare_quota_t *quota)
{
    return ngx_http_twocare_token_quota(lcf,
                           state_client_find(&lcf->state->clients, client_id),
                           client_id, quota);
}


/*
 * The windows of a client id: its pool's or its own.  A client that is not
 * listed yet has the ones it will have when it is.
 */

static uint64_t
ngx_http_twocare_token_quota(ngx_http_twocare_loc_conf_t *lcf,
    const struct state_client *client, struct str client_id,
    ngx_http_twocare_quota_t *quota)
{
    uint64_t            pool;
    struct siphash_key  key;

    if (client != NULL) {
        quota->hour = client->hour;
        quota->minute = client->minute;
        pool = client->pool;

    } else {
        *quota = lcf->standard;
        key.k0 = lcf->state->clients.header->k0;
        key.k1 = lcf->state->clients.header->k1;
        pool = state_client_hash(key, client_id);
    }

    return ngx_http_twocare_pool_key(lcf->zone, pool);
}


/* any of them will do */

ngx_uint_t
ngx_http_twocare_token_has_scope(ngx_http_twocare_ctx_t *ctx,
    ngx_array_t *scopes)
{
    ngx_str_t   *scope;
    ngx_uint_t   i;
    struct str   granted, word;

    scope = scopes->elts;
    granted = ngx_http_twocare_str(ctx->scope);

    while (granted.p != NULL) {
        word = str_cut(&granted, ' ');

        for (i = 0; i < scopes->nelts; i++) {
            if (str_eq(word, ngx_http_twocare_str(scope[i]))) {
                return 1;
            }
        }
    }

    return 0;
}


/* the claims outlive this event only as copies in the request's pool */

static ngx_int_t
ngx_http_twocare_token_keep(ngx_http_request_t *r,
    const ngx_http_twocare_claims_t *claims, ngx_http_twocare_ctx_t *ctx)
{
    size_t       total;
    u_char      *p;
    ngx_uint_t   i;

    const struct {
        ngx_str_t   *copy;
        struct str   value;
    } kept[] = {
        { &ctx->client_id, claims->client_id },
        { &ctx->sub, claims->sub },
        { &ctx->tenant, claims->tenant },
        { &ctx->scope, claims->scope },
        { &ctx->jti, claims->jti },
    };

    total = 0;

    for (i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        total += kept[i].value.n;
    }

    p = ngx_pnalloc(r->pool, total);
    if (p == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        if (kept[i].value.n != 0) {
            kept[i].copy->data = p;
            kept[i].copy->len = kept[i].value.n;
            p = ngx_cpymem(p, kept[i].value.p, kept[i].value.n);
        }
    }

    ctx->exp = claims->exp;

    return NGX_OK;
}
