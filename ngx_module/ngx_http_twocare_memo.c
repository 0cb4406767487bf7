
/*
 * What a worker remembers of tokens whose signature was good, for one
 * generation of issuer and keys.  It saves a worker from taking the same token
 * apart again and again, nothing else: times, issuer, audience, scope,
 * revocation and client are looked at on every request.  This memory is the
 * worker's own; none of it is shared.
 *
 * A token is found by the keyed hash of its end, which lies in the signature,
 * and is the same when all of it is: that costs less than a digest.  Tokens
 * that come with a good signature only are compared with, and only after
 * their hash agrees, so a stranger who does not know the last 192 bits of a
 * signature learns nothing from the time that a comparison takes.
 */


#include "ngx_http_twocare.h"


/*
 * Room for 8,192 tokens, of about 1.5 kB each, taken as tokens come.  Four
 * ways, the last used first: with one way a third of 2,000 tokens would share
 * a place and drive each other out.
 */

#define NGX_HTTP_TWOCARE_MEMO_SETS  2048
#define NGX_HTTP_TWOCARE_MEMO_WAYS  4

#define NGX_HTTP_TWOCARE_MEMO_TAIL  32    /* characters of base64url */


static uint64_t ngx_http_twocare_memo_hash(struct str token);
static ngx_uint_t ngx_http_twocare_memo_is(const ngx_http_twocare_memo_t *memo,
    uint64_t hash, struct str token);
static ngx_http_twocare_memo_t **ngx_http_twocare_memo_set(uint64_t hash);
static void ngx_http_twocare_memo_front(ngx_http_twocare_memo_t **set,
    ngx_uint_t way);
static ngx_http_twocare_memo_t *ngx_http_twocare_memo_make(struct str token,
    const struct jose_token *t, const ngx_http_twocare_claims_t *claims,
    ngx_log_t *log);
static struct str ngx_http_twocare_memo_copy(u_char **p, struct str s);
static void ngx_http_twocare_memo_move(struct str *s, struct str from,
    const u_char *to);
static void ngx_http_twocare_memo_put(ngx_http_twocare_memo_t *memo);


static ngx_http_twocare_memo_t  *
    ngx_http_twocare_memos[NGX_HTTP_TWOCARE_MEMO_SETS]
                          [NGX_HTTP_TWOCARE_MEMO_WAYS];


ngx_http_twocare_memo_t *
ngx_http_twocare_memo_recall(struct str token)
{
    uint64_t                  hash;
    ngx_uint_t                way;
    ngx_http_twocare_memo_t **set;

    hash = ngx_http_twocare_memo_hash(token);
    set = ngx_http_twocare_memo_set(hash);

    for (way = 0; way < NGX_HTTP_TWOCARE_MEMO_WAYS; way++) {
        if (set[way] != NULL
            && ngx_http_twocare_memo_is(set[way], hash, token))
        {
            ngx_http_twocare_memo_front(set, way);
            return set[0];
        }
    }

    return NULL;
}


ngx_http_twocare_memo_t *
ngx_http_twocare_memo_remember(struct str token, uint64_t generation,
    const struct jose_token *t, const ngx_http_twocare_claims_t *claims,
    ngx_log_t *log)
{
    ngx_http_twocare_memo_t  *memo;

    memo = ngx_http_twocare_memo_make(token, t, claims, log);
    if (memo == NULL) {
        return NULL;
    }

    memo->generation = generation;
    ngx_http_twocare_memo_put(memo);

    return memo;
}


static ngx_http_twocare_memo_t *
ngx_http_twocare_memo_make(struct str token, const struct jose_token *t,
    const ngx_http_twocare_claims_t *claims, ngx_log_t *log)
{
    u_char                    *p;
    ngx_uint_t                 i;
    ngx_http_twocare_memo_t   *memo;
    ngx_http_twocare_claims_t *c;

    memo = ngx_alloc(sizeof(ngx_http_twocare_memo_t) + t->payload.n
                     + t->kid.n + token.n, log);
    if (memo == NULL) {
        return NULL;
    }

    memo->hash = ngx_http_twocare_memo_hash(token);
    memo->holders = 1;
    memo->claims = *claims;

    p = memo->text;
    memo->payload = ngx_http_twocare_memo_copy(&p, t->payload);
    memo->kid = ngx_http_twocare_memo_copy(&p, t->kid);
    memo->token = ngx_http_twocare_memo_copy(&p, token);

    p = ngx_sprintf(memo->digits, "%T", (time_t) claims->exp);
    memo->exp = (struct str) { (const char *) memo->digits,
                               p - memo->digits };

    c = &memo->claims;

    struct str  *claim[] = { &c->sub, &c->client_id, &c->jti, &c->scope,
                             &c->tenant, &c->gid, &c->iss, &c->aud };

    for (i = 0; i < sizeof(claim) / sizeof(claim[0]); i++) {
        ngx_http_twocare_memo_move(claim[i], t->payload, memo->text);
    }

    return memo;
}


static struct str
ngx_http_twocare_memo_copy(u_char **p, struct str s)
{
    struct str  copy;

    copy = (struct str) { (const char *) *p, s.n };
    *p = ngx_cpymem(*p, s.p, s.n);

    return copy;
}


/* a claim lies in the payload: the same place in the copy */

static void
ngx_http_twocare_memo_move(struct str *s, struct str from, const u_char *to)
{
    if (s->p != NULL) {
        s->p = (const char *) to + (s->p - from.p);
    }
}


/* in the place of the same token under an older generation, or the last used */

static void
ngx_http_twocare_memo_put(ngx_http_twocare_memo_t *memo)
{
    ngx_uint_t                way;
    ngx_http_twocare_memo_t **set;

    set = ngx_http_twocare_memo_set(memo->hash);

    for (way = 0; way < NGX_HTTP_TWOCARE_MEMO_WAYS - 1; way++) {
        if (set[way] == NULL
            || ngx_http_twocare_memo_is(set[way], memo->hash, memo->token))
        {
            break;
        }
    }

    if (set[way] != NULL) {
        ngx_http_twocare_memo_release(set[way]);
    }

    set[way] = memo;
    ngx_http_twocare_memo_front(set, way);
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


/* under a key of this worker's */

static uint64_t
ngx_http_twocare_memo_hash(struct str token)
{
    size_t                     n;
    static ngx_uint_t          keyed;
    static struct siphash_key  key;

    if (!keyed) {
        random_bytes(&key, sizeof(key));
        keyed = 1;
    }

    n = ngx_min(token.n, NGX_HTTP_TWOCARE_MEMO_TAIL);

    return siphash(key, (struct str) { token.p + token.n - n, n });
}


static ngx_uint_t
ngx_http_twocare_memo_is(const ngx_http_twocare_memo_t *memo, uint64_t hash,
    struct str token)
{
    return memo->hash == hash && str_eq(memo->token, token);
}


static ngx_http_twocare_memo_t **
ngx_http_twocare_memo_set(uint64_t hash)
{
    return ngx_http_twocare_memos[hash % NGX_HTTP_TWOCARE_MEMO_SETS];
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
