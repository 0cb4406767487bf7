/*
 * Verifying: one signature, one key. Each verification has a context of its
 * own, because one that is used again keeps the key of its first use.
 */

#include "base/jose.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include "base/code.h"
#include "base/jose_algorithm.h"

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

static bool
verify(const struct jose_key *key, struct str input,
    const unsigned char *signature, size_t n)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = ctx != NULL &&
	    EVP_DigestVerifyInit_ex(ctx, NULL, key->algorithm->digest, NULL,
	    NULL, key->pkey, NULL) == 1 &&
	    EVP_DigestVerify(ctx, signature, n,
	    (const unsigned char *)input.p, input.n) == 1;

	EVP_MD_CTX_free(ctx);
	/* A failure leaves its reason in a queue that nobody reads. */
	if (!good)
		ERR_clear_error();
	return good;
}

enum jose_error
jose_verify_raw(const struct jose_key *key, enum jose_alg alg,
    struct str signing_input, struct str signature)
{
	unsigned char der[DER_MAX];
	const unsigned char *p = (const unsigned char *)signature.p;
	size_t n = signature.n;

	if (alg == JOSE_ALG_NONE || alg != key->algorithm->alg)
		return JOSE_ALG;
	if (key->algorithm->part_bytes > 0) {
		n = der_signature(key->algorithm, signature, der);
		p = der;
	}
	if (n == 0 || !verify(key, signing_input, p, n))
		return JOSE_SIGNATURE;
	return JOSE_OK;
}

enum jose_error
jose_verify(const struct jose_token *t, const struct jose_key *key)
{
	unsigned char signature[JOSE_SIGNATURE_MAX];
	size_t n;

	if (!str_eq(t->kid, jose_key_kid(key)))
		return JOSE_KID;
	if (t->signature_b64.n > (sizeof(signature) * 4 + 2) / 3)
		return JOSE_SIGNATURE;
	n = base64url_decode(t->signature_b64, signature);
	if (n == CODE_BAD)
		return JOSE_BASE64;
	return jose_verify_raw(key, t->alg, t->signing_input,
	    (struct str){ (const char *)signature, n });
}
