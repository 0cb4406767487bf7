/*
 * A PostgreSQL database of its own for a test program: made in the cluster of
 * TEST_PG (tests/with_postgres.sh) and dropped at the end.
 */
#ifndef TESTS_LIB_DATABASE_H
#define TESTS_LIB_DATABASE_H

#include "base/ctx.h"
#include "wire/pg.h"

/*
 * At the start of main: without TEST_PG the program runs again below
 * with_postgres.sh; where no server is installed it says SKIP and ends with 0.
 */
void		 database_need(char **argv);

/* Make the database of this program; its conninfo. database_drop at the end. */
const char	*database_create(void);
const char	*database_conninfo(void);
void		 database_drop(void);

/* The same with all migrations and the tenants "a" (1) and "b" (2). */
void		 database_prepare(void);

/* A unit of work on it: ctx->pg and ctx->arena; tenant 1. */
void		 database_ctx(struct ctx *ctx);
void		 database_ctx_end(struct ctx *ctx);

/* A statement on a connection of its own, beside the one under test; the first
 * column of the first row, "" when none, malloc'd. Dies on errors. */
char		*database_ask(const char *sql);

#endif
