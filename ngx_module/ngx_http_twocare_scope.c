
/*
 * Scopes that a place asks for, by method.  A row names methods and scopes of
 * which the token must have one; of the rows that name the request's method
 * each must be met, and when none names it, each of those without methods.  A
 * method that no row is for is refused: who forgets one finds out by a 403,
 * not by an open door.
 *
 * RFC 6749 3.3, RFC 6750 3.1
 */


#include "ngx_http_twocare.h"


static ngx_uint_t ngx_http_twocare_scope_method(ngx_str_t *word);
static ngx_uint_t ngx_http_twocare_scope_valid(ngx_str_t *word);
static ngx_int_t ngx_http_twocare_scope_list(ngx_conf_t *cf,
    ngx_http_twocare_scope_t *row);
static ngx_uint_t ngx_http_twocare_scope_met(ngx_http_twocare_scope_t *row,
    struct str granted);


/* a row that names GET is for HEAD, too: they are allowed the same */

static struct {
    ngx_str_t   name;
    ngx_uint_t  mask;
} ngx_http_twocare_scope_methods[] = {
    { ngx_string("GET"), NGX_HTTP_GET|NGX_HTTP_HEAD },
    { ngx_string("HEAD"), NGX_HTTP_HEAD },
    { ngx_string("POST"), NGX_HTTP_POST },
    { ngx_string("PUT"), NGX_HTTP_PUT },
    { ngx_string("PATCH"), NGX_HTTP_PATCH },
    { ngx_string("DELETE"), NGX_HTTP_DELETE },
    { ngx_string("OPTIONS"), NGX_HTTP_OPTIONS },
    { ngx_string("MKCOL"), NGX_HTTP_MKCOL },
    { ngx_string("COPY"), NGX_HTTP_COPY },
    { ngx_string("MOVE"), NGX_HTTP_MOVE },
    { ngx_string("PROPFIND"), NGX_HTTP_PROPFIND },
    { ngx_string("PROPPATCH"), NGX_HTTP_PROPPATCH },
    { ngx_string("LOCK"), NGX_HTTP_LOCK },
    { ngx_string("UNLOCK"), NGX_HTTP_UNLOCK },
    { ngx_null_string, 0 }
};


/* twocare_scope off | [method ...] scope ... */

char *
ngx_http_twocare_set_scope(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_twocare_loc_conf_t  *lcf = conf;

    ngx_str_t                 *value, *scope;
    ngx_uint_t                 i, mask;
    ngx_http_twocare_scope_t  *row;

    value = cf->args->elts;

    if (cf->args->nelts == 2 && ngx_strcmp(value[1].data, "off") == 0) {
        if (lcf->scopes != NGX_CONF_UNSET_PTR) {
            return "is duplicate";
        }

        lcf->scopes = NULL;
        return NGX_CONF_OK;
    }

    if (lcf->scopes == NULL) {
        return "is duplicate";
    }

    if (lcf->scopes == NGX_CONF_UNSET_PTR) {
        lcf->scopes = ngx_array_create(cf->pool, 2,
                                       sizeof(ngx_http_twocare_scope_t));
        if (lcf->scopes == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    row = ngx_array_push(lcf->scopes);

    if (row == NULL
        || ngx_array_init(&row->scopes, cf->pool, 2, sizeof(ngx_str_t))
           != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    row->methods = 0;

    for (i = 1; i < cf->args->nelts; i++) {
        mask = ngx_http_twocare_scope_method(&value[i]);

        if (mask == 0) {
            break;
        }

        row->methods |= mask;
    }

    if (i == cf->args->nelts) {
        return "names methods, but no scope";
    }

    for ( /* void */ ; i < cf->args->nelts; i++) {

        if (!ngx_http_twocare_scope_valid(&value[i])) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"%V\" is not a scope", &value[i]);
            return NGX_CONF_ERROR;
        }

        scope = ngx_array_push(&row->scopes);
        if (scope == NULL) {
            return NGX_CONF_ERROR;
        }

        *scope = value[i];
    }

    return (ngx_http_twocare_scope_list(cf, row) == NGX_OK) ? NGX_CONF_OK
                                                            : NGX_CONF_ERROR;
}


static ngx_uint_t
ngx_http_twocare_scope_method(ngx_str_t *word)
{
    ngx_uint_t  i;

    for (i = 0; ngx_http_twocare_scope_methods[i].mask; i++) {
        if (word->len == ngx_http_twocare_scope_methods[i].name.len
            && ngx_memcmp(word->data,
                          ngx_http_twocare_scope_methods[i].name.data,
                          word->len)
               == 0)
        {
            return ngx_http_twocare_scope_methods[i].mask;
        }
    }

    return 0;
}


/* scope-token = 1*( %x21 / %x23-5B / %x5D-7E ) */

static ngx_uint_t
ngx_http_twocare_scope_valid(ngx_str_t *word)
{
    size_t  n;

    for (n = 0; n < word->len; n++) {
        if (word->data[n] <= ' ' || word->data[n] > '~'
            || word->data[n] == '"' || word->data[n] == '\\')
        {
            return 0;
        }
    }

    return n != 0;
}


/* the scopes of a row as WWW-Authenticate says them */

static ngx_int_t
ngx_http_twocare_scope_list(ngx_conf_t *cf, ngx_http_twocare_scope_t *row)
{
    size_t       len;
    u_char      *p;
    ngx_str_t   *scope;
    ngx_uint_t   i;

    scope = row->scopes.elts;
    len = 0;

    for (i = 0; i < row->scopes.nelts; i++) {
        len += scope[i].len + 1;
    }

    p = ngx_pnalloc(cf->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    row->list.data = p;
    row->list.len = len - 1;

    for (i = 0; i < row->scopes.nelts; i++) {
        p = ngx_cpymem(p, scope[i].data, scope[i].len);
        *p++ = ' ';
    }

    return NGX_OK;
}


const ngx_http_twocare_scope_t *
ngx_http_twocare_scope_missing(ngx_http_request_t *r, ngx_array_t *scopes,
    ngx_str_t *granted)
{
    ngx_uint_t                 i, named, met;
    ngx_http_twocare_scope_t  *row;

    static const ngx_http_twocare_scope_t  no_row;

    row = scopes->elts;
    named = 0;

    for (i = 0; i < scopes->nelts; i++) {
        named |= row[i].methods & r->method;
    }

    met = 0;

    for (i = 0; i < scopes->nelts; i++) {

        if (named ? !(row[i].methods & r->method) : row[i].methods) {
            continue;
        }

        if (!ngx_http_twocare_scope_met(&row[i],
                                        ngx_http_twocare_str(*granted)))
        {
            return &row[i];
        }

        met = 1;
    }

    return met ? NULL : &no_row;
}


static ngx_uint_t
ngx_http_twocare_scope_met(ngx_http_twocare_scope_t *row, struct str granted)
{
    ngx_str_t   *scope;
    ngx_uint_t   i;
    struct str   word;

    scope = row->scopes.elts;

    while (granted.p != NULL) {
        word = str_cut(&granted, ' ');

        for (i = 0; i < row->scopes.nelts; i++) {
            if (str_eq(word, ngx_http_twocare_str(scope[i]))) {
                return 1;
            }
        }
    }

    return 0;
}
