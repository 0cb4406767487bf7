
/*
 * Gives a request back to its windows when the answer was 304: it told a
 * client that asked politely that nothing has changed.  A window gives back at
 * most so many percent of its limit, and never the request that opened it: an
 * empty window would begin anew, and with it what it may give back.
 *
 * How many were given back is kept beside the windows, in one word for both: a
 * half each, of nine bits of the window's start and twenty-three of a count.
 * When the bits of an old window happen to be those of the new one, less is
 * given back, never more.
 */


#include "ngx_http_twocare.h"


#define NGX_HTTP_TWOCARE_REFUND_BITS   23
#define NGX_HTTP_TWOCARE_REFUND_COUNT                                         \
    ((1ULL << NGX_HTTP_TWOCARE_REFUND_BITS) - 1)
#define NGX_HTTP_TWOCARE_REFUND_HALF   0xffffffffULL

#define NGX_HTTP_TWOCARE_REFUND_MINUTE  0     /* shifts of the halves */
#define NGX_HTTP_TWOCARE_REFUND_HOUR    32


static ngx_uint_t ngx_http_twocare_refund_window(uint64_t *window,
    uint64_t *refunds, ngx_uint_t shift, uint64_t start, ngx_uint_t percent,
    ngx_http_twocare_shown_t *shown);
static ngx_uint_t ngx_http_twocare_refund_claim(uint64_t *refunds,
    ngx_uint_t shift, uint64_t start, uint64_t most);


void
ngx_http_twocare_refund(ngx_http_twocare_loc_conf_t *lcf,
    ngx_http_twocare_ctx_t *ctx)
{
    uint64_t                    *refunds;
    ngx_uint_t                   n;
    ngx_http_twocare_set_t      *set;
    ngx_http_twocare_taken_t    *taken;
    ngx_http_twocare_windows_t  *windows;

    taken = &ctx->taken;

    if (taken->table == NULL || taken->refunded) {
        return;
    }

    taken->refunded = 1;

    set = ngx_http_twocare_table_set(taken->table, taken->key);

    windows = ngx_http_twocare_table_find(set, taken->key);
    if (windows == NULL) {
        windows = &set->windows[NGX_HTTP_TWOCARE_WAYS];
    }

    refunds = &set->refunds[windows - set->windows];

    n = ngx_http_twocare_refund_window(&windows->minute, refunds,
                                       NGX_HTTP_TWOCARE_REFUND_MINUTE,
                                       taken->minute_start,
                                       lcf->limits.refund, &taken->minute);

    n += ngx_http_twocare_refund_window(&windows->hour, refunds,
                                        NGX_HTTP_TWOCARE_REFUND_HOUR,
                                        taken->hour_start,
                                        lcf->limits.refund, &taken->hour);

    if (n != 0) {
        ngx_http_twocare_counter_add(
                   &ngx_http_twocare_counters(lcf->zone)->limits.refunds, 1);
    }
}


static ngx_uint_t
ngx_http_twocare_refund_window(uint64_t *window, uint64_t *refunds,
    ngx_uint_t shift, uint64_t start, ngx_uint_t percent,
    ngx_http_twocare_shown_t *shown)
{
    uint64_t  word;

    word = __atomic_load_n(window, __ATOMIC_ACQUIRE);

    if (NGX_HTTP_TWOCARE_START(word) != start
        || NGX_HTTP_TWOCARE_COUNT(word) < 2
        || !ngx_http_twocare_refund_claim(refunds, shift, start,
                                          shown->limit * percent / 100))
    {
        return 0;
    }

    ngx_http_twocare_window_uncount(window, start);

    if (shown->remaining < shown->limit) {
        shown->remaining++;
    }

    return 1;
}


static ngx_uint_t
ngx_http_twocare_refund_claim(uint64_t *refunds, ngx_uint_t shift,
    uint64_t start, uint64_t most)
{
    uint64_t  word, next, half, tag, count;

    tag = start & (NGX_HTTP_TWOCARE_REFUND_HALF
                   >> NGX_HTTP_TWOCARE_REFUND_BITS);
    most = ngx_min(most, NGX_HTTP_TWOCARE_REFUND_COUNT);

    word = __atomic_load_n(refunds, __ATOMIC_ACQUIRE);

    do {
        half = (word >> shift) & NGX_HTTP_TWOCARE_REFUND_HALF;

        count = (half >> NGX_HTTP_TWOCARE_REFUND_BITS == tag)
                ? half & NGX_HTTP_TWOCARE_REFUND_COUNT : 0;

        if (count >= most) {
            return 0;
        }

        half = (tag << NGX_HTTP_TWOCARE_REFUND_BITS) | (count + 1);

        next = (word & ~(NGX_HTTP_TWOCARE_REFUND_HALF << shift))
               | (half << shift);

    } while (!__atomic_compare_exchange_n(refunds, &word, next, 0,
                                          __ATOMIC_ACQ_REL,
                                          __ATOMIC_ACQUIRE));

    return 1;
}
