/* Reading records: each way is one prepared statement by primary key. */

#include "fhir/store.h"

#include "base/code.h"
#include "base/when.h"
#include "wire/pg.h"

#include "queries.h"

#include <limits.h>

/* Columns of every statement that reads records. */
enum column { COL_RID, COL_VER, COL_UPDATED, COL_DELETED, COL_OP, COL_BODY };

/* Bodies above this do not come along with others that were asked at the same
 * time, so that many large ones never lie in memory together. */
#define TOGETHER_BYTES	(256 * 1024)

/* A record that was asked for. */
struct record_ask {
	const struct r4_type	*type;
	struct str		 id;
	int32_t			 ver;		/* 0 = the current one */
	struct pg_ask		*sent;
};

struct str
store_new_id(struct ctx *ctx)
{
	unsigned char bytes[16];
	char *text = arena_alloc(ctx->arena, BASE32_ID_CHARS);
	uint64_t ms = (uint64_t)when_now() / 1000;

	random_bytes(bytes, sizeof(bytes));
	for (int i = 5; i >= 0; i--, ms >>= 8)
		bytes[i] = (unsigned char)(ms & 0xff);
	base32_id(bytes, text);
	return (struct str){ text, BASE32_ID_CHARS };
}

enum err
store_key_space(struct ctx *ctx, struct key_space *out)
{
	static struct siphash_key key;
	static bool known;
	struct pg_args a = pg_args(ctx->arena);
	PGresult *res;
	enum err err;

	out->tn = ctx->who.tn;
	if (known) {
		out->key = key;
		return OK;
	}
	pg_text(&a, STR("siphash_key"));
	if ((err = pg_exec(ctx, &query_setting_read, &a, &res)) != OK)
		return err;
	if (PQntuples(res) != 1 || PQgetlength(res, 0, 0) != 16)
		return fail(ctx, ERR_INTERNAL, "the database has no key: run "
		    "`twocare migrate`");
	key = siphash_key((const unsigned char *)PQgetvalue(res, 0, 0));
	known = true;
	out->key = key;
	return OK;
}

static struct pg_args
args_of(struct ctx *ctx, const struct r4_type *type, struct str id)
{
	struct pg_args a = pg_args(ctx->arena);

	pg_int4(&a, ctx->who.tn);
	pg_int2(&a, type->number);
	pg_text(&a, id);
	return a;
}

static void
take_record(const PGresult *res, int row, const struct r4_type *type,
    struct str id, struct record *out)
{
	*out = (struct record){
		.type = type,
		.id = id,
		.rid = pg_get_int8(res, row, COL_RID),
		.ver = pg_get_int4(res, row, COL_VER),
		.updated_us = pg_get_time(res, row, COL_UPDATED),
		.deleted = pg_get_bool(res, row, COL_DELETED),
		.op = pg_get_str(res, row, COL_OP).p[0],
		.body = pg_get_str(res, row, COL_BODY),
	};
}

static enum err
fail_not_found(struct ctx *ctx, const struct r4_type *type, struct str id)
{
	return fail(ctx, ERR_NOT_FOUND, "there is no %s/%.*s", type->name,
	    STR_ARGS(id));
}

/* The arguments of store_read and store_vread. */
static struct pg_args
read_args(struct ctx *ctx, const struct record_ask *ask, int32_t most_bytes)
{
	struct pg_args a = args_of(ctx, ask->type, ask->id);

	pg_int4(&a, most_bytes);
	if (ask->ver != 0)
		pg_int4(&a, ask->ver);
	return a;
}

static const struct pg_query *
read_query(const struct record_ask *ask)
{
	return ask->ver == 0 ? &query_store_read : &query_store_vread;
}

struct record_ask *
store_ask(struct ctx *ctx, const struct r4_type *type, struct str id,
    int32_t ver)
{
	struct record_ask *ask = arena_zero(ctx->arena, sizeof(*ask));
	struct pg_args a;

	*ask = (struct record_ask){ .type = type, .id = id, .ver = ver };
	a = read_args(ctx, ask, TOGETHER_BYTES);
	ask->sent = pg_ask(ctx, read_query(ask),
	    ver == 0 ? &query_store_read_many : NULL, &a);
	return ask;
}

static enum err
take_one(struct ctx *ctx, const struct record_ask *ask, const PGresult *res,
    int row, struct record *out)
{
	*out = (struct record){ .type = ask->type, .id = ask->id };
	if (row < 0)
		return fail_not_found(ctx, ask->type, ask->id);
	take_record(res, row, ask->type, ask->id, out);
	if (out->deleted)
		return fail(ctx, ERR_DELETED, "%s/%.*s was deleted",
		    ask->type->name, STR_ARGS(ask->id));
	return OK;
}

static enum err
read_alone(struct ctx *ctx, const struct record_ask *ask, struct record *out)
{
	struct pg_args a = read_args(ctx, ask, INT32_MAX);
	PGresult *res;
	enum err err;

	if ((err = pg_exec(ctx, read_query(ask), &a, &res)) != OK)
		return err;
	return take_one(ctx, ask, res, PQntuples(res) > 0 ? 0 : -1, out);
}

enum err
store_answer(struct ctx *ctx, const struct record_ask *ask,
    struct record *out)
{
	PGresult *res;
	int row;
	enum err err;

	if ((err = pg_answer(ctx, ask->sent, &res, &row)) != OK)
		return err;
	err = take_one(ctx, ask, res, row, out);
	if (err == OK && out->body.n == 0)
		return read_alone(ctx, ask, out);
	return err;
}

enum err
store_read(struct ctx *ctx, const struct r4_type *type, struct str id,
    struct record *out)
{
	struct record_ask ask = { .type = type, .id = id };

	return read_alone(ctx, &ask, out);
}

enum err
store_vread(struct ctx *ctx, const struct r4_type *type, struct str id,
    int32_t ver, struct record *out)
{
	struct record_ask ask = { .type = type, .id = id, .ver = ver };

	return read_alone(ctx, &ask, out);
}
