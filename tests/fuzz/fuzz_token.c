/* Any bytes as a token, and as a signature of known keys of each kind. */

#include "base/jose.h"

#include <stdlib.h>

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Of RFC 7515 A.3, RFC 7517 A.1 and RFC 8037 A.2. */
static const char jwks[] = "{\"keys\":[{\"kid\":\"a\",\"kty\":\"EC\","
    "\"crv\":\"P-256\","
    "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"},"
    "{\"kid\":\"b\",\"kty\":\"OKP\",\"crv\":\"Ed25519\","
    "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"},"
    "{\"kid\":\"c\",\"kty\":\"RSA\",\"alg\":\"PS256\",\"e\":\"AQAB\","
    "\"n\":\"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86z"
    "wu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9y"
    "BXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7"
    "d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2N"
    "cRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw\"}]}";

/* Nobody finds a signature of a key that he has not. */
static void
must_not_verify(const struct jose_key *key, struct str input)
{
	static const enum jose_alg algs[] = {
		JOSE_ES256, JOSE_EDDSA, JOSE_PS256, JOSE_HS256,
	};

	for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++)
		if (jose_verify_raw(key, algs[i], STR("a.b"), input) ==
		    JOSE_OK)
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct jose_keys *known;
	static struct jose_token token;
	struct str input = { (const char *)data, size };
	bool opened = jose_open(&token, input, STR_NONE) == JOSE_OK;
	enum jose_error error;
	const char *why;

	if (known == NULL)
		known = jose_keys_load(str_of(jwks), NULL, &error, &why);
	for (size_t i = 0; i < jose_keys_count(known); i++) {
		const struct jose_key *key = jose_keys_at(known, i);

		if (opened && jose_verify(&token, key) == JOSE_OK)
			abort();
		must_not_verify(key, input);
	}
	return 0;
}
