
/*
 * Takes requests from the windows of their client or address, and gives them
 * back.  The minute is taken, then the hour; if the hour refuses, the minute
 * is given back, so that a refused request is counted by neither.
 */


#include "ngx_http_twocare.h"


/* a step of the wall clock, not the jitter of reading two clocks */

#define NGX_HTTP_TWOCARE_STEP_MS      500


static void ngx_http_twocare_limit_show(ngx_http_twocare_zone_t *zone,
    ngx_http_twocare_taken_t *taken, ngx_uint_t limit,
    ngx_http_twocare_reading_t *reading);


void
ngx_http_twocare_limit_request(ngx_http_request_t *r,
    ngx_http_twocare_loc_conf_t *lcf, ngx_http_twocare_ctx_t *ctx)
{
    uint64_t                    key;
    ngx_http_twocare_quota_t   *quota;
    ngx_http_twocare_table_t   *table;

    ctx->counted = 1;

    if (ctx->accepted) {
        table = &lcf->zone->sh->clients;
        key = ctx->window_key;
        quota = &ctx->quota;

    } else {
        table = &lcf->zone->sh->addresses;
        key = ngx_http_twocare_address_key(lcf->zone,
                                             r->connection->sockaddr);
        quota = &lcf->address;
    }

    (void) ngx_http_twocare_limit_take(lcf->zone, table, key, quota,
                                       &ctx->taken);
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

    set = ngx_http_twocare_table_set(table, key);

again:

    windows = ngx_http_twocare_table_find(set, key);

    if (windows == NULL) {
        windows = ngx_http_twocare_table_place(zone, set, key);
    }

    ngx_memzero(taken, sizeof(ngx_http_twocare_taken_t));

    rc = ngx_http_twocare_window_count(&windows->minute,
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

    rc = ngx_http_twocare_window_count(&windows->hour, NGX_HTTP_TWOCARE_HOUR,
                                      quota->hour, &hour);

    if (rc == NGX_OK && ngx_http_twocare_table_same(set, windows, key)) {
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

    ngx_http_twocare_window_uncount(&windows->minute,
                                   NGX_HTTP_TWOCARE_START(minute.word));

    if (rc == NGX_DECLINED) {
        taken->refused = 1;
        ngx_http_twocare_limit_show(zone, taken, quota->hour, &hour);
        return NGX_DECLINED;
    }

    if (rc == NGX_OK) {
        ngx_http_twocare_window_uncount(&windows->hour,
                                       NGX_HTTP_TWOCARE_START(hour.word));
    }

    goto again;
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


/* an exhausted client leaves the request with the address */

void
ngx_http_twocare_limit_charge(ngx_http_twocare_loc_conf_t *lcf,
    ngx_http_twocare_ctx_t *ctx, ngx_str_t *client_id)
{
    uint64_t                  key;
    ngx_http_twocare_quota_t  quota;
    ngx_http_twocare_taken_t  taken;

    if (!lcf->limit || !ctx->counted || ctx->accepted || ctx->taken.refused
        || lcf->state == NULL || !ngx_http_twocare_state_ready(lcf->state))
    {
        return;
    }

    key = ngx_http_twocare_token_windows(lcf,
                                         ngx_http_twocare_str(*client_id),
                                         &quota);

    if (ngx_http_twocare_limit_take(lcf->zone, &lcf->zone->sh->clients, key,
                                    &quota, &taken)
        == NGX_OK)
    {
        ngx_http_twocare_limit_give_back(&ctx->taken);
        ctx->taken = taken;
    }
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
           - ngx_http_twocare_window_now();

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
    close_ms = known + ngx_http_twocare_window_now() + reading->left_ms;

    taken->shown = 1;
    taken->limit = limit;
    taken->remaining = (count < limit) ? limit - count : 0;
    taken->reset = (close_ms + 999) / 1000;
    taken->retry_after = ngx_max((reading->left_ms + 999) / 1000, 1);
}
