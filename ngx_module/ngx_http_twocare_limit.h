
/*
 * Limits: what their files promise each other and the rest of the module.
 *
 * A window is one word (window).  The words of keys lie in tables (table),
 * whose keys are made from clients, pools and addresses (address).  A request
 * is taken from the two windows of its key, given back, or charged to another
 * (limit); 304 may give it back, too (refund).  The answer tells what they
 * said (fields).  Tokens with wrong signatures have a budget (failures).
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
    uint64_t                    unused;       /* eight cache lines in all */
    ngx_http_twocare_windows_t  windows[NGX_HTTP_TWOCARE_WAYS + 1];
    uint64_t                    refunds[NGX_HTTP_TWOCARE_WAYS + 1];
} ngx_http_twocare_set_t;

typedef struct {
    ngx_http_twocare_set_t     *sets;
    uint64_t                    nsets;
} ngx_http_twocare_table_t;


/* events, as a part of the zone's counters */

#define NGX_HTTP_TWOCARE_CLIENTS        0
#define NGX_HTTP_TWOCARE_ADDRESSES      1

typedef struct {
    uint64_t                    minute[2];    /* refused by that window, */
    uint64_t                    hour[2];      /* of clients, addresses */
    uint64_t                    overflows[2]; /* asked a shared window */
    uint64_t                    passed[2];    /* let through one, uncounted */
    uint64_t                    slots[2];     /* of the table, ever used */
    uint64_t                    dry_run;      /* would have been refused */
    uint64_t                    refunds;      /* 304s, given back */
    uint64_t                    failures;     /* tokens not verified */
    uint64_t                    old_state;    /* judged by a state of > 10 s */
    uint64_t                    timeouts;     /* clients too slow, closed */
} ngx_http_twocare_counts_t;


typedef struct {
    ngx_uint_t                  hour;         /* requests; 0 = no limit */
    ngx_uint_t                  minute;
} ngx_http_twocare_quota_t;


/*
 * A group of locations with windows of their own.  The salt sets its keys
 * apart from those of other groups; quotas that are not given (NGX_CONF_UNSET
 * in both) are those that the client or the address has elsewhere.
 */

#define NGX_HTTP_TWOCARE_GROUP_MAX      32    /* bytes of a name */

typedef struct {
    ngx_str_t                   name;
    uint64_t                    salt;
    ngx_http_twocare_quota_t    quota[2];     /* of clients, addresses */
    ngx_str_t                   file;         /* where it was first named */
    ngx_uint_t                  line;
    unsigned                    defined:1;
} ngx_http_twocare_group_t;


#define NGX_HTTP_TWOCARE_OVERFLOW_CLOSED  0   /* the shared window decides */
#define NGX_HTTP_TWOCARE_OVERFLOW_OPEN    1   /* and nobody is refused by it */

/* what a location says about limits beyond on and off */

typedef struct {
    ngx_http_twocare_group_t   *group;        /* NULL: the general windows */
    ngx_flag_t                  dry_run;
    ngx_flag_t                  fields;       /* RateLimit, too */
    ngx_uint_t                  overflow;
    ngx_uint_t                  refund;       /* percent; 0 = none */
    ngx_uint_t                  failures;     /* a minute; 0 = no budget */
} ngx_http_twocare_limits_t;


/* a window as it was when a request asked it */

typedef struct {
    uint64_t                    word;         /* this request included */
    uint64_t                    left_ms;      /* until it closes */
} ngx_http_twocare_reading_t;


/* a window as the answer shows it */

typedef struct {
    ngx_uint_t                  limit;        /* 0: there is nothing to show */
    ngx_uint_t                  remaining;
    time_t                      reset;        /* Unix seconds */
    time_t                      left;         /* seconds until then, >= 1 */
} ngx_http_twocare_shown_t;

/* what the windows said */

typedef struct {
    ngx_http_twocare_shown_t    hour;
    ngx_http_twocare_shown_t    minute;
    ngx_http_twocare_group_t   *group;
    unsigned                    refused:1;
    unsigned                    by_minute:1;  /* refused by it, not the hour */
    unsigned                    dry_run:1;    /* refused, yet let through */
    unsigned                    overflow:1;   /* they are shared ones */
    unsigned                    refunded:1;
    unsigned                    named:1;      /* RateLimit shows them, too */

    /* what was taken, to give it back; table is NULL when nothing was */
    ngx_http_twocare_table_t   *table;
    uint64_t                    key;
    uint64_t                    minute_start;
    uint64_t                    hour_start;
} ngx_http_twocare_taken_t;


/*
 * window: now is the monotonic clock in milliseconds.  _count takes one when
 * there is room (limit 0: there is always, and none is counted); NGX_DECLINED
 * when there is none, NGX_AGAIN when the slot is changing hands.  _look only
 * reads.  _uncount takes one back unless the window that began at start has
 * closed.  _open: whether it lives.
 */

