/* Making search keys again, page after page. */

#include "fhir/reindex.h"

#include "fhir/rescan.h"
#include "fhir/rules.h"
#include "wire/pg_binary.h"

#include "queries.h"

#include <time.h>

#define PAGE_BYTES	(1024 * 1024)

/* After each pass over all there may be a record that a leaving worker of the
 * program before has written meanwhile; but not for long. */
#define PASSES_MAX	10

/* A page that met a deadlock is done again. */
#define RETRIES_MAX	20

/* What goes on: where it is, and what a page found. */
struct run {
	struct ctx		*ctx;		/* of the page */
	struct reindex		*reindex;
	struct str		 what;		/* key of the progress row */
	int64_t			 rules;		/* of all types */
	bool			 stale;		/* of this pass */
	struct rescan_pair	 pair;
	struct rescan_place	 place;
	bool			*differs;	/* by row of the page */
};

/* --- one page */

static enum err
lock_page(struct run *run, int64_t **rids, size_t *n)
{
	struct ctx *ctx = run->ctx;
	struct pg_args a = pg_args(ctx->arena);
	PGresult *res[2];
	enum err err;

	pg_int4(&a, run->pair.tn);
	pg_int2(&a, run->pair.type->number);
	pg_text(&a, rescan_after(&run->place));
	pg_int4(&a, RESCAN_PAGE);
	if (run->stale)
		pg_int8(&a, rules_of(run->pair.type));
	else
		pg_null(&a, PG_OID_INT8);
	pg_begin(ctx);
	pg_send(ctx, &query_reindex_patience, NULL);
	pg_send(ctx, &query_reindex_lock, &a);
	if ((err = pg_flush(ctx, res, 2)) != OK)
		return err;
	*n = (size_t)PQntuples(res[1]);
	*rids = arena_array(ctx->arena, *n, sizeof(**rids));
	for (size_t i = 0; i < *n; i++)
		(*rids)[i] = pg_get_int8(res[1], (int)i, 0);
	return OK;
}

static enum err
read_page(struct run *run, struct rescan *page)
{
	struct ctx *ctx = run->ctx;
	struct pg_args a = pg_args(ctx->arena);
	int64_t *rids;
	PGresult *res;
	size_t n;
	enum err err;

	if ((err = lock_page(run, &rids, &n)) != OK)
		return err;
	pg_int4(&a, run->pair.tn);
	pg_int8s(&a, rids, n);
	if ((err = pg_exec(ctx, &query_reindex_page, &a, &res)) != OK)
		return err;
	return rescan_page(ctx, run->pair, res, page);
}

static void
row_differs(void *to, size_t row, const char *table, bool missing, int64_t n)
{
	struct run *run = to;

	(void)table;
	(void)missing;
	(void)n;
	run->differs[row] = true;
}

static enum err
compare_page(struct run *run, const struct rescan *page)
{
	run->differs = arena_array(run->ctx->arena, page->rows.n,
	    sizeof(*run->differs));
	for (size_t i = 0; i < page->rows.n; i++)
		run->differs[i] = page->facts[i].wrong;
	return rescan_compare(run->ctx, page, row_differs, run);
}

/* --- writing what differs */

/* Whatever a record has or should have goes, so that all of it can come. */
static void
send_unkey(struct ctx *ctx, const struct rows *rows)
{
	struct pg_args a = pg_args(ctx->arena);
	int64_t *rids = arena_array(ctx->arena, rows->n, sizeof(*rids));
	struct arena *arena = ctx->arena;
	size_t room = 0, n = 0;
	int64_t *k, *at, *rid;
	int32_t *aux;

	for (size_t i = 0; i < rows->n; i++)
		room += rows->v[i].nold_post + rows->v[i].keys.npost;
	k = arena_array(arena, room, sizeof(*k));
	at = arena_array(arena, room, sizeof(*at));
	rid = arena_array(arena, room, sizeof(*rid));
	aux = arena_array(arena, room, sizeof(*aux));
	for (size_t i = 0; i < rows->n; i++) {
		const struct row *row = &rows->v[i];
		size_t nold = row->nold_post;

		rids[i] = row->after.rid;
		for (size_t j = 0; j < nold + row->keys.npost; j++, n++) {
			const struct key_post *post = j < nold ?
			    &row->old_post[j] : &row->keys.post[j - nold];

			k[n] = post->k;
			at[n] = j < nold ? row->old_at_us : row->keys.at_us;
			rid[n] = row->after.rid;
			aux[n] = post->aux;
		}
	}
	pg_int8s(&a, rids, rows->n);
	pg_int8s(&a, k, n);
	pg_times(&a, at, n);
	pg_int8s(&a, rid, n);
	pg_int4s(&a, aux, n);
	pg_send(ctx, &query_store_unkey, &a);
}

