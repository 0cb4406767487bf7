/*
 * JWK Sets: every key of RFC 7517, 7520 and 8037, and those that must not be
 * loaded.
 */

#include "lib/issuer.h"
#include "lib/suite.h"

#include <check.h>

static struct arena *arena;
static struct issuer rsa, ec, other;

static void
setup(void)
{
	arena = arena_new(65536);
	rsa = issuer_new(arena, JOSE_RS256);
	ec = issuer_new(arena, JOSE_ES256);
	other = issuer_new(arena, JOSE_ES256);
}

static void
teardown(void)
{
	issuer_free(&rsa);
	issuer_free(&ec);
	issuer_free(&other);
	arena_free(arena);
}

START_TEST(rfc_keys_are_loaded_skipped_or_refused)
{
	struct jdoc d = examples_read(arena, "tests/data/jose/keys.json");

	for (uint32_t i = jdoc_first(&d, 0); i != 0; i = jdoc_next(&d, 0, i)) {
		size_t skipped;
		enum jose_error error;
		const char *why;
		struct jose_keys *keys = jose_keys_load(
		    jwk_set(arena, example_text(&d, i, "jwk")), &skipped,
		    &error, &why);
		const char *was = keys == NULL ? "refused" :
		    skipped > 0 ? "skipped" : "loaded";

		ck_assert_msg(str_eqz(example_text(&d, i, "expect"), was),
		    "%.*s was %s", STR_ARGS(example_text(&d, i, "name")), was);
		jose_keys_free(keys);
	}
}
END_TEST

#define EC_XY	"\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\"," \
	"\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\""
#define EC_KEY	"\"kty\":\"EC\",\"crv\":\"P-256\"," EC_XY

#define ED_KEY	"\"kty\":\"OKP\",\"crv\":\"Ed25519\","
#define ED_X	"\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\""
#define OCT	"\"kty\":\"oct\",\"k\":"
#define K31	"\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg\""
#define K32	"\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\""

/* clang-format off */
static const struct set_case {
	const char	*jwks;
	bool		 loads;
	size_t		 count;
} set_cases[] = {
{ "{\"keys\":[{\"kid\":\"a\"," EC_KEY "}]}",					true, 1 },
{ "{\"keys\":[]}",								true, 0 },
{ "{\"keys\":[{\"kid\":\"a\",\"use\":\"enc\"," EC_KEY "}]}",			true, 0 },
{ "{\"keys\":[{\"kid\":\"a\",\"key_ops\":[\"sign\"]," EC_KEY "}]}",		true, 0 },
{ "{\"keys\":[{\"kid\":\"a\",\"key_ops\":[\"verify\"]," EC_KEY "}]}",		true, 1 },
{ "{\"keys\":[{\"kid\":\"a\",\"alg\":\"ES256\"," EC_KEY "}]}",			true, 1 },
{ "{\"keys\":[{\"kid\":\"a\",\"alg\":\"ES384\"," EC_KEY "}]}",			false, 0 },
{ "{\"keys\":[{\"kid\":\"a\",\"alg\":\"ES512\"," EC_KEY "}]}",			true, 0 },
{ "{\"keys\":[{\"kid\":\"a\",\"alg\":\"EdDSA\"," EC_KEY "}]}",			false, 0 },
{ "{\"keys\":[{\"kid\":\"a\",\"alg\":\"HS256\"," EC_KEY "}]}",			false, 0 },
{ "{\"keys\":[{\"kid\":\"a\"," ED_KEY ED_X "}]}",				true, 1 },
{ "{\"keys\":[{\"kid\":\"a\",\"alg\":\"EdDSA\"," ED_KEY ED_X "}]}",		true, 1 },
{ "{\"keys\":[{\"kid\":\"a\",\"alg\":\"Ed25519\"," ED_KEY ED_X "}]}",		true, 1 },
{ "{\"keys\":[{\"kid\":\"a\",\"alg\":\"ES256\"," ED_KEY ED_X "}]}",		false, 0 },
{ "{\"keys\":[{\"kid\":\"a\"," ED_KEY "\"x\":\"AQ\"}]}",			false, 0 },
{ "{\"keys\":[{\"kid\":\"a\",\"kty\":\"OKP\",\"crv\":\"Ed25519\"}]}",	false, 0 },
/* Ed25519 points of small order, and one above the field */
{ "{\"keys\":[{\"kid\":\"a\"," ED_KEY "\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}]}", false, 0 },
{ "{\"keys\":[{\"kid\":\"a\"," ED_KEY "\"x\":\"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}]}", false, 0 },
{ "{\"keys\":[{\"kid\":\"a\"," ED_KEY "\"x\":\"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAIA\"}]}", false, 0 },
{ "{\"keys\":[{\"kid\":\"a\"," ED_KEY "\"x\":\"xxdqcD1N2E-6PAt2DRBnDyogU_osOczGTsf9d5KsA3o\"}]}", false, 0 },
{ "{\"keys\":[{\"kid\":\"a\"," ED_KEY "\"x\":\"JuiVj8KyJ7BFw_SJ8u-Y8NXfrAXTxjM5sTgCiG1T_IU\"}]}", false, 0 },
{ "{\"keys\":[{\"kid\":\"a\"," ED_KEY "\"x\":\"7P________________________________________38\"}]}", false, 0 },
{ "{\"keys\":[{\"kid\":\"a\"," ED_KEY "\"x\":\"7v________________________________________38\"}]}", false, 0 },
{ "{\"keys\":[{\"kid\":\"a\",\"alg\":\"RS256\"," EC_KEY "}]}",			false, 0 },
{ "{\"keys\":[{\"kid\":\"a\",\"kty\":\"new\"}]}",				true, 0 },
{ "{\"keys\":[{" EC_KEY "}]}",							false, 0 },
{ "{\"keys\":[{\"kid\":\"\"," EC_KEY "}]}",					false, 0 },
{ "{\"keys\":[{\"kid\":\"a b\"," EC_KEY "}]}",					false, 0 },
{ "{\"keys\":[{\"kid\":\"a\"," EC_KEY "},{\"kid\":\"a\"," EC_KEY "}]}",		false, 0 },
{ "{\"keys\":[{\"kid\":\"a\",\"d\":\"AQ\"," EC_KEY "}]}",			false, 0 },
{ "{\"keys\":[{\"kid\":\"a\"," EC_KEY "},{\"kty\":\"oct\",\"k\":\"AQ\"}]}",	false, 0 },
{ "{\"keys\":[{\"kid\":\"a\",\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AQ\",\"y\":\"AQ\"}]}", false, 0 },
{ "{\"keys\":[{\"kid\":\"a\",\"kty\":\"EC\",\"crv\":\"P-256\"}]}",		false, 0 },
/* the point (1, 1) of no curve */
{ "{\"keys\":[{\"kid\":\"a\",\"kty\":\"EC\",\"crv\":\"P-256\","
  "\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE\","
  "\"y\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE\"}]}",			false, 0 },
{ "{\"keys\":[{\"kid\":\"a\",\"kty\":\"RSA\",\"n\":\"AQ\",\"e\":\"AQAB\"}]}",	false, 0 },
{ "{\"keys\":[{\"kid\":\"a\",\"kty\":\"RSA\",\"e\":\"AQAB\"}]}",		false, 0 },
{ "{\"keys\":[1]}",								false, 0 },
{ "{\"keys\":{}}",								false, 0 },
{ "{}",										false, 0 },
{ "",										false, 0 },
{ "{\"keys\":[],\"keys\":[]}",							false, 0 },
};
/* clang-format on */

