/* Rows of revocation, made. */

#include "oauth/revocation.h"

#include "base/conf.h"
#include "oauth/keyring.h"
#include "queries.h"
#include "wire/pg.h"

#define VALUE_MAX	128

bool
revocation_value_valid(struct str value)
{
	if (value.n == 0 || value.n > VALUE_MAX)
		return false;
	for (size_t i = 0; i < value.n; i++)
		if (value.p[i] <= 0x20 || value.p[i] >= 0x7f)
			return false;
	return true;
}

/* As long as the longest-lived token, and what clocks may differ. */
static enum err
life(struct ctx *ctx, int32_t *seconds)
{
	struct pg_args a = pg_args(ctx->arena);
	PGresult *res;
	enum err err;

	pg_int4(&a, (int32_t)ctx->conf->token_ttl_s);
	err = pg_exec(ctx, &query_token_life_longest, &a, &res);
	if (err == OK)
		*seconds = pg_get_int4(res, 0, 0) + KEYRING_SKEW_S;
	return err;
}

enum err
revocation_add(struct ctx *ctx, enum state_revoked_kind kind, struct str value,
    struct str reason)
{
	struct pg_args a = pg_args(ctx->arena);
	int32_t seconds;
	enum err err;

	if (!revocation_value_valid(value))
		return fail(ctx, ERR_INVALID_PARAMETER, "what is revoked is "
		    "named by 1 to %d visible characters", VALUE_MAX);
	if ((err = life(ctx, &seconds)) != OK)
		return err;
	pg_int2(&a, (int16_t)kind);
	pg_text(&a, value);
	pg_int4(&a, seconds);
	pg_text(&a, reason);
	return pg_exec(ctx, &query_revocation_insert, &a, NULL);
}
