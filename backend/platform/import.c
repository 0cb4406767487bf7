/* Imports: asking for one, and its steps. */

#include "platform/import.h"

#include "base/buf.h"
#include "fhir/outcome.h"
#include "fhir/scope.h"
#include "fhir/store.h"
#include "fhir/validate.h"
#include "platform/ndjson.h"
#include "platform/place.h"
#include "wire/json.h"
#include "wire/pg.h"

/* Lines of a batch, and the bytes that are read to find them; a line that is
 * longer is a batch by itself. */
#define BATCH_LINES	100
#define BATCH_BYTES	((size_t)1024 * 1024)

#define LINE_DEPTH_MAX	64
#define ERROR_FILE	1

struct import_work {
	struct ndjson		*dir;
	struct str		 scope;		/* of the token that asked */
	struct import_place	 place;
};

/* The lines at hand. */
struct batch {
	struct str	lines[BATCH_LINES];
	struct change	changes[BATCH_LINES];
	size_t		n;
};

/* What is kept with a write. */
struct kept {
	const struct task	*task;
	const struct import_place *place;
	bool			 lost;	/* the task is not ours any more */
};

/* --- asking --------------------------------------------------------------- */

enum err
import_ask(struct ctx *ctx, struct str lines, struct str request,
    struct str *id)
{
	struct ndjson *dir;
	enum err err;

	*id = store_new_id(ctx);
	if ((err = ndjson_open(ctx, *id, &dir)) == OK &&
	    (err = ndjson_write(ctx, dir, NDJSON_INPUT, 0, lines)) == OK)
		err = task_add(ctx, *id, "import", json_text(ctx->arena,
		    json_build(ctx->arena, "{s:s%,s:s%}", "request",
		    request.p, request.n, "scope", ctx->who.scope.p,
		    ctx->who.scope.n)), IMPORTS_MAX);
	if (err != OK)
		(void)ndjson_remove(ctx, *id);
	return err;
}

static struct str
input_member(struct ctx *ctx, const struct task *task, const char *name)
{
	const char *why = "";
	const json_t *value = json_object_get(json_read(ctx->arena,
	    task->input, &why), name);

	return (struct str){ json_string_value(value),
	    json_string_length(value) };
}

struct str
import_request(struct ctx *ctx, const struct task *task)
{
	return input_member(ctx, task, "request");
}

/* --- lines ---------------------------------------------------------------- */

enum err
import_open(struct ctx *ctx, const struct task *task, void **out)
{
	struct import_work *work = arena_zero(ctx->arena, sizeof(*work));

	*out = work;
	work->scope = input_member(ctx, task, "scope");
	PLACE_READ(task->place, &work->place);
	return ndjson_open(ctx, task->id, &work->dir);
}

static struct str
next_line(struct str *rest)
{
	struct str line = str_cut(rest, '\n');

	while (line.n > 0 && strchr(" \t\r", line.p[line.n - 1]) != NULL)
		line.n--;
	return line;
}

/* The next lines, whole ones; *end is behind them. None at the end of the
 * input. */
static enum err
read_lines(struct ctx *ctx, const struct import_work *work,
    struct batch *batch, struct import_place *end)
{
	size_t room = BATCH_BYTES;
	struct str text, rest;
	const char *last;
	enum err err;

	for (;; room *= 2) {
		if ((err = ndjson_read(ctx, work->dir,
		    (int64_t)work->place.offset, room, &text)) != OK)
			return err;
		last = memrchr(text.p, '\n', text.n);
		if (text.n < room || last != NULL)
			break;
	}
	if (text.n == room)
		text.n = (size_t)(last - text.p) + 1;
	*end = work->place;
	for (rest = text; batch->n < BATCH_LINES && rest.n > 0; end->lines++)
		batch->lines[batch->n++] = next_line(&rest);
	end->offset += rest.p == NULL ? text.n :
	    (size_t)(rest.p - text.p);
	return OK;
}

/* --- a line as a change --------------------------------------------------- */

static enum err
parse(struct ctx *ctx, struct str line, const struct jdoc **out)
{
	struct jdoc *d = arena_zero(ctx->arena, sizeof(*d));
	size_t room = jdoc_bound(line);

	*out = d;
	if (jdoc_parse(d, line, arena_alloc(ctx->arena, room *
	    sizeof(struct jnode)), room, LINE_DEPTH_MAX) == JDOC_OK)
		return OK;
	return fail(ctx, ERR_VALIDATION, "not valid JSON at byte %zu: %s",
	    d->error_off + 1, jdoc_strerror(d->error));
}

/* Who may create and never change a type imports new records of it. */
static enum err
check_right(struct ctx *ctx, struct change *change)
{
	if (scope_allows(ctx->who.scope, change->type, SCOPE_C | SCOPE_U))
		return OK;
	if (!scope_allows(ctx->who.scope, change->type, SCOPE_C))
		return fail(ctx, ERR_SCOPE, "to write %s the token needs the "
		    "scope %.*s", change->type->name,
		    STR_ARGS(scope_needed(change->type, SCOPE_C)));
	if (change->kind == CHANGE_UPDATE)
		change->if_match = MATCH_NONE;
	return OK;
}