uint64_t ngx_http_twocare_window_now(void);
ngx_int_t ngx_http_twocare_window_count(uint64_t *window, uint64_t length,
    ngx_uint_t limit, ngx_http_twocare_reading_t *reading);
void ngx_http_twocare_window_look(uint64_t *window, uint64_t length,
    ngx_http_twocare_reading_t *reading);
void ngx_http_twocare_window_uncount(uint64_t *window, uint64_t start);
ngx_uint_t ngx_http_twocare_window_open(uint64_t word, uint64_t length,
    uint64_t now);


/*
 * table: the windows of a key; _find returns NULL when it has none yet, and
 * _place gives it a slot or, when no slot is free, the overflow of its set.
 * With `closed`, a slot begins with what the overflow has counted.  _holds:
 * whether these windows are still the key's.  _live estimates how many keys
 * have open windows, for a table of *slots.
 */

ngx_http_twocare_set_t *ngx_http_twocare_table_set(
    ngx_http_twocare_table_t *table, uint64_t key);
ngx_http_twocare_windows_t *ngx_http_twocare_table_find(
    ngx_http_twocare_set_t *set, uint64_t key);
ngx_http_twocare_windows_t *ngx_http_twocare_table_place(
    ngx_http_twocare_zone_t *zone, ngx_http_twocare_table_t *table,
    ngx_http_twocare_set_t *set, uint64_t key, ngx_uint_t closed);
ngx_uint_t ngx_http_twocare_table_holds(ngx_http_twocare_set_t *set,
    ngx_http_twocare_windows_t *windows, uint64_t key);
uint64_t ngx_http_twocare_table_live(ngx_http_twocare_table_t *table,
    uint64_t *slots);

static ngx_inline ngx_uint_t
ngx_http_twocare_table_shared(ngx_http_twocare_set_t *set,
    ngx_http_twocare_windows_t *windows)
{
    return windows == &set->windows[NGX_HTTP_TWOCARE_WAYS];
}


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
 * Take one request from both windows of a key.  taken tells what to show;
 * NGX_DECLINED when a window refused, and then nothing was counted.  Giving
 * back is exact as long as the windows have not closed since.
 */

ngx_int_t ngx_http_twocare_limit_take(ngx_http_twocare_zone_t *zone,
    ngx_http_twocare_table_t *table, uint64_t key,
    ngx_http_twocare_quota_t *quota, ngx_uint_t overflow,
    ngx_http_twocare_taken_t *taken);
void ngx_http_twocare_limit_give_back(ngx_http_twocare_taken_t *taken);

/* the window that X-RateLimit-* show, or NULL; seconds of Retry-After */

ngx_http_twocare_shown_t *ngx_http_twocare_limit_shown(
    ngx_http_twocare_taken_t *taken);
time_t ngx_http_twocare_limit_retry_after(ngx_http_twocare_ctx_t *ctx);


/* refund: give a request back that was answered by 304, within the percent */

void ngx_http_twocare_refund(ngx_http_twocare_loc_conf_t *lcf,
    ngx_http_twocare_ctx_t *ctx);


/*
 * failures: before a signature is computed, take one from the budget of the
 * address; NGX_DECLINED when it is spent.  A good signature gives it back
 * (ngx_http_twocare_limit_give_back).
 */

ngx_int_t ngx_http_twocare_failures_take(ngx_http_request_t *r,
    ngx_http_twocare_loc_conf_t *lcf, ngx_http_twocare_taken_t *taken);


/*
 * fields: X-RateLimit-* and RateLimit of an answer that was counted.  _ours:
 * whether a field of this name is RateLimit or RateLimit-Policy.
 */

ngx_uint_t ngx_http_twocare_fields_ours(ngx_str_t *name);
ngx_int_t ngx_http_twocare_fields_add(ngx_http_request_t *r,
    ngx_http_twocare_loc_conf_t *lcf, ngx_http_twocare_ctx_t *ctx);
ngx_int_t ngx_http_twocare_fields_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);


/* log: what is known only when a request ends */

ngx_int_t ngx_http_twocare_log_handler(ngx_http_request_t *r);


/* quota: the directives of limits */

char *ngx_http_twocare_set_limit(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_twocare_set_quota(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_twocare_set_group(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_twocare_set_refund(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_twocare_set_failures(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
void ngx_http_twocare_limits_create(ngx_http_twocare_limits_t *limits);
void ngx_http_twocare_limits_merge(ngx_http_twocare_limits_t *prev,
    ngx_http_twocare_limits_t *conf);
ngx_int_t ngx_http_twocare_groups_check(ngx_conf_t *cf);


#endif /* _NGX_HTTP_TWOCARE_LIMIT_H_INCLUDED_ */
