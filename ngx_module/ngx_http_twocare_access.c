
/*
 * The access handler: the verdict on the token, then the windows.  Both are
 * asked once in the life of a client's request, however often it is redirected
 * inside nginx.  In an error location (where nginx comes by error_page) it
 * still counts a request that failed before, such as one with too large a
 * body, but refuses nothing: the error that led there is the answer.
 */


#include "ngx_http_twocare.h"


static ngx_int_t ngx_http_twocare_access_decide(ngx_http_request_t *r,
    ngx_http_twocare_loc_conf_t *lcf);
static ngx_uint_t ngx_http_twocare_access_preflight(ngx_http_request_t *r);
static void ngx_http_twocare_access_judge(ngx_http_request_t *r,
    ngx_http_twocare_loc_conf_t *lcf, ngx_http_twocare_ctx_t *ctx);
static ngx_int_t ngx_http_twocare_access_refuse(ngx_http_request_t *r,
    ngx_http_twocare_ctx_t *ctx, const ngx_http_twocare_refusal_t *refusal,
    const ngx_str_t *scope);


ngx_int_t
ngx_http_twocare_access_handler(ngx_http_request_t *r)
{
    ngx_int_t                     rc;
    ngx_http_twocare_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_twocare_module);

    if ((lcf->auth == NGX_HTTP_TWOCARE_AUTH_OFF && !lcf->limit)
        || r != r->main)
    {
        return NGX_DECLINED;
    }

    rc = ngx_http_twocare_access_decide(r, lcf);

    if ((rc == NGX_OK || rc == NGX_DECLINED) && lcf->headers != NULL
        && lcf->auth != NGX_HTTP_TWOCARE_AUTH_OFF
        && ngx_http_twocare_headers_set(r, lcf) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return rc;
}


static ngx_int_t
ngx_http_twocare_access_decide(ngx_http_request_t *r,
    ngx_http_twocare_loc_conf_t *lcf)
{
    ngx_http_twocare_ctx_t          *ctx;
    const ngx_http_twocare_scope_t  *missing;

    if (ngx_http_twocare_access_preflight(r)) {
        return NGX_DECLINED;
    }

    ctx = ngx_http_twocare_request(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (lcf->auth != NGX_HTTP_TWOCARE_AUTH_OFF && !ctx->judged) {
        ngx_http_twocare_access_judge(r, lcf, ctx);
    }

    if (lcf->auth == NGX_HTTP_TWOCARE_AUTH_ON && lcf->state != NULL
        && !r->error_page)
    {

        if (!ngx_http_twocare_state_ready(lcf->state)) {
            return ngx_http_twocare_access_refuse(r, ctx,
                     ngx_http_twocare_refusal(NGX_HTTP_TWOCARE_NO_STATE),
                     NULL);
        }

        if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))
            && ngx_http_twocare_state_age(lcf->state) > lcf->state_max_age)
        {
            return ngx_http_twocare_access_refuse(r, ctx,
                     ngx_http_twocare_refusal(NGX_HTTP_TWOCARE_STALE_STATE),
                     NULL);
        }
    }

    if (lcf->limit && !ctx->counted) {
        ngx_http_twocare_limit_request(r, lcf, ctx);
    }

    if (r->error_page) {
        return NGX_DECLINED;
    }

    if (lcf->limit && ctx->taken.refused && !ctx->taken.dry_run) {
        return ngx_http_twocare_access_refuse(r, ctx,
                     ngx_http_twocare_refusal(NGX_HTTP_TWOCARE_LIMITED),
                     NULL);
    }

    if (lcf->auth == NGX_HTTP_TWOCARE_AUTH_ON) {

        if (ctx->verdict != NULL) {
            return ngx_http_twocare_access_refuse(r, ctx, ctx->verdict, NULL);
        }

        missing = (lcf->scopes == NULL) ? NULL
                  : ngx_http_twocare_scope_missing(r, lcf->scopes,
                                                   &ctx->scope);

        if (missing != NULL) {
            return ngx_http_twocare_access_refuse(r, ctx,
                     ngx_http_twocare_refusal(NGX_HTTP_TWOCARE_SCOPE),
                     &missing->list);
        }

        return NGX_OK;
    }

    return NGX_DECLINED;
}


/* free of charge, and browsers send no token with it. Fetch 4.8 */

static ngx_uint_t
ngx_http_twocare_access_preflight(ngx_http_request_t *r)
{
    ngx_uint_t        i;
    ngx_uint_t        origin, method;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    if (r->method != NGX_HTTP_OPTIONS) {
        return 0;
    }

    origin = 0;
    method = 0;

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (h[i].key.len == sizeof("Origin") - 1
                && ngx_strncasecmp(h[i].key.data, (u_char *) "Origin",
                                   h[i].key.len)
                   == 0)
            {
                origin = 1;
            }

            if (h[i].key.len == sizeof("Access-Control-Request-Method") - 1
                && ngx_strncasecmp(h[i].key.data,
                                   (u_char *) "Access-Control-Request-Method",
                                   h[i].key.len)
                   == 0)
            {
                method = 1;
            }
        }
    }

    return origin && method;
}


static void
ngx_http_twocare_access_judge(ngx_http_request_t *r,
    ngx_http_twocare_loc_conf_t *lcf, ngx_http_twocare_ctx_t *ctx)
{
    ctx->judged = 1;

    if (lcf->state != NULL && lcf->state->old) {
        ngx_http_twocare_counter_add(
                 &ngx_http_twocare_counters(lcf->zone)->limits.old_state, 1);
    }

    ctx->verdict = ngx_http_twocare_token_judge(r, lcf, ctx);

    if (ctx->verdict != NULL) {
        ngx_log_debug1(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                       "twocare token: %s", ctx->verdict->word);
    }
}


static ngx_int_t
ngx_http_twocare_access_refuse(ngx_http_request_t *r,
    ngx_http_twocare_ctx_t *ctx, const ngx_http_twocare_refusal_t *refusal,
    const ngx_str_t *scope)
{
    u_char           *p;
    size_t            len;
    ngx_str_t         challenge;
    ngx_table_elt_t  *h;

    ctx->refusal = refusal;

    if (refusal->status != NGX_HTTP_UNAUTHORIZED
        && refusal->status != NGX_HTTP_FORBIDDEN)
    {
        return refusal->status;
    }

    len = sizeof("Bearer realm=\"2care\", error=\"\", error_description=\"\"")
          + ngx_strlen(refusal->text);

    if (refusal->bearer != NULL) {
        len += ngx_strlen(refusal->bearer);
    }

    if (scope != NULL) {
        len += sizeof(", scope=\"\"") - 1 + scope->len;
    }

    challenge.data = ngx_pnalloc(r->pool, len);
    h = ngx_list_push(&r->headers_out.headers);

    if (challenge.data == NULL || h == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    p = ngx_cpymem(challenge.data, "Bearer realm=\"2care\"",
                   sizeof("Bearer realm=\"2care\"") - 1);

    if (refusal->bearer != NULL) {
        p = ngx_sprintf(p, ", error=\"%s\", error_description=\"%s\"",
                        refusal->bearer, refusal->text);
    }

    if (scope != NULL && scope->len != 0) {
        p = ngx_sprintf(p, ", scope=\"%V\"", scope);
    }

    challenge.len = p - challenge.data;

    h->hash = 1;
#if (nginx_version >= 1023000)
    h->next = NULL;
#endif
    ngx_str_set(&h->key, "WWW-Authenticate");
    h->value = challenge;

    r->headers_out.www_authenticate = h;

    return refusal->status;
}
