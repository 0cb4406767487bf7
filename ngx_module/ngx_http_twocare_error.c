
/*
 * Says errors: those of the access handler, by the table of refusals, and
 * nginx's own, by the table of statuses.  Both arrive by error_page at a
 * location with twocare_error, whose twocare_answers decides the form.  The
 * backend's own error bodies never come here.
 */


#include "ngx_http_twocare.h"


static void ngx_http_twocare_error_status(ngx_http_request_t *r,
    const ngx_http_twocare_refusal_t *refusal);
static const ngx_http_twocare_refusal_t *ngx_http_twocare_error_row(
    ngx_http_request_t *r, ngx_http_twocare_ctx_t *ctx);
static ngx_int_t ngx_http_twocare_error_fields(ngx_http_request_t *r,
    ngx_http_twocare_ctx_t *ctx, const ngx_http_twocare_refusal_t *refusal);
static ngx_int_t ngx_http_twocare_error_allow(ngx_http_request_t *r);
static ngx_int_t ngx_http_twocare_error_number(ngx_http_request_t *r,
    const char *name, time_t seconds);
static ngx_buf_t *ngx_http_twocare_error_body(ngx_http_request_t *r,
    ngx_http_twocare_ctx_t *ctx, const ngx_http_twocare_refusal_t *refusal);


/* RFC 6750 3.1: a request without token information gets no error code */

static const ngx_http_twocare_refusal_t
    ngx_http_twocare_refusals[NGX_HTTP_TWOCARE_REFUSAL__MAX] = {

    /* status, $twocare_status,
       code, issue-type, RFC 6749, text, RFC 6750 */

    { 401, "no_token",
      "invalid_token", "login", "invalid_client",
      "An access token is required", NULL },

    { 401, "other_scheme",
      "invalid_credentials", "login", "invalid_client",
      "The Authorization scheme must be Bearer", NULL },

    { 400, "two_tokens",
      "invalid_request", "invalid", "invalid_request",
      "The access token must be sent once, in the Authorization header",
      "invalid_request" },

    { 401, "malformed",
      "invalid_token", "login", "invalid_client",
      "The access token is malformed", "invalid_token" },

    { 401, "token_too_large",
      "invalid_token", "login", "invalid_client",
      "The access token is larger than 7168 bytes", "invalid_token" },

    { 401, "algorithm",
      "invalid_token", "login", "invalid_client",
      "The access token's algorithm is not accepted", "invalid_token" },

    { 401, "type",
      "invalid_token", "login", "invalid_client",
      "The token is not an access token (typ at+jwt)", "invalid_token" },

    { 401, "critical",
      "invalid_token", "login", "invalid_client",
      "The access token has a crit header", "invalid_token" },

    { 401, "unknown_key",
      "invalid_token", "login", "invalid_client",
      "The access token is signed by an unknown key", "invalid_token" },

    { 401, "bad_signature",
      "invalid_token", "login", "invalid_client",
      "The access token's signature is wrong", "invalid_token" },

    { 401, "bad_claim",
      "invalid_token", "login", "invalid_client",
      "A claim of the access token is missing or malformed",
      "invalid_token" },

    { 401, "wrong_issuer",
      "invalid_token", "login", "invalid_client",
      "The access token is of another issuer", "invalid_token" },

    { 401, "wrong_audience",
      "invalid_token", "login", "invalid_client",
      "The access token is for another audience", "invalid_token" },

    { 401, "expired",
      "invalid_token", "expired", "invalid_client",
      "The access token has expired", "invalid_token" },

    { 401, "not_yet",
      "invalid_token", "login", "invalid_client",
      "The access token is not valid yet", "invalid_token" },

    { 401, "revoked",
      "invalid_token", "login", "invalid_client",
      "The access token has been revoked", "invalid_token" },

    { 401, "client_disabled",
      "invalid_token", "login", "invalid_client",
      "The client of the access token is disabled", "invalid_token" },

    { 403, "scope",
      "insufficient_scope", "forbidden", "invalid_scope",
      "The access token lacks the scope that this needs",
      "insufficient_scope" },

    { 429, "limited",
      "rate_limit_exceeded", "throttled", "temporarily_unavailable",
      "API rate limit exceeded.", NULL },

    { 429, "failures",
      "rate_limit_exceeded", "throttled", "temporarily_unavailable",
      "Too many access tokens with a wrong signature.", NULL },

    { 503, "no_state",
      "service_unavailable", "transient", "temporarily_unavailable",
      "The service is starting", NULL },

    { 503, "stale_state",
      "service_unavailable", "transient", "temporarily_unavailable",
      "Writes are stopped for the moment", NULL },
};


/* nginx's own; `word` is not used.  error_page itself makes 400 of 495, 496 */

typedef struct {
    ngx_uint_t                  from;
    ngx_http_twocare_refusal_t  refusal;
} ngx_http_twocare_status_t;

