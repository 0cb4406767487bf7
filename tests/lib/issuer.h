/*
 * What the tests of keys and tokens share: issuers with a key each, and the
 * examples of the RFCs.
 */
#ifndef TESTS_LIB_ISSUER_H
#define TESTS_LIB_ISSUER_H

#include "base/arena.h"
#include "base/jdoc.h"
#include "base/jose.h"

/* One issuer: its private key, and its JWK alone and as a loaded set. */
struct issuer {
	struct jose_private	*key;
	struct jose_keys	*keys;
	struct str		 jwk;
};

/* A new one; the JWK lives in arena. */
struct issuer	issuer_new(struct arena *arena, enum jose_alg alg);
void		issuer_free(struct issuer *issuer);

/* {"keys":[jwk]} */
struct str	jwk_set(struct arena *arena, struct str jwk);

/* jose_keys_load without its side results. */
struct jose_keys	*jwk_set_load(struct str jwks);

/* A file of examples, parsed; and a member's text, which must be there. */
struct jdoc	examples_read(struct arena *arena, const char *path);
struct str	example_text(const struct jdoc *d, uint32_t object,
		    const char *name);

#endif
