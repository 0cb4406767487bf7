
/*
 * The content handler of a status location: one page with every metric, as
 * JSON or as Prometheus reads it (text exposition format 0.0.4).  The form is
 * the one that ?format= names, else what Accept asks for, else the directive's.
 *
 * In JSON each metric is a member with a list of samples: the labels and a
 * "value".
 */


#include "ngx_http_twocare.h"
#include "ngx_http_twocare_status.h"


#define NGX_HTTP_TWOCARE_PAGE_BYTES   16384

/* of a sample beside its labels' values */

#define NGX_HTTP_TWOCARE_SAMPLE_BYTES  512


static ngx_int_t ngx_http_twocare_status_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_twocare_status_form(ngx_http_request_t *r,
    ngx_uint_t *form);
static ngx_uint_t ngx_http_twocare_status_accepts(ngx_http_request_t *r,
    const char *type);
static u_char *ngx_http_twocare_status_room(ngx_http_twocare_page_t *page,
    size_t bytes);
static void ngx_http_twocare_status_took(ngx_http_twocare_page_t *page,
    u_char *p);
static u_char *ngx_http_twocare_status_labels(ngx_http_twocare_page_t *page,
    const ngx_http_twocare_label_t *labels);
static u_char *ngx_http_twocare_status_escape(u_char *p,
    const ngx_str_t *value);


static ngx_str_t  ngx_http_twocare_status_types[] = {
    ngx_string("application/json"),
    ngx_string("text/plain; version=0.0.4; charset=utf-8"),
};

static ngx_str_t  ngx_http_twocare_status_forms[] = {
    ngx_string("json"),
    ngx_string("prometheus"),
};


char *
ngx_http_twocare_set_status(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_twocare_loc_conf_t  *lcf = conf;

    ngx_str_t                 *value;
    ngx_uint_t                 i;
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->handler == ngx_http_twocare_status_handler) {
        return "is duplicate";
    }

    clcf->handler = ngx_http_twocare_status_handler;
    lcf->form = NGX_HTTP_TWOCARE_FORM_JSON;

    if (cf->args->nelts == 1) {
        return NGX_CONF_OK;
    }

    value = cf->args->elts;

    for (i = 0; i < 2; i++) {
        if (value[1].len == ngx_http_twocare_status_forms[i].len
            && ngx_strcmp(value[1].data,
                          ngx_http_twocare_status_forms[i].data)
               == 0)
        {
            lcf->form = i;
            return NGX_CONF_OK;
        }
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid value \"%V\" in \"%V\" directive, it must be "
                       "\"json\" or \"prometheus\"", &value[1], &cmd->name);

    return NGX_CONF_ERROR;
}


static ngx_int_t
ngx_http_twocare_status_handler(ngx_http_request_t *r)
{
    u_char                        *p;
    ngx_int_t                      rc;
    ngx_http_twocare_page_t        page;
    ngx_http_twocare_main_conf_t  *tmcf;

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return NGX_HTTP_NOT_ALLOWED;
    }

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    ngx_memzero(&page, sizeof(page));
    page.pool = r->pool;
    page.next = &page.first;

    if (ngx_http_twocare_status_form(r, &page.form) != NGX_OK) {
        return NGX_HTTP_BAD_REQUEST;
    }

    tmcf = ngx_http_get_module_main_conf(r, ngx_http_twocare_module);
    ngx_http_twocare_metrics_write(&page, tmcf);

    p = ngx_http_twocare_status_room(&page, 8);
    if (p == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (page.form == NGX_HTTP_TWOCARE_FORM_JSON) {
        p = ngx_sprintf(p, "%s", page.metrics ? "\n]}\n" : "{}\n");
        ngx_http_twocare_status_took(&page, p);
    }

    page.b->last_buf = (r == r->main);
    page.b->last_in_chain = 1;

    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_length_n = page.bytes;
    r->headers_out.content_type = ngx_http_twocare_status_types[page.form];
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    return ngx_http_output_filter(r, page.first);
}


static ngx_int_t
ngx_http_twocare_status_form(ngx_http_request_t *r, ngx_uint_t *form)
{
    ngx_str_t                     value;
    ngx_http_twocare_loc_conf_t  *lcf;

    if (ngx_http_arg(r, (u_char *) "format", sizeof("format") - 1, &value)
        == NGX_OK)
    {
        for (*form = 0; *form < 2; (*form)++) {
            if (value.len == ngx_http_twocare_status_forms[*form].len
                && ngx_strncmp(value.data,
                               ngx_http_twocare_status_forms[*form].data,
                               value.len)
                   == 0)
            {
                return NGX_OK;
            }
        }

        return NGX_DECLINED;
    }

    /* Prometheus names no JSON; programs that do may name text/plain, too */

    if (ngx_http_twocare_status_accepts(r, "application/json")) {
        *form = NGX_HTTP_TWOCARE_FORM_JSON;
        return NGX_OK;
    }

    if (ngx_http_twocare_status_accepts(r, "text/plain")) {
        *form = NGX_HTTP_TWOCARE_FORM_PROMETHEUS;
        return NGX_OK;
    }

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_twocare_module);
    *form = lcf->form;

    return NGX_OK;
}


/* named at all is enough: there is no third form to weigh against */

