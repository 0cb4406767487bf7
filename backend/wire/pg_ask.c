/*
 * Reads of several units of work in one round trip: what was asked waits until
 * the first result is wanted, and then goes as one pipeline. Only the answers
 * that came well are kept from it; everything else is done again alone, so
 * that one unit's trouble is never another's.
 */

#include "wire/pg.h"

#include "wire/pg_link.h"

#include <assert.h>

struct pg_ask {
	struct pg	*pg;
	struct pg_sent	 sent;
	bool		 waits;		/* is in pg->asks */
	PGresult	*res;		/* NULL: none so far */
	enum err	 err;		/* its own */
};

static void
forget_all(struct pg *pg)
{
	for (size_t i = 0; i < pg->nasks; i++)
		pg->asks[i]->waits = false;
	pg->nasks = 0;
}

/* Its unit of work has ended without taking it. */
static void
withdraw(void *p)
{
	struct pg_ask *ask = p;
	struct pg *pg = ask->pg;
	size_t n = 0;

	if (!ask->waits)
		return;
	for (size_t i = 0; i < pg->nasks; i++)
		if (pg->asks[i] != ask)
			pg->asks[n++] = pg->asks[i];
	pg->nasks = n;
}

static void
run_all(struct pg *pg)
{
	PGresult *results[PG_ASKS_MAX];
	struct pg_outcome out;

	assert(pg->count == 0);
	for (size_t i = 0; i < pg->nasks; i++)
		pg_queue_add(pg, &pg->asks[i]->sent);
	out = pg_queue_run(pg, results, (int)pg->nasks);
	for (size_t i = 0; i < pg->nasks; i++)
		pg->asks[i]->res = results[i];
	if (out.failed >= 0 && !out.lost)
		pg->asks[out.failed]->err = out.err;
	forget_all(pg);
}

struct pg_ask *
pg_ask(struct ctx *ctx, const struct pg_query *q, const struct pg_args *a)
{
	struct pg *pg = ctx->pg;
	struct pg_ask *ask = arena_zero(ctx->arena, sizeof(*ask));

	ask->pg = pg;
	ask->sent = pg_sent_new(ctx->arena, q, a);
	assert(pg_link_prepared(pg, q->name, q->sql)->repeatable);
	if (pg->nasks == PG_ASKS_MAX)
		return ask;
	ask->waits = true;
	pg->asks[pg->nasks++] = ask;
	arena_later(ctx->arena, withdraw, ask);
	return ask;
}

enum err
pg_answer(struct ctx *ctx, struct pg_ask *ask, PGresult **res)
{
	struct pg *pg = ctx->pg;

	if (ask->waits && pg->nasks > 1 && !pg->open && pg->count == 0)
		run_all(pg);
	withdraw(ask);
	ask->waits = false;
	if (ask->res != NULL) {
		*res = ask->res;
		return OK;
	}
	if (ask->err != OK)
		return pg_fault_note(ctx, ask->err);
	pg_queue_add(pg, &ask->sent);
	return pg_flush(ctx, res, 1);
}
