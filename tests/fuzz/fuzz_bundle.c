/*
 * Any JSON as a transaction: its entries are read and its references
 * rewritten, or it is refused with a text; what is rewritten is JSON of the
 * same shape. And as a batch: its entries are asked or refused each by itself,
 * and the response is JSON. Storing it is not part of this.
 */

#include "base/buf.h"
#include "base/conf.h"
#include "base/when.h"
#include "fhir/bundle_entry.h"
#include "wire/pg.h"

#include <stdint.h>
#include <stdlib.h>

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool fine)
{
	if (!fine)
		abort();
}

static enum err
allow_all(struct ctx *ctx, const struct r4_type *type, char verb)
{
	(void)ctx;
	check(type != NULL && verb != '\0');
	return OK;
}

static void
check_entries(const struct jdoc *d, const struct entries *entries)
{
	for (size_t i = 0; i < entries->n; i++) {
		const struct entry *e = &entries->v[i];

		check(e->path.n > 0 && e->request.url.p != NULL);
		if (e->reads)
			continue;
		check(e->change.type != NULL);
		check(e->change.kind == CHANGE_DELETE ||
		    e->change.node < d->count);
		check(e->change.kind == CHANGE_CREATE || e->change.id.n > 0);
	}
}

static void
check_rewritten(struct arena *arena, const struct jdoc *d)
{
	size_t room = jdoc_bound(d->text);
	struct jdoc again;

	check(jdoc_parse(&again, d->text, arena_array(arena, room,
	    sizeof(struct jnode)), room, JDOC_DEPTH_MAX) == JDOC_OK);
	check(again.count == d->count);
}

static enum err
ask_nobody(struct ctx *ctx, void *world, const struct bundle_request *request,
    struct http_answer *answer)
{
	(void)ctx;
	(void)world;
	check(request->method.n > 0);
	answer->status = request->doc == NULL ? 404 : 201;
	http_body(answer, STR("{}"));
	return OK;
}

static void
check_batch(struct ctx *ctx, const struct jdoc *d)
{
	const struct bundle_host host = { .ask = ask_nobody };
	struct buf text = buf_new(ctx->arena, 4096);
	struct http_answer answer;
	struct jdoc response;
	size_t room;

	fault_clear(ctx);
	ctx->now_us = when_now();
	http_answer_init(&answer, ctx->arena);
	if (bundle_batch(ctx, d, &host, &answer) != OK) {
		check(ctx->fault.count > 0);
		return;
	}
	check(ctx->fault.count == 0);
	for (struct http_part *p = answer.parts; p != NULL; p = p->next)
		buf_add(&text, p->bytes);
	room = jdoc_bound(buf_str(&text));
	check(jdoc_parse(&response, buf_str(&text), arena_array(ctx->arena,
	    room, sizeof(struct jnode)), room, JDOC_DEPTH_MAX) == JDOC_OK);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct conf conf = { .base_url = "https://api.test/v3" };
	struct str text = { (const char *)data, size };
	static struct pg *pg;
	struct ctx ctx = { .arena = arena_new(65536), .conf = &conf };
	size_t room = jdoc_bound(text);
	struct entries entries;
	struct links links;
	const struct jdoc *rewritten;
	struct jdoc d;

	/* What asks the database is told that there is none. */
	if (pg == NULL)
		pg = pg_new("host=/nonexistent", 0);
	ctx.pg = pg;
	if (jdoc_parse(&d, text, arena_array(ctx.arena, room,
	    sizeof(struct jnode)), room, JDOC_DEPTH_MAX) == JDOC_OK) {
		if (bundle_entries(&ctx, &d, allow_all, &entries) == OK) {
			check_entries(&d, &entries);
			refs_links(&ctx, &d, &entries, &links);
			check(refs_rewrite(&ctx, &d, &entries, &links,
			    &rewritten) == OK || ctx.fault.count > 0);
			if (ctx.fault.count == 0)
				check_rewritten(ctx.arena, rewritten);
		} else
			check(ctx.fault.count > 0);
		check_batch(&ctx, &d);
	}
	arena_free(ctx.arena);
	return 0;
}
