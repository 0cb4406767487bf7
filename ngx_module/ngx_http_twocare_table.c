
/*
 * Where the windows of a key are: sets of fifteen slots, found by the key's
 * high bits, and one overflow that keys share which found no free slot.
 *
 * Only giving a slot to a new key takes the zone's mutex (which nginx unlocks
 * when its holder dies).  The taker marks the words of the dead key TAKEN
 * first, by compare-and-swap: a worker that opens one of these windows in the
 * same moment either wins, and the slot stays, or sees the mark and looks its
 * key up again.  Windows of living keys are never given away.
 *
 * Where limits are strict (`closed`), a key that gets a slot while the
 * overflow is open begins with what that has counted: it may have counted
 * there itself, and nobody could tell how much.
 */


#include "ngx_http_twocare.h"


/* an overflow is complained of once a minute by each worker */

#define NGX_HTTP_TWOCARE_WARN_EVERY   60

/* about so many sets are looked at to estimate how full a table is */

#define NGX_HTTP_TWOCARE_SETS_SEEN    2048


static void ngx_http_twocare_table_begin(ngx_http_twocare_set_t *set,
    ngx_http_twocare_windows_t *windows, ngx_uint_t closed);
static void ngx_http_twocare_table_warn(ngx_http_twocare_zone_t *zone,
    ngx_uint_t which);
static ngx_uint_t ngx_http_twocare_table_free(
    ngx_http_twocare_windows_t *windows);


ngx_http_twocare_set_t *
ngx_http_twocare_table_set(ngx_http_twocare_table_t *table, uint64_t key)
{
    return &table->sets[((unsigned __int128) key * table->nsets) >> 64];
}


ngx_http_twocare_windows_t *
ngx_http_twocare_table_find(ngx_http_twocare_set_t *set, uint64_t key)
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


ngx_http_twocare_windows_t *
ngx_http_twocare_table_place(ngx_http_twocare_zone_t *zone,
    ngx_http_twocare_table_t *table, ngx_http_twocare_set_t *set,
    uint64_t key, ngx_uint_t closed)
{
    ngx_uint_t                   i, which;
    ngx_http_twocare_counts_t   *counts;
    ngx_http_twocare_windows_t  *windows;

    which = (table == &zone->sh->addresses);
    counts = &ngx_http_twocare_counters(zone)->limits;
    windows = NULL;

    ngx_shmtx_lock(&zone->shpool->mutex);

    for (i = 0; i < NGX_HTTP_TWOCARE_WAYS; i++) {
        if (set->key[i] == key) {
            windows = &set->windows[i];
            break;
        }
    }

    for (i = 0; windows == NULL && i < NGX_HTTP_TWOCARE_WAYS; i++) {
        if (ngx_http_twocare_table_free(&set->windows[i])) {
            windows = &set->windows[i];

            if (set->key[i] == 0) {
                ngx_http_twocare_counter_add(&counts->slots[which], 1);
            }

            /* before the overflow is read: see _limit_take */

            __atomic_store_n(&set->key[i], key, __ATOMIC_SEQ_CST);
            __atomic_store_n(&set->refunds[i], 0, __ATOMIC_RELAXED);
        }
    }

    if (windows != NULL) {
        ngx_http_twocare_table_begin(set, windows, closed);
    }

    ngx_shmtx_unlock(&zone->shpool->mutex);

    if (windows != NULL) {
        return windows;
    }

    ngx_http_twocare_counter_add(&counts->overflows[which], 1);
    ngx_http_twocare_table_warn(zone, which);

    return &set->windows[NGX_HTTP_TWOCARE_WAYS];
}


/*
 * Under the mutex: replace marks by a beginning.  They are ours, or of a
 * worker that was killed holding the mutex: nobody else marks now.
 */

