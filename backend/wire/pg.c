/*
 * Statements and transactions on one connection. Everything goes through a
 * queue that pg_flush sends as one pipeline: statements are prepared on their
 * first use inside the same write, so that costs no round trip. The queue only
 * borrows from the arena, which lets a flush be sent again after a reconnect.
 */

#include "wire/pg.h"

#include "wire/pg_link.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

static const struct pg_query query_begin = { "pg_begin", "begin" };
static const struct pg_query query_commit = { "pg_commit", "commit" };
static const struct pg_query query_ping = { "pg_ping", "select 1" };

struct pg *
pg_new(const char *conninfo, long statement_timeout_ms)
{
	struct pg *pg = calloc(1, sizeof(*pg));

	if (pg == NULL || (pg->conninfo = strdup(conninfo)) == NULL)
		abort();
	pg->statement_timeout_ms = statement_timeout_ms;
	return pg;
}

void
pg_free(struct pg *pg)
{
	if (pg == NULL)
		return;
	pg_link_close(pg);
	free(pg->queue);
	free(pg->conninfo);
	free(pg);
}

PGconn *
pg_conn(struct pg *pg)
{
	return pg->conn;
}

uint64_t
pg_session(const struct pg *pg)
{
	return pg->session;
}

void
pg_shed(struct pg *pg)
{
	if (!pg->open)
		pg_link_close(pg);
}

const char *
pg_sqlstate(const struct pg *pg)
{
	return pg->sqlstate;
}

const char *
pg_constraint(const struct pg *pg)
{
	return pg->constraint;
}

/* --- the queue ----------------------------------------------------------- */

static void
queue_clear(struct pg *pg)
{
	pg->count = 0;
	pg->results = 0;
}

static void
queue_add(struct pg *pg, const struct pg_sent *sent)
{
	if (pg->count == pg->room) {
		size_t room = pg->room == 0 ? 16 : pg->room * 2;
		struct pg_sent *queue = realloc(pg->queue,
		    room * sizeof(*queue));

		if (queue == NULL)
			abort();
		pg->queue = queue;
		pg->room = room;
	}
	pg->queue[pg->count++] = *sent;
}

/* A statement of our own, whose result nobody wants. */
static void
queue_add_own(struct pg *pg, const struct pg_query *q)
{
	struct pg_sent own = { .name = q->name, .sql = q->sql, .result = -1 };

	queue_add(pg, &own);
}

void
pg_queue_add(struct pg *pg, const struct pg_sent *sent)
{
	queue_add(pg, sent);
	pg->queue[pg->count - 1].result = pg->results++;
}

static void *
arena_copy(struct arena *arena, const void *p, size_t n)
{
	return n == 0 ? NULL : memcpy(arena_alloc(arena, n), p, n);
}

struct pg_sent
pg_sent_new(struct arena *arena, const struct pg_query *q,
    const struct pg_args *a)
{
	struct pg_sent s = { .name = q->name, .sql = q->sql,
	    .arena = arena };
	size_t n;

	if (a == NULL || a->n == 0)
		return s;
	n = (size_t)a->n;
	s.n = a->n;
	s.types = arena_copy(arena, a->types, n * sizeof(Oid));
	s.values = arena_copy(arena, a->values, n * sizeof(char *));
	s.lengths = arena_copy(arena, a->lengths, n * sizeof(int));
	s.formats = arena_copy(arena, a->formats, n * sizeof(int));
	return s;
}

void
pg_send(struct ctx *ctx, const struct pg_query *q, const struct pg_args *a)
{
	struct pg_sent s = pg_sent_new(ctx->arena, q, a);

	pg_queue_add(ctx->pg, &s);
}

static bool
queue_repeatable(struct pg *pg)
{
	if (pg->open)
		return false;
	for (size_t i = 0; i < pg->count; i++)
		if (!pg_link_prepared(pg, pg->queue[i].name,
		    pg->queue[i].sql)->repeatable)
			return false;
	return true;
}

