/* The rows of tasks, and the files that no row needs. */

#include "platform/task.h"

#include "base/log.h"
#include "fhir/scope.h"
#include "platform/ndjson.h"
#include "queries.h"
#include "wire/pg.h"

/* The columns of task_read and task_claim. */
enum column { COL_ID, COL_KIND, COL_TN, COL_CLIENT, COL_STATE, COL_INPUT,
	COL_PLACE, COL_WHY, COL_TURN, COL_TRIES, COL_CREATED, COL_ENDED,
	COL_EXPIRES };

/* A failed one waits 1 s, 2 s, 4 s, ... up to a minute. */
#define RETRY_FIRST_MS	1000
#define RETRY_MAX_MS	60000

/* Folders that one sweep looks at. */
#define SWEEP_MAX	1000

static const char *const states[] = {
	[TASK_OPEN] = "open",
	[TASK_DONE] = "done",
	[TASK_FAILED] = "failed",
	[TASK_CANCELLED] = "cancelled",
};

static enum task_state
state_named(struct str name)
{
	int state = TASK_OPEN;

	/* The table has no others. */
	while (!str_eqz(name, states[state]))
		state++;
	return (enum task_state)state;
}

static struct str
take_str(struct ctx *ctx, const PGresult *res, enum column col)
{
	return arena_str(ctx->arena, pg_get_str(res, 0, col));
}

static int64_t
take_time(const PGresult *res, enum column col)
{
	return pg_is_null(res, 0, col) ? 0 : pg_get_time(res, 0, col);
}

static void
take_task(struct ctx *ctx, const PGresult *res, struct task *out)
{
	*out = (struct task){
		.id = take_str(ctx, res, COL_ID),
		.kind = take_str(ctx, res, COL_KIND),
		.tn = pg_get_int4(res, 0, COL_TN),
		.client = take_str(ctx, res, COL_CLIENT),
		.state = state_named(pg_get_str(res, 0, COL_STATE)),
		.input = take_str(ctx, res, COL_INPUT),
		.place = take_str(ctx, res, COL_PLACE),
		.why = take_str(ctx, res, COL_WHY),
		.turn = pg_get_int8(res, 0, COL_TURN),
		.tries = pg_get_int4(res, 0, COL_TRIES),
		.created_us = take_time(res, COL_CREATED),
		.ended_us = take_time(res, COL_ENDED),
		.expires_us = take_time(res, COL_EXPIRES),
	};
}

/* --- asking --------------------------------------------------------------- */

enum err
task_add(struct ctx *ctx, struct str id, const char *kind, struct str input,
    int most)
{
	struct pg_args room = pg_args(ctx->arena);
	struct pg_args a = pg_args(ctx->arena);
	PGresult *results[2];
	enum err err;

	pg_int4(&room, ctx->who.tn);
	pg_text(&room, ctx->who.client);
	pg_int4(&a, ctx->who.tn);
	pg_text(&a, ctx->who.client);
	pg_text(&a, id);
	pg_text(&a, str_of(kind));
	pg_text(&a, input);
	pg_int4(&a, most);
	pg_begin(ctx);
	pg_send(ctx, &query_task_room, &room);
	pg_send(ctx, &query_task_add, &a);
	if ((err = pg_commit(ctx, results, 2)) != OK)
		return err;
	if (PQntuples(results[1]) == 0)
		return fail(ctx, ERR_RATE_LIMIT, "a client has at most %d %ss "
		    "at once: wait for one to end, or cancel one", most, kind);
	return OK;
}

static bool
is_ours(const struct ctx *ctx, const struct task *task)
{
	return str_eq(task->client, ctx->who.client) ||
	    scope_within(STR("system:admin"), ctx->who.scope);
}

static enum err
no_such(struct ctx *ctx)
{
	return fail(ctx, ERR_NOT_FOUND, "there is nothing of that id, or not "
	    "any more");
}

enum err
task_read(struct ctx *ctx, struct str id, struct task *out)
{
	struct pg_args a = pg_args(ctx->arena);
	PGresult *res;
	enum err err;

	pg_int4(&a, ctx->who.tn);
	pg_text(&a, id);
	if ((err = pg_exec(ctx, &query_task_read, &a, &res)) != OK)
		return err;
	if (PQntuples(res) == 0)
		return no_such(ctx);
	take_task(ctx, res, out);
	if (!is_ours(ctx, out) || out->state == TASK_CANCELLED ||
	    (out->state != TASK_OPEN && out->expires_us < ctx->now_us))
		return no_such(ctx);
	return OK;
}

enum err
task_cancel(struct ctx *ctx, const struct task *task)
{
	struct pg_args a = pg_args(ctx->arena);

	pg_int4(&a, task->tn);
	pg_text(&a, task->id);
	return pg_exec(ctx, &query_task_cancel, &a, NULL);
}

static const char *
role_named(struct str name)
{
	return str_eqz(name, "output") ? "output" :
	    str_eqz(name, "deleted") ? "deleted" : "error";
}

enum err
task_files(struct ctx *ctx, const struct task *task,
    struct task_file **files, size_t *n)
{
	struct pg_args a = pg_args(ctx->arena);
	PGresult *res;
	enum err err;