static enum err
make_change(struct ctx *ctx, struct str line, struct change *change)
{
	const struct jdoc *d;
	uint32_t type, id;
	enum err err;

	if ((err = parse(ctx, line, &d)) != OK)
		return err;
	*change = (struct change){ .kind = CHANGE_CREATE, .doc = d };
	type = jdoc_get(d, 0, STR("resourceType"));
	if (type == 0 || jdoc_type(d, type) != JDOC_STRING ||
	    (change->type = r4_type_named(jdoc_raw(d, type))) == NULL)
		return fail_at(ctx, ERR_VALIDATION, STR("resourceType"),
		    "resourceType must be a resource type of R4");
	id = jdoc_get(d, 0, STR("id"));
	if (id != 0) {
		change->kind = CHANGE_UPDATE;
		change->id = jdoc_raw(d, id);
		if (jdoc_type(d, id) != JDOC_STRING ||
		    !fhir_id_valid(change->id))
			return fail_at(ctx, ERR_VALIDATION, STR("id"), "id "
			    "must be 1 to 64 letters, digits, '-' and '.'");
	}
	return check_right(ctx, change);
}

/* --- writing them --------------------------------------------------------- */

static enum err
keep(struct ctx *ctx, void *arg)
{
	struct kept *kept = arg;
	enum err err = task_keep(ctx, kept->task, PLACE_TEXT(ctx->arena,
	    kept->place), NULL);

	kept->lost = err == ERR_CONFLICT;
	return err;
}

/* What a line is to blame for: not what may pass, nor that the task is not ours
 * any more. */
static bool
is_refusal(const struct kept *kept, enum err err)
{
	int status = fault_kind(err)->status;

	return status >= 400 && status < 500 && !kept->lost;
}

/* All of them in one transaction; false in *all when one was refused. */
static enum err
write_all(struct ctx *ctx, struct batch *batch, struct kept *kept,
    struct import_place *end, bool *all)
{
	struct batch *b = batch;
	size_t n = 0;
	enum err err = OK;

	for (size_t i = 0; err == OK && i < b->n; i++)
		if (b->lines[i].n > 0)
			err = make_change(ctx, b->lines[i], &b->changes[n++]);
	end->written += n;
	kept->place = end;
	if (err == OK)
		err = n == 0 ? keep(ctx, kept) : store_write_look(ctx,
		    b->changes, n, keep, kept);
	*all = err == OK;
	if (!is_refusal(kept, err))
		return err;
	end->written -= n;
	fault_clear(ctx);
	return OK;
}

/* An OperationOutcome that says first which line it is about. */
static struct str
refusal(struct ctx *ctx, uint64_t line)
{
	struct str outcome = outcome_write(ctx);
	struct str rest = str_from(outcome, sizeof(OUTCOME_BEGIN) - 1);

	return arena_printf(ctx->arena, OUTCOME_BEGIN
	    "{\"severity\":\"information\",\"code\":\"informational\","
	    "\"details\":{\"text\":\"line %llu of the input was refused\"}},"
	    "%.*s\n", (unsigned long long)line, STR_ARGS(rest));
}

static enum err
note_refusal(struct ctx *ctx, struct import_work *work,
    const struct task *task, struct import_place *place)
{
	struct str line = refusal(ctx, place->lines);
	struct task_file file = { .n = ERROR_FILE, .role = "error",
	    .type = STR("OperationOutcome") };
	enum err err;

	fault_clear(ctx);
	if ((err = ndjson_write(ctx, work->dir, ERROR_FILE,
	    (int64_t)place->bytes, line)) != OK)
		return err;
	place->bytes += line.n;
	file.records = (int64_t)++place->refused;
	file.bytes = (int64_t)place->bytes;
	return task_keep(ctx, task, PLACE_TEXT(ctx->arena, place), &file);
}

/* One line in a transaction of its own. */
static enum err
write_one(struct ctx *ctx, struct import_work *work, const struct task *task,
    struct str line, struct import_place *place)
{
	struct kept kept = { task, place, false };
	struct change change;
	enum err err;

	if (line.n == 0)
		return keep(ctx, &kept);
	if ((err = make_change(ctx, line, &change)) == OK) {
		place->written++;
		err = store_write_look(ctx, &change, 1, keep, &kept);
		if (err == OK)
			return OK;
		place->written--;
	}
	return is_refusal(&kept, err) ?
	    note_refusal(ctx, work, task, place) : err;
}

static enum err
write_each(struct ctx *ctx, struct import_work *work, const struct task *task,
    const struct batch *batch, const struct import_place *end)
{
	struct import_place place = work->place;
	enum err err;

	for (size_t i = 0; i < batch->n; i++) {
		place.lines++;
		place.offset = end->offset;
		if (i + 1 < batch->n)
			place.offset = work->place.offset + (uint64_t)
			    (batch->lines[i + 1].p - batch->lines[0].p);
		if ((err = write_one(ctx, work, task, batch->lines[i],
		    &place)) != OK)
			return err;
	}
	work->place = place;
	return OK;
}

enum err
import_step(struct ctx *ctx, struct task *task, void *arg,
    enum task_fate *fate)
{
	struct import_work *work = arg;
	struct batch *batch = arena_zero(ctx->arena, sizeof(*batch));
	struct kept kept = { .task = task };
	struct import_place end;
	bool all;
	enum err err;

	ctx->who.scope = work->scope;
	if ((err = read_lines(ctx, work, batch, &end)) != OK)
		return err;
	*fate = batch->n == 0 ? TASK_COMPLETE : TASK_MORE;
	if (batch->n == 0)
		return OK;
	if ((err = write_all(ctx, batch, &kept, &end, &all)) != OK)
		return err;
	if (!all)
		return write_each(ctx, work, task, batch, &end);
	work->place = end;
	return OK;
}
