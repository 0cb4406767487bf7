/* The loop of the background process. */

#include "jobs/loop.h"

#include <poll.h>

#include "base/conf.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/when.h"
#include "jobs/edge.h"
#include "jobs/kinds.h"
#include "jobs/tasks.h"
#include "wire/pg.h"

#define TURN_MS		250	/* a change that no notice told of */
#define BACKOFF_MAX_MS	2000	/* while the database is away */
#define SECOND_US	US_PER_SECOND
#define ARENA_BYTES	(64 * 1024)

struct loop {
	struct edge	*edge;
	uint64_t	 session;	/* that LISTENs */
	int64_t		 second_us;	/* begin of the last full turn */
	bool		 kinds_added;
	int		 wait_ms;	/* until the next turn */
};

/* Notices belong to a session: ask for them again on each new one. */
static enum err
listen_again(struct ctx *ctx, struct loop *loop)
{
	enum err err;

	if (pg_conn(ctx->pg) != NULL && pg_session(ctx->pg) == loop->session)
		return OK;
	if ((err = pg_script(ctx, "listen twocare_state")) == OK)
		loop->session = pg_session(ctx->pg);
	return err;
}

/* What is done once a second: the sign of life, and periodic work. */
static enum err
second(struct ctx *ctx, struct loop *loop)
{
	bool ran = true;
	enum err err;

	if (ctx->now_us - loop->second_us < SECOND_US &&
	    ctx->now_us >= loop->second_us)
		return OK;
	if ((err = edge_alive(ctx, loop->edge)) != OK)
		return err;
	loop->second_us = ctx->now_us;
	if (!loop->kinds_added && (err = kinds_add(ctx)) != OK)
		return err;
	loop->kinds_added = true;
	while (ran)
		if ((err = kinds_run(ctx, &ran)) != OK)
			return err;
	return OK;
}

static enum err
turn(struct ctx *ctx, struct loop *loop)
{
	enum err err;

	if ((err = listen_again(ctx, loop)) != OK ||
	    (err = edge_refresh(ctx, loop->edge)) != OK)
		return err;
	return second(ctx, loop);
}

/* Log the first of a row of failures, and wait longer after each. */
static void
note_outcome(const struct ctx *ctx, struct loop *loop, enum err err)
{
	if (err == OK) {
		metrics->jobs_turn_us = ctx->now_us;
		if (loop->wait_ms > TURN_MS)
			log_line(LOG_LEVEL_INFO, "jobs_recovered", "state=%s",
			    "written");
		loop->wait_ms = TURN_MS;
		return;
	}
	if (loop->wait_ms <= TURN_MS)
		log_line(LOG_LEVEL_ERROR, "jobs_failing", "why=%s",
		    log_word(ctx->fault.issues == NULL ? STR("") :
		    ctx->fault.issues->text));
	loop->wait_ms *= 2;
	if (loop->wait_ms > BACKOFF_MAX_MS)
		loop->wait_ms = BACKOFF_MAX_MS;
}

/* Take the notices that have arrived; whether there were any. */
static bool
take_notices(PGconn *conn)
{
	PGnotify *notice;
	bool any = false;

	(void)PQconsumeInput(conn);
	while ((notice = PQnotifies(conn)) != NULL) {
		any = true;
		PQfreemem(notice);
	}
	return any;
}

/* Until a notice comes, or the time is over. A signal ends it too. */
static void
wait_turn(struct ctx *ctx, const struct loop *loop)
{
	PGconn *conn = pg_conn(ctx->pg);
	struct pollfd fd = { .fd = -1, .events = POLLIN };

	/* While failing, a broken connection must not keep us awake. */
	if (conn != NULL && loop->wait_ms == TURN_MS) {
		if (take_notices(conn))
			return;
		fd.fd = PQsocket(conn);
	}
	(void)poll(&fd, 1, loop->wait_ms);
}

void
jobs_loop(const struct ctx *ctx, const volatile sig_atomic_t *stop)
{
	struct ctx work = *ctx;
	struct loop loop = { .edge = edge_new(ctx->conf->state_dir),
	    .wait_ms = TURN_MS };
	struct crew *crew = crew_new(ctx->arena, ctx->conf, stop);

	work.arena = arena_new(ARENA_BYTES);
	while (*stop == 0) {
		work.now_us = when_now();
		crew_tend(crew, &work);
		note_outcome(&work, &loop, turn(&work, &loop));
		fault_clear(&work);
		arena_reset(work.arena);
		if (*stop == 0)
			wait_turn(&work, &loop);
	}
	crew_end(crew);
	edge_free(loop.edge);
	arena_free(work.arena);
}