static bool
send_one(struct pg *pg, struct pg_sent *s)
{
	s->prepared = pg_link_prepared(pg, s->name, s->sql);
	s->prepares = s->prepared->state == PG_ABSENT;
	if (s->prepares) {
		s->prepared->state = PG_SENT;
		if (PQsendPrepare(pg->conn, s->name, s->sql, s->n,
		    s->types) != 1)
			return false;
	}
	return PQsendQueryPrepared(pg->conn, s->name, s->n, s->values,
	    s->lengths, s->formats, 1) == 1;
}

static bool
queue_send(struct pg *pg)
{
	for (size_t i = 0; i < pg->count; i++)
		if (!send_one(pg, &pg->queue[i]))
			return false;
	return PQpipelineSync(pg->conn) == 1;
}

/* --- the answers ---------------------------------------------------------- */

static bool
is_good(const PGresult *res)
{
	ExecStatusType status = PQresultStatus(res);

	return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
}

/* The one result of the next message; NULL when the connection broke. */
static PGresult *
take_result(struct pg *pg)
{
	PGresult *res = PQgetResult(pg->conn);
	PGresult *more;

	if (res == NULL)
		return NULL;
	while ((more = PQgetResult(pg->conn)) != NULL)
		PQclear(more);
	return res;
}

static void
note_result(struct pg *pg, struct pg_outcome *out, const PGresult *res,
    const struct pg_sent *s)
{
	if (out->err != OK || is_good(res))
		return;
	out->err = pg_fault_keep(pg, res, s->name);
	out->failed = (int)(s - pg->queue);
}

static void
take_prepare(struct pg *pg, struct pg_sent *s, struct pg_outcome *out)
{
	PGresult *res = take_result(pg);

	note_result(pg, out, res, s);
	s->prepared->state = is_good(res) ? PG_READY : PG_ABSENT;
	PQclear(res);
}

static void
clear_result(void *res)
{
	PQclear(res);
}

/* Read the answers of everything queued, kept in results where wanted. */
static struct pg_outcome
queue_drain(struct pg *pg, PGresult **results, int n)
{
	struct pg_outcome out = { .err = OK, .failed = -1 };

	for (size_t i = 0; i < pg->count; i++) {
		struct pg_sent *s = &pg->queue[i];
		PGresult *res;

		if (s->prepares)
			take_prepare(pg, s, &out);
		res = take_result(pg);
		note_result(pg, &out, res, s);
		if (s->result >= 0 && s->result < n && is_good(res)) {
			results[s->result] = res;
			if (s->arena != NULL)
				arena_later(s->arena, clear_result, res);
		} else {
			PQclear(res);
		}
		if (PQstatus(pg->conn) != CONNECTION_OK)
			break;
	}
	out.lost = PQstatus(pg->conn) != CONNECTION_OK;
	return out;
}

/* The mark that ends a pipeline; without it the two sides disagree. */
static bool
take_sync(struct pg *pg)
{
	PGresult *res = PQgetResult(pg->conn);
	bool good = PQresultStatus(res) == PGRES_PIPELINE_SYNC;

	PQclear(res);
	return good;
}

static struct pg_outcome
queue_try(struct pg *pg, PGresult **results, int n)
{
	struct pg_outcome out = { .err = OK, .failed = -1 };

	if (!queue_send(pg)) {
		out.err = pg_fault_keep(pg, NULL, "send");
		out.lost = true;
	} else {
		out = queue_drain(pg, results, n);
	}
	if (!out.lost && !take_sync(pg))
		out.lost = true;
	if (out.lost && out.err == OK)
		out.err = pg_fault_keep(pg, NULL, "read");
	if (out.lost)
		pg_link_close(pg);
	return out;
}

/* Plans and statements that the server has forgotten or changed. */
static bool
is_stale(const char *sqlstate)
{
	return strcmp(sqlstate, "26000") == 0 || strcmp(sqlstate, "0A000") == 0;
}

/* After an error nothing stays open, so callers need no special way out. */
static void
settle_error(struct pg *pg)
{
	if (pg->conn != NULL && is_stale(pg->sqlstate))
		pg_link_close(pg);
	if (pg->conn != NULL && PQtransactionStatus(pg->conn) != PQTRANS_IDLE)
		(void)pg_link_command(pg, "rollback");
	pg->open = false;
	for (int i = 0; i < PG_PREPARED_SLOTS; i++)
		if (pg->prepared[i].state == PG_SENT)
			pg->prepared[i].state = PG_ABSENT;
}

