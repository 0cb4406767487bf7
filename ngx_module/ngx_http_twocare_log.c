
/*
 * The log handler: what is known of a request only when it ends.  nginx makes
 * some 304 behind our header filter, of files and of cached answers; and it
 * closes the connection of a client that is too slow without an answer.
 */


#include "ngx_http_twocare.h"


ngx_int_t
ngx_http_twocare_log_handler(ngx_http_request_t *r)
{
    ngx_http_twocare_ctx_t       *ctx;
    ngx_http_twocare_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_twocare_module);

    if (lcf->zone == NULL) {
        return NGX_OK;
    }

    if (r->connection->timedout) {
        ngx_http_twocare_counter_add(
                  &ngx_http_twocare_counters(lcf->zone)->limits.timeouts, 1);
    }

    if (lcf->limits.refund != 0
        && r->headers_out.status == NGX_HTTP_NOT_MODIFIED)
    {
        ctx = ngx_http_twocare_request_find(r);

        if (ctx != NULL) {
            ngx_http_twocare_refund(lcf, ctx);
        }
    }

    return NGX_OK;
}
