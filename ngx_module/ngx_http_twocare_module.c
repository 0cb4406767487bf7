
/*
 * The table of directives, how they are inherited, and where the module hooks
 * into nginx.  README.md beside this file explains them to administrators.
 */


#include "ngx_http_twocare.h"
#include "ngx_http_twocare_status.h"


#define NGX_HTTP_TWOCARE_REFRESH_MS  200


static void *ngx_http_twocare_create_main_conf(ngx_conf_t *cf);
static void *ngx_http_twocare_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_twocare_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);
static ngx_int_t ngx_http_twocare_preconfiguration(ngx_conf_t *cf);
static ngx_int_t ngx_http_twocare_postconfiguration(ngx_conf_t *cf);
static ngx_int_t ngx_http_twocare_init_process(ngx_cycle_t *cycle);
static void ngx_http_twocare_exit_process(ngx_cycle_t *cycle);
static void ngx_http_twocare_exit_master(ngx_cycle_t *cycle);
static void ngx_http_twocare_tick(ngx_event_t *ev);
static void ngx_http_twocare_tick_keyfiles(ngx_event_t *ev);


static ngx_conf_enum_t  ngx_http_twocare_answers[] = {
    { ngx_string("off"), NGX_HTTP_TWOCARE_ANSWERS_OFF },
    { ngx_string("json"), NGX_HTTP_TWOCARE_ANSWERS_JSON },
    { ngx_string("fhir"), NGX_HTTP_TWOCARE_ANSWERS_FHIR },
    { ngx_string("oauth"), NGX_HTTP_TWOCARE_ANSWERS_OAUTH },
    { ngx_null_string, 0 }
};

static ngx_conf_enum_t  ngx_http_twocare_auths[] = {
    { ngx_string("off"), NGX_HTTP_TWOCARE_AUTH_OFF },
    { ngx_string("on"), NGX_HTTP_TWOCARE_AUTH_ON },
    { ngx_string("optional"), NGX_HTTP_TWOCARE_AUTH_OPTIONAL },
    { ngx_null_string, 0 }
};

static ngx_conf_enum_t  ngx_http_twocare_overflows[] = {
    { ngx_string("closed"), NGX_HTTP_TWOCARE_OVERFLOW_CLOSED },
    { ngx_string("open"), NGX_HTTP_TWOCARE_OVERFLOW_OPEN },
    { ngx_null_string, 0 }
};

static ngx_conf_post_t  ngx_http_twocare_leeway = {
    ngx_http_twocare_check_leeway
};

static ngx_conf_post_t  ngx_http_twocare_age = {
    ngx_http_twocare_check_age
};


#define NGX_HTTP_TWOCARE_ANYWHERE                                             \
    (NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF)