/* A connection to send on; inside a transaction only the same one will do. */
static enum err
ready_link(struct pg *pg, bool repeatable)
{
	if (pg->open)
		return pg->conn == NULL ? ERR_UNAVAILABLE : OK;
	if (pg->conn != NULL && !repeatable && !pg_link_alive(pg))
		pg_link_close(pg);
	if (pg->nprepared + pg->count > PG_PREPARED_MAX && pg->conn != NULL)
		pg_link_close(pg);
	return pg_link_open(pg);
}

/* Before the queue is sent once more. */
static void
forget_results(const struct pg *pg, PGresult **results, int n)
{
	for (size_t i = 0; i < pg->count; i++) {
		const struct pg_sent *s = &pg->queue[i];

		if (s->result < 0 || s->result >= n)
			continue;
		if (s->arena == NULL)
			PQclear(results[s->result]);
		results[s->result] = NULL;
	}
}

struct pg_outcome
pg_queue_run(struct pg *pg, PGresult **results, int n)
{
	bool repeatable = queue_repeatable(pg);
	struct pg_outcome out = { .failed = -1 };

	for (int i = 0; i < n; i++)
		results[i] = NULL;
	if ((out.err = ready_link(pg, repeatable)) == OK) {
		out = queue_try(pg, results, n);
		if (out.lost && repeatable && pg_link_open(pg) == OK) {
			forget_results(pg, results, n);
			out = queue_try(pg, results, n);
		}
	}
	queue_clear(pg);
	if (out.err == OK)
		pg->open = PQtransactionStatus(pg->conn) != PQTRANS_IDLE;
	else
		settle_error(pg);
	return out;
}

enum err
pg_flush(struct ctx *ctx, PGresult **results, int n)
{
	struct pg_outcome out;

	if (ctx->pg->count == 0)
		return OK;
	out = pg_queue_run(ctx->pg, results, n);
	return out.err == OK ? OK : pg_fault_note(ctx, out.err);
}

enum err
pg_exec(struct ctx *ctx, const struct pg_query *q, const struct pg_args *a,
    PGresult **res)
{
	PGresult *one;
	int at = ctx->pg->results;
	enum err err;

	assert(at == 0);
	pg_send(ctx, q, a);
	err = pg_flush(ctx, &one, 1);
	if (res != NULL)
		*res = err == OK ? one : NULL;
	return err;
}

/* --- transactions --------------------------------------------------------- */

/* A unit of work that ends without commit leaves nothing behind. */
static void
end_unit(void *p)
{
	struct pg *pg = p;

	queue_clear(pg);
	if (pg->open && pg->conn != NULL)
		(void)pg_link_command(pg, "rollback");
	pg->open = false;
}

void
pg_begin(struct ctx *ctx)
{
	assert(!ctx->pg->open && ctx->pg->count == 0);
	arena_later(ctx->arena, end_unit, ctx->pg);
	queue_add_own(ctx->pg, &query_begin);
}

enum err
pg_commit(struct ctx *ctx, PGresult **results, int n)
{
	queue_add_own(ctx->pg, &query_commit);
	return pg_flush(ctx, results, n);
}

void
pg_rollback(struct ctx *ctx)
{
	end_unit(ctx->pg);
}

enum err
pg_ping(struct ctx *ctx)
{
	return pg_exec(ctx, &query_ping, NULL, NULL);
}

enum err
pg_script(struct ctx *ctx, const char *sql)
{
	struct pg *pg = ctx->pg;
	PGresult *res;
	enum err err = OK;

	if (pg->count > 0 && (err = pg_flush(ctx, NULL, 0)) != OK)
		return err;
	if ((err = ready_link(pg, false)) != OK)
		return pg_fault_note(ctx, err);
	res = pg_link_script(pg, sql);
	if (!is_good(res) && PQresultStatus(res) != PGRES_EMPTY_QUERY)
		err = pg_fault_keep(pg, res, "script");
	PQclear(res);
	if (err == OK)
		return OK;
	if (pg->conn != NULL && PQstatus(pg->conn) != CONNECTION_OK)
		pg_link_close(pg);
	settle_error(pg);
	return pg_fault_note(ctx, err);
}
