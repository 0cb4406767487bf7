/*
 * A buf builds one byte string in an arena. It grows by doubling; what it
 * outgrows stays in the arena until the arena is reset. buf_str borrows the
 * bytes: they are stable once nothing more is added.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/arena.h"
#include "base/str.h"

struct buf {
	struct arena	*arena;
	char		*p;
	size_t		 n;
	size_t		 room;
};

/* An empty buf; room_bytes is a guess that saves copies, 0 is fine. */
struct buf	buf_new(struct arena *arena, size_t room_bytes);

void		buf_add(struct buf *b, struct str s);
void		buf_addz(struct buf *b, const char *z);
void		buf_addc(struct buf *b, char c);
void		buf_addf(struct buf *b, const char *fmt, ...)
		    __attribute__((format(printf, 2, 3)));
void		buf_add_i64(struct buf *b, int64_t value);

/* s as the inside of a JSON string (no quotes); with quotes. RFC 8259 7. */
void		buf_add_json(struct buf *b, struct str s);
void		buf_add_quoted(struct buf *b, struct str s);

/* s percent-encoded for a URL query value. RFC 3986 2.1 */
void		buf_add_percent(struct buf *b, struct str s);

/* Room for n more bytes; returns where they begin, buf_took counts them. */
char		*buf_room(struct buf *b, size_t n);
void		buf_took(struct buf *b, size_t n);

/* What was built, and back to empty with the memory kept. */
struct str	buf_str(const struct buf *b);
void		buf_clear(struct buf *b);

#endif
