/*
 * The master process.
 *
 * A reload executes the program again in this process: its number, its
 * listening sockets and its children stay. What the new program must know of
 * them travels in one environment variable (HANDOVER): words "fast-0=5" (socket
 * and descriptor), "leaving=4711" (a worker of the old program), "sealed=1"
 * (not to be traced). The old workers are told to leave when the new ones have
 * been started, and nothing happens when the new program or its settings do
 * not even pass `serve --check`.
 */

#include "main/master.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/metrics.h"
#include "main/command.h"
#include "main/socket.h"
#include "main/worker.h"

#define HANDOVER		"TWOCARE_HANDOVER"
#define WORKERS_MAX		512
#define LEAVING_MAX		1024
#define NAME_CHARS		32
#define PATH_CHARS		4096
#define FILES_WANTED		2048

/* A worker that died within a second is started again later and later. */
#define SHORT_LIFE_MS		1000
#define DELAY_FIRST_MS		100
#define DELAY_MAX_MS		5000

/* After nginx had time to close its idle connections, or a handler to end. */
#define PATIENCE_MARGIN_MS	10000

struct worker {
	char	name[NAME_CHARS];	/* "fast-0" */
	int	fd;
	pid_t	pid;			/* 0 = not running */
	int64_t	began_ms;
	int64_t	due_ms;			/* when to start it */
	int	delay_ms;
};

static struct worker workers[WORKERS_MAX];
static size_t nworkers;
static pid_t leaving[LEAVING_MAX];	/* workers of the old program */
static size_t nleaving;
static bool ending;			/* start nothing any more */
static int64_t patience_until_ms;	/* while ending */
static char program[PATH_CHARS];

static int64_t
clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* --- names in the process table ------------------------------------------- */

/* Our words lie in one piece in memory; a worker writes its name over them. */
static size_t title_room;

static void
find_title_room(void)
{
	char words[PATH_CHARS];
	FILE *file = fopen("/proc/self/cmdline", "re");

	if (file == NULL)
		return;
	title_room = fread(words, 1, sizeof(words), file);
	fclose(file);
}

static void
take_title(const char *name)
{
	if (title_room == 0)
		return;
	memset(program_invocation_name, 0, title_room);
	snprintf(program_invocation_name, title_room, "twocare %s", name);
}

/* --- sockets -------------------------------------------------------------- */

/* The number after "name=" in the handover; -1 when it is not there. */
static int
handed_over(const char *name)
{
	struct str words = str_of(getenv(HANDOVER));
	uint64_t n;

	while (words.p != NULL) {
		struct str value = str_cut(&words, ' ');

		if (str_eqz(str_cut(&value, '='), name) &&
		    str_u64(value, INT32_MAX, &n))
			return (int)n;
	}
	return -1;
}

static bool
is_listening(int fd)
{
	int yes = 0;
	socklen_t n = sizeof(yes);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &yes, &n) == 0 &&
	    yes != 0;
}

static bool
add_worker(const struct conf *conf, const char *pool, long n)
{
	struct worker *worker = &workers[nworkers];
	char path[SOCKET_PATH_MAX + 1];

	snprintf(worker->name, sizeof(worker->name), "%s-%ld", pool, n);
	if (!socket_path(conf, worker->name, path))
		return command_fail("socket_dir: too long") == COMMAND_OK;
	worker->fd = handed_over(worker->name);
	if (worker->fd >= 0 && is_listening(worker->fd))
		(void)fcntl(worker->fd, F_SETFD, FD_CLOEXEC);
	else
		worker->fd = socket_listen(conf, path);
	if (worker->fd < 0)
		return false;
	nworkers++;
	return true;
}

static bool
add_pool(const struct conf *conf, const char *pool, long count)
{
	for (long i = 0; i < count; i++)
		if (!add_worker(conf, pool, i))
			return false;
	return true;
}

static bool
is_used(int fd)
{
	for (size_t i = 0; i < nworkers; i++)
		if (workers[i].fd == fd)
			return true;
	return false;
}

/* Take the rest of the handover: old workers, and sockets nobody needs now. */
static void
take_over(void)
{
	struct str words = str_of(getenv(HANDOVER));
	uint64_t n;

	while (words.p != NULL) {
		struct str value = str_cut(&words, ' ');
		struct str name = str_cut(&value, '=');

		if (!str_u64(value, INT32_MAX, &n))
			continue;
		if (str_eqz(name, "leaving") && nleaving < LEAVING_MAX)
			leaving[nleaving++] = (pid_t)n;
		else if (str_eqz(name, "sealed"))
			(void)prctl(PR_SET_DUMPABLE, 0);
		else if (!is_used((int)n) && is_listening((int)n))
			close((int)n);
	}
	(void)unsetenv(HANDOVER);
}

