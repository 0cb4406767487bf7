/* Whether this worker can do its work. */
#ifndef API_HEALTH_H
#define API_HEALTH_H

#include "api/route.h"

/* 200 {"status":"ok"} when the database answers, else ERR_UNAVAILABLE. */
enum err	health_check(struct ctx *ctx, const struct call *call,
		    struct http_answer *answer);

#endif
