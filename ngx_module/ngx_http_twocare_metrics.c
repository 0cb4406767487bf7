
/*
 * The metrics of the status page: a table with a function for each that says
 * its samples.  Counters are sums over all workers since the zone was made;
 * what is said of a state is what this worker sees.
 *
 * Names are as Prometheus wants them: base units, counters end in _total.
 */


#include "ngx_http_twocare.h"
#include "ngx_http_twocare_status.h"


/* what a row speaks of, with its sums */

typedef struct {
    ngx_http_twocare_zone_t      *zone;
    ngx_http_twocare_counters_t   sum;
} ngx_http_twocare_subject_t;

typedef void (*ngx_http_twocare_zone_pt)(ngx_http_twocare_page_t *page,
    const ngx_http_twocare_subject_t *s);
typedef void (*ngx_http_twocare_state_pt)(ngx_http_twocare_page_t *page,
    ngx_http_twocare_state_t *state);

/* one of the two functions */

typedef struct {
    const char                   *name;
    const char                   *type;
    const char                   *help;
    ngx_http_twocare_zone_pt      zone;
    ngx_http_twocare_state_pt     state;
} ngx_http_twocare_metric_t;


static void ngx_http_twocare_metrics_say(ngx_http_twocare_page_t *page,
    const ngx_http_twocare_subject_t *s, const char *name, const char *value,
    const char *name2, const char *value2, uint64_t n);


#define ngx_http_twocare_word(s)                                              \
    { ngx_strlen(s), (u_char *) (s) }

static const char  *ngx_http_twocare_keys[] = {
    "client",                        /* NGX_HTTP_TWOCARE_CLIENTS */
    "address"                        /* NGX_HTTP_TWOCARE_ADDRESSES */
};


static void
ngx_http_twocare_metrics_requests(ngx_http_twocare_page_t *page,
    const ngx_http_twocare_subject_t *s)
{
    ngx_uint_t  which, i, n;

    static const char  *verdicts[] = { "passed", "refused" };

    for (which = 0; which < 2; which++) {

        n = (which == NGX_HTTP_TWOCARE_PASSED)
            ? NGX_HTTP_TWOCARE_REASON_NONE + 1 : NGX_HTTP_TWOCARE_REFUSAL__MAX;

        for (i = 0; i < n; i++) {
            ngx_http_twocare_metrics_say(page, s, "verdict", verdicts[which],
                "reason",
                (i == NGX_HTTP_TWOCARE_REASON_OK) ? "ok"
                : (i == NGX_HTTP_TWOCARE_REASON_NONE) ? "none"
                : ngx_http_twocare_refusal(i)->word,
                s->sum.requests[which][i]);
        }
    }
}


static void
ngx_http_twocare_metrics_lookups(ngx_http_twocare_page_t *page,
    const ngx_http_twocare_subject_t *s)
{
    ngx_http_twocare_metrics_say(page, s, "result", "remembered", NULL, NULL,
                                 s->sum.cache_remembered);
    ngx_http_twocare_metrics_say(page, s, "result", "hit", NULL, NULL,
                                 s->sum.cache_hits);
    ngx_http_twocare_metrics_say(page, s, "result", "miss", NULL, NULL,
                                 s->sum.cache_misses);
}


static void
ngx_http_twocare_metrics_evictions(ngx_http_twocare_page_t *page,
    const ngx_http_twocare_subject_t *s)
{
    ngx_http_twocare_metrics_say(page, s, NULL, NULL, NULL, NULL,
                                 s->sum.cache_evictions);
}


static void
ngx_http_twocare_metrics_digests(ngx_http_twocare_page_t *page,
    const ngx_http_twocare_subject_t *s)
{
    ngx_http_twocare_metrics_say(page, s, NULL, NULL, NULL, NULL,
                                 ngx_http_twocare_cache_live(s->zone));
}


static void
ngx_http_twocare_metrics_digest_slots(ngx_http_twocare_page_t *page,
    const ngx_http_twocare_subject_t *s)
{
    ngx_http_twocare_metrics_say(page, s, NULL, NULL, NULL, NULL,
                                 s->zone->sh->nentries);
}


