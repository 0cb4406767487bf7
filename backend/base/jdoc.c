/*
 * Reading a parsed JSON text: walking its nodes, decoding its strings. The
 * parser itself is jdoc_parse.c.
 */

#include "base/jdoc.h"

#include "base/jdoc_content.h"

static const char *const error_texts[JDOC_ERROR__MAX] = {
	"no error",					/* JDOC_OK */
	"not valid JSON",				/* JDOC_SYNTAX */
	"the text ends before the JSON value does",	/* JDOC_END */
	"the text is not valid UTF-8",			/* JDOC_UTF8 */
	"a NUL character is not allowed",		/* JDOC_NUL */
	"a member appears twice in one object",		/* JDOC_DUPLICATE */
	"nested too deeply",				/* JDOC_DEPTH */
	"too many members in one object",		/* JDOC_MEMBERS */
	"too many values",				/* JDOC_ROOM */
	"the text is too large",			/* JDOC_LARGE */
};

unsigned
jdoc_hex4(const char *p)
{
	unsigned value = 0;

	for (int i = 0; i < 4; i++) {
		unsigned c = (unsigned char)p[i];

		value = value << 4 |
		    (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
	}
	return value;
}

static unsigned
utf8_put(unsigned code, unsigned char out[4])
{
	if (code < 0x80) {
		out[0] = (unsigned char)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (unsigned char)(0xc0 | code >> 6);
		out[1] = (unsigned char)(0x80 | (code & 63));
		return 2;
	}
	if (code < 0x10000) {
		out[0] = (unsigned char)(0xe0 | code >> 12);
		out[1] = (unsigned char)(0x80 | (code >> 6 & 63));
		out[2] = (unsigned char)(0x80 | (code & 63));
		return 3;
	}
	out[0] = (unsigned char)(0xf0 | code >> 18);
	out[1] = (unsigned char)(0x80 | (code >> 12 & 63));
	out[2] = (unsigned char)(0x80 | (code >> 6 & 63));
	out[3] = (unsigned char)(0x80 | (code & 63));
	return 4;
}

unsigned char
jdoc_short_escape(char c)
{
	switch (c) {
	case '"':
	case '\\':
	case '/':
		return (unsigned char)c;
	case 'b':
		return '\b';
	case 'f':
		return '\f';
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	default:
		return 0;
	}
}

/* Decode the escape at r->p (after its backslash) into r->pending. */
static void
read_escape(struct jdoc_reader *r)
{
	unsigned code;

	r->pending_i = 0;
	if (*r->p != 'u') {
		r->pending[0] = jdoc_short_escape(*r->p++);
		r->pending_n = 1;
		return;
	}
	code = jdoc_hex4(r->p + 1);
	r->p += 5;
	if (code >= 0xd800 && code < 0xdc00) {
		code = 0x10000 + ((code - 0xd800) << 10) +
		    (jdoc_hex4(r->p + 2) - 0xdc00);
		r->p += 6;
	}
	r->pending_n = utf8_put(code, r->pending);
}

int
jdoc_read_byte(struct jdoc_reader *r)
{
	if (r->pending_i < r->pending_n)
		return r->pending[r->pending_i++];
	if (r->p == r->end)
		return -1;
	if (*r->p != '\\')
		return (unsigned char)*r->p++;
	r->p++;
	read_escape(r);
	return r->pending[r->pending_i++];
}

struct jdoc_reader
jdoc_reader(const struct jdoc *d, uint32_t node)
{
	const struct jnode *n = &d->nodes[node];

	return (struct jdoc_reader){
		.p = d->text.p + n->off,
		.end = d->text.p + n->off + n->len,
	};
}

const char *
jdoc_strerror(enum jdoc_error error)
{
	return error < JDOC_ERROR__MAX ? error_texts[error] : "not valid JSON";
}

void
jdoc_place(struct str text, size_t off, unsigned *line, unsigned *column)
{
	*line = 1;
	*column = 1;
	for (size_t i = 0; i < off && i < text.n; i++) {
		if (text.p[i] == '\n') {
			++*line;
			*column = 1;
		} else if (((unsigned char)text.p[i] & 0xc0) != 0x80) {
			++*column;
		}
	}
}

enum jdoc_type
jdoc_type(const struct jdoc *d, uint32_t node)
{
	return (enum jdoc_type)d->nodes[node].type;
}

struct str
jdoc_raw(const struct jdoc *d, uint32_t node)
{
	const struct jnode *n = &d->nodes[node];

	return (struct str){ d->text.p + n->off, n->len };
}

struct str
jdoc_source(const struct jdoc *d, uint32_t node)
{
	struct str raw = jdoc_raw(d, node);

	if (d->nodes[node].type == JDOC_STRING)
		return (struct str){ raw.p - 1, raw.n + 2 };
	return raw;
}

uint32_t
jdoc_first(const struct jdoc *d, uint32_t parent)
{
	const struct jnode *n = &d->nodes[parent];

	return n->next == parent + 1 ? 0 : parent + 1;
}

uint32_t
jdoc_next(const struct jdoc *d, uint32_t parent, uint32_t child)
{
	const struct jnode *n = &d->nodes[parent];
	uint32_t value = n->type == JDOC_OBJECT ? child + 1 : child;
	uint32_t next = d->nodes[value].next;

	return next == n->next ? 0 : next;
}

uint32_t
jdoc_value(const struct jdoc *d, uint32_t name)
{
	(void)d;
	return name + 1;
}

uint32_t
jdoc_get(const struct jdoc *d, uint32_t object, struct str name)
{
	if (d->nodes[object].type != JDOC_OBJECT)
		return 0;
	for (uint32_t i = jdoc_first(d, object); i != 0;
	    i = jdoc_next(d, object, i))
		if (jdoc_is(d, i, name))
			return jdoc_value(d, i);
	return 0;
}

bool
jdoc_is(const struct jdoc *d, uint32_t node, struct str s)
{
	const struct jnode *n = &d->nodes[node];
	struct jdoc_reader r;

	if (n->type != JDOC_STRING)
		return false;
	/* Lengths first and here: names are compared far more than found. */
	if (!n->escaped)
		return n->len == s.n && (s.n == 0 ||
		    memcmp(d->text.p + n->off, s.p, s.n) == 0);
	r = jdoc_reader(d, node);
	for (size_t i = 0; i < s.n; i++)
		if (jdoc_read_byte(&r) != (unsigned char)s.p[i])
			return false;
	return jdoc_read_byte(&r) < 0;
}

size_t
jdoc_decode(const struct jdoc *d, uint32_t node, char *out)
{
	struct jdoc_reader r = jdoc_reader(d, node);
	size_t n = 0;
	int byte;

	if (!d->nodes[node].escaped) {
		memcpy(out, r.p, d->nodes[node].len);
		return d->nodes[node].len;
	}
	while ((byte = jdoc_read_byte(&r)) >= 0)
		out[n++] = (char)(unsigned char)byte;
	return n;
}
