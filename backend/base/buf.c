/* Byte strings built step by step in an arena. */

#include "base/buf.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define BUF_ROOM_MIN	256

struct buf
buf_new(struct arena *arena, size_t room_bytes)
{
	struct buf b = { .arena = arena };

	if (room_bytes > 0)
		(void)buf_room(&b, room_bytes);
	return b;
}

char *
buf_room(struct buf *b, size_t n)
{
	size_t room = b->room < BUF_ROOM_MIN ? BUF_ROOM_MIN : b->room * 2;
	char *p;

	if (b->room - b->n >= n)
		return b->p + b->n;
	if (n > SIZE_MAX / 2 - b->n)
		abort();
	if (room < b->n + n)
		room = b->n + n;
	p = arena_alloc(b->arena, room);
	if (b->n > 0)
		memcpy(p, b->p, b->n);
	b->p = p;
	b->room = room;
	return b->p + b->n;
}

void
buf_took(struct buf *b, size_t n)
{
	b->n += n;
}

void
buf_add(struct buf *b, struct str s)
{
	if (s.n == 0)
		return;
	memcpy(buf_room(b, s.n), s.p, s.n);
	b->n += s.n;
}

void
buf_addz(struct buf *b, const char *z)
{
	buf_add(b, str_of(z));
}

void
buf_addc(struct buf *b, char c)
{
	*buf_room(b, 1) = c;
	b->n++;
}

void
buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_add(b, arena_vprintf(b->arena, fmt, ap));
	va_end(ap);
}

void
buf_add_i64(struct buf *b, int64_t value)
{
	char text[24];
	int n = snprintf(text, sizeof(text), "%" PRId64, value);

	buf_add(b, (struct str){ text, (size_t)n });
}

static const char *
json_escape(unsigned char c, char unicode[7])
{
	switch (c) {
	case '"':
		return "\\\"";
	case '\\':
		return "\\\\";
	case '\n':
		return "\\n";
	case '\r':
		return "\\r";
	case '\t':
		return "\\t";
	default:
		snprintf(unicode, 7, "\\u%04x", c);
		return unicode;
	}
}

void
buf_add_json(struct buf *b, struct str s)
{
	size_t plain = 0;
	char unicode[7];

	if (s.n == 0)
		return;
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f)
			continue;
		buf_add(b, (struct str){ s.p + plain, i - plain });
		buf_addz(b, json_escape(c, unicode));
		plain = i + 1;
	}
	buf_add(b, (struct str){ s.p + plain, s.n - plain });
}

void
buf_add_quoted(struct buf *b, struct str s)
{
	buf_addc(b, '"');
	buf_add_json(b, s);
	buf_addc(b, '"');
}

static bool
is_unreserved(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
	    c == '~';
}

void
buf_add_percent(struct buf *b, struct str s)
{
	static const char hex[] = "0123456789ABCDEF";

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (is_unreserved(c)) {
			buf_addc(b, (char)c);
			continue;
		}
		buf_addc(b, '%');
		buf_addc(b, hex[c >> 4]);
		buf_addc(b, hex[c & 15]);
	}
}

struct str
buf_str(const struct buf *b)
{
	return (struct str){ b->p == NULL ? "" : b->p, b->n };
}

void
buf_clear(struct buf *b)
{
	b->n = 0;
}
