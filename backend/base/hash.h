/*
 * Hashes: SipHash-2-4 for the keys of the store and the edge's tables (keyed,
 * so nobody can aim at a collision), SHA-256 and HMAC-SHA-256 for everything
 * that must be a secret's print. Allocates nothing after hash_init().
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stdint.h>

#include "base/str.h"

struct siphash_key { uint64_t k0, k1; };

/* The key from its 16 bytes, little endian. */
struct siphash_key	siphash_key(const unsigned char bytes[16]);

/* SipHash-2-4 with 64-bit result. Aumasson and Bernstein, 2012 */
uint64_t	siphash(struct siphash_key key, struct str s);

/* The same over parts, each preceded by its length, so that ("ab","c") and
 * ("a","bc") differ. */
uint64_t	siphash_parts(struct siphash_key key, const struct str *parts,
		    size_t count);

#define SHA256_BYTES	32

/* Fetch the digest once per process (or per nginx worker); false = OpenSSL is
 * broken. */
bool		hash_init(void);

/* Give that back: before a process ends, or its module is unloaded. */
void		hash_end(void);

void		sha256(struct str s, unsigned char out[SHA256_BYTES]);
void		hmac_sha256(struct str key, struct str s,
		    unsigned char out[SHA256_BYTES]);

/* n bytes from the kernel's random source; ends the process when it cannot. */
void		random_bytes(void *out, size_t n);

#endif
