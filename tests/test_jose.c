/* Tokens: the attacks that other verifiers fell for, and claims. */

#include "lib/issuer.h"
#include "lib/suite.h"

#include <check.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/code.h"
#include "base/hash.h"

#define CLAIMS	"{\"iss\":\"https://auth.test\",\"aud\":\"https://api.test\"," \
	"\"sub\":\"app\",\"exp\":4102444800}"
#define AT_JWT	STR("at+jwt")

static struct arena *arena;
static struct issuer every[JOSE_HS256];		/* of all that have key pairs */
static struct issuer rsa, ec, other;
static struct jose_token token;

static void
setup(void)
{
	arena = arena_new(65536);
	for (int alg = JOSE_ALG_NONE + 1; alg < JOSE_HS256; alg++)
		every[alg] = issuer_new(arena, (enum jose_alg)alg);
	rsa = every[JOSE_RS256];
	ec = every[JOSE_ES256];
	other = issuer_new(arena, JOSE_ES256);
}

static void
teardown(void)
{
	for (int alg = JOSE_ALG_NONE + 1; alg < JOSE_HS256; alg++)
		issuer_free(&every[alg]);
	issuer_free(&other);
	arena_free(arena);
}

static void
add_base64url(struct buf *b, struct str s)
{
	buf_took(b, base64url_encode(s, buf_room(b, (s.n * 4 + 2) / 3)));
}

/* A token with a header as given ("%k" = the issuer's kid), well signed. */
static struct str
forge(const struct issuer *issuer, const char *header, struct str claims)
{
	struct buf b = buf_new(arena, 1024), head = buf_new(arena, 256);
	unsigned char signature[JOSE_SIGNATURE_MAX];
	size_t n;

	for (const char *p = header; *p != '\0'; p++) {
		if (p[0] == '%' && p[1] == 'k') {
			buf_add(&head, jose_private_kid(issuer->key));
			p++;
		} else {
			buf_addc(&head, *p);
		}
	}
	add_base64url(&b, buf_str(&head));
	buf_addc(&b, '.');
	add_base64url(&b, claims);
	n = jose_sign_raw(issuer->key, buf_str(&b), signature,
	    sizeof(signature));
	buf_addc(&b, '.');
	add_base64url(&b, (struct str){ (const char *)signature, n });
	return buf_str(&b);
}

static struct str
mint(const struct issuer *issuer, struct str typ, struct str claims)
{
	char *out = arena_alloc(arena, JOSE_TOKEN_MAX * 2);
	size_t n = jose_sign(issuer->key, typ, claims, out,
	    JOSE_TOKEN_MAX * 2);

	ck_assert_uint_gt(n, 0);
	return (struct str){ out, n };
}

/* Open and verify as the edge does. */
static enum jose_error
accept(const struct issuer *issuer, struct str text)
{
	enum jose_error error = jose_open(&token, text, AT_JWT);
	const struct jose_key *key;

	if (error != JOSE_OK)
		return error;
	key = jose_keys_find(issuer->keys, token.kid);
	return key == NULL ? JOSE_KID : jose_verify(&token, key);
}

/* --- tokens ---------------------------------------------------------- */

START_TEST(minted_token_is_accepted)
{
	const struct issuer *issuer = &every[_i];

	ck_assert_int_eq(accept(issuer, mint(issuer, AT_JWT, STR(CLAIMS))),
	    JOSE_OK);
	ck_assert_int_eq(jose_key_alg(jose_keys_at(issuer->keys, 0)), _i);
}
END_TEST

