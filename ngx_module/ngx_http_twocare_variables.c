
/*
 * What is known of a request, as nginx variables: for the parameters to the
 * backend, for logs, for error_page.  There is none with a token in it.
 */


#include "ngx_http_twocare.h"


static ngx_int_t ngx_http_twocare_variable_str(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_twocare_variable_status(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_twocare_variable_verdict(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_twocare_variable_reason(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);


#define ngx_http_twocare_offset(member)                                       \
    offsetof(ngx_http_twocare_ctx_t, member)

static ngx_http_variable_t  ngx_http_twocare_variables[] = {

    { ngx_string("twocare_request_id"), NULL, ngx_http_twocare_variable_str,
      ngx_http_twocare_offset(request_id), NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("twocare_method"), NULL, ngx_http_twocare_variable_str,
      ngx_http_twocare_offset(method), NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("twocare_path"), NULL, ngx_http_twocare_variable_str,
      ngx_http_twocare_offset(path), NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("twocare_client_id"), NULL, ngx_http_twocare_variable_str,
      ngx_http_twocare_offset(client_id), NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("twocare_sub"), NULL, ngx_http_twocare_variable_str,
      ngx_http_twocare_offset(sub), NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("twocare_tenant"), NULL, ngx_http_twocare_variable_str,
      ngx_http_twocare_offset(tenant), NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("twocare_scope"), NULL, ngx_http_twocare_variable_str,
      ngx_http_twocare_offset(scope), NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("twocare_jti"), NULL, ngx_http_twocare_variable_str,
      ngx_http_twocare_offset(jti), NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("twocare_exp"), NULL, ngx_http_twocare_variable_str,
      ngx_http_twocare_offset(exp), NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("twocare_status"), NULL, ngx_http_twocare_variable_status,
      0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("twocare_limit_status"), NULL,
      ngx_http_twocare_fields_variable, 0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("twocare_verdict"), NULL, ngx_http_twocare_variable_verdict,
      0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("twocare_reason"), NULL, ngx_http_twocare_variable_reason,
      0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

      ngx_http_null_variable
};


ngx_int_t
ngx_http_twocare_variables_add(ngx_conf_t *cf)
{
    ngx_http_variable_t  *var, *v;

    for (v = ngx_http_twocare_variables; v->name.len; v++) {
        var = ngx_http_add_variable(cf, &v->name, v->flags);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = v->get_handler;
        var->data = v->data;
    }

    return ngx_http_twocare_claim_add(cf);
}


static void
ngx_http_twocare_variable_set(ngx_http_variable_value_t *v, u_char *data,
    size_t len)
{
    v->valid = 1;
    v->no_cacheable = 1;
    v->not_found = 0;
    v->data = data;
    v->len = len;
}


static ngx_int_t
ngx_http_twocare_variable_str(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_str_t               *s;
    ngx_http_twocare_ctx_t  *ctx;

    ctx = ngx_http_twocare_request(r);
    if (ctx == NULL) {
        return NGX_ERROR;
    }

    s = (ngx_str_t *) ((char *) ctx + data);
    ngx_http_twocare_variable_set(v, s->data, s->len);

    return NGX_OK;
}


/* why the request was refused, else the verdict on its token, else "-" */

static ngx_int_t
ngx_http_twocare_variable_status(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    const char              *word;
    ngx_http_twocare_ctx_t  *ctx;

    ctx = ngx_http_twocare_request(r);
    if (ctx == NULL) {
        return NGX_ERROR;
    }

    if (ctx->refusal != NULL) {
        word = ctx->refusal->word;

    } else if (ctx->verdict != NULL) {
        word = ctx->verdict->word;

    } else {
        word = ctx->accepted ? "ok" : "-";
    }

    ngx_http_twocare_variable_set(v, (u_char *) word, ngx_strlen(word));

    return NGX_OK;
}


/* what the request's token is, wherever tokens are looked at */

static ngx_int_t
ngx_http_twocare_variable_verdict(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    const char              *word;
    ngx_http_twocare_ctx_t  *ctx;

    ctx = ngx_http_twocare_request(r);
    if (ctx == NULL) {
        return NGX_ERROR;
    }

    if (!ctx->judged) {
        word = "";

    } else if (ctx->accepted) {
        word = "accepted";

    } else {
        word = (ctx->verdict
                == ngx_http_twocare_refusal(NGX_HTTP_TWOCARE_NO_TOKEN))
                   ? "anonymous" : "rejected";
    }

    ngx_http_twocare_variable_set(v, (u_char *) word, ngx_strlen(word));

    return NGX_OK;
}


/* why a token was rejected */

static ngx_int_t
ngx_http_twocare_variable_reason(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    const char              *word;
    ngx_http_twocare_ctx_t  *ctx;

    ctx = ngx_http_twocare_request(r);
    if (ctx == NULL) {
        return NGX_ERROR;
    }

    word = (ctx->verdict != NULL) ? ctx->verdict->word : "";
    ngx_http_twocare_variable_set(v, (u_char *) word, ngx_strlen(word));

    return NGX_OK;
}
