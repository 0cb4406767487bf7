/*
 * What the processes of one node count together, in a file that each of them
 * maps: workers, master and jobs add, whoever answers /metrics reads. Adding is
 * one relaxed atomic instruction; nothing is locked, and a process killed at
 * any instruction leaves at most one number too small. The counts outlive
 * restarts; a program with another layout begins a file of its own.
 *
 * No number tells of a tenant, a client or a record.
 */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/fault.h"

#define METRICS_ROUTES		128
#define METRICS_WORKERS		512
#define METRICS_KINDS		32
#define METRICS_NAME_CHARS	32

/* Of HTTP statuses: 1xx to 5xx. */
#define METRICS_CLASSES		5

/* Upper bounds of the buckets of durations, in microseconds; the last bucket
 * has none. */
#define METRICS_BUCKETS		12
extern const int64_t	metrics_bounds_us[METRICS_BUCKETS - 1];

struct metrics_durations {
	uint64_t	bucket[METRICS_BUCKETS];	/* not cumulative */
	uint64_t	sum_us;
};

struct metrics_route {
	uint64_t			status[METRICS_CLASSES];
	struct metrics_durations	time;
};

struct metrics_worker {
	char		name[METRICS_NAME_CHARS];	/* "fast-0" */
	pid_t		pid;				/* 0 = not running */
	uint32_t	busy;				/* with requests */
	uint64_t	starts;
};

struct metrics_kind {
	char		name[METRICS_NAME_CHARS];
	uint64_t	runs, failures, sum_us;
	int64_t		done_us;		/* when last, Unix time */
};

struct metrics {
	/* By the row of the table of routes; the last: no route. */
	struct metrics_route	routes[METRICS_ROUTES];
	struct metrics_worker	workers[METRICS_WORKERS];
	struct metrics_kind	kinds[METRICS_KINDS];
	uint64_t		database_errors[ERR__MAX];
	uint64_t		database_connects;
	int64_t			jobs_turn_us;	/* the last good one */
};

/* Never NULL: until metrics_open() has worked, memory of this process. */
extern struct metrics	*metrics;

/* Map dir's file, made when missing. False with errno, and then counts stay
 * with this process. */
bool	metrics_open(const char *dir);

/* Add one to, or n, atomically. */
void	metrics_count(uint64_t *cell);
void	metrics_add(uint64_t *cell, uint64_t n);

/* A request of a row of the table of routes (or METRICS_ROUTES - 1). */
void	metrics_request(size_t route, int status, int64_t us);

/* The master says who runs in a place, and that nobody does (pid 0). */
void	metrics_worker(size_t place, const char *name, pid_t pid);

/* A worker says how many requests it has in hand; a process that the master did
 * not name says nothing. */
void	metrics_busy(uint32_t requests);

/* A run of a kind of periodic work. */
void	metrics_job(const char *kind, bool fine, int64_t us, int64_t now_us);

#endif
