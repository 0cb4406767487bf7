
/*
 * Where the windows of a key are: sets of fifteen slots, found by the key's
 * high bits, and one overflow that keys share which found no free slot.
 *
 * Only giving a slot to a new key takes the zone's mutex (which nginx unlocks
 * when its holder dies).  The taker marks the words of the dead key TAKEN
 * first, by compare-and-swap: a worker that opens one of these windows in the
 * same moment either wins, and the slot stays, or sees the mark and looks its
 * key up again.  Windows of living keys are never given away.
 */


#include "ngx_http_twocare.h"


/* an overflow is complained of once a minute by each worker */

#define NGX_HTTP_TWOCARE_WARN_EVERY   60


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
        if (ngx_http_twocare_table_free(&set->windows[i])) {
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


/* the slot may have gone to another key between finding it and counting */

ngx_uint_t
ngx_http_twocare_table_same(ngx_http_twocare_set_t *set,
    ngx_http_twocare_windows_t *windows, uint64_t key)
{
    ngx_uint_t  i;

    i = windows - set->windows;

    return i == NGX_HTTP_TWOCARE_WAYS
           || __atomic_load_n(&set->key[i], __ATOMIC_ACQUIRE) == key;
}
