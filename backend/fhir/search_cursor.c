/*
 * Cursors: where a page ended, sealed with the database's cursor key for one
 * query of one tenant (XChaCha20-Poly1305 with the query as associated data).
 * Sealed rather than signed, because a place in a list sorted by name is a
 * name, and links end up in logs and histories.
 */

#include "fhir/search_plan.h"

#include <assert.h>
#include <sodium.h>

#include "base/buf.h"
#include "base/code.h"
#include "base/hash.h"
#include "queries.h"

#define CURSOR_FORM	2
#define CURSOR_MAX	4096
#define NONCE_BYTES	crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define SEAL_BYTES	crypto_aead_xchacha20poly1305_ietf_ABYTES
#define KEY_BYTES	crypto_aead_xchacha20poly1305_ietf_KEYBYTES

/* Of the one database of this process; read once. */
static unsigned char cursor_key[KEY_BYTES];
static bool cursor_key_known;

static enum err
know_key(struct ctx *ctx)
{
	PGresult *res;
	struct str key;
	enum err err;

	if (cursor_key_known)
		return OK;
	err = pg_exec(ctx, &query_search_cursor_key, NULL, &res);
	if (err != OK)
		return err;
	key = PQntuples(res) == 1 ? pg_get_str(res, 0, 0) : STR_NONE;
	if (key.n != KEY_BYTES || sodium_init() < 0)
		return fail(ctx, ERR_INTERNAL,
		    "The database has no usable cursor key");
	memcpy(cursor_key, key.p, KEY_BYTES);
	cursor_key_known = true;
	return OK;
}

/* What the cursor is good for: this tenant, type and query. The size of a
 * page may change on the way. */
static struct str
query_print(struct ctx *ctx, const struct plan *plan)
{
	const struct search *search = plan->search;
	struct buf b = buf_new(ctx->arena, 256);
	size_t i;

	buf_addf(&b, "%d %d", (int)plan->tn, (int)search->type->number);
	for (i = 0; i < search->napplied; i++) {
		if (str_eqz(search->applied[i].name, "_count"))
			continue;
		buf_addc(&b, '&');
		buf_add_percent(&b, search->applied[i].name);
		buf_addc(&b, '=');
		buf_add_percent(&b, search->applied[i].value);
	}
	return buf_str(&b);
}

/* --- writing -------------------------------------------------------------- */

static void
add_int(struct buf *b, uint64_t v, int bytes)
{
	while (bytes-- > 0)
		buf_addc(b, (char)(v >> (8 * bytes) & 0xff));
}

static void
add_key(struct buf *b, const struct order_key *key)
{
	uint64_t bits = (uint64_t)key->us;

	add_int(b, key->kind, 1);
	if (key->kind == ORDER_TEXT) {
		add_int(b, key->s.n, 2);
		buf_add(b, key->s);
		return;
	}
	if (key->kind == ORDER_NUMBER)
		memcpy(&bits, &key->number, sizeof(bits));
	add_int(b, bits, 8);
}

static struct str
place_write(struct ctx *ctx, const struct plan *plan,
    const struct place *place, int segment, bool backwards)
{
	size_t n = plan->gather ? plan->search->nsort : 1;
	struct buf b = buf_new(ctx->arena, 64);
	size_t i;

	add_int(&b, CURSOR_FORM, 1);
	add_int(&b, plan->driver, 1);
	add_int(&b, (uint64_t)plan->drives + 1, 1);
	add_int(&b, plan->gather, 1);
	add_int(&b, (uint64_t)segment, 1);
	add_int(&b, backwards, 1);
	add_int(&b, (uint64_t)place->rid, 8);
	for (i = 0; i < n; i++) {
		add_key(&b, &place->keys[i]);
	}
	return buf_str(&b);
}

