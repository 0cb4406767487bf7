/* Records and versions as arrays: one element per row, sorted as res_pkey. */

#include "fhir/store_row.h"

#include "queries.h"

/* The columns of store_create and store_update; nkeys and nrefs count what is
 * flattened so far. */
struct columns {
	size_t		 n;
	int16_t		*type;
	struct str	*id, *op, *body;
	int64_t		*rid, *at, *updated, *has, *rh, *print, *rules;
	int32_t		*ver, *k0, *k1, *r0, *r1;
	size_t		 nkeys, nrefs;
	int64_t		*keys, *refs;
	int32_t		*auxs;
};

static struct columns
columns_new(struct arena *arena, size_t n, size_t nkeys, size_t nrefs)
{
	struct columns c = {
		.type = arena_array(arena, n, sizeof(*c.type)),
		.id = arena_array(arena, n, sizeof(*c.id)),
		.op = arena_array(arena, n, sizeof(*c.op)),
		.body = arena_array(arena, n, sizeof(*c.body)),
		.rid = arena_array(arena, n, sizeof(*c.rid)),
		.at = arena_array(arena, n, sizeof(*c.at)),
		.updated = arena_array(arena, n, sizeof(*c.updated)),
		.has = arena_array(arena, n, sizeof(*c.has)),
		.rh = arena_array(arena, n, sizeof(*c.rh)),
		.print = arena_array(arena, n, sizeof(*c.print)),
		.rules = arena_array(arena, n, sizeof(*c.rules)),
		.ver = arena_array(arena, n, sizeof(*c.ver)),
		.k0 = arena_array(arena, n, sizeof(*c.k0)),
		.k1 = arena_array(arena, n, sizeof(*c.k1)),
		.r0 = arena_array(arena, n, sizeof(*c.r0)),
		.r1 = arena_array(arena, n, sizeof(*c.r1)),
		.keys = arena_array(arena, nkeys, sizeof(*c.keys)),
		.auxs = arena_array(arena, nkeys, sizeof(*c.auxs)),
		.refs = arena_array(arena, nrefs, sizeof(*c.refs)),
	};
	return c;
}

/* Slices of SQL arrays: from 1, the end included; empty when k1 < k0. */
static void
columns_add_keys(struct columns *c, const struct keys *keys)
{
	c->k0[c->n] = (int32_t)c->nkeys + 1;
	for (size_t i = 0; i < keys->npost; i++) {
		c->keys[c->nkeys] = keys->post[i].k;
		c->auxs[c->nkeys++] = keys->post[i].aux;
	}
	c->k1[c->n] = (int32_t)c->nkeys;
	c->r0[c->n] = (int32_t)c->nrefs + 1;
	for (size_t i = 0; i < keys->nrefs; i++)
		c->refs[c->nrefs++] = keys->refs[i];
	c->r1[c->n] = (int32_t)c->nrefs;
}

static void
columns_add(struct columns *c, const struct row *row)
{
	c->type[c->n] = row->after.type->number;
	c->id[c->n] = row->after.id;
	c->op[c->n] = (struct str){ &row->after.op, 1 };
	c->body[c->n] = row->after.body;
	c->rid[c->n] = row->after.rid;
	c->at[c->n] = row->keys.at_us;
	c->updated[c->n] = row->after.updated_us;
	c->has[c->n] = (int64_t)row->keys.has;
	c->rh[c->n] = row->rh;
	c->print[c->n] = row->print;
	c->rules[c->n] = row->rules;
	c->ver[c->n] = row->after.ver;
	columns_add_keys(c, &row->keys);
	c->n++;
}

/* By how much the number of a type's records changes. */
static int
count_change(const struct row *row)
{
	bool was = row->found && !row->old_deleted;

	return (int)!row->after.deleted - (int)was;
}

/* Differences per type; the rows are sorted by type. */
static void
add_counts(struct pg_args *a, struct arena *arena, struct row *const *rows,
    size_t n)
{
	int16_t *types = arena_array(arena, n, sizeof(*types));
	int64_t *counts = arena_array(arena, n, sizeof(*counts));
	size_t used = 0;

	for (size_t i = 0; i < n; i++) {
		int by = count_change(rows[i]);
		int16_t type = rows[i]->after.type->number;

		if (by == 0)
			continue;
		if (used == 0 || types[used - 1] != type)
			types[used++] = type;
		counts[used - 1] += by;
	}
	pg_int2s(a, types, used);
	pg_int8s(a, counts, used);
}

static void
add_columns(struct pg_args *a, const struct columns *c)
{
	pg_int2s(a, c->type, c->n);
	pg_texts(a, c->id, c->n);
	pg_int8s(a, c->rid, c->n);
	pg_int4s(a, c->ver, c->n);
	pg_times(a, c->at, c->n);
	pg_times(a, c->updated, c->n);
	pg_texts(a, c->op, c->n);
	pg_int8s(a, c->has, c->n);
	pg_int8s(a, c->rh, c->n);
	pg_int4s(a, c->k0, c->n);
	pg_int4s(a, c->k1, c->n);
	pg_int4s(a, c->r0, c->n);
	pg_int4s(a, c->r1, c->n);
	pg_texts(a, c->body, c->n);
	pg_int8s(a, c->keys, c->nkeys);
	pg_int4s(a, c->auxs, c->nkeys);
	pg_int8s(a, c->refs, c->nrefs);
}

static void
send_chunk(struct ctx *ctx, const struct pg_query *q, struct row *const *rows,
    size_t n, int writer)
{
	struct pg_args a = pg_args(ctx->arena);
	size_t nkeys = 0, nrefs = 0;
	struct columns c;

	for (size_t i = 0; i < n; i++) {
		nkeys += rows[i]->keys.npost;
		nrefs += rows[i]->keys.nrefs;
	}
	c = columns_new(ctx->arena, n, nkeys, nrefs);
	for (size_t i = 0; i < n; i++)
		columns_add(&c, rows[i]);
	pg_int4(&a, ctx->who.tn);
	add_columns(&a, &c);
	pg_text(&a, ctx->who.client);
	pg_text(&a, ctx->who.sub);
	pg_text(&a, ctx->who.addr);
	pg_text(&a, ctx->request_id);
	pg_int2(&a, (int16_t)writer);
	add_counts(&a, ctx->arena, rows, n);
	pg_int8s(&a, c.print, n);
	pg_int8s(&a, c.rules, n);
	pg_send(ctx, q, &a);
}

void
store_send_rows(struct ctx *ctx, const struct rows *rows, enum row_fate fate)
{
	const struct pg_query *q = fate == ROW_CREATE ? &query_store_create :
	    &query_store_update;
	struct row **chosen = arena_array(ctx->arena, rows->n,
	    sizeof(struct row *));
	size_t n = 0;

	for (size_t i = 0; i < rows->n; i++)
		if (rows->v[i].fate == fate)
			chosen[n++] = &rows->v[i];
	for (size_t from = 0; from < n; from += STORE_CHUNK)
		send_chunk(ctx, q, chosen + from, n - from < STORE_CHUNK ?
		    n - from : STORE_CHUNK, rows->writer);
}
