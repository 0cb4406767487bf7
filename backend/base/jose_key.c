/*
 * Public keys: JWK Sets read and checked once, signatures verified often. An
 * algorithm is bound to a key here and nowhere else.
 */

#include "base/jose.h"

#include <stdlib.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "base/code.h"
#include "base/hash.h"
#include "base/jose_algorithm.h"

#define RSA_BITS_MIN		2048
#define RSA_BYTES_MAX		JOSE_SIGNATURE_MAX
#define RSA_EXPONENT_BYTES_MAX	8	/* above that, checking is a burden */
#define RSA_EXPONENT_MIN	65537
#define EC_POINT_MAX		(1 + 2 * 66)
#define JWKS_BYTES_MAX		((size_t)256 * 1024)
#define JWKS_DEPTH_MAX		6

struct jose_keys {
	size_t		 count;
	uint64_t	 generation;
	struct jose_key	 key[JOSE_KEYS_MAX];
};

/* A JWK Set while it is read. */
struct loader {
	struct jdoc		 d;
	struct jose_keys	*keys;
	size_t			 skipped;
	const char		*why;
};

/* What must not be in a set that is public. RFC 7518 6.2.2, 6.3.2, 6.4.1 */
static const char *const private_members[] = {
	"d", "p", "q", "dp", "dq", "qi", "oth", "k",
};

static enum jose_error
refuse(struct loader *l, const char *why)
{
	l->why = why;
	return JOSE_KEY;
}

/* The string member `name`, STR_NONE when absent; false when it is no plain
 * string. */
static bool
member(const struct loader *l, uint32_t jwk, struct str name, struct str *out)
{
	uint32_t node = jdoc_get(&l->d, jwk, name);

	*out = STR_NONE;
	if (node == 0)
		return true;
	if (jdoc_type(&l->d, node) != JDOC_STRING || l->d.nodes[node].escaped)
		return false;
	*out = jdoc_raw(&l->d, node);
	return true;
}

