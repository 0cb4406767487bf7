
/*
 * The header filter: X-Request-Id on every answer, X-RateLimit-* wherever a
 * window was asked.  It runs when headers are sent, whoever made the answer,
 * so nothing that nginx does to an answer on its way can lose them.
 *
 * It also takes X-Edge-Client out of the backend's answer: the backend knows
 * by client credentials who asked for a token, and then the client's windows
 * are charged instead of the address's.
 */


#include "ngx_http_twocare.h"


static ngx_int_t ngx_http_twocare_header_filter(ngx_http_request_t *r);
static ngx_table_elt_t *ngx_http_twocare_headers_take_out(
    ngx_http_request_t *r, ngx_http_twocare_ctx_t *ctx);
static ngx_uint_t ngx_http_twocare_headers_ours(ngx_table_elt_t *h);


static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;


void
ngx_http_twocare_headers_init(void)
{
    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_twocare_header_filter;
}


static ngx_int_t
ngx_http_twocare_header_filter(ngx_http_request_t *r)
{
    ngx_table_elt_t              *client;
    ngx_http_twocare_ctx_t       *ctx;
    ngx_http_twocare_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_twocare_module);

    if (lcf->answers == NGX_HTTP_TWOCARE_ANSWERS_OFF || r != r->main) {
        return ngx_http_next_header_filter(r);
    }

    ctx = ngx_http_twocare_request(r);
    if (ctx == NULL) {
        return NGX_ERROR;
    }

    if (r->upstream != NULL) {
        client = ngx_http_twocare_headers_take_out(r, ctx);

        if (client != NULL) {
            ngx_http_twocare_limit_charge(lcf, ctx, &client->value);
        }
    }

    if (ngx_http_twocare_headers_add(r, "X-Request-Id", &ctx->request_id)
            != NGX_OK
        || ngx_http_twocare_fields_add(r, lcf, ctx) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_next_header_filter(r);
}


/* hides those fields of the backend that are ours to send */

static ngx_table_elt_t *
ngx_http_twocare_headers_take_out(ngx_http_request_t *r,
    ngx_http_twocare_ctx_t *ctx)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h, *client;

    client = NULL;

    for (part = &r->headers_out.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (h[i].hash == 0 || h[i].key.len < 2) {
                continue;
            }

            if (ctx->taken.named && (h[i].key.data[0] | 0x20) == 'r'
                && ngx_http_twocare_fields_ours(&h[i].key))
            {
                h[i].hash = 0;
            }

            if ((h[i].key.data[0] | 0x20) != 'x' || h[i].key.data[1] != '-') {
                continue;
            }

            if (h[i].key.len == sizeof("X-Edge-Client") - 1
                && ngx_strncasecmp(h[i].key.data,
                                   (u_char *) "X-Edge-Client",
                                   h[i].key.len)
                   == 0)
            {
                h[i].hash = 0;
                client = &h[i];

            } else if (ngx_http_twocare_headers_ours(&h[i])) {
                h[i].hash = 0;
            }
        }
    }

    return client;
}


static ngx_uint_t
ngx_http_twocare_headers_ours(ngx_table_elt_t *h)
{
    ngx_uint_t  i;

    static ngx_str_t  ours[] = {
        ngx_string("X-Request-Id"),
        ngx_string("X-RateLimit-Limit"),
        ngx_string("X-RateLimit-Remaining"),
        ngx_string("X-RateLimit-Reset"),
    };

    for (i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
        if (h->key.len == ours[i].len
            && ngx_strncasecmp(h->key.data, ours[i].data, ours[i].len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


ngx_int_t
ngx_http_twocare_headers_add(ngx_http_request_t *r, const char *name,
    ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->hash = 1;
#if (nginx_version >= 1023000)
    h->next = NULL;
#endif
    h->key.data = (u_char *) name;
    h->key.len = ngx_strlen(name);
    h->value = *value;

    return NGX_OK;
}
