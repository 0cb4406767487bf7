/*
 * An answer as FastCGI records: whatever its parts' sizes, the other side reads
 * the same bytes in well-formed records, and one end.
 */

#include "base/buf.h"
#include "lib/suite.h"
#include "wire/fcgi_write.h"

#include <check.h>
#include <fastcgi.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define REQUEST_ID	0x102

/* What came of an answer. */
struct seen {
	struct buf	 text;		/* of STDOUT */
	bool		 eof, ended;
	size_t		 behind;	/* records after END_REQUEST */
};

static struct arena *arena;
static int pair[2];

static void
begin(void)
{
	arena = arena_new(4096);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
}

static void
end(void)
{
	close(pair[0]);
	close(pair[1]);
	arena_free(arena);
}

static void
read_fully(void *p, size_t n)
{
	ck_assert_int_eq(recv(pair[0], p, n, MSG_WAITALL), (ssize_t)n);
}

static bool
read_record(struct seen *seen)
{
	static char content[65536];
	FCGI_Header h;
	size_t n;

	if (recv(pair[0], &h, sizeof(h), MSG_WAITALL) != (ssize_t)sizeof(h))
		return false;
	n = (size_t)h.contentLengthB1 << 8 | h.contentLengthB0;
	read_fully(content, n);
	ck_assert_int_eq(h.version, FCGI_VERSION_1);
	ck_assert_int_eq(h.paddingLength, 0);
	if (seen->ended) {
		ck_assert_int_eq(h.type, FCGI_GET_VALUES_RESULT);
		ck_assert_uint_eq(n, 0);
		seen->behind++;
		return true;
	}
	ck_assert_int_eq(h.requestIdB1 << 8 | h.requestIdB0, REQUEST_ID);
	ck_assert(h.type == FCGI_STDOUT || h.type == FCGI_END_REQUEST);
	ck_assert(!seen->eof || h.type == FCGI_END_REQUEST);
	if (h.type == FCGI_END_REQUEST)
		seen->ended = true;
	else if (n == 0)
		seen->eof = true;
	else
		buf_add(&seen->text, (struct str){ content, n });
	return true;
}

/* Written by a child, because it may wait for the one who reads. */
static struct seen
seen_of(const struct http_exchange *x, enum fcgi_end how)
{
	struct seen seen = { .text = buf_new(arena, 4096) };
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(fcgi_write_answer(pair[1], REQUEST_ID, x, how) ? 0 : 1);
	close(pair[1]);
	while (read_record(&seen))
		continue;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert(seen.eof && seen.ended);
	return seen;
}

/* An exchange whose answer has n parts of so many bytes; *body is all. */
static struct http_exchange *
exchange(size_t n, size_t bytes, struct str *body)
{
	struct http_exchange *x = arena_zero(arena, sizeof(*x));
	struct buf all = buf_new(arena, n * bytes + 1);
	struct buf part;
	size_t i, j;

	x->arena = arena;
	x->req.method = HTTP_GET;
	http_answer_init(&x->answer, arena);
	x->answer.status = 200;
	x->answer.content_type = "text/plain";
	for (i = 0; i < n; i++) {
		part = buf_new(arena, bytes);
		for (j = 0; j < bytes; j++)
			buf_addc(&part, (char)('a' + (i * 31 + j) % 26));
		buf_add(&all, buf_str(&part));
		http_body(&x->answer, buf_str(&part));
	}
	*body = buf_str(&all);
	return x;
}

static struct str
body_of(const struct seen *seen)
{
	struct str text = { seen->text.p, seen->text.n };
	const char *blank = memmem(text.p, text.n, "\r\n\r\n", 4);

	ck_assert_ptr_nonnull(blank);
	return str_from(text, (size_t)(blank - text.p) + 4);
}

static const struct { size_t n, bytes; } sizes[] = {
	{ 0, 0 }, { 1, 1 }, { 1, 65400 }, { 1, 65528 }, { 1, 65529 },
	{ 2, 65528 }, { 3, 200000 }, { 500, 1 }, { 500, 1313 }, { 127, 7 },
	{ 126, 700 }, { 1000, 400 },
};

START_TEST(parts_of_any_size_arrive_as_they_were)
{
	struct http_exchange *x;
	struct seen seen;
	struct str body, got;

	x = exchange(sizes[_i].n, sizes[_i].bytes, &body);
	seen = seen_of(x, FCGI_END_KEEP);
	got = body_of(&seen);
	ck_assert_uint_eq(got.n, body.n);
	ck_assert(str_eq(got, body));
	ck_assert_uint_eq(seen.behind, 0);
}
END_TEST

START_TEST(a_socket_that_takes_little_at_a_time_loses_nothing)
{
	struct http_exchange *x;
	struct seen seen;
	struct str body;
	int room = 1;		/* the kernel's least */

	ck_assert_int_eq(setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &room,
	    sizeof(room)), 0);
	x = exchange(300, 5000, &body);
	seen = seen_of(x, FCGI_END_KEEP);
	ck_assert(str_eq(body_of(&seen), body));
}
END_TEST

START_TEST(a_head_has_its_fields_and_no_body)
{
	struct http_exchange *x;
	struct seen seen;
	struct str body;

	x = exchange(2, 100, &body);
	x->req.method = HTTP_HEAD;
	http_field(&x->answer, "ETag", STR("W/\"1\""));
	seen = seen_of(x, FCGI_END_KEEP);
	ck_assert(str_eq(buf_str(&seen.text),
	    STR("Status: 200 OK\r\nContent-Type: text/plain\r\n"
	    "Content-Length: 200\r\nETag: W/\"1\"\r\n\r\n")));
}
END_TEST

START_TEST(to_part_a_record_follows_the_end)
{
	struct http_exchange *x;
	struct seen seen;
	struct str body;

	x = exchange(1, 10, &body);
	seen = seen_of(x, FCGI_END_PART);
	ck_assert_uint_eq(seen.behind, 1);
}
END_TEST

START_TEST(nobody_there_is_said)
{
	struct http_exchange *x;
	struct str body;

	x = exchange(300, 5000, &body);
	close(pair[0]);
	ck_assert(!fcgi_write_answer(pair[1], REQUEST_ID, x, FCGI_END_KEEP));
	pair[0] = dup(pair[1]);
}
END_TEST

int
main(void)
{
	TCase *tc = suite_case("fcgi_write");

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_loop_test(tc, parts_of_any_size_arrive_as_they_were, 0,
	    sizeof(sizes) / sizeof(sizes[0]));
	tcase_add_test(tc,
	    a_socket_that_takes_little_at_a_time_loses_nothing);
	tcase_add_test(tc, a_head_has_its_fields_and_no_body);
	tcase_add_test(tc, to_part_a_record_follows_the_end);
	tcase_add_test(tc, nobody_there_is_said);
	return suite_run();
}
