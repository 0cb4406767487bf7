
/*
 * What an answer says about the windows.  X-RateLimit-* show one of them: the
 * hour, or the minute when that one refused.  RateLimit-Policy and RateLimit
 * name both (draft-ietf-httpapi-ratelimit-headers-10 3 and 4): lists of
 * strings with parameters (RFC 9651 3.1), q = limit, w = seconds of the window,
 * r = remaining, t = seconds until it closes.
 */


#include "ngx_http_twocare.h"


/* of one window in either list: names, digits and what stands between */

#define NGX_HTTP_TWOCARE_MEMBER_MAX                                           \
    (sizeof(", \"-minute\";q=;w=") + NGX_HTTP_TWOCARE_GROUP_MAX               \
     + 2 * NGX_INT64_LEN)


static ngx_int_t ngx_http_twocare_fields_one(ngx_http_request_t *r,
    ngx_http_twocare_shown_t *shown);
static ngx_int_t ngx_http_twocare_fields_both(ngx_http_request_t *r,
    ngx_http_twocare_taken_t *taken);
static u_char *ngx_http_twocare_fields_name(u_char *p, u_char *first,
    ngx_http_twocare_group_t *group, const char *window, size_t len);
static u_char *ngx_http_twocare_fields_number(u_char *p, uint64_t n);


ngx_int_t
ngx_http_twocare_fields_add(ngx_http_request_t *r,
    ngx_http_twocare_loc_conf_t *lcf, ngx_http_twocare_ctx_t *ctx)
{
    ngx_str_t                  value;
    ngx_http_twocare_shown_t  *shown;
    ngx_http_twocare_taken_t  *taken;

    taken = &ctx->taken;

    if (!ctx->counted) {
        return NGX_OK;
    }

    if (lcf->limits.refund != 0
        && r->headers_out.status == NGX_HTTP_NOT_MODIFIED)
    {
        ngx_http_twocare_refund(lcf, ctx);
    }

    shown = ngx_http_twocare_limit_shown(taken);

    if (shown == NULL) {
        return NGX_OK;
    }

    if (ngx_http_twocare_fields_one(r, shown) != NGX_OK
        || (taken->named
            && ngx_http_twocare_fields_both(r, taken) != NGX_OK))
    {
        return NGX_ERROR;
    }

    if (!taken->dry_run) {
        return NGX_OK;
    }

    if (taken->by_minute) {
        ngx_str_set(&value, "minute");

    } else {
        ngx_str_set(&value, "hour");
    }

    return ngx_http_twocare_headers_add(r, "X-RateLimit-Dry-Run", &value);
}


