/*
 * The one path that every request takes: who, route, rights, media types, body,
 * ask, handler, answer, one log line. The worker takes it in three steps
 * (wire/fcgi.h): up to "ask", which sends nothing yet; up to the answer; and,
 * when that has left, the log line.
 */
#ifndef API_REQUEST_H
#define API_REQUEST_H

#include <stdbool.h>

#include "api/route.h"
#include "wire/fcgi.h"

struct conf;
struct pg;

/* What a worker has for all of its requests. */
struct request_world {
	const struct conf	*conf;
	struct pg		*pg;
	bool			 schema_known;	/* false at first */
	unsigned		 in_hand;	/* requests; 0 at first */
};

/* Answers every request; its argument is a struct request_world. Never fails:
 * every problem becomes an answer. */
extern const struct fcgi_handler	request_handler;

/*
 * Answer an entry of a Bundle as a request of its own, within the request
 * `whole`: route, rights, parameters, handler, or the error's answer and its
 * err. Who asks and what is preferred is that of the whole; ctx's issues stay
 * as they were. A Bundle within a Bundle is refused.
 */
enum err	request_part(struct ctx *ctx, const struct call *whole,
		    const struct http_req *req, const struct jdoc *doc,
		    uint32_t node, struct http_answer *answer);

#endif
