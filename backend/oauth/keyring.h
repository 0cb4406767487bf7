/*
 * The signing keys: made here, kept in the database with the private part
 * sealed under master.key, and passed on from state to state:
 *
 *   next      published, so that every verifier has it before its first use
 *   active    signs; there is at most one
 *   passive   signs no more, still verifies what it has signed
 *   retired   published no more
 */
#ifndef OAUTH_KEYRING_H
#define OAUTH_KEYRING_H

#include <libpq-fe.h>

#include "base/ctx.h"
#include "base/jose.h"

/* How long somebody may keep our JWK Set (its Cache-Control: max-age), and how
 * long a key is published before it signs: that and ten minutes. */
#define KEYRING_CACHE_S		300
#define KEYRING_PUBLISH_S	(KEYRING_CACHE_S + 600)

/* The largest difference of clocks that a verifier allows. */
#define KEYRING_SKEW_S		60

/* A key signs for so long; `twocare jobs` then rotates it by itself. */
#define KEYRING_LIFE_S		(90 * 86400)

/*
 * The private key with this kid, from a cache of this process or from the
 * database. ERR_INTERNAL when it cannot be opened (another master key, or a
 * row that was changed by hand: its kid is not that of the key).
 */
enum err	keyring_key(struct ctx *ctx, struct str kid,
		    const struct jose_private **key);

/*
 * One step of a rotation: without an active key the next one becomes active, or
 * a new one; with one, a next key is made; a next key that has been published
 * for KEYRING_PUBLISH_S (or with `now`, at once) becomes active and the old one
 * passive. *told gets a sentence on what was done.
 */
enum err	keyring_rotate(struct ctx *ctx, enum jose_alg alg, bool now,
		    struct str *told);

/* Make the first key; rotate when the active one is KEYRING_LIFE_S old. */
enum err	keyring_rotate_old(struct ctx *ctx);

/* Retire the passive keys whose last token has expired everywhere. */
enum err	keyring_retire_old(struct ctx *ctx);

/*
 * Retire a compromised key at once and have another sign; its tokens are
 * refused from the moment the edges know. ERR_NOT_FOUND for an unknown kid.
 */
enum err	keyring_revoke(struct ctx *ctx, struct str kid,
		    struct str reason, struct str *told);

/* All keys, the newest first: columns of query_key_list. */
enum err	keyring_list(struct ctx *ctx, PGresult **res);

#endif
