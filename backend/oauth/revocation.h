/*
 * Revocations: what an administrator (or the revocation endpoint) takes back
 * before it expires. A row lives as long as anything it refuses could.
 */
#ifndef OAUTH_REVOCATION_H
#define OAUTH_REVOCATION_H

#include "base/ctx.h"
#include "base/state.h"

/* Whether value can be a jti, grant, sub, client id or kid: 1 to 128 visible
 * ASCII characters. */
bool		revocation_value_valid(struct str value);

/*
 * Revoke: the edges refuse it within a second. ERR_INVALID_PARAMETER for an
 * invalid value. Joins the caller's transaction when one is open.
 */
enum err	revocation_add(struct ctx *ctx, enum state_revoked_kind kind,
		    struct str value, struct str reason);

#endif
