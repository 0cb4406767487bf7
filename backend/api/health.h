/* /health and /ready, for supervisors and load balancers. */
#ifndef API_HEALTH_H
#define API_HEALTH_H

#include "api/route.h"

/* This worker answers; nothing else is asked, so that nobody restarts workers
 * because the database is away. */
enum err	health_live(struct ctx *ctx, const struct call *call,
		    struct http_answer *answer);

/*
 * Requests can be served: the database answers, its schema is ours, and the
 * edge's state is no older than STATE_FRESH_S. ERR_UNAVAILABLE otherwise,
 * saying which of them is not so.
 */
#define STATE_FRESH_S	60
enum err	health_ready(struct ctx *ctx, const struct call *call,
		    struct http_answer *answer);

#endif
