
/*
 * What a worker remembers of tokens whose signature was good, by their digest,
 * for one generation of issuer and keys.  It saves a worker from taking the
 * same token apart again and again, nothing else: times, issuer, audience,
 * scope, revocation and client are looked at on every request.  This memory is
 * the worker's own; none of it is shared.
 */


#include "ngx_http_twocare.h"


/*
 * Room for 8,192 tokens, of about 700 bytes each, taken as tokens come.  Four
 * ways, the last used first: with one way a third of 2,000 tokens would share
 * a place and drive each other out.
 */

#define NGX_HTTP_TWOCARE_MEMO_SETS  2048
#define NGX_HTTP_TWOCARE_MEMO_WAYS  4


static ngx_http_twocare_memo_t **ngx_http_twocare_memo_set(
    const u_char digest[SHA256_BYTES]);
static void ngx_http_twocare_memo_front(ngx_http_twocare_memo_t **set,
    ngx_uint_t way);
static void ngx_http_twocare_memo_move(struct str *s, struct str from,
    const u_char *to);


static ngx_http_twocare_memo_t  *
    ngx_http_twocare_memos[NGX_HTTP_TWOCARE_MEMO_SETS]
                          [NGX_HTTP_TWOCARE_MEMO_WAYS];


ngx_http_twocare_memo_t *
ngx_http_twocare_memo_recall(const u_char digest[SHA256_BYTES])
{
    ngx_uint_t                way;
    ngx_http_twocare_memo_t  *memo, **set;

    set = ngx_http_twocare_memo_set(digest);

    for (way = 0; way < NGX_HTTP_TWOCARE_MEMO_WAYS; way++) {
        memo = set[way];

        if (memo != NULL
            && ngx_memcmp(memo->digest, digest, SHA256_BYTES) == 0)
        {
            ngx_http_twocare_memo_front(set, way);
            return memo;
        }
    }

    return NULL;
}


ngx_http_twocare_memo_t *
ngx_http_twocare_memo_remember(const u_char digest[SHA256_BYTES],
    uint64_t generation, const struct jose_token *t,
    const ngx_http_twocare_claims_t *claims, ngx_log_t *log)
{
    u_char                    *p;
    ngx_uint_t                 way;
    ngx_http_twocare_memo_t   *memo, **set;
    ngx_http_twocare_claims_t *c;

    memo = ngx_alloc(sizeof(ngx_http_twocare_memo_t) + t->payload.n
                     + t->kid.n, log);
    if (memo == NULL) {
        return NULL;
    }

    ngx_memcpy(memo->digest, digest, SHA256_BYTES);
    memo->generation = generation;
    memo->holders = 1;
    memo->claims = *claims;

    p = ngx_cpymem(memo->text, t->payload.p, t->payload.n);
    ngx_memcpy(p, t->kid.p, t->kid.n);

    memo->payload = (struct str) { (const char *) memo->text, t->payload.n };
    memo->kid = (struct str) { (const char *) p, t->kid.n };

    p = ngx_sprintf(memo->digits, "%T", (time_t) claims->exp);
    memo->exp = (struct str) { (const char *) memo->digits,
                               p - memo->digits };

    c = &memo->claims;

    struct str  *claim[] = { &c->sub, &c->client_id, &c->jti, &c->scope,
                             &c->tenant, &c->gid, &c->iss, &c->aud };

    for (way = 0; way < sizeof(claim) / sizeof(claim[0]); way++) {
        ngx_http_twocare_memo_move(claim[way], t->payload, memo->text);
    }

    set = ngx_http_twocare_memo_set(digest);

    /* the same token under an older generation, or the last used */

    for (way = 0; way < NGX_HTTP_TWOCARE_MEMO_WAYS - 1; way++) {
        if (set[way] == NULL
            || ngx_memcmp(set[way]->digest, digest, SHA256_BYTES) == 0)
        {
            break;
        }
    }

    if (set[way] != NULL) {
        ngx_http_twocare_memo_release(set[way]);
    }

    set[way] = memo;
    ngx_http_twocare_memo_front(set, way);

    return memo;
}


/* a claim lies in the payload: the same place in the copy */

static void
ngx_http_twocare_memo_move(struct str *s, struct str from, const u_char *to)
{
    if (s->p != NULL) {
        s->p = (const char *) to + (s->p - from.p);
    }
}


void
ngx_http_twocare_memo_forget(void)
{
    ngx_uint_t                n, way;
    ngx_http_twocare_memo_t  *memo;

    for (n = 0; n < NGX_HTTP_TWOCARE_MEMO_SETS; n++) {
        for (way = 0; way < NGX_HTTP_TWOCARE_MEMO_WAYS; way++) {
            memo = ngx_http_twocare_memos[n][way];

            if (memo != NULL) {
                ngx_http_twocare_memo_release(memo);
                ngx_http_twocare_memos[n][way] = NULL;
            }
        }
    }
}


void
ngx_http_twocare_memo_hold(ngx_http_twocare_memo_t *memo)
{
    memo->holders++;
}


void
ngx_http_twocare_memo_release(ngx_http_twocare_memo_t *memo)
{
    if (--memo->holders == 0) {
        ngx_free(memo);
    }
}


static ngx_http_twocare_memo_t **
ngx_http_twocare_memo_set(const u_char digest[SHA256_BYTES])
{
    uint32_t  n;

    ngx_memcpy(&n, digest, sizeof(n));

    return ngx_http_twocare_memos[n % NGX_HTTP_TWOCARE_MEMO_SETS];
}


static void
ngx_http_twocare_memo_front(ngx_http_twocare_memo_t **set, ngx_uint_t way)
{
    ngx_http_twocare_memo_t  *memo;

    memo = set[way];

    for ( /* void */ ; way > 0; way--) {
        set[way] = set[way - 1];
    }

    set[0] = memo;
}


/*
 * The holder of the nodes holds the memo, so that no other one can lie at its
 * address.
 */

const struct jdoc *
ngx_http_twocare_memo_values(ngx_http_twocare_memo_t *memo)
{
    static struct jdoc               doc;
    static struct jnode              nodes[JOSE_NODES_MAX];
    static ngx_http_twocare_memo_t  *of;

    if (of == memo) {
        return &doc;
    }

    if (of != NULL) {
        ngx_http_twocare_memo_release(of);
    }

    /* it was parsed before, within the same bounds */

    (void) jdoc_parse(&doc, memo->payload, nodes, JOSE_NODES_MAX,
                      JOSE_DEPTH_MAX);

    of = memo;
    ngx_http_twocare_memo_hold(memo);

    return &doc;
}
