
/*
 * Takes requests from the windows of their client or address, and gives them
 * back.  The minute is taken, then the hour; if the hour refuses, the minute
 * is given back, so that a refused request is counted by neither.
 */


#include "ngx_http_twocare.h"


/* a step of the wall clock, not the jitter of reading two clocks */

#define NGX_HTTP_TWOCARE_STEP_MS      500

/* the start of a window that was not asked: no window has it */

#define NGX_HTTP_TWOCARE_NEVER        (~0ULL)


static uint64_t ngx_http_twocare_limit_group(
    ngx_http_twocare_loc_conf_t *lcf, ngx_uint_t which, uint64_t key,
    ngx_http_twocare_quota_t *quota);
static ngx_int_t ngx_http_twocare_limit_both(
    ngx_http_twocare_windows_t *windows, ngx_http_twocare_quota_t *quota,
    ngx_http_twocare_reading_t *minute, ngx_http_twocare_reading_t *hour,
    ngx_http_twocare_taken_t *taken);
static uint64_t ngx_http_twocare_limit_start(ngx_uint_t limit,
    ngx_http_twocare_reading_t *reading);
static uint64_t ngx_http_twocare_limit_wall(ngx_http_twocare_zone_t *zone);
static void ngx_http_twocare_limit_show(ngx_http_twocare_shown_t *shown,
    ngx_uint_t limit, ngx_http_twocare_reading_t *reading, uint64_t now);


void
ngx_http_twocare_limit_request(ngx_http_request_t *r,
    ngx_http_twocare_loc_conf_t *lcf, ngx_http_twocare_ctx_t *ctx)
{
    uint64_t                    key;
    ngx_int_t                   rc;
    ngx_uint_t                  which;
    ngx_http_twocare_quota_t    quota;
    ngx_http_twocare_table_t   *table;
    ngx_http_twocare_counts_t  *counts;

    ctx->counted = 1;

    if (ctx->accepted) {
        which = NGX_HTTP_TWOCARE_CLIENTS;
        table = &lcf->zone->sh->clients;
        key = ctx->window_key;
        quota = ctx->quota;

    } else {
        which = NGX_HTTP_TWOCARE_ADDRESSES;
        table = &lcf->zone->sh->addresses;
        key = ngx_http_twocare_address_key(lcf->zone, r->connection->sockaddr);
        quota = lcf->address;
    }

    key = ngx_http_twocare_limit_group(lcf, which, key, &quota);

    rc = ngx_http_twocare_limit_take(lcf->zone, table, key, &quota,
                                     lcf->limits.overflow, &ctx->taken);

    /* as it is here: error_page may lead elsewhere */

    ctx->taken.group = lcf->limits.group;
    ctx->taken.named = lcf->limits.fields;

    if (rc == NGX_OK) {
        return;
    }

    counts = &ngx_http_twocare_counters(lcf->zone)->limits;

    if (lcf->limits.dry_run) {
        ctx->taken.dry_run = 1;
        ngx_http_twocare_counter_add(&counts->dry_run, 1);
        return;
    }

    ngx_http_twocare_counter_add(ctx->taken.by_minute ? &counts->minute[which]
                                                      : &counts->hour[which],
                                 1);
}


/* an exhausted client leaves the request with the address */

void
ngx_http_twocare_limit_charge(ngx_http_twocare_loc_conf_t *lcf,
    ngx_http_twocare_ctx_t *ctx, ngx_str_t *client_id)
{
    uint64_t                  key;
    ngx_http_twocare_quota_t  quota;
    ngx_http_twocare_taken_t  taken;

    if (!lcf->limit || !ctx->counted || ctx->accepted
        || (ctx->taken.refused && !ctx->taken.dry_run)
        || lcf->state == NULL || !ngx_http_twocare_state_ready(lcf->state))
    {
        return;
    }

    key = ngx_http_twocare_token_windows(lcf,
                                         ngx_http_twocare_str(*client_id),
                                         &quota);
    key = ngx_http_twocare_limit_group(lcf, NGX_HTTP_TWOCARE_CLIENTS, key,
                                       &quota);

    if (ngx_http_twocare_limit_take(lcf->zone, &lcf->zone->sh->clients, key,
                                    &quota, lcf->limits.overflow, &taken)
        == NGX_OK)
    {
        ngx_http_twocare_limit_give_back(&ctx->taken);
        ctx->taken = taken;
        ctx->taken.group = lcf->limits.group;
        ctx->taken.named = lcf->limits.fields;
    }
}


