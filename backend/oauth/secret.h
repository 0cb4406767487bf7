/*
 * Secrets: the two key files of this installation, the shape of client ids and
 * client secrets, and the print by which a secret is stored.
 *
 *   pepper       keys the HMAC of client secrets
 *   master.key   seals the private signing keys in the database
 *
 * Each file is 32 random bytes, mode 0600, in the folder of `secret_dir`.
 * Losing the pepper makes every client secret invalid, losing the master key
 * every signing key; both belong in the backup, away from the database's.
 */
#ifndef OAUTH_SECRET_H
#define OAUTH_SECRET_H

#include "base/ctx.h"

#define SECRET_KEY_BYTES	32
#define SECRET_HASH_BYTES	32
#define SECRET_RANDOM_CHARS	43	/* base64url of 256 bits */
#define SECRET_CHECK_CHARS	6

enum secret_file { SECRET_PEPPER, SECRET_MASTER, SECRET_FILE__MAX };

/*
 * Make the files that are missing; *made gets their number. Existing ones are
 * checked and never replaced. ERR_INTERNAL when a file cannot be made or read.
 */
enum err	secret_create(struct ctx *ctx, int *made);

/*
 * The key in that file, read once per process. ERR_INTERNAL (text for the
 * operator) when it is missing, has another size, or others may read it.
 */
enum err	secret_key(struct ctx *ctx, enum secret_file file,
		    const unsigned char **key);

/* A new client id: "cli_live_" or "cli_sbx_" and 128 random bits in base 32. */
struct str	secret_client_id(struct ctx *ctx);

/*
 * A new client secret: "cs_live_" or "cs_sbx_", 256 random bits in base64url,
 * and 6 characters of checksum, by which scanners tell a real one from a word
 * that looks alike.
 */
struct str	secret_client_secret(struct ctx *ctx);

/* HMAC-SHA-256(pepper, secret). Errors of secret_key. */
enum err	secret_hash(struct ctx *ctx, struct str secret,
		    unsigned char out[SECRET_HASH_BYTES]);

#endif
