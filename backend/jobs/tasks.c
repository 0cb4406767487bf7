/* The kinds of tasks, and how one is claimed and done. */

#include "jobs/tasks.h"

#include "base/conf.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/when.h"
#include "platform/export.h"
#include "platform/import.h"
#include "platform/task.h"
#include "wire/pg.h"

/* Then another task has its turn. */
#define SLICE_US	(2 * US_PER_SECOND)

/* Between two steps when the first one had to wait. */
#define WAIT_MS		250

/* So often in a row one may fail; with the waits that is half an hour. */
#define TRIES_MAX	30

#define STEP_BYTES	(256 * 1024)

struct kind {
	const char	*name;
	enum err	(*open)(struct ctx *ctx, const struct task *task,
			    void **work);
	enum err	(*step)(struct ctx *ctx, struct task *task, void *work,
			    enum task_fate *fate);
};

/* clang-format off */
static const struct kind kinds[] = {
/* name		open		step */
{ "export",	export_open,	export_step },
{ "import",	import_open,	import_step },
};
/* clang-format on */

#define NKINDS	(sizeof(kinds) / sizeof(kinds[0]))

static enum err
claim(struct ctx *ctx, struct task *task, bool *any)
{
	struct str names[NKINDS];

	for (size_t i = 0; i < NKINDS; i++)
		names[i] = str_of(kinds[i].name);
	return task_claim(ctx, names, NKINDS, task, any);
}

static const struct kind *
kind_named(struct str name)
{
	const struct kind *kind = kinds;

	/* The claim asked for names of this table alone. */
	while (!str_eqz(name, kind->name))
		kind++;
	return kind;
}

static void
free_arena(void *arena)
{
	arena_free(arena);
}

/* Steps, each with an arena of its own, until the slice is over. */
static enum err
do_steps(struct ctx *ctx, struct task *task, const struct kind *kind,
    const volatile sig_atomic_t *stop, enum task_fate *fate)
{
	int64_t until_us = when_now() + SLICE_US;
	struct ctx step = *ctx;
	void *work;
	enum err err;

	*fate = TASK_MORE;
	if ((err = kind->open(ctx, task, &work)) != OK)
		return err;
	step.arena = arena_new(STEP_BYTES);
	arena_later(ctx->arena, free_arena, step.arena);
	while (err == OK && *fate == TASK_MORE && *stop == 0 &&
	    when_now() < until_us) {
		arena_reset(step.arena);
		step.now_us = when_now();
		err = kind->step(&step, task, work, fate);
	}
	ctx->fault = step.fault;
	return err;
}

/* Text for the client: what a fault of ours was stays in our log. */
static struct str
why_of(const struct ctx *ctx)
{
	const struct issue *issue = ctx->fault.issues;

	if (issue == NULL || fault_kind(issue->err)->status >= 500)
		return STR("an internal error: the operator's log says which");
	return issue->text;
}

/* What the next try may find in order; the others are for good. */
static bool
may_pass(const struct task *task, enum err err)
{
	return fault_kind(err)->status >= 500 && task->tries < TRIES_MAX;
}

static enum err
after_failure(struct ctx *ctx, const struct task *task, enum err err)
{
	struct str why = why_of(ctx);
	bool again = may_pass(task, err);

	log_line(again ? LOG_LEVEL_WARN : LOG_LEVEL_ERROR, "task_failed",
	    "kind=%s task=%s tries=%d again=%s why=%s", log_word(task->kind),
	    log_word(task->id), (int)task->tries + 1, again ? "yes" : "no",
	    log_word(ctx->fault.issues == NULL ? STR("") :
	    ctx->fault.issues->text));
	fault_clear(ctx);
	if (again)
		return task_retry(ctx, task);
	return task_end(ctx, task, TASK_FAILED, why,
	    (int32_t)ctx->conf->export_ttl_s);
}

static enum err
after_steps(struct ctx *ctx, const struct task *task, enum err err,
    enum task_fate fate)
{
	/* Somebody else has it, or nobody wants it any more. */
	if (err == ERR_CONFLICT) {
		fault_clear(ctx);
		return OK;
	}
	if (err != OK)
		return after_failure(ctx, task, err);
	if (fate != TASK_COMPLETE)
		return task_release(ctx, task,
		    fate == TASK_WAIT ? WAIT_MS : 0);
	log_line(LOG_LEVEL_INFO, "task_done", "kind=%s task=%s",
	    log_word(task->kind), log_word(task->id));
	return task_end(ctx, task, TASK_DONE, STR(""),
	    (int32_t)ctx->conf->export_ttl_s);
}

enum err
tasks_run(struct ctx *ctx, const volatile sig_atomic_t *stop, bool *ran)
{
	int64_t begin_us = when_now();
	enum task_fate fate;
	struct task task;
	enum err err;

	if ((err = claim(ctx, &task, ran)) != OK || !*ran)
		return err;
	ctx->who = (struct who){ .tn = task.tn, .client = task.client,
		.sub = task.client };
	ctx->request_id = task.id;
	err = do_steps(ctx, &task, kind_named(task.kind), stop, &fate);
	pg_rollback(ctx);
	metrics_job(kind_named(task.kind)->name, err == OK,
	    when_now() - begin_us, begin_us);
	return after_steps(ctx, &task, err, fate);
}
