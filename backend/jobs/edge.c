/*
 * From rows to state files. Clients and keys are read anew when they change;
 * revocations, of which there may be a million, are kept in memory and only
 * the new ones are read, by their seq.
 */

#include "jobs/edge.h"

#include <assert.h>
#include <errno.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/state.h"
#include "base/when.h"
#include "oauth/tier.h"
#include "queries.h"
#include "wire/pg.h"

/* Rows read at once: their results take some megabytes for a moment. */
#define CHUNK_ROWS	20000
#define CHUNK_BYTES	(64 * 1024)

enum part { PART_CLIENTS, PART_KEYS, PART_REVOKED, PART__MAX };

struct edge {
	struct arena		*home;		/* holds this struct */
	const char		*dir;
	struct siphash_key	 key;
	bool			 keyed;
	int64_t			 written[PART__MAX];	/* versions; 0 = none */
	struct arena		*chunk;		/* reset between reads */
	struct arena		*arena;		/* of revoked[] */
	struct buf		 revoked;	/* of struct state_revoked */
	int64_t			 last_seq;	/* of those in revoked */
};

/* How a part's file is called and made; as query_state_versions orders them. */
struct part_row {
	const char	*file;
	enum err	(*write)(struct ctx *ctx, struct edge *edge,
			    const char *path, int64_t version);
};

static enum err	write_clients(struct ctx *, struct edge *, const char *,
		    int64_t);
static enum err	write_keys(struct ctx *, struct edge *, const char *, int64_t);
static enum err	write_revoked(struct ctx *, struct edge *, const char *,
		    int64_t);

static const struct part_row parts[PART__MAX] = {
	{ "clients.map",	write_clients },	/* PART_CLIENTS */
	{ "jwks.json",		write_keys },		/* PART_KEYS */
	{ "revoked.map",	write_revoked },	/* PART_REVOKED */
};

struct edge *
edge_new(const char *dir)
{
	struct arena *arena = arena_new(CHUNK_BYTES);
	struct edge *edge = arena_zero(arena, sizeof(*edge));

	edge->home = arena;
	edge->dir = arena_z(arena, str_of(dir));
	edge->chunk = arena_new(CHUNK_BYTES);
	edge->arena = arena_new(CHUNK_BYTES);
	edge->revoked = buf_new(edge->arena, 0);
	return edge;
}

void
edge_free(struct edge *edge)
{
	arena_free(edge->chunk);
	arena_free(edge->arena);
	arena_free(edge->home);
}

static const char *
path_of(struct ctx *ctx, const struct edge *edge, const char *file)
{
	return arena_printf(ctx->arena, "%s/%s", edge->dir, file).p;
}

static enum err
cannot_write(struct ctx *ctx, const char *path)
{
	return fail(ctx, ERR_INTERNAL, "%s: %s", path, strerror(errno));
}

/* --- clients ------------------------------------------------------------- */

/* The columns of query_state_clients. */
enum { CLIENT_ID, CLIENT_TIER, CLIENT_HOUR, CLIENT_MINUTE, CLIENT_POOL,
	CLIENT_STATUS };

static void
add_client(struct buf *records, struct siphash_key key, const PGresult *res,
    int row)
{
	struct tier_limits limits = tier_limits(pg_get_str(res, row,
	    CLIENT_TIER));
	struct state_client c = {
		.hash = state_client_hash(key,
		    pg_get_str(res, row, CLIENT_ID)),
		.hour = limits.hour,
		.minute = limits.minute,
		.status = str_eqz(pg_get_str(res, row, CLIENT_STATUS),
		    "active") ? STATE_CLIENT_ACTIVE : STATE_CLIENT_DISABLED,
	};

	if (!pg_is_null(res, row, CLIENT_HOUR))
		c.hour = (uint32_t)pg_get_int4(res, row, CLIENT_HOUR);
	if (!pg_is_null(res, row, CLIENT_MINUTE))
		c.minute = (uint32_t)pg_get_int4(res, row, CLIENT_MINUTE);
	c.pool = pg_is_null(res, row, CLIENT_POOL) ? c.hash :
	    state_client_hash(key, pg_get_str(res, row, CLIENT_POOL));
	buf_add(records, (struct str){ (const char *)&c, sizeof(c) });
}

