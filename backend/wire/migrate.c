/* Migrations: which are applied, which are missing, and applying them. */

#include "wire/migrate.h"

#include "base/code.h"
#include "base/hash.h"
#include "wire/pg.h"

#include "queries.h"

/* Chosen once; any other number would do as well. */
#define MIGRATE_LOCK	INT64_C(0x32636172653a6d67)

/* Not in a migration, because it says which migrations there are. */
static const char ledger_sql[] =
    "create table if not exists schema_migration ("
    " version int primary key,"
    " name text not null,"
    " checksum bytea not null,"
    " applied timestamptz not null default now())";

static void
checksum(const struct migration *m, unsigned char out[SHA256_BYTES])
{
	hash_init();
	sha256(str_of(m->sql), out);
}

/* The applied ones must be the first of ours, unchanged. *done counts them. */
static enum err
compare(struct ctx *ctx, const PGresult *res, int *done)
{
	unsigned char sum[SHA256_BYTES];
	int n = PQntuples(res);

	for (int i = 0; i < n; i++) {
		const struct migration *m = &migrations[i];
		int version = pg_get_int4(res, i, 0);

		if (m->version == 0)
			return fail(ctx, ERR_CONFLICT, "the database has "
			    "migration %d, which this program does not know: "
			    "it is older than the database", version);
		if (m->version != version)
			return fail(ctx, ERR_CONFLICT, "migration %d is "
			    "missing in the database, but %d is there",
			    m->version, version);
		checksum(m, sum);
		if (!str_eq(pg_get_str(res, i, 1), (struct str){
		    (const char *)sum, sizeof(sum) }))
			return fail(ctx, ERR_CONFLICT, "migration %04d_%s was "
			    "changed after it had been applied", m->version,
			    m->name);
	}
	*done = n;
	return OK;
}

static enum err
read_done(struct ctx *ctx, int *done)
{
	PGresult *res;
	enum err err;

	err = pg_exec(ctx, &query_migration_list, NULL, &res);
	return err == OK ? compare(ctx, res, done) : err;
}

static enum err
apply(struct ctx *ctx, const struct migration *m)
{
	struct pg_args a = pg_args(ctx->arena);
	unsigned char sum[SHA256_BYTES];
	enum err err;

	checksum(m, sum);
	pg_int4(&a, m->version);
	pg_text(&a, str_of(m->name));
	pg_bytes(&a, (struct str){ (const char *)sum, sizeof(sum) });
	pg_begin(ctx);
	if ((err = pg_script(ctx, m->sql)) != OK)
		return err;
	pg_send(ctx, &query_migration_add, &a);
	return pg_commit(ctx, NULL, 0);
}

static enum err
apply_missing(struct ctx *ctx, int *applied)
{
	enum err err;
	int done = 0;

	if ((err = pg_script(ctx, ledger_sql)) != OK ||
	    (err = read_done(ctx, &done)) != OK)
		return err;
	for (const struct migration *m = &migrations[done]; m->version != 0;
	    m++) {
		if ((err = apply(ctx, m)) != OK)
			return err;
		(*applied)++;
	}
	return OK;
}

/* What is random per database, made once: the key of all search keys' hashes
 * and that of the paging cursors. */
static enum err
make_keys(struct ctx *ctx)
{
	static const struct { const char *name; size_t bytes; } keys[] = {
		{ "siphash_key", 16 },
		{ "cursor_key", 32 },
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		struct pg_args a = pg_args(ctx->arena);
		char *bytes = arena_alloc(ctx->arena, keys[i].bytes);

		random_bytes(bytes, keys[i].bytes);
		pg_text(&a, str_of(keys[i].name));
		pg_bytes(&a, (struct str){ bytes, keys[i].bytes });
		pg_send(ctx, &query_setting_add, &a);
	}
	return pg_flush(ctx, NULL, 0);
}

enum err
migrate(struct ctx *ctx, int *applied)
{
	struct pg_args a = pg_args(ctx->arena);
	enum err err;

	*applied = 0;
	pg_int8(&a, MIGRATE_LOCK);
	/* An index over a large table may take its time. */
	if ((err = pg_script(ctx, "set statement_timeout = 0")) != OK)
		return err;
	if ((err = pg_exec(ctx, &query_migration_lock, &a, NULL)) != OK)
		return err;
	if ((err = apply_missing(ctx, applied)) == OK)
		err = make_keys(ctx);
	if (pg_exec(ctx, &query_migration_unlock, &a, NULL) != OK)
		return ERR_UNAVAILABLE;
	return err;
}

enum err
migrate_check(struct ctx *ctx)
{
	PGresult *res;
	enum err err;
	int done = 0;

	if ((err = pg_exec(ctx, &query_migration_exists, NULL, &res)) != OK)
		return err;
	if (!pg_get_bool(res, 0, 0))
		return fail(ctx, ERR_CONFLICT, "the database has no schema: "
		    "run `twocare migrate`");
	if ((err = read_done(ctx, &done)) != OK)
		return err;
	if (migrations[done].version != 0)
		return fail(ctx, ERR_CONFLICT, "the database lacks migration "
		    "%04d_%s: run `twocare migrate`",
		    migrations[done].version, migrations[done].name);
	return OK;
}
