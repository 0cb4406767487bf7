/*
 * A FastCGI responder that says what it was sent: every EDGE_*, HTTP_* and
 * request parameter and the size of the body, as one JSON object. It stands in
 * for the backend in tests of the edge, and is the denominator of benchmarks.
 *
 *   tool_echo SOCKET...        one process for each socket
 *
 * One process waits on all its connections with epoll and keeps them open.
 * The query string asks for other answers: status=N, client=ID (X-Edge-Client),
 * accel=PATH (X-Accel-Redirect), size=N (so many bytes of body), cut=1 (the
 * connection is closed unanswered).
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

/* FastCGI 1.0, section 8 */
#define FCGI_HEADER_BYTES	8
#define FCGI_END_REQUEST	3
#define FCGI_PARAMS		4
#define FCGI_STDIN		5
#define FCGI_STDOUT		6
#define FCGI_CONTENT_MAX	65535

#define EVENTS_MAX		64
#define INPUT_BYTES		((size_t)128 * 1024)
#define PARAMS_BYTES		((size_t)64 * 1024)

struct conn {
	int	fd;
	size_t	in_n;
	size_t	params_n;
	size_t	body_n;
	char	in[INPUT_BYTES];
	char	params[PARAMS_BYTES];
};

static struct arena *arena;

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

/* --- answers ------------------------------------------------------------- */

static void
add_record(struct buf *out, int type, struct str content)
{
	unsigned char head[FCGI_HEADER_BYTES] = { 1, (unsigned char)type, 0,
		1, (unsigned char)(content.n >> 8),
		(unsigned char)(content.n & 0xff), 0, 0 };

	buf_add(out, (struct str){ (const char *)head, sizeof(head) });
	buf_add(out, content);
}

static void
add_answer(struct buf *out, struct str text)
{
	while (text.n > 0) {
		size_t n = text.n < FCGI_CONTENT_MAX ? text.n :
		    FCGI_CONTENT_MAX;

		add_record(out, FCGI_STDOUT, (struct str){ text.p, n });
		text = str_from(text, n);
	}
	add_record(out, FCGI_STDOUT, STR_NONE);
	add_record(out, FCGI_END_REQUEST, STR("\0\0\0\0\0\0\0\0"));
}

/* --- parameters ---------------------------------------------------------- */

static bool
take_length(struct str *rest, size_t *out)
{
	const unsigned char *p = (const unsigned char *)rest->p;

	if (rest->n == 0)
		return false;
	if ((p[0] & 0x80) == 0) {
		*out = p[0];
		*rest = str_from(*rest, 1);
		return true;
	}
	if (rest->n < 4)
		return false;
	*out = (size_t)(p[0] & 0x7f) << 24 | (size_t)p[1] << 16 |
	    (size_t)p[2] << 8 | p[3];
	*rest = str_from(*rest, 4);
	return true;
}

static bool
take_param(struct str *rest, struct str *name, struct str *value)
{
	size_t name_n, value_n;

	if (!take_length(rest, &name_n) || !take_length(rest, &value_n) ||
	    name_n > rest->n || value_n > rest->n - name_n)
		return false;
	*name = (struct str){ rest->p, name_n };
	*value = (struct str){ rest->p + name_n, value_n };
	*rest = str_from(*rest, name_n + value_n);
	return true;
}

static struct str
param(const struct conn *conn, const char *wanted)
{
	struct str rest = { conn->params, conn->params_n }, name, value;

	while (take_param(&rest, &name, &value))
		if (str_eqz(name, wanted))
			return value;
	return STR_NONE;
}

static struct str
option(struct str query, const char *wanted)
{
	while (query.p != NULL) {
		struct str value = str_cut(&query, '&');
		struct str name = str_cut(&value, '=');

		if (str_eqz(name, wanted))
			return value;
	}
	return STR_NONE;
}

/* --- one request --------------------------------------------------------- */

static void
add_body(struct buf *text, const struct conn *conn, struct str query)
{
	struct str rest = { conn->params, conn->params_n }, name, value;
	uint64_t size;

	if (str_u64(option(query, "size"), UINT64_C(1) << 30, &size)) {
		char *room = buf_room(text, size);

		memset(room, 'x', size);
		buf_took(text, size);
		return;
	}
	buf_addf(text, "{\"body\":%zu", conn->body_n);
	while (take_param(&rest, &name, &value)) {
		buf_addc(text, ',');
		buf_add_quoted(text, name);
		buf_addc(text, ':');
		buf_add_quoted(text, value);
	}
	buf_addc(text, '}');
}