START_TEST(key_set_is_judged)
{
	const struct set_case *c = &set_cases[_i];
	enum jose_error error;
	const char *why;
	struct jose_keys *keys = jose_keys_load(str_of(c->jwks), NULL, &error,
	    &why);

	ck_assert_msg((keys != NULL) == c->loads, "%s: %s", c->jwks, why);
	if (keys == NULL)
		ck_assert_ptr_nonnull(why);
	else
		ck_assert_uint_eq(jose_keys_count(keys), c->count);
	jose_keys_free(keys);
}
END_TEST

/* A set of secrets has secrets alone. RFC 8725 2.1, RFC 7518 3.2 */
/* clang-format off */
static const struct set_case secret_cases[] = {
{ "{\"keys\":[{\"kid\":\"a\"," OCT K32 "}]}",				true, 1 },
{ "{\"keys\":[{\"kid\":\"a\",\"alg\":\"HS256\"," OCT K32 "}]}",		true, 1 },
{ "{\"keys\":[{\"kid\":\"a\",\"alg\":\"HS512\"," OCT K32 "}]}",		true, 0 },
{ "{\"keys\":[{\"kid\":\"a\",\"alg\":\"none\"," OCT K32 "}]}",		true, 0 },
{ "{\"keys\":[{\"kid\":\"a\",\"use\":\"enc\"," OCT K32 "}]}",		true, 0 },
{ "{\"keys\":[{\"kid\":\"a\",\"alg\":\"RS256\"," OCT K32 "}]}",		false, 0 },
{ "{\"keys\":[{\"kid\":\"a\"," OCT K31 "}]}",				false, 0 },
{ "{\"keys\":[{\"kid\":\"a\",\"kty\":\"oct\"}]}",				false, 0 },
{ "{\"keys\":[{\"kid\":\"a\"," OCT "\"not base64!\"}]}",			false, 0 },
{ "{\"keys\":[{" OCT K32 "}]}",						false, 0 },
{ "{\"keys\":[{\"kid\":\"a\"," EC_KEY "}]}",				false, 0 },
{ "{\"keys\":[{\"kid\":\"a\"," OCT K32 "},{\"kid\":\"b\"," EC_KEY "}]}",	false, 0 },
{ "{\"keys\":[{\"kid\":\"a\"," OCT K32 "},{\"kid\":\"a\"," OCT K32 "}]}",	false, 0 },
};
/* clang-format on */

