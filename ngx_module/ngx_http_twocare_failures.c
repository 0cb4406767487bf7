
/*
 * The budget of tokens whose signature is wrong, per address (IPv6: /64) and
 * minute.  A core computes only some ten thousand signatures a second, and
 * anybody may send bogus ones; so each computation is taken from the budget
 * first, and given back when the signature was good.  When the budget is spent,
 * tokens from there are not looked at any more, except those that the cache
 * knows, which cost nothing.
 */


#include "ngx_http_twocare.h"


/* sets the keys apart from those of requests; even, as salts are */

#define NGX_HTTP_TWOCARE_FAILURES_SALT  0x6661696c75726572ULL


ngx_int_t
ngx_http_twocare_failures_take(ngx_http_request_t *r,
    ngx_http_twocare_loc_conf_t *lcf, ngx_http_twocare_taken_t *taken)
{
    uint64_t                    key;
    ngx_http_twocare_ctx_t     *ctx;
    ngx_http_twocare_quota_t    quota;
    ngx_http_twocare_counts_t  *counts;

    quota.hour = 0;
    quota.minute = lcf->limits.failures;

    key = ngx_http_twocare_address_key(lcf->zone, r->connection->sockaddr)
          ^ NGX_HTTP_TWOCARE_FAILURES_SALT;

    /* a full table must not keep good tokens out: it is open here */

    if (ngx_http_twocare_limit_take(lcf->zone, &lcf->zone->sh->addresses, key,
                                    &quota, NGX_HTTP_TWOCARE_OVERFLOW_OPEN,
                                    taken)
        == NGX_OK)
    {
        return NGX_OK;
    }

    counts = &ngx_http_twocare_counters(lcf->zone)->limits;

    if (lcf->limits.dry_run) {
        ngx_http_twocare_counter_add(&counts->dry_run, 1);
        return NGX_OK;
    }

    ngx_http_twocare_counter_add(&counts->failures, 1);

    ctx = ngx_http_twocare_request(r);

    if (ctx != NULL) {
        ctx->failures_left = taken->minute.left;
    }

    return NGX_DECLINED;
}
