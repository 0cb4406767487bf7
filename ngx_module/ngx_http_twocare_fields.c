
/*
 * What an answer says about the windows: X-RateLimit-*, which show the hour,
 * or the minute when that one refused.
 */


#include "ngx_http_twocare.h"


ngx_int_t
ngx_http_twocare_fields_add(ngx_http_request_t *r,
    ngx_http_twocare_ctx_t *ctx)
{
    u_char                    *p;
    ngx_str_t                  value;
    ngx_uint_t                 i;
    ngx_http_twocare_taken_t  *taken;

    static const char  *names[] = {
        "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"
    };

    taken = &ctx->taken;

    if (!ctx->counted || !taken->shown) {
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, 3 * NGX_INT64_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < 3; i++) {
        value.data = p;

        p = (i == 0) ? ngx_sprintf(p, "%ui", taken->limit)
            : (i == 1) ? ngx_sprintf(p, "%ui", taken->remaining)
            : ngx_sprintf(p, "%T", taken->reset);

        value.len = p - value.data;

        if (ngx_http_twocare_headers_add(r, names[i], &value) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}
