/* Signing keys: sealing, the cache of a process, and the way through states. */

#include "oauth/keyring.h"

#include <sodium.h>

#include "base/conf.h"
#include "base/state.h"
#include "oauth/revocation.h"
#include "oauth/secret.h"
#include "queries.h"
#include "wire/pg.h"

#define PEM_BYTES_MAX	8192
#define JWK_BYTES_MAX	4096

_Static_assert(crypto_secretbox_KEYBYTES == SECRET_KEY_BYTES,
    "master.key fits crypto_secretbox");

/* --- sealing ------------------------------------------------------------- */

/* nonce, then the box */
static enum err
seal(struct ctx *ctx, struct str pem, struct str *out)
{
	const unsigned char *master;
	enum err err = secret_key(ctx, SECRET_MASTER, &master);
	size_t n = crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES +
	    pem.n;
	unsigned char *p = arena_alloc(ctx->arena, n);

	if (err != OK)
		return err;
	randombytes_buf(p, crypto_secretbox_NONCEBYTES);
	(void)crypto_secretbox_easy(p + crypto_secretbox_NONCEBYTES,
	    (const unsigned char *)pem.p, pem.n, p, master);
	*out = (struct str){ (const char *)p, n };
	return OK;
}

/* The PEM in room (of PEM_BYTES_MAX); the caller wipes it. */
static enum err
unseal(struct ctx *ctx, struct str sealed, char *room, struct str *pem)
{
	const unsigned char *p = (const unsigned char *)sealed.p;
	const unsigned char *master;
	const size_t head = crypto_secretbox_NONCEBYTES;
	const size_t extra = head + crypto_secretbox_MACBYTES;
	enum err err = secret_key(ctx, SECRET_MASTER, &master);

	if (err != OK)
		return err;
	if (sealed.n <= extra || sealed.n - extra > PEM_BYTES_MAX ||
	    crypto_secretbox_open_easy((unsigned char *)room, p + head,
	    sealed.n - head, p, master) != 0)
		return fail(ctx, ERR_INTERNAL, "a signing key cannot be opened "
		    "with this master.key");
	*pem = (struct str){ room, sealed.n - extra };
	return OK;
}

static enum jose_alg
alg_named(struct str name)
{
	for (int i = JOSE_ALG_NONE + 1; i < JOSE_ALG__MAX; i++)
		if (str_eqz(name, jose_alg_name(i)))
			return i;
	return JOSE_ALG_NONE;
}

static enum err
open_key(struct ctx *ctx, struct str kid, struct str alg, struct str sealed,
    struct jose_private **key)
{
	char room[PEM_BYTES_MAX];
	struct str pem = STR_NONE;
	enum err err = unseal(ctx, sealed, room, &pem);

	if (err != OK)
		return err;
	*key = jose_private_load(pem, alg_named(alg));
	explicit_bzero(room, sizeof(room));
	/* The kid is the thumbprint, so a row of another key shows here. */
	if (*key != NULL && str_eq(jose_private_kid(*key), kid))
		return OK;
	jose_private_free(*key);
	return fail(ctx, ERR_INTERNAL, "a signing key is not the one that its "
	    "row names");
}

enum err
keyring_key(struct ctx *ctx, struct str kid, const struct jose_private **key)
{
	static struct jose_private *cached;
	struct pg_args a = pg_args(ctx->arena);
	struct jose_private *fresh;
	PGresult *res;
	enum err err;

	if (cached != NULL && str_eq(jose_private_kid(cached), kid)) {
		*key = cached;
		return OK;
	}
	pg_text(&a, kid);
	if ((err = pg_exec(ctx, &query_key_sealed, &a, &res)) != OK)
		return err;
	if (PQntuples(res) == 0)
		return fail(ctx, ERR_UNAVAILABLE, "the signing key has just "
		    "changed; try again");
	err = open_key(ctx, kid, pg_get_str(res, 0, 0), pg_get_str(res, 0, 1),
	    &fresh);
	if (err != OK)
		return err;
	jose_private_free(cached);
	*key = cached = fresh;
	return OK;
}

/* --- the way through the states ------------------------------------------ */

