/*
 * PostgreSQL as the layers above see it: named statements, prepared once per
 * connection, binary parameters, results tied to the ctx's arena. A lost
 * connection is made again before the next statement outside a transaction.
 * SQLSTATE becomes an err in one table (pg.c): 40001/40P01 -> ERR_RETRY,
 * connection trouble -> ERR_UNAVAILABLE, 57014 -> ERR_TOO_COSTLY (statement
 * timeout), everything else -> ERR_INTERNAL, logged without its DETAIL
 * because that carries data.
 */
#ifndef WIRE_PG_H
#define WIRE_PG_H

#include <libpq-fe.h>
#include <stdint.h>

#include "base/ctx.h"
#include "base/str.h"

/* A statement. Those of sql/queries/ are compiled in: see queries.h (made by
 * the build from sql/queries/<file>.sql, `-- name: res_read` gives
 * query_res_read). Search makes its own from fragments. */
struct pg_query {
	const char	*name;		/* of the prepared statement */
	const char	*sql;
};

#define PG_ARGS_MAX	128

/* The arguments of one execution, in the order of $1... All binary. Arrays
 * and strings are copied to or borrowed from the arena until executed. */
struct pg_args {
	struct arena	*arena;
	int		 n;
	Oid		 types[PG_ARGS_MAX];
	const char	*values[PG_ARGS_MAX];
	int		 lengths[PG_ARGS_MAX];
	int		 formats[PG_ARGS_MAX];
};

struct pg_args	pg_args(struct arena *arena);
void	pg_null(struct pg_args *a, Oid type);
void	pg_int2(struct pg_args *a, int16_t value);
void	pg_int4(struct pg_args *a, int32_t value);
void	pg_int8(struct pg_args *a, int64_t value);
void	pg_float8(struct pg_args *a, double value);
void	pg_text(struct pg_args *a, struct str value);
void	pg_bytes(struct pg_args *a, struct str value);	/* bytea */
void	pg_time(struct pg_args *a, int64_t us);	/* timestamptz; WHEN_MIN/MAX =
						 * -infinity/infinity */
/* n bytes that are in the binary format of the type already. */
void	pg_raw(struct pg_args *a, Oid type, const char *value, size_t n);
/* One-dimensional arrays. */
void	pg_bools(struct pg_args *a, const bool *v, size_t n);
void	pg_int2s(struct pg_args *a, const int16_t *v, size_t n);
void	pg_int4s(struct pg_args *a, const int32_t *v, size_t n);
void	pg_int8s(struct pg_args *a, const int64_t *v, size_t n);
void	pg_float8s(struct pg_args *a, const double *v, size_t n);
void	pg_texts(struct pg_args *a, const struct str *v, size_t n);
void	pg_times(struct pg_args *a, const int64_t *us, size_t n);

/* A connection of this process; it connects lazily. A statement timeout of 0
 * is none (migrations). pg_free only after arenas with an open pg_begin. */
struct pg	*pg_new(const char *conninfo, long statement_timeout_ms);
void		 pg_free(struct pg *pg);

/* Its libpq handle (for LISTEN, COPY); NULL when not connected. */
PGconn		*pg_conn(struct pg *pg);

/* Grows with each connection made: what belongs to a session (advisory locks,
 * LISTEN) must be taken again when it has changed. */
uint64_t	 pg_session(const struct pg *pg);

/* Between units of work: drop the connection, because libpq keeps buffers as
 * large as the largest request and result so far. The next statement connects
 * again. */
void		 pg_shed(struct pg *pg);

/* Connected and answering (one round trip). */
enum err	 pg_ping(struct ctx *ctx);

/*
 * Execute one statement and wait. *res (may be NULL) lives until the arena is
 * reset. Results are binary: read them with pg_get_*.
 */
enum err	pg_exec(struct ctx *ctx, const struct pg_query *q,
		    const struct pg_args *a, PGresult **res);

/*
 * A pipeline: pg_send queues, pg_flush sends them all in one write and waits.
 * Outside pg_begin, what one flush sends is one transaction. results[i]
 * belongs to the i-th pg_send since the last flush (results may be NULL when
 * none is wanted); on an error everything of the flush is undone and the err
 * of the first failed one returned. A connection lost before anything was sent
 * is made again; one lost later is ERR_UNAVAILABLE, except that statements
 * which only read are sent once more.
 */
void		pg_send(struct ctx *ctx, const struct pg_query *q,
		    const struct pg_args *a);
enum err	pg_flush(struct ctx *ctx, PGresult **results, int n);

/*
 * Reads of several units of work in one round trip. pg_ask queues a statement
 * that only reads and has one row at most; pg_answer gives its result (row is
 * -1 when there is none). The first pg_answer sends all that was asked so far
 * together, so a worker that asks for several requests before it answers the
 * first pays once. Asks that share `many` (may be NULL) even go as one
 * statement: many takes an array for each argument of q, and its rows are q's
 * with one more column at the end, the place in the arrays from 1.
 *
 * What spoils a round for the others, an error of one of them or a lost
 * connection, is not theirs: those without a result are executed again, each by
 * itself. Asks belong to no transaction; one ends with its arena, and so does
 * its result.
 */
struct pg_ask;
struct pg_ask	*pg_ask(struct ctx *ctx, const struct pg_query *q,
		    const struct pg_query *many, const struct pg_args *a);
enum err	 pg_answer(struct ctx *ctx, struct pg_ask *ask,
		    PGresult **res, int *row);

/*
 * A transaction over several flushes. pg_begin and pg_commit queue (they cost
 * no round trip of their own); pg_commit flushes. Any error ends it, and so
 * does the reset of the arena; pg_rollback is always safe to call.
 */
void		pg_begin(struct ctx *ctx);
enum err	pg_commit(struct ctx *ctx, PGresult **results, int n);
void		pg_rollback(struct ctx *ctx);

/* SQLSTATE of the last failure on this connection, "" when none; and the name
 * of the violated constraint, "" when none. */
const char	*pg_sqlstate(const struct pg *pg);
const char	*pg_constraint(const struct pg *pg);

/* Plain SQL text of several statements, for migrations. */
enum err	pg_script(struct ctx *ctx, const char *sql);

/* Columns of binary results. */
bool		pg_is_null(const PGresult *res, int row, int col);
bool		pg_get_bool(const PGresult *res, int row, int col);
/* int2 and int4. */
int32_t		pg_get_int4(const PGresult *res, int row, int col);
int64_t		pg_get_int8(const PGresult *res, int row, int col);
double		pg_get_float8(const PGresult *res, int row, int col);
struct str	pg_get_str(const PGresult *res, int row, int col);
int64_t		pg_get_time(const PGresult *res, int row, int col);
/* int8[] and int4[] into the arena; returns the count. */
size_t		pg_get_int8s(struct ctx *ctx, const PGresult *res, int row,
		    int col, int64_t **out);
size_t		pg_get_int4s(struct ctx *ctx, const PGresult *res, int row,
		    int col, int32_t **out);

#endif
