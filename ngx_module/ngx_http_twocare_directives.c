
/*
 * Reads the arguments of directives, with their bounds: a wrong value fails
 * the test of the configuration, with file and line, and never a request.
 */


#include "ngx_http_twocare.h"


#define NGX_HTTP_TWOCARE_ZONE_MIN  (1024 * 1024)


static char *ngx_http_twocare_seconds(ngx_conf_t *cf, time_t seconds,
    time_t low, time_t high);


/* twocare_zone name:size */

char *
ngx_http_twocare_set_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_twocare_loc_conf_t  *lcf = conf;

    u_char                         *p;
    ssize_t                         size;
    ngx_str_t                      *value, name, s;
    ngx_shm_zone_t                 *shm_zone;
    ngx_http_twocare_zone_t        *zone, **zonep;
    ngx_http_twocare_main_conf_t   *tmcf;

    if (lcf->zone != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;
    name = value[1];

    p = (u_char *) ngx_strchr(name.data, ':');
    if (p == NULL || p == name.data) {
        return "must be \"name:size\"";
    }

    s.data = p + 1;
    s.len = name.data + name.len - s.data;
    name.len = p - name.data;

    size = ngx_parse_size(&s);

    if (size == NGX_ERROR || size < NGX_HTTP_TWOCARE_ZONE_MIN) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "zone \"%V\" must have a size of at least 1m",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    shm_zone = ngx_shared_memory_add(cf, &name, size,
                                     &ngx_http_twocare_module);
    if (shm_zone == NULL) {
        return NGX_CONF_ERROR;
    }

    if (shm_zone->data != NULL) {
        lcf->zone = shm_zone->data;
        return NGX_CONF_OK;
    }

    tmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_twocare_module);

    zone = ngx_pcalloc(cf->pool, sizeof(ngx_http_twocare_zone_t));
    zonep = ngx_array_push(&tmcf->zones);

    if (zone == NULL || zonep == NULL) {
        return NGX_CONF_ERROR;
    }

    *zonep = zone;
    zone->shm_zone = shm_zone;
    shm_zone->data = zone;
    shm_zone->init = ngx_http_twocare_zone_init;

    lcf->zone = zone;

    return NGX_CONF_OK;
}


/* twocare_state directory */

char *
ngx_http_twocare_set_state(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_twocare_loc_conf_t  *lcf = conf;

    ngx_str_t                      *value, dir;
    ngx_uint_t                      i;
    ngx_http_twocare_state_t       *state, **statep;
    ngx_http_twocare_main_conf_t   *tmcf;

    if (lcf->state != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;
    dir = value[1];

    if (dir.len > 1 && dir.data[dir.len - 1] == '/') {
        dir.data[--dir.len] = '\0';
    }

    if (dir.len == 0 || ngx_conf_full_name(cf->cycle, &dir, 1) != NGX_OK) {
        return "must be a directory";
    }

    tmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_twocare_module);
    statep = tmcf->states.elts;

    for (i = 0; i < tmcf->states.nelts; i++) {
        if (statep[i]->dir.len == dir.len
            && ngx_memcmp(statep[i]->dir.data, dir.data, dir.len) == 0)
        {
            lcf->state = statep[i];
            return NGX_CONF_OK;
        }
    }

    state = ngx_pcalloc(cf->pool, sizeof(ngx_http_twocare_state_t));
    statep = ngx_array_push(&tmcf->states);

    if (state == NULL || statep == NULL) {
        return NGX_CONF_ERROR;
    }

    *statep = state;
    state->dir = dir;

    struct {
        ngx_str_t   *path;
        const char  *name;
    } files[] = {
        { &state->jwks.path, "jwks.json" },
        { &state->clients_map, "clients.map" },
        { &state->revoked_map, "revoked.map" },
        { &state->alive, "alive" },
    };

    for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        files[i].path->len = dir.len + 1 + ngx_strlen(files[i].name);
        files[i].path->data = ngx_pnalloc(cf->pool, files[i].path->len + 1);

        if (files[i].path->data == NULL) {
            return NGX_CONF_ERROR;
        }

        ngx_sprintf(files[i].path->data, "%V/%s%Z", &dir, files[i].name);
    }

    lcf->state = state;

    return NGX_CONF_OK;
}


char *
ngx_http_twocare_set_error(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->handler = ngx_http_twocare_error_handler;

    return NGX_CONF_OK;
}


/* a leeway above five minutes is a mistake. RFC 7519 4.1.4 */

char *
ngx_http_twocare_check_leeway(ngx_conf_t *cf, void *post, void *data)
{
    return ngx_http_twocare_seconds(cf, *(time_t *) data, 0, 300);
}


/* jobs touches the state every second */

char *
ngx_http_twocare_check_age(ngx_conf_t *cf, void *post, void *data)
{
    return ngx_http_twocare_seconds(cf, *(time_t *) data, 2, 86400);
}


static char *
ngx_http_twocare_seconds(ngx_conf_t *cf, time_t seconds, time_t low,
    time_t high)
{
    if (seconds < low || seconds > high) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "value must be between %T and %T seconds",
                           low, high);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}
