
/*
 * Counts requests in windows of a minute and of an hour.  A window opens with
 * its key's first request and closes exactly 60 or 3600 seconds later by the
 * monotonic clock, which all workers share and which nobody can set back.
 *
 * A window is one word {start, count}, changed by compare-and-swap alone: it
 * is exact over all workers, and there is no lock that a killed worker could
 * take along.  Only giving a slot to a new key takes the zone's mutex (which
 * nginx unlocks when its holder dies).  The taker marks the words of the dead
 * key TAKEN first, by compare-and-swap: a worker that opens one of these
 * windows in the same moment either wins, and the slot stays, or sees the mark
 * and looks its key up again.  Windows of living keys are never given away: a
 * key that finds its set full of those counts in the set's shared overflow.
 */


#include "ngx_http_twocare.h"


#define NGX_HTTP_TWOCARE_COUNT_BITS   26
#define NGX_HTTP_TWOCARE_COUNT_MASK                                           \
    ((1ULL << NGX_HTTP_TWOCARE_COUNT_BITS) - 1)
#define NGX_HTTP_TWOCARE_START_MASK   ((1ULL << 38) - 1)
#define NGX_HTTP_TWOCARE_TAKEN        (~0ULL)

#define NGX_HTTP_TWOCARE_START(word)  ((word) >> NGX_HTTP_TWOCARE_COUNT_BITS)
#define NGX_HTTP_TWOCARE_COUNT(word)  ((word) & NGX_HTTP_TWOCARE_COUNT_MASK)

/* a step of the wall clock, not the jitter of reading two clocks */

#define NGX_HTTP_TWOCARE_STEP_MS      500

/* an overflow is complained of once a minute by each worker */

#define NGX_HTTP_TWOCARE_WARN_EVERY   60


typedef struct {
    uint64_t    word;        /* as it is now, this request included */
    uint64_t    left_ms;     /* until it closes */
} ngx_http_twocare_reading_t;


static ngx_int_t ngx_http_twocare_limit_count(uint64_t *window,
    uint64_t length, ngx_uint_t limit, ngx_http_twocare_reading_t *reading);
static void ngx_http_twocare_limit_uncount(uint64_t *window, uint64_t start);
static ngx_uint_t ngx_http_twocare_limit_open(uint64_t word, uint64_t length,
    uint64_t now);
static ngx_http_twocare_windows_t *ngx_http_twocare_limit_find(
    ngx_http_twocare_set_t *set, uint64_t key);
static ngx_http_twocare_windows_t *ngx_http_twocare_limit_place(
    ngx_http_twocare_zone_t *zone, ngx_http_twocare_set_t *set, uint64_t key);
static ngx_uint_t ngx_http_twocare_limit_free(
    ngx_http_twocare_windows_t *windows);
static ngx_uint_t ngx_http_twocare_limit_same(ngx_http_twocare_set_t *set,
    ngx_http_twocare_windows_t *windows, uint64_t key);
static void ngx_http_twocare_limit_show(ngx_http_twocare_zone_t *zone,
    ngx_http_twocare_taken_t *taken, ngx_uint_t limit,
    ngx_http_twocare_reading_t *reading);


static uint64_t
ngx_http_twocare_limit_now(void)
{
    return (uint64_t) ngx_current_msec & NGX_HTTP_TWOCARE_START_MASK;
}


static ngx_http_twocare_set_t *
ngx_http_twocare_limit_set(ngx_http_twocare_table_t *table, uint64_t key)
{
    return &table->sets[((unsigned __int128) key * table->nsets) >> 64];
}


