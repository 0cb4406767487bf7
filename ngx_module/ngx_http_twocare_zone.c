
/*
 * Lays out the shared memory of a zone: half of it for the digests of good
 * tokens, a quarter each for the windows of clients and of addresses, all
 * taken once.  Afterwards nothing is allocated in it, so it can neither
 * fragment nor run out.
 *
 * nginx hands the same mapping to the workers of the next configuration, at
 * the same address, while those of the old one still use it.  Hence pointers
 * in it point into it, and a layout that another version of the module made is
 * refused rather than reinterpreted.
 */


#include "ngx_http_twocare.h"


#define NGX_HTTP_TWOCARE_MAGIC    0x656e6f7a65726163ULL
#define NGX_HTTP_TWOCARE_VERSION  3


static ngx_int_t ngx_http_twocare_zone_lay_out(ngx_http_twocare_zone_t *zone);
static u_char *ngx_http_twocare_zone_carve(u_char **p, size_t bytes);


ngx_int_t
ngx_http_twocare_zone_init(ngx_shm_zone_t *shm_zone, void *data)
{
    ngx_http_twocare_zone_t  *zone, *old;

    zone = shm_zone->data;
    old = data;

    zone->shpool = (ngx_slab_pool_t *) shm_zone->shm.addr;

    if (old == NULL && !shm_zone->shm.exists) {
        return ngx_http_twocare_zone_lay_out(zone);
    }

    zone->sh = (old != NULL) ? old->sh : zone->shpool->data;

    if (zone->sh == NULL
        || zone->sh->magic != NGX_HTTP_TWOCARE_MAGIC
        || zone->sh->version != NGX_HTTP_TWOCARE_VERSION)
    {
        ngx_log_error(NGX_LOG_EMERG, shm_zone->shm.log, 0,
                      "twocare_zone \"%V\" was laid out by another version "
                      "of the module: restart nginx instead of reloading it",
                      &shm_zone->shm.name);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_twocare_zone_lay_out(ngx_http_twocare_zone_t *zone)
{
    u_char                       *p;
    size_t                        bytes;
    unsigned char                 key[16];
    ngx_shm_zone_t               *shm_zone;
    ngx_http_twocare_shared_t    *sh;
    ngx_http_twocare_counters_t  *counters;

    shm_zone = zone->shm_zone;

    zone->shpool->log_ctx = (u_char *) "";
    zone->shpool->log_nomem = 0;

    counters = ngx_http_twocare_counters_lay_out(zone->shpool);

    /* the pages of a new mapping are zero, and stay unused until touched */

    bytes = zone->shpool->pfree * ngx_pagesize;

    p = ngx_slab_alloc(zone->shpool, bytes);
    if (p == NULL || counters == NULL) {
        ngx_log_error(NGX_LOG_EMERG, shm_zone->shm.log, 0,
                      "twocare_zone \"%V\": no memory", &shm_zone->shm.name);
        return NGX_ERROR;
    }

    sh = (ngx_http_twocare_shared_t *)
             ngx_http_twocare_zone_carve(&p, sizeof(*sh));

    bytes -= ngx_align(sizeof(*sh), NGX_CPU_CACHE_LINE)
             + 4 * NGX_CPU_CACHE_LINE;

    sh->nentries = (bytes / 2) / sizeof(ngx_http_twocare_entry_t);
    sh->entries = (ngx_http_twocare_entry_t *)
                      ngx_http_twocare_zone_carve(&p,
                            sh->nentries * sizeof(ngx_http_twocare_entry_t));

    sh->clients.nsets = (bytes / 4) / sizeof(ngx_http_twocare_set_t);
    sh->clients.sets = (ngx_http_twocare_set_t *)
                           ngx_http_twocare_zone_carve(&p,
                          sh->clients.nsets * sizeof(ngx_http_twocare_set_t));

    sh->addresses.nsets = sh->clients.nsets;
    sh->addresses.sets = (ngx_http_twocare_set_t *)
                             ngx_http_twocare_zone_carve(&p,
                        sh->addresses.nsets * sizeof(ngx_http_twocare_set_t));

    sh->counters = counters;

    random_bytes(key, sizeof(key));
    sh->key = siphash_key(key);

    sh->magic = NGX_HTTP_TWOCARE_MAGIC;
    sh->version = NGX_HTTP_TWOCARE_VERSION;

    zone->sh = sh;
    zone->shpool->data = sh;

    return NGX_OK;
}


static u_char *
ngx_http_twocare_zone_carve(u_char **p, size_t bytes)
{
    u_char  *here;

    here = ngx_align_ptr(*p, NGX_CPU_CACHE_LINE);
    *p = here + bytes;

    return here;
}