static struct str
answer(const struct conn *conn)
{
	struct str query = param(conn, "QUERY_STRING");
	struct str status = option(query, "status");
	struct str client = option(query, "client");
	struct str accel = option(query, "accel");
	struct buf text = buf_new(arena, 4096);
	struct buf out = buf_new(arena, 8192);

	if (status.n > 0)
		buf_addf(&text, "Status: %.*s\r\n", STR_ARGS(status));
	if (client.n > 0)
		buf_addf(&text, "X-Edge-Client: %.*s\r\n", STR_ARGS(client));
	if (accel.n > 0)
		buf_addf(&text, "X-Accel-Redirect: %.*s\r\n", STR_ARGS(accel));
	buf_addz(&text, "Content-Type: application/json\r\n\r\n");
	add_body(&text, conn, query);
	add_answer(&out, buf_str(&text));
	return buf_str(&out);
}

static bool
send_all(int fd, struct str s)
{
	while (s.n > 0) {
		ssize_t n = send(fd, s.p, s.n, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		s = str_from(s, (size_t)n);
	}
	return true;
}

/* One record; false when the connection is to be closed. */
static bool
on_record(struct conn *conn, int type, struct str content)
{
	bool fine;

	if (type == FCGI_PARAMS) {
		if (content.n > sizeof(conn->params) - conn->params_n)
			return false;
		if (content.n > 0)
			memcpy(conn->params + conn->params_n, content.p,
			    content.n);
		conn->params_n += content.n;
		return true;
	}
	if (type != FCGI_STDIN)
		return true;
	conn->body_n += content.n;
	if (content.n > 0)
		return true;
	fine = option(param(conn, "QUERY_STRING"), "cut").n == 0 &&
	    send_all(conn->fd, answer(conn));
	arena_reset(arena);
	conn->params_n = conn->body_n = 0;
	return fine;
}

static bool
on_input(struct conn *conn)
{
	ssize_t got = recv(conn->fd, conn->in + conn->in_n,
	    sizeof(conn->in) - conn->in_n, 0);
	size_t at = 0;

	if (got <= 0)
		return false;
	conn->in_n += (size_t)got;
	while (conn->in_n - at >= FCGI_HEADER_BYTES) {
		const unsigned char *h = (unsigned char *)conn->in + at;
		size_t n = (size_t)h[4] << 8 | h[5];
		size_t whole = FCGI_HEADER_BYTES + n + h[6];

		if (conn->in_n - at < whole)
			break;
		if (!on_record(conn, h[1], (struct str){
			(const char *)h + FCGI_HEADER_BYTES, n }))
			return false;
		at += whole;
	}
	conn->in_n -= at;
	memmove(conn->in, conn->in + at, conn->in_n);
	return true;
}

/* --- connections --------------------------------------------------------- */

static void
on_connection(int poll_fd, int listen_fd)
{
	struct conn *conn;
	struct epoll_event event = { .events = EPOLLIN };
	int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	conn = calloc(1, sizeof(*conn));
	if (conn == NULL)
		die("calloc");
	conn->fd = fd;
	event.data.ptr = conn;
	if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
		die("epoll_ctl");
}

static _Noreturn void
serve(int listen_fd)
{
	struct epoll_event events[EVENTS_MAX];
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL };
	int poll_fd = epoll_create1(EPOLL_CLOEXEC);

	arena = arena_new(64 * 1024);
	if (poll_fd < 0 ||
	    epoll_ctl(poll_fd, EPOLL_CTL_ADD, listen_fd, &event) != 0)
		die("epoll");
	for (;;) {
		int n = epoll_wait(poll_fd, events, EVENTS_MAX, -1);

		for (int i = 0; i < n; i++) {
			struct conn *conn = events[i].data.ptr;

			if (conn == NULL) {
				on_connection(poll_fd, listen_fd);
			} else if (!on_input(conn)) {
				close(conn->fd);
				free(conn);
			}
		}
	}
}

static int
listen_on(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || strlen(path) >= sizeof(addr.sun_path))
		die(path);
	memcpy(addr.sun_path, path, strlen(path) + 1);
	unlink(path);
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) != 0 ||
	    chmod(path, 0666) != 0 || listen(fd, 511) != 0)
		die(path);
	return fd;
}

int
main(int argc, char **argv)
{
	if (argc < 2) {
		fputs("usage: tool_echo SOCKET...\n", stderr);
		return 2;
	}
	for (int i = 2; i < argc; i++) {
		int fd = listen_on(argv[i]);
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		if (pid == 0) {
			prctl(PR_SET_PDEATHSIG, SIGTERM);
			serve(fd);
		}
		close(fd);
	}
	serve(listen_on(argv[1]));
}