static void
want_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 ||
	    limit.rlim_cur >= FILES_WANTED)
		return;
	limit.rlim_cur = limit.rlim_max < FILES_WANTED ? limit.rlim_max :
	    FILES_WANTED;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

bool
master_begin(const struct conf *conf)
{
	ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);
	bool reloaded = getenv(HANDOVER) != NULL;
	bool fine;

	if (n < 0) {
		command_fail("/proc/self/exe: %s", strerror(errno));
		return false;
	}
	program[n] = '\0';
	want_files();
	find_title_room();
	fine = socket_lock(conf) &&
	    add_pool(conf, "fast", conf->fast_workers) &&
	    add_pool(conf, "slow", conf->slow_workers);
	take_over();
	/* After a reload fewer workers are better than none. */
	return fine || (reloaded && nworkers > 0);
}

/* --- workers -------------------------------------------------------------- */

static void
child_run(const struct conf *conf, const struct worker *me, pid_t master)
{
	struct rlimit no_core = { 0, 0 };
	sigset_t none;

	take_title(me->name);
	/* A worker without its master would be nobody's to stop. */
	(void)prctl(PR_SET_PDEATHSIG, SIGQUIT);
	if (getppid() != master)
		_exit(COMMAND_OK);
	/* What is in our memory is about patients. */
	(void)setrlimit(RLIMIT_CORE, &no_core);
	for (size_t i = 0; i < nworkers; i++)
		if (&workers[i] != me && workers[i].fd >= 0)
			close(workers[i].fd);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	exit(worker_run(conf, me->fd));
}

static void
worker_start(const struct conf *conf, struct worker *worker)
{
	pid_t master = getpid();
	pid_t pid = fork();

	if (pid == 0)
		child_run(conf, worker, master);
	worker->began_ms = clock_ms();
	if (pid < 0) {
		log_line(LOG_LEVEL_ERROR, "worker_fork", "worker=%s errno=%d",
		    worker->name, errno);
		worker->due_ms = worker->began_ms + DELAY_MAX_MS;
		return;
	}
	worker->pid = pid;
	metrics_worker((size_t)(worker - workers), worker->name, pid);
	log_line(LOG_LEVEL_INFO, "worker_started", "worker=%s pid=%d",
	    worker->name, pid);
}

static void
start_due(const struct conf *conf)
{
	int64_t now = clock_ms();

	for (size_t i = 0; i < nworkers && !ending; i++)
		if (workers[i].pid == 0 && workers[i].due_ms <= now)
			worker_start(conf, &workers[i]);
}

static void
worker_died(struct worker *worker)
{
	int64_t now = clock_ms();

	worker->pid = 0;
	metrics_worker((size_t)(worker - workers), worker->name, 0);
	if (now - worker->began_ms >= SHORT_LIFE_MS)
		worker->delay_ms = 0;
	else if (worker->delay_ms == 0)
		worker->delay_ms = DELAY_FIRST_MS;
	else if (worker->delay_ms < DELAY_MAX_MS)
		worker->delay_ms *= 2;
	if (worker->delay_ms > DELAY_MAX_MS)
		worker->delay_ms = DELAY_MAX_MS;
	worker->due_ms = now + worker->delay_ms;
}

static const char *
forget(pid_t pid)
{
	for (size_t i = 0; i < nworkers; i++)
		if (workers[i].pid == pid) {
			worker_died(&workers[i]);
			return workers[i].name;
		}
	for (size_t i = 0; i < nleaving; i++)
		if (leaving[i] == pid) {
			leaving[i] = leaving[--nleaving];
			return "leaving";
		}
	return "unknown";
}

static void
reap(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		bool fine = WIFEXITED(status) && WEXITSTATUS(status) == 0;

		log_line(fine ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR,
		    "worker_ended", "worker=%s pid=%d exit=%d signal=%d",
		    forget(pid), pid, WIFEXITED(status) ?
		    WEXITSTATUS(status) : -1, WIFSIGNALED(status) ?
		    WTERMSIG(status) : 0);
	}
}

static void
tell_all(int number)
{
	for (size_t i = 0; i < nworkers; i++)
		if (workers[i].pid > 0)
			kill(workers[i].pid, number);
	for (size_t i = 0; i < nleaving; i++)
		kill(leaving[i], number);
}

static bool
all_gone(void)
{
	for (size_t i = 0; i < nworkers; i++)
		if (workers[i].pid > 0)
			return false;
	return nleaving == 0;
}

