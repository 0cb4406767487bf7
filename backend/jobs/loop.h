/*
 * The turns of `twocare jobs`: look what changed, write the edge's files, do
 * what is due, wait.
 */
#ifndef JOBS_LOOP_H
#define JOBS_LOOP_H

#include <signal.h>

#include "base/ctx.h"

/*
 * Run until *stop is not 0. The database may come and go: while it is away
 * nothing is written and `alive` grows old, which the edges see.
 */
void	jobs_loop(const struct ctx *ctx, const volatile sig_atomic_t *stop);

#endif
