/*
 * FastCGI as a worker speaks it: one process and one thread wait with epoll on
 * one listening socket and on all connections that nginx keeps, read one
 * request at a time, and block in its handler. libfcgi does the protocol; we
 * do accept, wait and close, because its own accept serves one connection at a
 * time and its own close may wait for the peer.
 *
 * Connections are closed by nginx, not by us: a connection that we closed
 * while nginx was choosing it would cost a request.
 */
#ifndef WIRE_FCGI_H
#define WIRE_FCGI_H

#include "base/arena.h"
#include "wire/http.h"

struct fcgi;

struct fcgi_limits {
	long	io_timeout_s;	/* of one read or write on a connection */
	long	keepalive_s;	/* after which nginx closes idle ones */
	size_t	body_bytes;	/* of a request; more is dropped, and said */
	int	descriptor_max;	/* stop accepting at it; libfcgi's fd_set ends
				 * at 1,024 */
};

#define FCGI_DESCRIPTOR_MAX	1000

/* Fill *answer for req. Both live until the answer has been sent. */
typedef void	fcgi_handler(void *arg, struct arena *arena,
		    const struct http_req *req, struct http_answer *answer);

/*
 * A loop over a listening socket (non-blocking). Once per process: takes the
 * signals SIGPIPE, SIGUSR1 (ignored), SIGTERM (leave) and SIGQUIT (stop).
 * NULL with errno when the kernel refuses.
 */
struct fcgi	*fcgi_new(int listen_fd, const struct fcgi_limits *limits);

/*
 * Serve until told to go. The arena is reset after each request.
 *
 * SIGTERM: accept no more; answer what still arrives on each connection and
 * have nginx close it; close one that was idle for longer than nginx keeps it;
 * return when none is left. SIGQUIT: finish the request in hand and return.
 */
void		fcgi_serve(struct fcgi *fcgi, struct arena *arena,
		    fcgi_handler *handler, void *arg);

/* After fcgi_serve() has returned. */
void		fcgi_free(struct fcgi *fcgi);

#endif