/* --- reload --------------------------------------------------------------- */

static bool
passes_check(void)
{
	char *const argv[] = { program, (char []){ "serve" },
	    (char []){ "--check" }, NULL };
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		execv(program, argv);
		_exit(127);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid &&
	    WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void
hand_over(void)
{
	struct arena *arena = arena_new(PATH_CHARS);
	struct buf b = buf_new(arena, 0);

	for (size_t i = 0; i < nworkers; i++) {
		buf_addf(&b, "%s=%d ", workers[i].name, workers[i].fd);
		if (workers[i].pid > 0)
			buf_addf(&b, "leaving=%d ", workers[i].pid);
		(void)fcntl(workers[i].fd, F_SETFD, 0);
	}
	for (size_t i = 0; i < nleaving; i++)
		buf_addf(&b, "leaving=%d ", leaving[i]);
	if (prctl(PR_GET_DUMPABLE) == 0)
		buf_addz(&b, "sealed=1");
	(void)setenv(HANDOVER, arena_z(arena, buf_str(&b)), 1);
	arena_free(arena);
}

/* Returns only when it did not work. */
static void
reload(void)
{
	char *const argv[] = { program, (char []){ "serve" }, NULL };

	if (!passes_check()) {
		log_line(LOG_LEVEL_ERROR, "reload_refused", "program=%s",
		    log_word(str_of(program)));
		return;
	}
	log_line(LOG_LEVEL_INFO, "reload", "program=%s",
	    log_word(str_of(program)));
	hand_over();
	execv(program, argv);
	log_line(LOG_LEVEL_ERROR, "reload_failed", "errno=%d", errno);
	(void)unsetenv(HANDOVER);
	for (size_t i = 0; i < nworkers; i++)
		(void)fcntl(workers[i].fd, F_SETFD, FD_CLOEXEC);
}

/* --- the loop ------------------------------------------------------------- */

static void
end(const struct conf *conf, bool at_once)
{
	int64_t now = clock_ms();

	/* New connections are refused, those in the queue are still served. */
	for (size_t i = 0; i < nworkers && !ending; i++)
		shutdown(workers[i].fd, SHUT_RDWR);
	ending = true;
	patience_until_ms = now + PATIENCE_MARGIN_MS + (at_once ?
	    conf->statement_timeout_ms : conf->keepalive_s * 1000);
	log_line(LOG_LEVEL_INFO, "ending", "at_once=%d", at_once);
	tell_all(at_once ? SIGQUIT : SIGTERM);
}

/* Milliseconds until something is due; -1 = only a signal can be next. */
static int64_t
next_due(void)
{
	int64_t soonest = -1, now = clock_ms();

	if (ending)
		return patience_until_ms > now ? patience_until_ms - now : 0;
	for (size_t i = 0; i < nworkers; i++) {
		int64_t left = workers[i].due_ms - now;

		if (workers[i].pid != 0)
			continue;
		if (left < 0)
			left = 0;
		if (soonest < 0 || left < soonest)
			soonest = left;
	}
	return soonest;
}

static int
wait_for_signal(const sigset_t *ours)
{
	int64_t ms = next_due();
	struct timespec ts = { ms / 1000, (ms % 1000) * 1000000 };

	return ms < 0 ? sigwaitinfo(ours, NULL) :
	    sigtimedwait(ours, NULL, &ts);
}

static void
heed(const struct conf *conf, int number)
{
	switch (number) {
	case SIGHUP:
		if (!ending)
			reload();
		break;
	case SIGTERM:
		end(conf, ending);
		break;
	case SIGINT:
	case SIGQUIT:
		end(conf, true);
		break;
	default:
		if (ending && clock_ms() >= patience_until_ms)
			tell_all(SIGKILL);
	}
}

int
master_run(const struct conf *conf)
{
	static const int numbers[] = { SIGCHLD, SIGHUP, SIGTERM, SIGINT,
	    SIGQUIT };
	sigset_t ours;

	sigemptyset(&ours);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		sigaddset(&ours, numbers[i]);
	sigprocmask(SIG_BLOCK, &ours, NULL);
	/* Places of a time with more workers. */
	for (size_t i = 0; i < METRICS_WORKERS; i++)
		metrics_worker(i, "", 0);
	start_due(conf);
	for (size_t i = 0; i < nleaving; i++)
		kill(leaving[i], SIGTERM);
	while (!ending || !all_gone()) {
		heed(conf, wait_for_signal(&ours));
		reap();
		start_due(conf);
	}
	log_line(LOG_LEVEL_INFO, "ended", "pid=%d", getpid());
	return COMMAND_OK;
}
