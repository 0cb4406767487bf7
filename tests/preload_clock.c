/*
 * A monotonic clock that tests can set forward: loaded into nginx by
 * LD_PRELOAD, it adds the milliseconds that stand as one 64-bit number in the
 * file that CLOCK_AHEAD names. The wall clock stays as it is.
 */

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *ahead_ms;

static void __attribute__((constructor))
find_file(void)
{
	const char *path = getenv("CLOCK_AHEAD");
	int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	void *p;

	if (fd < 0)
		return;
	p = mmap(NULL, sizeof(*ahead_ms), PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (p != MAP_FAILED)
		ahead_ms = p;
}

int
clock_gettime(clockid_t clock, struct timespec *ts)
{
	long result = syscall(SYS_clock_gettime, clock, ts);
	int64_t ns;

	if (result != 0 || ahead_ms == NULL || (clock != CLOCK_MONOTONIC &&
	    clock != CLOCK_MONOTONIC_COARSE && clock != CLOCK_MONOTONIC_RAW))
		return (int)result;
	ns = ts->tv_nsec + *ahead_ms % 1000 * 1000000;
	ts->tv_sec += *ahead_ms / 1000 + ns / 1000000000;
	ts->tv_nsec = ns % 1000000000;
	return 0;
}
