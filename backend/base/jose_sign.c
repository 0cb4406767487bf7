/*
 * Private keys and signing: for the issuer, and for the tests of who verifies.
 */

#include "base/jose_algorithm.h"

#include <stdio.h>
#include <stdlib.h>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "base/code.h"
#include "base/hash.h"

#define RSA_BITS_NEW	2048
#define RSA_BITS_MIN	2048
#define RSA_BITS_MAX	8192
#define PART_MAX	66			/* of P-521 */
#define ED_BYTES_MAX	57			/* of Ed448 */
#define B64(bytes)	(((bytes) * 4 + 2) / 3)
#define JWK_MAX		(B64(JOSE_SIGNATURE_MAX) + 512)
#define KID_CHARS	B64(SHA256_BYTES)
#define HEADER_MAX	512

struct jose_private {
	const struct jose_algorithm	*algorithm;
	EVP_PKEY			*pkey;
	size_t				 jwk_bytes;
	char				 kid[KID_CHARS];
	char				 jwk[JWK_MAX];
};

/* A public number of a key in base64url, as JWK has it. */
struct number {
	char	text[B64(JOSE_SIGNATURE_MAX) + 1];
};

static EVP_PKEY *
pkey_new(const struct jose_algorithm *algorithm)
{
	switch (algorithm->kind) {
	case JOSE_KIND_RSA:
	case JOSE_KIND_PSS:
		return EVP_PKEY_Q_keygen(NULL, NULL, "RSA",
		    (size_t)RSA_BITS_NEW);
	case JOSE_KIND_EC:
		return EVP_PKEY_Q_keygen(NULL, NULL, "EC", algorithm->group);
	case JOSE_KIND_ED:
		return EVP_PKEY_Q_keygen(NULL, NULL, algorithm->group);
	case JOSE_KIND_HMAC:
	case JOSE_KIND_REFUSED:
		break;
	}
	return NULL;
}

size_t
jose_private_new(enum jose_alg alg, char *out, size_t room)
{
	const struct jose_algorithm *algorithm = jose_algorithm_of(alg);
	EVP_PKEY *pkey = algorithm == NULL ? NULL : pkey_new(algorithm);
	BIO *bio = BIO_new(BIO_s_secmem());
	size_t n = 0;
	char *pem;
	long length;

	if (pkey != NULL && bio != NULL && PEM_write_bio_PKCS8PrivateKey(bio,
	    pkey, NULL, NULL, 0, NULL, NULL) == 1) {
		length = BIO_get_mem_data(bio, &pem);
		if (length > 0 && (size_t)length <= room) {
			memcpy(out, pem, (size_t)length);
			n = (size_t)length;
		}
	}
	BIO_free(bio);
	EVP_PKEY_free(pkey);
	return n;
}

/* Put the number called `name` of pkey into *out, padded to n bytes when n is
 * not 0. */
static bool
number_get(const EVP_PKEY *pkey, const char *name, size_t n,
    struct number *out)
{
	unsigned char raw[JOSE_SIGNATURE_MAX];
	BIGNUM *number = NULL;
	bool fine = false;

	if (EVP_PKEY_get_bn_param(pkey, name, &number) != 1)
		return false;
	if (n == 0)
		n = (size_t)BN_num_bytes(number);
	if (n <= sizeof(raw) && BN_bn2binpad(number, raw, (int)n) == (int)n) {
		size_t chars = base64url_encode(
		    (struct str){ (const char *)raw, n }, out->text);

		out->text[chars] = '\0';
		fine = true;
	}
	BN_free(number);
	return fine;
}

/* The thumbprint of the members that RFC 7638 3.2 names, in their order. */
static void
kid_set(struct jose_private *key, struct str members)
{
	unsigned char digest[SHA256_BYTES];

	sha256(members, digest);
	base64url_encode((struct str){ (const char *)digest, sizeof(digest) },
	    key->kid);
}

