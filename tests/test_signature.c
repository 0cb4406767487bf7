/*
 * Signatures: every example of RFC 7515, 7520 and 8037, each algorithm against
 * each other, and signatures that are none.
 */

#include "lib/issuer.h"
#include "lib/suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "base/code.h"
#include "base/hash.h"

#define INPUT	STR("a.b")

static struct arena *arena;
static struct issuer every[JOSE_HS256];		/* of all that have key pairs */
static struct jose_token token;
static char pem[8192];				/* an RSA key pair */
static size_t pem_bytes;

static void
setup(void)
{
	arena = arena_new(65536);
	for (int alg = JOSE_ALG_NONE + 1; alg < JOSE_HS256; alg++)
		every[alg] = issuer_new(arena, (enum jose_alg)alg);
	pem_bytes = jose_private_new(JOSE_RS256, pem, sizeof(pem));
	ck_assert_uint_gt(pem_bytes, 0);
}

static void
teardown(void)
{
	for (int alg = JOSE_ALG_NONE + 1; alg < JOSE_HS256; alg++)
		issuer_free(&every[alg]);
	arena_free(arena);
}

/* --- the examples of the RFCs --------------------------------------------- */

/* The example's key with its kid, by whichever loader its kind needs. */
static struct jose_keys *
example_keys(const struct jdoc *d, uint32_t example)
{
	struct str kid = example_text(d, example, "kid");
	struct str jwk = example_text(d, example, "jwk");
	struct str set = arena_printf(arena,
	    "{\"keys\":[{\"kid\":\"%.*s\",%.*s]}", STR_ARGS(kid),
	    STR_ARGS(str_from(jwk, 1)));
	struct jose_keys *keys = jwk_set_load(set);
	enum jose_error error;
	const char *why;

	if (!str_eqz(example_text(d, example, "alg"), "HS256"))
		return keys;
	ck_assert_msg(keys == NULL, "a secret is taken for a public key");
	return jose_secrets_load(set, NULL, &error, &why);
}

/* The signature is that of input, and no longer when one bit differs. */
static void
check_verifies(const struct jose_key *key, enum jose_alg alg,
    struct str input, struct str signature)
{
	unsigned char raw[JOSE_SIGNATURE_MAX];
	size_t n = base64url_decode(signature, raw);
	struct str s = { (const char *)raw, n };

	ck_assert_int_eq(jose_verify_raw(key, alg, input, s), JOSE_OK);
	raw[n / 2] ^= 1;
	ck_assert_int_eq(jose_verify_raw(key, alg, input, s), JOSE_SIGNATURE);
	raw[n / 2] ^= 1;
	ck_assert_int_eq(jose_verify_raw(key, alg, str_from(input, 1), s),
	    JOSE_SIGNATURE);
	ck_assert_int_eq(jose_verify_raw(key, alg, input, s), JOSE_OK);
}

static void
check_signature_example(const struct jdoc *d, uint32_t example)
{
	struct str name = example_text(d, example, "name");
	struct str protected = example_text(d, example, "protected");
	struct str payload = example_text(d, example, "payload");
	struct str signature = example_text(d, example, "signature");
	struct str compact = arena_printf(arena, "%.*s.%.*s.%.*s",
	    STR_ARGS(protected), STR_ARGS(payload), STR_ARGS(signature));
	struct jose_keys *keys = example_keys(d, example);
	struct str alg = example_text(d, example, "alg");
	const struct jose_key *key;
	enum jose_error error;

	error = jose_open(&token, compact, STR_NONE);
	ck_assert_msg(str_eqz(example_text(d, example, "open"),
	    jose_strerror(error)), "%.*s: opened as %s", STR_ARGS(name),
	    jose_strerror(error));
	key = keys == NULL ? NULL : jose_keys_find(keys,
	    example_text(d, example, "kid"));
	/* A key that says no alg is for one: it need not be the example's. */
	if (str_eqz(example_text(d, example, "verifies"), "true")) {
		ck_assert_msg(key != NULL &&
		    str_eqz(alg, jose_alg_name(jose_key_alg(key))),
		    "%.*s: key refused", STR_ARGS(name));
		if (jdoc_get(d, example, STR("detached")) != 0)
			payload = example_text(d, example, "detached");
		check_verifies(key, jose_key_alg(key), arena_printf(arena,
		    "%.*s.%.*s", STR_ARGS(protected), STR_ARGS(payload)),
		    signature);
	} else if (key != NULL) {
		ck_assert(!str_eqz(alg, jose_alg_name(jose_key_alg(key))));
	}
	jose_keys_free(keys);
}

