/*
 * Writing records, the only way there is: validate, extract keys, lock the
 * rows that exist, build the new versions, send everything: in one flush, or
 * in several if it is large. A small write that creates only needs no lock and
 * is a single flush.
 */

#include "fhir/store_row.h"

#include "base/buf.h"
#include "base/when.h"
#include "fhir/rules.h"
#include "fhir/validate.h"
#include "fhir/writer.h"

#include "queries.h"

#include <stdlib.h>
#include <time.h>

/* Deadlocks and lost races: each retry sees what the winner wrote. */
#define RETRIES_MAX	8
#define RETRY_WAIT_NS	2000000L

/*
 * Search keys cost far more than the bytes they come from, texts most (60,000
 * of all a second): 1 MiB of names would hold a fast worker for half a minute,
 * 32 MiB of them a slow one for minutes. No record of life comes near the
 * first two; a bundle of 10,000 ordinary records has 400,000 keys.
 */
#define RECORD_TEXTS_MAX	4000
#define RECORD_KEYS_MAX		200000
#define KEYS_MAX		1000000

/* --- checks that need no database */

static struct str
path_of(const struct change *change)
{
	return change->path.n > 0 ? change->path :
	    str_of(change->type->name);
}

/* Issues of one resource name it by its type; in a bundle by its entry. */
static void
prefix_issues(struct ctx *ctx, struct issue *issue, struct str prefix)
{
	for (; issue != NULL; issue = issue->next) {
		struct str rest = issue->path;

		str_cut(&rest, '.');
		issue->path = rest.p == NULL ? arena_str(ctx->arena, prefix) :
		    arena_printf(ctx->arena, "%.*s.%.*s", STR_ARGS(prefix),
		    STR_ARGS(rest));
	}
}

static enum err
validate_change(struct ctx *ctx, const struct change *change)
{
	struct issue *last = ctx->fault.last;
	enum err err;

	if (change->kind == CHANGE_DELETE)
		return OK;
	err = validate(ctx, change->doc, change->node, change->type);
	if (change->path.n > 0)
		prefix_issues(ctx, last == NULL ? ctx->fault.issues :
		    last->next, change->path);
	return err;
}

/* R4 http.html#update: the id in the body is that of the URL. */
static enum err
check_id(struct ctx *ctx, const struct change *change)
{
	uint32_t id;

	if (change->kind != CHANGE_UPDATE)
		return OK;
	if (!fhir_id_valid(change->id))
		return fail_at(ctx, ERR_INVALID_REQUEST, path_of(change),
		    "an id has 1 to 64 characters of A-Z, a-z, 0-9, \"-\" and "
		    "\".\"");
	id = jdoc_get(change->doc, change->node, STR("id"));
	if (id == 0 || !jdoc_is(change->doc, id, change->id))
		return fail_at(ctx, ERR_INVALID_REQUEST, path_of(change),
		    "an update's body must hold the id of its URL, \"%.*s\"",
		    STR_ARGS(change->id));
	return OK;
}

/* All problems of all bodies are listed, not only the first. */
static enum err
check_changes(struct ctx *ctx, const struct change *changes, size_t n)
{
	enum err first = OK;
	enum err err;

	for (size_t i = 0; i < n; i++)
		if ((err = check_id(ctx, &changes[i])) != OK)
			return err;
	for (size_t i = 0; i < n; i++) {
		err = validate_change(ctx, &changes[i]);
		if (first == OK)
			first = err;
	}
	return first;
}

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
		return fail_at(ctx, ERR_INVALID_REQUEST, path_of(b->change),
		    "%s/%.*s is also changed by %.*s; a record may appear "
		    "only once", b->change->type->name, STR_ARGS(b->id),
		    STR_ARGS(path_of(a->change)));
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
		return fail_at(ctx, ERR_TOO_LARGE, path_of(row->change),
		    "one record has too many names, identifiers, codes and "
		    "dates to be found by");
	if (*total > KEYS_MAX)
		return fail_at(ctx, ERR_TOO_LARGE, path_of(row->change),
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

static enum err
make_rows(struct ctx *ctx, struct change *changes, size_t n,
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
	if (n == 0)
		return OK;
	pg_int4(&a, ctx->who.tn);
	pg_int2s(&a, types, n);
	pg_texts(&a, ids, n);
	pg_begin(ctx);
	pg_send(ctx, &query_store_lock, &a);
	if ((err = pg_flush(ctx, &res, 1)) != OK)
		return err;
	for (int i = 0; i < PQntuples(res); i++)
		take_found(ctx, res, i,
		    &rows->v[which[pg_get_int8(res, i, 0) - 1]]);
	return OK;
}

/* --- the new versions */

static bool
is_match(const struct row *row, int32_t if_match)
{
	bool exists = row->found && !row->old_deleted;

	switch (if_match) {
	case MATCH_ANY:
		return true;
	case MATCH_SOME:
		return exists;
	case MATCH_NONE:
		return !exists;
	default:
		return row->found && row->old_ver == if_match;
	}
}

static enum err
check_match(struct ctx *ctx, const struct row *row)
{
	const struct change *change = row->change;

	if (is_match(row, change->if_match))
		return OK;
	if (change->if_match == MATCH_SOME)
		return fail_at(ctx, ERR_PRECONDITION, path_of(change),
		    "If-Match asks for any version, but there is no %s/%.*s",
		    change->type->name, STR_ARGS(row->id));
	if (change->if_match == MATCH_NONE)
		return fail_at(ctx, ERR_PRECONDITION, path_of(change),
		    "If-None-Match asks that there be no %s/%.*s, but it is "
		    "at version %d", change->type->name, STR_ARGS(row->id),
		    row->old_ver);
	if (!row->found)
		return fail_at(ctx, ERR_PRECONDITION, path_of(change),
		    "If-Match asks for version %d, but there is no %s/%.*s",
		    change->if_match, change->type->name, STR_ARGS(row->id));
	return fail_at(ctx, ERR_PRECONDITION, path_of(change),
	    "If-Match asks for version %d of %s/%.*s, but it is at version %d",
	    change->if_match, change->type->name, STR_ARGS(row->id),
	    row->old_ver);
}

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
	int64_t now_us = when_now();
	enum err err;

	for (size_t i = 0; i < rows->n; i++) {
		struct row *row = &rows->v[i];

		if ((err = check_match(ctx, row)) != OK)
			return err;
		decide_fate(row);
		build_row(row, rows->writer, now_us);
	}
	return OK;
}

