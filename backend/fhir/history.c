/* Reading histories: one statement a page, the horizon in the same round. */

#include "fhir/history.h"

#include "base/buf.h"
#include "fhir/seal.h"
#include "queries.h"
#include "wire/pg.h"

#include <limits.h>

/* Versions that a page looks at to find those that were current at a time: of a
 * record that changes often most are not. */
#define LOOK_MAX	2000

#define CURSOR_FORM	1

enum column { COL_RID, COL_VER, COL_UPDATED, COL_OP, COL_TYPE, COL_ID,
	COL_FITS, COL_SHOWN, COL_CREATED, COL_BODY, COL_TOTAL };

/* A version in the order of a type: later ones come first. */
struct place {
	int64_t	updated_us, rid;
	int32_t	ver;
};

static bool
is_at(const struct history *asked)
{
	return asked->at_lo_us != WHEN_MIN || asked->at_hi_us != WHEN_MAX;
}

/* One more than is asked for tells whether there are more. */
static int
rows_of(const struct history *asked)
{
	return is_at(asked) && asked->count < LOOK_MAX ? LOOK_MAX :
	    asked->count + 1;
}

/* --- cursors -------------------------------------------------------------- */

/* A cursor is good for this history. The rights of the token may change on the
 * way: what is shown goes by those of each request. */
static struct str
use_of(struct ctx *ctx, const struct history *asked)
{
	return arena_printf(ctx->arena, "history %d %d %lld %lld %lld",
	    ctx->who.tn, asked->type == NULL ? 0 : asked->type->number,
	    (long long)asked->since_us, (long long)asked->at_lo_us,
	    (long long)asked->at_hi_us);
}

static enum err
write_cursor(struct ctx *ctx, const struct history *asked,
    const struct place *place, struct history_page *page)
{
	struct buf b = buf_new(ctx->arena, 32);

	seal_add_int(&b, CURSOR_FORM, 1);
	seal_add_int(&b, (uint64_t)place->updated_us, 8);
	seal_add_int(&b, (uint64_t)place->rid, 8);
	seal_add_int(&b, (uint64_t)page->safe_us, 8);
	return seal_write(ctx, use_of(ctx, asked), buf_str(&b), &page->cursor);
}

static bool
take_place(struct str in, struct place *place, int64_t *safe_us)
{
	uint64_t form, updated, rid, safe;

	if (!seal_take_int(&in, 1, &form) || form != CURSOR_FORM ||
	    !seal_take_int(&in, 8, &updated) ||
	    !seal_take_int(&in, 8, &rid) || !seal_take_int(&in, 8, &safe))
		return false;
	*place = (struct place){ .updated_us = (int64_t)updated,
	    .rid = (int64_t)rid };
	*safe_us = (int64_t)safe;
	return in.n == 0;
}

static enum err
read_cursor(struct ctx *ctx, const struct history *asked, struct place *place,
    int64_t *safe_us)
{
	struct str plain;
	enum err err = seal_read(ctx, use_of(ctx, asked), asked->cursor,
	    &plain);

	if (err != OK)
		return err;
	if (plain.p == NULL || !take_place(plain, place, safe_us))
		return fail_at(ctx, ERR_INVALID_PARAMETER, STR("_cursor"),
		    "_cursor is not one of this history; follow the links of "
		    "the Bundle unchanged");
	return OK;
}

/* --- rows ----------------------------------------------------------------- */

static struct record
record_of(struct ctx *ctx, const PGresult *res, int i)
{
	return (struct record){
		.type = r4_type_numbered(pg_get_int4(res, i, COL_TYPE)),
		.id = arena_str(ctx->arena, pg_get_str(res, i, COL_ID)),
		.rid = pg_get_int8(res, i, COL_RID),
		.ver = pg_get_int4(res, i, COL_VER),
		.updated_us = pg_get_time(res, i, COL_UPDATED),
		.op = pg_get_str(res, i, COL_OP).p[0],
		.deleted = pg_get_str(res, i, COL_OP).p[0] == 'D',
		.created = pg_get_bool(res, i, COL_CREATED),
		.body = pg_get_str(res, i, COL_BODY),
	};
}

/* The versions of the page, and where the next one goes on; false when these
 * were the last. */
static bool
take_rows(struct ctx *ctx, const struct history *asked, const PGresult *res,
    struct history_page *page, struct place *last)
{
	int n = PQntuples(res);

