/*
 * The event loop of a worker over libfcgi.
 *
 * What libfcgi does by itself, and how we keep it from it:
 * - FCGX_Accept_r accepts when ipcFd < 0: we set ipcFd to a connection of our
 *   own and call it only when that one is readable; listen_sock is -1, so that
 *   after a broken request it fails instead of accepting.
 * - It closes with a wait of up to 2 s for the peer: FCGX_Detach makes that a
 *   plain close, and after an answer we close ourselves.
 * - FCGX_Finish_r would close on any error, and its writers copy: we write
 *   answers ourselves, and free the request with FCGX_Free(.., 0).
 * - It forgets what was read ahead: stdin is drained before the request ends.
 */

#include "wire/fcgi.h"

#include <errno.h>
#include <fcgiapp.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "wire/fcgi_write.h"

#define EVENTS_AT_ONCE	64
#define ACCEPTS_AT_ONCE	64
#define DRAIN_BYTES	4096
#define SHORTAGE_PAUSE_MS 50

/* nginx closes idle connections itself; this much later we do. */
#define IDLE_MARGIN_MS	5000

struct conn {
	FCGX_Request	 fcgi;
	int		 fd;
	int64_t		 used_ms;
	struct conn	*next, *prev;
};

struct fcgi {
	int			 listen_fd;
	int			 epoll_fd;
	bool			 accepting;
	struct fcgi_limits	 limits;
	int			 signal_fd;
	bool			 leaving;	/* SIGTERM came */
	bool			 stopping;	/* SIGQUIT came */
	struct conn		*conns;
	int			 nconns;
	int			 nconns_max;	/* learnt at descriptor_max */
};

static int64_t
clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* --- signals -------------------------------------------------------------- */

/*
 * Ours instead of libfcgi's. SIGTERM and SIGQUIT stay blocked and are read from
 * a descriptor: a handler would break off reads and writes, and a mask that
 * lets them in only while epoll waits never does under load.
 */
static int
take_signals(void)
{
	sigset_t ours;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGUSR1, SIG_IGN);
	signal(SIGTERM, SIG_DFL);
	signal(SIGQUIT, SIG_DFL);
	sigemptyset(&ours);
	sigaddset(&ours, SIGTERM);
	sigaddset(&ours, SIGQUIT);
	if (sigprocmask(SIG_BLOCK, &ours, NULL) != 0)
		return -1;
	return signalfd(-1, &ours, SFD_NONBLOCK | SFD_CLOEXEC);
}

static void
heed_signals(struct fcgi *fcgi)
{
	struct signalfd_siginfo info;

	while (read(fcgi->signal_fd, &info, sizeof(info)) ==
	    (ssize_t)sizeof(info)) {
		fcgi->leaving = true;
		if (info.ssi_signo == SIGQUIT)
			fcgi->stopping = true;
	}
}

/* --- connections ---------------------------------------------------------- */

