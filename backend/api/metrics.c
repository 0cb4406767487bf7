/* What this node counted, as Prometheus reads it. */

#include "api/metrics.h"

#include "base/buf.h"
#include "base/metrics.h"
#include "base/when.h"
#include "queries.h"
#include "wire/pg.h"

#define MEDIA_PROMETHEUS	"text/plain; version=0.0.4; charset=utf-8"

#define SECONDS(us)		((double)(us) / US_PER_SECOND)

static void
head(struct buf *b, const char *name, const char *type, const char *help)
{
	buf_addf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* --- requests ------------------------------------------------------------- */

/* The labels of a row of the table of routes; the last place is "none". */
static struct str
labels(struct ctx *ctx, size_t i)
{
	if (i >= routes_count)
		return STR("route=\"none\",method=\"any\"");
	return arena_printf(ctx->arena, "route=\"%s\",method=\"%s\"",
	    routes[i].path, http_method_name(routes[i].method));
}

static uint64_t
requests_of(const struct metrics_route *r)
{
	uint64_t n = 0;

	for (size_t i = 0; i < METRICS_CLASSES; i++)
		n += r->status[i];
	return n;
}

static void
show_statuses(struct buf *b, struct str labels,
    const struct metrics_route *r)
{
	for (size_t i = 0; i < METRICS_CLASSES; i++)
		if (r->status[i] > 0)
			buf_addf(b, "twocare_http_requests_total{%.*s,"
			    "status=\"%zuxx\"} %llu\n", STR_ARGS(labels),
			    i + 1, (unsigned long long)r->status[i]);
}

static void
show_times(struct buf *b, struct str labels, const struct metrics_route *r)
{
	const char *name = "twocare_http_request_seconds";
	unsigned long long n = 0;

	for (size_t i = 0; i < METRICS_BUCKETS - 1; i++) {
		n += r->time.bucket[i];
		buf_addf(b, "%s_bucket{%.*s,le=\"%g\"} %llu\n", name,
		    STR_ARGS(labels), SECONDS(metrics_bounds_us[i]), n);
	}
	n += r->time.bucket[METRICS_BUCKETS - 1];
	buf_addf(b, "%s_bucket{%.*s,le=\"+Inf\"} %llu\n", name,
	    STR_ARGS(labels), n);
	buf_addf(b, "%s_sum{%.*s} %.6f\n%s_count{%.*s} %llu\n", name,
	    STR_ARGS(labels), SECONDS(r->time.sum_us), name, STR_ARGS(labels),
	    n);
}

/* Rows that were never asked are left out. */
static void
show_routes(struct ctx *ctx, struct buf *b)
{
	head(b, "twocare_http_requests_total", "counter",
	    "Requests that workers answered.");
	for (size_t i = 0; i < METRICS_ROUTES; i++)
		show_statuses(b, labels(ctx, i), &metrics->routes[i]);
	head(b, "twocare_http_request_seconds", "histogram",
	    "Time in a worker, from the request's first byte to the answer.");
	for (size_t i = 0; i < METRICS_ROUTES; i++)
		if (requests_of(&metrics->routes[i]) > 0)
			show_times(b, labels(ctx, i), &metrics->routes[i]);
}

/* --- workers -------------------------------------------------------------- */

static const char *const pools[] = { "fast", "slow" };

struct pool_sum {
	unsigned		running, busy;
	unsigned long long	starts;
};

static struct pool_sum
sum_pool(const char *pool)
{
	struct pool_sum sum = { 0, 0, 0 };

	for (size_t i = 0; i < METRICS_WORKERS; i++) {
		const struct metrics_worker *w = &metrics->workers[i];

		if (!str_starts(str_of(w->name), str_of(pool)))
			continue;
		sum.running += w->pid != 0;
		sum.busy += w->busy > 0;
		sum.starts += w->starts;
	}
	return sum;
}

static void
show_workers(struct buf *b)
{
	struct pool_sum sums[] = { sum_pool(pools[0]), sum_pool(pools[1]) };

	head(b, "twocare_workers", "gauge", "Workers that run.");
	for (size_t i = 0; i < 2; i++)
		buf_addf(b, "twocare_workers{pool=\"%s\"} %u\n", pools[i],
		    sums[i].running);
	head(b, "twocare_workers_busy", "gauge",
	    "Workers with a request in hand.");
	for (size_t i = 0; i < 2; i++)
		buf_addf(b, "twocare_workers_busy{pool=\"%s\"} %u\n",
		    pools[i], sums[i].busy);
	head(b, "twocare_worker_starts_total", "counter",
	    "Workers started: with the service, after a reload, and after "
	    "one had died.");
	for (size_t i = 0; i < 2; i++)
		buf_addf(b, "twocare_worker_starts_total{pool=\"%s\"} %llu\n",
		    pools[i], sums[i].starts);
}

/* --- database ------------------------------------------------------------- */

static void
show_database(struct buf *b)
{
	head(b, "twocare_database_connects_total", "counter",
	    "Connections made to PostgreSQL.");
	buf_addf(b, "twocare_database_connects_total %llu\n",
	    (unsigned long long)metrics->database_connects);
	head(b, "twocare_database_errors_total", "counter",
	    "Statements that PostgreSQL refused or lost, by what they meant.");
	for (size_t i = 0; i < ERR__MAX; i++)
		if (metrics->database_errors[i] > 0)
			buf_addf(b, "twocare_database_errors_total{kind=\"%s\"}"
			    " %llu\n", i == ERR_RETRY ? "serialization" :
			    fault_kind((enum err)i)->code,
			    (unsigned long long)metrics->database_errors[i]);
}

/* --- periodic work -------------------------------------------------------- */

/* One family; each kind's value by the function. */
static void
show_family(struct buf *b, const char *name, const char *type,
    const char *help, double (*value)(const struct metrics_kind *kind))
{
	head(b, name, type, help);
	for (size_t i = 0; i < METRICS_KINDS; i++)
		if (metrics->kinds[i].name[0] != '\0')
			buf_addf(b, "%s{kind=\"%s\"} %.15g\n", name,
			    metrics->kinds[i].name, value(&metrics->kinds[i]));
}

static double
runs(const struct metrics_kind *kind)
{
	return (double)kind->runs;
}

static double
failures(const struct metrics_kind *kind)
{
	return (double)kind->failures;
}

static double
seconds(const struct metrics_kind *kind)
{
	return SECONDS(kind->sum_us);
}

static double
done(const struct metrics_kind *kind)
{
	return SECONDS(kind->done_us);
}

static void
show_jobs(struct buf *b)
{
	show_family(b, "twocare_job_runs_total", "counter",
	    "Runs of periodic work on this node.", runs);
	show_family(b, "twocare_job_failures_total", "counter",
	    "Runs that failed and will be tried again.", failures);
	show_family(b, "twocare_job_seconds_total", "counter",
	    "Time spent in runs.", seconds);
	show_family(b, "twocare_job_last_success_timestamp_seconds", "gauge",
	    "When a run last succeeded on this node.", done);
	head(b, "twocare_jobs_last_turn_timestamp_seconds", "gauge",
	    "When twocare jobs last wrote the edge's state.");
	buf_addf(b, "twocare_jobs_last_turn_timestamp_seconds %.6f\n",
	    SECONDS(metrics->jobs_turn_us));
}

/* What is due, of all nodes together: the database knows. */
static void
show_queue(struct ctx *ctx, struct buf *b)
{
	struct pg_args a = pg_args(ctx->arena);
	PGresult *res;
	bool up = pg_exec(ctx, &query_job_queue, &a, &res) == OK;

	head(b, "twocare_database_up", "gauge",
	    "Whether PostgreSQL answered this request for metrics.");
	buf_addf(b, "twocare_database_up %d\n", up);
	if (!up) {
		fault_clear(ctx);
		return;
	}
	head(b, "twocare_job_queue", "gauge", "Periodic work that is due.");
	buf_addf(b, "twocare_job_queue %d\n", (int)pg_get_int4(res, 0, 0));
	head(b, "twocare_job_lag_seconds", "gauge",
	    "For how long the oldest of it has been due.");
	buf_addf(b, "twocare_job_lag_seconds %.6f\n",
	    SECONDS(pg_get_int8(res, 0, 1)));
}

enum err
metrics_show(struct ctx *ctx, const struct call *call,
    struct http_answer *answer)
{
	struct buf b = buf_new(ctx->arena, 0);

	(void)call;
	show_routes(ctx, &b);
	show_workers(&b);
	show_database(&b);
	show_jobs(&b);
	show_queue(ctx, &b);
	http_field(answer, "Cache-Control", STR("no-store"));
	answer_body(answer, MEDIA_PROMETHEUS, buf_str(&b));
	return OK;
}
