/* Extract the keys of stored records again and compare. */

#include "fhir/check.h"

#include "fhir/rescan.h"
#include "wire/pg.h"

#include "queries.h"

#define PAGE_BYTES	(1024 * 1024)

static void
differ(struct check *check, const struct difference *difference)
{
	check->differences += difference->n;
	if (check->tell != NULL)
		check->tell(check->to, difference);
}

/* --- pages of records */

/* What a visit of differing rows needs. */
struct visit {
	struct check		*check;
	const struct rescan	*page;
};

static void
differ_record(const struct visit *visit, size_t i, const char *table,
    enum difference_kind kind, int64_t n)
{
	differ(visit->check, &(struct difference){ .table = table,
	    .kind = kind, .tn = visit->page->pair.tn,
	    .type = visit->page->pair.type,
	    .id = visit->page->rows.v[i].id, .n = n });
}

static void
row_differs(void *to, size_t row, const char *table, bool missing, int64_t n)
{
	differ_record(to, row, table, missing ? DIFFERENCE_MISSING :
	    DIFFERENCE_SUPERFLUOUS, n);
}

/* Records that are wrong only because their rules are others are one thing. */
static void
compare_facts(const struct visit *visit)
{
	for (size_t i = 0; i < visit->page->rows.n; i++) {
		const struct rescan_fact *fact = &visit->page->facts[i];

		if (fact->unreadable)
			differ_record(visit, i, "ver", DIFFERENCE_WRONG, 1);
		if (fact->wrong)
			differ_record(visit, i, "res", DIFFERENCE_WRONG, 1);
		if (fact->stale)
			differ_record(visit, i, "rules", DIFFERENCE_STALE, 1);
	}
}

static enum err
compare_dict(struct ctx *ctx, const struct visit *visit)
{
	const struct rows *rows = &visit->page->rows;
	const struct rescan_pair *pair = &visit->page->pair;
	struct pg_args a = pg_args(ctx->arena);
	size_t room = 0, n = 0;
	int16_t *type, *param, *space;
	int32_t *aux;
	int64_t *k;
	PGresult *res;
	enum err err;

	for (size_t i = 0; i < rows->n; i++)
		room += rows->v[i].keys.ndict;
	type = arena_array(ctx->arena, room, sizeof(*type));
	param = arena_array(ctx->arena, room, sizeof(*param));
	space = arena_array(ctx->arena, room, sizeof(*space));
	k = arena_array(ctx->arena, room, sizeof(*k));
	aux = arena_array(ctx->arena, room, sizeof(*aux));
	for (size_t i = 0; i < rows->n; i++)
		for (size_t j = 0; j < rows->v[i].keys.ndict; j++, n++) {
			const struct key_dict *dict = &rows->v[i].keys.dict[j];

			type[n] = pair->type->number;
			param[n] = dict->param;
			space[n] = dict->space;
			k[n] = dict->k;
			aux[n] = dict->aux;
		}
	pg_int4(&a, pair->tn);
	pg_int2s(&a, type, n);
	pg_int2s(&a, param, n);
	pg_int2s(&a, space, n);
	pg_int8s(&a, k, n);
	pg_int4s(&a, aux, n);
	if ((err = pg_exec(ctx, &query_check_dict, &a, &res)) != OK)
		return err;
	if (pg_get_int8(res, 0, 0) > 0)
		differ(visit->check, &(struct difference){ .table = "dict",
		    .kind = DIFFERENCE_MISSING, .tn = pair->tn,
		    .type = pair->type, .n = pg_get_int8(res, 0, 0) });
	return OK;
}

static enum err
compare_page(struct ctx *ctx, struct check *check, const struct rescan *page)
{
	struct visit visit = { check, page };
	enum err err;

	compare_facts(&visit);
	if ((err = rescan_compare(ctx, page, row_differs, &visit)) != OK)
		return err;
	return compare_dict(ctx, &visit);
}

static enum err
begin_snapshot(struct ctx *ctx)
{
	pg_begin(ctx);
	pg_send(ctx, &query_check_snapshot, NULL);
	return pg_flush(ctx, NULL, 0);
}

/* The next page of a pair's records; *n of them. */
static enum err
check_page(struct ctx *ctx, struct check *check, struct rescan_pair pair,
    struct rescan_place *place, size_t *n)
{
	struct pg_args a = pg_args(ctx->arena);
	struct rescan page;
	PGresult *res;
	enum err err;

	pg_int4(&a, pair.tn);
	pg_int2(&a, pair.type->number);
	pg_text(&a, rescan_after(place));
	pg_int4(&a, RESCAN_PAGE);
	if ((err = begin_snapshot(ctx)) != OK ||
	    (err = pg_exec(ctx, &query_check_page, &a, &res)) != OK ||
	    (err = rescan_page(ctx, pair, res, &page)) != OK ||
	    (err = compare_page(ctx, check, &page)) != OK)
		return err;
	rescan_move(place, &page);
	*n = page.rows.n;
	check->records += (int64_t)page.rows.n;
	return OK;
}

