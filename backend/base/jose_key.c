/*
 * One JWK: read, checked, bound to its one algorithm here and nowhere else.
 * RFC 7517 4, RFC 7518 6, RFC 8037 2
 */

#include "base/jose_algorithm.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "base/code.h"
#include "base/hash.h"

#define RSA_BITS_MIN		2048
#define RSA_BYTES_MAX		JOSE_SIGNATURE_MAX
#define RSA_EXPONENT_BYTES_MAX	8	/* above that, checking is a burden */
#define RSA_EXPONENT_MIN	65537
#define EC_POINT_MAX		(1 + 2 * 66)
#define SECRET_BYTES_MIN	32	/* RFC 7518 3.2 */

/* What must not be in a set that is public. RFC 7518 6.2.2, 6.3.2, 6.4.1 */
static const char *const private_members[] = {
	"d", "p", "q", "dp", "dq", "qi", "oth", "k",
};

static enum jose_error
refuse(struct jose_jwk *jwk, const char *why)
{
	jwk->why = why;
	return JOSE_KEY;
}

/* The string member `name`, STR_NONE when absent; false when it is no plain
 * string. */
static bool
member(const struct jose_jwk *jwk, struct str name, struct str *out)
{
	uint32_t node = jdoc_get(jwk->d, jwk->node, name);

	*out = STR_NONE;
	if (node == 0)
		return true;
	if (jdoc_type(jwk->d, node) != JDOC_STRING ||
	    jwk->d->nodes[node].escaped)
		return false;
	*out = jdoc_raw(jwk->d, node);
	return true;
}

/* A Base64urlUInt or coordinate of at most room bytes; 0 when it is none. */
static size_t
decoded(const struct jose_jwk *jwk, struct str name, unsigned char *out,
    size_t room)
{
	struct str text;
	size_t n;

	if (!member(jwk, name, &text) || text.n == 0 ||
	    text.n > (room * 4 + 2) / 3)
		return 0;
	n = base64url_decode(text, out);
	return n == CODE_BAD ? 0 : n;
}

/* The key that build describes, checked by OpenSSL; NULL when it is none. */
static EVP_PKEY *
pkey_of(const char *type, OSSL_PARAM_BLD *build)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
	EVP_PKEY_CTX *check = NULL;
	EVP_PKEY *pkey = NULL;

	if (ctx == NULL || params == NULL ||
	    EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
		goto out;
	check = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
	if (check == NULL || EVP_PKEY_public_check(check) != 1) {
		EVP_PKEY_free(pkey);
		pkey = NULL;
	}
out:
	/* A failure leaves its reason in a queue that nobody reads. */
	if (pkey == NULL)
		ERR_clear_error();
	EVP_PKEY_CTX_free(check);
	OSSL_PARAM_free(params);
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}

static EVP_PKEY *
rsa_pkey(const unsigned char *n, size_t n_bytes, const unsigned char *e,
    size_t e_bytes)
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	BIGNUM *modulus = BN_bin2bn(n, (int)n_bytes, NULL);
	BIGNUM *exponent = BN_bin2bn(e, (int)e_bytes, NULL);
	EVP_PKEY *pkey = NULL;

	if (build != NULL && modulus != NULL && exponent != NULL &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, modulus) &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, exponent))
		pkey = pkey_of("RSA", build);
	BN_free(exponent);
	BN_free(modulus);
	OSSL_PARAM_BLD_free(build);
	return pkey;
}

static uint64_t
big_endian(const unsigned char *p, size_t n)
{
	uint64_t value = 0;

	for (size_t i = 0; i < n; i++)
		value = value << 8 | p[i];
	return value;
}

/* A number over all that makes a key what it is. */
static uint64_t
key_print(const struct jose_key *key, struct str material_a,
    struct str material_b)
{
	const struct siphash_key fixed = { 0, 0 };
	struct str parts[4] = {
		{ key->kid, key->kid_bytes },
		str_of(key->algorithm->name), material_a, material_b,
	};

	return siphash_parts(fixed, parts, 4);
}

static struct str
bytes(const unsigned char *p, size_t n)
{
	return (struct str){ (const char *)p, n };
}

/* Whether some power of 65537 is n modulo prime. */
static bool
is_power_modulo(const unsigned char *n, size_t n_bytes, unsigned prime)
{
	unsigned rest = 0, power = 1;

	for (size_t i = 0; i < n_bytes; i++)
		rest = (rest << 8 | n[i]) % prime;
	do {
		if (rest == power)
			return true;
		power = power * (65537 % prime) % prime;
	} while (power != 1);
	return false;
}

/*
 * Keys of a chip whose primes were powers of 65537 modulo many small primes
 * can be factored (CVE-2017-15361). One good key in 2^27 looks like them.
 */
static bool
rsa_is_roca(const unsigned char *n, size_t n_bytes)
{
	static const unsigned char primes[] = {
		11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127,
		151, 157,
	};

	for (size_t i = 0; i < sizeof(primes); i++)
		if (!is_power_modulo(n, n_bytes, primes[i]))
			return false;
	return true;
}

