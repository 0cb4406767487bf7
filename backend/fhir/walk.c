/* Where validation is, how it says so, and what it tells about a node. */

#include "fhir/walk.h"

#include "base/buf.h"

#define NAME_MAX_BYTES	64	/* no R4 element name is nearly as long */

/* R4 valueset-issue-type.html */
static const char *const issue_types[] = {
	[BAD_SHAPE] = "structure", [MISSING] = "required",
	[BAD_VALUE] = "value", [BAD_CODE] = "code-invalid",
	[BROKEN_RULE] = "invariant", [NOT_CHECKED] = "incomplete",
};

/* A FHIRPath identifier; other names are delimited. FHIRPath 2.0 6.1 */
static void
add_name(struct buf *path, struct str name)
{
	bool plain = name.n > 0 && name.n <= NAME_MAX_BYTES;

	for (size_t i = 0; plain && i < name.n; i++) {
		char c = name.p[i], lower = (char)(c | 0x20);

		plain = (lower >= 'a' && lower <= 'z') || c == '_' ||
		    (i > 0 && c >= '0' && c <= '9');
	}
	if (plain) {
		buf_add(path, name);
		return;
	}
	buf_addc(path, '`');
	for (size_t i = 0; i < name.n && i < NAME_MAX_BYTES; i++) {
		char c = name.p[i];

		if (c == '`' || c == '\\')
			buf_addc(path, '\\');
		buf_addc(path, c > ' ' && c <= '~' ? c : '?');
	}
	buf_addc(path, '`');
}

static void
add_path(struct buf *path, const struct place *at)
{
	if (at->up != NULL) {
		add_path(path, at->up);
		buf_addc(path, '.');
	}
	add_name(path, at->name);
	if (at->index >= 0)
		buf_addf(path, "[%lld]", (long long)at->index);
}

/* An error of that sort at that place was noted before. */
static bool
was_said(const struct walk *w, struct str path, const char *type)
{
	for (const struct issue *i = w->ctx->fault.issues; i; i = i->next)
		if (!i->warning && str_eq(i->path, path) && i->type != NULL &&
		    strcmp(i->type, type) == 0)
			return true;
	return false;
}

void
walk_problem(struct walk *w, const struct place *at, enum problem problem,
    const char *fmt, ...)
{
	struct buf path;
	struct str text;
	va_list ap;

	if (walk_full(w))
		return;
	w->failed = true;
	path = buf_new(w->ctx->arena, 64);
	add_path(&path, at);
	if (w->once && was_said(w, buf_str(&path), issue_types[problem]))
		return;
	va_start(ap, fmt);
	text = arena_vprintf(w->ctx->arena, fmt, ap);
	va_end(ap);
	fail_as(w->ctx, ERR_VALIDATION, issue_types[problem], buf_str(&path),
	    "%.*s %.*s", STR_ARGS(buf_str(&path)), STR_ARGS(text));
}

void
walk_warning(struct walk *w, const struct place *at, enum problem problem,
    const char *fmt, ...)
{
	struct buf path = buf_new(w->ctx->arena, 64);
	struct str text;
	va_list ap;

	add_path(&path, at);
	va_start(ap, fmt);
	text = arena_vprintf(w->ctx->arena, fmt, ap);
	va_end(ap);
	fault_warn_as(w->ctx, issue_types[problem], buf_str(&path),
	    "%.*s %.*s", STR_ARGS(buf_str(&path)), STR_ARGS(text));
}

bool
walk_full(const struct walk *w)
{
	return w->failed && w->ctx->fault.count > FAULT_ISSUES_MAX;
}

struct str
walk_text(struct walk *w, uint32_t node)
{
	struct str raw = jdoc_raw(w->d, node);
	char *out;

	if (!w->d->nodes[node].escaped)
		return raw;
	out = arena_alloc(w->ctx->arena, raw.n);
	return (struct str){ out, jdoc_decode(w->d, node, out) };
}

const char *
walk_json_name(enum jdoc_type type)
{
	switch (type) {
	case JDOC_STRING:
		return "a string";
	case JDOC_NUMBER:
		return "a number";
	case JDOC_OBJECT:
		return "an object";
	case JDOC_ARRAY:
		return "an array";
	case JDOC_NULL:
		return "null";
	default:
		return "true or false";
	}
}

const char *
walk_json(const struct walk *w, uint32_t node)
{
	return walk_json_name(jdoc_type(w->d, node));
}

struct str
walk_member(struct walk *w, uint32_t object, struct str name)
{
	uint32_t node = jdoc_get(w->d, object, name);

	if (node == 0 || jdoc_type(w->d, node) != JDOC_STRING)
		return STR_NONE;
	return walk_text(w, node);
}
