
/*
 * Gives the verdict on a request's bearer token: whether it is well made, who
 * signed it, for whom and for how long, and whether it has been revoked.  Cheap
 * looks come before the signature, and a signature is only computed for a
 * digest that the cache does not know.
 *
 * RFC 6750 3, RFC 9068 4, RFC 8725 3
 */


#include "ngx_http_twocare.h"


static ngx_http_twocare_refusal_e ngx_http_twocare_token_memo(
    ngx_http_request_t *r, ngx_http_twocare_loc_conf_t *lcf, struct str token,
    ngx_http_twocare_issuer_t **issuer, ngx_http_twocare_memo_t **memo);
static ngx_http_twocare_refusal_e ngx_http_twocare_token_open(
    ngx_http_twocare_loc_conf_t *lcf, struct str token,
    ngx_http_twocare_issuer_t **issuer, ngx_http_twocare_claims_t *claims);
static ngx_http_twocare_refusal_e ngx_http_twocare_token_shape(
    enum jose_error error);
static ngx_http_twocare_refusal_e ngx_http_twocare_token_claims(
    const ngx_http_twocare_claims_t *claims, const struct jdoc *values,
    ngx_http_twocare_issuer_t *issuer, ngx_http_twocare_loc_conf_t *lcf);
static ngx_uint_t ngx_http_twocare_token_listed(const struct jdoc *values,
    struct str audience);
static ngx_http_twocare_refusal_e ngx_http_twocare_token_signature(
    ngx_http_request_t *r, const struct jose_token *t,
    const u_char digest[SHA256_BYTES], uint64_t generation,
    ngx_http_twocare_issuer_t *issuer);
static enum jose_error ngx_http_twocare_token_verify(
    ngx_http_twocare_loc_conf_t *lcf, const struct jose_token *t,
    const struct jose_key *key);
static ngx_uint_t ngx_http_twocare_token_revoked(
    const ngx_http_twocare_memo_t *memo, ngx_http_twocare_state_t *state);
static ngx_http_twocare_refusal_e ngx_http_twocare_token_client(
    const ngx_http_twocare_claims_t *claims,
    ngx_http_twocare_issuer_t *issuer, ngx_http_twocare_loc_conf_t *lcf,
    ngx_http_twocare_ctx_t *ctx);
static uint64_t ngx_http_twocare_token_quota(ngx_http_twocare_loc_conf_t *lcf,
    const struct state_client *client, struct str client_id,
    ngx_http_twocare_quota_t *quota);
static void ngx_http_twocare_token_keep(ngx_http_twocare_memo_t *memo,
    ngx_http_twocare_ctx_t *ctx);


/* too large for the stack; a worker looks at one token at a time */

static struct jose_token  ngx_http_twocare_token;


const ngx_http_twocare_refusal_t *
ngx_http_twocare_token_judge(ngx_http_request_t *r,
    ngx_http_twocare_loc_conf_t *lcf, ngx_http_twocare_ctx_t *ctx)
{
    struct str                   token;
    ngx_http_twocare_memo_t     *memo;
    ngx_http_twocare_issuer_t   *issuer;
    ngx_http_twocare_refusal_e   rc;

    rc = ngx_http_twocare_bearer_get(r, &token);

    if (rc == NGX_HTTP_TWOCARE_GOOD && lcf->state != NULL
        && !ngx_http_twocare_state_ready(lcf->state))
    {
        rc = NGX_HTTP_TWOCARE_NO_STATE;
    }

    if (rc == NGX_HTTP_TWOCARE_GOOD && token.n > JOSE_TOKEN_MAX) {
        rc = NGX_HTTP_TWOCARE_TOKEN_TOO_LARGE;
    }

    if (rc == NGX_HTTP_TWOCARE_GOOD) {
        rc = ngx_http_twocare_token_memo(r, lcf, token, &issuer, &memo);
    }

    if (rc == NGX_HTTP_TWOCARE_GOOD && issuer->keyfiles.nelts == 0
        && ngx_http_twocare_token_revoked(memo, lcf->state))
    {
        rc = NGX_HTTP_TWOCARE_REVOKED;
    }

    if (rc == NGX_HTTP_TWOCARE_GOOD) {
        rc = ngx_http_twocare_token_client(&memo->claims, issuer, lcf, ctx);
    }

    if (rc != NGX_HTTP_TWOCARE_GOOD) {
        return ngx_http_twocare_refusal(rc);
    }

    ngx_http_twocare_token_keep(memo, ctx);
    ctx->accepted = 1;

    return NULL;
}


/* the token taken apart, by memory or anew, and its issuer */