ngx_int_t
ngx_http_twocare_limit_take(ngx_http_twocare_zone_t *zone,
    ngx_http_twocare_table_t *table, uint64_t key,
    ngx_http_twocare_quota_t *quota, ngx_http_twocare_taken_t *taken)
{
    ngx_int_t                    rc;
    ngx_http_twocare_set_t      *set;
    ngx_http_twocare_reading_t   minute, hour;
    ngx_http_twocare_windows_t  *windows;

    set = ngx_http_twocare_limit_set(table, key);

again:

    windows = ngx_http_twocare_limit_find(set, key);

    if (windows == NULL) {
        windows = ngx_http_twocare_limit_place(zone, set, key);
    }

    ngx_memzero(taken, sizeof(ngx_http_twocare_taken_t));

    rc = ngx_http_twocare_limit_count(&windows->minute,
                                      NGX_HTTP_TWOCARE_MINUTE, quota->minute,
                                      &minute);
    if (rc == NGX_AGAIN) {
        goto again;
    }

    if (rc == NGX_DECLINED) {
        taken->refused = 1;
        taken->minute = 1;
        ngx_http_twocare_limit_show(zone, taken, quota->minute, &minute);
        return NGX_DECLINED;
    }

    rc = ngx_http_twocare_limit_count(&windows->hour, NGX_HTTP_TWOCARE_HOUR,
                                      quota->hour, &hour);

    if (rc == NGX_OK && ngx_http_twocare_limit_same(set, windows, key)) {
        taken->table = table;
        taken->key = key;
        taken->minute_start = NGX_HTTP_TWOCARE_START(minute.word);
        taken->hour_start = NGX_HTTP_TWOCARE_START(hour.word);

        if (quota->hour != 0) {
            ngx_http_twocare_limit_show(zone, taken, quota->hour, &hour);

        } else if (quota->minute != 0) {
            ngx_http_twocare_limit_show(zone, taken, quota->minute, &minute);
        }

        return NGX_OK;
    }

    ngx_http_twocare_limit_uncount(&windows->minute,
                                   NGX_HTTP_TWOCARE_START(minute.word));

    if (rc == NGX_DECLINED) {
        taken->refused = 1;
        ngx_http_twocare_limit_show(zone, taken, quota->hour, &hour);
        return NGX_DECLINED;
    }

    if (rc == NGX_OK) {
        ngx_http_twocare_limit_uncount(&windows->hour,
                                       NGX_HTTP_TWOCARE_START(hour.word));
    }

    goto again;
}


void
ngx_http_twocare_limit_give_back(ngx_http_twocare_zone_t *zone,
    ngx_http_twocare_taken_t *taken)
{
    ngx_http_twocare_set_t      *set;
    ngx_http_twocare_windows_t  *windows;

    if (taken->table == NULL) {
        return;
    }

    set = ngx_http_twocare_limit_set(taken->table, taken->key);

    windows = ngx_http_twocare_limit_find(set, taken->key);
    if (windows == NULL) {
        windows = &set->windows[NGX_HTTP_TWOCARE_WAYS];
    }

    ngx_http_twocare_limit_uncount(&windows->minute, taken->minute_start);
    ngx_http_twocare_limit_uncount(&windows->hour, taken->hour_start);

    taken->table = NULL;
}


/* NGX_AGAIN: the slot is changing hands */

static ngx_int_t
ngx_http_twocare_limit_count(uint64_t *window, uint64_t length,
    ngx_uint_t limit, ngx_http_twocare_reading_t *reading)
{
    uint64_t    word, next, now, age;
    ngx_uint_t  room;

    room = (limit == 0) ? NGX_HTTP_TWOCARE_LIMIT_MAX
                        : ngx_min(limit, NGX_HTTP_TWOCARE_LIMIT_MAX);

    now = ngx_http_twocare_limit_now();
    word = __atomic_load_n(window, __ATOMIC_ACQUIRE);

    do {
        if (word == NGX_HTTP_TWOCARE_TAKEN) {
            return NGX_AGAIN;
        }

        if (!ngx_http_twocare_limit_open(word, length, now)) {
            next = (now << NGX_HTTP_TWOCARE_COUNT_BITS) | 1;

        } else if (NGX_HTTP_TWOCARE_COUNT(word) >= room) {
            next = word;
            break;

        } else {
            next = word + 1;
        }

    } while (!__atomic_compare_exchange_n(window, &word, next, 0,
                                          __ATOMIC_ACQ_REL,
                                          __ATOMIC_ACQUIRE));

    /* another worker's clock may be a little ahead of ours */

    age = (now - NGX_HTTP_TWOCARE_START(next)) & NGX_HTTP_TWOCARE_START_MASK;

    reading->word = next;
    reading->left_ms = (age < length) ? length - age : length;

    return (next == word && limit != 0) ? NGX_DECLINED : NGX_OK;
}