START_TEST(rfc_signatures_verify_or_are_refused_by_name)
{
	struct jdoc d = examples_read(arena, "tests/data/jose/signatures.json");
	unsigned seen = 0;

	for (uint32_t i = jdoc_first(&d, 0); i != 0; i = jdoc_next(&d, 0, i)) {
		check_signature_example(&d, i);
		seen++;
	}
	ck_assert_uint_eq(seen, 19);
}
END_TEST

/* --- algorithms ------------------------------------------------------ */

START_TEST(algorithm_is_the_keys_alone)
{
	/* One key pair may do RS256, RS384 and PS256: the kid decides. */
	const struct jose_key *key = jose_keys_at(every[_i].keys, 0);
	unsigned char signature[JOSE_SIGNATURE_MAX];
	size_t n = jose_sign_raw(every[_i].key, STR("a.b"), signature,
	    sizeof(signature));
	struct str s = { (const char *)signature, n };

	ck_assert_uint_gt(n, 0);
	for (int alg = JOSE_ALG_NONE; alg < JOSE_ALG__MAX; alg++)
		ck_assert_int_eq(jose_verify_raw(key, (enum jose_alg)alg,
		    STR("a.b"), s), alg == _i ? JOSE_OK : JOSE_ALG);
}
END_TEST

/* The RSA key pair's public half, bound to alg. */
static struct jose_keys *
rsa_keys(enum jose_alg alg)
{
	struct jose_private *key = jose_private_load(
	    (struct str){ pem, pem_bytes }, alg);
	char jwk[4096];
	size_t n = jose_private_jwk(key, jwk, sizeof(jwk));

	ck_assert_uint_gt(n, 0);
	jose_private_free(key);
	return jwk_set_load(jwk_set(arena, (struct str){ jwk, n }));
}

START_TEST(digest_and_padding_belong_to_the_key)
{
	/* One key pair for three algorithms: none verifies for another. */
	static const enum jose_alg algs[] = {
		JOSE_RS256, JOSE_RS384, JOSE_PS256,
	};

	for (size_t i = 0; i < 3; i++) {
		struct jose_private *signer = jose_private_load(
		    (struct str){ pem, pem_bytes }, algs[i]);
		unsigned char signature[JOSE_SIGNATURE_MAX];
		size_t n = jose_sign_raw(signer, INPUT, signature,
		    sizeof(signature));

		for (size_t j = 0; j < 3; j++) {
			struct jose_keys *keys = rsa_keys(algs[j]);

			ck_assert_int_eq(jose_verify_raw(jose_keys_at(keys, 0),
			    algs[j], INPUT,
			    (struct str){ (const char *)signature, n }),
			    i == j ? JOSE_OK : JOSE_SIGNATURE);
			jose_keys_free(keys);
		}
		jose_private_free(signer);
	}
}
END_TEST

/* PSS over INPUT with a salt of so many bytes. */
static size_t
sign_pss(int salt_bytes, const char *mask_digest, unsigned char *out)
{
	BIO *bio = BIO_new_mem_buf(pem, (int)pem_bytes);
	EVP_PKEY *pkey = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *options;
	size_t n = JOSE_SIGNATURE_MAX;

	ck_assert_int_eq(EVP_DigestSignInit_ex(ctx, &options, "SHA256", NULL,
	    NULL, pkey, NULL), 1);
	ck_assert_int_eq(EVP_PKEY_CTX_set_rsa_padding(options,
	    RSA_PKCS1_PSS_PADDING), 1);
	ck_assert_int_eq(EVP_PKEY_CTX_set_rsa_pss_saltlen(options,
	    salt_bytes), 1);
	ck_assert_int_eq(EVP_PKEY_CTX_set_rsa_mgf1_md_name(options,
	    mask_digest, NULL), 1);
	ck_assert_int_eq(EVP_DigestSign(ctx, out, &n,
	    (const unsigned char *)"a.b", 3), 1);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	BIO_free(bio);
	return n;
}

