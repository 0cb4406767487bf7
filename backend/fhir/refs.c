/*
 * References between the entries of a Bundle. In a transaction the fullUrl of
 * an entry, wherever another one links to it, becomes the id that the record
 * really gets; only the bytes of those strings change. In a batch nothing may
 * link to what it creates. R4 http.html#trules
 */

#include "fhir/bundle_entry.h"

#include "base/buf.h"

#include <assert.h>
#include <stdlib.h>

/* What a fullUrl became. */
struct target {
	struct str		 url;
	const struct entry	*entry;
};

/* A string node of the text, and what shall stand in its place. */
struct edit {
	uint32_t	node;
	struct str	text;
	int64_t		grown;		/* bytes, by this and all before it */
};

struct rewrite {
	struct ctx		*ctx;
	const struct jdoc	*d;
	struct target		*targets;	/* sorted by url */
	size_t			 ntargets;
	struct edit		*edits;		/* in the order of the text */
	size_t			 n, room;
	struct entry		*entry;		/* we are inside of */
	enum { REWRITES, GATHERS, APART } does;
	struct links		*links;		/* by criteria; sorted, but
						 * while they are gathered */
	size_t			 link_room;
	struct str		 wrong;		/* in a batch */
	enum err		 err;
};

static int
by_url(const void *p, const void *q)
{
	const struct target *a = p, *b = q;

	return str_cmp(a->url, b->url);
}

static void
gather_targets(struct rewrite *w, const struct entries *entries)
{
	w->targets = arena_array(w->ctx->arena, entries->n,
	    sizeof(*w->targets));
	for (size_t i = 0; i < entries->n; i++)
		if (entries->v[i].full_url.n > 0 && !entries->v[i].reads)
			w->targets[w->ntargets++] = (struct target){
			    entries->v[i].full_url, &entries->v[i] };
	if (w->ntargets > 1)
		qsort(w->targets, w->ntargets, sizeof(*w->targets), by_url);
}

/* R4 bundle.html#invs, bdl-7: a fullUrl is unique in its bundle. */
static enum err
check_unique(const struct rewrite *w)
{
	for (size_t i = 1; i < w->ntargets; i++)
		if (by_url(&w->targets[i - 1], &w->targets[i]) == 0)
			return fail_at(w->ctx, ERR_INVALID_REQUEST,
			    arena_printf(w->ctx->arena, "%.*s.fullUrl",
			    STR_ARGS(w->targets[i].entry->path)),
			    "is also the fullUrl of %.*s",
			    STR_ARGS(w->targets[i - 1].entry->path));
	return OK;
}

static const struct entry *
find_target(const struct rewrite *w, struct str url)
{
	struct target key = { .url = url };
	struct target *found;

	if (w->ntargets == 0)
		return NULL;
	found = bsearch(&key, w->targets, w->ntargets, sizeof(*w->targets),
	    by_url);
	return found == NULL ? NULL : found->entry;
}

/* "http://a/fhir/Patient/1" -> "http://a/fhir/", empty when it is no such
 * address of a record. */
static struct str
base_of(struct str url)
{
	int slashes = 0;

	if (!str_starts(url, STR("http://")) &&
	    !str_starts(url, STR("https://")))
		return STR_NONE;
	for (size_t i = url.n; i > 0; i--)
		if (url.p[i - 1] == '/' && ++slashes == 2)
			return (struct str){ url.p, i };
	return STR_NONE;
}

static bool
is_relative(struct str url)
{
	return url.n > 0 && url.p[0] != '#' && str_has(url, '/') &&
	    !str_has(url, ':');
}

static const struct entry *
resolve(const struct rewrite *w, struct str url)
{
	struct str base = base_of(w->entry->full_url);

	if (!is_relative(url))
		return find_target(w, url);
	if (base.n == 0)
		return NULL;
	return find_target(w, arena_printf(w->ctx->arena, "%.*s%.*s",
	    STR_ARGS(base), STR_ARGS(url)));
}

static void
add_edit(struct rewrite *w, uint32_t node, struct str text)
{
	struct edit edit = { .node = node, .text = text };

	edit.grown = (int64_t)edit.text.n - (int64_t)w->d->nodes[node].len +
	    (w->n == 0 ? 0 : w->edits[w->n - 1].grown);
	if (w->n == w->room) {
		size_t room = w->room == 0 ? 256 : w->room * 2;
		struct edit *edits = arena_array(w->ctx->arena, room,
		    sizeof(*edits));

		if (w->n > 0)
			memcpy(edits, w->edits, w->n * sizeof(*edits));
		w->edits = edits;
		w->room = room;
	}
	w->edits[w->n++] = edit;
}

