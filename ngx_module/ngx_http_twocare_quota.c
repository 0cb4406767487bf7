
/*
 * The directives of limits: numbers with their bounds, groups of locations,
 * and what a location inherits.
 */


#include "ngx_http_twocare.h"


#define NGX_HTTP_TWOCARE_REFUND_MAX   10      /* percent of a limit */


static ngx_http_twocare_group_t *ngx_http_twocare_group(ngx_conf_t *cf,
    ngx_str_t *name);
static char *ngx_http_twocare_group_quota(ngx_conf_t *cf, ngx_str_t *value,
    ngx_http_twocare_group_t *group);
static ngx_int_t ngx_http_twocare_quota_number(ngx_conf_t *cf,
    ngx_str_t *value, ngx_uint_t *n);


/* twocare_limit on | off | group=name */

char *
ngx_http_twocare_set_limit(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_twocare_loc_conf_t  *lcf = conf;

    ngx_str_t  *value, name;

    if (lcf->limit != NGX_CONF_UNSET) {
        return "is duplicate";
    }

    value = cf->args->elts;

    lcf->limits.group = NULL;

    if (ngx_strcmp(value[1].data, "off") == 0) {
        lcf->limit = 0;
        return NGX_CONF_OK;
    }

    lcf->limit = 1;

    if (ngx_strcmp(value[1].data, "on") == 0) {
        return NGX_CONF_OK;
    }

    if (ngx_strncmp(value[1].data, "group=", 6) != 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid value \"%V\" in \"%V\" directive, it must "
                           "be \"on\", \"off\" or \"group=name\"",
                           &value[1], &cmd->name);
        return NGX_CONF_ERROR;
    }

    name.data = value[1].data + 6;
    name.len = value[1].len - 6;

    lcf->limits.group = ngx_http_twocare_group(cf, &name);

    return (lcf->limits.group != NULL) ? NGX_CONF_OK : NGX_CONF_ERROR;
}


/* requests per hour and per minute; 0 = no limit */

char *
ngx_http_twocare_set_quota(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char  *p = conf;

    ngx_str_t                 *value;
    ngx_http_twocare_quota_t  *quota;

    quota = (ngx_http_twocare_quota_t *) (p + cmd->offset);

    if (quota->hour != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_http_twocare_quota_number(cf, &value[1], &quota->hour) != NGX_OK
        || ngx_http_twocare_quota_number(cf, &value[2], &quota->minute)
           != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* twocare_limit_group name [client=hour/minute] [address=hour/minute] */

char *
ngx_http_twocare_set_group(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char                      *rc;
    ngx_str_t                 *value;
    ngx_uint_t                 i;
    ngx_http_twocare_group_t  *group;

    value = cf->args->elts;

    group = ngx_http_twocare_group(cf, &value[1]);
    if (group == NULL) {
        return NGX_CONF_ERROR;
    }

    if (group->defined) {
        return "is duplicate";
    }

    group->defined = 1;

    for (i = 2; i < cf->args->nelts; i++) {
        rc = ngx_http_twocare_group_quota(cf, &value[i], group);
        if (rc != NGX_CONF_OK) {
            return rc;
        }
    }

    return NGX_CONF_OK;
}


/* the group of this name, which may be defined further below */

static ngx_http_twocare_group_t *
ngx_http_twocare_group(ngx_conf_t *cf, ngx_str_t *name)
{
    u_char                          c, digest[SHA256_BYTES];
    ngx_uint_t                      i;
    ngx_http_twocare_group_t       *group, **groupp;
    ngx_http_twocare_main_conf_t   *tmcf;

    for (i = 0; i < name->len; i++) {
        c = name->data[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
              || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.'))
        {
            break;
        }
    }

    if (i < name->len || i == 0 || i > NGX_HTTP_TWOCARE_GROUP_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "a group's name must be 1 to %d letters, digits, "
                           "\"_\", \"-\" and \".\"",
                           NGX_HTTP_TWOCARE_GROUP_MAX);
        return NULL;
    }

    tmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_twocare_module);
    groupp = tmcf->groups.elts;

    for (i = 0; i < tmcf->groups.nelts; i++) {
        if (groupp[i]->name.len == name->len
            && ngx_memcmp(groupp[i]->name.data, name->data, name->len) == 0)
        {
            return groupp[i];
        }
    }

    group = ngx_pcalloc(cf->pool, sizeof(ngx_http_twocare_group_t));
    groupp = ngx_array_push(&tmcf->groups);

    if (group == NULL || groupp == NULL) {
        return NULL;
    }

    *groupp = group;

    group->name = *name;
    group->file = cf->conf_file->file.name;
    group->line = cf->conf_file->line;

    for (i = 0; i < 2; i++) {
        group->quota[i].hour = NGX_CONF_UNSET_UINT;
        group->quota[i].minute = NGX_CONF_UNSET_UINT;
    }

    /* the same in every process and after every reload; even: keys are odd */

    sha256(ngx_http_twocare_str(*name), digest);
    ngx_memcpy(&group->salt, digest, sizeof(group->salt));
    group->salt &= ~1ULL;

    return group;
}


static char *
ngx_http_twocare_group_quota(ngx_conf_t *cf, ngx_str_t *value,
    ngx_http_twocare_group_t *group)
{
    u_char                    *slash;
    ngx_str_t                  hour, minute;
    ngx_uint_t                 i;
    ngx_http_twocare_quota_t  *quota;

    static ngx_str_t  words[] = {
        ngx_string("client="),       /* NGX_HTTP_TWOCARE_CLIENTS */
        ngx_string("address="),      /* NGX_HTTP_TWOCARE_ADDRESSES */
    };

    for (i = 0; i < 2; i++) {
        if (value->len > words[i].len
            && ngx_strncmp(value->data, words[i].data, words[i].len) == 0)
        {
            break;
        }
    }

    hour.data = (i < 2) ? value->data + words[i].len : value->data;
    slash = (u_char *) ngx_strchr(hour.data, '/');

    if (i == 2 || slash == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%V\", it must be "
                           "\"client=hour/minute\" or "
                           "\"address=hour/minute\"", value);
        return NGX_CONF_ERROR;
    }

    quota = &group->quota[i];

    if (quota->hour != NGX_CONF_UNSET_UINT) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "duplicate \"%V\"", value);
        return NGX_CONF_ERROR;
    }

    hour.len = slash - hour.data;
    minute.data = slash + 1;
    minute.len = value->data + value->len - minute.data;

    if (ngx_http_twocare_quota_number(cf, &hour, &quota->hour) != NGX_OK
        || ngx_http_twocare_quota_number(cf, &minute, &quota->minute)
           != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_twocare_quota_number(ngx_conf_t *cf, ngx_str_t *value, ngx_uint_t *n)
{
    ngx_int_t  number;

    number = ngx_atoi(value->data, value->len);

    if (number == NGX_ERROR || number > NGX_HTTP_TWOCARE_LIMIT_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" must be a number of requests, 0 to %d",
                           value, NGX_HTTP_TWOCARE_LIMIT_MAX);
        return NGX_ERROR;
    }

    *n = number;

    return NGX_OK;
}