static bool
watch(struct fcgi *fcgi, int fd, void *what)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLRDHUP };

	event.data.ptr = what;
	return epoll_ctl(fcgi->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

static void
accept_more(struct fcgi *fcgi, bool wanted)
{
	if (wanted == fcgi->accepting)
		return;
	if (wanted)
		wanted = watch(fcgi, fcgi->listen_fd, &fcgi->listen_fd);
	else
		epoll_ctl(fcgi->epoll_fd, EPOLL_CTL_DEL, fcgi->listen_fd,
		    NULL);
	fcgi->accepting = wanted;
}

/* Forget a connection whose descriptor is closed. */
static void
conn_forget(struct fcgi *fcgi, struct conn *conn)
{
	if (conn->prev != NULL)
		conn->prev->next = conn->next;
	else
		fcgi->conns = conn->next;
	if (conn->next != NULL)
		conn->next->prev = conn->prev;
	free(conn);
	fcgi->nconns--;
	accept_more(fcgi, !fcgi->leaving);
}

static void
conn_close(struct fcgi *fcgi, struct conn *conn)
{
	close(conn->fd);
	conn_forget(fcgi, conn);
}

static bool
conn_new(struct fcgi *fcgi, int fd)
{
	struct timeval patience = { .tv_sec = fcgi->limits.io_timeout_s };
	struct conn *conn = calloc(1, sizeof(*conn));

	if (conn == NULL || !watch(fcgi, fd, conn)) {
		free(conn);
		close(fd);
		return false;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	FCGX_InitRequest(&conn->fcgi, -1, 0);
	conn->fcgi.ipcFd = fd;
	conn->fcgi.keepConnection = 1;
	conn->fd = fd;
	conn->used_ms = clock_ms();
	conn->next = fcgi->conns;
	if (conn->next != NULL)
		conn->next->prev = conn;
	fcgi->conns = conn;
	fcgi->nconns++;
	return true;
}

static void
accept_some(struct fcgi *fcgi)
{
	for (int i = 0; i < ACCEPTS_AT_ONCE; i++) {
		int fd = accept4(fcgi->listen_fd, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0) {
			/* The system is short of descriptors: not a loop. */
			if (errno == EMFILE || errno == ENFILE)
				(void)poll(NULL, 0, SHORTAGE_PAUSE_MS);
			/* The master has shut the socket down. */
			if (errno == EINVAL)
				fcgi->leaving = true;
			return;
		}
		if (!conn_new(fcgi, fd))
			return;
		/*
		 * Descriptors below the last one become free in any order, so
		 * it is the number of connections that says when we are full.
		 */
		if (fd >= fcgi->limits.descriptor_max)
			fcgi->nconns_max = fcgi->nconns;
		if (fcgi->nconns >= fcgi->nconns_max) {
			accept_more(fcgi, false);
			return;
		}
	}
}

/* --- reading a request ---------------------------------------------------- */

static struct str
req_var(const struct http_req *req, const char *name)
{
	const struct conn *conn = req->transport;

	return str_of(FCGX_GetParam(name, conn->fcgi.envp));
}

/* Read and drop the rest of stdin; returns how much there was. */
static size_t
drain(struct conn *conn)
{
	char trash[DRAIN_BYTES];
	size_t total = 0;
	int n;

	do {
		n = FCGX_GetStr(trash, sizeof(trash), conn->fcgi.in);
		total += (size_t)n;
	} while (n == (int)sizeof(trash));
	return total;
}

/*
 * The body as one slice. False when the connection was cut or did not bring
 * what CONTENT_LENGTH says: then there is nobody to answer.
 */
static bool
read_body(struct conn *conn, struct arena *arena, size_t most,
    struct http_req *req)
{
	struct str length = req_var(req, "CONTENT_LENGTH");
	uint64_t n = 0;
	char *room;

	if (length.n > 0 && !str_u64(length, INT64_MAX, &n))
		return false;
	if (n > most) {
		req->body_too_large = true;
		return drain(conn) == n && FCGX_GetError(conn->fcgi.in) == 0;
	}
	room = arena_alloc(arena, (size_t)n + 1);
	if (n > 0 && FCGX_GetStr(room, (int)n, conn->fcgi.in) != (int)n)
		return false;
	room[n] = '\0';
	req->body = (struct str){ room, (size_t)n };
	return drain(conn) == 0 && FCGX_GetError(conn->fcgi.in) == 0;
}

static bool
read_request(struct conn *conn, struct arena *arena, size_t most,
    struct http_req *req)
{
	*req = (struct http_req){ .var = req_var, .transport = conn };
	req->method_name = req_var(req, "REQUEST_METHOD");
	req->method = http_method_named(req->method_name);
	req->path = req_var(req, "DOCUMENT_URI");
	req->query = req_var(req, "QUERY_STRING");
	req->content_type = req_var(req, "CONTENT_TYPE");
	return read_body(conn, arena, most, req);
}

/* --- requests ------------------------------------------------------------- */

/* A request in hand. */
struct slot {
	struct conn		*conn;
	struct http_exchange	 x;
};

struct service {
	struct fcgi			*fcgi;
	const struct fcgi_handler	*handler;
	void				*arg;
	struct slot			 slots[FCGI_TOGETHER_MAX];
	/* How many slots have asked and are not answered. */
	size_t				 waiting;
	/* When held log lines last went out. */
	int64_t				 flushed_ms;
};

/* Back to epoll, or closed. */
static void
conn_done(struct fcgi *fcgi, struct conn *conn, bool keep)
{
	if (!keep) {
		conn_close(fcgi, conn);
		return;
	}
	conn->fcgi.keepConnection = 1;
	conn->used_ms = clock_ms();
}

/* Read the request that has begun to come; false when there is none, the
 * connection being gone then. */
static bool
slot_take(struct service *s, struct slot *slot, struct conn *conn)
{
	FCGX_Detach(&conn->fcgi);
	if (FCGX_Accept_r(&conn->fcgi) < 0) {
		/* libfcgi has closed the descriptor. */
		conn_forget(s->fcgi, conn);
		return false;
	}
	if (slot->x.arena == NULL)
		slot->x.arena = arena_new(s->fcgi->limits.arena_bytes);
	slot->conn = conn;
	if (!read_request(conn, slot->x.arena, s->fcgi->limits.body_bytes,
	    &slot->x.req)) {
		FCGX_Free(&conn->fcgi, 0);
		arena_reset(slot->x.arena);
		conn_done(s->fcgi, conn, false);
		return false;
	}
	http_answer_init(&slot->x.answer, slot->x.arena);
	return true;
}

static void
slot_answer(struct service *s, struct slot *slot)
{
	struct conn *conn = slot->conn;
	bool keep;

	s->handler->answer(s->arg, &slot->x);
	keep = fcgi_write_answer(conn->fd, conn->fcgi.requestId, &slot->x,
	    s->fcgi->leaving ? FCGI_END_PART : FCGI_END_KEEP) &&
	    conn->fcgi.keepConnection != 0;
	s->handler->sent(s->arg, &slot->x);
	FCGX_Free(&conn->fcgi, 0);
	arena_reset(slot->x.arena);
	conn_done(s->fcgi, conn, keep);
}

static void
answer_waiting(struct service *s)
{
	for (size_t i = 0; i < s->waiting; i++)
		slot_answer(s, &s->slots[i]);
	s->waiting = 0;
}

static void
conn_serve(struct service *s, struct conn *conn)
{
	struct slot *slot = &s->slots[s->waiting];

	if (!slot_take(s, slot, conn))
		return;
	if (s->handler->ask(s->arg, &slot->x)) {
		if (++s->waiting == FCGI_TOGETHER_MAX)
			answer_waiting(s);
		return;
	}
	answer_waiting(s);
	slot_answer(s, slot);
}

/* --- the loop ------------------------------------------------------------- */

static bool
has_input(const struct conn *conn, uint32_t events)
{
	char c;

	if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) == 0)
		return true;
	return recv(conn->fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
}

static void
conn_event(struct service *s, struct conn *conn, uint32_t events)
{
	if (has_input(conn, events))
		conn_serve(s, conn);
	else
		conn_close(s->fcgi, conn);
}

/* Close what was idle for too long; returns ms until the next one is. */
static int
close_idle(struct fcgi *fcgi)
{
	int64_t patience = fcgi->limits.keepalive_s * 1000 + IDLE_MARGIN_MS;
	int64_t now = clock_ms();
	int64_t soonest = patience;
	struct conn *next;

	for (struct conn *conn = fcgi->conns; conn != NULL; conn = next) {
		int64_t left = conn->used_ms + patience - now;

		next = conn->next;
		if (left <= 0)
			conn_close(fcgi, conn);
		else if (left < soonest)
			soonest = left;
	}
	return (int)soonest;
}

/* Lines of many requests are one write; none waits longer than LOG_HELD_MS. */
static int
wait_events(struct service *s, struct epoll_event *events, int timeout_ms)
{
	int n;

	if (log_held() && (timeout_ms < 0 || timeout_ms > LOG_HELD_MS))
		timeout_ms = LOG_HELD_MS;
	n = epoll_wait(s->fcgi->epoll_fd, events, EVENTS_AT_ONCE, timeout_ms);
	if (log_held() && clock_ms() - s->flushed_ms >= LOG_HELD_MS) {
		log_flush();
		s->flushed_ms = clock_ms();
	}
	return n;
}

/* To the last event, also when told to stop: what has come is in hand. */
static void
wait_and_serve(struct service *s, int timeout_ms)
{
	struct epoll_event events[EVENTS_AT_ONCE];
	int n = wait_events(s, events, timeout_ms);

	for (int i = 0; i < n; i++) {
		void *what = events[i].data.ptr;

		if (what == &s->fcgi->listen_fd)
			accept_some(s->fcgi);
		else if (what == &s->fcgi->signal_fd)
			heed_signals(s->fcgi);
		else
			conn_event(s, what, events[i].events);
	}
	answer_waiting(s);
}

struct fcgi *
fcgi_new(int listen_fd, const struct fcgi_limits *limits)
{
	struct fcgi *fcgi;

	if (FCGX_Init() != 0)
		return NULL;
	fcgi = calloc(1, sizeof(*fcgi));
	if (fcgi == NULL)
		return NULL;
	fcgi->limits = *limits;
	fcgi->nconns_max = INT_MAX;
	fcgi->listen_fd = listen_fd;
	fcgi->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	fcgi->signal_fd = take_signals();
	if (fcgi->epoll_fd >= 0 && fcgi->signal_fd >= 0 &&
	    watch(fcgi, fcgi->signal_fd, &fcgi->signal_fd))
		accept_more(fcgi, true);
	if (fcgi->accepting)
		return fcgi;
	fcgi_free(fcgi);
	return NULL;
}

void
fcgi_serve(struct fcgi *fcgi, const struct fcgi_handler *handler, void *arg)
{
	struct service s = { .fcgi = fcgi, .handler = handler, .arg = arg,
	    .flushed_ms = clock_ms() };
	struct conn *conn, *next;
	int timeout_ms = -1;

	log_hold(true);
	while (!fcgi->stopping) {
		if (fcgi->leaving) {
			if (fcgi->accepting)
				accept_some(fcgi);
			accept_more(fcgi, false);
			timeout_ms = close_idle(fcgi);
			if (fcgi->conns == NULL)
				break;
		}
		wait_and_serve(&s, timeout_ms);
	}
	accept_more(fcgi, false);
	for (conn = fcgi->conns; conn != NULL; conn = next) {
		next = conn->next;
		conn_close(fcgi, conn);
	}
	for (size_t i = 0; i < FCGI_TOGETHER_MAX; i++)
		arena_free(s.slots[i].x.arena);
	log_hold(false);
}

void
fcgi_free(struct fcgi *fcgi)
{
	int error = errno;

	close(fcgi->signal_fd);
	close(fcgi->epoll_fd);
	free(fcgi);
	errno = error;
}
