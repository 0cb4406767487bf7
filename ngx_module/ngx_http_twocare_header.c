
/*
 * Headers of our own for whatever upstream: twocare_header takes a client's
 * header of that name away in the preaccess phase, which nothing skips, and
 * adds ours once the token has been judged.
 *
 * The list of headers is made anew, because nginx and its modules keep
 * pointers to the elements of the old one.
 */


#include "ngx_http_twocare.h"


typedef struct {
    ngx_str_t                   name;
    ngx_str_t                   lowcase;
    ngx_uint_t                  hash;
    ngx_http_complex_value_t    value;
} ngx_http_twocare_header_t;


static ngx_uint_t ngx_http_twocare_header_valid(ngx_conf_t *cf,
    ngx_http_twocare_header_t *header);
static ngx_http_twocare_header_t *ngx_http_twocare_header_named(
    ngx_array_t *headers, u_char *name, size_t len);
static ngx_int_t ngx_http_twocare_header_strip(ngx_http_request_t *r,
    ngx_array_t *headers, ngx_uint_t credentials);
static ngx_int_t ngx_http_twocare_header_push(ngx_http_request_t *r,
    ngx_http_twocare_header_t *header);


/* twocare_header name value */

char *
ngx_http_twocare_set_header(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_twocare_loc_conf_t  *lcf = conf;

    ngx_str_t                         *value;
    ngx_http_twocare_header_t         *header;
    ngx_http_twocare_main_conf_t      *tmcf;
    ngx_http_compile_complex_value_t   ccv;

    value = cf->args->elts;

    if (lcf->headers == NULL) {
        lcf->headers = ngx_array_create(cf->pool, 4,
                                        sizeof(ngx_http_twocare_header_t));
        if (lcf->headers == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    if (ngx_http_twocare_header_named(lcf->headers, value[1].data,
                                      value[1].len)
        != NULL)
    {
        return "is duplicate";
    }

    header = ngx_array_push(lcf->headers);
    if (header == NULL) {
        return NGX_CONF_ERROR;
    }

    header->name = value[1];
    header->lowcase.len = value[1].len;
    header->lowcase.data = ngx_pnalloc(cf->pool, value[1].len);

    if (header->lowcase.data == NULL) {
        return NGX_CONF_ERROR;
    }

    header->hash = ngx_hash_strlow(header->lowcase.data, value[1].data,
                                   value[1].len);

    if (!ngx_http_twocare_header_valid(cf, header)) {
        return NGX_CONF_ERROR;
    }

    tmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_twocare_module);
    tmcf->sets_headers = 1;

    ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

    ccv.cf = cf;
    ccv.value = &value[2];
    ccv.complex_value = &header->value;

    return (ngx_http_compile_complex_value(&ccv) == NGX_OK) ? NGX_CONF_OK
                                                            : NGX_CONF_ERROR;
}


/* those that nginx itself understands are its own, but for Authorization */

static ngx_uint_t
ngx_http_twocare_header_valid(ngx_conf_t *cf,
    ngx_http_twocare_header_t *header)
{
    size_t              n;
    u_char              c;
    ngx_http_header_t  *own;

    for (n = 0; n < header->lowcase.len; n++) {
        c = header->lowcase.data[n];

        if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-') {
            break;
        }
    }

    if (n == 0 || n < header->lowcase.len) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" is not a name of letters, digits and \"-\"",
                           &header->name);
        return 0;
    }

    for (own = ngx_http_headers_in; own->name.len; own++) {
        if (own->name.len == header->name.len
            && ngx_strncasecmp(own->name.data, header->name.data,
                               own->name.len)
               == 0
            && own->offset
               != offsetof(ngx_http_headers_in_t, authorization))
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "header \"%V\" is one that nginx reads itself",
                               &header->name);
            return 0;
        }
    }

    return 1;
}


/* a level adds to those above and replaces them by name */

ngx_int_t
ngx_http_twocare_headers_merge(ngx_conf_t *cf,
    ngx_http_twocare_loc_conf_t *prev, ngx_http_twocare_loc_conf_t *conf)
{
    ngx_uint_t                  i;
    ngx_http_twocare_header_t  *above, *header;

    if (prev->headers == NULL) {
        return NGX_OK;
    }

    if (conf->headers == NULL) {
        conf->headers = prev->headers;
        return NGX_OK;
    }

    above = prev->headers->elts;

    for (i = 0; i < prev->headers->nelts; i++) {

        if (ngx_http_twocare_header_named(conf->headers, above[i].name.data,
                                          above[i].name.len)
            != NULL)
        {
            continue;
        }

        header = ngx_array_push(conf->headers);
        if (header == NULL) {
            return NGX_ERROR;
        }

        *header = above[i];
    }

    return NGX_OK;
}