/* Read all clients, a chunk at a time, by their ids. */
static enum err
read_clients(struct ctx *ctx, struct edge *edge, struct buf *records)
{
	struct ctx chunk = *ctx;
	struct str after = STR("");
	PGresult *res;
	enum err err;
	int n;

	chunk.arena = edge->chunk;
	do {
		struct pg_args a = pg_args(edge->chunk);

		pg_text(&a, after);
		pg_int4(&a, CHUNK_ROWS);
		err = pg_exec(&chunk, &query_state_clients, &a, &res);
		n = err == OK ? PQntuples(res) : 0;
		for (int i = 0; i < n; i++)
			add_client(records, edge->key, res, i);
		if (n > 0)
			after = arena_str(ctx->arena,
			    pg_get_str(res, n - 1, CLIENT_ID));
		arena_reset(edge->chunk);
	} while (n == CHUNK_ROWS);
	return err;
}

static enum err
write_clients(struct ctx *ctx, struct edge *edge, const char *path,
    int64_t version)
{
	struct buf records = buf_new(ctx->arena, 0);
	enum err err = read_clients(ctx, edge, &records);

	if (err != OK)
		return err;
	if (state_write_clients(path, edge->key, (uint64_t)version,
	    (void *)records.p, records.n / sizeof(struct state_client)) != 0)
		return cannot_write(ctx, path);
	return OK;
}

/* --- keys ---------------------------------------------------------------- */

static enum err
write_keys(struct ctx *ctx, struct edge *edge, const char *path,
    int64_t version)
{
	struct buf b = buf_new(ctx->arena, 4096);
	PGresult *res;
	enum err err = pg_exec(ctx, &query_state_keys, NULL, &res);

	(void)edge;
	(void)version;
	if (err != OK)
		return err;
	buf_addz(&b, "{\"keys\":[");
	for (int i = 0; i < PQntuples(res); i++) {
		if (i > 0)
			buf_addc(&b, ',');
		buf_add(&b, pg_get_str(res, i, 1));
	}
	buf_addz(&b, "]}\n");
	return state_write_file(path, buf_str(&b)) == 0 ? OK :
	    cannot_write(ctx, path);
}

/* --- revocations --------------------------------------------------------- */

/* The columns of query_state_revocations. */
enum { REVOKED_SEQ, REVOKED_KIND, REVOKED_VALUE, REVOKED_AT, REVOKED_EXPIRES };

static void
add_revoked(struct edge *edge, const PGresult *res, int row)
{
	enum state_revoked_kind kind =
	    (enum state_revoked_kind)pg_get_int4(res, row, REVOKED_KIND);
	bool before = kind == STATE_REVOKED_USER_BEFORE ||
	    kind == STATE_REVOKED_CLIENT_BEFORE;
	struct state_revoked r = {
		.hash = state_revoked_hash(edge->key, kind,
		    pg_get_str(res, row, REVOKED_VALUE)),
		.at_s = before ? pg_get_int8(res, row, REVOKED_AT) : 0,
		.expires_s = pg_get_int8(res, row, REVOKED_EXPIRES),
	};

	buf_add(&edge->revoked, (struct str){ (const char *)&r, sizeof(r) });
	edge->last_seq = pg_get_int8(res, row, REVOKED_SEQ);
}

