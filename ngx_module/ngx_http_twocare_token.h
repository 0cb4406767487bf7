
/*
 * Tokens: what their files promise each other and the rest of the module.
 *
 * A request's token is found (bearer), taken apart and remembered (memo), held
 * against the issuer that it names (issuer), whose keys come from files
 * (keyfile), and judged (token); a good signature is remembered by all workers
 * (cache).  What it may do here is asked afterwards (scope); what it says is
 * shown by variables and headers (claim, header).
 */


#ifndef _NGX_HTTP_TWOCARE_TOKEN_H_INCLUDED_
#define _NGX_HTTP_TWOCARE_TOKEN_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "base/hash.h"
#include "base/jose.h"
#include "base/str.h"

#include "ngx_http_twocare_limit.h"


/* a file with a set of keys, as this process last read it in good order */

typedef struct {
    ngx_str_t                   path;         /* NUL-terminated */
    struct jose_keys           *keys;         /* NULL: nothing read yet */
    ngx_file_uniq_t             uniq;
    struct timespec             mtime;
    off_t                       size;
    const char                 *complaint;    /* of the file as it lies there */
    unsigned                    secret:1;     /* of shared secrets: HS256 */
} ngx_http_twocare_keyfile_t;


/* who signs tokens; its are those that name it in "iss" */

typedef struct {
    ngx_str_t                   uri;
    ngx_str_t                   audience;     /* empty: twocare_audience */
    ngx_str_t                   client;       /* the claim with the client */
    ngx_array_t                 keyfiles;     /* of keyfile_t *; when there is
                                                 none: jwks.json of the state */
    uint64_t                    print;        /* of all that is said above */
    unsigned                    plain:1;      /* RFC 7519 alone */
} ngx_http_twocare_issuer_t;


/* scopes of which a token must have one, for some methods */

typedef struct {
    ngx_uint_t                  methods;      /* NGX_HTTP_*; 0: those that no
                                                 other row names */
    ngx_array_t                 scopes;       /* of ngx_str_t */
    ngx_str_t                   list;         /* the same, with blanks */
} ngx_http_twocare_scope_t;


/* the claims that the edge looks at; absent ones are empty, with p NULL */

typedef struct {
    struct str                  sub;
    struct str                  client_id;
    struct str                  jti;
    struct str                  scope;
    struct str                  tenant;
    struct str                  gid;
    struct str                  iss;
    struct str                  aud;          /* p NULL when it is a list */
    int64_t                     exp;          /* Unix seconds */
    int64_t                     iat;
    int64_t                     nbf;
} ngx_http_twocare_claims_t;


/*
 * A token whose signature was good, taken apart.  Claims and kid point into
 * its text.  It lives as long as somebody holds it: a worker's memory, and the
 * requests that came with it.
 */

typedef struct {
    uint64_t                    hash;         /* of the token's end, keyed */
    uint64_t                    generation;   /* of issuer and keys */
    ngx_uint_t                  holders;
    ngx_http_twocare_claims_t   claims;
    struct str                  kid;
    struct str                  payload;      /* JSON */
    struct str                  token;        /* as it came */
    struct str                  exp;          /* in digits */
    u_char                      digits[NGX_TIME_T_LEN];
    u_char                      text[];
} ngx_http_twocare_memo_t;


/*
 * keyfile: _add finds or makes the one of a path while the configuration is
 * read, and reads it: NULL when it cannot, which is said with file and line.
 * _refresh reads it again when it has changed and logs a complaint once.
 */

ngx_http_twocare_keyfile_t *ngx_http_twocare_keyfile_add(ngx_conf_t *cf,
    ngx_str_t *path, ngx_uint_t secret);
void ngx_http_twocare_keyfile_refresh(ngx_http_twocare_keyfile_t *file,
    ngx_log_t *log);


