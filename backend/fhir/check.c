/* Extract the keys of stored records again and compare. */

#include "fhir/check.h"

#include "fhir/store_row.h"
#include "wire/pg.h"

#include "queries.h"

#define BATCH	100

enum column { COL_TN, COL_TYPE, COL_ID, COL_RID, COL_DELETED, COL_AT, COL_HAS,
	COL_RH, COL_KEYS, COL_AUXS, COL_REFS, COL_BODY, COL_PRINT };

/* Records of one batch and one tenant. */
struct batch {
	struct ctx	*ctx;		/* with an arena of its own */
	struct check	*check;
	struct row	 rows[BATCH];
	size_t		 n;
};

static void
differ(struct check *check, const char *table, const struct r4_type *type,
    struct str id)
{
	check->differences++;
	if (check->tell != NULL)
		check->tell(table, type, id);
}

/* --- one record: what res holds */

static bool
same_posts(struct ctx *ctx, const PGresult *res, int i,
    const struct keys *keys)
{
	int64_t *k;
	int32_t *aux;
	size_t n = pg_get_int8s(ctx, res, i, COL_KEYS, &k);

	if (pg_get_int4s(ctx, res, i, COL_AUXS, &aux) != n ||
	    n != keys->npost)
		return false;
	for (size_t j = 0; j < n; j++)
		if (k[j] != keys->post[j].k || aux[j] != keys->post[j].aux)
			return false;
	return true;
}

static bool
same_refs(struct ctx *ctx, const PGresult *res, int i,
    const struct keys *keys)
{
	int64_t *refs;
	size_t n = pg_get_int8s(ctx, res, i, COL_REFS, &refs);

	return n == keys->nrefs && (n == 0 ||
	    memcmp(refs, keys->refs, n * sizeof(*refs)) == 0);
}

static bool
extract(struct ctx *ctx, struct key_space space, struct row *row,
    struct str body)
{
	size_t room = jdoc_bound(body);
	struct jdoc *d = arena_zero(ctx->arena, sizeof(*d));

	if (jdoc_parse(d, body, arena_array(ctx->arena, room,
	    sizeof(struct jnode)), room, JDOC_DEPTH_MAX) != JDOC_OK)
		return false;
	keys_extract(ctx, space, row->after.type, row->id,
	    &(struct extract){ d, 0 }, &row->keys);
	return true;
}

static bool
same_record(struct ctx *ctx, struct key_space space, const PGresult *res,
    int i, struct row *row)
{
	row->keys.at_us = KEY_AT_NONE;
	if (!row->after.deleted &&
	    !extract(ctx, space, row, pg_get_str(res, i, COL_BODY)))
		return false;
	return pg_get_time(res, i, COL_AT) == row->keys.at_us &&
	    (uint64_t)pg_get_int8(res, i, COL_HAS) == row->keys.has &&
	    pg_get_int8(res, i, COL_RH) == key_reference(space,
	    str_of(row->after.type->name), row->id) &&
	    pg_get_int8(res, i, COL_PRINT) == store_key_print(ctx->arena,
	    space, &row->keys) && same_posts(ctx, res, i, &row->keys) &&
	    same_refs(ctx, res, i, &row->keys);
}

/* --- a batch: what the key tables hold */

static const struct row *
row_of(const struct batch *b, int64_t rid)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->rows[i].after.rid == rid)
			return &b->rows[i];
	return NULL;
}

static enum err
compare_rows(struct batch *b)
{
	struct pg_args a = pg_args(b->ctx->arena);
	struct rows rows = { .v = b->rows, .n = b->n };
	int64_t rids[BATCH];
	PGresult *res;
	enum err err;

	for (size_t i = 0; i < b->n; i++)
		rids[i] = b->rows[i].after.rid;
	pg_int4(&a, b->ctx->who.tn);
	store_key_args(&a, &rows);
	pg_int8s(&a, rids, b->n);
	if ((err = pg_exec(b->ctx, &query_check_rows, &a, &res)) != OK)
		return err;
	for (int i = 0; i < PQntuples(res); i++) {
		const struct row *row = row_of(b, pg_get_int8(res, i, 1));

		if (row != NULL)
			differ(b->check, PQgetvalue(res, i, 0),
			    row->after.type, row->id);
	}
	return OK;
}