static const ngx_http_twocare_status_t  ngx_http_twocare_statuses[] = {

    { 400, { 400, "", "invalid_request", "invalid", "invalid_request",
             "The request is malformed", NULL } },

    { 401, { 401, "", "invalid_credentials", "login", "invalid_client",
             "Credentials are required", NULL } },

    { 403, { 403, "", "insufficient_scope", "forbidden", "invalid_request",
             "This is not allowed", NULL } },

    { 404, { 404, "", "resource_not_found", "not-found", "invalid_request",
             "There is nothing at this address", NULL } },

    { 405, { 405, "", "method_not_allowed", "not-supported",
             "invalid_request", "The method is not allowed here", NULL } },

    { 406, { 406, "", "not_acceptable", "not-supported", "invalid_request",
             "No acceptable form of the answer exists", NULL } },

    { 409, { 409, "", "resource_conflict", "conflict", "invalid_request",
             "The request is in conflict with what is there", NULL } },

    { 411, { 411, "", "invalid_request", "invalid", "invalid_request",
             "The request needs a Content-Length", NULL } },

    { 412, { 412, "", "precondition_failed", "conflict", "invalid_request",
             "A precondition of the request failed", NULL } },

    { 413, { 413, "", "payload_too_large", "too-long", "invalid_request",
             "The request body is too large", NULL } },

    { 414, { 414, "", "uri_too_long", "too-long", "invalid_request",
             "The request line is too long", NULL } },

    { 415, { 415, "", "unsupported_media_type", "not-supported",
             "invalid_request", "The media type is not supported", NULL } },

    { 416, { 416, "", "invalid_request", "value", "invalid_request",
             "The range cannot be satisfied", NULL } },

    { 421, { 421, "", "invalid_request", "invalid", "invalid_request",
             "This connection is not for that host", NULL } },

    { 429, { 429, "", "rate_limit_exceeded", "throttled",
             "temporarily_unavailable", "Too many requests", NULL } },

    { 431, { 431, "", "headers_too_large", "too-long", "invalid_request",
             "The request headers are too large", NULL } },

    { 497, { 400, "", "invalid_request", "invalid", "invalid_request",
             "This port speaks HTTPS", NULL } },

    { 501, { 400, "", "invalid_request", "not-supported", "invalid_request",
             "The request uses a transfer coding that is not supported",
             NULL } },

    { 502, { 502, "", "server_error", "transient", "server_error",
             "The service did not answer", NULL } },

    { 503, { 503, "", "service_unavailable", "transient",
             "temporarily_unavailable",
             "The service is unavailable for the moment", NULL } },

    { 504, { 504, "", "server_error", "timeout", "server_error",
             "The service did not answer in time", NULL } },

    { 505, { 400, "", "invalid_request", "not-supported", "invalid_request",
             "The HTTP version is not supported", NULL } },

    { 0,   { 500, "", "server_error", "exception", "server_error",
             "The service failed", NULL } },
};


static ngx_str_t  ngx_http_twocare_types[] = {
    ngx_string("application/json"),      /* off: as json */
    ngx_string("application/json"),
    ngx_string("application/fhir+json"),
    ngx_string("application/json"),
};


const ngx_http_twocare_refusal_t *
ngx_http_twocare_refusal(ngx_http_twocare_refusal_e name)
{
    return &ngx_http_twocare_refusals[name];
}