static void
ngx_http_twocare_metrics_verified(ngx_http_twocare_page_t *page,
    const ngx_http_twocare_subject_t *s)
{
    ngx_uint_t  i;

    for (i = JOSE_ALG_NONE + 1; i < JOSE_ALG__MAX; i++) {
        ngx_http_twocare_metrics_say(page, s, "algorithm", jose_alg_name(i),
                                     "result", "good",
                                     s->sum.verified[i].good);
        ngx_http_twocare_metrics_say(page, s, "algorithm", jose_alg_name(i),
                                     "result", "wrong",
                                     s->sum.verified[i].wrong);
    }
}


static void
ngx_http_twocare_metrics_verifying(ngx_http_twocare_page_t *page,
    const ngx_http_twocare_subject_t *s)
{
    ngx_uint_t  i;

    for (i = JOSE_ALG_NONE + 1; i < JOSE_ALG__MAX; i++) {

        const ngx_http_twocare_label_t  labels[] = {
            { "zone", s->zone->shm_zone->shm.name },
            { "algorithm", ngx_http_twocare_word(jose_alg_name(i)) },
            { NULL, ngx_null_string }
        };

        ngx_http_twocare_status_seconds(page, labels, s->sum.verified[i].ns);
    }
}


/* a count of a zone, or two: of clients and of addresses */

#define NGX_HTTP_TWOCARE_METRIC_OF_BOTH(member)                               \
                                                                              \
static void                                                                   \
ngx_http_twocare_metrics_##member(ngx_http_twocare_page_t *page,              \
    const ngx_http_twocare_subject_t *s)                                      \
{                                                                             \
    ngx_uint_t  i;                                                            \
                                                                              \
    for (i = 0; i < 2; i++) {                                                 \
        ngx_http_twocare_metrics_say(page, s, "key",                          \
            ngx_http_twocare_keys[i], NULL, NULL, s->sum.limits.member[i]);   \
    }                                                                         \
}

#define NGX_HTTP_TWOCARE_METRIC_OF_ONE(member)                                \
                                                                              \
static void                                                                   \
ngx_http_twocare_metrics_##member(ngx_http_twocare_page_t *page,              \
    const ngx_http_twocare_subject_t *s)                                      \
{                                                                             \
    ngx_http_twocare_metrics_say(page, s, NULL, NULL, NULL, NULL,             \
                                 s->sum.limits.member);                       \
}

NGX_HTTP_TWOCARE_METRIC_OF_BOTH(overflows)
NGX_HTTP_TWOCARE_METRIC_OF_BOTH(passed)
NGX_HTTP_TWOCARE_METRIC_OF_ONE(dry_run)
NGX_HTTP_TWOCARE_METRIC_OF_ONE(refunds)
NGX_HTTP_TWOCARE_METRIC_OF_ONE(failures)
NGX_HTTP_TWOCARE_METRIC_OF_ONE(old_state)
NGX_HTTP_TWOCARE_METRIC_OF_ONE(timeouts)


static void
ngx_http_twocare_metrics_limited(ngx_http_twocare_page_t *page,
    const ngx_http_twocare_subject_t *s)
{
    ngx_uint_t  i;

    for (i = 0; i < 2; i++) {
        ngx_http_twocare_metrics_say(page, s, "key", ngx_http_twocare_keys[i],
                                     "window", "minute",
                                     s->sum.limits.minute[i]);
        ngx_http_twocare_metrics_say(page, s, "key", ngx_http_twocare_keys[i],
                                     "window", "hour",
                                     s->sum.limits.hour[i]);
    }
}


static void
ngx_http_twocare_metrics_live(ngx_http_twocare_page_t *page,
    const ngx_http_twocare_subject_t *s)
{
    uint64_t  slots;

    ngx_http_twocare_metrics_say(page, s, "key", "client", NULL, NULL,
             ngx_http_twocare_table_live(&s->zone->sh->clients, &slots));
    ngx_http_twocare_metrics_say(page, s, "key", "address", NULL, NULL,
             ngx_http_twocare_table_live(&s->zone->sh->addresses, &slots));
}


