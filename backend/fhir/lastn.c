/* Grouping observations by their codes, and cutting each group. */

#include "fhir/lastn.h"

#include "base/when.h"
#include "fhir/record.h"

#include <stdlib.h>

/* A name of an observation's code: "|system|code", or "text". */
struct name {
	struct str	text;
	size_t		of;
};

/* An observation; those with the same root are of one group. */
struct member {
	size_t	 up;		/* towards the root, which is its own */
	int64_t	 at_us;		/* WHEN_MIN: no time */
	/* Of the root: what was kept so far. */
	uint64_t kept;
	int64_t	 last_us;
};

struct groups {
	struct arena	*arena;
	struct member	*members;
	struct name	*names;
	size_t		 n, room;
};

/* --- names ---------------------------------------------------------------- */

static struct str
member_text(struct arena *arena, const struct jdoc *d, uint32_t object,
    struct str name)
{
	uint32_t node = jdoc_type(d, object) == JDOC_OBJECT ?
	    jdoc_get(d, object, name) : 0;
	char *out;

	if (node == 0 || jdoc_type(d, node) != JDOC_STRING)
		return STR_NONE;
	out = arena_alloc(arena, jdoc_raw(d, node).n + 1);
	return (struct str){ out, jdoc_decode(d, node, out) };
}

static void
add_name(struct groups *g, struct str text, size_t of)
{
	if (g->n == g->room) {
		struct name *more;

		g->room = 2 * g->room + 64;
		more = arena_array(g->arena, g->room, sizeof(*more));
		if (g->n > 0)
			memcpy(more, g->names, g->n * sizeof(*more));
		g->names = more;
	}
	g->names[g->n++] = (struct name){ text, of };
}

/* The names of one code. An empty code has an empty name. */
static void
add_names(struct groups *g, const struct jdoc *d, size_t of)
{
	uint32_t code = jdoc_get(d, 0, STR("code"));
	uint32_t codings = code == 0 ? 0 : jdoc_get(d, code, STR("coding"));
	bool coded = false;

	for (uint32_t i = codings == 0 ? 0 : jdoc_first(d, codings); i != 0;
	    i = jdoc_next(d, codings, i)) {
		struct str system = member_text(g->arena, d, i,
		    STR("system"));
		struct str symbol = member_text(g->arena, d, i, STR("code"));

		if (symbol.n == 0)
			continue;
		add_name(g, arena_printf(g->arena, "|%.*s|%.*s",
		    STR_ARGS(system), STR_ARGS(symbol)), of);
		coded = true;
	}
	if (!coded)
		add_name(g, arena_printf(g->arena, "\"%.*s", STR_ARGS(
		    code == 0 ? STR_NONE : member_text(g->arena, d, code,
		    STR("text")))), of);
}

/* --- times ---------------------------------------------------------------- */

static int64_t
effective(struct arena *arena, const struct jdoc *d)
{
	static const char *const names[] = { "effectiveDateTime",
		"effectiveInstant" };
	uint32_t period = jdoc_get(d, 0, STR("effectivePeriod"));
	struct str text = period == 0 ? STR_NONE : member_text(arena, d,
	    period, STR("start"));
	struct when when;

	for (size_t i = 0; text.n == 0 && i < 2; i++)
		text = member_text(arena, d, 0, str_of(names[i]));
	return when_parse(text, WHEN_SEARCH, &when) ? when.lo_us : WHEN_MIN;
}

/* --- groups --------------------------------------------------------------- */

static size_t
root_of(struct groups *g, size_t i)
{
	while (g->members[i].up != i) {
		g->members[i].up = g->members[g->members[i].up].up;
		i = g->members[i].up;
	}
	return i;
}

static int
by_text(const void *p, const void *q)
{
	const struct name *a = p, *b = q;

	return str_cmp(a->text, b->text);
}

/* Whoever shares a name is of one group. */
static void
unite(struct groups *g)
{
	qsort(g->names, g->n, sizeof(*g->names), by_text);
	for (size_t i = 1; i < g->n; i++)
		if (str_eq(g->names[i].text, g->names[i - 1].text))
			g->members[root_of(g, g->names[i].of)].up =
			    root_of(g, g->names[i - 1].of);
}

static bool
keeps(struct groups *g, size_t i, uint64_t max)
{
	struct member *root = &g->members[root_of(g, i)];
	int64_t at_us = g->members[i].at_us;

	if (root->kept >= max && (at_us == WHEN_MIN || at_us != root->last_us))
		return false;
	root->kept++;
	root->last_us = at_us;
	return true;
}

size_t
lastn_keep(struct ctx *ctx, struct record *records, size_t n, uint64_t max)
{
	struct groups g = { .arena = ctx->arena };
	struct record_doc doc = { .room = 0 };
	size_t kept = 0;

	if (n == 0)
		return 0;
	g.members = arena_zero(ctx->arena, n * sizeof(*g.members));
	for (size_t i = 0; i < n; i++) {
		const struct jdoc *d = record_parse_next(ctx->arena,
		    records[i].body, &doc);

		g.members[i].up = i;
		g.members[i].at_us = effective(ctx->arena, d);
		add_names(&g, d, i);
	}
	unite(&g);
	for (size_t i = 0; i < n; i++)
		if (keeps(&g, i, max))
			records[kept++] = records[i];
	return kept;
}
