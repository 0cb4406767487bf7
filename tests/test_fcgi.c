/*
 * The event loop of a worker against raw FastCGI: requests, kept connections,
 * cuts at every byte, many connections, and leaving. The worker is a child
 * process whose handler answers what it was given.
 */

#include "base/buf.h"
#include "lib/suite.h"
#include "wire/fcgi.h"

#include <check.h>
#include <errno.h>
#include <fastcgi.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define REQUEST_MAX	4096
#define BODY_MAX	4096
#define LARGE_BYTES	(5 * 1024 * 1024)
#define MANY		2000

static struct sockaddr_un addr = { .sun_family = AF_UNIX };
static pid_t worker;
static struct arena *arena;

/* --- the worker ----------------------------------------------------------- */

static int
highest_descriptor(void)
{
	int fd = MANY + 64;

	while (fd > 0 && fcntl(fd, F_GETFD) < 0)
		fd--;
	return fd;
}

/* What came in, how often we were asked, and how many were asked before one
 * was answered. */
struct counts {
	int	asked;
	int	answered;
	int	together;
};

/* Below /alone nothing waits for others. */
static bool
ask(void *arg, struct http_exchange *x)
{
	struct counts *counts = arg;

	counts->asked++;
	x->own = x->arena;
	return !str_starts(x->req.path, STR("/alone"));
}

static void
echo(void *arg, struct http_exchange *x)
{
	const struct http_req *req = &x->req;
	struct http_answer *answer = &x->answer;
	struct counts *counts = arg;
	struct arena *a = x->own;

	if (counts->asked - counts->answered > counts->together)
		counts->together = counts->asked - counts->answered;
	answer->content_type = "text/plain";
	http_field(answer, "X-Count", arena_printf(a, "%d",
	    ++counts->answered));
	http_field(answer, "X-Together", arena_printf(a, "%d",
	    counts->together));
	if (str_eqz(req->path, "/large")) {
		char *p = arena_alloc(a, LARGE_BYTES);

		memset(p, 'x', LARGE_BYTES);
		http_body(answer, (struct str){ p, LARGE_BYTES / 2 });
		http_body(answer, (struct str){ p, LARGE_BYTES -
		    LARGE_BYTES / 2 });
		return;
	}
	if (str_eqz(req->path, "/highest")) {
		http_body(answer, arena_printf(a, "%d",
		    highest_descriptor()));
		return;
	}
	http_body(answer, arena_printf(a, "%.*s %.*s?%.*s [%.*s]%s %.*s",
	    STR_ARGS(req->method_name), STR_ARGS(req->path),
	    STR_ARGS(req->query), STR_ARGS(req->body),
	    req->body_too_large ? " too large" : "",
	    STR_ARGS(req->var(req, "HTTP_X"))));
}

static void
sent(void *arg, struct http_exchange *x)
{
	(void)arg;
	x->own = NULL;
}

static void
serve(int listen_fd)
{
	static const struct fcgi_handler handler = { ask, echo, sent };
	struct fcgi_limits limits = { .io_timeout_s = 2, .keepalive_s = 60,
	    .body_bytes = BODY_MAX, .arena_bytes = 4096,
	    .descriptor_max = FCGI_DESCRIPTOR_MAX };
	struct fcgi *fcgi = fcgi_new(listen_fd, &limits);
	struct counts counts = { 0, 0, 0 };

	if (fcgi == NULL)
		_exit(1);
	fcgi_serve(fcgi, &handler, &counts);
	fcgi_free(fcgi);
	_exit(0);
}

static void
begin(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	arena = arena_new(64 * 1024);
	snprintf(addr.sun_path, sizeof(addr.sun_path),
	    "%s/test-fcgi-%d.sock", getenv("TMPDIR") != NULL ?
	    getenv("TMPDIR") : "/tmp", getpid());
	unlink(addr.sun_path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	ck_assert_int_eq(listen(fd, 4096), 0);
	worker = fork();
	if (worker == 0)
		serve(fd);
	close(fd);
}

static void
end(void)
{
	if (worker > 0) {
		kill(worker, SIGKILL);
		waitpid(worker, NULL, 0);
	}
	unlink(addr.sun_path);
	arena_free(arena);
}

/* --- the client ----------------------------------------------------------- */

static int
dial(void)
{
	struct timeval patience = { .tv_sec = 10 };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&addr, sizeof(addr)),
	    0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return fd;
}