/* --- sending, and again */

/* What is to be done before the commit, look may be NULL; and where many rows
 * are made ready, NULL of one. */
struct last {
	store_look	*look;
	void		*arg;
	struct arena	*scratch;
};

/* Send what is queued and look at it, in a transaction that is open. */
static enum err
look_last(struct ctx *ctx, const struct last *last)
{
	enum err err = pg_flush(ctx, NULL, 0);

	if (err == OK && (err = last->look(ctx, last->arg)) != OK)
		pg_rollback(ctx);
	return err;
}

static enum err
send_all(struct ctx *ctx, const struct rows *rows, bool open,
    const struct last *last)
{
	enum err err = store_send_pieces(ctx, rows, last->scratch);

	if (err != OK)
		return err;
	store_send_dict(ctx, rows);
	if (last->look != NULL && (err = look_last(ctx, last)) != OK)
		return err;
	return open ? pg_commit(ctx, NULL, 0) : pg_flush(ctx, NULL, 0);
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

static enum err
write_once(struct ctx *ctx, struct rows *rows, const struct last *last)
{
	bool locks = needs_lock(rows);
	bool begins;
	enum err err;

	forget_found(rows);
	if ((err = writer_lease(ctx, &rows->writer)) != OK ||
	    (err = lock_rows(ctx, rows)) != OK)
		return err;
	if ((err = build_rows(ctx, rows)) != OK) {
		pg_rollback(ctx);
		return err;
	}
	begins = !locks && (last->look != NULL || !store_is_one_piece(rows));
	if (begins)
		pg_begin(ctx);
	err = send_all(ctx, rows, locks || begins, last);
	return err == ERR_INTERNAL && lost_race(ctx) ? ERR_RETRY : err;
}

/* Wait a little, longer each time, and never as long as another one. */
static void
wait_turn(int attempt)
{
	struct timespec pause = { 0, RETRY_WAIT_NS * (attempt + 1) +
	    when_now() % 1000 * 1000 };

	(void)nanosleep(&pause, NULL);
}

static enum err
write_rows(struct ctx *ctx, struct rows *rows, const struct last *last)
{
	struct fault before = ctx->fault;
	enum err err = OK;

	for (int i = 0; i < RETRIES_MAX; i++) {
		if ((err = write_once(ctx, rows, last)) != ERR_RETRY)
			return err;
		ctx->fault = before;
		if (before.last != NULL)
			before.last->next = NULL;
		wait_turn(i);
	}
	return fail(ctx, ERR_UNAVAILABLE, "too many others change the same "
	    "records at the moment; try again in a few seconds");
}

/* Of many the bodies are not kept. */
static void
report(struct rows *rows)
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
write_changes(struct ctx *ctx, struct change *changes, size_t n,
    const struct last *last)
{
	struct rows rows;
	enum err err;

	if ((err = make_rows(ctx, changes, n, last->scratch, &rows)) != OK ||
	    (err = write_rows(ctx, &rows, last)) != OK)
		return err;
	report(&rows);
	return OK;
}

enum err
store_write_look(struct ctx *ctx, struct change *changes, size_t n,
    store_look *look, void *arg)
{
	struct last last = { .look = look, .arg = arg };
	enum err err;

	if (n == 0)
		return look == NULL ? OK : look(ctx, arg);
	if ((err = check_changes(ctx, changes, n)) != OK)
		return err;
	if (n > 1)
		last.scratch = store_scratch(ctx);
	err = write_changes(ctx, changes, n, &last);
	store_dict_done(err == OK);
	if (last.scratch != NULL)
		arena_reset(last.scratch);
	return err;
}

enum err
store_write(struct ctx *ctx, struct change *changes, size_t n)
{
	return store_write_look(ctx, changes, n, NULL, NULL);
}
