
/*
 * Finds the bearer token of a request: where it may stand, and that it stands
 * there once.  RFC 6750 2
 */


#include "ngx_http_twocare.h"


#define NGX_HTTP_TWOCARE_BEARER  "bearer"


static ngx_uint_t ngx_http_twocare_bearer_count(ngx_http_request_t *r);


/* one token, in the Authorization header and nowhere else. RFC 6750 2 */

ngx_http_twocare_refusal_e
ngx_http_twocare_bearer_get(ngx_http_request_t *r, struct str *token)
{
    u_char           *p, *last;
    ngx_str_t         arg;
    ngx_table_elt_t  *h;

    h = r->headers_in.authorization;

    if (h == NULL) {
        return NGX_HTTP_TWOCARE_NO_TOKEN;
    }

    if (ngx_http_twocare_bearer_count(r) > 1
        || (r->args.len != 0
            && ngx_http_arg(r, (u_char *) "access_token",
                            sizeof("access_token") - 1, &arg) == NGX_OK))
    {
        return NGX_HTTP_TWOCARE_TWO_TOKENS;
    }

    p = h->value.data;
    last = p + h->value.len;

    if (h->value.len < sizeof(NGX_HTTP_TWOCARE_BEARER) - 1
        || ngx_strncasecmp(p, (u_char *) NGX_HTTP_TWOCARE_BEARER,
                           sizeof(NGX_HTTP_TWOCARE_BEARER) - 1)
           != 0)
    {
        return NGX_HTTP_TWOCARE_OTHER_SCHEME;
    }

    p += sizeof(NGX_HTTP_TWOCARE_BEARER) - 1;

    if (p == last) {
        return NGX_HTTP_TWOCARE_MALFORMED;
    }

    if (*p != ' ') {
        return NGX_HTTP_TWOCARE_OTHER_SCHEME;
    }

    while (p < last && *p == ' ') {
        p++;
    }

    *token = (struct str) { (const char *) p, (size_t) (last - p) };

    return NGX_HTTP_TWOCARE_GOOD;
}


/* the list may be a copy whose elements are not where they were */

static ngx_uint_t
ngx_http_twocare_bearer_count(ngx_http_request_t *r)
{
    ngx_uint_t        i, n;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    n = 0;

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (h[i].key.len == sizeof("Authorization") - 1
                && h[i].hash == r->headers_in.authorization->hash
                && ngx_strncasecmp(h[i].key.data, (u_char *) "Authorization",
                                   sizeof("Authorization") - 1)
                   == 0)
            {
                n++;
            }
        }
    }

    return n;
}