static void
add_record(struct buf *b, int type, struct str content)
{
	const char head[] = { FCGI_VERSION_1, (char)type, 0, 1,
	    (char)(content.n >> 8), (char)content.n, 0, 0 };

	buf_add(b, (struct str){ head, sizeof(head) });
	buf_add(b, content);
}

static void
add_param(struct buf *b, const char *name, const char *value)
{
	buf_addc(b, (char)strlen(name));
	buf_addc(b, (char)strlen(value));
	buf_addz(b, name);
	buf_addz(b, value);
}

/* BEGIN, PARAMS and STDIN of one request that keeps the connection. */
static struct str
request(const char *path, const char *length, const char *body)
{
	static const char role[] = { 0, FCGI_RESPONDER, FCGI_KEEP_CONN, 0, 0,
	    0, 0, 0 };
	struct buf b = buf_new(arena, REQUEST_MAX);
	struct buf params = buf_new(arena, REQUEST_MAX);

	add_param(&params, "REQUEST_METHOD", "POST");
	add_param(&params, "DOCUMENT_URI", path);
	add_param(&params, "QUERY_STRING", "a=b");
	add_param(&params, "CONTENT_LENGTH", length);
	add_param(&params, "HTTP_X", "field");
	add_record(&b, FCGI_BEGIN_REQUEST, (struct str){ role, 8 });
	add_record(&b, FCGI_PARAMS, buf_str(&params));
	add_record(&b, FCGI_PARAMS, STR(""));
	if (*body != '\0')
		add_record(&b, FCGI_STDIN, str_of(body));
	add_record(&b, FCGI_STDIN, STR(""));
	return buf_str(&b);
}

static void
send_all(int fd, struct str bytes)
{
	ck_assert_int_eq(send(fd, bytes.p, bytes.n, MSG_NOSIGNAL),
	    (ssize_t)bytes.n);
}

static bool
read_all(int fd, void *out, size_t n)
{
	return n == 0 || recv(fd, out, n, MSG_WAITALL) == (ssize_t)n;
}

/* The STDOUT of one answer; p NULL when the connection ended before. */
static struct str
receive(int fd)
{
	struct buf b = buf_new(arena, 0);
	unsigned char head[8];
	char content[65536 + 256];

	while (read_all(fd, head, sizeof(head))) {
		size_t n = (size_t)head[4] << 8 | head[5];

		if (!read_all(fd, content, n + head[6]))
			break;
		if (head[1] == FCGI_STDOUT)
			buf_add(&b, (struct str){ content, n });
		if (head[1] == FCGI_END_REQUEST)
			return buf_str(&b);
	}
	return STR_NONE;
}

static bool
has(struct str text, const char *part)
{
	return text.p != NULL && memmem(text.p, text.n, part, strlen(part)) !=
	    NULL;
}

static struct str
body_of(struct str got)
{
	const char *end = got.p == NULL ? NULL :
	    memmem(got.p, got.n, "\r\n\r\n", 4);

	ck_assert_ptr_nonnull(end);
	return str_from(got, (size_t)(end - got.p) + 4);
}

static void
answers_well(int fd)
{
	struct str got;

	send_all(fd, request("/p", "4", "body"));
	got = receive(fd);
	ck_assert_msg(has(got, "\r\n\r\nPOST /p?a=b [body] field"), "%.*s",
	    STR_ARGS(got));
}

static int
highest_of_worker(int fd)
{
	struct str got;
	uint64_t highest;

	send_all(fd, request("/highest", "0", ""));
	got = receive(fd);
	ck_assert(str_u64(body_of(got), MANY + 64, &highest));
	return (int)highest;
}

/* It sees nothing until SIGCONT. */
static void
worker_hold(void)
{
	kill(worker, SIGSTOP);
	ck_assert_int_eq(waitpid(worker, NULL, WUNTRACED), worker);
}

