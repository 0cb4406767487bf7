/*
 * Work that is asked for once and done by `twocare jobs`: a row, which outlives
 * every process. A kind of task (jobs/tasks.c) does it in steps, each of which
 * ends by keeping its place, so a killed one is gone on with from there. A task
 * belongs to the client that asked; its files lie in a folder of their own
 * (platform/ndjson.h).
 */
#ifndef PLATFORM_TASK_H
#define PLATFORM_TASK_H

#include "base/ctx.h"

/* A step and the time between two of them take less: then another process may
 * claim the task. */
#define TASK_LEASE_S	60

enum task_state { TASK_OPEN, TASK_DONE, TASK_FAILED, TASK_CANCELLED };

struct task {
	struct str	 id;
	struct str	 kind;
	int32_t		 tn;
	struct str	 client;
	enum task_state	 state;
	struct str	 input;		/* of the kind's own making */
	struct str	 place;		/* the same; empty at first */
	struct str	 why;		/* of a failed one */
	int64_t		 turn;		/* of this claim */
	int32_t		 tries;		/* failures since it last went on */
	int64_t		 created_us;
	int64_t		 ended_us;	/* 0 while open */
	int64_t		 expires_us;	/* the same */
};

/* What a step of a task says when it returns OK. */
enum task_fate {
	TASK_MORE,		/* there are further steps */
	TASK_WAIT,		/* there are, but not at once */
	TASK_COMPLETE		/* that was the last one */
};

/* A file that a task writes. */
struct task_file {
	int32_t		 n;		/* from 1; 0 = none */
	const char	*role;		/* "output", "deleted", "error" */
	struct str	 type;		/* of the resources in it */
	int64_t		 records;
	int64_t		 bytes;
};

/* --- asking --------------------------------------------------------------- */

/* Ask for one of that kind, for ctx's tenant and client. ERR_RATE_LIMIT when
 * `most` of the client's are open. */
enum err	task_add(struct ctx *ctx, struct str id, const char *kind,
		    struct str input, int most);

/* The task of ctx's tenant; its strings live as long as ctx. ERR_NOT_FOUND,
 * also when it is another client's, unless ctx's has system:admin, and when it
 * was cancelled. */
enum err	task_read(struct ctx *ctx, struct str id, struct task *out);

/* Take it away, done or not. */
enum err	task_cancel(struct ctx *ctx, const struct task *task);

enum err	task_files(struct ctx *ctx, const struct task *task,
		    struct task_file **files, size_t *n);

/* ERR_NOT_FOUND when it has no such file. */
enum err	task_file(struct ctx *ctx, const struct task *task, int32_t n,
		    struct task_file *out);

/* --- doing ---------------------------------------------------------------- */

/* Claim one that is due, of one of these kinds; *any tells whether there was
 * one. */
enum err	task_claim(struct ctx *ctx, const struct str *kinds, size_t n,
		    struct task *out, bool *any);

/*
 * Note that the task has come to `place`, and what file (NULL: none) has been
 * written so far; holds it for another TASK_LEASE_S. Within a transaction it
 * comes to pass with that. ERR_CONFLICT when it was cancelled or another
 * process has claimed it: then nothing more may be done for it.
 */
enum err	task_keep(struct ctx *ctx, const struct task *task,
		    struct str place, const struct task_file *file);

/* Give it back; it is due again after wait_ms. */
enum err	task_release(struct ctx *ctx, const struct task *task,
		    int32_t wait_ms);

/* The same after a failure, later and later. */
enum err	task_retry(struct ctx *ctx, const struct task *task);

/* It has ended: TASK_DONE, or TASK_FAILED with a why for its client. Row and
 * files go after ttl_s. */
enum err	task_end(struct ctx *ctx, const struct task *task,
		    enum task_state state, struct str why, int32_t ttl_s);

/* --- cleaning up ---------------------------------------------------------- */

/* Periodic: the files that no row needs go, then the rows that have expired. */
enum err	task_sweep(struct ctx *ctx);

#endif
