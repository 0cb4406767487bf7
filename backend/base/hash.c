/* SipHash-2-4 as its paper has it, and SHA-256 by OpenSSL. */

#include "base/hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#define SHA256_BLOCK	64

/* The state of SipHash between words; `word` collects up to 7 odd bytes. */
struct sip {
	uint64_t	v0, v1, v2, v3;
	uint64_t	word;
	unsigned	in_word;
	uint64_t	total;
};

/* One process is one thread: one context serves all digests. */
static EVP_MD		*sha256_md;
static EVP_MD_CTX	*sha256_ctx;

static uint64_t
load_le64(const void *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	word = __builtin_bswap64(word);
#endif
	return word;
}

static uint64_t
rotate(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static void
sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v1 = rotate(s->v1, 13) ^ s->v0;
	s->v0 = rotate(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = rotate(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = rotate(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = rotate(s->v1, 17) ^ s->v2;
	s->v2 = rotate(s->v2, 32);
}

static void
sip_word(struct sip *s, uint64_t word)
{
	s->v3 ^= word;
	sip_round(s);
	sip_round(s);
	s->v0 ^= word;
}

static struct sip
sip_begin(struct siphash_key key)
{
	return (struct sip){
		.v0 = key.k0 ^ UINT64_C(0x736f6d6570736575),
		.v1 = key.k1 ^ UINT64_C(0x646f72616e646f6d),
		.v2 = key.k0 ^ UINT64_C(0x6c7967656e657261),
		.v3 = key.k1 ^ UINT64_C(0x7465646279746573),
	};
}

static void
sip_byte(struct sip *s, unsigned char byte)
{
	s->word |= (uint64_t)byte << (8 * s->in_word);
	if (++s->in_word == 8) {
		sip_word(s, s->word);
		s->word = 0;
		s->in_word = 0;
	}
}

static void
sip_add(struct sip *s, const char *p, size_t n)
{
	s->total += n;
	while (n > 0 && s->in_word != 0) {
		sip_byte(s, (unsigned char)*p++);
		n--;
	}
	for (; n >= 8; p += 8, n -= 8)
		sip_word(s, load_le64(p));
	for (; n > 0; n--)
		sip_byte(s, (unsigned char)*p++);
}

static uint64_t
sip_end(struct sip *s)
{
	sip_word(s, s->word | s->total << 56);
	s->v2 ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(s);
	return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

struct siphash_key
siphash_key(const unsigned char bytes[16])
{
	return (struct siphash_key){ load_le64(bytes), load_le64(bytes + 8) };
}

uint64_t
siphash(struct siphash_key key, struct str s)
{
	struct sip sip = sip_begin(key);

	sip_add(&sip, s.p, s.n);
	return sip_end(&sip);
}

uint64_t
siphash_parts(struct siphash_key key, const struct str *parts, size_t count)
{
	struct sip sip = sip_begin(key);

	for (size_t i = 0; i < count; i++) {
		uint64_t n = parts[i].n;
		char length[8];

		for (size_t byte = 0; byte < sizeof(length); byte++)
			length[byte] = (char)(unsigned char)(n >> (8 * byte));
		sip_add(&sip, length, sizeof(length));
		sip_add(&sip, parts[i].p, parts[i].n);
	}
	return sip_end(&sip);
}

void
hash_end(void)
{
	EVP_MD_CTX_free(sha256_ctx);
	EVP_MD_free(sha256_md);
	sha256_ctx = NULL;
	sha256_md = NULL;
}

bool
hash_init(void)
{
	if (sha256_ctx != NULL)
		return true;
	sha256_md = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (sha256_md == NULL)
		return false;
	sha256_ctx = EVP_MD_CTX_new();
	if (sha256_ctx != NULL &&
	    EVP_DigestInit_ex2(sha256_ctx, sha256_md, NULL) == 1)
		return true;
	hash_end();
	return false;
}

/* The digest of two parts. A digest cannot fail but by a broken library. */
static void
sha256_two(struct str a, struct str b, unsigned char out[SHA256_BYTES])
{
	if (!hash_init() ||
	    EVP_DigestInit_ex2(sha256_ctx, sha256_md, NULL) != 1 ||
	    EVP_DigestUpdate(sha256_ctx, a.p, a.n) != 1 ||
	    EVP_DigestUpdate(sha256_ctx, b.p, b.n) != 1 ||
	    EVP_DigestFinal_ex(sha256_ctx, out, NULL) != 1) {
		fputs("level=error event=sha256_failed\n", stderr);
		abort();
	}
}

void
sha256(struct str s, unsigned char out[SHA256_BYTES])
{
	sha256_two(s, STR_NONE, out);
}

/* RFC 2104 */
void
hmac_sha256(struct str key, struct str s, unsigned char out[SHA256_BYTES])
{
	char pad[SHA256_BLOCK] = { 0 };
	unsigned char inner[SHA256_BYTES];

	if (key.n > sizeof(pad))
		sha256(key, (unsigned char *)pad);
	else if (key.n > 0)
		memcpy(pad, key.p, key.n);
	for (size_t i = 0; i < sizeof(pad); i++)
		pad[i] ^= 0x36;
	sha256_two((struct str){ pad, sizeof(pad) }, s, inner);
	for (size_t i = 0; i < sizeof(pad); i++)
		pad[i] ^= 0x36 ^ 0x5c;
	sha256_two((struct str){ pad, sizeof(pad) },
	    (struct str){ (const char *)inner, sizeof(inner) }, out);
	OPENSSL_cleanse(pad, sizeof(pad));
	OPENSSL_cleanse(inner, sizeof(inner));
}

void
random_bytes(void *out, size_t n)
{
	unsigned char *p = out;

	while (n > 0) {
		ssize_t got = getrandom(p, n, 0);

		if (got <= 0) {
			fputs("level=error event=random_failed\n", stderr);
			abort();
		}
		p += got;
		n -= (size_t)got;
	}
}
