/* Sealing and opening of tokens with the database's key. */

#include "fhir/seal.h"

#include <sodium.h>

#include "base/code.h"
#include "base/hash.h"
#include "queries.h"
#include "wire/pg.h"

#define NONCE_BYTES	crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define SEAL_BYTES	crypto_aead_xchacha20poly1305_ietf_ABYTES
#define KEY_BYTES	crypto_aead_xchacha20poly1305_ietf_KEYBYTES

/* Of the one database of this process; read once. */
static unsigned char seal_key[KEY_BYTES];
static bool seal_key_known;

static enum err
know_key(struct ctx *ctx)
{
	PGresult *res;
	struct str key;
	enum err err;

	if (seal_key_known)
		return OK;
	err = pg_exec(ctx, &query_search_cursor_key, NULL, &res);
	if (err != OK)
		return err;
	key = PQntuples(res) == 1 ? pg_get_str(res, 0, 0) : STR_NONE;
	if (key.n != KEY_BYTES || sodium_init() < 0)
		return fail(ctx, ERR_INTERNAL,
		    "The database has no usable cursor key");
	memcpy(seal_key, key.p, KEY_BYTES);
	seal_key_known = true;
	return OK;
}

enum err
seal_write(struct ctx *ctx, struct str use, struct str plain,
    struct str *token)
{
	unsigned char *sealed;
	char *text;
	unsigned long long n;
	enum err err = know_key(ctx);

	if (err != OK)
		return err;
	sealed = arena_alloc(ctx->arena, NONCE_BYTES + plain.n + SEAL_BYTES);
	random_bytes(sealed, NONCE_BYTES);
	crypto_aead_xchacha20poly1305_ietf_encrypt(sealed + NONCE_BYTES, &n,
	    (const unsigned char *)plain.p, plain.n,
	    (const unsigned char *)use.p, use.n, NULL, sealed, seal_key);
	n += NONCE_BYTES;
	text = arena_alloc(ctx->arena, (n * 4 + 2) / 3);
	*token = (struct str){ text, base64url_encode(
	    (struct str){ (const char *)sealed, n }, text) };
	return OK;
}

enum err
seal_read(struct ctx *ctx, struct str use, struct str token,
    struct str *plain)
{
	unsigned char *sealed, *out;
	unsigned long long n;
	size_t bytes;
	enum err err = know_key(ctx);

	*plain = STR_NONE;
	if (err != OK || token.n > SEAL_TOKEN_MAX)
		return err;
	sealed = arena_alloc(ctx->arena, token.n);
	out = arena_alloc(ctx->arena, token.n);
	bytes = base64url_decode(token, sealed);
	if (bytes != CODE_BAD && bytes >= NONCE_BYTES + SEAL_BYTES &&
	    crypto_aead_xchacha20poly1305_ietf_decrypt(out, &n, NULL,
	    sealed + NONCE_BYTES, bytes - NONCE_BYTES,
	    (const unsigned char *)use.p, use.n, sealed, seal_key) == 0)
		*plain = (struct str){ (const char *)out, n };
	return OK;
}

void
seal_add_int(struct buf *b, uint64_t v, int bytes)
{
	while (bytes-- > 0)
		buf_addc(b, (char)(v >> (8 * bytes) & 0xff));
}

bool
seal_take_int(struct str *in, int bytes, uint64_t *out)
{
	*out = 0;
	if (in->n < (size_t)bytes)
		return false;
	while (bytes-- > 0) {
		*out = *out << 8 | (unsigned char)in->p[0];
		*in = str_from(*in, 1);
	}
	return true;
}
