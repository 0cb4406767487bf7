/*
 * The connection to PostgreSQL: made lazily, always in pipeline mode, made
 * again when it was lost. Which statements it has prepared is known here.
 */

#include "wire/pg_link.h"

#include "base/log.h"
#include "base/metrics.h"

#include <assert.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#define CONNECT_TIMEOUT_S	"3"
#define OPTIONS_ROOM		1024

/* A worker that stops inside a transaction must not hold its locks. */
#define IDLE_IN_TRANSACTION_MS	10000L

static void
ignore_notice(void *arg, const PGresult *res)
{
	(void)arg;
	(void)res;
}

/*
 * The settings every session of ours needs, after those of the conninfo. Each
 * statement is planned once, perhaps while its tables are empty; without the
 * joins and scans whose cost depends on a table's size, that plan stays good.
 */
static bool
session_options(const struct pg *pg, char out[OPTIONS_ROOM])
{
	PQconninfoOption *parsed = PQconninfoParse(pg->conninfo, NULL);
	const char *own = "";
	int n;

	for (PQconninfoOption *o = parsed; o != NULL && o->keyword != NULL; o++)
		if (strcmp(o->keyword, "options") == 0 && o->val != NULL)
			own = o->val;
	n = snprintf(out, OPTIONS_ROOM, "%s -c statement_timeout=%ld"
	    " -c idle_in_transaction_session_timeout=%ld"
	    " -c plan_cache_mode=force_generic_plan -c jit=off"
	    " -c enable_seqscan=off -c enable_hashjoin=off"
	    " -c enable_mergejoin=off -c enable_material=off"
	    " -c enable_memoize=off"
	    " -c timezone=UTC -c client_min_messages=error"
	    " -c default_transaction_isolation=read\\ committed",
	    own, pg->statement_timeout_ms,
	    pg->statement_timeout_ms == 0 ? 0 : IDLE_IN_TRANSACTION_MS);
	PQconninfoFree(parsed);
	return n > 0 && n < OPTIONS_ROOM;
}

static PGconn *
connect_once(const struct pg *pg)
{
	char options[OPTIONS_ROOM];
	/* What stands before dbname is a default, what follows it is ours. */
	const char *names[] = { "connect_timeout", "tcp_user_timeout",
	    "application_name", "dbname", "options", "client_encoding",
	    NULL };
	const char *values[] = { CONNECT_TIMEOUT_S, "10000", "twocare",
	    pg->conninfo, options, "UTF8", NULL };

	if (!session_options(pg, options))
		return NULL;
	return PQconnectdbParams(names, values, 1);
}

enum err
pg_link_open(struct pg *pg)
{
	if (pg->conn != NULL && PQstatus(pg->conn) == CONNECTION_OK)
		return OK;
	pg_link_close(pg);
	pg->conn = connect_once(pg);
	if (pg->conn == NULL || PQstatus(pg->conn) != CONNECTION_OK ||
	    PQenterPipelineMode(pg->conn) != 1) {
		log_line(LOG_LEVEL_ERROR, "pg_connect", "why=%s",
		    log_word(str_of(PQerrorMessage(pg->conn))));
		pg_link_close(pg);
		return ERR_UNAVAILABLE;
	}
	PQsetNoticeReceiver(pg->conn, ignore_notice, NULL);
	PQsetErrorVerbosity(pg->conn, PQERRORS_TERSE);
	pg->session++;
	metrics_count(&metrics->database_connects);
	return OK;
}

void
pg_link_close(struct pg *pg)
{
	if (pg->conn != NULL)
		PQfinish(pg->conn);
	pg->conn = NULL;
	pg->open = false;
	pg->nprepared = 0;
	memset(pg->prepared, 0, sizeof(pg->prepared));
}

bool
pg_link_alive(struct pg *pg)
{
	struct pollfd fd = { .events = POLLIN };

	if (pg->conn == NULL || PQstatus(pg->conn) != CONNECTION_OK)
		return false;
	fd.fd = PQsocket(pg->conn);
	/* A parting word and the end of file are two reads. */
	for (int i = 0; i < 3; i++) {
		if (poll(&fd, 1, 0) <= 0)
			return true;
		if (PQconsumeInput(pg->conn) != 1)
			return false;
	}
	return true;
}

PGresult *
pg_link_script(struct pg *pg, const char *sql)
{
	PGresult *res;

	if (PQexitPipelineMode(pg->conn) != 1)
		return NULL;
	res = PQexec(pg->conn, sql);
	if (PQstatus(pg->conn) == CONNECTION_OK &&
	    PQenterPipelineMode(pg->conn) != 1) {
		PQclear(res);
		return NULL;
	}
	return res;
}

bool
pg_link_command(struct pg *pg, const char *sql)
{
	PGresult *res = pg_link_script(pg, sql);
	bool good = PQresultStatus(res) == PGRES_COMMAND_OK;

	PQclear(res);
	if (!good)
		pg_link_close(pg);
	return good;
}

static bool
reads_only(const char *sql)
{
	return strstr(sql, "insert ") == NULL &&
	    strstr(sql, "update ") == NULL && strstr(sql, "delete ") == NULL &&
	    (strncmp(sql, "select", 6) == 0 || strncmp(sql, "with", 4) == 0);
}

/* FNV-1a: the names are our own. */
static size_t
name_slot(const char *name)
{
	uint32_t h = 2166136261u;

	for (; *name != '\0'; name++)
		h = (h ^ (unsigned char)*name) * 16777619u;
	return h & (PG_PREPARED_SLOTS - 1);
}

struct pg_prepared *
pg_link_prepared(struct pg *pg, const char *name, const char *sql)
{
	size_t i = name_slot(name);
	struct pg_prepared *p;

	while (pg->prepared[i].name[0] != '\0') {
		if (strcmp(pg->prepared[i].name, name) == 0)
			return &pg->prepared[i];
		i = (i + 1) & (PG_PREPARED_SLOTS - 1);
	}
	assert(pg->nprepared < PG_PREPARED_SLOTS - 1);
	assert(strlen(name) < PG_NAME_ROOM);
	p = &pg->prepared[i];
	memcpy(p->name, name, strlen(name) + 1);
	p->state = PG_ABSENT;
	p->repeatable = reads_only(sql);
	pg->nprepared++;
	return p;
}