static ngx_int_t
ngx_http_twocare_fields_one(ngx_http_request_t *r,
    ngx_http_twocare_shown_t *shown)
{
    u_char      *p;
    ngx_str_t    value;
    ngx_uint_t   i;

    const struct {
        const char  *name;
        uint64_t     value;
    } fields[] = {
        { "X-RateLimit-Limit", shown->limit },
        { "X-RateLimit-Remaining", shown->remaining },
        { "X-RateLimit-Reset", shown->reset },
    };

    p = ngx_pnalloc(r->pool, 3 * NGX_INT64_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < 3; i++) {
        value.data = p;
        p = ngx_http_twocare_fields_number(p, fields[i].value);
        value.len = p - value.data;

        if (ngx_http_twocare_headers_add(r, fields[i].name, &value) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_twocare_fields_both(ngx_http_request_t *r,
    ngx_http_twocare_taken_t *taken)
{
    u_char      *p, *q;
    ngx_str_t    policy, limit;
    ngx_uint_t   i;

    const struct {
        ngx_http_twocare_shown_t  *shown;
        const char                *name;
        size_t                     len;
        uint64_t                   window;    /* seconds */
    } windows[] = {
        { &taken->hour, "hour", sizeof("hour") - 1,
          NGX_HTTP_TWOCARE_HOUR / 1000 },
        { &taken->minute, "minute", sizeof("minute") - 1,
          NGX_HTTP_TWOCARE_MINUTE / 1000 },
    };

    p = ngx_pnalloc(r->pool, 4 * NGX_HTTP_TWOCARE_MEMBER_MAX);
    if (p == NULL) {
        return NGX_ERROR;
    }

    q = p + 2 * NGX_HTTP_TWOCARE_MEMBER_MAX;

    policy.data = p;
    limit.data = q;

    for (i = 0; i < 2; i++) {
        if (windows[i].shown->limit == 0) {
            continue;
        }

        p = ngx_http_twocare_fields_name(p, policy.data, taken->group,
                                         windows[i].name, windows[i].len);
        p = ngx_cpymem(p, ";q=", 3);
        p = ngx_http_twocare_fields_number(p, windows[i].shown->limit);
        p = ngx_cpymem(p, ";w=", 3);
        p = ngx_http_twocare_fields_number(p, windows[i].window);

        q = ngx_http_twocare_fields_name(q, limit.data, taken->group,
                                         windows[i].name, windows[i].len);
        q = ngx_cpymem(q, ";r=", 3);
        q = ngx_http_twocare_fields_number(q, windows[i].shown->remaining);
        q = ngx_cpymem(q, ";t=", 3);
        q = ngx_http_twocare_fields_number(q, windows[i].shown->left);
    }

    policy.len = p - policy.data;
    limit.len = q - limit.data;

    if (ngx_http_twocare_headers_add(r, "RateLimit-Policy", &policy) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_twocare_headers_add(r, "RateLimit", &limit);
}


ngx_uint_t
ngx_http_twocare_fields_ours(ngx_str_t *name)
{
    return (name->len == sizeof("RateLimit") - 1
            || name->len == sizeof("RateLimit-Policy") - 1)
           && ngx_strncasecmp(name->data, (u_char *) "RateLimit-Policy",
                              name->len)
              == 0;
}


/* "hour", or "reports-hour" in the group of that name */

static u_char *
ngx_http_twocare_fields_name(u_char *p, u_char *first,
    ngx_http_twocare_group_t *group, const char *window, size_t len)
{
    if (p != first) {
        *p++ = ',';
        *p++ = ' ';
    }

    *p++ = '"';

    if (group != NULL) {
        p = ngx_cpymem(p, group->name.data, group->name.len);
        *p++ = '-';
    }

    p = ngx_cpymem(p, window, len);
    *p++ = '"';

    return p;
}


/* ngx_sprintf() costs more than the rest of this file */

static u_char *
ngx_http_twocare_fields_number(u_char *p, uint64_t n)
{
    size_t  i;
    u_char  digits[NGX_INT64_LEN];

    i = sizeof(digits);

    do {
        digits[--i] = (u_char) ('0' + n % 10);
        n /= 10;
    } while (n != 0);

    return ngx_cpymem(p, digits + i, sizeof(digits) - i);
}


/* $twocare_limit_status */

ngx_int_t
ngx_http_twocare_fields_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    const char                *word;
    ngx_http_twocare_ctx_t    *ctx;
    ngx_http_twocare_taken_t  *taken;

    ctx = ngx_http_twocare_request(r);
    if (ctx == NULL) {
        return NGX_ERROR;
    }

    taken = &ctx->taken;

    if (ctx->refusal == ngx_http_twocare_refusal(NGX_HTTP_TWOCARE_FAILURES)) {
        word = "failures";

    } else if (!ctx->counted) {
        word = "-";

    } else if (taken->refused && taken->dry_run) {
        word = taken->by_minute ? "minute_dry_run" : "hour_dry_run";

    } else if (taken->refused) {
        word = taken->by_minute ? "minute" : "hour";

    } else {
        word = taken->overflow ? "overflow" : "passed";
    }

    v->valid = 1;
    v->no_cacheable = 1;
    v->not_found = 0;
    v->data = (u_char *) word;
    v->len = ngx_strlen(word);

    return NGX_OK;
}
