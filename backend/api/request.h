/*
 * The one path that every request takes: who, route, rights, media types, body,
 * handler, answer, one log line.
 */
#ifndef API_REQUEST_H
#define API_REQUEST_H

#include "wire/http.h"

struct conf;
struct pg;

/* What a worker has for all of its requests. */
struct request_world {
	const struct conf	*conf;
	struct pg		*pg;
	bool			 schema_known;	/* false at first */
};

/* Answer req; world is a struct request_world. Never fails: every problem
 * becomes an answer. (A fcgi_handler, wire/fcgi.h.) */
void	request_handle(void *world, struct arena *arena,
	    const struct http_req *req, struct http_answer *answer);

#endif
