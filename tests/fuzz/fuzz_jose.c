/* Any bytes as a token, as a JWK Set, and as a signature of a known key. */

#include "base/jose.h"

#include <stdlib.h>

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* RFC 7515 A.3's key, and a token that begins as if it had signed it. */
static const char jwks[] = "{\"keys\":[{\"kid\":\"a\",\"kty\":\"EC\","
    "\"crv\":\"P-256\","
    "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}]}";

static void
read_claims(const struct jose_token *token)
{
	struct str text;
	int64_t seconds;

	if (jose_claim_time(token, STR("exp"), &seconds) &&
	    (seconds < 0 || seconds > INT64_C(1) << 53))
		abort();
	(void)jose_claim(token, STR("sub"), &text);
	(void)jose_claim_aud(token, STR("api"));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct jose_keys *known;
	static struct jose_token token;
	struct str input = { (const char *)data, size };
	enum jose_error error;
	struct jose_keys *keys;
	const char *why;

	if (known == NULL)
		known = jose_keys_load(str_of(jwks), NULL, &error, &why);
	if (jose_open(&token, input, STR_NONE) == JOSE_OK) {
		read_claims(&token);
		/* Nobody finds a signature of a key that he has not. */
		if (jose_verify(&token, jose_keys_at(known, 0)) == JOSE_OK)
			abort();
	}
	(void)jose_verify_raw(jose_keys_at(known, 0), JOSE_ES256, STR("a.b"),
	    input);
	keys = jose_keys_load(input, NULL, &error, &why);
	if ((keys == NULL) != (error != JOSE_OK))
		abort();
	jose_keys_free(keys);
	return 0;
}