enum err
search_cursor_write(struct ctx *ctx, const struct plan *plan,
    const struct place *place, int segment, bool backwards, struct str *out)
{
	struct str plain, query;
	unsigned char *sealed;
	char *text;
	unsigned long long n;
	enum err err = know_key(ctx);

	if (err != OK)
		return err;
	plain = place_write(ctx, plan, place, segment, backwards);
	query = query_print(ctx, plan);
	sealed = arena_alloc(ctx->arena, NONCE_BYTES + plain.n + SEAL_BYTES);
	random_bytes(sealed, NONCE_BYTES);
	crypto_aead_xchacha20poly1305_ietf_encrypt(sealed + NONCE_BYTES, &n,
	    (const unsigned char *)plain.p, plain.n,
	    (const unsigned char *)query.p, query.n, NULL, sealed,
	    cursor_key);
	n += NONCE_BYTES;
	text = arena_alloc(ctx->arena, (n * 4 + 2) / 3);
	*out = (struct str){ text, base64url_encode(
	    (struct str){ (const char *)sealed, n }, text) };
	return OK;
}

/* --- reading -------------------------------------------------------------- */

static bool
take_int(struct str *in, int bytes, uint64_t *out)
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

static bool
take_key(struct str *in, struct order_key *key)
{
	uint64_t kind, n;

	if (!take_int(in, 1, &kind) || kind > ORDER_NUMBER)
		return false;
	key->kind = (enum order_kind)kind;
	if (!take_int(in, key->kind == ORDER_TEXT ? 2 : 8, &n))
		return false;
	key->us = (int64_t)n;
	memcpy(&key->number, &n, sizeof(key->number));
	if (key->kind != ORDER_TEXT)
		return true;
	if (in->n < n)
		return false;
	key->s = (struct str){ in->p, n };
	*in = str_from(*in, n);
	return true;
}

static bool
place_read(struct plan *plan, struct str in)
{
	uint64_t form, driver, drives, gather, segment, backwards, rid;
	size_t n, i;

	if (!take_int(&in, 1, &form) || form != CURSOR_FORM ||
	    !take_int(&in, 1, &driver) || !take_int(&in, 1, &drives) ||
	    !take_int(&in, 1, &gather) || !take_int(&in, 1, &segment) ||
	    !take_int(&in, 1, &backwards) || !take_int(&in, 8, &rid))
		return false;
	plan->driver = (enum driver)driver;
	plan->drives = (int)drives - 1;
	plan->gather = gather != 0;
	plan->segment = (int)segment;
	plan->backwards = backwards != 0;
	plan->place.rid = (int64_t)rid;
	plan->placed = true;
	n = plan->gather ? plan->search->nsort : 1;
	for (i = 0; i < n; i++)
		if (!take_key(&in, &plan->place.keys[i]))
			return false;
	return in.n == 0 && search_plan_settle(plan) &&
	    plan->segment < plan->segments;
}

static bool
cursor_open(struct ctx *ctx, const struct plan *plan, struct str *plain)
{
	struct str cursor = plan->search->cursor;
	struct str query = query_print(ctx, plan);
	unsigned char *sealed, *out;
	unsigned long long n;
	size_t bytes;

	if (cursor.n > CURSOR_MAX)
		return false;
	sealed = arena_alloc(ctx->arena, cursor.n);
	out = arena_alloc(ctx->arena, cursor.n);
	bytes = base64url_decode(cursor, sealed);
	if (bytes == CODE_BAD || bytes < NONCE_BYTES + SEAL_BYTES ||
	    crypto_aead_xchacha20poly1305_ietf_decrypt(out, &n, NULL,
	    sealed + NONCE_BYTES, bytes - NONCE_BYTES,
	    (const unsigned char *)query.p, query.n, sealed, cursor_key) != 0)
		return false;
	*plain = (struct str){ (const char *)out, n };
	return true;
}

enum err
search_cursor_read(struct ctx *ctx, struct plan *plan)
{
	struct str plain;
	enum err err = know_key(ctx);

	if (err != OK)
		return err;
	if (!cursor_open(ctx, plan, &plain) || !place_read(plan, plain))
		return fail(ctx, ERR_INVALID_PARAMETER,
		    "Search parameter '_cursor' is not one of this search; "
		    "follow the links of the Bundle unchanged");
	return OK;
}
