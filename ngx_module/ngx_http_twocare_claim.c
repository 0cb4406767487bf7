
/*
 * Claims of choice as variables: $twocare_claim_NAME for any that a variable's
 * name can spell, and by twocare_claim for those of other spellings and those
 * inside objects.  There are none without an accepted token.
 */


#include "ngx_http_twocare.h"


#define NGX_HTTP_TWOCARE_CLAIM  "twocare_claim_"


static ngx_int_t ngx_http_twocare_claim_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_twocare_claim_path(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_twocare_claim_get(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, ngx_str_t *name, ngx_uint_t n);
static ngx_int_t ngx_http_twocare_claim_text(ngx_http_request_t *r,
    const struct jdoc *values, uint32_t node, struct str *text);
static ngx_int_t ngx_http_twocare_claim_words(ngx_http_request_t *r,
    const struct jdoc *values, uint32_t list, struct str *text);
static ngx_uint_t ngx_http_twocare_claim_plain(struct str text);


ngx_int_t
ngx_http_twocare_claim_add(ngx_conf_t *cf)
{
    ngx_http_variable_t  *var;

    static ngx_str_t  prefix = ngx_string(NGX_HTTP_TWOCARE_CLAIM);

    var = ngx_http_add_variable(cf, &prefix,
                                NGX_HTTP_VAR_NOCACHEABLE|NGX_HTTP_VAR_PREFIX);
    if (var == NULL) {
        return NGX_ERROR;
    }

    var->get_handler = ngx_http_twocare_claim_variable;

    return NGX_OK;
}


/* twocare_claim $variable member ... */

char *
ngx_http_twocare_set_claim(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t            *value, *member, name;
    ngx_uint_t            i;
    ngx_array_t          *path;
    ngx_http_variable_t  *var;

    value = cf->args->elts;
    name = value[1];

    if (name.len < 2 || name.data[0] != '$') {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid variable name \"%V\"", &name);
        return NGX_CONF_ERROR;
    }

    name.data++;
    name.len--;

    var = ngx_http_add_variable(cf, &name, NGX_HTTP_VAR_NOCACHEABLE);
    path = ngx_array_create(cf->pool, cf->args->nelts - 2, sizeof(ngx_str_t));

    if (var == NULL || path == NULL) {
        return NGX_CONF_ERROR;
    }

    for (i = 2; i < cf->args->nelts; i++) {

        if (value[i].len == 0) {
            return "has an empty name";
        }

        member = ngx_array_push(path);
        if (member == NULL) {
            return NGX_CONF_ERROR;
        }

        *member = value[i];
    }

    var->get_handler = ngx_http_twocare_claim_path;
    var->data = (uintptr_t) path;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_twocare_claim_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_str_t  *variable = (ngx_str_t *) data;

    ngx_str_t  name;

    name.data = variable->data + sizeof(NGX_HTTP_TWOCARE_CLAIM) - 1;
    name.len = variable->len - (sizeof(NGX_HTTP_TWOCARE_CLAIM) - 1);

    return ngx_http_twocare_claim_get(r, v, &name, 1);
}


static ngx_int_t
ngx_http_twocare_claim_path(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_array_t  *path = (ngx_array_t *) data;

    return ngx_http_twocare_claim_get(r, v, path->elts, path->nelts);
}


static ngx_int_t
ngx_http_twocare_claim_get(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, ngx_str_t *name, ngx_uint_t n)
{
    uint32_t                 node;
    ngx_uint_t               i;
    struct str               text;
    const struct jdoc       *values;
    ngx_http_twocare_ctx_t  *ctx;

    v->not_found = 1;

    ctx = ngx_http_twocare_request_find(r);
    if (ctx == NULL || ctx->memo == NULL) {
        return NGX_OK;
    }

    values = ngx_http_twocare_memo_values(ctx->memo);
    node = 0;

    for (i = 0; i < n; i++) {
        node = jdoc_get(values, node, ngx_http_twocare_str(name[i]));

        if (node == 0) {
            return NGX_OK;
        }
    }

    switch (ngx_http_twocare_claim_text(r, values, node, &text)) {

    case NGX_ERROR:
        return NGX_ERROR;

    case NGX_DECLINED:
        return NGX_OK;
    }

    v->valid = 1;
    v->no_cacheable = 1;
    v->not_found = 0;
    v->data = (u_char *) text.p;
    v->len = text.n;

    return NGX_OK;
}


/*
 * Texts decoded, lists of texts as words, everything else as JSON.  What has
 * control characters would end a header and begin another: it is as absent.
 */

static ngx_int_t
ngx_http_twocare_claim_text(ngx_http_request_t *r, const struct jdoc *values,
    uint32_t node, struct str *text)
{
    char       *p;
    ngx_int_t   rc;

    switch (jdoc_type(values, node)) {

    case JDOC_NULL:
        return NGX_DECLINED;

    case JDOC_ARRAY:
        rc = ngx_http_twocare_claim_words(r, values, node, text);
        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (rc == NGX_DECLINED) {
            *text = jdoc_source(values, node);
        }

        break;

    case JDOC_STRING:
        *text = jdoc_raw(values, node);

        if (values->nodes[node].escaped) {
            p = ngx_pnalloc(r->pool, text->n);
            if (p == NULL) {
                return NGX_ERROR;
            }

            *text = (struct str) { p, jdoc_decode(values, node, p) };
        }

        break;

    default:
        *text = jdoc_source(values, node);
    }

    return ngx_http_twocare_claim_plain(*text) ? NGX_OK : NGX_DECLINED;
}


/* NGX_DECLINED: there is something else in it, or a text with blanks */

static ngx_int_t
ngx_http_twocare_claim_words(ngx_http_request_t *r, const struct jdoc *values,
    uint32_t list, struct str *text)
{
    char        *p;
    uint32_t     i;
    struct str   word;

    p = ngx_pnalloc(r->pool, jdoc_raw(values, list).n);
    if (p == NULL) {
        return NGX_ERROR;
    }

    *text = (struct str) { p, 0 };

    for (i = jdoc_first(values, list); i; i = jdoc_next(values, list, i)) {

        if (jdoc_type(values, i) != JDOC_STRING) {
            return NGX_DECLINED;
        }

        if (text->n != 0) {
            p[text->n++] = ' ';
        }

        word = (struct str) { p + text->n, jdoc_decode(values, i,
                                                       p + text->n) };

        if (word.n == 0 || str_has(word, ' ')) {
            return NGX_DECLINED;
        }

        text->n += word.n;
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_http_twocare_claim_plain(struct str text)
{
    size_t  i;

    for (i = 0; i < text.n; i++) {
        if ((u_char) text.p[i] < ' ' || text.p[i] == 0x7f) {
            return 0;
        }
    }

    return 1;
}
