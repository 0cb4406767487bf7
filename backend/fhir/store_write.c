/*
 * The rows of a write: extract keys, lock the rows that exist, build the new
 * versions, send everything: in one flush, or in several if it is large. A
 * small write that creates only needs no lock and is a single flush.
 */

#include "fhir/store_row.h"

#include "base/buf.h"
#include "base/when.h"
#include "fhir/rules.h"
#include "fhir/writer.h"

#include "queries.h"

#include <stdlib.h>

/*
 * Search keys cost far more than the bytes they come from, texts most (60,000
 * of all a second): 1 MiB of names would hold a fast worker for half a minute,
 * 32 MiB of them a slow one for minutes. No record of life comes near the
 * first two; a bundle of 10,000 ordinary records has 400,000 keys.
 */
#define RECORD_TEXTS_MAX	4000
#define RECORD_KEYS_MAX		200000
#define KEYS_MAX		1000000

/* --- rows */

static int
by_identity(const void *p, const void *q)
{
	const struct row *a = p, *b = q;

	if (a->change->type != b->change->type)
		return a->change->type->number < b->change->type->number ?
		    -1 : 1;
	return str_cmp(a->id, b->id);
}

/* R4 http.html#trules: a resource may appear once only. */
static enum err
check_distinct(struct ctx *ctx, const struct rows *rows)
{
	for (size_t i = 1; i < rows->n; i++) {
		const struct row *a = &rows->v[i - 1], *b = &rows->v[i];

		if (by_identity(a, b) != 0)
			continue;
		return fail_at(ctx, ERR_INVALID_REQUEST, store_path(b->change),
		    "%s/%.*s is also changed by %.*s; a record may appear "
		    "only once", b->change->type->name, STR_ARGS(b->id),
		    STR_ARGS(store_path(a->change)));
	}
	return OK;
}

static enum err
check_keys(struct ctx *ctx, const struct row *row, size_t *total)
{
	const struct keys *keys = &row->keys;
	size_t n = keys->npost + keys->ndat + keys->nstr + keys->nqty +
	    keys->ncqty + keys->ndict;

	*total += n;
	if (n > RECORD_KEYS_MAX || keys->nstr > RECORD_TEXTS_MAX)
		return fail_at(ctx, ERR_TOO_LARGE, store_path(row->change),
		    "one record has too many names, identifiers, codes and "
		    "dates to be found by");
	if (*total > KEYS_MAX)
		return fail_at(ctx, ERR_TOO_LARGE, store_path(row->change),
		    "the records of one request have too many names, "
		    "identifiers, codes and dates to be found by; send them "
		    "in several");
	return OK;
}

/* The keys of a record; with a scratch arena only their exact size is kept. */
static enum err
extract_keys(struct ctx *ctx, struct key_space space, struct row *row,
    struct arena *scratch, size_t *total)
{
	const struct change *change = row->change;
	struct ctx inside = *ctx;
	enum err err;

	inside.arena = scratch == NULL ? ctx->arena : scratch;
	row->keys.at_us = KEY_AT_NONE;
	if (change->kind != CHANGE_DELETE)
		keys_extract(&inside, space, change->type, row->id,
		    &(struct extract){ change->doc, change->node },
		    &row->keys);
	row->print = store_key_print(inside.arena, space, &row->keys);
	if ((err = check_keys(ctx, row, total)) != OK)
		return err;
	store_dict_new(&row->keys);
	if (scratch == NULL)
		return OK;
	store_keep_keys(ctx->arena, change->doc == NULL ? STR_NONE :
	    change->doc->text, &row->keys);
	arena_reset(scratch);
	return OK;
}

enum err
store_make_rows(struct ctx *ctx, struct change *changes, size_t n,
    struct arena *scratch, struct rows *out)
{
	struct key_space space;
	size_t total = 0;
	enum err err;