/* What a rotation looks at: the keys that have a role in it. */
struct ring {
	struct str	active;		/* kids; n = 0 when there is none */
	struct str	next;
	int64_t		active_s;	/* since it became so */
	int64_t		next_s;
};

/* Read the ring; nobody else changes it until commit. */
static enum err
lock_ring(struct ctx *ctx, struct ring *ring)
{
	PGresult *res;
	enum err err;

	*ring = (struct ring){ .active_s = 0 };
	pg_begin(ctx);
	if ((err = pg_exec(ctx, &query_key_lock, NULL, NULL)) != OK ||
	    (err = keyring_list(ctx, &res)) != OK)
		return err;
	for (int i = 0; i < PQntuples(res); i++) {
		struct str state = pg_get_str(res, i, 2);

		if (str_eqz(state, "active")) {
			ring->active = pg_get_str(res, i, 0);
			ring->active_s = pg_get_int8(res, i, 6);
		} else if (str_eqz(state, "next")) {
			ring->next = pg_get_str(res, i, 0);
			ring->next_s = pg_get_int8(res, i, 6);
		}
	}
	return OK;
}

static enum err
set_state(struct ctx *ctx, struct str kid, const char *state)
{
	struct pg_args a = pg_args(ctx->arena);

	pg_text(&a, kid);
	pg_text(&a, str_of(state));
	return pg_exec(ctx, &query_key_set_state, &a, NULL);
}

static enum err
insert_key(struct ctx *ctx, const struct jose_private *key, enum jose_alg alg,
    const char *state, struct str pem)
{
	struct pg_args a = pg_args(ctx->arena);
	char *jwk = arena_alloc(ctx->arena, JWK_BYTES_MAX);
	size_t n = jose_private_jwk(key, jwk, JWK_BYTES_MAX);
	struct str sealed;
	enum err err;

	if (n == 0)
		return fail(ctx, ERR_INTERNAL, "a new key has no public form");
	if ((err = seal(ctx, pem, &sealed)) != OK)
		return err;
	pg_text(&a, jose_private_kid(key));
	pg_text(&a, str_of(jose_alg_name(alg)));
	pg_text(&a, str_of(state));
	pg_text(&a, (struct str){ jwk, n });
	pg_bytes(&a, sealed);
	return pg_exec(ctx, &query_key_insert, &a, NULL);
}

static enum err
make_key(struct ctx *ctx, enum jose_alg alg, const char *state,
    struct str *kid)
{
	char pem[PEM_BYTES_MAX];
	size_t n = jose_private_new(alg, pem, sizeof(pem));
	struct jose_private *key = NULL;
	enum err err;

	if (n > 0)
		key = jose_private_load((struct str){ pem, n }, alg);
	if (key == NULL)
		err = fail(ctx, ERR_INTERNAL, "a new key could not be made");
	else
		err = insert_key(ctx, key, alg, state, (struct str){ pem, n });
	if (err == OK)
		*kid = arena_str(ctx->arena, jose_private_kid(key));
	explicit_bzero(pem, sizeof(pem));
	jose_private_free(key);
	return err;
}

/* The old one first: there is never more than one active key. */
static enum err
promote(struct ctx *ctx, const struct ring *ring, struct str *told)
{
	enum err err;

	if (ring->active.n > 0 &&
	    (err = set_state(ctx, ring->active, "passive")) != OK)
		return err;
	*told = arena_printf(ctx->arena, "key %.*s is active now",
	    STR_ARGS(ring->next));
	return set_state(ctx, ring->next, "active");
}

static enum err
step(struct ctx *ctx, struct ring *ring, enum jose_alg alg, bool now,
    struct str *told)
{
	struct str kid;
	enum err err;