/* twocare_limit_not_modified off | percent */

char *
ngx_http_twocare_set_refund(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_twocare_loc_conf_t  *lcf = conf;

    ngx_int_t   n;
    ngx_str_t  *value;

    if (lcf->limits.refund != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0) {
        lcf->limits.refund = 0;
        return NGX_CONF_OK;
    }

    n = (value[1].len > 1 && value[1].data[value[1].len - 1] == '%')
        ? ngx_atoi(value[1].data, value[1].len - 1) : NGX_ERROR;

    if (n < 1 || n > NGX_HTTP_TWOCARE_REFUND_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" must be \"off\" or \"1%%\" to \"%d%%\"",
                           &value[1], NGX_HTTP_TWOCARE_REFUND_MAX);
        return NGX_CONF_ERROR;
    }

    lcf->limits.refund = n;

    return NGX_CONF_OK;
}


/* twocare_limit_failures off | number */

char *
ngx_http_twocare_set_failures(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_twocare_loc_conf_t  *lcf = conf;

    ngx_str_t  *value;

    if (lcf->limits.failures != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0) {
        lcf->limits.failures = 0;
        return NGX_CONF_OK;
    }

    return (ngx_http_twocare_quota_number(cf, &value[1],
                                          &lcf->limits.failures)
            == NGX_OK) ? NGX_CONF_OK : NGX_CONF_ERROR;
}


void
ngx_http_twocare_limits_create(ngx_http_twocare_limits_t *limits)
{
    limits->group = NGX_CONF_UNSET_PTR;
    limits->dry_run = NGX_CONF_UNSET;
    limits->fields = NGX_CONF_UNSET;
    limits->overflow = NGX_CONF_UNSET_UINT;
    limits->refund = NGX_CONF_UNSET_UINT;
    limits->failures = NGX_CONF_UNSET_UINT;
}


void
ngx_http_twocare_limits_merge(ngx_http_twocare_limits_t *prev,
    ngx_http_twocare_limits_t *conf)
{
    ngx_conf_merge_ptr_value(conf->group, prev->group, NULL);
    ngx_conf_merge_value(conf->dry_run, prev->dry_run, 0);
    ngx_conf_merge_value(conf->fields, prev->fields, 0);
    ngx_conf_merge_uint_value(conf->overflow, prev->overflow,
                              NGX_HTTP_TWOCARE_OVERFLOW_CLOSED);
    ngx_conf_merge_uint_value(conf->refund, prev->refund, 0);
    ngx_conf_merge_uint_value(conf->failures, prev->failures, 0);
}


/* when all has been read, every group that a location names must exist */

ngx_int_t
ngx_http_twocare_groups_check(ngx_conf_t *cf)
{
    ngx_uint_t                      i;
    ngx_http_twocare_group_t      **group;
    ngx_http_twocare_main_conf_t   *tmcf;

    tmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_twocare_module);
    group = tmcf->groups.elts;

    for (i = 0; i < tmcf->groups.nelts; i++) {
        if (!group[i]->defined) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "there is no \"twocare_limit_group %V\" in %V:%ui",
                          &group[i]->name, &group[i]->file, group[i]->line);
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}