/*
 * issuer: of those that a location accepts.  _find goes by the exact "iss";
 * _key by the exact kid among this issuer's keys alone; NULL when there is
 * none.  _generation is another number whenever issuer or keys are others.
 * _state: the state that knows the issuer's clients and revocations, or NULL.
 */

char *ngx_http_twocare_set_issuer(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_twocare_issuers_check(ngx_conf_t *cf,
    ngx_http_twocare_loc_conf_t *conf);
ngx_http_twocare_issuer_t *ngx_http_twocare_issuer_find(
    ngx_http_twocare_loc_conf_t *lcf, struct str iss);
uint64_t ngx_http_twocare_issuer_generation(ngx_http_twocare_loc_conf_t *lcf,
    ngx_http_twocare_issuer_t *issuer);
const struct jose_key *ngx_http_twocare_issuer_key(
    ngx_http_twocare_loc_conf_t *lcf, ngx_http_twocare_issuer_t *issuer,
    struct str kid);


/*
 * memo: _recall returns what this worker remembers of a token, or NULL;
 * _remember makes and keeps a new one, NULL without memory.  Who keeps a memo
 * beyond this event holds it, and releases it.  _forget: a worker that ends
 * remembers nothing any more.
 */

ngx_http_twocare_memo_t *ngx_http_twocare_memo_recall(struct str token);
ngx_http_twocare_memo_t *ngx_http_twocare_memo_remember(struct str token,
    uint64_t generation, const struct jose_token *t,
    const ngx_http_twocare_claims_t *claims, ngx_log_t *log);
void ngx_http_twocare_memo_forget(void);
void ngx_http_twocare_memo_hold(ngx_http_twocare_memo_t *memo);
void ngx_http_twocare_memo_release(ngx_http_twocare_memo_t *memo);

/* the payload's values, valid until this is asked for another memo */

const struct jdoc *ngx_http_twocare_memo_values(ngx_http_twocare_memo_t *memo);


/* claims: those of a token that names this issuer; NGX_ERROR: malformed */

ngx_int_t ngx_http_twocare_claims_read(const struct jose_token *t,
    ngx_http_twocare_issuer_t *issuer, ngx_http_twocare_claims_t *claims);


/*
 * scope: the first of the rows that what was granted does not meet, or NULL;
 * its list is empty when there is no row for the request's method.
 */

char *ngx_http_twocare_set_scope(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
const ngx_http_twocare_scope_t *ngx_http_twocare_scope_missing(
    ngx_http_request_t *r, ngx_array_t *scopes, ngx_str_t *granted);


/* claim: $twocare_claim_NAME, and variables of twocare_claim */

ngx_int_t ngx_http_twocare_claim_add(ngx_conf_t *cf);
char *ngx_http_twocare_set_claim(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


/* header: the request's headers that are ours, for whatever upstream */

char *ngx_http_twocare_set_header(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
ngx_int_t ngx_http_twocare_headers_merge(ngx_conf_t *cf,
    ngx_http_twocare_loc_conf_t *prev, ngx_http_twocare_loc_conf_t *conf);
ngx_int_t ngx_http_twocare_preaccess_handler(ngx_http_request_t *r);
ngx_int_t ngx_http_twocare_headers_set(ngx_http_request_t *r,
    ngx_http_twocare_loc_conf_t *lcf);


/*
 * cache: whether this digest was good under this generation of keys
 */

ngx_uint_t ngx_http_twocare_cache_has(ngx_http_twocare_zone_t *zone,
    const u_char digest[SHA256_BYTES], uint64_t generation);
void ngx_http_twocare_cache_add(ngx_http_twocare_zone_t *zone,
    const u_char digest[SHA256_BYTES], uint64_t generation, time_t exp);

/* how many entries hold a living digest, estimated */

uint64_t ngx_http_twocare_cache_live(ngx_http_twocare_zone_t *zone);


#endif /* _NGX_HTTP_TWOCARE_TOKEN_H_INCLUDED_ */
