/*
 * /metrics: what the processes of this node counted (base/metrics.h), for
 * Prometheus (text exposition format 0.0.4). For operators: nginx passes it
 * only from a private listener (conf/twocare_status.conf).
 */
#ifndef API_METRICS_H
#define API_METRICS_H

#include "api/route.h"

/* Answers without the database too; what only that knows is left out then. */
enum err	metrics_show(struct ctx *ctx, const struct call *call,
		    struct http_answer *answer);

#endif
