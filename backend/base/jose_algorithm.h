/*
 * The one table of JWS algorithms, and the inside of a key: shared by jose.c
 * (tokens), jose_key.c and jose_keys.c (keys and sets of them), jose_verify.c
 * and jose_sign.c, by nobody else.
 */
#ifndef BASE_JOSE_ALGORITHM_H
#define BASE_JOSE_ALGORITHM_H

#include <openssl/types.h>

#include "base/jose.h"

/* How a signature is made, and of what a key is. */
enum jose_kind {
	JOSE_KIND_REFUSED = 0,	/* known by name alone */
	JOSE_KIND_RSA,		/* RSASSA-PKCS1-v1_5. RFC 7518 3.3 */
	JOSE_KIND_PSS,		/* RSASSA-PSS, its salt a digest long. 3.5 */
	JOSE_KIND_EC,		/* ECDSA, r then s. 3.4 */
	JOSE_KIND_ED,		/* Ed25519: no digest before. RFC 8037 3.1 */
	JOSE_KIND_HMAC		/* a shared secret. RFC 7518 3.2 */
};

/* One registered "alg". RFC 7518 3.1, RFC 8037 3.1, RFC 8812 3.2, RFC 9864 */
struct jose_algorithm {
	const char	*name;
	enum jose_alg	 alg;		/* JOSE_ALG_NONE: known and refused */
	enum jose_kind	 kind;
	const char	*kty;		/* of its keys, and their curve */
	const char	*crv;
	const char	*digest;	/* OpenSSL's name */
	const char	*group;		/* OpenSSL's name of the curve */
	size_t		 part_bytes;	/* EC: of r and of s; ED: of the key */
	const unsigned char *order;	/* EC: of the curve, part_bytes */
};

/* The row called name, or of a supported alg; NULL when there is none. */
const struct jose_algorithm	*jose_algorithm_named(struct str name);
const struct jose_algorithm	*jose_algorithm_of(enum jose_alg alg);

/* The supported row that a key without "alg" is bound to: the first. */
const struct jose_algorithm	*jose_algorithm_for(struct str kty,
				    struct str crv);

/* True for a kid as we take it: 1-128 printable ASCII bytes, no blank. */
bool	jose_kid_fits(struct str kid);

/* A secret longer than that gains nothing: HMAC hashes it first. */
#define JOSE_SECRET_MAX		512

struct jose_key {
	const struct jose_algorithm	*algorithm;
	EVP_PKEY			*pkey;		/* NULL: a secret */
	EVP_PKEY_CTX			*verifier;	/* of RSA, PSS, EC */
	EVP_MD				*md;		/* of these */
	EVP_MD_CTX			*hasher;
	size_t				 kid_bytes;
	char				 kid[JOSE_KID_MAX];
	size_t				 secret_bytes;
	char				 secret[JOSE_SECRET_MAX];
	uint64_t			 print;	/* of kid, alg and material */
};

/*
 * One JWK while it is read: node of d. With `secret` only symmetric keys fit,
 * without it only public ones. why is set with each JOSE_KEY.
 */
struct jose_jwk {
	const struct jdoc	*d;
	uint32_t		 node;
	bool			 secret;
	const char		*why;
};

/*
 * Read, check and bind one JWK into *key, which is zeroed. key->algorithm is
 * NULL afterwards when it is of a kind that we skip. JOSE_KEY: refused; the
 * key must be wiped in either case.
 */
enum jose_error	jose_key_read(struct jose_jwk *jwk, struct jose_key *key);
void		jose_key_wipe(struct jose_key *key);

/* Make a key's pkey ready to verify; false when OpenSSL cannot. */
bool		jose_verifier_set(struct jose_key *key);

#endif