START_TEST(set_of_secrets_is_judged)
{
	const struct set_case *c = &secret_cases[_i];
	enum jose_error error;
	const char *why;
	struct jose_keys *keys = jose_secrets_load(str_of(c->jwks), NULL,
	    &error, &why);

	ck_assert_msg((keys != NULL) == c->loads, "%s: %s", c->jwks, why);
	if (keys == NULL)
		ck_assert_ptr_nonnull(why);
	else
		ck_assert_uint_eq(jose_keys_count(keys), c->count);
	jose_keys_free(keys);
}
END_TEST

/* The RSA key of the issuer with its exponent exchanged. */
static struct str
with_exponent(const char *e)
{
	struct str jwk = rsa.jwk;
	const char *at = strstr(arena_z(arena, jwk), "\"AQAB\"");
	size_t before;

	ck_assert_ptr_nonnull(at);
	before = jwk.n - strlen(at);
	return arena_printf(arena, "{\"keys\":[%.*s\"%s\"%s]}", (int)before,
	    jwk.p, e, at + strlen("\"AQAB\""));
}

START_TEST(rsa_exponent_is_odd_and_at_least_65537)
{
	static const struct {
		const char	*e;
		bool		 loads;
	} cases[] = {
		{ "AQAB", true }, { "AQ", false }, { "Aw", false },
		{ "EQ", false }, { "AQAA", false }, { "AAEAAQ", false },
		{ "AQABAQABAQABAQAB", false }, { "AQAB=", false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct jose_keys *keys = jwk_set_load(
		    with_exponent(cases[i].e));

		ck_assert_msg((keys != NULL) == cases[i].loads, "%s",
		    cases[i].e);
		jose_keys_free(keys);
	}
}
END_TEST

/* Two primes as that generator made them. */
#define ROCA_N	"89LAZNR7PZBpLZtGnDKZszxkMggLZEUC5NAaUFtGbPjKPWAPRMibVho8sC" \
	"ctG_9jjegqLvrnbjezthUsNucI_JU94v17xDkGCWCB9Y3tlbxPJpw_uEAuivZ64vDk6" \
	"gOw4ef2zEQfWOKM70oybYzG93MQO9rkLuW6qGos_HjdYQrqV_w6L4m9lnaxf07FstUY" \
	"5gK_12BKlURweX-l1pi93rmwGGIA8rlZ-Xpk1W7QSuM9q4keTArQ1D8Yj1NYIkCvtIJ" \
	"aqo1Lra9_nCZP7aJDUap9afRKqW8XAly3KpUtZGBTOhuJc63pCVQadXcoiH-LkLprR5" \
	"LHWS-bjzWCpJ2DTw"

START_TEST(rsa_key_of_a_broken_generator_is_refused)
{
	/* CVE-2017-15361 */
	static const char set[] = "{\"keys\":[{\"kid\":\"a\",\"kty\":\"RSA\","
	    "\"e\":\"AQAB\",\"n\":\"" ROCA_N "\"}]}";
	enum jose_error error;
	const char *why;

	ck_assert_ptr_null(jose_keys_load(str_of(set), NULL, &error, &why));
	ck_assert_ptr_nonnull(strstr(why, "CVE-2017-15361"));
}
END_TEST

START_TEST(generation_tells_key_sets_apart)
{
	struct str both = arena_printf(arena, "{\"keys\":[%.*s,%.*s]}",
	    STR_ARGS(rsa.jwk), STR_ARGS(ec.jwk));
	struct str turned = arena_printf(arena, "{ \"keys\":[%.*s,%.*s]}",
	    STR_ARGS(ec.jwk), STR_ARGS(rsa.jwk));
	struct jose_keys *a = jwk_set_load(both), *b = jwk_set_load(turned);

	ck_assert_uint_eq(jose_keys_generation(a), jose_keys_generation(b));
	ck_assert_uint_ne(jose_keys_generation(a),
	    jose_keys_generation(rsa.keys));
	ck_assert_uint_ne(jose_keys_generation(ec.keys),
	    jose_keys_generation(other.keys));
	jose_keys_free(a);
	jose_keys_free(b);
}
END_TEST

#define NITEMS(a)	((int)(sizeof(a) / sizeof((a)[0])))

int
main(void)
{
	TCase *c = suite_case("jwks");

	tcase_add_unchecked_fixture(c, setup, teardown);
	tcase_add_test(c, rfc_keys_are_loaded_skipped_or_refused);
	tcase_add_loop_test(c, key_set_is_judged, 0, NITEMS(set_cases));
	tcase_add_loop_test(c, set_of_secrets_is_judged, 0,
	    NITEMS(secret_cases));
	tcase_add_test(c, rsa_exponent_is_odd_and_at_least_65537);
	tcase_add_test(c, rsa_key_of_a_broken_generator_is_refused);
	tcase_add_test(c, generation_tells_key_sets_apart);
	return suite_run();
}