/* a group has windows of its own, and perhaps numbers */

static uint64_t
ngx_http_twocare_limit_group(ngx_http_twocare_loc_conf_t *lcf,
    ngx_uint_t which, uint64_t key, ngx_http_twocare_quota_t *quota)
{
    ngx_http_twocare_group_t  *group;

    group = lcf->limits.group;

    if (group == NULL) {
        return key;
    }

    if (group->quota[which].hour != NGX_CONF_UNSET_UINT) {
        *quota = group->quota[which];
    }

    return key ^ group->salt;
}


ngx_int_t
ngx_http_twocare_limit_take(ngx_http_twocare_zone_t *zone,
    ngx_http_twocare_table_t *table, uint64_t key,
    ngx_http_twocare_quota_t *quota, ngx_uint_t overflow,
    ngx_http_twocare_taken_t *taken)
{
    uint64_t                     now;
    ngx_int_t                    rc;
    ngx_http_twocare_set_t      *set;
    ngx_http_twocare_reading_t   minute, hour;
    ngx_http_twocare_windows_t  *windows;

    ngx_memzero(taken, sizeof(ngx_http_twocare_taken_t));

    if (quota->hour == 0 && quota->minute == 0) {
        return NGX_OK;
    }

    set = ngx_http_twocare_table_set(table, key);

    do {
        windows = ngx_http_twocare_table_find(set, key);

        if (windows == NULL) {
            windows = ngx_http_twocare_table_place(zone, table, set, key,
                              overflow == NGX_HTTP_TWOCARE_OVERFLOW_CLOSED);
        }

        rc = ngx_http_twocare_limit_both(windows, quota, &minute, &hour,
                                         taken);

        /*
         * Windows may change their key between finding and counting.  One who
         * leaves the overflow sets his key and then reads its count; one who
         * counts there looks for his key afterwards: no request is lost.
         */

        if (rc == NGX_OK && !ngx_http_twocare_table_holds(set, windows, key)) {
            ngx_http_twocare_window_uncount(&windows->minute,
                                            taken->minute_start);
            ngx_http_twocare_window_uncount(&windows->hour,
                                            taken->hour_start);
            rc = NGX_AGAIN;
        }

    } while (rc == NGX_AGAIN);

    now = ngx_http_twocare_limit_wall(zone);
    ngx_http_twocare_limit_show(&taken->minute, quota->minute, &minute, now);
    ngx_http_twocare_limit_show(&taken->hour, quota->hour, &hour, now);

    if (rc == NGX_OK) {
        taken->table = table;
        taken->key = key;
    }

    if (!ngx_http_twocare_table_shared(set, windows)) {
        taken->refused = (rc != NGX_OK);
        return rc;
    }

    taken->overflow = 1;

    if (rc != NGX_OK && overflow == NGX_HTTP_TWOCARE_OVERFLOW_OPEN) {
        ngx_http_twocare_counter_add(
                            &ngx_http_twocare_counters(zone)->limits.passed
                                       [table == &zone->sh->addresses], 1);
        return NGX_OK;
    }

    taken->refused = (rc != NGX_OK);

    return rc;
}


/* NGX_AGAIN: the slot is changing hands, and nothing was counted */