static int
exit_code(void)
{
	int status;

	ck_assert_int_eq(waitpid(worker, &status, 0), worker);
	worker = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* --- tests ---------------------------------------------------------------- */

START_TEST(a_request_is_answered)
{
	int fd = dial();
	struct str got;

	send_all(fd, request("/p", "4", "body"));
	got = receive(fd);
	ck_assert(str_starts(got, STR("Status: 200 OK\r\nContent-Type: "
	    "text/plain\r\nContent-Length: 24\r\nX-Count: 1\r\n"
	    "X-Together: 1\r\n\r\n")));
	close(fd);
}
END_TEST

START_TEST(a_connection_is_used_again_and_again)
{
	int fd = dial(), other = dial();

	for (int i = 0; i < 50; i++) {
		answers_well(fd);
		answers_well(other);
	}
	close(fd);
	close(other);
}
END_TEST

START_TEST(an_idle_connection_holds_up_nobody)
{
	int idle[100];

	for (size_t i = 0; i < 100; i++)
		idle[i] = dial();
	for (size_t i = 0; i < 100; i++)
		answers_well(idle[99 - i]);
	for (size_t i = 0; i < 100; i++)
		close(idle[i]);
}
END_TEST

START_TEST(cuts_at_every_byte_harm_nobody)
{
	struct str whole = request("/p", "4", "body");
	struct str got;
	int fd;

	for (size_t n = 0; n < whole.n; n++) {
		fd = dial();
		send_all(fd, (struct str){ whole.p, n });
		close(fd);
	}
	fd = dial();
	send_all(fd, whole);
	got = receive(fd);
	ck_assert_msg(has(got, "X-Count: 1\r\n"), "a handler ran for a "
	    "request that was cut: %.*s", STR_ARGS(got));
	close(fd);
}
END_TEST

START_TEST(cuts_at_every_byte_of_a_kept_connection_harm_nobody)
{
	struct str whole = request("/p", "4", "body");
	int fd, good = dial();

	for (size_t n = 0; n < whole.n; n++) {
		fd = dial();
		answers_well(fd);
		send_all(fd, (struct str){ whole.p, n });
		close(fd);
	}
	answers_well(good);
	close(good);
}
END_TEST

START_TEST(one_side_closed_at_every_byte_harms_nobody)
{
	struct str whole = request("/p", "4", "body");

	for (size_t n = 0; n < whole.n; n++) {
		int fd = dial();

		send_all(fd, (struct str){ whole.p, n });
		shutdown(fd, SHUT_WR);
		ck_assert(receive(fd).p == NULL);
		close(fd);
	}
	answers_well(dial());
}
END_TEST

START_TEST(a_body_of_another_length_is_not_handled)
{
	static const char *const lengths[] = { "5", "3", "0", "x", "-1",
	    "99999999999999999999" };
	int fd;

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		fd = dial();
		send_all(fd, request("/p", lengths[i], "body"));
		ck_assert_msg(receive(fd).p == NULL, "%s", lengths[i]);
		close(fd);
	}
	fd = dial();
	send_all(fd, request("/p", "", ""));
	ck_assert(has(receive(fd), "X-Count: 1\r\n"));
	close(fd);
}
END_TEST

START_TEST(a_body_that_is_too_large_is_said)
{
	char body[BODY_MAX + 2], length[8];
	int fd = dial();

	memset(body, 'b', sizeof(body));
	body[BODY_MAX + 1] = '\0';
	snprintf(length, sizeof(length), "%d", BODY_MAX + 1);
	send_all(fd, request("/p", length, body));
	ck_assert(has(receive(fd), "[] too large"));
	answers_well(fd);
	body[BODY_MAX] = '\0';
	snprintf(length, sizeof(length), "%d", BODY_MAX);
	send_all(fd, request("/p", length, body));
	ck_assert(!has(receive(fd), "too large"));
	close(fd);
}
END_TEST

START_TEST(nonsense_closes_the_connection)
{
	static const struct str rows[] = {
		STR_NONE,
		{ "GET / HTTP/1.1\r\n\r\n", 18 },
		{ "\2\1\0\1\0\10\0\0\0\1\1\0\0\0\0\0", 16 },
		{ "\1\4\0\1\0\0\0\0", 8 },
		{ "\1\1\0\1\0\7\0\0\0\1\1\0\0\0\0", 15 },
	};

	for (size_t i = 1; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int fd = dial();

		send_all(fd, rows[i]);
		shutdown(fd, SHUT_WR);
		ck_assert(receive(fd).p == NULL);
		close(fd);
	}
	answers_well(dial());
}
END_TEST

