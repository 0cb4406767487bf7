
/*
 * The claims of a token, read once, and what a worker remembers of them: under
 * the digest of a token whose signature was good, for one generation of keys.
 * It saves a worker from taking the same token apart again and again, nothing
 * else: times, issuer, audience, scope, revocation and client are looked at on
 * every request.  This memory is the worker's own; none of it is shared.
 *
 * RFC 7519 4.1, RFC 9068 2.2
 */


#include "ngx_http_twocare.h"


/* about 700 bytes each, taken as tokens come */

#define NGX_HTTP_TWOCARE_MEMOS  4096


typedef struct {
    u_char                      digest[SHA256_BYTES];
    uint64_t                    generation;
    ngx_http_twocare_claims_t   claims;
    u_char                      text[];
} ngx_http_twocare_memo_t;


static ngx_http_twocare_memo_t **ngx_http_twocare_claims_place(
    const u_char digest[SHA256_BYTES]);


static ngx_http_twocare_memo_t  *ngx_http_twocare_memos[NGX_HTTP_TWOCARE_MEMOS];


/* the claims that are texts; aud is one when it is not a list */

static const struct {
    struct str  name;
    size_t      offset;
    unsigned    required;
} ngx_http_twocare_texts[] = {

    { { "sub", 3 }, offsetof(ngx_http_twocare_claims_t, sub), 1 },
    { { "client_id", 9 }, offsetof(ngx_http_twocare_claims_t, client_id), 1 },
    { { "jti", 3 }, offsetof(ngx_http_twocare_claims_t, jti), 1 },
    { { "scope", 5 }, offsetof(ngx_http_twocare_claims_t, scope), 0 },
    { { "tenant", 6 }, offsetof(ngx_http_twocare_claims_t, tenant), 0 },
    { { "gid", 3 }, offsetof(ngx_http_twocare_claims_t, gid), 0 },
};

#define NGX_HTTP_TWOCARE_TEXTS                                                \
    (sizeof(ngx_http_twocare_texts) / sizeof(ngx_http_twocare_texts[0]))


/* what is kept of the token: the texts, and what else is text */

static const size_t  ngx_http_twocare_kept[] = {
    offsetof(ngx_http_twocare_claims_t, sub),
    offsetof(ngx_http_twocare_claims_t, client_id),
    offsetof(ngx_http_twocare_claims_t, jti),
    offsetof(ngx_http_twocare_claims_t, scope),
    offsetof(ngx_http_twocare_claims_t, tenant),
    offsetof(ngx_http_twocare_claims_t, gid),
    offsetof(ngx_http_twocare_claims_t, iss),
    offsetof(ngx_http_twocare_claims_t, aud),
    offsetof(ngx_http_twocare_claims_t, kid),
};

#define NGX_HTTP_TWOCARE_KEPT                                                 \
    (sizeof(ngx_http_twocare_kept) / sizeof(ngx_http_twocare_kept[0]))


static ngx_inline struct str *
ngx_http_twocare_claims_at(ngx_http_twocare_claims_t *claims, size_t offset)
{
    return (struct str *) (void *) ((u_char *) claims + offset);
}


ngx_int_t
ngx_http_twocare_claims_read(const struct jose_token *t,
    ngx_http_twocare_claims_t *claims)
{
    ngx_uint_t   i;
    struct str  *value;

    ngx_memzero(claims, sizeof(ngx_http_twocare_claims_t));

    for (i = 0; i < NGX_HTTP_TWOCARE_TEXTS; i++) {
        value = ngx_http_twocare_claims_at(claims,
                                           ngx_http_twocare_texts[i].offset);

        if (jose_claim(t, ngx_http_twocare_texts[i].name, value)) {
            if (value->n == 0 && ngx_http_twocare_texts[i].required) {
                return NGX_ERROR;
            }

        } else if (ngx_http_twocare_texts[i].required
                   || jdoc_get(&t->claims, 0, ngx_http_twocare_texts[i].name)
                      != 0)
        {
            return NGX_ERROR;
        }
    }

    if (!jose_claim_time(t, STR("exp"), &claims->exp)
        || !jose_claim_time(t, STR("iat"), &claims->iat))
    {
        return NGX_ERROR;
    }

    if (!jose_claim_time(t, STR("nbf"), &claims->nbf)
        && jdoc_get(&t->claims, 0, STR("nbf")) != 0)
    {
        return NGX_ERROR;
    }

    /* an issuer or audience that is no text is wrong, not malformed */

    (void) jose_claim(t, STR("iss"), &claims->iss);
    (void) jose_claim(t, STR("aud"), &claims->aud);

    claims->kid = t->kid;

    return NGX_OK;
}


const ngx_http_twocare_claims_t *
ngx_http_twocare_claims_recall(const u_char digest[SHA256_BYTES],
    uint64_t generation)
{
    ngx_http_twocare_memo_t  *memo;

    memo = *ngx_http_twocare_claims_place(digest);

    if (memo == NULL || memo->generation != generation
        || ngx_memcmp(memo->digest, digest, SHA256_BYTES) != 0)
    {
        return NULL;
    }

    return &memo->claims;
}


void
ngx_http_twocare_claims_remember(const u_char digest[SHA256_BYTES],
    uint64_t generation, ngx_http_twocare_claims_t *claims, ngx_log_t *log)
{
    size_t                     size;
    u_char                    *p;
    ngx_uint_t                 i;
    struct str                *value;
    ngx_http_twocare_memo_t   *memo, **place;

    /* a list of audiences is looked through in the token itself */

    if (claims->aud.n == 0) {
        return;
    }

    size = sizeof(ngx_http_twocare_memo_t);

    for (i = 0; i < NGX_HTTP_TWOCARE_KEPT; i++) {
        size += ngx_http_twocare_claims_at(claims,
                                           ngx_http_twocare_kept[i])->n;
    }

    memo = ngx_alloc(size, log);
    if (memo == NULL) {
        return;
    }

    ngx_memcpy(memo->digest, digest, SHA256_BYTES);
    memo->generation = generation;
    memo->claims = *claims;

    p = memo->text;

    for (i = 0; i < NGX_HTTP_TWOCARE_KEPT; i++) {
        value = ngx_http_twocare_claims_at(&memo->claims,
                                           ngx_http_twocare_kept[i]);

        if (value->n != 0) {
            ngx_memcpy(p, value->p, value->n);
            value->p = (const char *) p;
            p += value->n;
        }
    }

    place = ngx_http_twocare_claims_place(digest);

    if (*place != NULL) {
        ngx_free(*place);
    }

    *place = memo;
}


static ngx_http_twocare_memo_t **
ngx_http_twocare_claims_place(const u_char digest[SHA256_BYTES])
{
    uint32_t  n;

    ngx_memcpy(&n, digest, sizeof(n));

    return &ngx_http_twocare_memos[n % NGX_HTTP_TWOCARE_MEMOS];
}
