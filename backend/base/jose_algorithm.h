/*
 * The one table of JWS algorithms, and the inside of a public key: shared by
 * jose.c (tokens), jose_key.c (keys, verifying) and jose_sign.c, by nobody
 * else.
 */
#ifndef BASE_JOSE_ALGORITHM_H
#define BASE_JOSE_ALGORITHM_H

#include <openssl/types.h>

#include "base/jose.h"

/* One registered "alg". RFC 7518 3.1, RFC 8037 3.1, RFC 8812 3.2, RFC 9864 */
struct jose_algorithm {
	const char	*name;
	enum jose_alg	 alg;		/* JOSE_ALG_NONE: known and refused */
	const char	*kty;		/* of its keys, and their curve */
	const char	*crv;
	const char	*digest;	/* OpenSSL's name */
	const char	*group;		/* OpenSSL's name of the curve */
	size_t		 part_bytes;	/* of r and of s; RSA: 0 */
	const unsigned char *order;	/* of the curve, part_bytes */
};

/* The row called name, or of a supported alg; NULL when there is none. */
const struct jose_algorithm	*jose_algorithm_named(struct str name);
const struct jose_algorithm	*jose_algorithm_of(enum jose_alg alg);

/* The supported row that a key without "alg" is bound to. */
const struct jose_algorithm	*jose_algorithm_for(struct str kty,
				    struct str crv);

/* True for a kid as we take it: 1-128 printable ASCII bytes, no blank. */
bool	jose_kid_fits(struct str kid);

struct jose_key {
	const struct jose_algorithm	*algorithm;
	EVP_PKEY			*pkey;
	size_t				 kid_bytes;
	char				 kid[JOSE_KID_MAX];
	uint64_t			 print;	/* of kid, alg and material */
};

#endif