/* Elements of type Reference, uri, url, canonical, uuid and oid by their
 * names; a plain string that looks like a link is none. */
static bool
may_link(struct str name)
{
	static const char *const ends[] = { "reference", "Uri", "Url",
	    "Canonical", "Uuid", "Oid", "url", "uri" };

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (str_ends(name, str_of(ends[i])))
			return true;
	return false;
}

/* "Patient?identifier=1" */
static bool
is_conditional(struct str url)
{
	struct str rest = url;
	struct str type = str_cut(&rest, '?');

	return rest.p != NULL && r4_type_named(type) != NULL;
}

static int
by_text(const void *p, const void *q)
{
	const struct link *a = p, *b = q;

	return str_cmp(a->text, b->text);
}

static void
gather_link(struct rewrite *w, struct str url)
{
	struct links *links = w->links;

	if (links->n == w->link_room) {
		size_t room = w->link_room == 0 ? 64 : w->link_room * 2;
		struct link *v = arena_array(w->ctx->arena, room, sizeof(*v));

		if (links->n > 0)
			memcpy(v, links->v, links->n * sizeof(*v));
		links->v = v;
		w->link_room = room;
	}
	links->v[links->n++] = (struct link){ .text = url,
	    .path = w->entry->change.path };
}

/* What is not found so far keeps its entry waiting. */
static void
rewrite_link(struct rewrite *w, uint32_t node, struct str url)
{
	struct link key = { .text = url };
	const struct link *link = bsearch(&key, w->links->v, w->links->n,
	    sizeof(*w->links->v), by_text);

	assert(link != NULL);
	if (link->target.n > 0)
		add_edit(w, node, link->target);
	else
		w->entry->waits = true;
}

/* What a batch creates has no id that others could know. */
static void
check_apart(struct rewrite *w, const struct entry *to, struct str url)
{
	if (to == NULL || to == w->entry || to->change.kind != CHANGE_CREATE ||
	    w->wrong.n > 0)
		return;
	w->wrong = arena_printf(w->ctx->arena, "links to \"%.*s\", which "
	    "%.*s creates: entries of a batch stand alone, send a transaction",
	    STR_ARGS(url), STR_ARGS(to->path));
}

static void
refuse_unknown(struct rewrite *w, struct str url)
{
	if (w->err == OK)
		w->err = fail_as(w->ctx, ERR_VALIDATION, "not-found",
		    w->entry->change.path, "refers to \"%.*s\", which is the "
		    "fullUrl of no entry of this bundle", STR_ARGS(url));
}

static void
rewrite_string(struct rewrite *w, uint32_t node, struct str name)
{
	bool reference = str_eqz(name, "reference");
	const struct entry *to;
	struct str url;

	if (!may_link(name))
		return;
	url = bundle_text(w->ctx, w->d, node);
	to = w->does == GATHERS ? NULL : resolve(w, url);
	if (w->does == APART)
		check_apart(w, to, url);
	else if (to != NULL)
		add_edit(w, node, arena_printf(w->ctx->arena, "%s/%.*s",
		    to->change.type->name, STR_ARGS(to->change.id)));
	else if (reference && is_conditional(url))
		w->does == GATHERS ? gather_link(w, url) :
		    rewrite_link(w, node, url);
	else if (reference && w->does == REWRITES &&
	    str_starts(url, STR("urn:uuid:")))
		refuse_unknown(w, url);
}

/* Nesting is bounded by the parser (JDOC_DEPTH_MAX). */
static void
rewrite_value(struct rewrite *w, uint32_t node, struct str name)
{
	uint32_t i;

	switch (jdoc_type(w->d, node)) {
	case JDOC_OBJECT:
		for (i = jdoc_first(w->d, node); i != 0;
		    i = jdoc_next(w->d, node, i))
			rewrite_value(w, jdoc_value(w->d, i),
			    jdoc_raw(w->d, i));
		break;
	case JDOC_ARRAY:
		for (i = jdoc_first(w->d, node); i != 0;
		    i = jdoc_next(w->d, node, i))
			rewrite_value(w, i, name);
		break;
	case JDOC_STRING:
		rewrite_string(w, node, name);
		break;
	default:
		break;
	}
}

static struct str
edited_text(const struct rewrite *w)
{
	struct str text = w->d->text;
	struct buf b = buf_new(w->ctx->arena, text.n + w->n * 64);
	size_t done = 0;

	for (size_t i = 0; i < w->n; i++) {
		const struct jnode *node = &w->d->nodes[w->edits[i].node];

		buf_add(&b, (struct str){ text.p + done, node->off - done });
		buf_add(&b, w->edits[i].text);
		done = (size_t)node->off + node->len;
	}
	buf_add(&b, str_from(text, done));
	return buf_str(&b);
}

