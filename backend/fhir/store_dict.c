/*
 * Distinct tokens: a write sends those that this process has not sent before.
 * The memory of sent ones is bounded; forgetting costs an `on conflict do
 * nothing`, never a wrong row.
 */

#include "fhir/store_row.h"

#include "queries.h"

#include <stdlib.h>

#define SEEN_SLOTS	65536		/* a power of 2 */
#define SEEN_MAX	(SEEN_SLOTS / 2)

static struct {
	uint64_t	slots[SEEN_SLOTS];	/* 0 = free */
	size_t		n;
} seen;

struct token {
	int16_t			 type;
	const struct key_dict	*dict;
};

static void
seen_forget(void)
{
	memset(&seen, 0, sizeof(seen));
}

/* k is a keyed hash over tenant, type, parameter and code already. */
static uint64_t
token_print(const struct key_dict *dict)
{
	uint64_t print = (uint64_t)dict->k ^
	    ((uint64_t)(uint32_t)dict->aux * UINT64_C(0x9e3779b97f4a7c15)) ^
	    dict->space;

	return print == 0 ? 1 : print;
}

/* True when print was not there; it is now. */
static bool
seen_add(uint64_t print)
{
	size_t i = print & (SEEN_SLOTS - 1);

	while (seen.slots[i] != 0) {
		if (seen.slots[i] == print)
			return false;
		i = (i + 1) & (SEEN_SLOTS - 1);
	}
	seen.slots[i] = print;
	seen.n++;
	return true;
}

/* As dict_pkey: all writers wait for each other in one order. */
static int
by_key(const void *p, const void *q)
{
	const struct token *a = p, *b = q;

	if (a->type != b->type)
		return a->type < b->type ? -1 : 1;
	if (a->dict->param != b->dict->param)
		return a->dict->param < b->dict->param ? -1 : 1;
	if (a->dict->space != b->dict->space)
		return a->dict->space < b->dict->space ? -1 : 1;
	if (a->dict->k != b->dict->k)
		return a->dict->k < b->dict->k ? -1 : 1;
	return (a->dict->aux > b->dict->aux) - (a->dict->aux < b->dict->aux);
}

static void
send_chunk(struct ctx *ctx, const struct token *tokens, size_t n)
{
	struct arena *arena = ctx->arena;
	struct pg_args a = pg_args(arena);
	int16_t *type = arena_array(arena, n, sizeof(*type));
	int16_t *param = arena_array(arena, n, sizeof(*param));
	int16_t *space = arena_array(arena, n, sizeof(*space));
	int64_t *k = arena_array(arena, n, sizeof(*k));
	int32_t *aux = arena_array(arena, n, sizeof(*aux));
	struct str *system = arena_array(arena, n, sizeof(*system));
	struct str *code = arena_array(arena, n, sizeof(*code));
	struct str *display = arena_array(arena, n, sizeof(*display));

	for (size_t i = 0; i < n; i++) {
		const struct key_dict *dict = tokens[i].dict;

		type[i] = tokens[i].type;
		param[i] = dict->param;
		space[i] = dict->space;
		k[i] = dict->k;
		aux[i] = dict->aux;
		system[i] = dict->system;
		code[i] = dict->code;
		display[i] = dict->display;
	}
	pg_int4(&a, ctx->who.tn);
	pg_int2s(&a, type, n);
	pg_int2s(&a, param, n);
	pg_int2s(&a, space, n);
	pg_int8s(&a, k, n);
	pg_int4s(&a, aux, n);
	pg_texts(&a, system, n);
	pg_texts(&a, code, n);
	pg_texts(&a, display, n);
	pg_send(ctx, &query_store_dict, &a);
}

void
store_dict_new(struct keys *keys)
{
	size_t n = 0;

	if (seen.n + keys->ndict > SEEN_MAX)
		seen_forget();
	for (size_t i = 0; i < keys->ndict; i++)
		if (seen.n == SEEN_MAX || seen_add(token_print(&keys->dict[i])))
			keys->dict[n++] = keys->dict[i];
	keys->ndict = n;
}

void
store_send_dict(struct ctx *ctx, const struct rows *rows)
{
	struct token *tokens;
	size_t room = 0, n = 0;

	for (size_t i = 0; i < rows->n; i++)
		room += rows->v[i].keys.ndict;
	tokens = arena_array(ctx->arena, room, sizeof(*tokens));
	for (size_t i = 0; i < rows->n; i++) {
		const struct row *row = &rows->v[i];

		for (size_t j = 0; j < row->keys.ndict; j++)
			tokens[n++] = (struct token){ row->after.type->number,
			    &row->keys.dict[j] };
	}
	if (n > 1)
		qsort(tokens, n, sizeof(*tokens), by_key);
	for (size_t from = 0; from < n; from += STORE_CHUNK)
		send_chunk(ctx, tokens + from, n - from < STORE_CHUNK ?
		    n - from : STORE_CHUNK);
}

void
store_dict_done(bool committed)
{
	/* Which ones did not arrive is not worth knowing. */
	if (!committed)
		seen_forget();
}
