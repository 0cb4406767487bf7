/*
 * tool_search CONNINFO TYPE QUERY [SQL]: what a search asks of a database, and
 * what it costs: the statement's plan with its buffers, and the seconds of 200
 * executions; of SQL, when given, the same for comparison.
 */

#include "base/buf.h"
#include "base/conf.h"
#include "base/when.h"
#include "fhir/search.h"
#include "fhir/search_plan.h"

#include <stdio.h>
#include <stdlib.h>

#define TIMES	200

static const struct conf conf = { .base_url = "https://here/v3" };

static void
die(const char *what, const char *why)
{
	fprintf(stderr, "%s: %s\n", what, why);
	exit(1);
}

static void
plan_of(struct ctx *ctx, const char *type, const char *query,
    struct plan *plan)
{
	struct http_params params;
	struct key_space space;

	*plan = (struct plan){ .tn = ctx->who.tn };
	if (!http_params_parse(ctx->arena, str_of(query), true, &params))
		die(query, "no query");
	if (store_key_space(ctx, &space) != OK ||
	    search_parse(ctx, r4_type_named(str_of(type)), &params, false,
	    &plan->search) != OK || search_probes(ctx, space, plan) != OK ||
	    search_plan(ctx, plan) != OK)
		die(query, ctx->fault.issues == NULL ? "refused" :
		    arena_z(ctx->arena, ctx->fault.issues->text));
}

/* Print the plan of what was prepared as "it", then how long it takes. */
static void
measure(PGconn *conn, const struct pg_args *a, const char *what)
{
	int64_t least = INT64_MAX, began_us;
	PGresult *res;
	int n = 0;

	for (int i = 0; i < TIMES; i++) {
		began_us = when_now();
		res = PQexecPrepared(conn, "it", a->n, a->values, a->lengths,
		    a->formats, 1);
		if (PQresultStatus(res) != PGRES_TUPLES_OK)
			die(what, PQerrorMessage(conn));
		n = PQntuples(res);
		PQclear(res);
		if (when_now() - began_us < least)
			least = when_now() - began_us;
	}
	printf("%s: %d rows, %.3f ms at best\n", what, n,
	    (double)least / 1000);
}

static void
show(PGconn *conn, struct ctx *ctx, const char *sql, const struct pg_args *a)
{
	struct str text = arena_printf(ctx->arena,
	    "explain (analyze, buffers, costs off, timing off) %s", sql);
	PGresult *res = NULL;

	for (int i = 0; i < 2; i++)
		res = PQexecParams(conn, arena_z(ctx->arena, text), a->n,
		    a->types, a->values, a->lengths, a->formats, 0);
	for (int i = 0; i < PQntuples(res); i++)
		printf("%s\n", PQgetvalue(res, i, 0));
	PQclear(res);
}

int
main(int argc, char **argv)
{
	struct ctx ctx = { .arena = arena_new(65536), .conf = &conf,
		.who = { .tn = 1 }, .now_us = when_now() };
	struct pg_args a, none = { .n = 0 };
	struct pg_query q;
	struct plan plan;
	PGconn *conn;

	if (argc < 4)
		die(argv[0], "CONNINFO TYPE QUERY [SQL]");
	ctx.pg = pg_new(argv[1], 60000);
	plan_of(&ctx, argv[2], argv[3], &plan);
	search_sql_page(&ctx, &plan, plan.search->count + 1, 0, &q, &a);
	conn = pg_conn(ctx.pg);
	PQexitPipelineMode(conn);
	printf("%s\n", q.sql);
	show(conn, &ctx, q.sql, &a);
	PQclear(PQprepare(conn, "it", q.sql, a.n, a.types));
	measure(conn, &a, "search");
	if (argc > 4) {
		show(conn, &ctx, argv[4], &none);
		PQclear(PQexec(conn, "deallocate it"));
		PQclear(PQprepare(conn, "it", argv[4], 0, NULL));
		measure(conn, &none, "sql");
	}
	return 0;
}
