/*
 * Sets of keys: a JWK Set is loaded whole or refused whole. RFC 7517 5
 */

#include "base/jose.h"

#include <stdlib.h>

#include <openssl/crypto.h>

#include "base/jose_algorithm.h"

#define JWKS_BYTES_MAX		((size_t)256 * 1024)
#define JWKS_DEPTH_MAX		6

struct jose_keys {
	size_t		 count;
	uint64_t	 generation;
	struct jose_key	 key[JOSE_KEYS_MAX];
};

/* A JWK Set while it is read. */
struct loader {
	struct jdoc		 d;
	struct jose_keys	*keys;
	bool			 secret;
	size_t			 skipped;
	const char		*why;
};

static enum jose_error
refuse(struct loader *l, const char *why)
{
	l->why = why;
	return JOSE_KEY;
}

static enum jose_error
load_key(struct loader *l, uint32_t node)
{
	struct jose_key *key = &l->keys->key[l->keys->count];
	struct jose_jwk jwk = { &l->d, node, l->secret, NULL };
	enum jose_error error = jose_key_read(&jwk, key);

	if (error == JOSE_OK && key->algorithm == NULL) {
		l->skipped++;
		return JOSE_OK;
	}
	if (error != JOSE_OK)
		l->why = jwk.why;
	else if (jose_keys_find(l->keys, jose_key_kid(key)) != NULL)
		error = refuse(l, "two keys have one kid");
	if (error != JOSE_OK) {
		jose_key_wipe(key);
		return error;
	}
	l->keys->generation += key->print;
	l->keys->count++;
	return JOSE_OK;
}

static enum jose_error
load_set(struct loader *l)
{
	uint32_t array = jdoc_get(&l->d, 0, STR("keys"));
	enum jose_error error;

	if (array == 0 || jdoc_type(&l->d, array) != JDOC_ARRAY)
		return refuse(l, "there is no array \"keys\"");
	for (uint32_t i = jdoc_first(&l->d, array); i != 0;
	    i = jdoc_next(&l->d, array, i)) {
		if (l->keys->count == JOSE_KEYS_MAX)
			return refuse(l, "there are too many keys");
		error = load_key(l, i);
		if (error != JOSE_OK)
			return error;
	}
	return JOSE_OK;
}

/* Parse into nodes of the right size and load; the nodes are freed again. */
static enum jose_error
load_text(struct loader *l, struct str jwks)
{
	size_t room = jdoc_bound(jwks);
	struct jnode *nodes;
	enum jose_error error;

	if (jwks.n > JWKS_BYTES_MAX)
		return refuse(l, "the set is too large");
	nodes = calloc(room, sizeof(*nodes));
	if (nodes == NULL)
		return refuse(l, "out of memory");
	if (jdoc_parse(&l->d, jwks, nodes, room, JWKS_DEPTH_MAX) != JDOC_OK)
		error = refuse(l, jdoc_strerror(l->d.error));
	else
		error = load_set(l);
	free(nodes);
	return error;
}

static struct jose_keys *
load(struct loader *l, struct str jwks, size_t *skipped,
    enum jose_error *error, const char **why)
{
	l->keys = calloc(1, sizeof(*l->keys));
	*error = l->keys == NULL ? refuse(l, "out of memory") :
	    load_text(l, jwks);
	*why = l->why;
	if (skipped != NULL)
		*skipped = l->skipped;
	if (*error == JOSE_OK)
		return l->keys;
	jose_keys_free(l->keys);
	return NULL;
}

struct jose_keys *
jose_keys_load(struct str jwks, size_t *skipped, enum jose_error *error,
    const char **why)
{
	struct loader l = { .secret = false };

	return load(&l, jwks, skipped, error, why);
}

struct jose_keys *
jose_secrets_load(struct str jwks, size_t *skipped, enum jose_error *error,
    const char **why)
{
	struct loader l = { .secret = true };

	return load(&l, jwks, skipped, error, why);
}

void
jose_keys_free(struct jose_keys *keys)
{
	if (keys == NULL)
		return;
	for (size_t i = 0; i < keys->count; i++)
		jose_key_wipe(&keys->key[i]);
	free(keys);
}

size_t
jose_keys_count(const struct jose_keys *keys)
{
	return keys->count;
}

const struct jose_key *
jose_keys_at(const struct jose_keys *keys, size_t i)
{
	return &keys->key[i];
}

uint64_t
jose_keys_generation(const struct jose_keys *keys)
{
	return keys->generation;
}

const struct jose_key *
jose_keys_find(const struct jose_keys *keys, struct str kid)
{
	for (size_t i = 0; i < keys->count; i++)
		if (str_eq(jose_key_kid(&keys->key[i]), kid))
			return &keys->key[i];
	return NULL;
}
