
/*
 * The edge of 2care: what the files of this module promise each other.
 *
 * One request: the access handler (access) asks for a verdict on the bearer
 * token (token, which looks into claims, cache and state), then takes from the
 * windows of the client or of the address (limit).  What was found is kept in
 * the request's context (request), shown by variables, by the header filter
 * (headers) and, when nginx or we refuse, by the content handler of the error
 * location (error).
 *
 * Three rules: location configuration is constant while requests run; shared
 * memory (zone) holds neither token nor claim, only digests and counts; no
 * signature is checked and nothing is allocated while a lock is held.
 */


#ifndef _NGX_HTTP_TWOCARE_H_INCLUDED_
#define _NGX_HTTP_TWOCARE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "base/code.h"
#include "base/hash.h"
#include "base/jose.h"
#include "base/state.h"
#include "base/str.h"

#include "ngx_http_twocare_counters.h"
#include "ngx_http_twocare_limit.h"
#include "ngx_http_twocare_token.h"


/* how errors are said, and whether the module answers for a place at all */

#define NGX_HTTP_TWOCARE_ANSWERS_OFF    0
#define NGX_HTTP_TWOCARE_ANSWERS_JSON   1   /* {"error":{...}} */
#define NGX_HTTP_TWOCARE_ANSWERS_FHIR   2   /* OperationOutcome */
#define NGX_HTTP_TWOCARE_ANSWERS_OAUTH  3   /* RFC 6749 5.2 */

#define NGX_HTTP_TWOCARE_AUTH_OFF       0
#define NGX_HTTP_TWOCARE_AUTH_ON        1
#define NGX_HTTP_TWOCARE_AUTH_OPTIONAL  2   /* a bad token is as none */

#define NGX_HTTP_TWOCARE_ID_CHARS       (sizeof("req_") - 1 + BASE32_ID_CHARS)

/* seconds a client is asked to wait when the edge or the backend is away */

#define NGX_HTTP_TWOCARE_RETRY_AFTER    5


/* --- shared memory -------------------------------------------------------- */


/*
 * One digest that was good.  Readers take no lock: they copy the words between
 * two equal, even values of seq.  Writers hold the zone's mutex; one that was
 * killed leaves seq odd, which reads as a miss until somebody writes again.
 */

typedef struct {
    uint64_t                    seq;
    uint64_t                    digest[SHA256_BYTES / 8];
    uint64_t                    exp;          /* Unix seconds */
    uint64_t                    generation;   /* jose_keys_generation() */
    uint64_t                    reserved;
} ngx_http_twocare_entry_t;


typedef struct {
    uint64_t                    magic;
    uint64_t                    version;
    ngx_http_twocare_counters_t *counters;    /* slot of the first worker */
    struct siphash_key          key;          /* of the window keys */
    uint64_t                    wall_ms;      /* wall - monotonic clock */
    ngx_http_twocare_entry_t   *entries;
    uint64_t                    nentries;
    ngx_http_twocare_table_t    clients;      /* only good tokens get in */
    ngx_http_twocare_table_t    addresses;    /* anybody gets in */
} ngx_http_twocare_shared_t;


struct ngx_http_twocare_zone_s {
    ngx_shm_zone_t             *shm_zone;
    ngx_slab_pool_t            *shpool;
    ngx_http_twocare_shared_t  *sh;
    time_t                      warned;       /* of an overflow, per worker */
};


/* --- what a worker knows -------------------------------------------------- */


/* one state directory; files and age as this worker last saw them */

typedef struct {
    ngx_str_t                   dir;          /* NUL-terminated */
    ngx_str_t                   clients_map;  /* the paths, too */
    ngx_str_t                   revoked_map;
    ngx_str_t                   alive;

    ngx_http_twocare_keyfile_t  jwks;
    struct state_map            clients;
    struct state_map            revoked;
    time_t                      touched;      /* mtime of alive */

    const char                 *complaint[3]; /* logged once each */
    ngx_event_t                 timer;
    unsigned                    old:1;        /* and that was logged */
} ngx_http_twocare_state_t;