static enum jose_error
load_rsa(struct jose_jwk *jwk, struct jose_key *key)
{
	unsigned char n[RSA_BYTES_MAX], e[RSA_EXPONENT_BYTES_MAX];
	size_t n_bytes = decoded(jwk, STR("n"), n, sizeof(n));
	size_t e_bytes = decoded(jwk, STR("e"), e, sizeof(e));

	/* RFC 7518 2: no leading zero octets. */
	if (n_bytes == 0 || e_bytes == 0 || n[0] == 0 || e[0] == 0)
		return refuse(jwk, "an RSA key's n or e is missing, malformed "
		    "or too large");
	if (n_bytes * 8 - (size_t)__builtin_clz(n[0]) + 24 < RSA_BITS_MIN)
		return refuse(jwk, "an RSA key has less than 2048 bits");
	if ((e[e_bytes - 1] & 1) == 0 ||
	    big_endian(e, e_bytes) < RSA_EXPONENT_MIN)
		return refuse(jwk, "an RSA key's exponent is even or below "
		    "65537");
	if (rsa_is_roca(n, n_bytes))
		return refuse(jwk, "an RSA key is of a broken generator "
		    "(CVE-2017-15361)");
	key->pkey = rsa_pkey(n, n_bytes, e, e_bytes);
	if (key->pkey == NULL)
		return refuse(jwk, "an RSA key is not valid");
	key->print = key_print(key, bytes(n, n_bytes), bytes(e, e_bytes));
	return JOSE_OK;
}

static EVP_PKEY *
ec_pkey(const char *group, const unsigned char *point, size_t n)
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY *pkey = NULL;

	if (build != NULL &&
	    OSSL_PARAM_BLD_push_utf8_string(build,
	    OSSL_PKEY_PARAM_GROUP_NAME, group, 0) &&
	    OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY,
	    point, n))
		pkey = pkey_of("EC", build);
	OSSL_PARAM_BLD_free(build);
	return pkey;
}

static enum jose_error
load_ec(struct jose_jwk *jwk, struct jose_key *key)
{
	const struct jose_algorithm *algorithm = key->algorithm;
	unsigned char point[EC_POINT_MAX] = { 4 };	/* uncompressed */
	size_t part = algorithm->part_bytes;
	unsigned char *x = point + 1, *y = point + 1 + part;

	if (decoded(jwk, STR("x"), x, part) != part ||
	    decoded(jwk, STR("y"), y, part) != part)
		return refuse(jwk, "an EC key's x or y is missing, malformed "
		    "or not of its curve's size");
	key->pkey = ec_pkey(algorithm->group, point, 1 + 2 * part);
	if (key->pkey == NULL)
		return refuse(jwk, "an EC key's point is not on its curve");
	key->print = key_print(key, bytes(x, part), bytes(y, part));
	return JOSE_OK;
}

static EVP_PKEY *
ed_pkey(const struct jose_algorithm *algorithm, const unsigned char *x)
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY *pkey = NULL;

	if (build != NULL &&
	    OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY,
	    x, algorithm->part_bytes))
		pkey = pkey_of(algorithm->group, build);
	OSSL_PARAM_BLD_free(build);
	return pkey;
}

/*
 * True for the points of small order, under which one signature fits any
 * message, and for numbers above the field's: no honest key is one of them.
 * The sign (the highest bit) does not matter. RFC 8032 5.1.3
 */
static bool
ed_is_small(const unsigned char x[32])
{
	static const unsigned char small[][32] = {
		{ 0 }, { 1 },
		{ 0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0,
		  0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
		  0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39,
		  0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05 },
		{ 0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f,
		  0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
		  0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6,
		  0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a },
	};
	/* p - 1, and p = 2^255 - 19 and above */
	bool high = (x[31] & 0x7f) == 0x7f && x[0] >= 0xec;

	for (size_t i = 1; i < 31; i++)
		high = high && x[i] == 0xff;
	for (size_t i = 0; i < sizeof(small) / sizeof(small[0]); i++)
		if (memcmp(x, small[i], 31) == 0 &&
		    (x[31] & 0x7f) == small[i][31])
			return true;
	return high;
}

static enum jose_error
load_ed(struct jose_jwk *jwk, struct jose_key *key)
{
	unsigned char x[32];

	if (decoded(jwk, STR("x"), x, sizeof(x)) != sizeof(x))
		return refuse(jwk, "an OKP key's x is missing, malformed or "
		    "not of its curve's size");
	if (!ed_is_small(x))
		key->pkey = ed_pkey(key->algorithm, x);
	if (key->pkey == NULL)
		return refuse(jwk, "an OKP key is weak or not valid");
	key->print = key_print(key, bytes(x, sizeof(x)), STR_NONE);
	return JOSE_OK;
}

