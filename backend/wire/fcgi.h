/*
 * FastCGI as a worker speaks it: one process and one thread wait with epoll on
 * one listening socket and on all connections that nginx keeps, read what has
 * come, and block in the handler. libfcgi does the protocol; we
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
	size_t	arena_bytes;	/* first block of a request's arena */
	int	descriptor_max;	/* stop accepting at it; libfcgi's fd_set ends
				 * at 1,024 */
};

#define FCGI_DESCRIPTOR_MAX	1000

/*
 * What answers requests, in three steps. Requests that have come at the same
 * time are all asked before the first of them is answered, so that what they
 * need of the database can travel together.
 */
struct fcgi_handler {
	/* Look at x->req and ask for what its answer needs. True: the answer
	 * is near, so it may wait for others that ask now. False: it may take
	 * its time, so those that wait are answered before it. */
	bool	(*ask)(void *arg, struct http_exchange *x);
	/* Fill x->answer. */
	void	(*answer)(void *arg, struct http_exchange *x);
	/* The answer has left; x is about to end. */
	void	(*sent)(void *arg, struct http_exchange *x);
};

/* So many requests are asked before the first is answered. */
#define FCGI_TOGETHER_MAX	16

/*
 * A loop over a listening socket (non-blocking). Once per process: takes the
 * signals SIGPIPE, SIGUSR1 (ignored), SIGTERM (leave) and SIGQUIT (stop).
 * NULL with errno when the kernel refuses.
 */
struct fcgi	*fcgi_new(int listen_fd, const struct fcgi_limits *limits);

/*
 * Serve until told to go.
 *
 * SIGTERM: accept no more; answer what still arrives on each connection and
 * have nginx close it; close one that was idle for longer than nginx keeps it;
 * return when none is left. SIGQUIT: finish the requests in hand and return.
 */
void		fcgi_serve(struct fcgi *fcgi,
		    const struct fcgi_handler *handler, void *arg);

/* After fcgi_serve() has returned. */
void		fcgi_free(struct fcgi *fcgi);

#endif