static ngx_command_t  ngx_http_twocare_commands[] = {

    { ngx_string("twocare_zone"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_CONF_TAKE1,
      ngx_http_twocare_set_zone,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("twocare_state"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_CONF_TAKE1,
      ngx_http_twocare_set_state,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("twocare_issuer"),
      NGX_HTTP_TWOCARE_ANYWHERE|NGX_CONF_1MORE,
      ngx_http_twocare_set_issuer,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("twocare_audience"),
      NGX_HTTP_TWOCARE_ANYWHERE|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_twocare_loc_conf_t, audience),
      NULL },

    { ngx_string("twocare_leeway"),
      NGX_HTTP_TWOCARE_ANYWHERE|NGX_CONF_TAKE1,
      ngx_conf_set_sec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_twocare_loc_conf_t, leeway),
      &ngx_http_twocare_leeway },

    { ngx_string("twocare_auth"),
      NGX_HTTP_TWOCARE_ANYWHERE|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_twocare_loc_conf_t, auth),
      ngx_http_twocare_auths },

    { ngx_string("twocare_scope"),
      NGX_HTTP_TWOCARE_ANYWHERE|NGX_CONF_1MORE,
      ngx_http_twocare_set_scope,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("twocare_claim"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_2MORE,
      ngx_http_twocare_set_claim,
      0,
      0,
      NULL },

    { ngx_string("twocare_header"),
      NGX_HTTP_TWOCARE_ANYWHERE|NGX_CONF_TAKE2,
      ngx_http_twocare_set_header,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("twocare_limit"),
      NGX_HTTP_TWOCARE_ANYWHERE|NGX_CONF_TAKE1,
      ngx_http_twocare_set_limit,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("twocare_limit_address"),
      NGX_HTTP_TWOCARE_ANYWHERE|NGX_CONF_TAKE2,
      ngx_http_twocare_set_quota,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_twocare_loc_conf_t, address),
      NULL },

    { ngx_string("twocare_limit_standard"),
      NGX_HTTP_TWOCARE_ANYWHERE|NGX_CONF_TAKE2,
      ngx_http_twocare_set_quota,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_twocare_loc_conf_t, standard),
      NULL },

    { ngx_string("twocare_limit_group"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE123,
      ngx_http_twocare_set_group,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("twocare_limit_dry_run"),
      NGX_HTTP_TWOCARE_ANYWHERE|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_twocare_loc_conf_t, limits.dry_run),
      NULL },

    { ngx_string("twocare_limit_fields"),
      NGX_HTTP_TWOCARE_ANYWHERE|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_twocare_loc_conf_t, limits.fields),
      NULL },

    { ngx_string("twocare_limit_overflow"),
      NGX_HTTP_TWOCARE_ANYWHERE|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_twocare_loc_conf_t, limits.overflow),
      ngx_http_twocare_overflows },

    { ngx_string("twocare_limit_not_modified"),
      NGX_HTTP_TWOCARE_ANYWHERE|NGX_CONF_TAKE1,
      ngx_http_twocare_set_refund,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("twocare_limit_failures"),
      NGX_HTTP_TWOCARE_ANYWHERE|NGX_CONF_TAKE1,
      ngx_http_twocare_set_failures,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("twocare_state_max_age"),
      NGX_HTTP_TWOCARE_ANYWHERE|NGX_CONF_TAKE1,
      ngx_conf_set_sec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_twocare_loc_conf_t, state_max_age),
      &ngx_http_twocare_age },

    { ngx_string("twocare_answers"),
      NGX_HTTP_TWOCARE_ANYWHERE|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_twocare_loc_conf_t, answers),
      ngx_http_twocare_answers },

    { ngx_string("twocare_error"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_http_twocare_set_error,
      0,
      0,
      NULL },

    { ngx_string("twocare_status"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS|NGX_CONF_TAKE1,
      ngx_http_twocare_set_status,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_twocare_module_ctx = {
    ngx_http_twocare_preconfiguration,     /* preconfiguration */
    ngx_http_twocare_postconfiguration,    /* postconfiguration */

    ngx_http_twocare_create_main_conf,     /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_twocare_create_loc_conf,      /* create location configuration */
    ngx_http_twocare_merge_loc_conf        /* merge location configuration */
};


ngx_module_t  ngx_http_twocare_module = {
    NGX_MODULE_V1,
    &ngx_http_twocare_module_ctx,          /* module context */
    ngx_http_twocare_commands,             /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    ngx_http_twocare_init_process,         /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_http_twocare_exit_process,         /* exit process */
    ngx_http_twocare_exit_master,          /* exit master */
    NGX_MODULE_V1_PADDING
};


static void *
ngx_http_twocare_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_twocare_main_conf_t  *tmcf;

    tmcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_twocare_main_conf_t));
    if (tmcf == NULL) {
        return NULL;
    }

    if (ngx_array_init(&tmcf->states, cf->pool, 2,
                       sizeof(ngx_http_twocare_state_t *))
            != NGX_OK
        || ngx_array_init(&tmcf->zones, cf->pool, 2,
                          sizeof(ngx_http_twocare_zone_t *))
            != NGX_OK
        || ngx_array_init(&tmcf->groups, cf->pool, 4,
                          sizeof(ngx_http_twocare_group_t *))
            != NGX_OK
        || ngx_array_init(&tmcf->keyfiles, cf->pool, 2,
                          sizeof(ngx_http_twocare_keyfile_t *))
            != NGX_OK)
    {
        return NULL;
    }

    return tmcf;
}


