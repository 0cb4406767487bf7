/* Stored records with the keys that they should have. */

#include "fhir/rescan.h"

#include "fhir/rules.h"

#include "queries.h"

#include <assert.h>

enum column { COL_ID, COL_RID, COL_DELETED, COL_AT, COL_HAS, COL_RH, COL_KEYS,
	COL_AUXS, COL_REFS, COL_PRINT, COL_RULES, COL_BODY };

enum err
rescan_pairs(struct ctx *ctx, struct rescan_pair **pairs, size_t *n)
{
	PGresult *res;
	enum err err;

	if ((err = pg_exec(ctx, &query_check_pairs, NULL, &res)) != OK)
		return err;
	*pairs = arena_array(ctx->arena, (size_t)PQntuples(res),
	    sizeof(**pairs));
	*n = 0;
	for (int i = 0; i < PQntuples(res); i++) {
		struct rescan_pair pair = { pg_get_int4(res, i, 0),
		    r4_type_numbered(pg_get_int4(res, i, 1)) };

		if (pair.type != NULL)
			(*pairs)[(*n)++] = pair;
	}
	return OK;
}

void
rescan_place_set(struct rescan_place *place, struct str id)
{
	assert(id.n <= sizeof(place->id));	/* R4 datatypes.html#id */
	memcpy(place->id, id.p, id.n);
	place->n = id.n;
}

struct str
rescan_after(const struct rescan_place *place)
{
	return (struct str){ place->id, place->n };
}

void
rescan_move(struct rescan_place *place, const struct rescan *page)
{
	if (page->rows.n > 0)
		rescan_place_set(place, page->rows.v[page->rows.n - 1].id);
}

/* --- a record: what res holds */

static void
take_old(struct ctx *ctx, const PGresult *res, int i, struct row *row)
{
	int64_t *keys;
	int32_t *auxs;
	size_t n = pg_get_int8s(ctx, res, i, COL_KEYS, &keys);
	size_t naux = pg_get_int4s(ctx, res, i, COL_AUXS, &auxs);

	row->old_at_us = pg_get_time(res, i, COL_AT);
	row->old_print = pg_get_int8(res, i, COL_PRINT);
	row->old_rules = pg_get_int8(res, i, COL_RULES);
	row->nold_post = n;
	row->old_post = arena_array(ctx->arena, n, sizeof(*row->old_post));
	for (size_t j = 0; j < n; j++)
		row->old_post[j] = (struct key_post){ keys[j],
		    j < naux ? auxs[j] : 0 };
}

static bool
same_posts(const struct row *row)
{
	const struct keys *keys = &row->keys;

	if (row->nold_post != keys->npost)
		return false;
	for (size_t i = 0; i < keys->npost; i++)
		if (row->old_post[i].k != keys->post[i].k ||
		    row->old_post[i].aux != keys->post[i].aux)
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
same_record(struct ctx *ctx, const PGresult *res, int i,
    const struct row *row)
{
	return row->old_at_us == row->keys.at_us &&
	    (uint64_t)pg_get_int8(res, i, COL_HAS) == row->keys.has &&
	    pg_get_int8(res, i, COL_RH) == row->rh &&
	    row->old_print == row->print && same_posts(row) &&
	    same_refs(ctx, res, i, &row->keys);
}

/* --- a record: what it should be */

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

static void
take_record(struct ctx *ctx, struct key_space space, const PGresult *res,
    int i, struct row *row, struct rescan_fact *fact)
{
	row->keys.at_us = KEY_AT_NONE;
	if (!row->after.deleted)
		fact->unreadable = !extract(ctx, space, row,
		    pg_get_str(res, i, COL_BODY));
	if (fact->unreadable)
		return;
	row->rh = key_reference(space, str_of(row->after.type->name), row->id);
	row->rules = rules_of(row->after.type);
	row->print = store_key_print(ctx->arena, space, &row->keys);
	take_old(ctx, res, i, row);
	fact->wrong = !same_record(ctx, res, i, row);
	fact->stale = row->old_rules != row->rules;
}

enum err
rescan_page(struct ctx *ctx, struct rescan_pair pair, const PGresult *res,
    struct rescan *out)
{
	struct key_space space;
	size_t n = (size_t)PQntuples(res);
	enum err err;

	if ((err = store_key_space(ctx, &space)) != OK)
		return err;
	*out = (struct rescan){ .pair = pair, .rows = { .n = n,
	    .v = arena_array(ctx->arena, n, sizeof(struct row)) },
	    .facts = arena_array(ctx->arena, n, sizeof(struct rescan_fact)) };
	for (size_t i = 0; i < n; i++) {
		struct row *row = &out->rows.v[i];

		row->id = pg_get_str(res, (int)i, COL_ID);
		row->fate = ROW_CREATE;
		row->after = (struct record){ .type = pair.type,
		    .id = row->id, .rid = pg_get_int8(res, (int)i, COL_RID),
		    .deleted = pg_get_bool(res, (int)i, COL_DELETED) };
		take_record(ctx, space, res, (int)i, row, &out->facts[i]);
	}
	return OK;
}

/* --- what the key tables hold */

static size_t
row_of(const struct rows *rows, int64_t rid)
{
	size_t i = 0;

	while (i < rows->n && rows->v[i].after.rid != rid)
		i++;
	return i;
}

/* A record whose keys are not known has none that could differ. */
static size_t
known_rids(const struct rescan *page, int64_t *rids)
{
	size_t n = 0;

	for (size_t i = 0; i < page->rows.n; i++)
		if (!page->facts[i].unreadable)
			rids[n++] = page->rows.v[i].after.rid;
	return n;
}

enum err
rescan_compare(struct ctx *ctx, const struct rescan *page, rescan_differs *fn,
    void *to)
{
	struct pg_args a = pg_args(ctx->arena);
	int64_t *rids = arena_array(ctx->arena, page->rows.n, sizeof(*rids));
	PGresult *res;
	enum err err;

	pg_int4(&a, page->pair.tn);
	store_key_args(&a, &page->rows);
	pg_int8s(&a, rids, known_rids(page, rids));
	if ((err = pg_exec(ctx, &query_check_rows, &a, &res)) != OK)
		return err;
	for (int i = 0; i < PQntuples(res); i++) {
		size_t row = row_of(&page->rows, pg_get_int8(res, i, 2));

		if (row < page->rows.n)
			fn(to, row, PQgetvalue(res, i, 0),
			    pg_get_bool(res, i, 1), pg_get_int8(res, i, 3));
	}
	return OK;
}