static ngx_http_twocare_refusal_e
ngx_http_twocare_token_memo(ngx_http_request_t *r,
    ngx_http_twocare_loc_conf_t *lcf, struct str token,
    ngx_http_twocare_issuer_t **issuer, ngx_http_twocare_memo_t **memo)
{
    u_char                       digest[SHA256_BYTES];
    uint64_t                     generation;
    struct jose_token           *t;
    ngx_http_twocare_claims_t    claims;
    ngx_http_twocare_refusal_e   rc;

    *memo = ngx_http_twocare_memo_recall(token);

    if (*memo != NULL) {
        *issuer = ngx_http_twocare_issuer_find(lcf, (*memo)->claims.iss);

        if (*issuer != NULL
            && ngx_http_twocare_issuer_generation(lcf, *issuer)
               == (*memo)->generation)
        {
            ngx_http_twocare_counter_add(
                &ngx_http_twocare_counters(lcf->zone)->cache_remembered, 1);

            return ngx_http_twocare_token_claims(&(*memo)->claims,
                       (*memo)->claims.aud.p != NULL
                           ? NULL : ngx_http_twocare_memo_values(*memo),
                       *issuer, lcf);
        }
    }

    rc = ngx_http_twocare_token_open(lcf, token, issuer, &claims);
    if (rc != NGX_HTTP_TWOCARE_GOOD) {
        return rc;
    }

    t = &ngx_http_twocare_token;
    generation = ngx_http_twocare_issuer_generation(lcf, *issuer);

    sha256(token, digest);

    rc = ngx_http_twocare_token_signature(r, t, digest, generation, *issuer);
    if (rc != NGX_HTTP_TWOCARE_GOOD) {
        return rc;
    }

    *memo = ngx_http_twocare_memo_remember(token, generation, t, &claims,
                                           r->connection->log);

    return (*memo != NULL) ? NGX_HTTP_TWOCARE_GOOD
                           : NGX_HTTP_TWOCARE_NO_STATE;
}


/* all that can be said of a token before its signature, which costs most */