static void
send_record(struct ctx *ctx, const struct row *row)
{
	struct pg_args a = pg_args(ctx->arena);
	const struct keys *keys = &row->keys;
	int64_t *k = arena_array(ctx->arena, keys->npost, sizeof(*k));
	int32_t *aux = arena_array(ctx->arena, keys->npost, sizeof(*aux));

	for (size_t i = 0; i < keys->npost; i++) {
		k[i] = keys->post[i].k;
		aux[i] = keys->post[i].aux;
	}
	pg_int8(&a, row->after.rid);
	pg_time(&a, keys->at_us);
	pg_int8(&a, (int64_t)keys->has);
	pg_int8(&a, row->rh);
	pg_int8s(&a, k, keys->npost);
	pg_int4s(&a, aux, keys->npost);
	pg_int8s(&a, keys->refs, keys->nrefs);
	pg_int8(&a, row->print);
	pg_int8(&a, row->rules);
	pg_send(ctx, &query_reindex_record, &a);
}

static void
send_changed(struct ctx *ctx, const struct rows *rows)
{
	struct pg_args a = pg_args(ctx->arena);

	if (rows->n == 0)
		return;
	send_unkey(ctx, rows);
	pg_int4(&a, ctx->who.tn);
	store_key_args(&a, rows);
	pg_send(ctx, &query_store_key, &a);
	for (size_t i = 0; i < rows->n; i++)
		send_record(ctx, &rows->v[i]);
}

static void
send_same(struct run *run, const struct rescan *page)
{
	struct pg_args a = pg_args(run->ctx->arena);
	int64_t *rids = arena_array(run->ctx->arena, page->rows.n,
	    sizeof(*rids));
	size_t n = 0;

	for (size_t i = 0; i < page->rows.n; i++)
		if (page->facts[i].stale && !run->differs[i])
			rids[n++] = page->rows.v[i].after.rid;
	if (n == 0)
		return;
	pg_int8s(&a, rids, n);
	pg_int8(&a, rules_of(run->pair.type));
	pg_send(run->ctx, &query_reindex_same, &a);
}

/* How far this pass is, with what it has done there. */
static void
send_place(struct run *run)
{
	struct pg_args a = pg_args(run->ctx->arena);

	if (run->what.n == 0)
		return;
	pg_text(&a, run->what);
	pg_int8(&a, run->rules);
	pg_int4(&a, run->pair.tn);
	pg_int2(&a, run->pair.type->number);
	pg_text(&a, rescan_after(&run->place));
	pg_int8(&a, run->reindex->records);
	pg_int8(&a, run->reindex->changed);
	pg_send(run->ctx, &query_reindex_reach, &a);
}

static enum err
write_page(struct run *run, const struct rescan *page)
{
	struct ctx *ctx = run->ctx;
	struct rows changed = { .v = arena_array(ctx->arena, page->rows.n,
	    sizeof(struct row)) };
	enum err err;

	for (size_t i = 0; i < page->rows.n; i++) {
		if (run->differs[i])
			changed.v[changed.n++] = page->rows.v[i];
		run->reindex->unreadable += page->facts[i].unreadable;
		store_dict_new(&page->rows.v[i].keys);
	}
	run->reindex->records += (int64_t)page->rows.n;
	run->reindex->changed += (int64_t)changed.n;
	rescan_move(&run->place, page);
	send_changed(ctx, &changed);
	send_same(run, page);
	store_send_dict(ctx, &page->rows);
	send_place(run);
	err = pg_commit(ctx, NULL, 0);
	store_dict_done(err == OK);
	return err;
}

/* The next page; *n records. */
static enum err
do_page(struct run *run, size_t *n)
{
	struct rescan page;
	enum err err;

	*n = 0;
	if ((err = read_page(run, &page)) != OK || page.rows.n == 0 ||
	    (err = compare_page(run, &page)) != OK ||
	    (err = write_page(run, &page)) != OK)
		return err;
	*n = page.rows.n;
	return OK;
}

/* Bundles lock records of several types; whoever meets them crosswise begins
 * again, with everything as it was. */
static enum err
do_page_again(struct run *run, size_t *n)
{
	struct reindex before = *run->reindex;
	struct rescan_place place = run->place;
	struct fault fault = run->ctx->fault;
	enum err err = OK;

	for (int i = 0; i < RETRIES_MAX; i++) {
		err = do_page(run, n);
		pg_rollback(run->ctx);
		if (err != ERR_RETRY)
			return err;
		*run->reindex = before;
		run->place = place;
		run->ctx->fault = fault;
		arena_reset(run->ctx->arena);
	}
	return fail(run->ctx, ERR_UNAVAILABLE, "too many others change the "
	    "same records at the moment");
}

/* --- all of them */

static void
pause_after(const struct reindex *reindex, size_t records)
{
	int64_t ns;
	struct timespec pause;

	if (reindex->per_second <= 0)
		return;
	ns = (int64_t)records * 1000000000 / reindex->per_second;
	pause.tv_sec = ns / 1000000000;
	pause.tv_nsec = ns % 1000000000;
	(void)nanosleep(&pause, NULL);
}

static enum err
do_pair(struct run *run)
{
	struct reindex *reindex = run->reindex;
	size_t n;
	enum err err;

	run->ctx->who.tn = run->pair.tn;
	do {
		err = do_page_again(run, &n);
		arena_reset(run->ctx->arena);
		if (err == OK && reindex->progress != NULL)
			reindex->progress(reindex->to, reindex);
		pause_after(reindex, n);
	} while (err == OK && n > 0);
	run->place.n = 0;
	return err;
}

