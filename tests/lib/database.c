/* A PostgreSQL database of its own for a test program. */

#include "database.h"

#include "base/when.h"
#include "wire/migrate.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define RUNNER	"tests/with_postgres.sh"

static char name[64];
static char conninfo[512];

void
database_need(char **argv)
{
	char **again;
	size_t n = 0;

	if (getenv("TEST_PG") != NULL)
		return;
	while (argv[n] != NULL)
		n++;
	again = calloc(n + 2, sizeof(*again));
	if (again == NULL)
		abort();
	again[0] = (char[]){ RUNNER };
	for (size_t i = 0; i < n; i++)
		again[i + 1] = argv[i];
	if (access(RUNNER, X_OK) == 0)
		execv(RUNNER, again);
	printf("SKIP %s: no TEST_PG, and no %s here\n", argv[0], RUNNER);
	exit(0);
}

static void
die(PGconn *conn, const char *what)
{
	fprintf(stderr, "%s: %s\n", what, PQerrorMessage(conn));
	abort();
}

static char *
ask(const char *where, const char *sql)
{
	PGconn *conn = PQconnectdb(where);
	PGresult *res = PQexec(conn, sql);
	char *answer;

	if (PQresultStatus(res) != PGRES_TUPLES_OK &&
	    PQresultStatus(res) != PGRES_COMMAND_OK)
		die(conn, sql);
	answer = strdup(PQntuples(res) > 0 ? PQgetvalue(res, 0, 0) : "");
	PQclear(res);
	PQfinish(conn);
	return answer;
}

const char *
database_create(void)
{
	char sql[128];

	snprintf(name, sizeof(name), "twocare_test_%ld", (long)getpid());
	snprintf(conninfo, sizeof(conninfo), "%s dbname=%s",
	    getenv("TEST_PG"), name);
	snprintf(sql, sizeof(sql), "create database %s", name);
	free(ask(getenv("TEST_PG"), sql));
	return conninfo;
}

const char *
database_conninfo(void)
{
	return conninfo;
}

void
database_drop(void)
{
	char sql[128];

	snprintf(sql, sizeof(sql), "drop database %s with (force)", name);
	free(ask(getenv("TEST_PG"), sql));
}

char *
database_ask(const char *sql)
{
	return ask(conninfo, sql);
}

void
database_ctx(struct ctx *ctx)
{
	*ctx = (struct ctx){ .arena = arena_new(65536) };
	ctx->pg = pg_new(conninfo, 5000);
	ctx->who = (struct who){ .tn = 1, .client = STR("test"),
	    .sub = STR("test"), .addr = STR("127.0.0.1") };
	ctx->request_id = STR("req_00000000000000000000000000");
	ctx->now_us = when_now();
}

void
database_ctx_end(struct ctx *ctx)
{
	arena_free(ctx->arena);
	pg_free(ctx->pg);
}

void
database_prepare(void)
{
	struct ctx ctx;
	int applied;

	database_create();
	database_ctx(&ctx);
	if (migrate(&ctx, &applied) != OK)
		abort();
	database_ctx_end(&ctx);
	free(database_ask("insert into tenant (name) values ('a'), ('b')"));
}