START_TEST(ps256_salt_is_as_long_as_the_digest)
{
	static const struct {
		int			 salt_bytes;
		const char		*mask_digest;
		enum jose_error		 error;
	} cases[] = {
		{ 32, "SHA256", JOSE_OK }, { 0, "SHA256", JOSE_SIGNATURE },
		{ 20, "SHA256", JOSE_SIGNATURE },
		{ 222, "SHA256", JOSE_SIGNATURE },
		{ 32, "SHA1", JOSE_SIGNATURE },
	};
	struct jose_keys *keys = rsa_keys(JOSE_PS256);
	unsigned char signature[JOSE_SIGNATURE_MAX];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t n = sign_pss(cases[i].salt_bytes, cases[i].mask_digest,
		    signature);

		ck_assert_int_eq(jose_verify_raw(jose_keys_at(keys, 0),
		    JOSE_PS256, INPUT,
		    (struct str){ (const char *)signature, n }),
		    cases[i].error);
	}
	jose_keys_free(keys);
}
END_TEST

/* --- signatures that are none ------------------------------------------- */

/* The orders of the curves: the first numbers that are out of range. */
static const struct curve {
	enum jose_alg	alg;
	size_t		part;
	unsigned char	order[48];
} curves[] = {
	{ JOSE_ES256, 32, {
		0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84,
		0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51 } },
	{ JOSE_ES384, 48, {
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xc7, 0x63, 0x4d, 0x81, 0xf4, 0x37, 0x2d, 0xdf,
		0x58, 0x1a, 0x0d, 0xb2, 0x48, 0xb0, 0xa7, 0x7a,
		0xec, 0xec, 0x19, 0x6a, 0xcc, 0xc5, 0x29, 0x73 } },
};

START_TEST(ecdsa_r_and_s_are_of_their_length_and_range)
{
	/* CVE-2022-21449 and its like. */
	const struct curve *c = &curves[_i];
	const struct jose_key *key = jose_keys_at(every[c->alg].keys, 0);
	size_t whole = 2 * c->part;
	unsigned char good[96], bad[98];
	struct str raw = { (char *)bad, whole };

	ck_assert_uint_eq(jose_sign_raw(every[c->alg].key, INPUT, good, whole),
	    whole);
	memcpy(bad, good, whole);
	ck_assert_int_eq(jose_verify_raw(key, c->alg, INPUT, raw), JOSE_OK);
	memset(bad, 0, whole);
	ck_assert_int_eq(jose_verify_raw(key, c->alg, INPUT, raw),
	    JOSE_SIGNATURE);
	for (size_t half = 0; half < whole; half += c->part) {
		memcpy(bad, good, whole);
		memset(bad + half, 0, c->part);
		ck_assert_int_eq(jose_verify_raw(key, c->alg, INPUT, raw),
		    JOSE_SIGNATURE);
		memcpy(bad + half, c->order, c->part);
		ck_assert_int_eq(jose_verify_raw(key, c->alg, INPUT, raw),
		    JOSE_SIGNATURE);
	}
	memcpy(bad, good, whole);
	bad[whole] = 0;
	for (size_t n = 0; n <= whole + 1; n++)
		ck_assert_int_eq(jose_verify_raw(key, c->alg, INPUT,
		    (struct str){ (char *)bad, n }),
		    n == whole ? JOSE_OK : JOSE_SIGNATURE);
}
END_TEST

