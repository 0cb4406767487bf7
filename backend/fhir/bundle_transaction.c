/*
 * Transactions: read the entries, give ids, rewrite references, write all
 * changes as one, read what was asked for before they are committed, answer in
 * the order of the request.
 */

#include "fhir/bundle_entry.h"

struct transaction {
	const struct bundle_host	*host;
	struct entries			 entries;
	struct change			*changes;	/* of those that write,
							 * in their order */
	size_t				 n;
};

/* What is not there has that as its own answer; what cannot be read now, as in
 * a search that takes too long, undoes the whole. */
static enum err
read_entries(struct ctx *ctx, void *arg)
{
	struct transaction *t = arg;

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

static enum err
write_entries(struct ctx *ctx, struct transaction *t, const struct jdoc *d)
{
	t->changes = arena_array(ctx->arena, t->entries.n,
	    sizeof(*t->changes));
	for (size_t i = 0; i < t->entries.n; i++) {
		const struct entry *e = &t->entries.v[i];

		if (e->reads)
			continue;
		t->changes[t->n] = e->change;
		if (e->change.doc != NULL)
			t->changes[t->n].doc = d;
		t->n++;
	}
	return store_write_look(ctx, t->changes, t->n,
	    t->n < t->entries.n ? read_entries : NULL, t);
}

static void
respond(struct ctx *ctx, const struct transaction *t,
    struct http_answer *answer)
{
	const struct change *change = t->changes;

	bundle_begin_response(answer, "transaction-response", t->entries.n);
	for (size_t i = 0; i < t->entries.n; i++) {
		const struct entry *e = &t->entries.v[i];

		if (e->reads)
			bundle_add_answer(ctx, t->host, &e->request, e->got,
			    i == 0, answer);
		else
			bundle_add_change(ctx, t->host, change++, i == 0,
			    answer);
	}
	bundle_end_response(answer, t->entries.n);
}

enum err
bundle_transaction(struct ctx *ctx, const struct jdoc *d,
    const struct bundle_host *host, struct http_answer *answer)
{
	struct transaction t = { .host = host };
	const struct jdoc *rewritten;
	enum err err;

	if ((err = bundle_entries(ctx, d, host->allow, &t.entries)) != OK ||
	    (err = refs_rewrite(ctx, d, &t.entries, &rewritten)) != OK ||
	    (err = write_entries(ctx, &t, rewritten)) != OK)
		return err;
	respond(ctx, &t, answer);
	return OK;
}
