/* What became of an export or import: status, manifest, files. */

#include "api/fhir_bulk.h"

#include "base/buf.h"
#include "base/conf.h"
#include "base/when.h"
#include "fhir/outcome.h"
#include "fhir/scope.h"
#include "platform/export.h"
#include "platform/import.h"
#include "platform/place.h"

/* How long a client should wait before it asks again. */
#define AGAIN_S		"1"

/* Below this nginx serves the files, to nobody but those that we send there
 * (conf/twocare_server.conf). */
#define FILES_PATH	"/twocare_bulk/"

static bool
is_export(const struct task *task)
{
	return str_eqz(task->kind, "export");
}

/* --- status --------------------------------------------------------------- */

static struct str
progress(struct ctx *ctx, const struct task *task)
{
	struct import_place place;

	if (is_export(task))
		return export_progress(ctx, task);
	PLACE_READ(task->place, &place);
	return arena_printf(ctx->arena, "%llu lines, %llu refused",
	    (unsigned long long)place.lines,
	    (unsigned long long)place.refused);
}

static enum err
answer_open(struct ctx *ctx, const struct task *task,
    struct http_answer *answer)
{
	answer->status = 202;
	http_field(answer, "X-Progress", progress(ctx, task));
	http_field(answer, "Retry-After", STR(AGAIN_S));
	return OK;
}

/* The operation failed, not this request. R4 async.html#3.1.6.4 */
static enum err
answer_failed(struct ctx *ctx, const struct call *call,
    const struct task *task, struct http_answer *answer)
{
	(void)fail(ctx, ERR_INTERNAL, "%.*s", STR_ARGS(task->why));
	answer_body(answer, call->media, outcome_write(ctx));
	fault_clear(ctx);
	answer->status = 500;
	return OK;
}

/* --- the manifest --------------------------------------------------------- */

static void
add_files(const struct ctx *ctx, struct buf *b, const struct task *task,
    const struct task_file *files, size_t n, const char *role)
{
	const char *before = "";

	buf_addf(b, ",\"%s\":[", role);
	for (size_t i = 0; i < n; i++) {
		if (strcmp(files[i].role, role) != 0)
			continue;
		buf_addf(b, "%s{\"type\":\"%.*s\",\"url\":\"%.*s/bulk/"
		    "%.*s/%d\",\"count\":%lld}", before,
		    STR_ARGS(files[i].type), STR_ARGS(answer_fhir_base(ctx)),
		    STR_ARGS(task->id), (int)files[i].n,
		    (long long)files[i].records);
		before = ",";
	}
	buf_addc(b, ']');
}

static void
add_import(struct buf *b, const struct task *task)
{
	struct import_place place;

	PLACE_READ(task->place, &place);
	buf_addf(b, ",\"extension\":{\"lines\":%llu,\"written\":%llu,"
	    "\"refused\":%llu}", (unsigned long long)place.lines,
	    (unsigned long long)place.written,
	    (unsigned long long)place.refused);
}

static struct str
manifest(struct ctx *ctx, const struct task *task,
    const struct task_file *files, size_t n)
{
	struct buf b = buf_new(ctx->arena, 1024);
	char time[WHEN_INSTANT_CHARS + 1];
	struct export export = { .time_us = task->created_us };

	if (is_export(task))
		export_input(ctx, task, &export);
	else
		export.request = import_request(ctx, task);
	when_format(export.time_us, time);
	buf_addf(&b, "{\"transactionTime\":\"%s\",\"request\":", time);
	buf_add_quoted(&b, export.request);
	buf_addz(&b, ",\"requiresAccessToken\":true");
	add_files(ctx, &b, task, files, n, "output");
	add_files(ctx, &b, task, files, n, "deleted");
	add_files(ctx, &b, task, files, n, "error");
	if (!is_export(task))
		add_import(&b, task);
	buf_addc(&b, '}');
	return buf_str(&b);
}

static enum err
answer_done(struct ctx *ctx, const struct task *task,
    struct http_answer *answer)
{
	char date[WHEN_HTTP_CHARS + 1];
	struct task_file *files;
	size_t n;
	enum err err;

	if ((err = task_files(ctx, task, &files, &n)) != OK)
		return err;
	when_http(task->expires_us, date);
	http_field(answer, "Expires", arena_str(ctx->arena, str_of(date)));
	answer_body(answer, MEDIA_JSON, manifest(ctx, task, files, n));
	return OK;
}

enum err
fhir_bulk_status(struct ctx *ctx, const struct call *call,
    struct http_answer *answer)
{
	struct task task;
	enum err err;

	if ((err = task_read(ctx, call->id, &task)) != OK)
		return err;
	answer_private(answer);
	if (task.state == TASK_OPEN)
		return answer_open(ctx, &task, answer);
	if (task.state == TASK_FAILED)
		return answer_failed(ctx, call, &task, answer);
	return answer_done(ctx, &task, answer);
}

enum err
fhir_bulk_cancel(struct ctx *ctx, const struct call *call,
    struct http_answer *answer)
{
	struct task task;
	enum err err;

	if ((err = task_read(ctx, call->id, &task)) != OK ||
	    (err = task_cancel(ctx, &task)) != OK)
		return err;
	answer_private(answer);
	answer->status = 202;
	return OK;
}

/* --- files ---------------------------------------------------------------- */

static enum err
check_type(struct ctx *ctx, const struct r4_type *type)
{
	if (scope_allows(ctx->who.scope, type, SCOPE_R | SCOPE_S))
		return OK;
	return fail(ctx, ERR_SCOPE, "to read %s the token needs the scope "
	    "%.*s", type->name, STR_ARGS(scope_needed(type, SCOPE_R)));
}

/* The rights of this token, now: of a type for its records; of all that were
 * asked for what was deleted of them. */
static enum err
check_rights(struct ctx *ctx, const struct task *task,
    const struct task_file *file)
{
	struct export export;
	enum err err = OK;

	if (strcmp(file->role, "output") == 0)
		return check_type(ctx, r4_type_named(file->type));
	if (!is_export(task))
		return OK;
	export_input(ctx, task, &export);
	for (size_t i = 0; err == OK && i < export.ntypes; i++)
		err = check_type(ctx, export.types[i]);
	return err;
}

enum err
fhir_bulk_file(struct ctx *ctx, const struct call *call,
    struct http_answer *answer)
{
	struct task_file file;
	struct task task;
	enum err err;

	if ((err = task_read(ctx, call->id, &task)) != OK)
		return err;
	if (task.state != TASK_DONE)
		return fail(ctx, ERR_NOT_FOUND, "it has not ended: its files "
		    "are not whole");
	if ((err = task_file(ctx, &task, call->vid, &file)) != OK ||
	    (err = check_rights(ctx, &task, &file)) != OK)
		return err;
	answer_private(answer);
	answer->content_type = MEDIA_NDJSON;
	http_field(answer, "X-Accel-Redirect", arena_printf(ctx->arena,
	    FILES_PATH "%.*s/%d.ndjson", STR_ARGS(task.id), (int)file.n));
	return OK;
}
