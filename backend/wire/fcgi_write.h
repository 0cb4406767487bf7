/*
 * An answer as FastCGI records: gathered from where its parts lie, and sent by
 * as few system calls as it has room for. What reads requests is libfcgi; its
 * streams would copy an answer and wake nginx for every 8 kB.
 */
#ifndef WIRE_FCGI_WRITE_H
#define WIRE_FCGI_WRITE_H

#include "wire/http.h"

enum fcgi_end {
	FCGI_END_KEEP,		/* nginx may keep the connection */
	FCGI_END_PART,		/* it must not */
};

/* Write the answer of a request and its end; false when the connection is
 * broken, or took nothing for as long as its socket allows. */
bool	fcgi_write_answer(int fd, int request_id,
	    const struct http_exchange *x, enum fcgi_end end);

#endif