typedef struct {
    ngx_array_t                 states;       /* of state_t pointers */
    ngx_array_t                 zones;        /* of zone_t pointers */
    ngx_array_t                 groups;       /* of group_t pointers */
    ngx_array_t                 keyfiles;     /* of keyfile_t pointers */
    ngx_event_t                 timer;        /* looks at these */
    unsigned                    sets_headers:1;
} ngx_http_twocare_main_conf_t;


struct ngx_http_twocare_loc_conf_s {
    ngx_uint_t                  answers;
    ngx_uint_t                  auth;
    ngx_flag_t                  limit;
    ngx_http_twocare_zone_t    *zone;
    ngx_http_twocare_state_t   *state;
    ngx_array_t                *issuers;      /* of issuer_t pointers */
    ngx_str_t                   audience;
    ngx_array_t                *scopes;       /* of scope_t */
    ngx_array_t                *headers;      /* of header_t */
    ngx_http_twocare_quota_t    address;
    ngx_http_twocare_quota_t    standard;
    ngx_http_twocare_limits_t   limits;
    time_t                      leeway;
    time_t                      state_max_age;
    ngx_uint_t                  form;         /* of twocare_status */
};


/* --- one request ---------------------------------------------------------- */


/* a way to refuse: a row of the table in ngx_http_twocare_error.c */

typedef struct {
    ngx_uint_t                  status;
    const char                 *word;         /* $twocare_status */
    const char                 *code;         /* error.code */
    const char                 *issue;        /* R4 issue-type */
    const char                 *oauth;        /* RFC 6749 5.2 */
    const char                 *text;
    const char                 *bearer;       /* RFC 6750 3.1, or NULL */
} ngx_http_twocare_refusal_t;


struct ngx_http_twocare_ctx_s {
    ngx_http_request_t         *request;
    ngx_str_t                   request_id;
    ngx_str_t                   method;       /* as the client sent it */
    ngx_str_t                   path;         /* decoded, without query */

    /* set by an accepted token, whose memo they point into; else empty */
    ngx_http_twocare_memo_t    *memo;
    ngx_str_t                   client_id;
    ngx_str_t                   sub;
    ngx_str_t                   tenant;
    ngx_str_t                   scope;
    ngx_str_t                   jti;
    ngx_str_t                   exp;          /* Unix seconds, in digits */
    uint64_t                    window_key;
    ngx_http_twocare_quota_t    quota;

    const ngx_http_twocare_refusal_t  *refusal;
    const ngx_http_twocare_refusal_t  *verdict;   /* of the token */
    ngx_http_twocare_taken_t    taken;
    time_t                      failures_left;    /* until a new budget */

    unsigned                    judged:1;     /* the token was looked at */
    unsigned                    accepted:1;   /* and is good */
    unsigned                    counted:1;    /* the windows were asked */

    u_char                      id[NGX_HTTP_TWOCARE_ID_CHARS];
};


static ngx_inline struct str
ngx_http_twocare_str(ngx_str_t s)
{
    return (struct str) { (const char *) s.data, s.len };
}


/*
 * module: the configuration
 */

extern ngx_module_t  ngx_http_twocare_module;


/*
 * directives: setters for the table of the module, and checks of its times
 */

