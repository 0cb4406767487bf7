/*
 * Any header and any claims, of which a token is made: the first line of the
 * input is the header, the rest the claims. So a fuzzer meets the JSON, and
 * not base64url.
 */

#include "base/jose.h"

#include <stdlib.h>

#include "base/code.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
inside(struct str part, struct str whole)
{
	if (part.n > 0 && (part.p < whole.p ||
	    part.p + part.n > whole.p + whole.n))
		abort();
}

/* What an opened token promises. */
static void
check_header(const struct jose_token *t)
{
	struct str room = { t->room, sizeof(t->room) };

	inside(t->kid, room);
	inside(t->typ, room);
	inside(t->payload, room);
	inside(t->signature, room);
	if (t->alg <= JOSE_ALG_NONE || t->alg >= JOSE_ALG__MAX ||
	    t->kid.n == 0 || t->kid.n > JOSE_KID_MAX ||
	    !jose_typ_is(t, STR("at+jwt")) || t->signature.n == 0)
		abort();
}

static void
read_claims(const struct jose_token *t)
{
	static const char *const texts[] = { "iss", "aud", "sub", "scope" };
	static const char *const times[] = { "exp", "nbf", "iat" };
	struct str text;
	int64_t seconds;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (jose_claim(t, str_of(texts[i]), &text))
			inside(text, t->payload);
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		if (jose_claim_time(t, str_of(times[i]), &seconds) &&
		    (seconds < 0 || seconds > INT64_C(1) << 53))
			abort();
	(void)jose_claim_aud(t, STR("api"));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct jose_token token;
	struct str rest = { (const char *)data, size };
	struct str header = str_cut(&rest, '\n');
	char *text = malloc(size * 2 + 16);
	size_t n;

	if (text == NULL)
		abort();
	n = base64url_encode(header, text);
	text[n++] = '.';
	n += base64url_encode(rest, text + n);
	memcpy(text + n, ".AAAA", 5);
	if (jose_open(&token, (struct str){ text, n + 5 }, STR("at+jwt")) ==
	    JOSE_OK) {
		check_header(&token);
		read_claims(&token);
	}
	free(text);
	return 0;
}
