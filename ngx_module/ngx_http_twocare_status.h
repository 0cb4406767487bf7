
/*
 * The status page: what its two files promise each other.  The metrics are
 * one table (metrics), written in one of two forms (status).
 */


#ifndef _NGX_HTTP_TWOCARE_STATUS_H_INCLUDED_
#define _NGX_HTTP_TWOCARE_STATUS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


#define NGX_HTTP_TWOCARE_FORM_JSON        0
#define NGX_HTTP_TWOCARE_FORM_PROMETHEUS  1


/* a page while it is written */

typedef struct {
    ngx_pool_t                 *pool;
    ngx_chain_t                *first;
    ngx_chain_t               **next;
    ngx_buf_t                  *b;
    off_t                       bytes;
    ngx_uint_t                  form;
    const char                 *metric;       /* whose samples are written */
    ngx_uint_t                  metrics;      /* so far */
    ngx_uint_t                  samples;      /* of this metric */
    unsigned                    failed:1;     /* there was no memory */
} ngx_http_twocare_page_t;


/* names are words of ours, values are escaped; the last has no name */

typedef struct {
    const char                 *name;
    ngx_str_t                   value;
} ngx_http_twocare_label_t;


/*
 * status: _metric begins a metric ("counter" or "gauge"); _sample and _seconds
 * add a value of it, the latter given in nanoseconds.
 */

void ngx_http_twocare_status_metric(ngx_http_twocare_page_t *page,
    const char *name, const char *type, const char *help);
void ngx_http_twocare_status_sample(ngx_http_twocare_page_t *page,
    const ngx_http_twocare_label_t *labels, uint64_t value);
void ngx_http_twocare_status_seconds(ngx_http_twocare_page_t *page,
    const ngx_http_twocare_label_t *labels, uint64_t ns);


/*
 * metrics: all of them, of every zone and state of this nginx.  No label holds
 * what a client sent, nor who the client is.
 */

void ngx_http_twocare_metrics_write(ngx_http_twocare_page_t *page,
    ngx_http_twocare_main_conf_t *tmcf);


/* the directive: twocare_status [json | prometheus] */

char *ngx_http_twocare_set_status(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


#endif /* _NGX_HTTP_TWOCARE_STATUS_H_INCLUDED_ */
