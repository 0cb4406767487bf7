/* The number of a writing process, and the rids it makes. */

#include "fhir/writer.h"

#include "base/hash.h"
#include "base/when.h"
#include "wire/pg.h"

#include "queries.h"

#define WRITER_BITS	12
#define COUNTER_BITS	10
#define EPOCH_2020_MS	INT64_C(1577836800000)

/* Clocks that differ by less than this are taken as one: what is measured of
 * the other is late by a round trip. */
#define SKEW_US		(US_PER_SECOND / 2)

/* The lease belongs to a session: a lost connection lost it too. */
static struct {
	const struct pg	*pg;
	uint64_t	 session;
	int		 number;
} lease;

static struct {
	int64_t	ms;
	int	counter;
} last;

/* What the database's clock is ahead of ours; 0 when they agree. */
static int64_t ahead_us;

static void
take_clock(int64_t database_us)
{
	ahead_us = database_us - when_now();
	if (ahead_us > -SKEW_US && ahead_us < SKEW_US)
		ahead_us = 0;
}

static enum err
take_lease(struct ctx *ctx)
{
	struct pg_args a = pg_args(ctx->arena);
	uint16_t begin;
	PGresult *res;
	enum err err;

	/* Beginning anywhere, two new workers seldom try the same numbers. */
	random_bytes(&begin, sizeof(begin));
	pg_int4(&a, begin % WRITERS_MAX);
	if ((err = pg_exec(ctx, &query_store_writer, &a, &res)) != OK)
		return err;
	if (PQntuples(res) == 0)
		return fail(ctx, ERR_UNAVAILABLE, "too many processes write "
		    "to the database at once; try again later");
	lease.number = pg_get_int4(res, 0, 0);
	lease.pg = ctx->pg;
	lease.session = pg_session(ctx->pg);
	take_clock(pg_get_time(res, 0, 1));
	return OK;
}

enum err
writer_lease(struct ctx *ctx, int *number)
{
	enum err err;

	if ((lease.pg != ctx->pg || lease.session != pg_session(ctx->pg)) &&
	    (err = take_lease(ctx)) != OK)
		return err;
	*number = lease.number;
	return OK;
}

enum err
writer_set_clock(struct ctx *ctx)
{
	PGresult *res;
	enum err err = pg_exec(ctx, &query_store_clock, NULL, &res);

	if (err == OK)
		take_clock(pg_get_time(res, 0, 0));
	return err;
}

int64_t
writer_now(void)
{
	return when_now() + ahead_us;
}

int64_t
writer_rid(int number)
{
	int64_t ms = when_now() / 1000 - EPOCH_2020_MS;

	/* A full millisecond, or a clock set back: count on from the last. */
	if (ms > last.ms) {
		last.ms = ms;
		last.counter = 0;
	} else if (++last.counter == 1 << COUNTER_BITS) {
		last.ms++;
		last.counter = 0;
	}
	return last.ms << (WRITER_BITS + COUNTER_BITS) |
	    (int64_t)number << COUNTER_BITS | last.counter;
}
