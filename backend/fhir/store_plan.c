/*
 * Writing records, the only way there is: what is to be changed is known from
 * the start or decided within the transaction; it is checked, written, looked
 * at, and all of it done again when another one was faster.
 */

#include "fhir/store_row.h"

#include "base/when.h"
#include "fhir/writer.h"

#include "queries.h"

#include <stdlib.h>
#include <time.h>

/* Deadlocks and lost races: each retry sees what the winner wrote. */
#define RETRIES_MAX	8
#define RETRY_WAIT_NS	2000000L

/* Wait a little, longer each time, and never as long as another one. */
static void
wait_turn(int attempt)
{
	struct timespec pause = { 0, RETRY_WAIT_NS * (attempt + 1) +
	    when_now() % 1000 * 1000 };

	(void)nanosleep(&pause, NULL);
}

/* Once more, and again, as long as it loses races. */
static enum err
try_often(struct ctx *ctx, enum err (*once)(struct ctx *ctx, void *arg),
    void *arg)
{
	struct fault before = ctx->fault;
	enum err err;

	for (int i = 0; i < RETRIES_MAX; i++) {
		if ((err = once(ctx, arg)) != ERR_RETRY)
			return err;
		ctx->fault = before;
		if (before.last != NULL)
			before.last->next = NULL;
		wait_turn(i);
		if ((err = writer_set_clock(ctx)) != OK)
			return err;
	}
	return fail(ctx, ERR_UNAVAILABLE, "too many others change the same "
	    "records at the moment; try again in a few seconds");
}

/* --- changes that are known */

struct known {
	struct rows		 rows;
	struct store_frame	 frame;
};

static enum err
write_known(struct ctx *ctx, void *arg)
{
	struct known *k = arg;

	return store_write_rows(ctx, &k->rows, &k->frame);
}

/* Many are made ready in an arena that is empty again afterwards. */
static enum err
write_changes(struct ctx *ctx, struct change *changes, size_t n,
    struct known *k)
{
	enum err err;

	if (n > 1 && k->frame.scratch == NULL)
		k->frame.scratch = store_scratch(ctx);
	if ((err = store_make_rows(ctx, changes, n, k->frame.scratch,
	    &k->rows)) == OK)
		err = k->frame.open ? write_known(ctx, k) :
		    try_often(ctx, write_known, k);
	if (k->frame.scratch != NULL)
		arena_reset(k->frame.scratch);
	return err;
}

enum err
store_write_look(struct ctx *ctx, struct change *changes, size_t n,
    store_look *look, void *arg)
{
	struct known k = { .frame = { .look = look, .arg = arg } };
	enum err err;

	if (n == 0)
		return look == NULL ? OK : look(ctx, arg);
	if ((err = store_check_changes(ctx, changes, n)) != OK)
		return err;
	err = write_changes(ctx, changes, n, &k);
	store_dict_done(err == OK);
	return err;
}

enum err
store_write(struct ctx *ctx, struct change *changes, size_t n)
{
	return store_write_look(ctx, changes, n, NULL, NULL);
}

enum err
store_write_inside(struct ctx *ctx, struct change *changes, size_t n)
{
	struct known k = { .frame = { .open = true, .inside = true } };
	enum err err = store_check_changes(ctx, changes, n);

	return err != OK ? err : write_changes(ctx, changes, n, &k);
}

/* --- changes that are decided */

struct decided {
	const struct store_plan	*plan;
	struct change		*changes;	/* of the last attempt */
	size_t			 n;
};

static int
by_number(const void *p, const void *q)
{
	int64_t a = *(const int64_t *)p, b = *(const int64_t *)q;

	return (a > b) - (a < b);
}

/* Once for each, in one order for all. */
static enum err
await_keys(struct ctx *ctx, const struct store_plan *plan)
{
	struct pg_args a = pg_args(ctx->arena);
	int64_t *keys = arena_array(ctx->arena, plan->nkeys, sizeof(*keys));

	if (plan->nkeys == 0)
		return OK;
	memcpy(keys, plan->keys, plan->nkeys * sizeof(*keys));
	qsort(keys, plan->nkeys, sizeof(*keys), by_number);
	pg_int8s(&a, keys, plan->nkeys);
	return pg_exec(ctx, &query_store_await, &a, NULL);
}

/* What the attempt before found by its criteria is held now, so that this one
 * cannot lose it. */
static enum err
hold_seen(struct ctx *ctx, const struct decided *d)
{
	struct pg_args a = pg_args(ctx->arena);
	int16_t *types = arena_array(ctx->arena, d->n, sizeof(*types));
	struct str *ids = arena_array(ctx->arena, d->n, sizeof(*ids));
	size_t n = 0;

	for (size_t i = 0; i < d->n; i++) {
		if (d->changes[i].seen_ver == 0)
			continue;
		types[n] = d->changes[i].type->number;
		ids[n++] = d->changes[i].id;
	}
	if (n == 0)
		return OK;
	pg_int4(&a, ctx->who.tn);
	pg_int2s(&a, types, n);
	pg_texts(&a, ids, n);
	return pg_exec(ctx, &query_store_lock, &a, NULL);
}

static enum err
decide(struct ctx *ctx, struct decided *d)
{
	const struct store_plan *plan = d->plan;
	enum err err;

	if ((err = await_keys(ctx, plan)) != OK ||
	    (err = hold_seen(ctx, d)) != OK ||
	    (err = plan->decide(ctx, plan->arg, &d->changes, &d->n)) != OK)
		return err;
	return store_check_changes(ctx, d->changes, d->n);
}

static enum err
write_decided(struct ctx *ctx, void *arg)
{
	struct decided *d = arg;
	struct known k = { .frame = { .open = true, .look = d->plan->look,
	    .arg = d->plan->arg } };
	enum err err;

	pg_begin(ctx);
	err = decide(ctx, d);
	if (err == OK && d->n > 0)
		err = write_changes(ctx, d->changes, d->n, &k);
	else if (err == OK && d->plan->look != NULL)
		err = d->plan->look(ctx, d->plan->arg);
	if (err == OK && d->n == 0)
		err = pg_commit(ctx, NULL, 0);
	if (err != OK)
		pg_rollback(ctx);
	store_dict_done(err == OK);
	return err;
}

enum err
store_write_plan(struct ctx *ctx, const struct store_plan *plan)
{
	struct decided d = { .plan = plan };

	return try_often(ctx, write_decided, &d);
}
