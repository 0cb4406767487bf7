
/*
 * Limits: what their files promise each other and the rest of the module.
 *
 * A window is one word (window).  The words of keys lie in tables (table),
 * whose keys are made from clients, pools and addresses (address).  A request
 * is taken from the two windows of its key, given back, or charged to another
 * (limit); the answer tells what they said (fields).
 */


#ifndef _NGX_HTTP_TWOCARE_LIMIT_H_INCLUDED_
#define _NGX_HTTP_TWOCARE_LIMIT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


typedef struct ngx_http_twocare_zone_s      ngx_http_twocare_zone_t;
typedef struct ngx_http_twocare_loc_conf_s  ngx_http_twocare_loc_conf_t;
typedef struct ngx_http_twocare_ctx_s       ngx_http_twocare_ctx_t;


#define NGX_HTTP_TWOCARE_MINUTE         60000
#define NGX_HTTP_TWOCARE_HOUR           3600000

/* a count has 26 bits; its last value says that a slot changes hands */

#define NGX_HTTP_TWOCARE_LIMIT_MAX      67108862

#define NGX_HTTP_TWOCARE_COUNT_BITS     26
#define NGX_HTTP_TWOCARE_COUNT_MASK                                           \
    ((1ULL << NGX_HTTP_TWOCARE_COUNT_BITS) - 1)
#define NGX_HTTP_TWOCARE_START_MASK     ((1ULL << 38) - 1)
#define NGX_HTTP_TWOCARE_TAKEN          (~0ULL)

#define NGX_HTTP_TWOCARE_START(word)    ((word) >> NGX_HTTP_TWOCARE_COUNT_BITS)
#define NGX_HTTP_TWOCARE_COUNT(word)    ((word) & NGX_HTTP_TWOCARE_COUNT_MASK)


/*
 * The windows of up to fifteen keys, and those that keys share which found
 * the set full of living ones.  A window is one word: the millisecond of its
 * first request on the monotonic clock (38 bits) and a count (26 bits).
 */

#define NGX_HTTP_TWOCARE_WAYS           15

typedef struct {
    uint64_t                    minute;
    uint64_t                    hour;
} ngx_http_twocare_windows_t;

typedef struct {
    uint64_t                    key[NGX_HTTP_TWOCARE_WAYS];
    uint64_t                    overflows;
    ngx_http_twocare_windows_t  windows[NGX_HTTP_TWOCARE_WAYS + 1];
} ngx_http_twocare_set_t;

typedef struct {
    ngx_http_twocare_set_t     *sets;
    uint64_t                    nsets;
} ngx_http_twocare_table_t;


typedef struct {
    ngx_uint_t                  hour;         /* requests; 0 = no limit */
    ngx_uint_t                  minute;
} ngx_http_twocare_quota_t;


/* a window as it was when a request asked it */

typedef struct {
    uint64_t                    word;         /* this request included */
    uint64_t                    left_ms;      /* until it closes */
} ngx_http_twocare_reading_t;


/* what the windows said: the numbers of the X-RateLimit headers */

typedef struct {
    ngx_uint_t                  limit;
    ngx_uint_t                  remaining;
    time_t                      reset;        /* Unix seconds */
    time_t                      retry_after;  /* seconds; when refused */
    unsigned                    shown:1;      /* there is a limit to show */
    unsigned                    refused:1;
    unsigned                    minute:1;     /* refused by the minute */

    /* what was taken, to give it back */
    ngx_http_twocare_table_t   *table;
    uint64_t                    key;
    uint64_t                    minute_start;
    uint64_t                    hour_start;
} ngx_http_twocare_taken_t;


/*
 * window: now is the monotonic clock in milliseconds.  _count takes one when
 * there is room (limit 0: there always is); NGX_DECLINED when there is none,
 * NGX_AGAIN when the slot is changing hands.  _uncount takes one back unless
 * the window that began at start has closed.  _open: whether it lives.
 */

uint64_t ngx_http_twocare_window_now(void);
ngx_int_t ngx_http_twocare_window_count(uint64_t *window, uint64_t length,
    ngx_uint_t limit, ngx_http_twocare_reading_t *reading);
void ngx_http_twocare_window_uncount(uint64_t *window, uint64_t start);
ngx_uint_t ngx_http_twocare_window_open(uint64_t word, uint64_t length,
    uint64_t now);


/*
 * table: the windows of a key; _find returns NULL when it has none yet, and
 * _place gives it a slot or, when no slot is free, the overflow of its set.
 * _same: whether these windows are still the key's.
 */

ngx_http_twocare_set_t *ngx_http_twocare_table_set(
    ngx_http_twocare_table_t *table, uint64_t key);
ngx_http_twocare_windows_t *ngx_http_twocare_table_find(
    ngx_http_twocare_set_t *set, uint64_t key);
ngx_http_twocare_windows_t *ngx_http_twocare_table_place(
    ngx_http_twocare_zone_t *zone, ngx_http_twocare_set_t *set, uint64_t key);
ngx_uint_t ngx_http_twocare_table_same(ngx_http_twocare_set_t *set,
    ngx_http_twocare_windows_t *windows, uint64_t key);


/* address: keys of windows: of an address (IPv6: its /64), of a pool */

uint64_t ngx_http_twocare_address_key(ngx_http_twocare_zone_t *zone,
    struct sockaddr *sockaddr);
uint64_t ngx_http_twocare_pool_key(ngx_http_twocare_zone_t *zone,
    uint64_t pool);


/*
 * limit: _request asks the windows of the request's client or address; what
 * they said is in ctx->taken.  _charge moves a request that counted to the
 * address to the client that the backend named, unless that one has no room.
 */

void ngx_http_twocare_limit_request(ngx_http_request_t *r,
    ngx_http_twocare_loc_conf_t *lcf, ngx_http_twocare_ctx_t *ctx);
void ngx_http_twocare_limit_charge(ngx_http_twocare_loc_conf_t *lcf,
    ngx_http_twocare_ctx_t *ctx, ngx_str_t *client_id);

/*
 * take one request from both windows of a key.  taken tells what to show;
 * NGX_DECLINED when a window refused, and then nothing was counted.  Giving
 * back is exact as long as the windows have not closed since.
 */

ngx_int_t ngx_http_twocare_limit_take(ngx_http_twocare_zone_t *zone,
    ngx_http_twocare_table_t *table, uint64_t key,
    ngx_http_twocare_quota_t *quota, ngx_http_twocare_taken_t *taken);
void ngx_http_twocare_limit_give_back(ngx_http_twocare_taken_t *taken);


/* fields: X-RateLimit-* of an answer whose request was counted */

ngx_int_t ngx_http_twocare_fields_add(ngx_http_request_t *r,
    ngx_http_twocare_ctx_t *ctx);


#endif /* _NGX_HTTP_TWOCARE_LIMIT_H_INCLUDED_ */
