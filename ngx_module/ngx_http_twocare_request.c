
/*
 * The context of a request, and what nginx's error lines say about it.
 *
 * nginx forgets a module's context on every internal redirect (error_page,
 * X-Accel-Redirect, try_files, named locations), while a client's request is
 * judged and counted once.  So the context lives in a cleanup record of the
 * request's pool, where it is found again.
 */


#include "ngx_http_twocare.h"


/* request ids are cut from random bytes fetched for this many at a time */

#define NGX_HTTP_TWOCARE_ID_BYTES    16
#define NGX_HTTP_TWOCARE_IDS_AHEAD   64


static void ngx_http_twocare_request_cleanup(void *data);
static void ngx_http_twocare_request_name(ngx_http_request_t *r,
    ngx_http_twocare_ctx_t *ctx);
static void ngx_http_twocare_request_line(ngx_http_request_t *r,
    ngx_http_twocare_ctx_t *ctx);
static u_char *ngx_http_twocare_request_log(ngx_http_request_t *r,
    ngx_http_request_t *sr, u_char *buf, size_t len);


ngx_http_twocare_ctx_t *
ngx_http_twocare_request_find(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t      *cln;
    ngx_http_twocare_ctx_t  *ctx;

    r = r->main;

    ctx = ngx_http_get_module_ctx(r, ngx_http_twocare_module);
    if (ctx != NULL) {
        return ctx;
    }

    for (cln = r->pool->cleanup; cln; cln = cln->next) {
        if (cln->handler == ngx_http_twocare_request_cleanup) {
            ctx = cln->data;
            ngx_http_set_ctx(r, ctx, ngx_http_twocare_module);
            return ctx;
        }
    }

    return NULL;
}


ngx_http_twocare_ctx_t *
ngx_http_twocare_request(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t      *cln;
    ngx_http_twocare_ctx_t  *ctx;

    ctx = ngx_http_twocare_request_find(r);
    if (ctx != NULL) {
        return ctx;
    }

    r = r->main;

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_http_twocare_ctx_t));
    if (cln == NULL) {
        return NULL;
    }

    ctx = cln->data;
    ngx_memzero(ctx, sizeof(ngx_http_twocare_ctx_t));
    cln->handler = ngx_http_twocare_request_cleanup;

    ctx->request = r;

    ngx_http_twocare_request_name(r, ctx);
    ngx_http_twocare_request_line(r, ctx);

    ngx_http_set_ctx(r, ctx, ngx_http_twocare_module);

    return ctx;
}


/* marks the record, too */

static void
ngx_http_twocare_request_cleanup(void *data)
{
    ngx_http_twocare_ctx_t  *ctx = data;

    if (ctx->memo != NULL) {
        ngx_http_twocare_memo_release(ctx->memo);
    }
}


ngx_int_t
ngx_http_twocare_post_read_handler(ngx_http_request_t *r)
{
    ngx_http_twocare_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_twocare_module);

    if (lcf->answers == NGX_HTTP_TWOCARE_ANSWERS_OFF) {
        return NGX_DECLINED;
    }

    if (ngx_http_twocare_request(r) == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    r->log_handler = ngx_http_twocare_request_log;

    return NGX_DECLINED;
}


static void
ngx_http_twocare_request_name(ngx_http_request_t *r,
    ngx_http_twocare_ctx_t *ctx)
{
    static u_char      random[NGX_HTTP_TWOCARE_ID_BYTES
                              * NGX_HTTP_TWOCARE_IDS_AHEAD];
    static ngx_uint_t  left;

    if (left == 0) {
        random_bytes(random, sizeof(random));
        left = NGX_HTTP_TWOCARE_IDS_AHEAD;
    }

    left--;

    ngx_memcpy(ctx->id, "req_", sizeof("req_") - 1);
    base32_id(random + left * NGX_HTTP_TWOCARE_ID_BYTES,
              (char *) ctx->id + sizeof("req_") - 1);

    ctx->request_id.data = ctx->id;
    ctx->request_id.len = NGX_HTTP_TWOCARE_ID_CHARS;
}


/*
 * Method and path as the client sent them: error_page changes both.  A request
 * line that nginx gave up reading has no URI, and none that is too long or
 * holds control bytes has even an end; what there is of it still tells below
 * which location the client meant to be.
 */

static void
ngx_http_twocare_request_line(ngx_http_request_t *r,
    ngx_http_twocare_ctx_t *ctx)
{
    u_char  *p, *last;

    ctx->method = r->method_name;

    if (r->uri.len != 0) {
        ctx->path = r->uri;
        return;
    }

    if (r->request_line.data != NULL) {
        p = r->request_line.data;
        last = p + r->request_line.len;

    } else if (r->request_start != NULL) {
        p = r->request_start;
        last = r->header_in->last;

    } else {
        return;
    }

    while (p < last && *p != ' ') {
        p++;
    }

    while (p < last && *p == ' ') {
        p++;
    }

    if (p == last || *p != '/') {
        return;
    }

    ctx->path.data = p;

    while (p < last && *p > ' ' && *p != '?' && *p != '#') {
        p++;
    }

    ctx->path.len = ngx_min(p - ctx->path.data, 256);
}


/*
 * In place of nginx's own, which would write the request line with its query,
 * the Host and the Referer into every line of the error log.
 */

static u_char *
ngx_http_twocare_request_log(ngx_http_request_t *r, ngx_http_request_t *sr,
    u_char *buf, size_t len)
{
    u_char                    *p;
    ngx_http_upstream_t       *u;
    ngx_http_twocare_ctx_t    *ctx;
    ngx_http_core_srv_conf_t  *cscf;

    cscf = ngx_http_get_module_srv_conf(r, ngx_http_core_module);

    p = ngx_snprintf(buf, len, ", server: %V", &cscf->server_name);
    len -= p - buf;
    buf = p;

    ctx = ngx_http_twocare_request_find(r);

    if (ctx != NULL) {
        p = ngx_snprintf(buf, len, ", request: \"%V %V\", request_id: %V",
                         &ctx->method, &ctx->path, &ctx->request_id);
        len -= p - buf;
        buf = p;
    }

    u = sr->upstream;

    if (u != NULL && u->peer.name != NULL) {
        buf = ngx_snprintf(buf, len, ", upstream: \"%V\"", u->peer.name);
    }

    return buf;
}