static void
ngx_http_twocare_limit_uncount(uint64_t *window, uint64_t start)
{
    uint64_t  word;

    word = __atomic_load_n(window, __ATOMIC_ACQUIRE);

    do {
        if (word == NGX_HTTP_TWOCARE_TAKEN
            || NGX_HTTP_TWOCARE_START(word) != start
            || NGX_HTTP_TWOCARE_COUNT(word) == 0)
        {
            return;
        }

    } while (!__atomic_compare_exchange_n(window, &word, word - 1, 0,
                                          __ATOMIC_ACQ_REL,
                                          __ATOMIC_ACQUIRE));
}


/* a window with nothing in it has not been opened, or was given back */

static ngx_uint_t
ngx_http_twocare_limit_open(uint64_t word, uint64_t length, uint64_t now)
{
    uint64_t  age;

    if (NGX_HTTP_TWOCARE_COUNT(word) == 0) {
        return 0;
    }

    age = (now - NGX_HTTP_TWOCARE_START(word)) & NGX_HTTP_TWOCARE_START_MASK;

    return age < length || age > NGX_HTTP_TWOCARE_START_MASK / 2;
}


static ngx_http_twocare_windows_t *
ngx_http_twocare_limit_find(ngx_http_twocare_set_t *set, uint64_t key)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_TWOCARE_WAYS; i++) {
        if (__atomic_load_n(&set->key[i], __ATOMIC_ACQUIRE) == key) {

            if (__atomic_load_n(&set->windows[i].minute, __ATOMIC_RELAXED)
                    == NGX_HTTP_TWOCARE_TAKEN
                || __atomic_load_n(&set->windows[i].hour, __ATOMIC_RELAXED)
                    == NGX_HTTP_TWOCARE_TAKEN)
            {
                return NULL;
            }

            return &set->windows[i];
        }
    }

    return NULL;
}


static ngx_http_twocare_windows_t *
ngx_http_twocare_limit_place(ngx_http_twocare_zone_t *zone,
    ngx_http_twocare_set_t *set, uint64_t key)
{
    ngx_uint_t                   i, overflows;
    ngx_http_twocare_windows_t  *windows;

    overflows = 0;
    windows = NULL;

    ngx_shmtx_lock(&zone->shpool->mutex);

    for (i = 0; i < NGX_HTTP_TWOCARE_WAYS; i++) {
        if (set->key[i] == key) {
            windows = &set->windows[i];
            break;
        }
    }

    for (i = 0; windows == NULL && i < NGX_HTTP_TWOCARE_WAYS; i++) {
        if (ngx_http_twocare_limit_free(&set->windows[i])) {
            windows = &set->windows[i];
            __atomic_store_n(&set->key[i], key, __ATOMIC_RELEASE);
        }
    }

    if (windows == NULL) {
        windows = &set->windows[NGX_HTTP_TWOCARE_WAYS];
        overflows = ++set->overflows;

    } else {

        /*
         * Marks still here are ours, or of a worker that was killed holding
         * the mutex: nobody else marks now.
         */

        if (windows->minute == NGX_HTTP_TWOCARE_TAKEN) {
            __atomic_store_n(&windows->minute, 0, __ATOMIC_RELEASE);
        }

        if (windows->hour == NGX_HTTP_TWOCARE_TAKEN) {
            __atomic_store_n(&windows->hour, 0, __ATOMIC_RELEASE);
        }
    }

    ngx_shmtx_unlock(&zone->shpool->mutex);

    if (overflows != 0
        && ngx_time() - zone->warned >= NGX_HTTP_TWOCARE_WARN_EVERY)
    {
        zone->warned = ngx_time();
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "twocare_zone \"%V\" is too small: keys share an "
                      "overflow window", &zone->shm_zone->shm.name);
    }

    return windows;
}


/* under the mutex: make the slot ours unless one of its windows lives */