static enum err
read_revoked(struct ctx *ctx, struct edge *edge)
{
	struct ctx chunk = *ctx;
	PGresult *res;
	enum err err;
	int n;

	chunk.arena = edge->chunk;
	do {
		struct pg_args a = pg_args(edge->chunk);

		pg_int8(&a, edge->last_seq);
		pg_int4(&a, CHUNK_ROWS);
		err = pg_exec(&chunk, &query_state_revocations, &a, &res);
		n = err == OK ? PQntuples(res) : 0;
		for (int i = 0; i < n; i++)
			add_revoked(edge, res, i);
		arena_reset(edge->chunk);
	} while (n == CHUNK_ROWS);
	return err;
}

static size_t
drop_expired(struct edge *edge, int64_t now_s)
{
	struct state_revoked *r = (void *)edge->revoked.p;
	size_t count = edge->revoked.n / sizeof(*r), kept = 0;

	for (size_t i = 0; i < count; i++)
		if (r[i].expires_s > now_s)
			r[kept++] = r[i];
	edge->revoked.n = kept * sizeof(*r);
	return kept;
}

static enum err
write_revoked(struct ctx *ctx, struct edge *edge, const char *path,
    int64_t version)
{
	enum err err;
	size_t count;

	/* Another database, or one from a backup: nothing kept counts. */
	if (version < edge->written[PART_REVOKED] ||
	    edge->written[PART_REVOKED] == 0) {
		edge->last_seq = 0;
		buf_clear(&edge->revoked);
	}
	if ((err = read_revoked(ctx, edge)) != OK)
		return err;
	count = drop_expired(edge, ctx->now_us / US_PER_SECOND);
	if (state_write_revoked(path, edge->key, (uint64_t)version,
	    (void *)edge->revoked.p, count) != 0)
		return cannot_write(ctx, path);
	return OK;
}

/* --- all of them --------------------------------------------------------- */

/* The SipHash key of the files: random, made once per database. */
static enum err
read_key(struct ctx *ctx, struct edge *edge)
{
	struct pg_args a = pg_args(ctx->arena);
	unsigned char fresh[16];
	struct str value;
	PGresult *res;
	enum err err;

	if (edge->keyed)
		return OK;
	random_bytes(fresh, sizeof(fresh));
	pg_bytes(&a, (struct str){ (const char *)fresh, sizeof(fresh) });
	if ((err = pg_exec(ctx, &query_state_key_make, &a, NULL)) != OK ||
	    (err = pg_exec(ctx, &query_state_key, NULL, &res)) != OK)
		return err;
	value = pg_get_str(res, 0, 0);
	if (value.n != sizeof(fresh))
		return fail(ctx, ERR_INTERNAL, "setting state_key must be %zu "
		    "bytes", sizeof(fresh));
	edge->key = siphash_key((const unsigned char *)value.p);
	edge->keyed = true;
	return OK;
}

static enum err
refresh_part(struct ctx *ctx, struct edge *edge, enum part part,
    int64_t version)
{
	const char *path = path_of(ctx, edge, parts[part].file);
	int64_t begin_us = when_now();
	enum err err;

	if (version == edge->written[part] && access(path, F_OK) == 0)
		return OK;
	if ((err = parts[part].write(ctx, edge, path, version)) != OK)
		return err;
	edge->written[part] = version;
	log_line(LOG_LEVEL_INFO, "state_written",
	    "file=%s version=%lld us=%lld", parts[part].file,
	    (long long)version, (long long)(when_now() - begin_us));
	return OK;
}

enum err
edge_refresh(struct ctx *ctx, struct edge *edge)
{
	PGresult *res;
	enum err err;

	/* The versions first: what changes while we read counts as later. */
	if ((err = read_key(ctx, edge)) != OK ||
	    (err = pg_exec(ctx, &query_state_versions, NULL, &res)) != OK)
		return err;
	for (int part = 0; part < PART__MAX; part++)
		if ((err = refresh_part(ctx, edge, part,
		    pg_get_int8(res, 0, part))) != OK)
			return err;
	return OK;
}

enum err
edge_alive(struct ctx *ctx, struct edge *edge)
{
	const char *path = path_of(ctx, edge, "alive");

	return state_touch(path) == 0 ? OK : cannot_write(ctx, path);
}
