/*
 * Transactions: read the entries, find what their criteria mean, rewrite
 * references, write all changes as one, read what was asked for before they are
 * committed, answer in the order of the request.
 */

#include "fhir/bundle_entry.h"

#include <stdlib.h>

/* What is not there has that as its own answer; what cannot be read now, as in
 * a search that takes too long, undoes the whole. */
static enum err
read_entries(struct ctx *ctx, struct transaction *t)
{
	for (size_t i = 0; i < t->entries.n; i++) {
		struct entry *e = &t->entries.v[i];
		enum err err;

		if (!e->reads)
			continue;
		e->got = arena_alloc(ctx->arena, sizeof(*e->got));
		http_answer_init(e->got, ctx->arena);
		err = t->host->ask(ctx, t->host->world, &e->request, e->got);
		if (err != OK && fault_kind(err)->status >= 500)
			return fail_at(ctx, err, e->path, "cannot be read at "
			    "the moment");
	}
	return OK;
}

/* --- references by criteria, and the keys of entries by them */

static enum err
read_links(struct ctx *ctx, struct transaction *t)
{
	enum err err;

	refs_links(ctx, t->d, &t->entries, &t->links);
	for (size_t i = 0; i < t->links.n; i++) {
		struct link *link = &t->links.v[i];
		struct str text = link->text;
		const struct r4_type *type = r4_type_named(str_cut(&text,
		    '?'));

		if ((err = t->host->allow(ctx, type, 's')) != OK ||
		    (err = condition_parse(ctx, type, text, link->path,
		    &link->condition)) != OK)
			return err;
	}
	return OK;
}

/* Two entries by the same criteria would be the same record. */
static enum err
fail_same(struct ctx *ctx, const struct transaction *t, int64_t key)
{
	const struct entry *first = NULL;

	for (size_t i = 0; i < t->entries.n; i++) {
		const struct entry *e = &t->entries.v[i];

		if (e->by == NULL || e->by->condition.key != key ||
		    e->change.kind == CHANGE_DELETE)
			continue;
		if (first != NULL)
			return fail_at(ctx, ERR_INVALID_REQUEST,
			    e->by->condition.path, "has the criteria of "
			    "%.*s; a record may appear only once",
			    STR_ARGS(first->path));
		first = e;
	}
	return ERR_INVALID_REQUEST;
}

static int
by_number(const void *p, const void *q)
{
	int64_t a = *(const int64_t *)p, b = *(const int64_t *)q;

	return (a > b) - (a < b);
}

/* The keys of entries that delete by criteria, or of the others. */
static size_t
add_keys(const struct transaction *t, bool deletes, int64_t *keys)
{
	size_t n = 0;

	for (size_t i = 0; i < t->entries.n; i++) {
		const struct entry *e = &t->entries.v[i];

		if (e->by != NULL &&
		    (e->change.kind == CHANGE_DELETE) == deletes)
			keys[n++] = e->by->condition.key;
	}
	return n;
}

static enum err
gather_keys(struct ctx *ctx, const struct transaction *t,
    struct store_plan *plan)
{
	int64_t *keys = arena_array(ctx->arena, t->entries.n, sizeof(*keys));
	size_t n = add_keys(t, false, keys);

	if (n > 1)
		qsort(keys, n, sizeof(*keys), by_number);
	for (size_t i = 1; i < n; i++)
		if (keys[i] == keys[i - 1])
			return fail_same(ctx, t, keys[i]);
	plan->keys = keys;
	plan->nkeys = n + add_keys(t, true, keys + n);
	return OK;
}

/* --- writing */

/* Without criteria and patches all is known before it begins. */
static bool
is_known(const struct transaction *t)
{
	for (size_t i = 0; i < t->entries.n; i++)
		if (t->entries.v[i].by != NULL ||
		    t->entries.v[i].patch != NULL)
			return false;
	return t->links.n == 0;
}

static bool
has_provenance(const struct transaction *t)
{
	return t->host->provenance != NULL &&
	    t->host->provenance->doc != NULL;
}

static enum err
store_provenance(struct ctx *ctx, const struct transaction *t)
{
	struct provenance *p = t->host->provenance;

	if (!has_provenance(t))
		return OK;
	p->changes = &t->changes;
	p->n = &t->n;
	return provenance_look(p)(ctx, p);
}

static enum err
look_at_all(struct ctx *ctx, void *arg)
{
	struct transaction *t = arg;
	enum err err = is_known(t) ? OK : bundle_settle(ctx, t);

	if (err != OK || (err = store_provenance(ctx, t)) != OK)
		return err;
	return read_entries(ctx, t);
}

static enum err
write_entries(struct ctx *ctx, struct transaction *t)
{
	struct store_plan plan = { .decide = bundle_decide,
	    .look = look_at_all, .arg = t };
	struct change *changes;
	size_t n;
	enum err err;

	if (!is_known(t)) {
		if ((err = gather_keys(ctx, t, &plan)) != OK)
			return err;
		return store_write_plan(ctx, &plan);
	}
	if ((err = bundle_decide(ctx, t, &changes, &n)) != OK)
		return err;
	return store_write_look(ctx, changes, n, t->reads ||
	    has_provenance(t) ? look_at_all : NULL, t);
}

static void
respond(struct ctx *ctx, const struct transaction *t,
    struct http_answer *answer)
{
	bundle_begin_response(answer, "transaction-response", t->entries.n);
	for (size_t i = 0; i < t->entries.n; i++) {
		const struct entry *e = &t->entries.v[i];

		if (e->reads)
			bundle_add_answer(ctx, t->host, &e->request, e->got,
			    i == 0, answer);
		else
			bundle_add_entry(ctx, t->host, e, t->changes, i == 0,
			    answer);
	}
	bundle_end_response(answer, t->entries.n);
}

enum err
bundle_transaction(struct ctx *ctx, const struct jdoc *d,
    const struct bundle_host *host, struct http_answer *answer)
{
	struct transaction t = { .host = host, .d = d };
	enum err err;

	if ((err = bundle_entries(ctx, d, host->allow, &t.entries)) != OK ||
	    (err = read_links(ctx, &t)) != OK)
		return err;
	for (size_t i = 0; i < t.entries.n; i++)
		t.reads = t.reads || t.entries.v[i].reads;
	if ((err = write_entries(ctx, &t)) != OK)
		return err;
	respond(ctx, &t, answer);
	return OK;
}
