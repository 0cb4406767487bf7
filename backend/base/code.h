/*
 * Encodings of outside bytes, each strict in both directions. Decoders return
 * the bytes written, or CODE_BAD; `out` never needs more room than stated.
 */
#ifndef BASE_CODE_H
#define BASE_CODE_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define CODE_BAD	SIZE_MAX

/* base64url without padding, RFC 7515 2 (non-canonical last bits refused).
 * Room: encode (n*4+2)/3, decode n*3/4. */
size_t	base64url_encode(struct str in, char *out);
size_t	base64url_decode(struct str in, unsigned char *out);

/* base64 with padding, RFC 4648 4, as HTTP Basic and FHIR base64Binary use. */
size_t	base64_encode(struct str in, char *out);
size_t	base64_decode(struct str in, unsigned char *out);

/*
 * Percent-decoding of a query or form component; plus says that '+' is a
 * blank (application/x-www-form-urlencoded). Refuses a bad %XX, NUL, and a
 * result that is not UTF-8. Room: n.
 */
size_t	percent_decode(struct str in, bool plus, char *out);

/* True for well-formed UTF-8 without NUL. */
bool	utf8_valid(struct str s);

/* Bytes of the well-formed character that s begins with (1-4), or 0. */
size_t	utf8_step(struct str s);

/* Crockford's base 32 in lower case of 128 bits: 26 characters. */
#define BASE32_ID_CHARS	26
void	base32_id(const unsigned char in[16], char out[BASE32_ID_CHARS]);

#endif