static void
ngx_http_twocare_metrics_slots(ngx_http_twocare_page_t *page,
    const ngx_http_twocare_subject_t *s)
{
    ngx_http_twocare_metrics_say(page, s, "key", "client", NULL, NULL,
                     s->zone->sh->clients.nsets * NGX_HTTP_TWOCARE_WAYS);
    ngx_http_twocare_metrics_say(page, s, "key", "address", NULL, NULL,
                     s->zone->sh->addresses.nsets * NGX_HTTP_TWOCARE_WAYS);
}


/* --- states --------------------------------------------------------------- */


static void
ngx_http_twocare_metrics_of_state(ngx_http_twocare_page_t *page,
    ngx_http_twocare_state_t *state, const char *file, uint64_t n)
{
    const ngx_http_twocare_label_t  labels[] = {
        { "state", state->dir },
        { file ? "file" : NULL, ngx_http_twocare_word(file ? file : "") },
        { NULL, ngx_null_string }
    };

    ngx_http_twocare_status_sample(page, labels, n);
}


static void
ngx_http_twocare_metrics_ready(ngx_http_twocare_page_t *page,
    ngx_http_twocare_state_t *state)
{
    ngx_http_twocare_metrics_of_state(page, state, NULL,
                                      ngx_http_twocare_state_ready(state));
}


/* one that was never touched has no age */

static void
ngx_http_twocare_metrics_age(ngx_http_twocare_page_t *page,
    ngx_http_twocare_state_t *state)
{
    if (state->touched != 0) {
        ngx_http_twocare_metrics_of_state(page, state, NULL,
                                          ngx_http_twocare_state_age(state));
    }
}


static void
ngx_http_twocare_metrics_bad(ngx_http_twocare_page_t *page,
    ngx_http_twocare_state_t *state)
{
    ngx_uint_t  i;

    static const char  *files[] = { "clients.map", "revoked.map", "alive" };

    ngx_http_twocare_metrics_of_state(page, state, "jwks.json",
                                      state->jwks.complaint != NULL);

    for (i = 0; i < 3; i++) {
        ngx_http_twocare_metrics_of_state(page, state, files[i],
                                          state->complaint[i] != NULL);
    }
}


static void
ngx_http_twocare_metrics_records(ngx_http_twocare_page_t *page,
    ngx_http_twocare_state_t *state)
{
    ngx_http_twocare_metrics_of_state(page, state, "jwks.json",
        state->jwks.keys ? jose_keys_count(state->jwks.keys) : 0);
    ngx_http_twocare_metrics_of_state(page, state, "clients.map",
        state->clients.header ? state->clients.header->count : 0);
    ngx_http_twocare_metrics_of_state(page, state, "revoked.map",
        state->revoked.header ? state->revoked.header->count : 0);
}


/* --- all ------------------------------------------------------------------ */


