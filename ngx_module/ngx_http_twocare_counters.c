
/*
 * The counters of a zone: their slots, their sum, and the log handler that
 * counts each request once, when it ends and its reason is known.
 */


#include "ngx_http_twocare.h"


#define NGX_HTTP_TWOCARE_SLOT_BYTES                                           \
    ngx_align(sizeof(ngx_http_twocare_counters_t), NGX_CPU_CACHE_LINE)

#define NGX_HTTP_TWOCARE_SLOT_WORDS                                           \
    (sizeof(ngx_http_twocare_counters_t) / sizeof(uint64_t))


_Static_assert(NGX_HTTP_TWOCARE_REASON_NONE < NGX_HTTP_TWOCARE_REASONS,
               "there are more refusals than counters of them");


static ngx_http_twocare_counters_t *ngx_http_twocare_counters_slot(
    ngx_http_twocare_zone_t *zone, ngx_uint_t n);
static ngx_int_t ngx_http_twocare_counters_handler(ngx_http_request_t *r);


ngx_http_twocare_counters_t *
ngx_http_twocare_counters_lay_out(ngx_slab_pool_t *shpool)
{
    /* whole pages, and so aligned to cache lines */

    return ngx_slab_calloc(shpool,
                           ngx_align(NGX_HTTP_TWOCARE_SLOTS
                                     * NGX_HTTP_TWOCARE_SLOT_BYTES,
                                     ngx_pagesize));
}


static ngx_http_twocare_counters_t *
ngx_http_twocare_counters_slot(ngx_http_twocare_zone_t *zone, ngx_uint_t n)
{
    u_char  *p;

    p = (u_char *) zone->sh->counters;

    return (ngx_http_twocare_counters_t *)
               (p + n % NGX_HTTP_TWOCARE_SLOTS * NGX_HTTP_TWOCARE_SLOT_BYTES);
}


ngx_http_twocare_counters_t *
ngx_http_twocare_counters(ngx_http_twocare_zone_t *zone)
{
    return ngx_http_twocare_counters_slot(zone, ngx_worker);
}


void
ngx_http_twocare_counters_sum(ngx_http_twocare_zone_t *zone,
    ngx_http_twocare_counters_t *sum)
{
    uint64_t    *from, *to;
    ngx_uint_t   i, n;

    ngx_memzero(sum, sizeof(ngx_http_twocare_counters_t));

    to = (uint64_t *) sum;

    for (n = 0; n < NGX_HTTP_TWOCARE_SLOTS; n++) {
        from = (uint64_t *) ngx_http_twocare_counters_slot(zone, n);

        for (i = 0; i < NGX_HTTP_TWOCARE_SLOT_WORDS; i++) {
            to[i] += __atomic_load_n(&from[i], __ATOMIC_RELAXED);
        }
    }
}


ngx_int_t
ngx_http_twocare_counters_init(ngx_conf_t *cf)
{
    ngx_http_handler_pt           *h;
    ngx_http_core_main_conf_t     *cmcf;
    ngx_http_twocare_main_conf_t  *tmcf;

    tmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_twocare_module);

    if (tmcf->zones.nelts == 0) {
        return NGX_OK;
    }

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_LOG_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_twocare_counters_handler;

    return NGX_OK;
}


static ngx_int_t
ngx_http_twocare_counters_handler(ngx_http_request_t *r)
{
    ngx_uint_t                         which, reason;
    ngx_http_twocare_ctx_t            *ctx;
    ngx_http_twocare_loc_conf_t       *lcf;
    const ngx_http_twocare_refusal_t  *first;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_twocare_module);

    if (lcf->zone == NULL || r != r->main) {
        return NGX_OK;
    }

    ctx = ngx_http_twocare_request_find(r);
    if (ctx == NULL) {
        return NGX_OK;
    }

    first = ngx_http_twocare_refusal(0);
    which = NGX_HTTP_TWOCARE_PASSED;

    if (ctx->refusal != NULL) {
        which = NGX_HTTP_TWOCARE_REFUSED;
        reason = ctx->refusal - first;

    } else if (ctx->verdict != NULL) {
        reason = ctx->verdict - first;

    } else {
        reason = ctx->accepted ? NGX_HTTP_TWOCARE_REASON_OK
                               : NGX_HTTP_TWOCARE_REASON_NONE;
    }

    ngx_http_twocare_counter_add(
             &ngx_http_twocare_counters(lcf->zone)->requests[which][reason], 1);

    return NGX_OK;
}


uint64_t
ngx_http_twocare_counters_ns(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000000000 + ts.tv_nsec;
}