static bool
is_before(const struct rescan_pair *a, const struct rescan_pair *b)
{
	return a->tn != b->tn ? a->tn < b->tn :
	    a->type->number < b->type->number;
}

/* All pairs from where the run is on. */
static enum err
do_pass(struct ctx *ctx, struct run *run)
{
	struct rescan_pair begin = run->pair;
	struct rescan_pair *pairs;
	size_t n;
	enum err err;

	if ((err = rescan_pairs(ctx, &pairs, &n)) != OK)
		return err;
	for (size_t i = 0; err == OK && i < n; i++) {
		if ((run->reindex->type != NULL &&
		    run->reindex->type != pairs[i].type) ||
		    (begin.type != NULL && is_before(&pairs[i], &begin)))
			continue;
		if (begin.type != NULL && is_before(&begin, &pairs[i]))
			run->place.n = 0;
		begin.type = NULL;
		run->pair = pairs[i];
		err = do_pair(run);
	}
	return err;
}

/* Once as asked, then what others wrote by other rules meanwhile. */
static enum err
do_passes(struct ctx *ctx, struct run *run)
{
	int64_t before;
	enum err err;

	if ((err = do_pass(ctx, run)) != OK)
		return err;
	run->what = STR_NONE;
	run->stale = true;
	for (int i = 0; i < PASSES_MAX; i++) {
		before = run->reindex->records;
		run->pair.type = NULL;
		if ((err = do_pass(ctx, run)) != OK)
			return err;
		if (run->reindex->records == before)
			break;
	}
	return OK;
}

/* --- beginning and ending */

static enum err
begin(struct ctx *ctx, struct run *run)
{
	struct pg_args a = pg_args(ctx->arena);
	struct reindex *reindex = run->reindex;
	PGresult *res[2];
	struct str id;
	enum err err;

	run->what = arena_printf(ctx->arena, "%s%s", reindex->type == NULL ?
	    "*" : reindex->type->name, reindex->stale ? " stale" : "");
	run->rules = rules_of_all();
	run->stale = reindex->stale;
	pg_text(&a, run->what);
	pg_int8(&a, run->rules);
	pg_send(ctx, &query_reindex_alone, NULL);
	pg_send(ctx, &query_reindex_place, &a);
	if ((err = pg_flush(ctx, res, 2)) != OK)
		return err;
	if (!pg_get_bool(res[0], 0, 0))
		return fail(ctx, ERR_CONFLICT, "another reindex is at work");
	if (PQntuples(res[1]) == 0)
		return OK;
	reindex->resumed = true;
	run->pair.tn = pg_get_int4(res[1], 0, 0);
	run->pair.type = r4_type_numbered(pg_get_int4(res[1], 0, 1));
	id = pg_get_str(res[1], 0, 2);
	rescan_place_set(&run->place, id);
	reindex->records = pg_get_int8(res[1], 0, 3);
	reindex->changed = pg_get_int8(res[1], 0, 4);
	return OK;
}

/* What is of no record is in no page. */
static enum err
sweep(struct ctx *ctx, struct reindex *reindex)
{
	const struct pg_query *const sweeps[] = { &query_reindex_orphans,
	    &query_reindex_postings, &query_reindex_counts };
	PGresult *res[2];
	enum err err;

	for (size_t i = 0; i < sizeof(sweeps) / sizeof(sweeps[0]); i++) {
		pg_begin(ctx);
		pg_send(ctx, &query_check_freely, NULL);
		pg_send(ctx, sweeps[i], NULL);
		if ((err = pg_commit(ctx, res, 2)) != OK)
			return err;
		reindex->orphans += pg_get_int8(res[1], 0, 0);
	}
	return OK;
}

static enum err
end(struct ctx *ctx, const struct reindex *reindex, struct str what)
{
	struct pg_args a = pg_args(ctx->arena);
	enum err err = OK;

	for (size_t i = 0; err == OK && i < r4_types_count; i++)
		if (reindex->type == NULL || reindex->type == &r4_types[i])
			err = rules_reached(ctx, &r4_types[i]);
	pg_text(&a, what);
	return err != OK ? err : pg_exec(ctx, &query_reindex_end, &a, NULL);
}

enum err
reindex(struct ctx *ctx, struct reindex *reindex)
{
	struct ctx pages = *ctx;
	struct run run = { .ctx = &pages, .reindex = reindex };
	struct str what;
	enum err err;

	if ((err = begin(ctx, &run)) != OK)
		return err;
	/* Tokens that this process has sent before may be gone. */
	store_dict_done(false);
	what = run.what;
	pages.arena = arena_new(PAGE_BYTES);
	err = do_passes(ctx, &run);
	arena_free(pages.arena);
	ctx->fault.err = err;
	if (err == OK && reindex->type == NULL && !reindex->stale)
		err = sweep(ctx, reindex);
	return err == OK ? end(ctx, reindex, what) : err;
}
