/* The processes that do tasks, beside the one that keeps the edge's files. */

#include "jobs/tasks.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/conf.h"
#include "base/log.h"
#include "base/when.h"
#include "wire/pg.h"

#define ARENA_BYTES	(64 * 1024)
#define IDLE_MS		250
#define AWAY_MS		2000	/* while the database is away */

struct crew {
	const struct conf		*conf;
	const volatile sig_atomic_t	*stop;
	pid_t				*pids;	/* 0 = does not run */
	long				 n;
	int64_t				 begun_us;	/* when last */
};

struct crew *
crew_new(struct arena *arena, const struct conf *conf,
    const volatile sig_atomic_t *stop)
{
	struct crew *crew = arena_zero(arena, sizeof(*crew));

	crew->conf = conf;
	crew->stop = stop;
	crew->n = conf->task_workers;
	crew->pids = arena_array(arena, (size_t)crew->n, sizeof(pid_t));
	return crew;
}

/* One that was told to end after the tasks were looked for ends a little
 * later. */
static void
work_until(struct ctx *ctx, const volatile sig_atomic_t *stop)
{
	bool ran, failing = false;
	enum err err;

	while (*stop == 0) {
		ran = false;
		ctx->now_us = when_now();
		err = tasks_run(ctx, stop, &ran);
		if (err != OK && !failing)
			log_line(LOG_LEVEL_WARN, "tasks_failing", "why=%s",
			    log_word(ctx->fault.issues == NULL ? STR("") :
			    ctx->fault.issues->text));
		failing = err != OK;
		fault_clear(ctx);
		arena_reset(ctx->arena);
		if (*stop == 0 && (failing || !ran))
			(void)poll(NULL, 0, failing ? AWAY_MS : IDLE_MS);
	}
}

/* A child's own life: it shares nothing with its parent, and does not outlive
 * it. */
static void
child_run(const struct crew *crew, const struct ctx *parent, pid_t parent_pid)
{
	struct ctx ctx = *parent;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent_pid)
		_exit(0);
	if (pg_conn(parent->pg) != NULL)
		(void)close(PQsocket(pg_conn(parent->pg)));
	mallopt(M_MMAP_THRESHOLD, ARENA_BYTES * 4);
	ctx.arena = arena_new(ARENA_BYTES);
	ctx.pg = pg_new(crew->conf->database,
	    crew->conf->statement_timeout_ms);
	work_until(&ctx, crew->stop);
	pg_free(ctx.pg);
	_exit(0);
}

static void
reap(struct crew *crew)
{
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
		for (long i = 0; i < crew->n; i++)
			if (crew->pids[i] == pid)
				crew->pids[i] = 0;
}

void
crew_tend(struct crew *crew, const struct ctx *parent)
{
	pid_t self = getpid();

	reap(crew);
	if (parent->now_us - crew->begun_us < US_PER_SECOND &&
	    parent->now_us >= crew->begun_us)
		return;
	crew->begun_us = parent->now_us;
	for (long i = 0; i < crew->n; i++) {
		if (crew->pids[i] != 0)
			continue;
		crew->pids[i] = fork();
		if (crew->pids[i] == 0)
			child_run(crew, parent, self);
		if (crew->pids[i] < 0) {
			log_line(LOG_LEVEL_WARN, "no_task_worker", "errno=%d",
			    errno);
			crew->pids[i] = 0;
		}
	}
}

void
crew_end(struct crew *crew)
{
	for (long i = 0; i < crew->n; i++)
		if (crew->pids[i] > 0)
			(void)kill(crew->pids[i], SIGTERM);
	for (long i = 0; i < crew->n; i++)
		while (crew->pids[i] > 0 &&
		    waitpid(crew->pids[i], NULL, 0) < 0 && errno == EINTR)
			continue;
}