/* A Base64urlUInt or coordinate of at most room bytes; 0 when it is none. */
static size_t
decoded(const struct loader *l, uint32_t jwk, struct str name,
    unsigned char *out, size_t room)
{
	struct str text;
	size_t n;

	if (!member(l, jwk, name, &text) || text.n == 0 ||
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

static enum jose_error
load_rsa(struct loader *l, uint32_t jwk, struct jose_key *key)
{
	unsigned char n[RSA_BYTES_MAX], e[RSA_EXPONENT_BYTES_MAX];
	size_t n_bytes = decoded(l, jwk, STR("n"), n, sizeof(n));
	size_t e_bytes = decoded(l, jwk, STR("e"), e, sizeof(e));

	/* RFC 7518 2: no leading zero octets. */
	if (n_bytes == 0 || e_bytes == 0 || n[0] == 0 || e[0] == 0)
		return refuse(l, "an RSA key's n or e is missing, malformed "
		    "or too large");
	if (n_bytes * 8 - (size_t)__builtin_clz(n[0]) + 24 < RSA_BITS_MIN)
		return refuse(l, "an RSA key has less than 2048 bits");
	if ((e[e_bytes - 1] & 1) == 0 ||
	    big_endian(e, e_bytes) < RSA_EXPONENT_MIN)
		return refuse(l, "an RSA key's exponent is even or below "
		    "65537");
	key->pkey = rsa_pkey(n, n_bytes, e, e_bytes);
	if (key->pkey == NULL)
		return refuse(l, "an RSA key is not valid");
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
load_ec(struct loader *l, uint32_t jwk, struct jose_key *key)
{
	const struct jose_algorithm *algorithm = key->algorithm;
	unsigned char point[EC_POINT_MAX] = { 4 };	/* uncompressed */
	size_t part = algorithm->part_bytes;
	unsigned char *x = point + 1, *y = point + 1 + part;

	if (decoded(l, jwk, STR("x"), x, part) != part ||
	    decoded(l, jwk, STR("y"), y, part) != part)
		return refuse(l, "an EC key's x or y is missing, malformed "
		    "or not of its curve's size");
	key->pkey = ec_pkey(algorithm->group, point, 1 + 2 * part);
	if (key->pkey == NULL)
		return refuse(l, "an EC key's point is not on its curve");
	key->print = key_print(key, bytes(x, part), bytes(y, part));
	return JOSE_OK;
}

static bool
has_private_member(const struct loader *l, uint32_t jwk)
{
	for (size_t i = 0; i < sizeof(private_members) /
	    sizeof(private_members[0]); i++)
		if (jdoc_get(&l->d, jwk, str_of(private_members[i])) != 0)
			return true;
	return false;
}

/* "key_ops", when present, must be an array with "verify". RFC 7517 4.3 */
static bool
may_verify(const struct loader *l, uint32_t jwk)
{
	uint32_t ops = jdoc_get(&l->d, jwk, STR("key_ops"));

	if (ops == 0)
		return true;
	if (jdoc_type(&l->d, ops) != JDOC_ARRAY)
		return false;
	for (uint32_t i = jdoc_first(&l->d, ops); i != 0;
	    i = jdoc_next(&l->d, ops, i))
		if (jdoc_is(&l->d, i, STR("verify")))
			return true;
	return false;
}

/* The algorithm that jwk is bound to; *algorithm NULL = skip this key. */
static enum jose_error
bind_algorithm(struct loader *l, uint32_t jwk,
    const struct jose_algorithm **algorithm)
{
	const struct jose_algorithm *by_kty;
	struct str kty, crv, alg, use;

	*algorithm = NULL;
	if (!member(l, jwk, STR("kty"), &kty) || kty.n == 0)
		return refuse(l, "a key has no kty");
	if (!member(l, jwk, STR("crv"), &crv) ||
	    !member(l, jwk, STR("alg"), &alg) ||
	    !member(l, jwk, STR("use"), &use))
		return refuse(l, "a key's crv, alg or use is no plain string");
	if ((use.p != NULL && !str_eqz(use, "sig")) || !may_verify(l, jwk))
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
		return refuse(l, "a key's alg does not fit its kty or crv");
	return JOSE_OK;
}

static enum jose_error
load_key(struct loader *l, uint32_t jwk)
{
	struct jose_key *key = &l->keys->key[l->keys->count];
	struct str kid;
	enum jose_error error;

	if (jdoc_type(&l->d, jwk) != JDOC_OBJECT)
		return refuse(l, "a key is not an object");
	if (has_private_member(l, jwk))
		return refuse(l, "a key has private members");
	error = bind_algorithm(l, jwk, &key->algorithm);
	if (error != JOSE_OK)
		return error;
	if (key->algorithm == NULL) {
		l->skipped++;
		return JOSE_OK;
	}
	if (!member(l, jwk, STR("kid"), &kid) || kid.n == 0 ||
	    !jose_kid_fits(kid))
		return refuse(l, "a key's kid is missing, too long or not "
		    "printable");
	if (jose_keys_find(l->keys, kid) != NULL)
		return refuse(l, "two keys have one kid");
	memcpy(key->kid, kid.p, kid.n);
	key->kid_bytes = kid.n;
	error = key->algorithm->part_bytes == 0 ? load_rsa(l, jwk, key) :
	    load_ec(l, jwk, key);
	if (error != JOSE_OK)
		return error;
	l->keys->generation += key->print;
	l->keys->count++;
	return JOSE_OK;
}

static enum jose_error
load_set(struct loader *l)
{
	uint32_t array = jdoc_get(&l->d, 0, STR("keys"));
	enum jose_error error;

	if (array == 0 || jdoc_type(&l->d, array) != JDOC_ARRAY)
		return refuse(l, "there is no array \"keys\"");
	for (uint32_t i = jdoc_first(&l->d, array); i != 0;
	    i = jdoc_next(&l->d, array, i)) {
		if (l->keys->count == JOSE_KEYS_MAX)
			return refuse(l, "there are too many keys");
		error = load_key(l, i);
		if (error != JOSE_OK)
			return error;
	}
	return JOSE_OK;
}

/* Parse into nodes of the right size and load; the nodes are freed again. */
static enum jose_error
load_text(struct loader *l, struct str jwks)
{
	size_t room = jdoc_bound(jwks);
	struct jnode *nodes;
	enum jose_error error;

	if (jwks.n > JWKS_BYTES_MAX)
		return refuse(l, "the set is too large");
	nodes = calloc(room, sizeof(*nodes));
	if (nodes == NULL)
		return refuse(l, "out of memory");
	if (jdoc_parse(&l->d, jwks, nodes, room, JWKS_DEPTH_MAX) != JDOC_OK)
		error = refuse(l, jdoc_strerror(l->d.error));
	else
		error = load_set(l);
	free(nodes);
	return error;
}

struct jose_keys *
jose_keys_load(struct str jwks, size_t *skipped, enum jose_error *error,
    const char **why)
{
	struct loader l = { .keys = calloc(1, sizeof(*l.keys)) };

	if (l.keys == NULL)
		*error = refuse(&l, "out of memory");
	else
		*error = load_text(&l, jwks);
	*why = l.why;
	if (skipped != NULL)
		*skipped = l.skipped;
	if (*error == JOSE_OK)
		return l.keys;
	jose_keys_free(l.keys);
	return NULL;
}

void
jose_keys_free(struct jose_keys *keys)
{
	if (keys == NULL)
		return;
	for (size_t i = 0; i < keys->count; i++)
		EVP_PKEY_free(keys->key[i].pkey);
	free(keys);
}

size_t
jose_keys_count(const struct jose_keys *keys)
{
	return keys->count;
}

const struct jose_key *
jose_keys_at(const struct jose_keys *keys, size_t i)
{
	return &keys->key[i];
}

uint64_t
jose_keys_generation(const struct jose_keys *keys)
{
	return keys->generation;
}

const struct jose_key *
jose_keys_find(const struct jose_keys *keys, struct str kid)
{
	for (size_t i = 0; i < keys->count; i++)
		if (str_eq(jose_key_kid(&keys->key[i]), kid))
			return &keys->key[i];
	return NULL;
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
