
/*
 * Remembers which tokens had a good signature: by their SHA-256, for one
 * generation of keys, until they expire.  That is all it says: claims, scope
 * and revocation are looked at again on every request.
 *
 * Set-associative: a digest may lie in one of eight neighbouring entries.
 */


#include "ngx_http_twocare.h"


#define NGX_HTTP_TWOCARE_NEIGHBOURS  8
#define NGX_HTTP_TWOCARE_DIGEST_WORDS  (SHA256_BYTES / 8)

/* about so many entries are looked at to estimate how full it is */

#define NGX_HTTP_TWOCARE_ENTRIES_SEEN  4096


static ngx_http_twocare_entry_t *ngx_http_twocare_cache_set(
    ngx_http_twocare_zone_t *zone, const uint64_t *digest);
static ngx_uint_t ngx_http_twocare_cache_read(ngx_http_twocare_entry_t *entry,
    ngx_http_twocare_entry_t *copy);
static void ngx_http_twocare_cache_write(ngx_http_twocare_entry_t *entry,
    const uint64_t *digest, uint64_t generation, uint64_t exp);


ngx_uint_t
ngx_http_twocare_cache_has(ngx_http_twocare_zone_t *zone,
    const u_char digest[SHA256_BYTES], uint64_t generation)
{
    uint64_t                   words[NGX_HTTP_TWOCARE_DIGEST_WORDS];
    ngx_uint_t                 i;
    ngx_http_twocare_entry_t  *set, copy;

    ngx_memcpy(words, digest, SHA256_BYTES);
    set = ngx_http_twocare_cache_set(zone, words);

    for (i = 0; i < NGX_HTTP_TWOCARE_NEIGHBOURS; i++) {

        if (__atomic_load_n(&set[i].digest[0], __ATOMIC_RELAXED) != words[0]
            || !ngx_http_twocare_cache_read(&set[i], &copy))
        {
            continue;
        }

        if (ngx_memcmp(copy.digest, words, SHA256_BYTES) == 0) {
            return copy.generation == generation
                   && copy.exp > (uint64_t) ngx_time();
        }
    }

    return 0;
}


void
ngx_http_twocare_cache_add(ngx_http_twocare_zone_t *zone,
    const u_char digest[SHA256_BYTES], uint64_t generation, time_t exp)
{
    uint64_t                   words[NGX_HTTP_TWOCARE_DIGEST_WORDS];
    ngx_uint_t                 i, known, evicts;
    ngx_http_twocare_entry_t  *set, *victim;

    if (exp <= ngx_time()) {
        return;
    }

    ngx_memcpy(words, digest, SHA256_BYTES);
    set = ngx_http_twocare_cache_set(zone, words);

    ngx_shmtx_lock(&zone->shpool->mutex);

    victim = &set[0];
    known = 0;

    for (i = 0; i < NGX_HTTP_TWOCARE_NEIGHBOURS; i++) {

        if (ngx_memcmp(set[i].digest, words, SHA256_BYTES) == 0) {
            victim = &set[i];
            known = 1;
            break;
        }

        /* the one that expires first; empty and half-written ones are 0 */

        if ((set[i].seq & 1) || set[i].exp < victim->exp) {
            victim = &set[i];
        }
    }

    evicts = !known && !(victim->seq & 1)
             && victim->exp > (uint64_t) ngx_time();

    ngx_http_twocare_cache_write(victim, words, generation, (uint64_t) exp);

    ngx_shmtx_unlock(&zone->shpool->mutex);

    if (evicts) {
        ngx_http_twocare_counter_add(
                        &ngx_http_twocare_counters(zone)->cache_evictions, 1);
    }
}


uint64_t
ngx_http_twocare_cache_live(ngx_http_twocare_zone_t *zone)
{
    uint64_t  i, step, live, seen;

    step = zone->sh->nentries / NGX_HTTP_TWOCARE_ENTRIES_SEEN + 1;
    live = 0;
    seen = 0;

    for (i = 0; i < zone->sh->nentries; i += step) {
        seen++;

        if (__atomic_load_n(&zone->sh->entries[i].exp, __ATOMIC_RELAXED)
            > (uint64_t) ngx_time())
        {
            live++;
        }
    }

    return seen == 0 ? 0 : live * zone->sh->nentries / seen;
}


static ngx_http_twocare_entry_t *
ngx_http_twocare_cache_set(ngx_http_twocare_zone_t *zone,
    const uint64_t *digest)
{
    uint64_t  nsets, n;

    nsets = zone->sh->nentries / NGX_HTTP_TWOCARE_NEIGHBOURS;
    n = ((unsigned __int128) digest[1] * nsets) >> 64;

    return &zone->sh->entries[n * NGX_HTTP_TWOCARE_NEIGHBOURS];
}


static ngx_uint_t
ngx_http_twocare_cache_read(ngx_http_twocare_entry_t *entry,
    ngx_http_twocare_entry_t *copy)
{
    uint64_t    seq;
    ngx_uint_t  i;

    seq = __atomic_load_n(&entry->seq, __ATOMIC_ACQUIRE);
    if (seq & 1) {
        return 0;
    }

    for (i = 0; i < NGX_HTTP_TWOCARE_DIGEST_WORDS; i++) {
        copy->digest[i] = __atomic_load_n(&entry->digest[i],
                                          __ATOMIC_RELAXED);
    }

    copy->exp = __atomic_load_n(&entry->exp, __ATOMIC_RELAXED);
    copy->generation = __atomic_load_n(&entry->generation, __ATOMIC_RELAXED);

    __atomic_thread_fence(__ATOMIC_ACQUIRE);

    return __atomic_load_n(&entry->seq, __ATOMIC_RELAXED) == seq;
}


/* under the mutex; an odd seq was left by a writer that was killed */

static void
ngx_http_twocare_cache_write(ngx_http_twocare_entry_t *entry,
    const uint64_t *digest, uint64_t generation, uint64_t exp)
{
    uint64_t    seq;
    ngx_uint_t  i;

    seq = entry->seq | 1;

    __atomic_store_n(&entry->seq, seq, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);

    for (i = 0; i < NGX_HTTP_TWOCARE_DIGEST_WORDS; i++) {
        __atomic_store_n(&entry->digest[i], digest[i], __ATOMIC_RELAXED);
    }

    __atomic_store_n(&entry->exp, exp, __ATOMIC_RELAXED);
    __atomic_store_n(&entry->generation, generation, __ATOMIC_RELAXED);

    __atomic_store_n(&entry->seq, seq + 1, __ATOMIC_RELEASE);
}
