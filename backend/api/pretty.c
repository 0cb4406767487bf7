/* JSON with a line for each member, made of its bytes without a parse. */

#include "api/pretty.h"

#include "base/buf.h"

#define INDENT		2

struct pretty {
	struct buf	b;
	unsigned	depth;
	bool		in_string, escaped;
	bool		opened;		/* just now: an empty one is "{}" */
};

static void
new_line(struct pretty *p)
{
	buf_addc(&p->b, '\n');
	for (unsigned i = 0; i < p->depth * INDENT; i++)
		buf_addc(&p->b, ' ');
}

static void
add_in_string(struct pretty *p, char c)
{
	buf_addc(&p->b, c);
	if (p->escaped)
		p->escaped = false;
	else if (c == '\\')
		p->escaped = true;
	else
		p->in_string = c != '"';
}

static void
add_close(struct pretty *p, char c)
{
	p->depth--;
	if (!p->opened)
		new_line(p);
	p->opened = false;
	buf_addc(&p->b, c);
}

/* The first byte of a value or name, or a further one of a number or word. */
static void
add_value(struct pretty *p, char c)
{
	if (p->opened)
		new_line(p);
	p->opened = c == '{' || c == '[';
	p->in_string = c == '"';
	p->depth += p->opened;
	buf_addc(&p->b, c);
}

static void
add_outside(struct pretty *p, char c)
{
	switch (c) {
	case ' ':
	case '\t':
	case '\n':
	case '\r':
		break;
	case '}':
	case ']':
		add_close(p, c);
		break;
	case ',':
		buf_addc(&p->b, c);
		new_line(p);
		break;
	case ':':
		buf_addz(&p->b, ": ");
		break;
	default:
		add_value(p, c);
		break;
	}
}

void
pretty_answer(struct http_answer *answer)
{
	struct pretty p = { .depth = 0 };

	if (answer->parts == NULL || answer->body_bytes > PRETTY_MAX_BYTES)
		return;
	p.b = buf_new(answer->arena, answer->body_bytes * 2);
	for (struct http_part *part = answer->parts; part != NULL;
	    part = part->next)
		for (size_t i = 0; i < part->bytes.n; i++)
			if (p.in_string)
				add_in_string(&p, part->bytes.p[i]);
			else
				add_outside(&p, part->bytes.p[i]);
	buf_addc(&p.b, '\n');
	http_body_clear(answer);
	http_body(answer, buf_str(&p.b));
}