static ngx_int_t
ngx_http_twocare_limit_both(ngx_http_twocare_windows_t *windows,
    ngx_http_twocare_quota_t *quota, ngx_http_twocare_reading_t *minute,
    ngx_http_twocare_reading_t *hour, ngx_http_twocare_taken_t *taken)
{
    ngx_int_t  rc;

    taken->by_minute = 0;

    rc = ngx_http_twocare_window_count(&windows->minute,
                                       NGX_HTTP_TWOCARE_MINUTE,
                                       quota->minute, minute);
    if (rc == NGX_AGAIN) {
        return NGX_AGAIN;
    }

    if (rc == NGX_DECLINED) {
        taken->by_minute = 1;
        ngx_http_twocare_window_look(&windows->hour, NGX_HTTP_TWOCARE_HOUR,
                                     hour);
        return NGX_DECLINED;
    }

    taken->minute_start = ngx_http_twocare_limit_start(quota->minute, minute);

    rc = ngx_http_twocare_window_count(&windows->hour, NGX_HTTP_TWOCARE_HOUR,
                                       quota->hour, hour);
    if (rc == NGX_OK) {
        taken->hour_start = ngx_http_twocare_limit_start(quota->hour, hour);
        return NGX_OK;
    }

    ngx_http_twocare_window_uncount(&windows->minute, taken->minute_start);
    ngx_http_twocare_window_look(&windows->minute, NGX_HTTP_TWOCARE_MINUTE,
                                 minute);

    return rc;
}


static uint64_t
ngx_http_twocare_limit_start(ngx_uint_t limit,
    ngx_http_twocare_reading_t *reading)
{
    return (limit != 0) ? NGX_HTTP_TWOCARE_START(reading->word)
                        : NGX_HTTP_TWOCARE_NEVER;
}


void
ngx_http_twocare_limit_give_back(ngx_http_twocare_taken_t *taken)
{
    ngx_http_twocare_set_t      *set;
    ngx_http_twocare_windows_t  *windows;

    if (taken->table == NULL) {
        return;
    }

    set = ngx_http_twocare_table_set(taken->table, taken->key);

    windows = ngx_http_twocare_table_find(set, taken->key);
    if (windows == NULL) {
        windows = &set->windows[NGX_HTTP_TWOCARE_WAYS];
    }

    ngx_http_twocare_window_uncount(&windows->minute, taken->minute_start);
    ngx_http_twocare_window_uncount(&windows->hour, taken->hour_start);

    taken->table = NULL;
}


ngx_http_twocare_shown_t *
ngx_http_twocare_limit_shown(ngx_http_twocare_taken_t *taken)
{
    if (taken->refused && taken->by_minute) {
        return &taken->minute;
    }

    if (taken->hour.limit != 0) {
        return &taken->hour;
    }

    return (taken->minute.limit != 0) ? &taken->minute : NULL;
}


time_t
ngx_http_twocare_limit_retry_after(ngx_http_twocare_ctx_t *ctx)
{
    ngx_http_twocare_shown_t  *shown;

    if (ctx->refusal
        == ngx_http_twocare_refusal(NGX_HTTP_TWOCARE_FAILURES))
    {
        return ngx_max(ctx->failures_left, 1);
    }

    shown = ngx_http_twocare_limit_shown(&ctx->taken);

    return (shown != NULL) ? shown->left : 1;
}


/*
 * The wall clock, in milliseconds.  Every worker reads the two clocks at
 * slightly different moments; they agree on one distance, so that the reset of
 * a window never wavers.
 */

static uint64_t
ngx_http_twocare_limit_wall(ngx_http_twocare_zone_t *zone)
{
    uint64_t     now, wall, known;
    ngx_time_t  *tp;

    tp = ngx_timeofday();
    now = ngx_http_twocare_window_now();
    wall = (uint64_t) tp->sec * 1000 + tp->msec - now;

    known = __atomic_load_n(&zone->sh->wall_ms, __ATOMIC_RELAXED);

    if (wall - known + NGX_HTTP_TWOCARE_STEP_MS
        > 2 * NGX_HTTP_TWOCARE_STEP_MS)
    {
        __atomic_store_n(&zone->sh->wall_ms, wall, __ATOMIC_RELAXED);
        known = wall;
    }

    return known + now;
}


static void
ngx_http_twocare_limit_show(ngx_http_twocare_shown_t *shown, ngx_uint_t limit,
    ngx_http_twocare_reading_t *reading, uint64_t now)
{
    uint64_t  count;

    shown->limit = ngx_min(limit, NGX_HTTP_TWOCARE_LIMIT_MAX);

    count = NGX_HTTP_TWOCARE_COUNT(reading->word);

    shown->remaining = (count < shown->limit) ? shown->limit - count : 0;
    shown->reset = (now + reading->left_ms + 999) / 1000;
    shown->left = ngx_max((reading->left_ms + 999) / 1000, 1);
}
