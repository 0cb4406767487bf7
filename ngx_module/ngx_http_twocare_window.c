
/*
 * A window of a minute or an hour, as one word {start, count}.  It opens with
 * its first request and closes exactly 60 or 3600 seconds later by the
 * monotonic clock, which all workers share and which nobody can set back.  It
 * is changed by compare-and-swap alone: exact over all workers, and there is
 * no lock that a killed worker could take along.
 */


#include "ngx_http_twocare.h"


uint64_t
ngx_http_twocare_window_now(void)
{
    return (uint64_t) ngx_current_msec & NGX_HTTP_TWOCARE_START_MASK;
}


ngx_int_t
ngx_http_twocare_window_count(uint64_t *window, uint64_t length,
    ngx_uint_t limit, ngx_http_twocare_reading_t *reading)
{
    uint64_t    word, next, now, age;
    ngx_uint_t  room;

    room = ngx_min(limit, NGX_HTTP_TWOCARE_LIMIT_MAX);

    now = ngx_http_twocare_window_now();
    word = __atomic_load_n(window, __ATOMIC_ACQUIRE);

    do {
        if (word == NGX_HTTP_TWOCARE_TAKEN) {
            return NGX_AGAIN;
        }

        if (limit == 0) {
            reading->word = 0;
            reading->left_ms = length;
            return NGX_OK;
        }

        if (!ngx_http_twocare_window_open(word, length, now)) {
            next = (now << NGX_HTTP_TWOCARE_COUNT_BITS) | 1;

        } else if (NGX_HTTP_TWOCARE_COUNT(word) >= room) {
            next = word;
            break;

        } else {
            next = word + 1;
        }

    } while (!__atomic_compare_exchange_n(window, &word, next, 0,
                                          __ATOMIC_SEQ_CST,
                                          __ATOMIC_ACQUIRE));

    /* another worker's clock may be a little ahead of ours */

    age = (now - NGX_HTTP_TWOCARE_START(next)) & NGX_HTTP_TWOCARE_START_MASK;

    reading->word = next;
    reading->left_ms = (age < length) ? length - age : length;

    return (next == word) ? NGX_DECLINED : NGX_OK;
}


void
ngx_http_twocare_window_look(uint64_t *window, uint64_t length,
    ngx_http_twocare_reading_t *reading)
{
    uint64_t  word, now, age;

    now = ngx_http_twocare_window_now();
    word = __atomic_load_n(window, __ATOMIC_ACQUIRE);

    reading->word = 0;
    reading->left_ms = length;

    if (word != NGX_HTTP_TWOCARE_TAKEN
        && ngx_http_twocare_window_open(word, length, now))
    {
        age = (now - NGX_HTTP_TWOCARE_START(word))
              & NGX_HTTP_TWOCARE_START_MASK;

        reading->word = word;
        reading->left_ms = (age < length) ? length - age : length;
    }
}


void
ngx_http_twocare_window_uncount(uint64_t *window, uint64_t start)
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

ngx_uint_t
ngx_http_twocare_window_open(uint64_t word, uint64_t length, uint64_t now)
{
    uint64_t  age;

    if (NGX_HTTP_TWOCARE_COUNT(word) == 0) {
        return 0;
    }

    age = (now - NGX_HTTP_TWOCARE_START(word)) & NGX_HTTP_TWOCARE_START_MASK;

    return age < length || age > NGX_HTTP_TWOCARE_START_MASK / 2;
}
