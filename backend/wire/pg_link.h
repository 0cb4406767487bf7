/*
 * The inside of struct pg, shared by pg.c (statements and transactions),
 * pg_ask.c (reads sent together), pg_link.c (the connection) and pg_fault.c
 * (what went wrong). Nobody else includes it.
 */
#ifndef WIRE_PG_LINK_H
#define WIRE_PG_LINK_H

#include "wire/pg.h"

/* PostgreSQL cuts names of prepared statements here (NAMEDATALEN). */
#define PG_NAME_ROOM		64

/* So many prepared statements are kept; beyond, all are forgotten: searches
 * of endless shapes cannot fill the server's memory. */
#define PG_PREPARED_MAX		512
#define PG_PREPARED_SLOTS	1024	/* a power of 2 above the former */

enum pg_prepared_state { PG_ABSENT = 0, PG_SENT, PG_READY };

struct pg_prepared {
	char			 name[PG_NAME_ROOM];	/* "" = free slot */
	enum pg_prepared_state	 state;
	bool			 repeatable;	/* reads only */
};

/* A statement that waits for the flush. */
struct pg_sent {
	const char		*name;
	const char		*sql;
	int			 n;
	const Oid		*types;
	const char *const	*values;
	const int		*lengths;
	const int		*formats;
	struct arena		*arena;		/* keeps the result; NULL: who
						 * queued it does */
	struct pg_prepared	*prepared;
	bool			 prepares;	/* Parse went before it */
	int			 result;	/* index, or -1: our own */
};

/* What a flush came to. */
struct pg_outcome {
	enum err	err;		/* of the first that failed */
	int		failed;		/* its place in the queue, or -1 */
	bool		lost;		/* the connection broke */
};

#define PG_ASKS_MAX	64

struct pg {
	char			*conninfo;
	long			 statement_timeout_ms;
	PGconn			*conn;
	uint64_t		 session;	/* grows with each connection */
	bool			 open;		/* in a transaction */
	struct pg_sent		*queue;
	size_t			 count, room;
	int			 results;	/* of pg_send in the queue */
	struct pg_ask		*asks[PG_ASKS_MAX];	/* not sent so far */
	size_t			 nasks;
	size_t			 nprepared;
	struct pg_prepared	 prepared[PG_PREPARED_SLOTS];
	char			 sqlstate[6];
	char			 constraint[PG_NAME_ROOM];
};

/* Connect when there is no connection. ERR_UNAVAILABLE, logged, not noted in a
 * ctx. */
enum err	pg_link_open(struct pg *pg);

/* Drop the connection; the prepared statements go with it. */
void		pg_link_close(struct pg *pg);

/* Whether the server still holds the other end, as far as the socket knows. */
bool		pg_link_alive(struct pg *pg);

/* One plain command without result, outside the queue ("rollback"); false when
 * it failed, the connection being dropped then. */
bool		pg_link_command(struct pg *pg, const char *sql);

/* Simple protocol, several statements: res as PQexec, owned by the caller. */
PGresult	*pg_link_script(struct pg *pg, const char *sql);

/* The slot of a statement's name, made when new; never NULL. */
struct pg_prepared *pg_link_prepared(struct pg *pg, const char *name,
		    const char *sql);

/* A statement with a copy of its arguments; arena keeps both and its result. */
struct pg_sent	 pg_sent_new(struct arena *arena, const struct pg_query *q,
		    const struct pg_args *a);

/* Queue a statement; its result is the next one of the flush. */
void		 pg_queue_add(struct pg *pg, const struct pg_sent *sent);

/* Send the queue in one write, wait, and empty it. results[i] is that of the
 * i-th statement with a result; NULL when it has none. After an error nothing
 * stays open. */
struct pg_outcome pg_queue_run(struct pg *pg, PGresult **results, int n);

/* Remember why res failed (`statement` is for the log): the err it means. */
enum err	pg_fault_keep(struct pg *pg, const PGresult *res,
		    const char *statement);

/* Note err in ctx with a text for a stranger. */
enum err	pg_fault_note(struct ctx *ctx, enum err err);

#endif
