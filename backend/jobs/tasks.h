/*
 * Doing what was asked for once (platform/task.h): the table of its kinds, and
 * the processes that claim tasks and do their steps. A task has the processor
 * for some seconds, then the one that waits longest.
 */
#ifndef JOBS_TASKS_H
#define JOBS_TASKS_H

#include <signal.h>
#include <sys/types.h>

#include "base/ctx.h"

/*
 * Claim a task that is due and do steps of it for some seconds, or until *stop
 * is not 0; *ran tells whether there was one. A task that fails is logged, and
 * tried again or ended, which is no error here.
 */
enum err	tasks_run(struct ctx *ctx, const volatile sig_atomic_t *stop,
		    bool *ran);

/* --- the processes -------------------------------------------------------- */

/* Children of this process, which end with it however it ends. */
struct crew;

/* conf->task_workers of them, not yet started; in the arena. */
struct crew	*crew_new(struct arena *arena, const struct conf *conf,
		    const volatile sig_atomic_t *stop);

/* Start those that do not run, at most once a second. */
void		 crew_tend(struct crew *crew, const struct ctx *parent);

/* Ask them to end, and wait until they have. */
void		 crew_end(struct crew *crew);

#endif