	if ((err = store_key_space(ctx, &space)) != OK)
		return err;
	out->n = n;
	out->v = arena_array(ctx->arena, n, sizeof(*out->v));
	for (size_t i = 0; i < n; i++) {
		struct change *change = &changes[i];
		struct row *row = &out->v[i];

		if (change->kind == CHANGE_CREATE && change->id.n == 0)
			change->id = store_new_id(ctx);
		row->change = change;
		row->id = change->id;
		row->rh = key_reference(space, str_of(change->type->name),
		    row->id);
		row->rules = rules_of(change->type);
		if ((err = extract_keys(ctx, space, row, scratch,
		    &total)) != OK)
			return err;
	}
	if (n > 1)
		qsort(out->v, n, sizeof(*out->v), by_identity);
	return check_distinct(ctx, out);
}

/* --- finding and locking */

static void
take_found(struct ctx *ctx, const PGresult *res, int i, struct row *row)
{
	int64_t *keys;
	int32_t *auxs;

	row->found = true;
	row->rid = pg_get_int8(res, i, 1);
	row->old_ver = pg_get_int4(res, i, 2);
	row->old_updated_us = pg_get_time(res, i, 3);
	row->old_at_us = pg_get_time(res, i, 4);
	row->old_deleted = pg_get_bool(res, i, 5);
	row->nold_post = pg_get_int8s(ctx, res, i, 6, &keys);
	(void)pg_get_int4s(ctx, res, i, 7, &auxs);
	row->old_print = pg_get_int8(res, i, 8);
	row->old_rules = pg_get_int8(res, i, 9);
	row->old_post = arena_array(ctx->arena, row->nold_post,
	    sizeof(*row->old_post));
	for (size_t j = 0; j < row->nold_post; j++)
		row->old_post[j] = (struct key_post){ keys[j], auxs[j] };
}

/* In the order of (type, id), so that no two bundles lock crosswise. */
static enum err
lock_rows(struct ctx *ctx, struct rows *rows)
{
	struct pg_args a = pg_args(ctx->arena);
	int16_t *types = arena_array(ctx->arena, rows->n, sizeof(*types));
	struct str *ids = arena_array(ctx->arena, rows->n, sizeof(*ids));
	size_t *which = arena_array(ctx->arena, rows->n, sizeof(*which));
	PGresult *res;
	size_t n = 0;
	enum err err;

	for (size_t i = 0; i < rows->n; i++) {
		if (rows->v[i].change->kind == CHANGE_CREATE)
			continue;
		types[n] = rows->v[i].change->type->number;
		ids[n] = rows->v[i].id;
		which[n++] = i;
	}
	pg_int4(&a, ctx->who.tn);
	pg_int2s(&a, types, n);
	pg_texts(&a, ids, n);
	pg_send(ctx, store_guards(ctx, rows) ? &query_store_lock_all :
	    &query_store_lock, &a);
	if ((err = pg_flush(ctx, &res, 1)) != OK)
		return err;
	for (int i = 0; i < PQntuples(res); i++)
		take_found(ctx, res, i,
		    &rows->v[which[pg_get_int8(res, i, 0) - 1]]);
	return OK;
}

/* --- the new versions */

/* Whole milliseconds, and always later than the version before. */
static int64_t
updated_of(const struct row *row, int64_t now_us)
{
	int64_t us = now_us - now_us % 1000;

	if (row->found && us <= row->old_updated_us)
		us = row->old_updated_us + 1000;
	return us;
}

static void
decide_fate(struct row *row)
{
	bool exists = row->found && !row->old_deleted;

	if (row->change->kind == CHANGE_DELETE)
		row->fate = exists ? ROW_UPDATE : ROW_NOTHING;
	else
		row->fate = row->found ? ROW_UPDATE : ROW_CREATE;
}

static void
build_row(struct row *row, int writer, int64_t now_us)
{
	static const char ops[] = { 'C', 'U', 'D' };	/* by change_kind */
	const struct change *change = row->change;

	row->after = (struct record){
		.type = change->type,
		.id = row->id,
		.rid = row->rid,
		.ver = row->old_ver,
		.updated_us = row->old_updated_us,
		.deleted = change->kind == CHANGE_DELETE,
		.op = ops[change->kind],
	};
	if (row->fate == ROW_NOTHING)
		return;
	if (row->fate == ROW_CREATE)
		row->after.rid = writer_rid(writer);
	row->after.ver = row->old_ver + 1;
	row->after.updated_us = updated_of(row, now_us);
}

