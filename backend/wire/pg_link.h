/*
 * The inside of struct pg, shared by pg.c (statements and transactions),
 * pg_link.c (the connection) and pg_fault.c (what went wrong). Nobody else
 * includes it.
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
	struct pg_prepared	*prepared;
	bool			 prepares;	/* Parse went before it */
	int			 result;	/* index, or -1: our own */
};

struct pg {
	char			*conninfo;
	long			 statement_timeout_ms;
	PGconn			*conn;
	uint64_t		 session;	/* grows with each connection */
	bool			 open;		/* in a transaction */
	struct pg_sent		*queue;
	size_t			 count, room;
	int			 results;	/* of pg_send in the queue */
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

/* Remember why res failed (`statement` is for the log): the err it means. */
enum err	pg_fault_keep(struct pg *pg, const PGresult *res,
		    const char *statement);

/* Note err in ctx with a text for a stranger. */
enum err	pg_fault_note(struct ctx *ctx, enum err err);

#endif