static const ngx_http_twocare_metric_t  ngx_http_twocare_metrics[] = {

    { "twocare_edge_requests_total", "counter",
      "Requests by what they were answered, and what was said of their token",
      ngx_http_twocare_metrics_requests, NULL },

    { "twocare_edge_token_lookups_total", "counter",
      "Tokens known to the worker, to the zone, or to neither",
      ngx_http_twocare_metrics_lookups, NULL },

    { "twocare_edge_token_evictions_total", "counter",
      "Digests of living tokens that had to give way",
      ngx_http_twocare_metrics_evictions, NULL },

    { "twocare_edge_tokens", "gauge",
      "Digests of living tokens in the zone, estimated",
      ngx_http_twocare_metrics_digests, NULL },

    { "twocare_edge_token_slots", "gauge",
      "Digests that the zone has room for",
      ngx_http_twocare_metrics_digest_slots, NULL },

    { "twocare_edge_verifications_total", "counter",
      "Signatures that were computed",
      ngx_http_twocare_metrics_verified, NULL },

    { "twocare_edge_verification_seconds_total", "counter",
      "Time that computing signatures took",
      ngx_http_twocare_metrics_verifying, NULL },

    { "twocare_edge_limited_total", "counter",
      "Requests refused by a window",
      ngx_http_twocare_metrics_limited, NULL },

    { "twocare_edge_limit_dry_runs_total", "counter",
      "Requests that would have been refused but for a dry run",
      ngx_http_twocare_metrics_dry_run, NULL },

    { "twocare_edge_limit_refunds_total", "counter",
      "Requests answered by 304 and given back",
      ngx_http_twocare_metrics_refunds, NULL },

    { "twocare_edge_limit_failures_total", "counter",
      "Tokens refused unverified: too many wrong signatures from there",
      ngx_http_twocare_metrics_failures, NULL },

    { "twocare_edge_limit_overflows_total", "counter",
      "Requests that asked a shared window because a set was full",
      ngx_http_twocare_metrics_overflows, NULL },

    { "twocare_edge_limit_uncounted_total", "counter",
      "Requests let through a full shared window, uncounted",
      ngx_http_twocare_metrics_passed, NULL },

    { "twocare_edge_limit_keys", "gauge",
      "Keys with open windows, estimated",
      ngx_http_twocare_metrics_live, NULL },

    { "twocare_edge_limit_slots", "gauge",
      "Keys that the zone has room for",
      ngx_http_twocare_metrics_slots, NULL },

    { "twocare_edge_old_state_requests_total", "counter",
      "Requests judged by a state older than ten seconds",
      ngx_http_twocare_metrics_old_state, NULL },

    { "twocare_edge_timeouts_total", "counter",
      "Connections closed because the client was too slow",
      ngx_http_twocare_metrics_timeouts, NULL },

    { "twocare_edge_state_ready", "gauge",
      "Whether all files of the state have been read",
      NULL, ngx_http_twocare_metrics_ready },

    { "twocare_edge_state_age_seconds", "gauge",
      "Seconds since jobs last kept the state up",
      NULL, ngx_http_twocare_metrics_age },

    { "twocare_edge_state_bad", "gauge",
      "Whether the file as it lies there was refused (1)",
      NULL, ngx_http_twocare_metrics_bad },

    { "twocare_edge_state_records", "gauge",
      "Keys, clients, revocations in use",
      NULL, ngx_http_twocare_metrics_records },
};


void
ngx_http_twocare_metrics_write(ngx_http_twocare_page_t *page,
    ngx_http_twocare_main_conf_t *tmcf)
{
    ngx_uint_t                         i, n;
    ngx_http_twocare_zone_t          **zone;
    ngx_http_twocare_state_t         **state;
    ngx_http_twocare_subject_t        *s;
    const ngx_http_twocare_metric_t   *m;

    zone = tmcf->zones.elts;
    state = tmcf->states.elts;

    s = ngx_palloc(page->pool, (tmcf->zones.nelts + 1)
                               * sizeof(ngx_http_twocare_subject_t));
    if (s == NULL) {
        page->failed = 1;
        return;
    }

    for (n = 0; n < tmcf->zones.nelts; n++) {
        s[n].zone = zone[n];
        ngx_http_twocare_counters_sum(zone[n], &s[n].sum);
    }

    for (i = 0;
         i < sizeof(ngx_http_twocare_metrics)
             / sizeof(ngx_http_twocare_metrics[0]);
         i++)
    {
        m = &ngx_http_twocare_metrics[i];

        ngx_http_twocare_status_metric(page, m->name, m->type, m->help);

        for (n = 0; m->zone != NULL && n < tmcf->zones.nelts; n++) {
            m->zone(page, &s[n]);
        }

        for (n = 0; m->state != NULL && n < tmcf->states.nelts; n++) {
            m->state(page, state[n]);
        }
    }
}


/* a sample of a zone, with up to two more labels */

static void
ngx_http_twocare_metrics_say(ngx_http_twocare_page_t *page,
    const ngx_http_twocare_subject_t *s, const char *name, const char *value,
    const char *name2, const char *value2, uint64_t n)
{
    const ngx_http_twocare_label_t  labels[] = {
        { "zone", s->zone->shm_zone->shm.name },
        { name, ngx_http_twocare_word(value ? value : "") },
        { name2, ngx_http_twocare_word(value2 ? value2 : "") },
        { NULL, ngx_null_string }
    };

    ngx_http_twocare_status_sample(page, labels, n);
}
