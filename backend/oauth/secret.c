/* Key files, client ids and client secrets. */

#include "oauth/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/code.h"
#include "base/conf.h"
#include "base/hash.h"

static const char *const file_names[SECRET_FILE__MAX] = {
	"pepper",	/* SECRET_PEPPER */
	"master.key",	/* SECRET_MASTER */
};

/* --- the key files ------------------------------------------------------- */

static const char *
path_of(struct ctx *ctx, enum secret_file file, const char *suffix)
{
	return arena_printf(ctx->arena, "%s/%s%s", ctx->conf->secret_dir,
	    file_names[file], suffix).p;
}

/* Write the bytes to a new file of its own and give it its name only when they
 * are on the disk, so that a half written key never counts. */
static enum err
make_file(struct ctx *ctx, enum secret_file file)
{
	const char *path = path_of(ctx, file, "");
	const char *fresh = path_of(ctx, file, ".new");
	unsigned char key[SECRET_KEY_BYTES];
	int fd, e = 0;

	(void)unlink(fresh);
	fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail(ctx, ERR_INTERNAL, "%s: %s", fresh,
		    strerror(errno));
	random_bytes(key, sizeof(key));
	if (write(fd, key, sizeof(key)) != (ssize_t)sizeof(key) ||
	    fsync(fd) != 0 || link(fresh, path) != 0)
		e = errno == 0 ? EIO : errno;
	explicit_bzero(key, sizeof(key));
	close(fd);
	(void)unlink(fresh);
	if (e != 0)
		return fail(ctx, ERR_INTERNAL, "%s: %s", path, strerror(e));
	return OK;
}

static enum err
read_file(struct ctx *ctx, enum secret_file file,
    unsigned char key[SECRET_KEY_BYTES])
{
	const char *path = path_of(ctx, file, "");
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	unsigned char room[SECRET_KEY_BYTES + 1];
	struct stat st;
	ssize_t n;

	if (fd < 0 && errno == ENOENT)
		return fail(ctx, ERR_INTERNAL, "%s is missing; \"twocare "
		    "admin secrets\" makes it on a new installation", path);
	if (fd < 0)
		return fail(ctx, ERR_INTERNAL, "%s: %s", path,
		    strerror(errno));
	n = read(fd, room, sizeof(room));
	if (fstat(fd, &st) != 0)
		n = -1;
	close(fd);
	memcpy(key, room, SECRET_KEY_BYTES);
	explicit_bzero(room, sizeof(room));
	if (n != SECRET_KEY_BYTES)
		return fail(ctx, ERR_INTERNAL, "%s must hold exactly %d bytes",
		    path, SECRET_KEY_BYTES);
	if ((st.st_mode & 077) != 0)
		return fail(ctx, ERR_INTERNAL, "%s may be read by others; "
		    "chmod 600 it", path);
	return OK;
}

enum err
secret_create(struct ctx *ctx, int *made)
{
	const unsigned char *key;
	enum err err;

	*made = 0;
	for (int i = 0; i < SECRET_FILE__MAX; i++) {
		if (access(path_of(ctx, i, ""), F_OK) != 0) {
			if ((err = make_file(ctx, i)) != OK)
				return err;
			(*made)++;
		}
		if ((err = secret_key(ctx, i, &key)) != OK)
			return err;
	}
	return OK;
}

enum err
secret_key(struct ctx *ctx, enum secret_file file, const unsigned char **key)
{
	static unsigned char keys[SECRET_FILE__MAX][SECRET_KEY_BYTES];
	static bool loaded[SECRET_FILE__MAX];
	enum err err;

	if (!loaded[file]) {
		if ((err = read_file(ctx, file, keys[file])) != OK)
			return err;
		loaded[file] = true;
	}
	*key = keys[file];
	return OK;
}

/* --- ids and secrets ----------------------------------------------------- */

static const char *
environment_word(const struct ctx *ctx)
{
	return strcmp(ctx->conf->environment, "sandbox") == 0 ? "sbx" : "live";
}

/* The first characters of the base64url of SHA-256(s). */
static void
checksum(struct str s, char out[SECRET_CHECK_CHARS])
{
	unsigned char digest[SHA256_BYTES];
	char text[SECRET_RANDOM_CHARS + 1];

	sha256(s, digest);
	base64url_encode((struct str){ (char *)digest, sizeof(digest) }, text);
	memcpy(out, text, SECRET_CHECK_CHARS);
}

struct str
secret_client_id(struct ctx *ctx)
{
	unsigned char bytes[16];
	char text[BASE32_ID_CHARS];

	random_bytes(bytes, sizeof(bytes));
	base32_id(bytes, text);
	return arena_printf(ctx->arena, "cli_%s_%.*s", environment_word(ctx),
	    (int)sizeof(text), text);
}

struct str
secret_client_secret(struct ctx *ctx)
{
	unsigned char bytes[32];
	char text[SECRET_RANDOM_CHARS + 1], check[SECRET_CHECK_CHARS];
	struct str body;

	random_bytes(bytes, sizeof(bytes));
	base64url_encode((struct str){ (char *)bytes, sizeof(bytes) }, text);
	explicit_bzero(bytes, sizeof(bytes));
	body = arena_printf(ctx->arena, "cs_%s_%.*s", environment_word(ctx),
	    SECRET_RANDOM_CHARS, text);
	checksum(body, check);
	return arena_printf(ctx->arena, "%.*s%.*s", STR_ARGS(body),
	    SECRET_CHECK_CHARS, check);
}

enum err
secret_hash(struct ctx *ctx, struct str secret,
    unsigned char out[SECRET_HASH_BYTES])
{
	const unsigned char *pepper;
	enum err err = secret_key(ctx, SECRET_PEPPER, &pepper);

	if (err != OK)
		return err;
	hmac_sha256((struct str){ (const char *)pepper, SECRET_KEY_BYTES },
	    secret, out);
	return OK;
}