static void *
ngx_http_twocare_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_twocare_loc_conf_t  *conf;

    conf = ngx_pcalloc(cf->pool, sizeof(ngx_http_twocare_loc_conf_t));
    if (conf == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     conf->audience = { 0, NULL };
     */

    conf->answers = NGX_CONF_UNSET_UINT;
    conf->auth = NGX_CONF_UNSET_UINT;
    conf->limit = NGX_CONF_UNSET;
    conf->zone = NGX_CONF_UNSET_PTR;
    conf->state = NGX_CONF_UNSET_PTR;
    conf->issuers = NGX_CONF_UNSET_PTR;
    conf->scopes = NGX_CONF_UNSET_PTR;
    conf->headers = NULL;
    conf->address.hour = NGX_CONF_UNSET_UINT;
    conf->address.minute = NGX_CONF_UNSET_UINT;
    conf->standard.hour = NGX_CONF_UNSET_UINT;
    conf->standard.minute = NGX_CONF_UNSET_UINT;
    conf->leeway = NGX_CONF_UNSET;
    conf->state_max_age = NGX_CONF_UNSET;

    ngx_http_twocare_limits_create(&conf->limits);

    return conf;
}


static char *
ngx_http_twocare_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_twocare_loc_conf_t  *prev = parent;
    ngx_http_twocare_loc_conf_t  *conf = child;

    ngx_conf_merge_uint_value(conf->answers, prev->answers,
                              NGX_HTTP_TWOCARE_ANSWERS_OFF);
    ngx_conf_merge_uint_value(conf->auth, prev->auth,
                              NGX_HTTP_TWOCARE_AUTH_OFF);
    ngx_conf_merge_value(conf->limit, prev->limit, 0);
    ngx_conf_merge_ptr_value(conf->zone, prev->zone, NULL);
    ngx_conf_merge_ptr_value(conf->state, prev->state, NULL);
    ngx_conf_merge_ptr_value(conf->scopes, prev->scopes, NULL);
    ngx_conf_merge_ptr_value(conf->issuers, prev->issuers, NULL);
    ngx_conf_merge_str_value(conf->audience, prev->audience, "");
    ngx_conf_merge_uint_value(conf->address.hour, prev->address.hour, 600);
    ngx_conf_merge_uint_value(conf->address.minute, prev->address.minute, 60);
    ngx_conf_merge_uint_value(conf->standard.hour, prev->standard.hour, 1000);
    ngx_conf_merge_uint_value(conf->standard.minute, prev->standard.minute,
                              100);
    ngx_conf_merge_sec_value(conf->leeway, prev->leeway, 5);
    ngx_conf_merge_sec_value(conf->state_max_age, prev->state_max_age, 60);
    ngx_http_twocare_limits_merge(&prev->limits, &conf->limits);

    if (ngx_http_twocare_headers_merge(cf, prev, conf) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (conf->limit && conf->zone == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"twocare_limit\" needs \"twocare_zone\"");
        return NGX_CONF_ERROR;
    }

    if (conf->auth != NGX_HTTP_TWOCARE_AUTH_OFF) {
        return ngx_http_twocare_issuers_check(cf, conf);
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_twocare_preconfiguration(ngx_conf_t *cf)
{
    if (!hash_init()) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "OpenSSL has no SHA-256");
        return NGX_ERROR;
    }

    return ngx_http_twocare_variables_add(cf);
}