	page->records = arena_array(ctx->arena, (size_t)n,
	    sizeof(*page->records));
	for (int i = 0; i < n; i++) {
		bool fits = pg_get_bool(res, i, COL_FITS);

		if (fits && !pg_get_bool(res, i, COL_SHOWN))
			return true;
		if (fits)
			page->records[page->n++] = record_of(ctx, res, i);
		*last = (struct place){ pg_get_time(res, i, COL_UPDATED),
		    pg_get_int8(res, i, COL_RID),
		    pg_get_int4(res, i, COL_VER) };
	}
	return n == rows_of(asked);
}

/* --- one page ------------------------------------------------------------- */

static struct pg_args
types_args(struct ctx *ctx, const struct history *asked,
    const struct place *before)
{
	struct pg_args a = pg_args(ctx->arena);

	pg_int4(&a, ctx->who.tn);
	if (asked->type != NULL)
		pg_int2s(&a, &asked->type->number, 1);
	else
		pg_int2s(&a, asked->types, asked->ntypes);
	pg_time(&a, asked->since_us);
	pg_time(&a, before->updated_us);
	pg_int8(&a, before->rid);
	pg_int4(&a, rows_of(asked));
	pg_time(&a, asked->at_lo_us);
	pg_int4(&a, asked->count);
	return a;
}

static enum err
read_types(struct ctx *ctx, const struct history *asked,
    struct history_page *out)
{
	struct place place = { asked->at_hi_us, INT64_MIN, 0 };
	PGresult *results[2];
	struct pg_args a;
	int n = 0;
	enum err err;

	if (asked->cursor.n > 0 && (err = read_cursor(ctx, asked, &place,
	    &out->safe_us)) != OK)
		return err;
	if (asked->cursor.n == 0)
		pg_send(ctx, &query_history_horizon, NULL), n++;
	a = types_args(ctx, asked, &place);
	pg_send(ctx, &query_history_types, &a);
	if ((err = pg_flush(ctx, results, n + 1)) != OK)
		return err;
	if (n > 0)
		out->safe_us = pg_get_time(results[0], 0, 0);
	if (!take_rows(ctx, asked, results[n], out, &place))
		return OK;
	return write_cursor(ctx, asked, &place, out);
}

static struct pg_args
record_args(struct ctx *ctx, const struct history *asked)
{
	struct pg_args a = pg_args(ctx->arena);

	pg_int4(&a, ctx->who.tn);
	pg_int2(&a, asked->type->number);
	pg_text(&a, asked->id);
	pg_int4(&a, asked->below == 0 ? INT32_MAX : asked->below);
	pg_int4(&a, rows_of(asked));
	pg_time(&a, asked->since_us);
	pg_time(&a, asked->at_lo_us);
	pg_time(&a, asked->at_hi_us);
	pg_int4(&a, asked->count);
	return a;
}

static enum err
read_record(struct ctx *ctx, const struct history *asked,
    struct history_page *out)
{
	bool horizon = asked->since_us != WHEN_MIN && asked->below == 0;
	bool all = asked->since_us == WHEN_MIN && !is_at(asked);
	struct pg_args a = record_args(ctx, asked);
	struct place last = { 0, 0, 0 };
	PGresult *results[2], *res;
	enum err err;

	if (horizon)
		pg_send(ctx, &query_history_horizon, NULL);
	pg_send(ctx, &query_history_record, &a);
	if ((err = pg_flush(ctx, results, horizon ? 2 : 1)) != OK)
		return err;
	res = results[horizon ? 1 : 0];
	if (PQntuples(res) == 0)
		return fail(ctx, ERR_NOT_FOUND, "there is no %s/%.*s",
		    asked->type->name, STR_ARGS(asked->id));
	if (horizon)
		out->safe_us = pg_get_time(results[0], 0, 0);
	if (all)
		out->total = pg_get_int4(res, 0, COL_TOTAL);
	if (!pg_is_null(res, 0, COL_VER) &&
	    take_rows(ctx, asked, res, out, &last) &&
	    last.updated_us >= asked->since_us && last.ver > 1)
		out->below = last.ver;
	return OK;
}

enum err
history_read(struct ctx *ctx, const struct history *asked,
    struct history_page *out)
{
	*out = (struct history_page){ .total = -1, .safe_us = WHEN_MIN };
	return asked->id.n > 0 ? read_record(ctx, asked, out) :
	    read_types(ctx, asked, out);
}

enum err
history_horizon(struct ctx *ctx, int64_t *safe_us)
{
	PGresult *res;
	enum err err = pg_exec(ctx, &query_history_horizon, NULL, &res);

	if (err == OK)
		*safe_us = pg_get_time(res, 0, 0);
	return err;
}