static void
ngx_http_twocare_table_begin(ngx_http_twocare_set_t *set,
    ngx_http_twocare_windows_t *windows, ngx_uint_t closed)
{
    uint64_t                     now, minute, hour;
    ngx_http_twocare_windows_t  *shared;

    minute = 0;
    hour = 0;

    if (closed) {
        shared = &set->windows[NGX_HTTP_TWOCARE_WAYS];
        now = ngx_http_twocare_window_now();

        minute = __atomic_load_n(&shared->minute, __ATOMIC_SEQ_CST);
        hour = __atomic_load_n(&shared->hour, __ATOMIC_SEQ_CST);

        if (!ngx_http_twocare_window_open(minute, NGX_HTTP_TWOCARE_MINUTE,
                                          now))
        {
            minute = 0;
        }

        if (!ngx_http_twocare_window_open(hour, NGX_HTTP_TWOCARE_HOUR, now)) {
            hour = 0;
        }
    }

    if (windows->minute == NGX_HTTP_TWOCARE_TAKEN) {
        __atomic_store_n(&windows->minute, minute, __ATOMIC_RELEASE);
    }

    if (windows->hour == NGX_HTTP_TWOCARE_TAKEN) {
        __atomic_store_n(&windows->hour, hour, __ATOMIC_RELEASE);
    }
}


static void
ngx_http_twocare_table_warn(ngx_http_twocare_zone_t *zone, ngx_uint_t which)
{
    if (ngx_time() - zone->warned < NGX_HTTP_TWOCARE_WARN_EVERY) {
        return;
    }

    zone->warned = ngx_time();

    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                  "twocare_zone \"%V\" is too small for its %s: some share "
                  "windows",
                  &zone->shm_zone->shm.name,
                  (which == NGX_HTTP_TWOCARE_CLIENTS) ? "clients"
                                                      : "addresses");
}


/* under the mutex: make the slot ours unless one of its windows lives */

static ngx_uint_t
ngx_http_twocare_table_free(ngx_http_twocare_windows_t *windows)
{
    uint64_t  minute, hour, now;

    now = ngx_http_twocare_window_now();

    minute = __atomic_load_n(&windows->minute, __ATOMIC_ACQUIRE);
    hour = __atomic_load_n(&windows->hour, __ATOMIC_ACQUIRE);

    if (minute != NGX_HTTP_TWOCARE_TAKEN) {

        if (ngx_http_twocare_window_open(minute, NGX_HTTP_TWOCARE_MINUTE, now)
            || !__atomic_compare_exchange_n(&windows->minute, &minute,
                                            NGX_HTTP_TWOCARE_TAKEN, 0,
                                            __ATOMIC_ACQ_REL,
                                            __ATOMIC_ACQUIRE))
        {
            return 0;
        }
    }

    if (hour != NGX_HTTP_TWOCARE_TAKEN) {

        if (ngx_http_twocare_window_open(hour, NGX_HTTP_TWOCARE_HOUR, now)
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


/*
 * The slot may have gone to another key between finding it and counting; a
 * key that counts in the overflow may have got a slot.
 */

ngx_uint_t
ngx_http_twocare_table_holds(ngx_http_twocare_set_t *set,
    ngx_http_twocare_windows_t *windows, uint64_t key)
{
    ngx_uint_t  i;

    if (!ngx_http_twocare_table_shared(set, windows)) {
        i = windows - set->windows;
        return __atomic_load_n(&set->key[i], __ATOMIC_ACQUIRE) == key;
    }

    for (i = 0; i < NGX_HTTP_TWOCARE_WAYS; i++) {
        if (__atomic_load_n(&set->key[i], __ATOMIC_SEQ_CST) == key) {
            return 0;
        }
    }

    return 1;
}


/* by some thousand sets, which are filled as evenly as hashes are */

uint64_t
ngx_http_twocare_table_live(ngx_http_twocare_table_t *table, uint64_t *slots)
{
    uint64_t                     now, i, step, live, seen;
    ngx_uint_t                   n;
    ngx_http_twocare_windows_t  *windows;

    now = ngx_http_twocare_window_now();
    step = table->nsets / NGX_HTTP_TWOCARE_SETS_SEEN + 1;
    live = 0;
    seen = 0;

    for (i = 0; i < table->nsets; i += step) {
        seen++;

        for (n = 0; n < NGX_HTTP_TWOCARE_WAYS; n++) {
            windows = &table->sets[i].windows[n];

            if (ngx_http_twocare_window_open(windows->minute,
                                             NGX_HTTP_TWOCARE_MINUTE, now)
                || ngx_http_twocare_window_open(windows->hour,
                                                NGX_HTTP_TWOCARE_HOUR, now))
            {
                live++;
            }
        }
    }

    *slots = table->nsets * NGX_HTTP_TWOCARE_WAYS;

    return seen == 0 ? 0 : live * table->nsets / seen;
}