static ngx_uint_t
ngx_http_twocare_limit_free(ngx_http_twocare_windows_t *windows)
{
    uint64_t  minute, hour, now;

    now = ngx_http_twocare_limit_now();

    minute = __atomic_load_n(&windows->minute, __ATOMIC_ACQUIRE);
    hour = __atomic_load_n(&windows->hour, __ATOMIC_ACQUIRE);

    if (minute != NGX_HTTP_TWOCARE_TAKEN) {

        if (ngx_http_twocare_limit_open(minute, NGX_HTTP_TWOCARE_MINUTE, now)
            || !__atomic_compare_exchange_n(&windows->minute, &minute,
                                            NGX_HTTP_TWOCARE_TAKEN, 0,
                                            __ATOMIC_ACQ_REL,
                                            __ATOMIC_ACQUIRE))
        {
            return 0;
        }
    }

    if (hour != NGX_HTTP_TWOCARE_TAKEN) {

        if (ngx_http_twocare_limit_open(hour, NGX_HTTP_TWOCARE_HOUR, now)
            || !__atomic_compare_exchange_n(&windows->hour, &hour,
                                            NGX_HTTP_TWOCARE_TAKEN, 0,
                                            __ATOMIC_ACQ_REL,
                                            __ATOMIC_ACQUIRE))
        {
            /* the minute was dead: empty is the same */

            __atomic_store_n(&windows->minute, 0, __ATOMIC_RELEASE);
            return 0;
        }
    }

    return 1;
}


/* the slot may have gone to another key between finding it and counting */

static ngx_uint_t
ngx_http_twocare_limit_same(ngx_http_twocare_set_t *set,
    ngx_http_twocare_windows_t *windows, uint64_t key)
{
    ngx_uint_t  i;

    i = windows - set->windows;

    return i == NGX_HTTP_TWOCARE_WAYS
           || __atomic_load_n(&set->key[i], __ATOMIC_ACQUIRE) == key;
}


static void
ngx_http_twocare_limit_show(ngx_http_twocare_zone_t *zone,
    ngx_http_twocare_taken_t *taken, ngx_uint_t limit,
    ngx_http_twocare_reading_t *reading)
{
    uint64_t     wall, known, count, close_ms;
    ngx_time_t  *tp;

    /*
     * Every worker reads the two clocks at slightly different moments; they
     * agree on one distance, so that the reset of a window never wavers.
     */

    tp = ngx_timeofday();
    wall = (uint64_t) tp->sec * 1000 + tp->msec
           - ngx_http_twocare_limit_now();

    known = __atomic_load_n(&zone->sh->wall_ms, __ATOMIC_RELAXED);

    if (wall - known + NGX_HTTP_TWOCARE_STEP_MS
        > 2 * NGX_HTTP_TWOCARE_STEP_MS)
    {
        __atomic_store_n(&zone->sh->wall_ms, wall, __ATOMIC_RELAXED);
        known = wall;
    }

    if (limit > NGX_HTTP_TWOCARE_LIMIT_MAX) {
        limit = NGX_HTTP_TWOCARE_LIMIT_MAX;
    }

    count = NGX_HTTP_TWOCARE_COUNT(reading->word);
    close_ms = known + ngx_http_twocare_limit_now() + reading->left_ms;

    taken->shown = 1;
    taken->limit = limit;
    taken->remaining = (count < limit) ? limit - count : 0;
    taken->reset = (close_ms + 999) / 1000;
    taken->retry_after = ngx_max((reading->left_ms + 999) / 1000, 1);
}


uint64_t
ngx_http_twocare_limit_address(ngx_http_twocare_zone_t *zone,
    struct sockaddr *sockaddr)
{
    struct str            part;
#if (NGX_HAVE_INET6)
    u_char               *p;
    struct sockaddr_in6  *sin6;
#endif
    struct sockaddr_in   *sin;

    switch (sockaddr->sa_family) {

#if (NGX_HAVE_INET6)
    case AF_INET6:
        sin6 = (struct sockaddr_in6 *) sockaddr;
        p = sin6->sin6_addr.s6_addr;

        if (IN6_IS_ADDR_V4MAPPED(&sin6->sin6_addr)) {
            part = (struct str) { (const char *) p + 12, 4 };

        } else {
            part = (struct str) { (const char *) p, 8 };
        }

        break;
#endif

    case AF_INET:
        sin = (struct sockaddr_in *) sockaddr;
        part = (struct str) { (const char *) &sin->sin_addr, 4 };
        break;

    default: /* AF_UNIX */
        part = STR("unix");
        break;
    }

    /* 0 is an empty slot */

    return siphash(zone->sh->key, part) | 1;
}


uint64_t
ngx_http_twocare_limit_pool(ngx_http_twocare_zone_t *zone, uint64_t pool)
{
    struct str  part;

    part = (struct str) { (const char *) &pool, sizeof(pool) };

    return siphash(zone->sh->key, part) | 1;
}
