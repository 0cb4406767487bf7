/* Any bytes to each decoder; what decodes has exactly one spelling. */

#include "base/code.h"

#include <stdlib.h>

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef size_t	decoder(struct str in, unsigned char *out);
typedef size_t	encoder(struct str in, char *out);

/* Rooms are exactly as large as code.h says, so that overruns are seen. */
static void
there_and_back(struct str in, size_t decoded_room, decoder *decode,
    encoder *encode)
{
	unsigned char *raw = malloc(decoded_room + 1);
	char *text = malloc(in.n + 4);
	size_t n;

	if (raw == NULL || text == NULL)
		abort();
	n = decode(in, raw);
	if (n != CODE_BAD) {
		struct str back = { (const char *)raw, n };

		if (n > decoded_room || encode(back, text) != in.n ||
		    (in.n > 0 && memcmp(text, in.p, in.n) != 0))
			abort();
	}
	free(text);
	free(raw);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = { (const char *)data, size };
	char *out = malloc(size + 1);
	size_t n;

	if (out == NULL)
		abort();
	there_and_back(in, size * 3 / 4, base64url_decode, base64url_encode);
	there_and_back(in, size * 3 / 4, base64_decode, base64_encode);
	for (int plus = 0; plus < 2; plus++) {
		n = percent_decode(in, plus == 1, out);
		if (n != CODE_BAD && (n > size ||
		    !utf8_valid((struct str){ out, n })))
			abort();
	}
	free(out);
	return 0;
}