static enum err
build_rows(struct ctx *ctx, struct rows *rows)
{
	int64_t now_us = writer_now();
	enum err err;

	for (size_t i = 0; i < rows->n; i++) {
		struct row *row = &rows->v[i];

		if ((err = store_check_match(ctx, row)) != OK)
			return err;
		decide_fate(row);
		build_row(row, rows->writer, now_us);
	}
	return OK;
}

/* --- sending */

/* Send what is queued and look at it, in a transaction that is open. */
static enum err
look_last(struct ctx *ctx, const struct store_frame *frame)
{
	enum err err = pg_flush(ctx, NULL, 0);

	if (err == OK && (err = frame->look(ctx, frame->arg)) != OK)
		pg_rollback(ctx);
	return err;
}

/* What the settings ask of references, of all that was written. */
static enum err
guard_last(struct ctx *ctx, const struct rows *rows)
{
	enum err err = pg_flush(ctx, NULL, 0);

	if (err == OK && (err = store_guard(ctx, rows)) != OK)
		pg_rollback(ctx);
	return err;
}

/* What came of the changes; of many the bodies are not kept. */
static void
report(const struct rows *rows)
{
	for (size_t i = 0; i < rows->n; i++) {
		const struct row *row = &rows->v[i];
		struct change *change = row->change;

		change->after = row->after;
		if (rows->n > 1)
			change->after.body = STR_NONE;
		change->unchanged = row->fate == ROW_NOTHING;
		change->created = change->kind != CHANGE_DELETE &&
		    (!row->found || row->old_deleted);
	}
}

static enum err
send_all(struct ctx *ctx, const struct rows *rows, bool open,
    const struct store_frame *frame)
{
	enum err err = store_send_pieces(ctx, rows, frame->scratch);

	if (err != OK)
		return err;
	store_send_dict(ctx, rows);
	report(rows);
	if (frame->look != NULL && (err = look_last(ctx, frame)) != OK)
		return err;
	if (store_guards(ctx, rows) && (err = guard_last(ctx, rows)) != OK)
		return err;
	return open && !frame->inside ? pg_commit(ctx, NULL, 0) :
	    pg_flush(ctx, NULL, 0);
}

/* Somebody created the same id, or took our writer number's rid, first. */
static bool
lost_race(const struct ctx *ctx)
{
	return strcmp(pg_sqlstate(ctx->pg), "23505") == 0 &&
	    (strcmp(pg_constraint(ctx->pg), "res_pkey") == 0 ||
	    strcmp(pg_constraint(ctx->pg), "res_rid") == 0);
}

static bool
needs_lock(const struct rows *rows)
{
	for (size_t i = 0; i < rows->n; i++)
		if (rows->v[i].change->kind != CHANGE_CREATE)
			return true;
	return false;
}

static void
forget_found(struct rows *rows)
{
	for (size_t i = 0; i < rows->n; i++) {
		struct row *row = &rows->v[i];

		row->found = false;
		row->old_deleted = false;
		row->rid = 0;
		row->old_ver = 0;
		row->nold_post = 0;
	}
}

enum err
store_write_rows(struct ctx *ctx, struct rows *rows,
    const struct store_frame *frame)
{
	bool locks = needs_lock(rows);
	bool begins;
	enum err err;

	forget_found(rows);
	if ((err = writer_lease(ctx, &rows->writer)) != OK)
		return err;
	begins = !frame->open && (locks || frame->look != NULL ||
	    store_guards(ctx, rows) || !store_is_one_piece(rows));
	if (begins)
		pg_begin(ctx);
	if (locks && (err = lock_rows(ctx, rows)) != OK)
		return err;
	if ((err = build_rows(ctx, rows)) != OK) {
		pg_rollback(ctx);
		return err;
	}
	err = send_all(ctx, rows, frame->open || begins, frame);
	return err == ERR_INTERNAL && lost_race(ctx) ? ERR_RETRY : err;
}