static ngx_uint_t
ngx_http_twocare_status_accepts(ngx_http_request_t *r, const char *type)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (h[i].key.len == sizeof("Accept") - 1
                && ngx_strncasecmp(h[i].key.data, (u_char *) "Accept",
                                   sizeof("Accept") - 1)
                   == 0
                && ngx_strcasestrn(h[i].value.data, (char *) type,
                                   ngx_strlen(type) - 1)
                   != NULL)
            {
                return 1;
            }
        }
    }

    return 0;
}


void
ngx_http_twocare_status_metric(ngx_http_twocare_page_t *page,
    const char *name, const char *type, const char *help)
{
    u_char  *p;

    page->metric = name;
    page->samples = 0;

    p = ngx_http_twocare_status_room(page, 2 * ngx_strlen(name)
                                     + ngx_strlen(type) + ngx_strlen(help)
                                     + NGX_HTTP_TWOCARE_SAMPLE_BYTES);
    if (p == NULL) {
        return;
    }

    if (page->form == NGX_HTTP_TWOCARE_FORM_PROMETHEUS) {
        p = ngx_sprintf(p, "# HELP %s %s\n# TYPE %s %s\n", name, help, name,
                        type);

    } else {
        p = ngx_sprintf(p, "%s\"%s\":[", page->metrics ? "\n],\n" : "{",
                        name);
    }

    page->metrics++;
    ngx_http_twocare_status_took(page, p);
}


void
ngx_http_twocare_status_sample(ngx_http_twocare_page_t *page,
    const ngx_http_twocare_label_t *labels, uint64_t value)
{
    u_char  *p;

    p = ngx_http_twocare_status_labels(page, labels);

    if (p != NULL) {
        p = ngx_sprintf(p, "%uL%s", value,
                        (page->form == NGX_HTTP_TWOCARE_FORM_JSON) ? "}"
                                                                   : "\n");
        ngx_http_twocare_status_took(page, p);
    }
}


void
ngx_http_twocare_status_seconds(ngx_http_twocare_page_t *page,
    const ngx_http_twocare_label_t *labels, uint64_t ns)
{
    u_char  *p;

    p = ngx_http_twocare_status_labels(page, labels);

    if (p != NULL) {
        p = ngx_sprintf(p, "%uL.%09uL%s", ns / 1000000000, ns % 1000000000,
                        (page->form == NGX_HTTP_TWOCARE_FORM_JSON) ? "}"
                                                                   : "\n");
        ngx_http_twocare_status_took(page, p);
    }
}


/* a sample up to its value; NULL: there is no memory */

static u_char *
ngx_http_twocare_status_labels(ngx_http_twocare_page_t *page,
    const ngx_http_twocare_label_t *labels)
{
    u_char      *p;
    size_t       bytes;
    ngx_uint_t   i, json;

    json = (page->form == NGX_HTTP_TWOCARE_FORM_JSON);
    bytes = NGX_HTTP_TWOCARE_SAMPLE_BYTES;

    for (i = 0; labels[i].name != NULL; i++) {
        bytes += 2 * labels[i].value.len;
    }

    p = ngx_http_twocare_status_room(page, bytes);
    if (p == NULL) {
        return NULL;
    }

    p = json ? ngx_sprintf(p, "%s\n{", page->samples++ ? "," : "")
             : ngx_sprintf(p, "%s{", page->metric);

    for (i = 0; labels[i].name != NULL; i++) {
        p = json ? ngx_sprintf(p, "\"%s\":\"", labels[i].name)
                 : ngx_sprintf(p, "%s%s=\"", i ? "," : "", labels[i].name);

        p = ngx_http_twocare_status_escape(p, &labels[i].value);

        p = ngx_sprintf(p, json ? "\"," : "\"");
    }

    return ngx_sprintf(p, json ? "\"value\":" : "} ");
}


/* in both forms a value stands in quotes; control bytes have no business */

static u_char *
ngx_http_twocare_status_escape(u_char *p, const ngx_str_t *value)
{
    size_t  i;

    for (i = 0; i < value->len; i++) {

        if (value->data[i] == '"' || value->data[i] == '\\') {
            *p++ = '\\';
        }

        *p++ = (value->data[i] < ' ') ? '?' : value->data[i];
    }

    return p;
}


/* so many bytes in one piece at the end of the page */

static u_char *
ngx_http_twocare_status_room(ngx_http_twocare_page_t *page, size_t bytes)
{
    ngx_chain_t  *cl;

    if (page->failed) {
        return NULL;
    }

    if (page->b != NULL && (size_t) (page->b->end - page->b->last) >= bytes) {
        return page->b->last;
    }

    page->b = ngx_create_temp_buf(page->pool,
                                  ngx_max(bytes, NGX_HTTP_TWOCARE_PAGE_BYTES));
    cl = ngx_alloc_chain_link(page->pool);

    if (page->b == NULL || cl == NULL) {
        page->failed = 1;
        return NULL;
    }

    cl->buf = page->b;
    cl->next = NULL;

    *page->next = cl;
    page->next = &cl->next;

    return page->b->last;
}


static void
ngx_http_twocare_status_took(ngx_http_twocare_page_t *page, u_char *p)
{
    page->bytes += p - page->b->last;
    page->b->last = p;
}