	if (ring->active.n == 0 && ring->next.n == 0) {
		err = make_key(ctx, alg, "active", &kid);
		if (err == OK)
			*told = arena_printf(ctx->arena, "key %.*s was made "
			    "and is active now", STR_ARGS(kid));
		return err;
	}
	if (ring->next.n == 0) {
		if ((err = make_key(ctx, alg, "next", &ring->next)) != OK)
			return err;
		if (!now) {
			*told = arena_printf(ctx->arena, "key %.*s was made "
			    "and is published; rotate again in %d minutes to "
			    "make it active", STR_ARGS(ring->next),
			    KEYRING_PUBLISH_S / 60);
			return OK;
		}
	}
	if (now || ring->active.n == 0 || ring->next_s >= KEYRING_PUBLISH_S)
		return promote(ctx, ring, told);
	*told = arena_printf(ctx->arena, "key %.*s is published for %lld s; it "
	    "can become active after %d s (--now does not wait)",
	    STR_ARGS(ring->next), (long long)ring->next_s, KEYRING_PUBLISH_S);
	return OK;
}

static enum err
commit_or_undo(struct ctx *ctx, enum err err)
{
	if (err == OK)
		return pg_commit(ctx, NULL, 0);
	pg_rollback(ctx);
	return err;
}

enum err
keyring_rotate(struct ctx *ctx, enum jose_alg alg, bool now, struct str *told)
{
	struct ring ring;
	enum err err = lock_ring(ctx, &ring);

	if (err == OK)
		err = step(ctx, &ring, alg, now, told);
	return commit_or_undo(ctx, err);
}

enum err
keyring_rotate_old(struct ctx *ctx)
{
	struct ring ring;
	struct str told;
	enum err err = lock_ring(ctx, &ring);

	if (err == OK && (ring.active.n == 0 ||
	    ring.active_s >= KEYRING_LIFE_S))
		err = step(ctx, &ring, JOSE_RS256, false, &told);
	return commit_or_undo(ctx, err);
}

/* Seconds that a key must verify after its last signature. */
static enum err
passive_life(struct ctx *ctx, int32_t *seconds)
{
	struct pg_args a = pg_args(ctx->arena);
	PGresult *res;
	enum err err;

	pg_int4(&a, (int32_t)ctx->conf->token_ttl_s);
	err = pg_exec(ctx, &query_token_life_longest, &a, &res);
	if (err == OK)
		*seconds = pg_get_int4(res, 0, 0) + KEYRING_SKEW_S +
		    KEYRING_CACHE_S;
	return err;
}

enum err
keyring_retire_old(struct ctx *ctx)
{
	struct pg_args a = pg_args(ctx->arena);
	int32_t seconds;
	PGresult *res;
	enum err err = passive_life(ctx, &seconds);

	if (err != OK)
		return err;
	pg_int4(&a, seconds);
	err = pg_exec(ctx, &query_key_retire_due, &a, &res);
	if (err != OK || !pg_get_bool(res, 0, 0))
		return err;
	return pg_exec(ctx, &query_key_retire, &a, NULL);
}

static enum err
revoke_in_ring(struct ctx *ctx, struct ring *ring, struct str kid,
    struct str reason, struct str *told)
{
	enum err err;

	if ((err = set_state(ctx, kid, "retired")) != OK ||
	    (err = revocation_add(ctx, STATE_REVOKED_KEY, kid, reason)) != OK)
		return err;
	*told = STR("the key is retired");
	if (str_eq(ring->next, kid))
		ring->next = STR_NONE;
	if (!str_eq(ring->active, kid))
		return OK;
	ring->active = STR_NONE;
	return step(ctx, ring, JOSE_RS256, true, told);
}

enum err
keyring_revoke(struct ctx *ctx, struct str kid, struct str reason,
    struct str *told)
{
	struct pg_args a = pg_args(ctx->arena);
	struct ring ring;
	PGresult *res;
	enum err err = lock_ring(ctx, &ring);

	pg_text(&a, kid);
	if (err == OK)
		err = pg_exec(ctx, &query_key_sealed, &a, &res);
	if (err == OK && PQntuples(res) == 0)
		err = fail(ctx, ERR_NOT_FOUND, "there is no key %.*s in use",
		    STR_ARGS(kid));
	if (err == OK)
		err = revoke_in_ring(ctx, &ring, kid, reason, told);
	return commit_or_undo(ctx, err);
}

enum err
keyring_list(struct ctx *ctx, PGresult **res)
{
	return pg_exec(ctx, &query_key_list, NULL, res);
}