START_TEST(a_large_answer_arrives_whole)
{
	int fd = dial();

	send_all(fd, request("/large", "0", ""));
	ck_assert_uint_eq(body_of(receive(fd)).n, LARGE_BYTES);
	answers_well(fd);
	close(fd);
}
END_TEST

START_TEST(a_client_that_leaves_during_a_large_answer_harms_nobody)
{
	for (int i = 0; i < 20; i++) {
		int fd = dial();

		send_all(fd, request("/large", "0", ""));
		close(fd);
	}
	answers_well(dial());
}
END_TEST

/* --- requests that have come at the same time ----------------------------- */

#define CROWD	(FCGI_TOGETHER_MAX + 4)

static void
crowd_gather(int fds[CROWD])
{
	for (size_t i = 0; i < CROWD; i++) {
		fds[i] = dial();
		answers_well(fds[i]);
	}
	worker_hold();
}

static void
crowd_send(int fd, const char *path, size_t i)
{
	char body[16];

	snprintf(body, sizeof(body), "%02zu", i);
	send_all(fd, request(path, "2", body));
}

/* Its own answer, and how many had been asked by then, at most. */
static int
crowd_answer(int fd, size_t i)
{
	struct str got = receive(fd);
	char wanted[16];
	const char *at;

	snprintf(wanted, sizeof(wanted), "[%02zu]", i);
	ck_assert_msg(has(got, wanted), "%zu: %.*s", i, STR_ARGS(got));
	at = memmem(got.p, got.n, "Together: ", 10);
	ck_assert_ptr_nonnull(at);
	return (int)strtol(at + 10, NULL, 10);
}

START_TEST(requests_of_one_moment_are_asked_before_one_is_answered)
{
	int fds[CROWD], most = 0;

	crowd_gather(fds);
	for (size_t i = 0; i < CROWD; i++)
		crowd_send(fds[i], "/p", i);
	kill(worker, SIGCONT);
	for (size_t i = 0; i < CROWD; i++) {
		int n = crowd_answer(fds[i], i);

		most = n > most ? n : most;
	}
	ck_assert_int_eq(most, FCGI_TOGETHER_MAX);
}
END_TEST

START_TEST(who_waits_is_answered_before_one_that_takes_its_time)
{
	int fds[CROWD];

	crowd_gather(fds);
	for (size_t i = 0; i < CROWD; i++)
		crowd_send(fds[i], i % 4 == 2 ? "/alone" : "/p", i);
	kill(worker, SIGCONT);
	/* Epoll may still have the last one on its list, and tell it first. */
	for (size_t i = 0; i < CROWD; i++) {
		int n = crowd_answer(fds[i], i);

		ck_assert(n == 3 || n == 4);
	}
}
END_TEST

START_TEST(connections_cut_among_others_harm_nobody)
{
	struct str whole = request("/p", "2", "xx");
	int fds[CROWD];

	crowd_gather(fds);
	for (size_t i = 0; i < CROWD; i++) {
		if (i % 3 == 0)
			send_all(fds[i], (struct str){ whole.p, 40 + i });
		else
			crowd_send(fds[i], "/p", i);
		if (i % 3 != 2)
			close(fds[i]);
	}
	kill(worker, SIGCONT);
	for (size_t i = 2; i < CROWD; i += 3) {
		(void)crowd_answer(fds[i], i);
		answers_well(fds[i]);
	}
}
END_TEST

START_TEST(a_stopped_worker_answers_what_it_has_in_hand)
{
	int fds[CROWD];

	crowd_gather(fds);
	for (size_t i = 0; i < 5; i++)
		crowd_send(fds[i], "/p", i);
	kill(worker, SIGQUIT);
	kill(worker, SIGCONT);
	for (size_t i = 0; i < 5; i++)
		(void)crowd_answer(fds[i], i);
	ck_assert_int_eq(exit_code(), 0);
}
END_TEST