static enum jose_error
load_secret(struct jose_jwk *jwk, struct jose_key *key)
{
	key->secret_bytes = decoded(jwk, STR("k"),
	    (unsigned char *)key->secret, sizeof(key->secret));
	if (key->secret_bytes < SECRET_BYTES_MIN)
		return refuse(jwk, "a secret's k is missing, malformed, or "
		    "not of 32 to 512 bytes");
	key->print = key_print(key,
	    (struct str){ key->secret, key->secret_bytes }, STR_NONE);
	return JOSE_OK;
}

static enum jose_error
load_material(struct jose_jwk *jwk, struct jose_key *key)
{
	enum jose_error error = JOSE_KEY;

	switch (key->algorithm->kind) {
	case JOSE_KIND_RSA:
	case JOSE_KIND_PSS:
		error = load_rsa(jwk, key);
		break;
	case JOSE_KIND_EC:
		error = load_ec(jwk, key);
		break;
	case JOSE_KIND_ED:
		return load_ed(jwk, key);
	case JOSE_KIND_HMAC:
		return load_secret(jwk, key);
	case JOSE_KIND_REFUSED:
		break;
	}
	if (error == JOSE_OK && !jose_verifier_set(key))
		return refuse(jwk, "OpenSSL does not do a key's algorithm");
	return error;
}

static bool
has_private_member(const struct jose_jwk *jwk)
{
	for (size_t i = 0; i < sizeof(private_members) /
	    sizeof(private_members[0]); i++)
		if (jdoc_get(jwk->d, jwk->node,
		    str_of(private_members[i])) != 0)
			return true;
	return false;
}

/* "key_ops", when present, must be an array with "verify". RFC 7517 4.3 */
static bool
may_verify(const struct jose_jwk *jwk)
{
	uint32_t ops = jdoc_get(jwk->d, jwk->node, STR("key_ops"));

	if (ops == 0)
		return true;
	if (jdoc_type(jwk->d, ops) != JDOC_ARRAY)
		return false;
	for (uint32_t i = jdoc_first(jwk->d, ops); i != 0;
	    i = jdoc_next(jwk->d, ops, i))
		if (jdoc_is(jwk->d, i, STR("verify")))
			return true;
	return false;
}

/* The algorithm that jwk is bound to; *algorithm NULL = skip this key. */
static enum jose_error
bind_algorithm(struct jose_jwk *jwk, const struct jose_algorithm **algorithm)
{
	const struct jose_algorithm *by_kty;
	struct str kty, crv, alg, use;

	*algorithm = NULL;
	if (!member(jwk, STR("kty"), &kty) || kty.n == 0)
		return refuse(jwk, "a key has no kty");
	if (!member(jwk, STR("crv"), &crv) ||
	    !member(jwk, STR("alg"), &alg) ||
	    !member(jwk, STR("use"), &use))
		return refuse(jwk, "a key's crv, alg or use is no plain "
		    "string");
	if (jwk->secret != str_eqz(kty, "oct"))
		return refuse(jwk, jwk->secret ?
		    "a set of secrets has a key that is none" :
		    "a key is a secret");
	if ((use.p != NULL && !str_eqz(use, "sig")) || !may_verify(jwk))
		return JOSE_OK;
	by_kty = jose_algorithm_for(kty, crv);
	if (alg.p == NULL || by_kty == NULL) {
		*algorithm = by_kty;
		return JOSE_OK;
	}
	*algorithm = jose_algorithm_named(alg);
	if (*algorithm == NULL || (*algorithm)->alg == JOSE_ALG_NONE) {
		*algorithm = NULL;
		return JOSE_OK;
	}
	if (!str_eqz(kty, (*algorithm)->kty) ||
	    !str_eqz(crv, (*algorithm)->crv))
		return refuse(jwk, "a key's alg does not fit its kty or crv");
	return JOSE_OK;
}

enum jose_error
jose_key_read(struct jose_jwk *jwk, struct jose_key *key)
{
	struct str kid;
	enum jose_error error;

	if (jdoc_type(jwk->d, jwk->node) != JDOC_OBJECT)
		return refuse(jwk, "a key is not an object");
	if (!jwk->secret && has_private_member(jwk))
		return refuse(jwk, "a key has private members");
	error = bind_algorithm(jwk, &key->algorithm);
	if (error != JOSE_OK || key->algorithm == NULL)
		return error;
	if (!member(jwk, STR("kid"), &kid) || kid.n == 0 ||
	    !jose_kid_fits(kid))
		return refuse(jwk, "a key's kid is missing, too long or not "
		    "printable");
	memcpy(key->kid, kid.p, kid.n);
	key->kid_bytes = kid.n;
	return load_material(jwk, key);
}

void
jose_key_wipe(struct jose_key *key)
{
	EVP_MD_CTX_free(key->hasher);
	EVP_MD_free(key->md);
	EVP_PKEY_CTX_free(key->verifier);
	EVP_PKEY_free(key->pkey);
	OPENSSL_cleanse(key, sizeof(*key));
}

struct str
jose_key_kid(const struct jose_key *key)
{
	return (struct str){ key->kid, key->kid_bytes };
}

enum jose_alg
jose_key_alg(const struct jose_key *key)
{
	return key->algorithm->alg;
}