START_TEST(ecdsa_s_may_be_the_other_of_two)
{
	/* r, n - s is a signature, too; JWS does not forbid it (RFC 7518 3.4).
	 * What is remembered of a token is its own digest, so a second
	 * spelling gains nothing. */
	const struct curve *c = &curves[_i];
	unsigned char raw[96];
	unsigned borrow = 0;

	ck_assert_uint_eq(jose_sign_raw(every[c->alg].key, INPUT, raw,
	    sizeof(raw)), 2 * c->part);
	for (size_t i = c->part; i-- > 0;) {
		unsigned s = raw[c->part + i] + borrow;

		borrow = c->order[i] < s;
		raw[c->part + i] = (unsigned char)(c->order[i] - s);
	}
	ck_assert_int_eq(jose_verify_raw(jose_keys_at(every[c->alg].keys, 0),
	    c->alg, INPUT, (struct str){ (char *)raw, 2 * c->part }),
	    JOSE_OK);
}
END_TEST

START_TEST(other_signatures_have_one_length)
{
	static const enum jose_alg algs[] = {
		JOSE_RS256, JOSE_RS384, JOSE_PS256, JOSE_EDDSA,
	};
	enum jose_alg alg = algs[_i];
	const struct jose_key *key = jose_keys_at(every[alg].keys, 0);
	unsigned char signature[JOSE_SIGNATURE_MAX] = { 0 };
	size_t whole = jose_sign_raw(every[alg].key, INPUT, signature,
	    sizeof(signature));

	for (size_t n = 0; n <= whole + 2; n++)
		ck_assert_int_eq(jose_verify_raw(key, alg, INPUT,
		    (struct str){ (char *)signature, n }),
		    n == whole ? JOSE_OK : JOSE_SIGNATURE);
	memset(signature, 0, whole);
	ck_assert_int_eq(jose_verify_raw(key, alg, INPUT,
	    (struct str){ (char *)signature, whole }), JOSE_SIGNATURE);
}
END_TEST

START_TEST(eddsa_s_is_below_the_order)
{
	/* S + L fits the equation, too: the same signature spelt twice.
	 * RFC 8032 5.1.7, 8.4 */
	static const unsigned char order[32] = {
		0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,
		0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
		[31] = 0x10,
	};
	unsigned char signature[64];
	unsigned carry = 0;

	ck_assert_uint_eq(jose_sign_raw(every[JOSE_EDDSA].key, INPUT,
	    signature, 64), 64);
	for (size_t i = 0; i < 32; i++) {
		carry += signature[32 + i] + order[i];
		signature[32 + i] = (unsigned char)carry;
		carry >>= 8;
	}
	ck_assert_int_eq(jose_verify_raw(jose_keys_at(every[JOSE_EDDSA].keys,
	    0), JOSE_EDDSA, INPUT, (struct str){ (char *)signature, 64 }),
	    JOSE_SIGNATURE);
}
END_TEST

START_TEST(der_signature_is_refused)
{
	/* SEQUENCE of two INTEGERs of 32 bytes, as X.509 has it. */
	const struct jose_key *key = jose_keys_at(every[JOSE_ES256].keys, 0);
	unsigned char good[64], der[72] = { 0x30, 0x44, 0x02, 0x20 };

	do {
		ck_assert_uint_eq(jose_sign_raw(every[JOSE_ES256].key, INPUT,
		    good, 64), 64);
	} while (good[0] >= 0x80 || good[32] >= 0x80 || good[0] == 0 ||
	    good[32] == 0);
	memcpy(der + 4, good, 32);
	der[36] = 0x02;
	der[37] = 0x20;
	memcpy(der + 38, good + 32, 32);
	ck_assert_int_eq(jose_verify_raw(key, JOSE_ES256, INPUT,
	    (struct str){ (char *)der, 70 }), JOSE_SIGNATURE);
}
END_TEST