/* No more are accepted at descriptor 1,000: the others wait their turn. */
START_TEST(two_thousand_connections_of_which_half_are_cut)
{
	struct rlimit limit = { MANY + 64, MANY + 64 };
	int *fds = arena_array(arena, MANY, sizeof(*fds));

	if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
		puts("SKIP: not so many descriptors are allowed here");
		return;
	}
	for (size_t i = 0; i < MANY; i++)
		fds[i] = dial();
	for (size_t i = 0; i < MANY; i += 2)
		close(fds[i]);
	for (size_t i = 1; i < MANY; i += 2) {
		answers_well(fds[i]);
		ck_assert_int_le(highest_of_worker(fds[i]),
		    FCGI_DESCRIPTOR_MAX);
		close(fds[i]);
	}
	answers_well(dial());
}
END_TEST

START_TEST(a_leaving_worker_answers_and_has_the_client_close)
{
	int fd = dial(), idle = dial();
	char after[16];

	answers_well(fd);
	answers_well(idle);
	kill(worker, SIGTERM);
	answers_well(fd);
	/* What makes nginx give the connection up; we do not close it. */
	ck_assert_int_eq(recv(fd, after, sizeof(after), 0), 8);
	ck_assert_int_eq(after[1], FCGI_GET_VALUES_RESULT);
	ck_assert_int_eq(recv(fd, after, sizeof(after), MSG_DONTWAIT), -1);
	close(fd);
	answers_well(idle);
	close(idle);
	ck_assert_int_eq(exit_code(), 0);
}
END_TEST

START_TEST(a_leaving_worker_serves_who_already_waits)
{
	int first = dial(), fds[10];

	answers_well(first);
	worker_hold();
	for (size_t i = 0; i < 10; i++) {
		fds[i] = dial();
		send_all(fds[i], request("/p", "4", "body"));
	}
	kill(worker, SIGTERM);
	kill(worker, SIGCONT);
	for (size_t i = 0; i < 10; i++) {
		ck_assert(has(receive(fds[i]), "[body]"));
		close(fds[i]);
	}
	close(first);
	ck_assert_int_eq(exit_code(), 0);
}
END_TEST

START_TEST(a_stopped_worker_goes_at_once)
{
	int idle = dial();

	answers_well(idle);
	kill(worker, SIGQUIT);
	ck_assert_int_eq(exit_code(), 0);
	ck_assert(receive(idle).p == NULL);
	close(idle);
}
END_TEST

static void
add_tests(TCase *tc)
{
	tcase_add_test(tc, a_request_is_answered);
	tcase_add_test(tc, a_connection_is_used_again_and_again);
	tcase_add_test(tc, an_idle_connection_holds_up_nobody);
	tcase_add_test(tc, cuts_at_every_byte_harm_nobody);
	tcase_add_test(tc, cuts_at_every_byte_of_a_kept_connection_harm_nobody);
	tcase_add_test(tc, one_side_closed_at_every_byte_harms_nobody);
	tcase_add_test(tc, a_body_of_another_length_is_not_handled);
	tcase_add_test(tc, a_body_that_is_too_large_is_said);
	tcase_add_test(tc, nonsense_closes_the_connection);
	tcase_add_test(tc, a_large_answer_arrives_whole);
	tcase_add_test(tc,
	    a_client_that_leaves_during_a_large_answer_harms_nobody);
	tcase_add_test(tc,
	    requests_of_one_moment_are_asked_before_one_is_answered);
	tcase_add_test(tc,
	    who_waits_is_answered_before_one_that_takes_its_time);
	tcase_add_test(tc, connections_cut_among_others_harm_nobody);
	tcase_add_test(tc, a_stopped_worker_answers_what_it_has_in_hand);
	tcase_add_test(tc, two_thousand_connections_of_which_half_are_cut);
	tcase_add_test(tc, a_leaving_worker_answers_and_has_the_client_close);
	tcase_add_test(tc, a_leaving_worker_serves_who_already_waits);
	tcase_add_test(tc, a_stopped_worker_goes_at_once);
}

int
main(void)
{
	TCase *tc = suite_case("fcgi");

	tcase_add_checked_fixture(tc, begin, end);
	add_tests(tc);
	return suite_run();
}
