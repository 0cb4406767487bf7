/*
 * Records of FastCGI 1.0, 3.3 and 5.3, written without a copy.
 */

#include "wire/fcgi_write.h"

#include <errno.h>
#include <fastcgi.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/buf.h"

#define HEAD_ROOM_BYTES	512
#define CONTENT_MAX	65528	/* of a record: needs no padding */
#define PIECES_MAX	128	/* of a system call */

/* An answer on its way out. */
struct out {
	int		 fd, request_id;
	size_t		 unsaid;	/* bytes that no record announces yet */
	size_t		 open;		/* which the last record still lacks */
	struct iovec	 pieces[PIECES_MAX];
	FCGI_Header	 heads[PIECES_MAX];	/* those that pieces hold */
	size_t		 n, nheads;
	bool		 broken;
};

static bool
send_some(struct out *out, struct iovec *pieces, size_t n, size_t *sent)
{
	struct msghdr msg = { .msg_iov = pieces, .msg_iovlen = n };
	ssize_t took;

	do
		took = sendmsg(out->fd, &msg, MSG_NOSIGNAL);
	while (took < 0 && errno == EINTR);
	*sent = took < 0 ? 0 : (size_t)took;
	return took >= 0;
}

/* Send all pieces; the socket may take them bit by bit. */
static void
out_flush(struct out *out)
{
	struct iovec *piece = out->pieces, *end = piece + out->n;
	size_t sent;

	out->n = out->nheads = 0;
	while (!out->broken && piece < end) {
		if (!send_some(out, piece, (size_t)(end - piece), &sent)) {
			out->broken = true;
			return;
		}
		while (piece < end && sent >= piece->iov_len)
			sent -= piece++->iov_len;
		if (piece < end) {
			piece->iov_base = (char *)piece->iov_base + sent;
			piece->iov_len -= sent;
		}
	}
}

static void
out_piece(struct out *out, const void *p, size_t n)
{
	/* sendmsg() does not write to what it sends. */
	out->pieces[out->n++] = (struct iovec){ (void *)(uintptr_t)p, n };
}

static FCGI_Header
head_of(int request_id, unsigned char type, size_t n)
{
	return (FCGI_Header){
		.version = FCGI_VERSION_1, .type = type,
		.requestIdB1 = (unsigned char)(request_id >> 8),
		.requestIdB0 = (unsigned char)(request_id & 0xff),
		.contentLengthB1 = (unsigned char)(n >> 8),
		.contentLengthB0 = (unsigned char)(n & 0xff),
	};
}

static void
out_record(struct out *out)
{
	FCGI_Header *head = &out->heads[out->nheads++];

	out->open = out->unsaid > CONTENT_MAX ? CONTENT_MAX : out->unsaid;
	out->unsaid -= out->open;
	*head = head_of(out->request_id, FCGI_STDOUT, out->open);
	out_piece(out, head, sizeof(*head));
}

static void
out_put(struct out *out, struct str bytes)
{
	size_t n;

	while (bytes.n > 0) {
		/* Room for a record's head and a piece. */
		if (out->n + 2 > PIECES_MAX)
			out_flush(out);
		if (out->open == 0)
			out_record(out);
		n = bytes.n > out->open ? out->open : bytes.n;
		out_piece(out, bytes.p, n);
		out->open -= n;
		bytes = str_from(bytes, n);
	}
}

/*
 * The end of the answer and of the request. nginx keeps a connection only when
 * nothing follows END_REQUEST; so, to part, an empty management record (FastCGI
 * 1.0, 4.1: names without values) follows. Then it is nginx that closes, and
 * no request can be lost on a closed connection.
 */
static void
out_end(struct out *out, enum fcgi_end end)
{
	struct {
		FCGI_Header		 eof;
		FCGI_EndRequestRecord	 done;
		FCGI_Header		 part;
	} tail = {
		.eof = head_of(out->request_id, FCGI_STDOUT, 0),
		.done.header = head_of(out->request_id, FCGI_END_REQUEST,
		    sizeof(tail.done.body)),
		.done.body.protocolStatus = FCGI_REQUEST_COMPLETE,
		.part = head_of(FCGI_NULL_REQUEST_ID, FCGI_GET_VALUES_RESULT,
		    0),
	};

	if (out->n == PIECES_MAX)
		out_flush(out);
	out_piece(out, &tail, sizeof(tail) -
	    (end == FCGI_END_PART ? 0 : sizeof(tail.part)));
	out_flush(out);
}

/* Status line and fields, as CGI/1.1 has them. RFC 3875 6 */
static struct str
head_text(const struct http_answer *answer)
{
	struct buf head = buf_new(answer->arena, HEAD_ROOM_BYTES);

	buf_addf(&head, "Status: %d %s\r\n", answer->status,
	    http_reason(answer->status));
	if (answer->content_type != NULL)
		buf_addf(&head, "Content-Type: %s\r\nContent-Length: %zu\r\n",
		    answer->content_type, answer->body_bytes);
	for (const struct http_field *f = answer->fields; f; f = f->next) {
		buf_addz(&head, f->name);
		buf_addz(&head, ": ");
		buf_add(&head, f->value);
		buf_addz(&head, "\r\n");
	}
	buf_addz(&head, "\r\n");
	return buf_str(&head);
}

bool
fcgi_write_answer(int fd, int request_id, const struct http_exchange *x,
    enum fcgi_end end)
{
	struct str head = head_text(&x->answer);
	bool bare = x->req.method == HTTP_HEAD;
	struct out out;

	/* Not set to zero as a whole: most of it is room. */
	out.fd = fd;
	out.request_id = request_id;
	out.unsaid = head.n + (bare ? 0 : x->answer.body_bytes);
	out.open = out.n = out.nheads = 0;
	out.broken = false;
	out_put(&out, head);
	if (!bare)
		for (const struct http_part *p = x->answer.parts; p;
		    p = p->next)
			out_put(&out, p->bytes);
	out_end(&out, end);
	return !out.broken;
}
