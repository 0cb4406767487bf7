/*
 * The state files of this node's nginx (base/state.h), kept equal to the
 * database: each part is written when its version in the database moved.
 */
#ifndef JOBS_EDGE_H
#define JOBS_EDGE_H

#include "base/ctx.h"

struct edge;

/* For the folder dir; writes nothing yet. Ended by edge_free. */
struct edge	*edge_new(const char *dir);
void		 edge_free(struct edge *edge);

/*
 * Ask the database what has changed and write those files. On an error the
 * files stay as they are and the next call tries again; then `alive` must not
 * be touched. ERR_UNAVAILABLE when the database is away, ERR_INTERNAL when the
 * folder cannot be written.
 */
enum err	 edge_refresh(struct ctx *ctx, struct edge *edge);

/* Touch `alive`: everything in the folder is as new as the database. */
enum err	 edge_alive(struct ctx *ctx, struct edge *edge);

#endif