START_TEST(bad_signature_leaves_the_key_as_it_was)
{
	/* What a key keeps ready is used again and again. */
	const struct jose_key *key = jose_keys_at(every[_i].keys, 0);
	unsigned char good[JOSE_SIGNATURE_MAX];
	size_t n = jose_sign_raw(every[_i].key, INPUT, good, sizeof(good));
	struct str s = { (const char *)good, n };

	for (size_t at = 0; at < n; at += 5) {
		good[at] ^= 0x10;
		ck_assert_int_eq(jose_verify_raw(key, (enum jose_alg)_i, INPUT,
		    s), JOSE_SIGNATURE);
		good[at] ^= 0x10;
		ck_assert_int_eq(jose_verify_raw(key, (enum jose_alg)_i, INPUT,
		    s), JOSE_OK);
	}
}
END_TEST

/* --- shared secrets -------------------------------------------------- */

#define K32	"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"

START_TEST(hmac_is_compared_whole)
{
	/* CVE-2024-25189: a MAC is bytes, and has zeros among them. */
	static const char set[] = "{\"keys\":[{\"kty\":\"oct\",\"kid\":\"a\","
	    "\"k\":\"" K32 "\"}]}";
	enum jose_error error;
	const char *why;
	struct jose_keys *keys = jose_secrets_load(str_of(set), NULL, &error,
	    &why);
	unsigned char secret[32], mac[SHA256_BYTES + 1] = { 0 };
	const struct jose_key *key;
	struct str input = INPUT;

	ck_assert_ptr_nonnull(keys);
	key = jose_keys_at(keys, 0);
	ck_assert_uint_eq(base64url_decode(STR(K32), secret), 32);
	hmac_sha256((struct str){ (char *)secret, 32 }, INPUT, mac);
	for (size_t n = 0; n <= sizeof(mac); n++)
		ck_assert_int_eq(jose_verify_raw(key, JOSE_HS256, INPUT,
		    (struct str){ (char *)mac, n }),
		    n == SHA256_BYTES ? JOSE_OK : JOSE_SIGNATURE);
	/* Until a zero comes early: what is behind it counts, too. */
	for (char text[] = "a.0"; memchr(mac, 0, 8) == NULL; text[2]++) {
		ck_assert_int_lt(text[2], 126);
		input = (struct str){ memcpy(arena_alloc(arena, 3), text, 3),
		    3 };
		hmac_sha256((struct str){ (char *)secret, 32 }, input, mac);
	}
	for (size_t i = 0; i < SHA256_BYTES; i++) {
		mac[i] ^= 1;
		ck_assert_int_eq(jose_verify_raw(key, JOSE_HS256, input,
		    (struct str){ (char *)mac, SHA256_BYTES }),
		    JOSE_SIGNATURE);
		mac[i] ^= 1;
	}
	jose_keys_free(keys);
}
END_TEST

#define NITEMS(a)	((int)(sizeof(a) / sizeof((a)[0])))

int
main(void)
{
	TCase *c = suite_case("signature");

	tcase_add_unchecked_fixture(c, setup, teardown);
	tcase_add_test(c, rfc_signatures_verify_or_are_refused_by_name);
	tcase_add_loop_test(c, algorithm_is_the_keys_alone, JOSE_ALG_NONE + 1,
	    JOSE_HS256);
	tcase_add_test(c, digest_and_padding_belong_to_the_key);
	tcase_add_test(c, ps256_salt_is_as_long_as_the_digest);
	tcase_add_loop_test(c, ecdsa_r_and_s_are_of_their_length_and_range, 0,
	    NITEMS(curves));
	tcase_add_loop_test(c, ecdsa_s_may_be_the_other_of_two, 0,
	    NITEMS(curves));
	tcase_add_loop_test(c, other_signatures_have_one_length, 0, 4);
	tcase_add_test(c, eddsa_s_is_below_the_order);
	tcase_add_test(c, der_signature_is_refused);
	tcase_add_loop_test(c, bad_signature_leaves_the_key_as_it_was,
	    JOSE_ALG_NONE + 1, JOSE_HS256);
	tcase_add_test(c, hmac_is_compared_whole);
	return suite_run();
}
