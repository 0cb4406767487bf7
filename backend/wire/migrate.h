/*
 * Migrations: sql/migrations/NNNN_name.sql, compiled in, applied forward only.
 * The table schema_migration remembers each one with the SHA-256 of its text.
 */
#ifndef WIRE_MIGRATE_H
#define WIRE_MIGRATE_H

#include "base/ctx.h"

struct migration {
	int		 version;
	const char	*name;
	const char	*sql;
};

/* In the order of their versions; ends with a row of version 0. */
extern const struct migration	migrations[];

/*
 * Apply what is missing, each migration in a transaction of its own, under an
 * advisory lock, so that several may be started at once. *applied counts them.
 * ERR_CONFLICT when the text of an applied migration has changed, or the
 * database is newer than this program.
 */
enum err	migrate(struct ctx *ctx, int *applied);

/* Whether the database has exactly our migrations; ERR_CONFLICT otherwise:
 * a worker refuses a schema that it does not know. */
enum err	migrate_check(struct ctx *ctx);

#endif
