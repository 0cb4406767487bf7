/*
 * Periodic work: a table of kinds here, a row each in the database, which one
 * node at a time holds by a lease.
 */
#ifndef JOBS_KINDS_H
#define JOBS_KINDS_H

#include "base/ctx.h"

/* Make the rows that are missing: once at the start. */
enum err	kinds_add(struct ctx *ctx);

/*
 * Claim one kind that is due and run it; *ran tells whether there was one. A
 * kind that fails is logged and tried again later, which is no error here.
 */
enum err	kinds_run(struct ctx *ctx, bool *ran);

#endif