ngx_int_t
ngx_http_twocare_error_handler(ngx_http_request_t *r)
{
    ngx_int_t                          rc;
    ngx_buf_t                         *b;
    ngx_chain_t                        out;
    ngx_http_twocare_ctx_t            *ctx;
    ngx_http_twocare_loc_conf_t       *lcf;
    const ngx_http_twocare_refusal_t  *refusal;

    ctx = ngx_http_twocare_request(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    /* as nginx does: a client that waits for "100 Continue" gets the error */

    r->expect_tested = 1;

    if (ngx_http_discard_request_body(r) != NGX_OK) {
        r->keepalive = 0;
    }

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_twocare_module);

    refusal = ngx_http_twocare_error_row(r, ctx);
    b = ngx_http_twocare_error_body(r, ctx, refusal);

    if (b == NULL
        || ngx_http_twocare_error_fields(r, ctx, refusal) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_twocare_error_status(r, refusal);

    r->headers_out.content_type = ngx_http_twocare_types[lcf->answers];
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;
    r->headers_out.content_length_n = b->last - b->pos;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    out.buf = b;
    out.next = NULL;

    return ngx_http_output_filter(r, &out);
}


/* nginx knows no reason for 431, and would send its own 494 */

static void
ngx_http_twocare_error_status(ngx_http_request_t *r,
    const ngx_http_twocare_refusal_t *refusal)
{
    if (refusal->status == 431) {
        r->err_status = 0;
        r->headers_out.status = 431;
        ngx_str_set(&r->headers_out.status_line,
                    "431 Request Header Fields Too Large");
        return;
    }

    r->err_status = refusal->status;
}


static const ngx_http_twocare_refusal_t *
ngx_http_twocare_error_row(ngx_http_request_t *r, ngx_http_twocare_ctx_t *ctx)
{
    const ngx_http_twocare_status_t  *row;

    if (ctx->refusal != NULL && ctx->refusal->status == r->err_status) {
        return ctx->refusal;
    }

    row = ngx_http_twocare_statuses;

    /* without an error this location was asked for by itself: 404 */

    while (row->from != 0
           && row->from != (r->err_status ? r->err_status : 404))
    {
        row++;
    }

    return &row->refusal;
}


static ngx_int_t
ngx_http_twocare_error_fields(ngx_http_request_t *r,
    ngx_http_twocare_ctx_t *ctx, const ngx_http_twocare_refusal_t *refusal)
{
    ngx_str_t  value;

    ngx_str_set(&value, "no-store");

    if (ngx_http_twocare_headers_add(r, "Cache-Control", &value) != NGX_OK) {
        return NGX_ERROR;
    }

    switch (refusal->status) {

    case NGX_HTTP_NOT_ALLOWED:
        return ngx_http_twocare_error_allow(r);

    case NGX_HTTP_TOO_MANY_REQUESTS:
        return ngx_http_twocare_error_number(r, "Retry-After",
                                    ngx_http_twocare_limit_retry_after(ctx));

    case NGX_HTTP_SERVICE_UNAVAILABLE:
        return ngx_http_twocare_error_number(r, "Retry-After",
                                             NGX_HTTP_TWOCARE_RETRY_AFTER);

    default:
        return NGX_OK;
    }
}


/* nginx itself refuses methods of files, and TRACE and CONNECT anywhere */

static ngx_int_t
ngx_http_twocare_error_allow(ngx_http_request_t *r)
{
    ngx_str_t  value;

    if (r->request_line.len > 1
        && (r->request_line.data[0] == 'T' || r->request_line.data[0] == 'C'))
    {
        ngx_str_set(&value, "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");

    } else {
        ngx_str_set(&value, "GET, HEAD");
    }

    return ngx_http_twocare_headers_add(r, "Allow", &value);
}


static ngx_int_t
ngx_http_twocare_error_number(ngx_http_request_t *r, const char *name,
    time_t seconds)
{
    ngx_str_t  value;

    value.data = ngx_pnalloc(r->pool, NGX_TIME_T_LEN);
    if (value.data == NULL) {
        return NGX_ERROR;
    }

    value.len = ngx_sprintf(value.data, "%T", seconds) - value.data;

    return ngx_http_twocare_headers_add(r, name, &value);
}


/* nothing in a body was chosen by the client, so nothing needs escaping */

static ngx_buf_t *
ngx_http_twocare_error_body(ngx_http_request_t *r,
    ngx_http_twocare_ctx_t *ctx, const ngx_http_twocare_refusal_t *refusal)
{
    u_char                       *p, retry[64], more[64];
    size_t                        len;
    ngx_buf_t                    *b;
    ngx_http_twocare_loc_conf_t  *lcf;

    *retry = '\0';
    *more = '\0';

    if (refusal->status == NGX_HTTP_TOO_MANY_REQUESTS) {
        p = ngx_sprintf(retry, " Please retry after %T seconds.",
                        ngx_http_twocare_limit_retry_after(ctx));
        *p = '\0';
        p = ngx_sprintf(more, ",\"retryAfter\":%T",
                        ngx_http_twocare_limit_retry_after(ctx));
        *p = '\0';
    }

    len = 256 + ngx_strlen(refusal->text) + sizeof(retry) + sizeof(more)
          + ctx->request_id.len;

    b = ngx_create_temp_buf(r->pool, len);
    if (b == NULL) {
        return NULL;
    }

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_twocare_module);

    switch (lcf->answers) {

    case NGX_HTTP_TWOCARE_ANSWERS_FHIR:
        b->last = ngx_slprintf(b->last, b->end,
                      "{\"resourceType\":\"OperationOutcome\",\"issue\":"
                      "[{\"severity\":\"error\",\"code\":\"%s\","
                      "\"details\":{\"text\":\"%s%s\"},"
                      "\"diagnostics\":\"%s %V\"}]}",
                      refusal->issue, refusal->text, retry, refusal->code,
                      &ctx->request_id);
        break;

    case NGX_HTTP_TWOCARE_ANSWERS_OAUTH:
        b->last = ngx_slprintf(b->last, b->end,
                      "{\"error\":\"%s\",\"error_description\":\"%s%s\"}",
                      refusal->oauth, refusal->text, retry);
        break;

    default:
        b->last = ngx_slprintf(b->last, b->end,
                      "{\"error\":{\"code\":\"%s\",\"message\":\"%s%s\"%s,"
                      "\"requestId\":\"%V\"}}",
                      refusal->code, refusal->text, retry, more,
                      &ctx->request_id);
        break;
    }

    b->last_buf = 1;
    b->last_in_chain = 1;

    return b;
}