/* Write the kid, which is the print of members, and the JWK. */
static bool
jwk_set(struct jose_private *key, const char *members, int members_bytes)
{
	int n;

	if (members_bytes < 0 || members_bytes >= JWK_MAX)
		return false;
	kid_set(key, (struct str){ members, (size_t)members_bytes });
	n = snprintf(key->jwk, sizeof(key->jwk),
	    "{\"kid\":\"%.*s\",\"alg\":\"%s\",\"use\":\"sig\",%s",
	    (int)KID_CHARS, key->kid, key->algorithm->name, members + 1);
	if (n < 0 || (size_t)n >= sizeof(key->jwk))
		return false;
	key->jwk_bytes = (size_t)n;
	return true;
}

static bool
rsa_set(struct jose_private *key)
{
	char members[JWK_MAX];
	struct number n, e;
	int bits = EVP_PKEY_get_bits(key->pkey);

	return EVP_PKEY_is_a(key->pkey, "RSA") && bits >= RSA_BITS_MIN &&
	    bits <= RSA_BITS_MAX &&
	    number_get(key->pkey, OSSL_PKEY_PARAM_RSA_N, 0, &n) &&
	    number_get(key->pkey, OSSL_PKEY_PARAM_RSA_E, 0, &e) &&
	    jwk_set(key, members, snprintf(members, sizeof(members),
	    "{\"e\":\"%s\",\"kty\":\"RSA\",\"n\":\"%s\"}", e.text, n.text));
}

static bool
ec_set(struct jose_private *key)
{
	char members[JWK_MAX];
	struct number x, y;
	size_t part = key->algorithm->part_bytes;
	char group[64];

	return EVP_PKEY_is_a(key->pkey, "EC") &&
	    EVP_PKEY_get_group_name(key->pkey, group, sizeof(group),
	    NULL) == 1 && strcmp(group, key->algorithm->group) == 0 &&
	    number_get(key->pkey, OSSL_PKEY_PARAM_EC_PUB_X, part, &x) &&
	    number_get(key->pkey, OSSL_PKEY_PARAM_EC_PUB_Y, part, &y) &&
	    jwk_set(key, members, snprintf(members, sizeof(members),
	    "{\"crv\":\"%s\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}",
	    key->algorithm->crv, x.text, y.text));
}

/* RFC 8037 2 */
static bool
ed_set(struct jose_private *key)
{
	char members[JWK_MAX], x[B64(ED_BYTES_MAX)];
	unsigned char raw[ED_BYTES_MAX];
	size_t n = sizeof(raw), chars;

	if (!EVP_PKEY_is_a(key->pkey, key->algorithm->group) ||
	    EVP_PKEY_get_raw_public_key(key->pkey, raw, &n) != 1)
		return false;
	chars = base64url_encode((struct str){ (const char *)raw, n }, x);
	return jwk_set(key, members, snprintf(members, sizeof(members),
	    "{\"crv\":\"%s\",\"kty\":\"OKP\",\"x\":\"%.*s\"}",
	    key->algorithm->crv, (int)chars, x));
}

/* Find the public half; false when pkey is not of the algorithm's kind. */
static bool
public_set(struct jose_private *key)
{
	switch (key->algorithm->kind) {
	case JOSE_KIND_RSA:
	case JOSE_KIND_PSS:
		return rsa_set(key);
	case JOSE_KIND_EC:
		return ec_set(key);
	case JOSE_KIND_ED:
		return ed_set(key);
	case JOSE_KIND_HMAC:
	case JOSE_KIND_REFUSED:
		break;
	}
	return false;
}

/* A key file with a passphrase is refused, not asked for. */
static int
no_passphrase(char *out, int room, int writing, void *unused)
{
	(void)out;
	(void)room;
	(void)writing;
	(void)unused;
	return -1;
}

struct jose_private *
jose_private_load(struct str pem, enum jose_alg alg)
{
	struct jose_private *key = calloc(1, sizeof(*key));
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);

	if (key == NULL || bio == NULL)
		goto fail;
	key->algorithm = jose_algorithm_of(alg);
	key->pkey = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
	if (key->algorithm == NULL || key->pkey == NULL || !public_set(key))
		goto fail;
	BIO_free(bio);
	return key;
fail:
	ERR_clear_error();
	BIO_free(bio);
	jose_private_free(key);
	return NULL;
}

void
jose_private_free(struct jose_private *key)
{
	if (key == NULL)
		return;
	EVP_PKEY_free(key->pkey);
	free(key);
}

