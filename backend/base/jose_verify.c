/*
 * Verifying: one signature, one key. What OpenSSL prepares for a key is made
 * once, when the key is loaded, and never lent to another key: a context that
 * is given a second key keeps the first.
 */

#include "base/jose_algorithm.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "base/hash.h"

#define DER_INTEGER_MAX	(2 + 1 + 66)
#define DER_MAX		(3 + 2 * DER_INTEGER_MAX)

/* r or s: 1 to the order of the curve - 1. RFC 7518 3.4, FIPS 186-4 6.4 */
static bool
part_fits(const unsigned char *part, const struct jose_algorithm *algorithm)
{
	unsigned char any = 0;

	for (size_t i = 0; i < algorithm->part_bytes; i++)
		any |= part[i];
	return any != 0 &&
	    memcmp(part, algorithm->order, algorithm->part_bytes) < 0;
}

/* An unsigned number of n bytes as a DER INTEGER; returns its bytes. */
static size_t
der_integer(const unsigned char *p, size_t n, unsigned char *out)
{
	size_t pad;

	while (n > 1 && p[0] == 0) {
		p++;
		n--;
	}
	pad = p[0] >> 7;
	out[0] = 0x02;
	out[1] = (unsigned char)(n + pad);
	out[2] = 0;
	memcpy(out + 2 + pad, p, n);
	return 2 + pad + n;
}

/* The raw r||s of a JWS as OpenSSL wants it; 0 when it cannot be one. */
static size_t
der_signature(const struct jose_algorithm *algorithm, struct str raw,
    unsigned char *out)
{
	const unsigned char *r = (const unsigned char *)raw.p;
	size_t part = algorithm->part_bytes, n, head;
	unsigned char body[2 * DER_INTEGER_MAX];

	if (raw.n != 2 * part || !part_fits(r, algorithm) ||
	    !part_fits(r + part, algorithm))
		return 0;
	n = der_integer(r, part, body);
	n += der_integer(r + part, part, body + n);
	out[0] = 0x30;
	head = 1;
	if (n >= 0x80)
		out[head++] = 0x81;
	out[head++] = (unsigned char)n;
	memcpy(out + head, body, n);
	return head + n;
}

bool
jose_verifier_set(struct jose_key *key)
{
	const struct jose_algorithm *algorithm = key->algorithm;
	int padding = algorithm->kind == JOSE_KIND_PSS ?
	    RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING;

	key->md = EVP_MD_fetch(NULL, algorithm->digest, NULL);
	key->hasher = EVP_MD_CTX_new();
	key->verifier = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);
	if (key->md != NULL && key->hasher != NULL && key->verifier != NULL &&
	    EVP_PKEY_verify_init(key->verifier) == 1 &&
	    EVP_PKEY_CTX_set_signature_md(key->verifier, key->md) == 1 &&
	    (algorithm->kind == JOSE_KIND_EC ||
	    EVP_PKEY_CTX_set_rsa_padding(key->verifier, padding) == 1) &&
	    (algorithm->kind != JOSE_KIND_PSS ||
	    EVP_PKEY_CTX_set_rsa_pss_saltlen(key->verifier,
	    RSA_PSS_SALTLEN_DIGEST) == 1))
		return true;
	ERR_clear_error();
	return false;
}

/* The digest, then the signature over it, by what the key keeps ready: of an
 * RSA verification a sixth is otherwise spent on looking methods up. */
static bool
verify_digest(const struct jose_key *key, struct str input,
    const unsigned char *signature, size_t n)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned digest_bytes;

	return EVP_DigestInit_ex2(key->hasher, key->md, NULL) == 1 &&
	    EVP_DigestUpdate(key->hasher, input.p, input.n) == 1 &&
	    EVP_DigestFinal_ex(key->hasher, digest, &digest_bytes) == 1 &&
	    EVP_PKEY_verify(key->verifier, signature, n, digest,
	    digest_bytes) == 1;
}

/* Of the whole text at once, in a context of its own: one that was used
 * cannot be used again. */
static bool
verify_text(const struct jose_key *key, struct str input,
    const unsigned char *signature, size_t n)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = ctx != NULL &&
	    EVP_DigestVerifyInit_ex(ctx, NULL, NULL, NULL, NULL, key->pkey,
	    NULL) == 1 &&
	    EVP_DigestVerify(ctx, signature, n,
	    (const unsigned char *)input.p, input.n) == 1;

	EVP_MD_CTX_free(ctx);
	return good;
}

static bool
verify_secret(const struct jose_key *key, struct str input,
    const unsigned char *signature, size_t n)
{
	unsigned char mac[SHA256_BYTES];
	bool good;

	hmac_sha256((struct str){ key->secret, key->secret_bytes }, input,
	    mac);
	good = n == sizeof(mac) && CRYPTO_memcmp(mac, signature, n) == 0;
	OPENSSL_cleanse(mac, sizeof(mac));
	return good;
}

static bool
verify(const struct jose_key *key, struct str input, struct str signature)
{
	const unsigned char *p = (const unsigned char *)signature.p;
	size_t n = signature.n;
	unsigned char der[DER_MAX];

	switch (key->algorithm->kind) {
	case JOSE_KIND_RSA:
	case JOSE_KIND_PSS:
		return verify_digest(key, input, p, n);
	case JOSE_KIND_EC:
		n = der_signature(key->algorithm, signature, der);
		return n > 0 && verify_digest(key, input, der, n);
	case JOSE_KIND_ED:
		return verify_text(key, input, p, n);
	case JOSE_KIND_HMAC:
		return verify_secret(key, input, p, n);
	case JOSE_KIND_REFUSED:
		break;
	}
	return false;
}

enum jose_error
jose_verify_raw(const struct jose_key *key, enum jose_alg alg,
    struct str signing_input, struct str signature)
{
	if (alg == JOSE_ALG_NONE || alg != key->algorithm->alg)
		return JOSE_ALG;
	if (signature.n > 0 && verify(key, signing_input, signature))
		return JOSE_OK;
	/* A failure leaves its reason in a queue that nobody reads. */
	ERR_clear_error();
	return JOSE_SIGNATURE;
}

enum jose_error
jose_verify(const struct jose_token *t, const struct jose_key *key)
{
	if (!str_eq(t->kid, jose_key_kid(key)))
		return JOSE_KID;
	return jose_verify_raw(key, t->alg, t->signing_input, t->signature);
}
