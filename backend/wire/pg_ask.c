/*
 * Reads of several units of work in one round trip: what was asked waits until
 * the first result is wanted, and then goes as one pipeline; asks of the same
 * kind go as one statement over arrays. Only what came well is kept from that;
 * everything else is done again alone, so that one unit's trouble is never
 * another's.
 */

#include "wire/pg.h"

#include "wire/pg_binary.h"
#include "wire/pg_link.h"

#include <assert.h>
#include <stdlib.h>

/* A result and how many arenas still need it. */
struct shared {
	PGresult	*res;
	size_t		 users;
};

struct pg_ask {
	struct pg		*pg;
	struct arena		*arena;
	struct pg_sent		 sent;		/* by itself */
	const struct pg_query	*many;
	struct pg_ask		*next;		/* of the same statement */
	bool			 waits;		/* is in pg->asks */
	struct shared		*shared;	/* NULL: no result so far */
	int			 row;
	enum err		 err;		/* its own */
};

/* --- what waits ----------------------------------------------------------- */

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
	ask->waits = false;
}

struct pg_ask *
pg_ask(struct ctx *ctx, const struct pg_query *q, const struct pg_query *many,
    const struct pg_args *a)
{
	struct pg *pg = ctx->pg;
	struct pg_ask *ask = arena_zero(ctx->arena, sizeof(*ask));

	ask->pg = pg;
	ask->arena = ctx->arena;
	ask->sent = pg_sent_new(ctx->arena, q, a);
	ask->many = many;
	if (pg->nasks == PG_ASKS_MAX)
		return ask;
	ask->waits = true;
	pg->asks[pg->nasks++] = ask;
	arena_later(ctx->arena, withdraw, ask);
	return ask;
}

/* --- one statement for several -------------------------------------------- */

static Oid
array_of(Oid type)
{
	switch (type) {
	case PG_OID_INT2:
		return PG_OID_INT2S;
	case PG_OID_INT4:
		return PG_OID_INT4S;
	case PG_OID_INT8:
		return PG_OID_INT8S;
	default:
		assert(type == PG_OID_TEXT);
		return PG_OID_TEXTS;
	}
}

/* Argument i of all as one array. Elements look alone as in an array. */
static void
add_array(struct pg_args *a, const struct pg_ask *all, int i)
{
	size_t bytes = PG_ARRAY_HEAD, n = 0;
	char *p;

	for (const struct pg_ask *ask = all; ask; ask = ask->next, n++)
		bytes += 4 + (size_t)ask->sent.lengths[i];
	p = arena_alloc(a->arena, bytes);
	pg_raw(a, array_of(all->sent.types[i]), p, bytes);
	p = pg_put_array_head(p, all->sent.types[i], n);
	for (const struct pg_ask *ask = all; ask; ask = ask->next) {
		size_t length = (size_t)ask->sent.lengths[i];

		assert(ask->sent.values[i] != NULL);
		pg_put(p, length, 4);
		memcpy(p + 4, ask->sent.values[i], length);
		p += 4 + length;
	}
}

static struct pg_sent
sent_for_all(struct pg_ask *all)
{
	struct pg_args a = pg_args(all->arena);

	for (int i = 0; i < all->sent.n; i++)
		add_array(&a, all, i);
	return pg_sent_new(all->arena, all->many, &a);
}

/* --- sending -------------------------------------------------------------- */

/* The asks that go as one statement are a list; returns how many lists. */
static size_t
make_lists(struct pg *pg, struct pg_ask *lists[PG_ASKS_MAX])
{
	size_t n = 0;

	for (size_t i = pg->nasks; i-- > 0;) {
		struct pg_ask *ask = pg->asks[i];
		size_t at = 0;

		while (at < n && (ask->many == NULL ||
		    lists[at]->many != ask->many))
			at++;
		ask->next = at < n ? lists[at] : NULL;
		lists[at] = ask;
		if (at == n)
			n++;
	}
	return n;
}

static void
release(void *p)
{
	struct shared *shared = p;

	if (--shared->users > 0)
		return;
	PQclear(shared->res);
	free(shared);
}

/* Each of the list gets its row of the result. */
static void
share(struct pg_ask *list, PGresult *res)
{
	struct shared *shared = calloc(1, sizeof(*shared));
	bool alone = list->next == NULL;
	int last = PQnfields(res) - 1;
	int64_t place = 1;

	if (shared == NULL)
		abort();
	shared->res = res;
	for (struct pg_ask *ask = list; ask; ask = ask->next, place++) {
		shared->users++;
		arena_later(ask->arena, release, shared);
		ask->shared = shared;
		ask->row = -1;
		for (int row = 0; row < PQntuples(res); row++)
			if (alone || pg_get_int8(res, row, last) == place)
				ask->row = row;
	}
}

static void
send_all(struct pg *pg)
{
	struct pg_ask *lists[PG_ASKS_MAX];
	PGresult *results[PG_ASKS_MAX];
	size_t n = make_lists(pg, lists);
	struct pg_outcome out;

	assert(pg->count == 0);
	for (size_t i = 0; i < n; i++) {
		struct pg_sent sent = lists[i]->next == NULL ?
		    lists[i]->sent : sent_for_all(lists[i]);

		sent.arena = NULL;
		pg_queue_add(pg, &sent);
	}
	out = pg_queue_run(pg, results, (int)n);
	for (size_t i = 0; i < n; i++)
		if (results[i] != NULL)
			share(lists[i], results[i]);
	/* Whose error it was among several, only executing them alone tells. */
	if (out.failed >= 0 && !out.lost && lists[out.failed]->next == NULL)
		lists[out.failed]->err = out.err;
	forget_all(pg);
}

enum err
pg_answer(struct ctx *ctx, struct pg_ask *ask, PGresult **res, int *row)
{
	struct pg *pg = ctx->pg;
	enum err err;

	if (ask->waits && pg->nasks > 1 && !pg->open && pg->count == 0)
		send_all(pg);
	withdraw(ask);
	if (ask->err != OK)
		return pg_fault_note(ctx, ask->err);
	if (ask->shared != NULL) {
		*res = ask->shared->res;
		*row = ask->row;
		return OK;
	}
	pg_queue_add(pg, &ask->sent);
	if ((err = pg_flush(ctx, res, 1)) == OK)
		*row = PQntuples(*res) > 0 ? 0 : -1;
	return err;
}
