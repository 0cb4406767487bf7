
/*
 * Keys of windows: hashes under the zone's own key, so that nobody outside can
 * choose two that meet.
 */


#include "ngx_http_twocare.h"


uint64_t
ngx_http_twocare_address_key(ngx_http_twocare_zone_t *zone,
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
ngx_http_twocare_pool_key(ngx_http_twocare_zone_t *zone, uint64_t pool)
{
    struct str  part;

    part = (struct str) { (const char *) &pool, sizeof(pool) };

    return siphash(zone->sh->key, part) | 1;
}