static ngx_int_t
ngx_http_twocare_postconfiguration(ngx_conf_t *cf)
{
    ngx_http_handler_pt           *h;
    ngx_http_core_main_conf_t     *cmcf;
    ngx_http_twocare_main_conf_t  *tmcf;

    tmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_twocare_module);
    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_POST_READ_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_twocare_post_read_handler;

    if (ngx_http_twocare_counters_init(cf) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_twocare_headers_init();

    if (ngx_http_twocare_groups_check(cf) != NGX_OK) {
        return NGX_ERROR;
    }

    if (tmcf->sets_headers) {
        h = ngx_array_push(&cmcf->phases[NGX_HTTP_PREACCESS_PHASE].handlers);
        if (h == NULL) {
            return NGX_ERROR;
        }

        *h = ngx_http_twocare_preaccess_handler;
    }

    if (tmcf->zones.nelts == 0) {
        return NGX_OK;
    }

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_ACCESS_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_twocare_access_handler;

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_LOG_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_twocare_log_handler;

    return NGX_OK;
}


/* a worker looks at its state before its first request, then by timer */

static ngx_int_t
ngx_http_twocare_init_process(ngx_cycle_t *cycle)
{
    ngx_uint_t                      i;
    ngx_event_t                    *ev;
    ngx_http_twocare_state_t      **state;
    ngx_http_twocare_main_conf_t   *tmcf;

    if (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE)
    {
        return NGX_OK;
    }

    tmcf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_twocare_module);
    if (tmcf == NULL) {
        return NGX_OK;
    }

    state = tmcf->states.elts;

    for (i = 0; i < tmcf->states.nelts; i++) {
        ev = &state[i]->timer;

        ev->handler = ngx_http_twocare_tick;
        ev->data = state[i];
        ev->log = cycle->log;
        ev->cancelable = 1;

        ngx_http_twocare_tick(ev);
    }

    if (tmcf->keyfiles.nelts != 0) {
        ev = &tmcf->timer;

        ev->handler = ngx_http_twocare_tick_keyfiles;
        ev->data = &tmcf->keyfiles;
        ev->log = cycle->log;
        ev->cancelable = 1;

        ngx_http_twocare_tick_keyfiles(ev);
    }

    return NGX_OK;
}


/*
 * The process ends, and the kernel would take all of it.  But what is known to
 * this module alone would look lost to a sanitizer once nginx has unloaded the
 * module, and hide what really is.
 */

static void
ngx_http_twocare_exit_process(ngx_cycle_t *cycle)
{
    ngx_uint_t                      i;
    ngx_http_twocare_state_t      **state;
    ngx_http_twocare_main_conf_t   *tmcf;

    tmcf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_twocare_module);

    if (tmcf != NULL) {
        state = tmcf->states.elts;

        for (i = 0; i < tmcf->states.nelts; i++) {
            ngx_http_twocare_state_close(state[i]);
        }
    }

    ngx_http_twocare_memo_forget();
    hash_end();
}


static void
ngx_http_twocare_exit_master(ngx_cycle_t *cycle)
{
    hash_end();
}


static void
ngx_http_twocare_tick(ngx_event_t *ev)
{
    ngx_http_twocare_state_refresh(ev->data, ev->log);

    ngx_add_timer(ev, NGX_HTTP_TWOCARE_REFRESH_MS);
}


static void
ngx_http_twocare_tick_keyfiles(ngx_event_t *ev)
{
    ngx_uint_t                    i;
    ngx_array_t                  *keyfiles;
    ngx_http_twocare_keyfile_t  **file;

    keyfiles = ev->data;
    file = keyfiles->elts;

    for (i = 0; i < keyfiles->nelts; i++) {
        ngx_http_twocare_keyfile_refresh(file[i], ev->log);
    }

    ngx_add_timer(ev, NGX_HTTP_TWOCARE_REFRESH_MS);
}