/* By how much the text in front of a node has grown. */
static int64_t
grown_before(const struct rewrite *w, uint32_t node)
{
	size_t lo = 0, hi = w->n;

	while (lo < hi) {
		size_t middle = lo + (hi - lo) / 2;

		if (w->edits[middle].node < node)
			lo = middle + 1;
		else
			hi = middle;
	}
	return lo == 0 ? 0 : w->edits[lo - 1].grown;
}

/* Strings were exchanged for strings: the same nodes, at other offsets. */
static struct jnode *
edited_nodes(const struct rewrite *w)
{
	struct jnode *nodes = arena_alloc(w->ctx->arena,
	    w->d->count * sizeof(*nodes));
	int64_t grown = 0;
	size_t e = 0;

	memcpy(nodes, w->d->nodes, w->d->count * sizeof(*nodes));
	for (uint32_t i = 0; i < w->d->count; i++) {
		struct jnode *node = &nodes[i];

		node->off = (uint32_t)(node->off + grown);
		if (e < w->n && w->edits[e].node == i) {
			node->len = (uint32_t)w->edits[e].text.n;
			node->escaped = 0;
			grown = w->edits[e++].grown;
		} else if (node->type <= JDOC_ARRAY && e < w->n &&
		    w->edits[e].node < node->next) {
			node->len = (uint32_t)(node->len - grown +
			    grown_before(w, node->next));
		}
	}
	return nodes;
}

static enum err
edited_doc(struct rewrite *w, const struct jdoc **out)
{
	struct jdoc *d = arena_alloc(w->ctx->arena, sizeof(*d));

	*d = *w->d;
	d->text = edited_text(w);
	if (d->text.n > JDOC_TEXT_MAX)
		return fail(w->ctx, ERR_TOO_LARGE, "the bundle is too large "
		    "once its references are resolved");
	d->nodes = edited_nodes(w);
	*out = d;
	return OK;
}

/* All strings of all resources. */
static void
visit_entries(struct rewrite *w, struct entries *entries)
{
	for (size_t i = 0; i < entries->n; i++) {
		w->entry = &entries->v[i];
		w->entry->waits = false;
		w->wrong = STR_NONE;
		if (w->entry->change.doc == w->d)
			rewrite_value(w, w->entry->change.node, STR_NONE);
		if (w->does == APART)
			w->entry->wrong = w->wrong;
	}
}

/* Whether a string of the text begins like "Patient?": most bundles have none,
 * and need not be walked for them. */
static bool
has_criteria(struct str text)
{
	const char *end = text.p + text.n, *p = text.p, *q;

	while ((p = memchr(p, '?', (size_t)(end - p))) != NULL) {
		for (q = p; q > text.p && ((q[-1] | 0x20) >= 'a' &&
		    (q[-1] | 0x20) <= 'z'); q--)
			;
		if (q < p && q > text.p && q[-1] == '"')
			return true;
		p++;
	}
	return false;
}

void
refs_links(struct ctx *ctx, const struct jdoc *d, struct entries *entries,
    struct links *out)
{
	struct rewrite w = { .ctx = ctx, .d = d, .does = GATHERS,
	    .links = out };
	size_t n = 0;

	*out = (struct links){ NULL, 0 };
	if (!has_criteria(d->text))
		return;
	visit_entries(&w, entries);
	if (out->n > 1)
		qsort(out->v, out->n, sizeof(*out->v), by_text);
	for (size_t i = 0; i < out->n; i++)
		if (i == 0 || by_text(&out->v[i - 1], &out->v[i]) != 0)
			out->v[n++] = out->v[i];
	out->n = n;
}

enum err
refs_rewrite(struct ctx *ctx, const struct jdoc *d, struct entries *entries,
    struct links *links, const struct jdoc **out)
{
	struct rewrite w = { .ctx = ctx, .d = d, .links = links };
	enum err err;

	*out = d;
	gather_targets(&w, entries);
	if ((err = check_unique(&w)) != OK)
		return err;
	visit_entries(&w, entries);
	if (w.err != OK || w.n == 0)
		return w.err;
	return edited_doc(&w, out);
}

void
refs_apart(struct ctx *ctx, const struct jdoc *d, struct entries *entries)
{
	struct rewrite w = { .ctx = ctx, .d = d, .does = APART };

	gather_targets(&w, entries);
	visit_entries(&w, entries);
}