static ngx_http_twocare_refusal_e
ngx_http_twocare_token_open(ngx_http_twocare_loc_conf_t *lcf,
    struct str token, ngx_http_twocare_issuer_t **issuer,
    ngx_http_twocare_claims_t *claims)
{
    struct str                   iss;
    struct jose_token           *t;
    ngx_http_twocare_refusal_e   rc;

    t = &ngx_http_twocare_token;

    rc = ngx_http_twocare_token_shape(jose_open(t, token, STR_NONE));
    if (rc != NGX_HTTP_TWOCARE_GOOD) {
        return rc;
    }

    *issuer = jose_claim(t, STR("iss"), &iss)
                  ? ngx_http_twocare_issuer_find(lcf, iss) : NULL;
    if (*issuer == NULL) {
        return NGX_HTTP_TWOCARE_WRONG_ISSUER;
    }

    if (!(*issuer)->plain && !jose_typ_is(t, STR("at+jwt"))) {
        return NGX_HTTP_TWOCARE_TYPE;
    }

    if (ngx_http_twocare_claims_read(t, *issuer, claims) != NGX_OK) {
        return NGX_HTTP_TWOCARE_BAD_CLAIM;
    }

    return ngx_http_twocare_token_claims(claims, &t->claims, *issuer, lcf);
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


/* RFC 7519 4.1; the values are at hand when the audience is a list */

static ngx_http_twocare_refusal_e
ngx_http_twocare_token_claims(const ngx_http_twocare_claims_t *claims,
    const struct jdoc *values, ngx_http_twocare_issuer_t *issuer,
    ngx_http_twocare_loc_conf_t *lcf)
{
    time_t      now;
    struct str  audience;

    audience = ngx_http_twocare_str(issuer->audience.len ? issuer->audience
                                                         : lcf->audience);

    if (claims->aud.p != NULL ? !str_eq(claims->aud, audience)
                              : !ngx_http_twocare_token_listed(values,
                                                               audience))
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


static ngx_uint_t
ngx_http_twocare_token_listed(const struct jdoc *values, struct str audience)
{
    uint32_t  i, list;

    list = jdoc_get(values, 0, STR("aud"));

    if (list == 0 || jdoc_type(values, list) != JDOC_ARRAY) {
        return 0;
    }

    for (i = jdoc_first(values, list); i; i = jdoc_next(values, list, i)) {
        if (jdoc_is(values, i, audience)) {
            return 1;
        }
    }

    return 0;
}


static ngx_http_twocare_refusal_e
ngx_http_twocare_token_signature(ngx_http_request_t *r,
    const struct jose_token *t, const u_char digest[SHA256_BYTES],
    uint64_t generation, ngx_http_twocare_issuer_t *issuer)
{
    int64_t                       exp;
    enum jose_error               error;
    const struct jose_key        *key;
    ngx_http_twocare_taken_t      budget;
    ngx_http_twocare_loc_conf_t  *lcf;
    ngx_http_twocare_counters_t  *counters;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_twocare_module);
    counters = ngx_http_twocare_counters(lcf->zone);

    if (ngx_http_twocare_cache_has(lcf->zone, digest, generation)) {
        ngx_http_twocare_counter_add(&counters->cache_hits, 1);
        return NGX_HTTP_TWOCARE_GOOD;
    }

    ngx_http_twocare_counter_add(&counters->cache_misses, 1);

    key = ngx_http_twocare_issuer_key(lcf, issuer, t->kid);
    if (key == NULL) {
        return NGX_HTTP_TWOCARE_UNKNOWN_KEY;
    }

    if (lcf->limits.failures != 0
        && ngx_http_twocare_failures_take(r, lcf, &budget) != NGX_OK)
    {
        return NGX_HTTP_TWOCARE_FAILURES;
    }

    error = ngx_http_twocare_token_verify(lcf, t, key);
    if (error != JOSE_OK) {
        return ngx_http_twocare_token_shape(error);
    }

    if (lcf->limits.failures != 0) {
        ngx_http_twocare_limit_give_back(&budget);
    }

    if (jose_claim_time(t, STR("exp"), &exp)) {
        ngx_http_twocare_cache_add(lcf->zone, digest, generation,
                                   exp + lcf->leeway);
    }

    return NGX_HTTP_TWOCARE_GOOD;
}


/* counted by the key's algorithm, which the token cannot choose */

static enum jose_error
ngx_http_twocare_token_verify(ngx_http_twocare_loc_conf_t *lcf,
    const struct jose_token *t, const struct jose_key *key)
{
    uint64_t                      began;
    enum jose_error               error;
    ngx_http_twocare_verified_t  *verified;

    verified = &ngx_http_twocare_counters(lcf->zone)
                    ->verified[jose_key_alg(key)];

    began = ngx_http_twocare_counters_ns();
    error = jose_verify(t, key);

    ngx_http_twocare_counter_add(&verified->ns,
                                 ngx_http_twocare_counters_ns() - began);
    ngx_http_twocare_counter_add((error == JOSE_OK) ? &verified->good
                                                    : &verified->wrong, 1);

    return error;
}


static ngx_uint_t
ngx_http_twocare_token_revoked(const ngx_http_twocare_memo_t *memo,
    ngx_http_twocare_state_t *state)
{
    ngx_uint_t                        i;
    const ngx_http_twocare_claims_t  *claims;

    claims = &memo->claims;

    const struct {
        struct str               value;
        enum state_revoked_kind  kind;
    } kinds[] = {
        { claims->jti, STATE_REVOKED_JTI },
        { claims->gid, STATE_REVOKED_GRANT },
        { claims->sub, STATE_REVOKED_USER_BEFORE },
        { claims->client_id, STATE_REVOKED_CLIENT_BEFORE },
        { memo->kid, STATE_REVOKED_KEY },
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


/*
 * The state speaks of the clients whose issuer has its keys there.  Those of
 * others have the standard windows, apart from everybody else's of that name.
 */

static ngx_http_twocare_refusal_e
ngx_http_twocare_token_client(const ngx_http_twocare_claims_t *claims,
    ngx_http_twocare_issuer_t *issuer, ngx_http_twocare_loc_conf_t *lcf,
    ngx_http_twocare_ctx_t *ctx)
{
    struct str                  parts[2];
    const struct state_client  *client;

    if (issuer->keyfiles.nelts != 0) {
        parts[0] = claims->iss;
        parts[1] = claims->client_id;

        ctx->quota = lcf->standard;
        ctx->window_key = ngx_http_twocare_pool_key(lcf->zone,
                              siphash_parts(lcf->zone->sh->key, parts, 2));

        return NGX_HTTP_TWOCARE_GOOD;
    }

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


/* the claims outlive this event with the memo that they point into */

static void
ngx_http_twocare_token_keep(ngx_http_twocare_memo_t *memo,
    ngx_http_twocare_ctx_t *ctx)
{
    ngx_uint_t  i;

    const struct {
        ngx_str_t   *value;
        struct str   claim;
    } kept[] = {
        { &ctx->client_id, memo->claims.client_id },
        { &ctx->sub, memo->claims.sub },
        { &ctx->tenant, memo->claims.tenant },
        { &ctx->scope, memo->claims.scope },
        { &ctx->jti, memo->claims.jti },
        { &ctx->exp, memo->exp },
    };

    for (i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        kept[i].value->data = (u_char *) kept[i].claim.p;
        kept[i].value->len = kept[i].claim.n;
    }

    ngx_http_twocare_memo_hold(memo);
    ctx->memo = memo;
}
