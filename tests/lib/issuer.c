/* Issuers and examples for the tests of keys and tokens. */

#include "issuer.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#define FILE_MAX	65536

struct str
jwk_set(struct arena *arena, struct str jwk)
{
	return arena_printf(arena, "{\"keys\":[%.*s]}", STR_ARGS(jwk));
}

struct jose_keys *
jwk_set_load(struct str jwks)
{
	enum jose_error error;
	const char *why;

	return jose_keys_load(jwks, NULL, &error, &why);
}

struct issuer
issuer_new(struct arena *arena, enum jose_alg alg)
{
	static char pem[8192];
	size_t n = jose_private_new(alg, pem, sizeof(pem));
	char *jwk = arena_alloc(arena, 4096);
	struct issuer issuer;

	ck_assert_uint_gt(n, 0);
	issuer.key = jose_private_load((struct str){ pem, n }, alg);
	ck_assert_ptr_nonnull(issuer.key);
	issuer.jwk = (struct str){ jwk,
	    jose_private_jwk(issuer.key, jwk, 4096) };
	issuer.keys = jwk_set_load(jwk_set(arena, issuer.jwk));
	ck_assert_ptr_nonnull(issuer.keys);
	return issuer;
}

void
issuer_free(struct issuer *issuer)
{
	jose_private_free(issuer->key);
	jose_keys_free(issuer->keys);
}

struct jdoc
examples_read(struct arena *arena, const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = arena_alloc(arena, FILE_MAX);
	struct jdoc d;
	size_t n, room;

	ck_assert_msg(file != NULL, "%s: run the tests from the top", path);
	n = fread(text, 1, FILE_MAX, file);
	fclose(file);
	room = jdoc_bound((struct str){ text, n });
	ck_assert_int_eq(jdoc_parse(&d, (struct str){ text, n },
	    arena_array(arena, room, sizeof(struct jnode)), room, 8), JDOC_OK);
	return d;
}

struct str
example_text(const struct jdoc *d, uint32_t object, const char *name)
{
	uint32_t node = jdoc_get(d, object, str_of(name));

	ck_assert_msg(node != 0, "no member %s", name);
	return jdoc_raw(d, node);
}