	pg_text(&a, task->id);
	if ((err = pg_exec(ctx, &query_task_files, &a, &res)) != OK)
		return err;
	*n = (size_t)PQntuples(res);
	*files = arena_array(ctx->arena, *n, sizeof(**files));
	for (size_t i = 0; i < *n; i++)
		(*files)[i] = (struct task_file){
			.n = pg_get_int4(res, (int)i, 0),
			.role = role_named(pg_get_str(res, (int)i, 1)),
			.type = pg_get_str(res, (int)i, 2),
			.records = pg_get_int8(res, (int)i, 3),
		};
	return OK;
}

enum err
task_file(struct ctx *ctx, const struct task *task, int32_t n,
    struct task_file *out)
{
	struct pg_args a = pg_args(ctx->arena);
	PGresult *res;
	enum err err;

	pg_text(&a, task->id);
	pg_int4(&a, n);
	if ((err = pg_exec(ctx, &query_task_file, &a, &res)) != OK)
		return err;
	if (PQntuples(res) == 0)
		return no_such(ctx);
	*out = (struct task_file){ .n = n,
		.role = role_named(pg_get_str(res, 0, 0)),
		.type = pg_get_str(res, 0, 1) };
	return OK;
}

/* --- doing ---------------------------------------------------------------- */

enum err
task_claim(struct ctx *ctx, const struct str *kinds, size_t n,
    struct task *out, bool *any)
{
	struct pg_args a = pg_args(ctx->arena);
	PGresult *res;
	enum err err;

	pg_texts(&a, kinds, n);
	pg_int4(&a, TASK_LEASE_S);
	if ((err = pg_exec(ctx, &query_task_claim, &a, &res)) != OK)
		return err;
	*any = PQntuples(res) > 0;
	if (*any)
		take_task(ctx, res, out);
	return OK;
}

enum err
task_keep(struct ctx *ctx, const struct task *task, struct str place,
    const struct task_file *file)
{
	static const struct task_file none = { .role = "output",
		.type = { "", 0 } };
	struct pg_args a = pg_args(ctx->arena);
	PGresult *res;
	enum err err;

	if (file == NULL)
		file = &none;
	pg_text(&a, task->id);
	pg_int8(&a, task->turn);
	pg_text(&a, place);
	pg_int4(&a, TASK_LEASE_S);
	pg_int4(&a, file->n);
	pg_text(&a, str_of(file->role));
	pg_text(&a, file->type);
	pg_int8(&a, file->records);
	pg_int8(&a, file->bytes);
	if ((err = pg_exec(ctx, &query_task_keep, &a, &res)) != OK)
		return err;
	if (PQntuples(res) == 0)
		return fail(ctx, ERR_CONFLICT, "the task is not ours any more");
	return OK;
}

static enum err
release(struct ctx *ctx, const struct task *task, int32_t wait_ms, int failed)
{
	struct pg_args a = pg_args(ctx->arena);

	pg_text(&a, task->id);
	pg_int8(&a, task->turn);
	pg_int4(&a, wait_ms);
	pg_int4(&a, failed);
	return pg_exec(ctx, &query_task_release, &a, NULL);
}

enum err
task_release(struct ctx *ctx, const struct task *task, int32_t wait_ms)
{
	return release(ctx, task, wait_ms, 0);
}

enum err
task_retry(struct ctx *ctx, const struct task *task)
{
	return release(ctx, task, task->tries > 5 ? RETRY_MAX_MS :
	    RETRY_FIRST_MS << task->tries, 1);
}

enum err
task_end(struct ctx *ctx, const struct task *task, enum task_state state,
    struct str why, int32_t ttl_s)
{
	struct pg_args a = pg_args(ctx->arena);

	pg_text(&a, task->id);
	pg_int8(&a, task->turn);
	pg_text(&a, str_of(states[state]));
	pg_text(&a, why);
	pg_int4(&a, ttl_s);
	return pg_exec(ctx, &query_task_end, &a, NULL);
}

/* --- cleaning up ---------------------------------------------------------- */

/* A folder without a row is superfluous, too, unless the row may yet come. */
static bool
is_needed(const PGresult *res, const struct ndjson_id *found)
{
	for (int i = 0; i < PQntuples(res); i++)
		if (str_eq(pg_get_str(res, i, 0), found->id))
			return pg_get_bool(res, i, 1);
	return found->fresh;
}

/* A folder that a process makes while its task is taken away is found by the
 * next sweep. */
static enum err
sweep_folders(struct ctx *ctx)
{
	struct ndjson_id *found = arena_array(ctx->arena, SWEEP_MAX,
	    sizeof(*found));
	struct str *ids = arena_array(ctx->arena, SWEEP_MAX, sizeof(*ids));
	size_t n = ndjson_list(ctx, found, SWEEP_MAX);
	struct pg_args a = pg_args(ctx->arena);
	PGresult *res;
	enum err err;

	for (size_t i = 0; i < n; i++)
		ids[i] = found[i].id;
	pg_texts(&a, ids, n);
	if (n == 0 || (err = pg_exec(ctx, &query_task_known, &a, &res)) != OK)
		return n == 0 ? OK : err;
	for (size_t i = 0; i < n; i++)
		if (!is_needed(res, &found[i]) && !ndjson_remove(ctx, ids[i]))
			log_line(LOG_LEVEL_WARN, "folder_stays", "folder=%s",
			    log_word(ids[i]));
	return OK;
}

enum err
task_sweep(struct ctx *ctx)
{
	enum err err = sweep_folders(ctx);

	return err == OK ? pg_exec(ctx, &query_task_expire, NULL, NULL) : err;
}
