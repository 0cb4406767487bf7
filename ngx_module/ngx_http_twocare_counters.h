
/*
 * Counters: what the module did since the zone was made, kept over reload.
 *
 * Each worker adds to a slot of its own, so that no two fight for a cache
 * line; who reads sums the slots.  While a reload goes on the old worker and
 * the new one of the same number share a slot, hence additions are atomic, and
 * no worker that dies leaves anything behind.
 *
 *     ngx_http_twocare_counter_add(&counters->cache_hits, 1);
 *
 * with counters = ngx_http_twocare_counters(zone), anywhere on the way of a
 * request: an addition costs some nanoseconds.  A new counter is a member here
 * and a row of what ngx_http_twocare_status.c prints.
 */


#ifndef _NGX_HTTP_TWOCARE_COUNTERS_H_INCLUDED_
#define _NGX_HTTP_TWOCARE_COUNTERS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "base/jose.h"

#include "ngx_http_twocare_limit.h"


typedef struct ngx_http_twocare_zone_s  ngx_http_twocare_zone_t;


/* workers beyond that share slots */

#define NGX_HTTP_TWOCARE_SLOTS          32

/* room for the refusals, "ok" and "none" */

#define NGX_HTTP_TWOCARE_REASONS        48

#define NGX_HTTP_TWOCARE_PASSED         0
#define NGX_HTTP_TWOCARE_REFUSED        1


/* signatures that were computed, good or wrong */

typedef struct {
    uint64_t                    good;
    uint64_t                    wrong;
    uint64_t                    ns;           /* of both */
} ngx_http_twocare_verified_t;


/* all members are uint64_t: a sum over slots treats them as one array */

typedef struct {
    uint64_t                    requests[2][NGX_HTTP_TWOCARE_REASONS];
    uint64_t                    cache_remembered;  /* by the worker itself */
    uint64_t                    cache_hits;        /* in shared memory */
    uint64_t                    cache_misses;
    uint64_t                    cache_evictions;   /* of a living digest */
    ngx_http_twocare_counts_t   limits;
    ngx_http_twocare_verified_t verified[JOSE_ALG__MAX];
} ngx_http_twocare_counters_t;


/* _lay_out: while the zone is made; NULL: no memory */

ngx_http_twocare_counters_t *ngx_http_twocare_counters_lay_out(
    ngx_slab_pool_t *shpool);

/* this worker's slot */

ngx_http_twocare_counters_t *ngx_http_twocare_counters(
    ngx_http_twocare_zone_t *zone);

/* the sum of all slots, each counter as it was at some moment of the call */

void ngx_http_twocare_counters_sum(ngx_http_twocare_zone_t *zone,
    ngx_http_twocare_counters_t *sum);

/* count every request that ends, by what it was answered and why */

ngx_int_t ngx_http_twocare_counters_init(ngx_conf_t *cf);

/* the monotonic clock, to tell what a verification took */

uint64_t ngx_http_twocare_counters_ns(void);


static ngx_inline void
ngx_http_twocare_counter_add(uint64_t *counter, uint64_t n)
{
    (void) __atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
}


#endif /* _NGX_HTTP_TWOCARE_COUNTERS_H_INCLUDED_ */