/* clang-format off */
static const struct header_case {
	const char	*header;
	enum jose_error	 error;
} header_cases[] = {
/* a control: the same way, but good */
{ "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"%k\"}",			JOSE_OK },
{ "{\"alg\":\"ES256\",\"typ\":\"AT+JWT\",\"kid\":\"%k\"}",			JOSE_OK },
{ "{\"alg\":\"ES256\",\"typ\":\"application/at+jwt\",\"kid\":\"%k\"}",		JOSE_OK },
{ "{\"alg\":\"ES256\",\"typ\":\"APPLICATION/at+jwt\",\"kid\":\"%k\"}",		JOSE_OK },
{ "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"%k\",\"zip\":\"DEF\"}",	JOSE_OK },
/* algorithm: RFC 8725 2.1, 3.1 */
{ "{\"alg\":\"none\",\"typ\":\"at+jwt\",\"kid\":\"%k\"}",			JOSE_ALGORITHM_UNSUPPORTED },
{ "{\"alg\":\"None\",\"typ\":\"at+jwt\",\"kid\":\"%k\"}",			JOSE_ALG },
{ "{\"alg\":\"NONE\",\"typ\":\"at+jwt\",\"kid\":\"%k\"}",			JOSE_ALG },
{ "{\"alg\":\"nOnE\",\"typ\":\"at+jwt\",\"kid\":\"%k\"}",			JOSE_ALG },
{ "{\"alg\":\"\",\"typ\":\"at+jwt\",\"kid\":\"%k\"}",				JOSE_ALG },
{ "{\"alg\":\" ES256\",\"typ\":\"at+jwt\",\"kid\":\"%k\"}",			JOSE_ALG },
{ "{\"alg\":\"es256\",\"typ\":\"at+jwt\",\"kid\":\"%k\"}",			JOSE_ALG },
{ "{\"alg\":\"ES256\\u0000\",\"typ\":\"at+jwt\",\"kid\":\"%k\"}",		JOSE_HEADER },
{ "{\"alg\":null,\"typ\":\"at+jwt\",\"kid\":\"%k\"}",				JOSE_ALG },
{ "{\"alg\":[\"ES256\"],\"typ\":\"at+jwt\",\"kid\":\"%k\"}",			JOSE_ALG },
{ "{\"typ\":\"at+jwt\",\"kid\":\"%k\"}",					JOSE_ALG },
{ "{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":\"%k\"}",			JOSE_ALG },
{ "{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"%k\"}",			JOSE_ALG },
{ "{\"alg\":\"HS384\",\"typ\":\"at+jwt\",\"kid\":\"%k\"}",			JOSE_ALGORITHM_UNSUPPORTED },
{ "{\"alg\":\"ES384\",\"typ\":\"at+jwt\",\"kid\":\"%k\"}",			JOSE_ALG },
{ "{\"alg\":\"HS512\",\"typ\":\"at+jwt\",\"kid\":\"%k\"}",			JOSE_ALGORITHM_UNSUPPORTED },
{ "{\"alg\":\"ES512\",\"typ\":\"at+jwt\",\"kid\":\"%k\"}",			JOSE_ALGORITHM_UNSUPPORTED },
{ "{\"alg\":\"ES256K\",\"typ\":\"at+jwt\",\"kid\":\"%k\"}",			JOSE_ALGORITHM_UNSUPPORTED },
{ "{\"alg\":\"PS256\",\"typ\":\"at+jwt\",\"kid\":\"%k\"}",			JOSE_ALG },
{ "{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\",\"kid\":\"%k\"}",			JOSE_ALG },
/* type: RFC 9068 4 */
{ "{\"alg\":\"ES256\",\"typ\":\"JWT\",\"kid\":\"%k\"}",				JOSE_TYP },
{ "{\"alg\":\"ES256\",\"typ\":\"at+jwt2\",\"kid\":\"%k\"}",			JOSE_TYP },
{ "{\"alg\":\"ES256\",\"typ\":\"application/\",\"kid\":\"%k\"}",		JOSE_TYP },
{ "{\"alg\":\"ES256\",\"typ\":\"application/application/at+jwt\",\"kid\":\"%k\"}", JOSE_TYP },
{ "{\"alg\":\"ES256\",\"typ\":1,\"kid\":\"%k\"}",				JOSE_TYP },
{ "{\"alg\":\"ES256\",\"kid\":\"%k\"}",						JOSE_TYP },
/* extensions: RFC 7515 4.1.11 */
{ "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"%k\",\"crit\":[\"exp\"]}",	JOSE_CRIT },
{ "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"%k\",\"crit\":[]}",		JOSE_CRIT },
{ "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"%k\",\"b64\":false,\"crit\":[\"b64\"]}", JOSE_CRIT },
/* key */
{ "{\"alg\":\"ES256\",\"typ\":\"at+jwt\"}",					JOSE_KID },
{ "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"\"}",			JOSE_KID },
{ "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":1}",				JOSE_KID },
{ "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"%k \"}",			JOSE_KID },
{ "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"../../etc/passwd\"}",	JOSE_KID },
{ "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"x' or 1=1 --\"}",		JOSE_KID },
/* JSON */
{ "{\"alg\":\"ES256\",\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"%k\"}",	JOSE_HEADER },
{ "{\"alg\":\"none\",\"typ\":\"at+jwt\",\"kid\":\"%k\",\"\\u0061lg\":\"ES256\"}", JOSE_HEADER },
{ "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"%k\",\"kid\":\"%k\"}",	JOSE_HEADER },
{ "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"%k\"} x",			JOSE_HEADER },
{ "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"%k\",}",			JOSE_HEADER },
{ "[\"alg\"]",									JOSE_HEADER },
{ "{\"x\":[[[[[[[[[[1]]]]]]]]]],\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"%k\"}", JOSE_HEADER },
};
/* clang-format on */

START_TEST(header_is_judged)
{
	const struct header_case *c = &header_cases[_i];
	enum jose_error error = accept(&ec, forge(&ec, c->header,
	    STR(CLAIMS)));

	ck_assert_msg(error == c->error, "%s: %s", c->header,
	    jose_strerror(error));
}
END_TEST

START_TEST(public_rsa_key_is_no_hmac_secret)
{
	/* CVE-2016-10555: an HMAC by what everybody knows of the key. The key
	 * says what it is for, not the token. */
	struct str text = forge(&rsa,
	    "{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"%k\"}",
	    STR(CLAIMS));
	struct buf b = buf_new(arena, text.n);
	unsigned char mac[SHA256_BYTES];

	while (text.n > 0 && text.p[text.n - 1] != '.')
		text.n--;
	hmac_sha256(rsa.jwk, (struct str){ text.p, text.n - 1 }, mac);
	buf_add(&b, text);
	add_base64url(&b, (struct str){ (const char *)mac, sizeof(mac) });
	ck_assert_int_eq(accept(&rsa, buf_str(&b)), JOSE_ALG);
}
END_TEST

START_TEST(key_inside_the_token_is_not_used)
{
	/* CVE-2018-0114: signed by a stranger who brings his own key. */
	struct str text = forge(&other, arena_z(arena, arena_printf(arena,
	    "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"%.*s\","
	    "\"jwk\":%.*s,\"jku\":\"https://evil.test/jwks.json\"}",
	    STR_ARGS(jose_private_kid(ec.key)), STR_ARGS(other.jwk))),
	    STR(CLAIMS));

	ck_assert_int_eq(accept(&ec, text), JOSE_SIGNATURE);
}
END_TEST

START_TEST(token_of_another_key_is_refused)
{
	ck_assert_int_eq(accept(&ec, mint(&other, AT_JWT, STR(CLAIMS))),
	    JOSE_KID);
	ck_assert_int_eq(jose_open(&token, mint(&other, AT_JWT, STR(CLAIMS)),
	    AT_JWT), JOSE_OK);
	ck_assert_int_eq(jose_verify(&token, jose_keys_at(ec.keys, 0)),
	    JOSE_KID);
}
END_TEST

START_TEST(keys_may_alternate)
{
	/* A verifying context that is used again keeps its first key. */
	struct str a = mint(&ec, AT_JWT, STR(CLAIMS));
	struct str b = mint(&other, AT_JWT, STR(CLAIMS));

	for (int i = 0; i < 4; i++) {
		ck_assert_int_eq(accept(&ec, a), JOSE_OK);
		ck_assert_int_eq(accept(&other, b), JOSE_OK);
		ck_assert_int_eq(accept(&ec, b), JOSE_KID);
	}
}
END_TEST

START_TEST(id_token_is_no_access_token)
{
	ck_assert_int_eq(accept(&rsa, mint(&rsa, STR("JWT"), STR(CLAIMS))),
	    JOSE_TYP);
}
END_TEST

START_TEST(every_truncation_is_refused)
{
	struct str text = mint(&ec, AT_JWT, STR(CLAIMS));

	for (size_t n = 0; n < text.n; n++)
		ck_assert_int_ne(accept(&ec, (struct str){ text.p, n }),
		    JOSE_OK);
	ck_assert_int_eq(accept(&ec, text), JOSE_OK);
}
END_TEST

START_TEST(every_flipped_bit_is_refused)
{
	struct str text = mint(&ec, AT_JWT, STR(CLAIMS));
	char *copy = arena_alloc(arena, text.n);

	for (size_t i = 0; i < text.n; i++) {
		memcpy(copy, text.p, text.n);
		copy[i] = (char)(copy[i] ^ 1 << (i % 8));
		ck_assert_int_ne(accept(&ec, (struct str){ copy, text.n }),
		    JOSE_OK);
	}
}
END_TEST

START_TEST(other_spellings_of_a_token_are_refused)
{
	struct str text = mint(&ec, AT_JWT, STR(CLAIMS));
	char *last = arena_alloc(arena, text.n);
	static const char *const around[][2] = {
		{ "", "=" }, { "", "==" }, { " ", "" }, { "", "\n" },
		{ "", "." }, { ".", "" }, { "", ".x" }, { "=", "" },
	};

	for (size_t i = 0; i < sizeof(around) / sizeof(around[0]); i++)
		ck_assert_int_ne(accept(&ec, arena_printf(arena,
		    "%s%.*s%s", around[i][0], STR_ARGS(text), around[i][1])),
		    JOSE_OK);
	/* 64 bytes end in a digit whose last four bits say nothing. */
	memcpy(last, text.p, text.n);
	last[text.n - 1]++;
	ck_assert_int_eq(accept(&ec, (struct str){ last, text.n }),
	    JOSE_BASE64);
}
END_TEST

START_TEST(size_is_bounded)
{
	char *text = arena_alloc(arena, JOSE_TOKEN_MAX + 1);

	memset(text, 'A', JOSE_TOKEN_MAX + 1);
	ck_assert_int_eq(accept(&ec, (struct str){ text, JOSE_TOKEN_MAX + 1 }),
	    JOSE_TOO_LARGE);
	ck_assert_int_eq(accept(&ec, (struct str){ text, JOSE_TOKEN_MAX }),
	    JOSE_SHAPE);
	ck_assert_int_eq(accept(&ec, STR("")), JOSE_SHAPE);
	ck_assert_int_eq(accept(&ec, STR("..")), JOSE_SHAPE);
	ck_assert_int_eq(accept(&ec, STR("e30.e30.")), JOSE_ALG);
}
END_TEST

START_TEST(encrypted_token_is_refused)
{
	ck_assert_int_eq(accept(&ec, STR("e30.e30.e30.e30.e30")), JOSE_SHAPE);
}
END_TEST

START_TEST(payload_is_a_bounded_object_without_duplicates)
{
	static const struct {
		const char	*claims;
		enum jose_error	 error;
	} cases[] = {
		{ "{\"exp\":1,\"exp\":2}", JOSE_PAYLOAD },
		{ "[]", JOSE_PAYLOAD },
		{ "\"x\"", JOSE_PAYLOAD },
		{ "{\"a\":[[[[[[[[1]]]]]]]]}", JOSE_PAYLOAD },
		{ "{\"a\":\"\xff\"}", JOSE_PAYLOAD },
		{ "{\"a\":1} ", JOSE_OK },
	};
	struct buf many = buf_new(arena, 4096);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_int_eq(accept(&ec, mint(&ec, AT_JWT,
		    str_of(cases[i].claims))), cases[i].error);
	buf_addz(&many, "{\"a\":[0");
	for (int i = 0; i < JOSE_NODES_MAX; i++)
		buf_addz(&many, ",0");
	buf_addz(&many, "]}");
	ck_assert_int_eq(accept(&ec, mint(&ec, AT_JWT, buf_str(&many))),
	    JOSE_ROOM);
}
END_TEST

/* --- claims ---------------------------------------------------------- */

/* clang-format off */
static const struct time_case {
	const char	*claims;
	int64_t		 seconds;	/* -1 = refused */
} time_cases[] = {
	{ "{\"exp\":0}",			0 },
	{ "{\"exp\":1700000000}",		1700000000 },
	{ "{\"exp\":1700000000.999}",		1700000000 },
	{ "{\"exp\":9007199254740992}",		INT64_C(9007199254740992) },
	{ "{\"exp\":9007199254740993}",		-1 },
	{ "{\"exp\":9223372036854775807}",	-1 },
	{ "{\"exp\":18446744073709551616}",	-1 },
	{ "{\"exp\":1e999}",			-1 },
	{ "{\"exp\":1e9}",			-1 },
	{ "{\"exp\":1E9}",			-1 },
	{ "{\"exp\":1.5e9}",			-1 },
	{ "{\"exp\":-1}",			-1 },
	{ "{\"exp\":-0}",			-1 },
	{ "{\"exp\":\"1700000000\"}",		-1 },
	{ "{\"exp\":null}",			-1 },
	{ "{\"exp\":true}",			-1 },
	{ "{\"exp\":[1]}",			-1 },
	{ "{}",					-1 },
};
/* clang-format on */

START_TEST(times_are_whole_bounded_seconds)
{
	const struct time_case *c = &time_cases[_i];
	int64_t seconds = -1;
	bool found;

	ck_assert_int_eq(accept(&ec, mint(&ec, AT_JWT, str_of(c->claims))),
	    JOSE_OK);
	found = jose_claim_time(&token, STR("exp"), &seconds);
	ck_assert_int_eq(found, c->seconds >= 0);
	ck_assert_int_eq(seconds, c->seconds);
}
END_TEST

START_TEST(audience_is_a_string_or_a_list)
{
	static const struct {
		const char	*claims;
		bool		 fits;
	} cases[] = {
		{ "{\"aud\":\"api\"}", true },
		{ "{\"aud\":[\"x\",\"api\"]}", true },
		{ "{\"aud\":\"api2\"}", false },
		{ "{\"aud\":\"ap\"}", false },
		{ "{\"aud\":[]}", false },
		{ "{\"aud\":[[\"api\"]]}", false },
		{ "{\"aud\":{\"api\":\"api\"}}", false },
		{ "{\"aud\":1}", false },
		{ "{}", false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ck_assert_int_eq(accept(&ec, mint(&ec, AT_JWT,
		    str_of(cases[i].claims))), JOSE_OK);
		ck_assert_int_eq(jose_claim_aud(&token, STR("api")),
		    cases[i].fits);
	}
}
END_TEST

START_TEST(claim_is_a_plain_string)
{
	struct str sub;

	ck_assert_int_eq(accept(&ec, mint(&ec, AT_JWT, STR("{\"sub\":\"me\","
	    "\"odd\":\"\\u0041\",\"n\":1}"))), JOSE_OK);
	ck_assert(jose_claim(&token, STR("sub"), &sub));
	ck_assert(str_eqz(sub, "me"));
	ck_assert(!jose_claim(&token, STR("odd"), &sub));
	ck_assert(!jose_claim(&token, STR("n"), &sub));
	ck_assert(!jose_claim(&token, STR("absent"), &sub));
}
END_TEST

START_TEST(refused_token_has_no_claims)
{
	struct str sub;

	ck_assert_int_eq(accept(&ec, mint(&ec, AT_JWT, STR(CLAIMS))),
	    JOSE_OK);
	ck_assert_int_eq(accept(&ec, STR("x")), JOSE_SHAPE);
	ck_assert(!jose_claim(&token, STR("sub"), &sub));
}
END_TEST

START_TEST(private_key_must_fit_its_algorithm)
{
	char pem[8192];
	size_t n = jose_private_new(JOSE_ES256, pem, sizeof(pem));

	ck_assert_ptr_null(jose_private_load((struct str){ pem, n },
	    JOSE_RS256));
	ck_assert_ptr_null(jose_private_load(STR("no key"), JOSE_RS256));
	ck_assert_uint_eq(jose_private_new(JOSE_RS256, pem, 100), 0);
}
END_TEST

START_TEST(signing_needs_room_and_a_plain_typ)
{
	char out[4096];
	struct str whole = mint(&ec, AT_JWT, STR(CLAIMS));

	ck_assert_uint_eq(jose_sign(ec.key, AT_JWT, STR(CLAIMS), out,
	    whole.n), whole.n);
	ck_assert_uint_eq(jose_sign(ec.key, AT_JWT, STR(CLAIMS), out,
	    whole.n - 1), 0);
	ck_assert_uint_eq(jose_sign(ec.key, STR("a\"b"), STR(CLAIMS), out,
	    sizeof(out)), 0);
}
END_TEST

#define NITEMS(a)	((int)(sizeof(a) / sizeof((a)[0])))

int
main(void)
{
	TCase *c = suite_case("jose");

	tcase_add_unchecked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, minted_token_is_accepted, JOSE_ALG_NONE + 1,
	    JOSE_HS256);
	tcase_add_loop_test(c, header_is_judged, 0, NITEMS(header_cases));
	tcase_add_test(c, public_rsa_key_is_no_hmac_secret);
	tcase_add_test(c, key_inside_the_token_is_not_used);
	tcase_add_test(c, token_of_another_key_is_refused);
	tcase_add_test(c, keys_may_alternate);
	tcase_add_test(c, id_token_is_no_access_token);
	tcase_add_test(c, every_truncation_is_refused);
	tcase_add_test(c, every_flipped_bit_is_refused);
	tcase_add_test(c, other_spellings_of_a_token_are_refused);
	tcase_add_test(c, size_is_bounded);
	tcase_add_test(c, encrypted_token_is_refused);
	tcase_add_test(c, payload_is_a_bounded_object_without_duplicates);
	tcase_add_loop_test(c, times_are_whole_bounded_seconds, 0,
	    NITEMS(time_cases));
	tcase_add_test(c, audience_is_a_string_or_a_list);
	tcase_add_test(c, claim_is_a_plain_string);
	tcase_add_test(c, refused_token_has_no_claims);
	tcase_add_test(c, private_key_must_fit_its_algorithm);
	tcase_add_test(c, signing_needs_room_and_a_plain_typ);
	return suite_run();
}