size_t
jose_private_jwk(const struct jose_private *key, char *out, size_t room)
{
	if (key->jwk_bytes > room)
		return 0;
	memcpy(out, key->jwk, key->jwk_bytes);
	return key->jwk_bytes;
}

struct str
jose_private_kid(const struct jose_private *key)
{
	return (struct str){ key->kid, sizeof(key->kid) };
}

enum jose_alg
jose_private_alg(const struct jose_private *key)
{
	return key->algorithm->alg;
}

/* OpenSSL's DER signature as r||s. */
static size_t
raw_signature(const unsigned char *der, size_t n, size_t part,
    unsigned char *out)
{
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)n);
	size_t made = 0;

	if (sig != NULL &&
	    BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, (int)part) == (int)part &&
	    BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + part, (int)part) ==
	    (int)part)
		made = 2 * part;
	ECDSA_SIG_free(sig);
	return made;
}

/* What OpenSSL makes of it; 0 when it cannot. */
static size_t
sign(const struct jose_private *key, struct str input, unsigned char *out,
    size_t room)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *options;
	size_t n = room;

	if (ctx == NULL || EVP_DigestSignInit_ex(ctx, &options,
	    key->algorithm->digest, NULL, NULL, key->pkey, NULL) != 1 ||
	    (key->algorithm->kind == JOSE_KIND_PSS &&
	    (EVP_PKEY_CTX_set_rsa_padding(options,
	    RSA_PKCS1_PSS_PADDING) != 1 ||
	    EVP_PKEY_CTX_set_rsa_pss_saltlen(options,
	    RSA_PSS_SALTLEN_DIGEST) != 1)) ||
	    EVP_DigestSign(ctx, out, &n, (const unsigned char *)input.p,
	    input.n) != 1) {
		ERR_clear_error();
		n = 0;
	}
	EVP_MD_CTX_free(ctx);
	return n;
}

size_t
jose_sign_raw(const struct jose_private *key, struct str signing_input,
    unsigned char *signature, size_t room)
{
	unsigned char made[JOSE_SIGNATURE_MAX];
	unsigned char raw[2 * PART_MAX];
	size_t n = sign(key, signing_input, made, sizeof(made));
	const unsigned char *p = made;

	if (n > 0 && key->algorithm->kind == JOSE_KIND_EC) {
		n = raw_signature(made, n, key->algorithm->part_bytes, raw);
		p = raw;
	}
	if (n > room)
		return 0;
	memcpy(signature, p, n);
	return n;
}

/* Our own types alone: what needs no escaping. */
static bool
typ_is_plain(struct str typ)
{
	for (size_t i = 0; i < typ.n; i++)
		if (typ.p[i] <= 0x20 || typ.p[i] >= 0x7f ||
		    typ.p[i] == '"' || typ.p[i] == '\\')
			return false;
	return typ.n > 0 && typ.n < 128;
}

size_t
jose_sign(const struct jose_private *key, struct str header_typ,
    struct str claims, char *out, size_t room)
{
	unsigned char signature[JOSE_SIGNATURE_MAX];
	char header[HEADER_MAX];
	int header_bytes;
	size_t n, signed_bytes;

	if (!typ_is_plain(header_typ))
		return 0;
	header_bytes = snprintf(header, sizeof(header),
	    "{\"alg\":\"%s\",\"typ\":\"%.*s\",\"kid\":\"%.*s\"}",
	    key->algorithm->name, STR_ARGS(header_typ), (int)KID_CHARS,
	    key->kid);
	if (header_bytes < 0 || (size_t)header_bytes >= sizeof(header) ||
	    claims.n > room ||
	    room < B64((size_t)header_bytes) + B64(claims.n) + 2)
		return 0;
	n = base64url_encode((struct str){ header, (size_t)header_bytes },
	    out);
	out[n++] = '.';
	n += base64url_encode(claims, out + n);
	signed_bytes = jose_sign_raw(key, (struct str){ out, n }, signature,
	    sizeof(signature));
	if (signed_bytes == 0 || room - n < 1 + B64(signed_bytes))
		return 0;
	out[n++] = '.';
	return n + base64url_encode(
	    (struct str){ (const char *)signature, signed_bytes }, out + n);
}