static enum err
check_pair(struct ctx *ctx, struct check *check, struct rescan_pair pair)
{
	struct rescan_place place = { .n = 0 };
	size_t n = 0;
	enum err err;

	check->at_tn = ctx->who.tn = pair.tn;
	do {
		if (check->progress != NULL)
			check->progress(check->to, check);
		err = check_page(ctx, check, pair, &place, &n);
		pg_rollback(ctx);
		arena_reset(ctx->arena);
	} while (err == OK && n > 0);
	return err;
}

static enum err
check_records(struct ctx *ctx, struct check *check)
{
	struct ctx pages = *ctx;
	struct rescan_pair *pairs;
	size_t n;
	enum err err;

	if ((err = rescan_pairs(ctx, &pairs, &n)) != OK)
		return err;
	pages.arena = arena_new(PAGE_BYTES);
	for (size_t i = 0; err == OK && i < n; i++)
		if (check->tn == 0 || check->tn == pairs[i].tn)
			err = check_pair(&pages, check, pairs[i]);
	arena_free(pages.arena);
	ctx->fault.err = err;
	return err;
}

/* --- what belongs to no record */

static enum err
check_orphans(struct ctx *ctx, struct check *check)
{
	PGresult *res;
	enum err err;

	if ((err = pg_exec(ctx, &query_check_orphans, NULL, &res)) != OK)
		return err;
	for (int i = 0; i < PQntuples(res); i++)
		if (pg_get_int8(res, i, 1) > 0)
			differ(check, &(struct difference){
			    .table = PQgetvalue(res, i, 0),
			    .kind = DIFFERENCE_SUPERFLUOUS,
			    .n = pg_get_int8(res, i, 1) });
	return OK;
}

static void
differ_posting(struct check *check, const PGresult *res, int i)
{
	struct difference difference = { .table = "post",
	    .kind = DIFFERENCE_SUPERFLUOUS, .n = 1 };

	if (!pg_is_null(res, i, 4)) {
		difference.tn = pg_get_int4(res, i, 4);
		difference.type = r4_type_numbered(pg_get_int4(res, i, 5));
		difference.id = pg_get_str(res, i, 6);
	}
	differ(check, &difference);
}

static enum err
check_postings(struct ctx *ctx, struct check *check)
{
	PGresult *res;
	enum err err;

	if ((err = pg_exec(ctx, &query_check_postings, NULL, NULL)) != OK)
		return err;
	do {
		if ((err = pg_exec(ctx, &query_check_postings_next, NULL,
		    &res)) != OK)
			return err;
		for (int i = 0; i < PQntuples(res); i++)
			differ_posting(check, res, i);
	} while (PQntuples(res) > 0);
	return OK;
}

static enum err
check_counts(struct ctx *ctx, struct check *check)
{
	PGresult *res;
	enum err err;

	if ((err = pg_exec(ctx, &query_check_counts, NULL, &res)) != OK)
		return err;
	for (int i = 0; i < PQntuples(res); i++) {
		struct difference difference = { .table = "cnt",
		    .kind = DIFFERENCE_WRONG, .tn = pg_get_int4(res, i, 0),
		    .type = r4_type_numbered(pg_get_int4(res, i, 1)),
		    .n = 1 };

		if (check->tn == 0 || check->tn == difference.tn)
			differ(check, &difference);
	}
	return OK;
}

static enum err
check_versions(struct ctx *ctx, struct check *check)
{
	PGresult *res;
	enum err err;

	if ((err = pg_exec(ctx, &query_check_versions, NULL, &res)) != OK)
		return err;
	for (int i = 0; i < PQntuples(res); i++)
		differ(check, &(struct difference){ .table = "ver",
		    .kind = DIFFERENCE_WRONG, .tn = pg_get_int4(res, i, 0),
		    .type = r4_type_numbered(pg_get_int4(res, i, 1)),
		    .id = pg_get_str(res, i, 2), .n = 1 });
	return OK;
}

static enum err
check_totals(struct ctx *ctx, struct check *check)
{
	enum err err;

	if ((err = begin_snapshot(ctx)) != OK ||
	    (err = pg_exec(ctx, &query_check_freely, NULL, NULL)) != OK ||
	    (err = check_counts(ctx, check)) != OK || check->tn != 0 ||
	    (err = check_versions(ctx, check)) != OK ||
	    (err = check_orphans(ctx, check)) != OK)
		return err;
	return check_postings(ctx, check);
}

enum err
check_keys(struct ctx *ctx, struct check *check)
{
	int32_t tn = ctx->who.tn;
	enum err err;

	if ((err = check_records(ctx, check)) == OK)
		err = check_totals(ctx, check);
	pg_rollback(ctx);
	ctx->who.tn = tn;
	return err;
}
