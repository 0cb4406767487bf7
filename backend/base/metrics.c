/* What the processes of one node count together. */

#include "base/metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Raise it when struct metrics changes without changing its size. */
#define LAYOUT		1

#define PATH_CHARS	4096

const int64_t metrics_bounds_us[METRICS_BUCKETS - 1] = { 500, 1000, 2500,
    5000, 10000, 25000, 50000, 100000, 500000, 2500000, 10000000 };

static struct metrics own;
struct metrics *metrics = &own;

/* Nobody shrinks a file that is mapped: its name says its layout. */
bool
metrics_open(const char *dir)
{
	char path[PATH_CHARS];
	struct stat st;
	void *p = MAP_FAILED;
	int fd;

	if (snprintf(path, sizeof(path), "%s/metrics-%d-%zx", dir, LAYOUT,
	    sizeof(struct metrics)) >= (int)sizeof(path)) {
		errno = ENAMETOOLONG;
		return false;
	}
	if ((fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600)) < 0)
		return false;
	if (fstat(fd, &st) == 0 &&
	    (st.st_size >= (off_t)sizeof(struct metrics) ||
	    posix_fallocate(fd, 0, sizeof(struct metrics)) == 0))
		p = mmap(NULL, sizeof(struct metrics), PROT_READ | PROT_WRITE,
		    MAP_SHARED, fd, 0);
	close(fd);
	if (p == MAP_FAILED)
		return false;
	metrics = p;
	return true;
}

void
metrics_count(uint64_t *cell)
{
	metrics_add(cell, 1);
}

void
metrics_add(uint64_t *cell, uint64_t n)
{
	__atomic_fetch_add(cell, n, __ATOMIC_RELAXED);
}

void
metrics_request(size_t route, int status, int64_t us)
{
	struct metrics_route *r = &metrics->routes[route < METRICS_ROUTES ?
	    route : METRICS_ROUTES - 1];
	int class = status / 100 - 1;
	size_t i = 0;

	if (class < 0 || class >= METRICS_CLASSES)
		class = METRICS_CLASSES - 1;
	while (i < METRICS_BUCKETS - 1 && us > metrics_bounds_us[i])
		i++;
	metrics_count(&r->status[class]);
	metrics_count(&r->time.bucket[i]);
	metrics_add(&r->time.sum_us, us > 0 ? (uint64_t)us : 0);
}

/* --- workers -------------------------------------------------------------- */

void
metrics_worker(size_t place, const char *name, pid_t pid)
{
	struct metrics_worker *worker;

	if (place >= METRICS_WORKERS)
		return;
	worker = &metrics->workers[place];
	snprintf(worker->name, sizeof(worker->name), "%s", name);
	worker->busy = 0;
	worker->pid = pid;
	if (pid != 0)
		metrics_count(&worker->starts);
}

void
metrics_busy(uint32_t requests)
{
	static struct metrics_worker *mine;
	static pid_t self;

	if (mine == NULL) {
		self = getpid();
		for (size_t i = 0; i < METRICS_WORKERS && mine == NULL; i++)
			if (metrics->workers[i].pid == self)
				mine = &metrics->workers[i];
	}
	/* After a reload the place is a newer worker's. */
	if (mine != NULL && mine->pid == self)
		__atomic_store_n(&mine->busy, requests, __ATOMIC_RELAXED);
}

/* --- periodic work -------------------------------------------------------- */

void
metrics_job(const char *name, bool fine, int64_t us, int64_t now_us)
{
	struct metrics_kind *kind = metrics->kinds;
	struct metrics_kind *last = &metrics->kinds[METRICS_KINDS - 1];

	while (kind < last && kind->name[0] != '\0' &&
	    strcmp(kind->name, name) != 0)
		kind++;
	if (kind->name[0] == '\0')
		snprintf(kind->name, sizeof(kind->name), "%s", name);
	metrics_count(&kind->runs);
	metrics_add(&kind->sum_us, us > 0 ? (uint64_t)us : 0);
	if (fine)
		__atomic_store_n(&kind->done_us, now_us, __ATOMIC_RELAXED);
	else
		metrics_count(&kind->failures);
}
