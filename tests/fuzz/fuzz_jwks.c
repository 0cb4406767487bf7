/* Any bytes as a JWK Set, of public keys and of secrets. */

#include "base/jose.h"

#include <stdlib.h>

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_keys(const struct jose_keys *keys, bool secret)
{
	for (size_t i = 0; i < jose_keys_count(keys); i++) {
		const struct jose_key *key = jose_keys_at(keys, i);
		enum jose_alg alg = jose_key_alg(key);

		if ((alg == JOSE_HS256) != secret || alg == JOSE_ALG_NONE ||
		    jose_keys_find(keys, jose_key_kid(key)) != key ||
		    jose_verify_raw(key, alg, STR("a.b"), STR("x")) !=
		    JOSE_SIGNATURE)
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str input = { (const char *)data, size };
	enum jose_error error;
	const char *why = NULL;
	size_t skipped;
	struct jose_keys *keys, *secrets;

	keys = jose_keys_load(input, &skipped, &error, &why);
	if (keys == NULL ? error == JOSE_OK || why == NULL : error != JOSE_OK)
		abort();
	secrets = jose_secrets_load(input, &skipped, &error, &why);
	if (keys != NULL)
		check_keys(keys, false);
	if (secrets != NULL)
		check_keys(secrets, true);
	/* No set is both, but for those with nothing in them. */
	if (keys != NULL && secrets != NULL && jose_keys_count(keys) +
	    jose_keys_count(secrets) > 0)
		abort();
	jose_keys_free(keys);
	jose_keys_free(secrets);
	return 0;
}