static enum err
compare_dict(struct batch *b)
{
	struct arena *arena = b->ctx->arena;
	struct pg_args a = pg_args(arena);
	size_t room = 0, n = 0;
	int16_t *type, *param, *space;
	int32_t *aux;
	int64_t *k;
	PGresult *res;
	enum err err;

	for (size_t i = 0; i < b->n; i++)
		room += b->rows[i].keys.ndict;
	type = arena_array(arena, room, sizeof(*type));
	param = arena_array(arena, room, sizeof(*param));
	space = arena_array(arena, room, sizeof(*space));
	k = arena_array(arena, room, sizeof(*k));
	aux = arena_array(arena, room, sizeof(*aux));
	for (size_t i = 0; i < b->n; i++)
		for (size_t j = 0; j < b->rows[i].keys.ndict; j++, n++) {
			const struct key_dict *dict = &b->rows[i].keys.dict[j];

			type[n] = b->rows[i].after.type->number;
			param[n] = dict->param;
			space[n] = dict->space;
			k[n] = dict->k;
			aux[n] = dict->aux;
		}
	pg_int4(&a, b->ctx->who.tn);
	pg_int2s(&a, type, n);
	pg_int2s(&a, param, n);
	pg_int2s(&a, space, n);
	pg_int8s(&a, k, n);
	pg_int4s(&a, aux, n);
	if ((err = pg_exec(b->ctx, &query_check_dict, &a, &res)) != OK)
		return err;
	for (int64_t i = pg_get_int8(res, 0, 0); i > 0; i--)
		differ(b->check, "dict", NULL, STR_NONE);
	return OK;
}

static enum err
finish_batch(struct batch *b)
{
	enum err err;

	if (b->n == 0)
		return OK;
	if ((err = compare_rows(b)) != OK || (err = compare_dict(b)) != OK)
		return err;
	b->n = 0;
	return OK;
}

static enum err
add_record(struct batch *b, const PGresult *res, int i)
{
	int32_t tn = pg_get_int4(res, i, COL_TN);
	struct key_space space;
	struct row *row;
	enum err err;

	if ((tn != b->ctx->who.tn || b->n == BATCH) &&
	    (err = finish_batch(b)) != OK)
		return err;
	b->ctx->who.tn = tn;
	if ((err = store_key_space(b->ctx, &space)) != OK)
		return err;
	row = &b->rows[b->n++];
	*row = (struct row){ .id = pg_get_str(res, i, COL_ID),
	    .fate = ROW_CREATE };
	row->after = (struct record){ .id = row->id,
	    .type = r4_type_numbered(pg_get_int4(res, i, COL_TYPE)),
	    .rid = pg_get_int8(res, i, COL_RID),
	    .deleted = pg_get_bool(res, i, COL_DELETED) };
	b->check->records++;
	if (!same_record(b->ctx, space, res, i, row))
		differ(b->check, "res", row->after.type, row->id);
	return OK;
}

/* --- all of them */

/* The records after *rid, at most BATCH; *n of them, *rid the last. */
static enum err
check_batch(struct ctx *ctx, struct check *check, int64_t *rid, int *n)
{
	struct batch b = { .ctx = ctx, .check = check };
	struct pg_args a = pg_args(ctx->arena);
	PGresult *res;
	enum err err;

	pg_int8(&a, *rid);
	pg_int4(&a, BATCH);
	if ((err = pg_exec(ctx, &query_check_records, &a, &res)) != OK)
		return err;
	*n = PQntuples(res);
	for (int i = 0; i < *n; i++)
		if ((err = add_record(&b, res, i)) != OK)
			return err;
	if (*n > 0)
		*rid = pg_get_int8(res, *n - 1, COL_RID);
	return finish_batch(&b);
}

static enum err
check_totals(struct ctx *ctx, struct check *check)
{
	PGresult *res;
	enum err err;

	if ((err = pg_exec(ctx, &query_check_totals, NULL, &res)) != OK)
		return err;
	for (int i = 0; i < PQntuples(res); i++)
		if (!pg_get_bool(res, i, 1))
			differ(check, PQgetvalue(res, i, 0), NULL, STR_NONE);
	return OK;
}

enum err
check_keys(struct ctx *ctx, struct check *check)
{
	struct ctx batch = *ctx;
	int64_t rid = INT64_MIN;
	int n = 0;
	enum err err;

	pg_begin(ctx);
	pg_send(ctx, &query_check_snapshot, NULL);
	pg_send(ctx, &query_check_patience, NULL);
	if ((err = pg_flush(ctx, NULL, 0)) != OK)
		return err;
	batch.arena = arena_new(1024 * 1024);
	do {
		err = check_batch(&batch, check, &rid, &n);
		arena_reset(batch.arena);
	} while (err == OK && n > 0);
	arena_free(batch.arena);
	if (err == OK)
		err = check_totals(ctx, check);
	else
		ctx->fault.err = err;
	pg_rollback(ctx);
	return err;
}