/* CGI and its like know no difference between "-" and "_" */

static ngx_http_twocare_header_t *
ngx_http_twocare_header_named(ngx_array_t *headers, u_char *name, size_t len)
{
    size_t                      n;
    u_char                      c;
    ngx_uint_t                  i;
    ngx_http_twocare_header_t  *header;

    header = headers->elts;

    for (i = 0; i < headers->nelts; i++) {

        if (header[i].lowcase.len != len) {
            continue;
        }

        for (n = 0; n < len; n++) {
            c = (name[n] == '_') ? '-' : ngx_tolower(name[n]);

            if (c != header[i].lowcase.data[n]) {
                break;
            }
        }

        if (n == len) {
            return &header[i];
        }
    }

    return NULL;
}


/* what satisfies access by other means skips the access phase, not this one */

ngx_int_t
ngx_http_twocare_preaccess_handler(ngx_http_request_t *r)
{
    ngx_http_twocare_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_twocare_module);

    if (lcf->headers == NULL || r != r->main) {
        return NGX_DECLINED;
    }

    if (ngx_http_twocare_header_strip(r, lcf->headers, 0) != NGX_OK
        || (lcf->auth == NGX_HTTP_TWOCARE_AUTH_OFF
            && ngx_http_twocare_headers_set(r, lcf) != NGX_OK))
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return NGX_DECLINED;
}


ngx_int_t
ngx_http_twocare_headers_set(ngx_http_request_t *r,
    ngx_http_twocare_loc_conf_t *lcf)
{
    ngx_uint_t                  i;
    ngx_http_twocare_header_t  *header;

    if (ngx_http_twocare_header_strip(r, lcf->headers, 1) != NGX_OK) {
        return NGX_ERROR;
    }

    header = lcf->headers->elts;

    for (i = 0; i < lcf->headers->nelts; i++) {
        if (ngx_http_twocare_header_push(r, &header[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* credentials stay until they have been looked at */

static ngx_int_t
ngx_http_twocare_header_strip(ngx_http_request_t *r, ngx_array_t *headers,
    ngx_uint_t credentials)
{
    ngx_uint_t        i;
    ngx_list_part_t   first, *part;
    ngx_table_elt_t  *h, *kept;

    first = r->headers_in.headers.part;

    if (ngx_list_init(&r->headers_in.headers, r->pool, 20,
                      sizeof(ngx_table_elt_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (part = &first; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (ngx_http_twocare_header_named(headers, h[i].key.data,
                                              h[i].key.len)
                != NULL
                && (credentials
                    || h[i].key.len != sizeof("Authorization") - 1
                    || ngx_strncasecmp(h[i].key.data,
                                       (u_char *) "Authorization",
                                       h[i].key.len)
                       != 0))
            {
                continue;
            }

            kept = ngx_list_push(&r->headers_in.headers);
            if (kept == NULL) {
                return NGX_ERROR;
            }

            *kept = h[i];
        }
    }

    return NGX_OK;
}


/* a value that comes out empty, or would end the header, is none */

static ngx_int_t
ngx_http_twocare_header_push(ngx_http_request_t *r,
    ngx_http_twocare_header_t *header)
{
    size_t            n;
    ngx_str_t         value;
    ngx_table_elt_t  *h;

    if (ngx_http_complex_value(r, &header->value, &value) != NGX_OK) {
        return NGX_ERROR;
    }

    for (n = 0; n < value.len; n++) {
        if (value.data[n] < ' ' || value.data[n] == 0x7f) {
            break;
        }
    }

    if (n == 0 || n < value.len) {
        return NGX_OK;
    }

    h = ngx_list_push(&r->headers_in.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->hash = header->hash;
    h->key = header->name;
    h->lowcase_key = header->lowcase.data;
    h->value = value;
#if (nginx_version >= 1023000)
    h->next = NULL;
#endif

    return NGX_OK;
}
