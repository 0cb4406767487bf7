/*
 * Bulk imports: lines of NDJSON, each a resource, written as any other write is
 * (validation, keys, events, audit). A batch of lines and the place behind it
 * come to pass in one transaction, so a killed import goes on without writing a
 * line twice or leaving one out. Lines that are refused do not hold up others:
 * each is an OperationOutcome in the task's file of errors.
 */
#ifndef PLATFORM_IMPORT_H
#define PLATFORM_IMPORT_H

#include "platform/task.h"

/* Of one client at once. */
#define IMPORTS_MAX	3

/* How far it is: numbers alone (platform/place.h). */
struct import_place {
	uint64_t	offset;		/* in the input */
	uint64_t	lines;		/* before it */
	uint64_t	written;	/* of these */
	uint64_t	refused;	/* of these: lines in the error file */
	uint64_t	bytes;		/* of the error file */
};

/* Ask for it: the lines, the URL that was asked, both copied. ERR_RATE_LIMIT;
 * ERR_TOO_LARGE when there is no room on the disk. */
enum err	import_ask(struct ctx *ctx, struct str lines,
		    struct str request, struct str *id);

/* The URL that was asked. */
struct str	import_request(struct ctx *ctx, const struct task *task);

/* --- by jobs (jobs/tasks.h) ----------------------------------------------- */

enum err	import_open(struct ctx *ctx, const struct task *task,
		    void **work);
enum err	import_step(struct ctx *ctx, struct task *task, void *work,
		    enum task_fate *fate);

#endif
