/* `twocare jobs`: one process a node, under a supervisor. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/conf.h"
#include "base/log.h"
#include "base/metrics.h"
#include "jobs/loop.h"
#include "main/command.h"
#include "main/privilege.h"
#include "wire/pg.h"

static volatile sig_atomic_t stop;

static void
on_stop(int signo)
{
	stop = signo;
}

static void
catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_stop };

	sigemptyset(&action.sa_mask);
	(void)sigaction(SIGTERM, &action, NULL);
	(void)sigaction(SIGINT, &action, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
}

/* Two writers of one folder would undo each other: the lock is held until this
 * process ends, however it ends. */
static bool
lock_dir(struct ctx *ctx)
{
	const char *path = arena_printf(ctx->arena, "%s/jobs.lock",
	    ctx->conf->state_dir).p;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0) {
		command_fail("%s: %s", path, strerror(errno));
		return false;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		command_fail("another \"twocare jobs\" writes to %s",
		    ctx->conf->state_dir);
		return false;
	}
	return true;
}

int
command_jobs(int argc, char **argv)
{
	const struct conf *conf;
	struct ctx *ctx;
	char *why;

	if (!command_options(NULL, argc, argv, NULL))
		return COMMAND_USAGE;
	if ((conf = command_conf()) == NULL)
		return COMMAND_FAILED;
	if (!make_dir(conf->state_dir, STATE_DIR_MODE, conf->user,
	    conf->socket_group, &why))
		return command_fail("%s", why);
	if ((ctx = command_ctx()) == NULL || !lock_dir(ctx))
		return COMMAND_FAILED;
	if (!metrics_open(conf->state_dir))
		log_line(LOG_LEVEL_WARN, "metrics_alone", "errno=%d", errno);
	catch_signals();
	log_line(LOG_LEVEL_INFO, "jobs_begin", "pid=%d", (int)getpid());
	jobs_loop(ctx, &stop);
	pg_free(ctx->pg);
	log_line(LOG_LEVEL_INFO, "jobs_end", "signal=%d", (int)stop);
	return COMMAND_OK;
}
