/*
 * verify [ROUNDS]: what a token costs that nobody has seen before, beside one
 * verification by OpenSSL alone; one line of JSON for each algorithm.
 *
 *   evp_us      EVP_DigestVerify in a context of its own
 *   token_us    all that the edge does by base/: SHA-256 of the token, taking
 *               it apart, reading its claims, the signature
 *   added_us    the difference
 *
 * Rounds alternate; each figure is the median of their CPU times.
 */

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "base/code.h"
#include "base/hash.h"
#include "base/jose.h"

#define ROUNDS_MAX	101
#define PER_ROUND	200

#define CLIENT	"cli_4e5f6a7b8c9d"
#define CLAIMS	"{\"iss\":\"https://auth.example.org\"," \
	"\"sub\":\"" CLIENT "\"," \
	"\"aud\":\"https://api.example.org/v3\",\"tenant\":\"1\"," \
	"\"client_id\":\"" CLIENT "\",\"iat\":1767225600," \
	"\"exp\":1767229200,\"jti\":\"tok_0123456789abcdef0123\"," \
	"\"scope\":\"patient:read patient:write clinical:read\"," \
	"\"env\":\"production\"}"

/* One algorithm's key, token and signature, for both ways. */
struct subject {
	enum jose_alg		 alg;
	struct jose_keys	*keys;
	EVP_PKEY		*pkey;
	char			 text[JOSE_TOKEN_MAX];
	struct str		 token, input;
	unsigned char		 signature[JOSE_SIGNATURE_MAX];
	size_t			 signature_bytes;
};

static void
die(const char *what)
{
	fprintf(stderr, "verify: %s\n", what);
	exit(1);
}

static EVP_PKEY *
pkey_of(struct str pem)
{
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	EVP_PKEY *pkey = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);

	BIO_free(bio);
	if (pkey == NULL)
		die("no key");
	return pkey;
}

/* The signature as EVP takes it: DER for ECDSA, where JWS has it bare. */
static void
sign(struct subject *s, const char *digest)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *options;

	s->signature_bytes = sizeof(s->signature);
	if (EVP_DigestSignInit_ex(ctx, &options, digest, NULL, NULL, s->pkey,
	    NULL) != 1 || (s->alg == JOSE_PS256 &&
	    EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) != 1)
	    || EVP_DigestSign(ctx, s->signature, &s->signature_bytes,
	    (const unsigned char *)s->input.p, s->input.n) != 1)
		die("cannot sign");
	EVP_MD_CTX_free(ctx);
}

static void
prepare(struct subject *s, enum jose_alg alg, const char *digest)
{
	char pem[8192], jwk[4096], set[4200];
	struct str text = { pem, jose_private_new(alg, pem, sizeof(pem)) };
	struct jose_private *key = jose_private_load(text, alg);
	enum jose_error error;
	const char *why;
	int n;

	if (key == NULL)
		die("no private key");
	s->alg = alg;
	s->pkey = pkey_of(text);
	n = (int)jose_private_jwk(key, jwk, sizeof(jwk));
	n = snprintf(set, sizeof(set), "{\"keys\":[%.*s]}", n, jwk);
	s->keys = jose_keys_load((struct str){ set, (size_t)n }, NULL, &error,
	    &why);
	s->token = (struct str){ s->text, jose_sign(key, STR("at+jwt"),
	    STR(CLAIMS), s->text, sizeof(s->text)) };
	s->input = s->token;
	while (s->input.p[--s->input.n] != '.')
		continue;
	jose_private_free(key);
	sign(s, digest);
}

static void
by_evp(struct subject *s, const char *digest)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *options;

	if (EVP_DigestVerifyInit_ex(ctx, &options, digest, NULL, NULL,
	    s->pkey, NULL) != 1 || (s->alg == JOSE_PS256 &&
	    EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) != 1)
	    || EVP_DigestVerify(ctx, s->signature, s->signature_bytes,
	    (const unsigned char *)s->input.p, s->input.n) != 1)
		die("EVP refuses");
	EVP_MD_CTX_free(ctx);
}

static void
by_token(struct subject *s)
{
	static const char *const texts[] = {
		"iss", "aud", "sub", "client_id", "jti", "scope", "tenant",
		"gid",
	};
	static struct jose_token token;
	unsigned char digest[SHA256_BYTES];
	struct str text;
	int64_t seconds;

	sha256(s->token, digest);
	if (jose_open(&token, s->token, STR("at+jwt")) != JOSE_OK)
		die("a good token is refused");
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		(void)jose_claim(&token, str_of(texts[i]), &text);
	if (!jose_claim_time(&token, STR("exp"), &seconds) ||
	    !jose_claim_time(&token, STR("iat"), &seconds) ||
	    jose_claim_time(&token, STR("nbf"), &seconds) ||
	    jose_verify(&token, jose_keys_find(s->keys, token.kid)) != JOSE_OK)
		die("a good token is refused");
}

static double
cpu_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static int
ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
median(double *values, int n)
{
	qsort(values, (size_t)n, sizeof(*values), ascending);
	return values[n / 2];
}

static void
measure(enum jose_alg alg, const char *digest, int rounds)
{
	static double evp[ROUNDS_MAX], token[ROUNDS_MAX];
	static struct subject subject;

	prepare(&subject, alg, digest);
	for (int i = 0; i < rounds; i++) {
		double begin = cpu_us(), middle;

		for (int n = 0; n < PER_ROUND; n++)
			by_evp(&subject, digest);
		middle = cpu_us();
		for (int n = 0; n < PER_ROUND; n++)
			by_token(&subject);
		token[i] = (cpu_us() - middle) / PER_ROUND;
		evp[i] = (middle - begin) / PER_ROUND;
	}
	printf("{\"alg\":\"%s\",\"bytes\":%zu,\"evp_us\":%.1f,"
	    "\"token_us\":%.1f,\"added_us\":%.1f}\n", jose_alg_name(alg),
	    subject.token.n, median(evp, rounds), median(token, rounds),
	    median(token, rounds) - median(evp, rounds));
	EVP_PKEY_free(subject.pkey);
	jose_keys_free(subject.keys);
}

int
main(int argc, char **argv)
{
	static const struct {
		enum jose_alg	 alg;
		const char	*digest;
	} rows[] = {
		{ JOSE_RS256, "SHA256" }, { JOSE_RS384, "SHA384" },
		{ JOSE_PS256, "SHA256" }, { JOSE_ES256, "SHA256" },
		{ JOSE_ES384, "SHA384" }, { JOSE_EDDSA, NULL },
	};
	uint64_t rounds = 21;

	if (argc > 1 && !str_u64(str_of(argv[1]), ROUNDS_MAX, &rounds))
		die("ROUNDS is a number up to 101");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		measure(rows[i].alg, rows[i].digest, (int)rounds);
	return 0;
}
