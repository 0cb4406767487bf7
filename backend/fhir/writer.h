/*
 * Who writes: each worker that writes leases a number by a session advisory
 * lock, which goes into the rids it makes and is its shard of the counters.
 */
#ifndef FHIR_WRITER_H
#define FHIR_WRITER_H

#include "base/ctx.h"

/* 12 bits of a rid. */
#define WRITERS_MAX	4096

/* The number of this process on its present connection, leased when there is
 * none yet. ERR_UNAVAILABLE when all are taken. */
enum err	writer_lease(struct ctx *ctx, int *number);

/*
 * The time of a write: ours, but the database's where the two differ by more
 * than half a second, as found when the number was leased or the clock set. A
 * write whose time is 5 s before the database's is refused there (ERR_RETRY).
 */
int64_t		writer_now(void);
enum err	writer_set_clock(struct ctx *ctx);

/*
 * A new rid: milliseconds since 2020, the writer, a counter. Grows with each
 * call, so new rows go to the right end of every index, and is unique among
 * all writers.
 */
int64_t		writer_rid(int number);

#endif
