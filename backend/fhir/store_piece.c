/*
 * Large writes in bounded memory: of the keys of a record only their exact
 * size is kept, and bodies, arrays and statements are made for some rows at a
 * time, sent, and forgotten.
 */

#include "fhir/store_row.h"

#include "fhir/record.h"

/* What the building and sending of one key takes, about. */
#define KEY_BYTES	128

/* Rows up to so much are sent together, at least one. */
#define PIECE_BYTES	((size_t)4 * 1024 * 1024)

#define SCRATCH_BYTES	((size_t)64 * 1024)

static void
free_scratch(void *scratch)
{
	arena_free(scratch);
}

struct arena *
store_scratch(struct ctx *ctx)
{
	struct arena *scratch = arena_new(SCRATCH_BYTES);

	arena_later(ctx->arena, free_scratch, scratch);
	return scratch;
}

/* --- what is kept of a record's keys */

static void *
copy(struct arena *arena, const void *v, size_t n, size_t size)
{
	return n == 0 ? NULL :
	    memcpy(arena_alloc(arena, n * size), v, n * size);
}

#define KEEP(arena, v, n)						\
	((v) = copy((arena), (v), (n), sizeof(*(v))))

/* Slices of the document live as long as it does. */
static void
keep_text(struct arena *arena, struct str document, struct str *s)
{
	if (s->n > 0 && (s->p < document.p || s->p >= document.p + document.n))
		*s = arena_str(arena, *s);
}

void
store_keep_keys(struct arena *arena, struct str document, struct keys *keys)
{
	KEEP(arena, keys->post, keys->npost);
	KEEP(arena, keys->dat, keys->ndat);
	KEEP(arena, keys->str, keys->nstr);
	KEEP(arena, keys->qty, keys->nqty);
	KEEP(arena, keys->cqty, keys->ncqty);
	KEEP(arena, keys->dict, keys->ndict);
	KEEP(arena, keys->refs, keys->nrefs);
	for (size_t i = 0; i < keys->nstr; i++)
		keep_text(arena, document, &keys->str[i].folded);
	for (size_t i = 0; i < keys->ndict; i++) {
		keep_text(arena, document, &keys->dict[i].system);
		keep_text(arena, document, &keys->dict[i].code);
		keep_text(arena, document, &keys->dict[i].display);
	}
}

/* --- pieces */

static size_t
weight(const struct row *row)
{
	const struct keys *keys = &row->keys;
	size_t n = keys->npost + keys->ndat + keys->nstr + keys->nqty +
	    keys->ncqty + row->nold_post;

	return n * KEY_BYTES + (row->change->doc == NULL ? 0 :
	    jdoc_raw(row->change->doc, row->change->node).n);
}

/* The rows from `from` on that go together. */
static struct rows
piece_at(const struct rows *rows, size_t from)
{
	struct rows piece = { .v = rows->v + from, .writer = rows->writer };
	size_t bytes = 0;

	do
		bytes += weight(&piece.v[piece.n++]);
	while (from + piece.n < rows->n && bytes < PIECE_BYTES);
	return piece;
}

bool
store_is_one_piece(const struct rows *rows)
{
	return piece_at(rows, 0).n == rows->n;
}

static void
build_bodies(struct ctx *ctx, const struct rows *piece)
{
	for (size_t i = 0; i < piece->n; i++) {
		struct row *row = &piece->v[i];

		if (row->fate != ROW_NOTHING && !row->after.deleted)
			row->after.body = record_body(ctx, &row->after,
			    row->change->doc, row->change->node);
	}
}

static void
send_piece(struct ctx *ctx, const struct rows *piece)
{
	build_bodies(ctx, piece);
	store_send_rows(ctx, piece, ROW_CREATE);
	store_send_rows(ctx, piece, ROW_UPDATE);
	store_send_keys(ctx, piece);
}

enum err
store_send_pieces(struct ctx *ctx, const struct rows *rows,
    struct arena *scratch)
{
	struct ctx inside = *ctx;
	struct rows piece;
	enum err err;

	inside.arena = scratch == NULL ? ctx->arena : scratch;
	for (size_t from = 0; from < rows->n; from += piece.n) {
		if (from > 0 && (err = pg_flush(ctx, NULL, 0)) != OK)
			return err;
		if (scratch != NULL)
			arena_reset(scratch);
		piece = piece_at(rows, from);
		send_piece(&inside, &piece);
	}
	return OK;
}
