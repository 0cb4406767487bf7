
/*
 * The claims of a token that the edge itself looks at, read once.  An access
 * token of RFC 9068 has all that this profile requires; an issuer of plain
 * tokens (RFC 7519) may leave out everything but "exp" and one that says who.
 *
 * RFC 7519 4.1, RFC 9068 2.2
 */


#include "ngx_http_twocare.h"


static ngx_int_t ngx_http_twocare_claims_text(const struct jose_token *t,
    struct str name, ngx_uint_t required, struct str *value);
static ngx_int_t ngx_http_twocare_claims_time(const struct jose_token *t,
    struct str name, ngx_uint_t required, int64_t *value);
static ngx_int_t ngx_http_twocare_claims_plain(const struct jose_token *t,
    ngx_http_twocare_issuer_t *issuer, ngx_http_twocare_claims_t *claims);


ngx_int_t
ngx_http_twocare_claims_read(const struct jose_token *t,
    ngx_http_twocare_issuer_t *issuer, ngx_http_twocare_claims_t *claims)
{
    ngx_uint_t  i;

    ngx_memzero(claims, sizeof(ngx_http_twocare_claims_t));

    const struct {
        struct str   name;
        struct str  *value;
        ngx_uint_t   required;
    } texts[] = {
        { STR("sub"), &claims->sub, 1 },
        { ngx_http_twocare_str(issuer->client), &claims->client_id, 1 },
        { STR("jti"), &claims->jti, 1 },
        { STR("scope"), &claims->scope, 0 },
        { STR("tenant"), &claims->tenant, 0 },
        { STR("gid"), &claims->gid, 0 },
    };

    /* an issuer or audience that is no text is wrong, not malformed */

    (void) jose_claim(t, STR("iss"), &claims->iss);
    (void) jose_claim(t, STR("aud"), &claims->aud);

    if (ngx_http_twocare_claims_time(t, STR("exp"), 1, &claims->exp) != NGX_OK
        || ngx_http_twocare_claims_time(t, STR("nbf"), 0, &claims->nbf)
           != NGX_OK
        || ngx_http_twocare_claims_time(t, STR("iat"), !issuer->plain,
                                        &claims->iat)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (issuer->plain) {
        return ngx_http_twocare_claims_plain(t, issuer, claims);
    }

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (ngx_http_twocare_claims_text(t, texts[i].name, texts[i].required,
                                         texts[i].value)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* what another issuer means by other types of our names is not ours to know */

static ngx_int_t
ngx_http_twocare_claims_plain(const struct jose_token *t,
    ngx_http_twocare_issuer_t *issuer, ngx_http_twocare_claims_t *claims)
{
    (void) jose_claim(t, STR("sub"), &claims->sub);
    (void) jose_claim(t, STR("jti"), &claims->jti);
    (void) jose_claim(t, STR("scope"), &claims->scope);
    (void) jose_claim(t, STR("tenant"), &claims->tenant);
    (void) jose_claim(t, ngx_http_twocare_str(issuer->client),
                      &claims->client_id);

    if (claims->client_id.n == 0) {
        claims->client_id = claims->sub;
    }

    return (claims->client_id.n != 0) ? NGX_OK : NGX_ERROR;
}


/* empty is as good as absent where it is required, and no text is neither */

static ngx_int_t
ngx_http_twocare_claims_text(const struct jose_token *t, struct str name,
    ngx_uint_t required, struct str *value)
{
    if (jose_claim(t, name, value)) {
        return (value->n != 0 || !required) ? NGX_OK : NGX_ERROR;
    }

    return (!required && jdoc_get(&t->claims, 0, name) == 0) ? NGX_OK
                                                             : NGX_ERROR;
}


static ngx_int_t
ngx_http_twocare_claims_time(const struct jose_token *t, struct str name,
    ngx_uint_t required, int64_t *value)
{
    if (jose_claim_time(t, name, value)) {
        return NGX_OK;
    }

    return (!required && jdoc_get(&t->claims, 0, name) == 0) ? NGX_OK
                                                             : NGX_ERROR;
}