char *ngx_http_twocare_set_zone(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_twocare_set_state(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_twocare_set_error(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_twocare_check_leeway(ngx_conf_t *cf, void *post, void *data);
char *ngx_http_twocare_check_age(ngx_conf_t *cf, void *post, void *data);


/*
 * zone: the preallocated tables
 */

ngx_int_t ngx_http_twocare_zone_init(ngx_shm_zone_t *shm_zone, void *data);


/*
 * state: one look at the directory; whether it can be relied on
 */

void ngx_http_twocare_state_refresh(ngx_http_twocare_state_t *state,
    ngx_log_t *log);
void ngx_http_twocare_state_close(ngx_http_twocare_state_t *state);
ngx_uint_t ngx_http_twocare_state_ready(ngx_http_twocare_state_t *state);
time_t ngx_http_twocare_state_age(ngx_http_twocare_state_t *state);


/*
 * token: the verdict on the request's bearer token.  Returns NULL when it is
 * good, and ctx then has its claims; a row of the refusals otherwise.
 */

const ngx_http_twocare_refusal_t *ngx_http_twocare_token_judge(
    ngx_http_request_t *r, ngx_http_twocare_loc_conf_t *lcf,
    ngx_http_twocare_ctx_t *ctx);
uint64_t ngx_http_twocare_token_windows(ngx_http_twocare_loc_conf_t *lcf,
    struct str client_id, ngx_http_twocare_quota_t *quota);


/*
 * request: the context, kept over internal redirects; NULL only when there is
 * no memory (or, with _find, no context yet)
 */

ngx_http_twocare_ctx_t *ngx_http_twocare_request_find(ngx_http_request_t *r);
ngx_http_twocare_ctx_t *ngx_http_twocare_request(ngx_http_request_t *r);
ngx_int_t ngx_http_twocare_post_read_handler(ngx_http_request_t *r);


/*
 * access: token, then windows
 */

ngx_int_t ngx_http_twocare_access_handler(ngx_http_request_t *r);


/*
 * error: the refusals by name, and the content handler of error locations
 */

typedef enum {
    NGX_HTTP_TWOCARE_NO_TOKEN = 0,
    NGX_HTTP_TWOCARE_OTHER_SCHEME,
    NGX_HTTP_TWOCARE_TWO_TOKENS,
    NGX_HTTP_TWOCARE_MALFORMED,
    NGX_HTTP_TWOCARE_TOKEN_TOO_LARGE,
    NGX_HTTP_TWOCARE_ALGORITHM,
    NGX_HTTP_TWOCARE_TYPE,
    NGX_HTTP_TWOCARE_CRITICAL,
    NGX_HTTP_TWOCARE_UNKNOWN_KEY,
    NGX_HTTP_TWOCARE_BAD_SIGNATURE,
    NGX_HTTP_TWOCARE_BAD_CLAIM,
    NGX_HTTP_TWOCARE_WRONG_ISSUER,
    NGX_HTTP_TWOCARE_WRONG_AUDIENCE,
    NGX_HTTP_TWOCARE_EXPIRED,
    NGX_HTTP_TWOCARE_NOT_YET,
    NGX_HTTP_TWOCARE_REVOKED,
    NGX_HTTP_TWOCARE_CLIENT_DISABLED,
    NGX_HTTP_TWOCARE_SCOPE,
    NGX_HTTP_TWOCARE_LIMITED,
    NGX_HTTP_TWOCARE_FAILURES,
    NGX_HTTP_TWOCARE_NO_STATE,
    NGX_HTTP_TWOCARE_STALE_STATE,
    NGX_HTTP_TWOCARE_REFUSAL__MAX
} ngx_http_twocare_refusal_e;

/* no refusal: good so far */

#define NGX_HTTP_TWOCARE_GOOD  NGX_HTTP_TWOCARE_REFUSAL__MAX

/* why requests passed, beyond the refusals that optional tokens met */

#define NGX_HTTP_TWOCARE_REASON_OK    NGX_HTTP_TWOCARE_REFUSAL__MAX
#define NGX_HTTP_TWOCARE_REASON_NONE  (NGX_HTTP_TWOCARE_REFUSAL__MAX + 1)

const ngx_http_twocare_refusal_t *ngx_http_twocare_refusal(
    ngx_http_twocare_refusal_e name);
ngx_int_t ngx_http_twocare_error_handler(ngx_http_request_t *r);


/*
 * bearer: the request's one token, which points into its header
 */

ngx_http_twocare_refusal_e ngx_http_twocare_bearer_get(ngx_http_request_t *r,
    struct str *token);


/*
 * headers: the header filter
 */

void ngx_http_twocare_headers_init(void);
ngx_int_t ngx_http_twocare_headers_add(ngx_http_request_t *r,
    const char *name, ngx_str_t *value);


/*
 * variables: $twocare_*
 */

ngx_int_t ngx_http_twocare_variables_add(ngx_conf_t *cf);


#endif /* _NGX_HTTP_TWOCARE_H_INCLUDED_ */
