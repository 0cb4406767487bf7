/*
 * page TYPE STATEMENT CONNINFO SOCKET...: the smallest server of a page from a
 * table, the peer of our searches. One process for each socket executes the
 * one statement in the file STATEMENT, with the values of the query string's
 * `p`s, in their order, as its texts $1, $2, ..., and answers with a searchset
 * of its rows: rid, body, at. It reads no token and checks nothing; what it
 * shares with the product is the way of bytes in and out.
 */

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fhir/bundle.h"
#include "fhir/record.h"
#include "wire/fcgi.h"
#include "wire/pg.h"

#define STATEMENT_BYTES	4096
#define BACKLOG		511

enum column { COLUMN_RID, COLUMN_BODY, COLUMN_AT };

struct world {
	const struct r4_type	*type;
	struct pg_query		 query;
	struct pg		*pg;
};

static void
die(const char *what)
{
	fprintf(stderr, "page: %s\n", what);
	exit(1);
}

/* --- one page ------------------------------------------------------------- */

/* The last row only tells that there are more. */
static void
take_rows(struct ctx *ctx, const struct r4_type *type, const PGresult *res,
    struct search_page *page)
{
	int n = PQntuples(res) - 1;

	page->records = arena_array(ctx->arena, n > 0 ? (size_t)n : 1,
	    sizeof(*page->records));
	for (int i = 0; i < n; i++)
		record_read(type, pg_get_str(res, i, COLUMN_BODY),
		    &page->records[page->n++]);
	if (n > 0)
		page->next = arena_printf(ctx->arena, "after=%lld.%lld",
		    (long long)pg_get_time(res, n - 1, COLUMN_AT),
		    (long long)pg_get_int8(res, n - 1, COLUMN_RID));
}

static bool
ask(void *arg, struct http_exchange *x)
{
	(void)arg;
	(void)x;
	return false;
}

static void
answer(void *arg, struct http_exchange *x)
{
	struct world *world = arg;
	struct ctx ctx = { .arena = x->arena, .pg = world->pg };
	struct search_page page = { .self = x->req.query, .total = -1 };
	struct pg_args a = pg_args(x->arena);
	struct http_params params;
	PGresult *res;

	if (!http_params_parse(x->arena, x->req.query, true, &params))
		die("a query that cannot be read");
	for (size_t i = 0; i < params.n; i++)
		pg_text(&a, params.v[i].value);
	if (pg_exec(&ctx, &world->query, &a, &res) != OK)
		die("the statement failed");
	take_rows(&ctx, world->type, res, &page);
	x->answer.status = 200;
	x->answer.content_type = "application/fhir+json";
	bundle_searchset(&ctx, &page, STR("https://localhost/v3/fhir"),
	    str_of(world->type->name), &x->answer);
}

static void
sent(void *arg, struct http_exchange *x)
{
	(void)arg;
	(void)x;
}

/* --- processes ------------------------------------------------------------ */

static int
listen_on(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || strlen(path) >= sizeof(addr.sun_path))
		die(path);
	memcpy(addr.sun_path, path, strlen(path) + 1);
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) != 0 ||
	    chmod(path, 0666) != 0 || listen(fd, BACKLOG) != 0)
		die(path);
	return fd;
}

static _Noreturn void
serve(const char *path, struct world *world, const char *conninfo)
{
	static const struct fcgi_handler handler = { ask, answer, sent };
	const struct fcgi_limits limits = { .io_timeout_s = 30,
		.keepalive_s = 60, .body_bytes = 1, .arena_bytes = 64 * 1024,
		.descriptor_max = FCGI_DESCRIPTOR_MAX };
	struct fcgi *fcgi;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fcgi = fcgi_new(listen_on(path), &limits);
	if (fcgi == NULL)
		die("cannot wait on the socket");
	world->pg = pg_new(conninfo, 0);
	fcgi_serve(fcgi, &handler, world);
	exit(0);
}

static char *
read_statement(const char *path)
{
	static char sql[STATEMENT_BYTES];
	FILE *f = fopen(path, "r");
	size_t n;

	if (f == NULL)
		die(path);
	n = fread(sql, 1, sizeof(sql) - 1, f);
	fclose(f);
	sql[n] = '\0';
	return sql;
}

int
main(int argc, char **argv)
{
	struct world world = { 0 };

	if (argc < 5)
		die("usage: page TYPE STATEMENT CONNINFO SOCKET...");
	world.type = r4_type_named(str_of(argv[1]));
	if (world.type == NULL)
		die("no such type");
	world.query = (struct pg_query){ "page", read_statement(argv[2]) };
	for (int i = 4; i < argc; i++)
		if (fork() == 0)
			serve(argv[i], &world, argv[3]);
	while (wait(NULL) > 0)
		;
	return 1;
}
