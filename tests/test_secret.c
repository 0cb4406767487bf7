/* Key files, client ids, client secrets and their prints. */

#include "base/code.h"
#include "base/conf.h"
#include "base/hash.h"
#include "lib/suite.h"
#include "oauth/secret.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct conf conf;
static struct ctx ctx;
static char dir[] = "/tmp/twocare-test.XXXXXX";

static void
open_ctx(void)
{
	conf = (struct conf){ .environment = "sandbox", .secret_dir = dir };
	ctx = (struct ctx){ .arena = arena_new(4096), .conf = &conf };
}

static void
close_ctx(void)
{
	arena_free(ctx.arena);
}

static const char *
path(const char *file)
{
	return arena_printf(ctx.arena, "%s/%s", dir, file).p;
}

/* Each test below is a process of its own, so no key is cached. */
static void
fresh_dir(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void
drop_dir(void)
{
	(void)unlink(path("pepper"));
	(void)unlink(path("master.key"));
	ck_assert_int_eq(rmdir(dir), 0);
}

START_TEST(missing_key_files_are_made_once_for_their_owner_alone)
{
	struct stat before, after;
	int made;

	fresh_dir();
	ck_assert_int_eq(secret_create(&ctx, &made), OK);
	ck_assert_int_eq(made, 2);
	ck_assert_int_eq(stat(path("pepper"), &before), 0);
	ck_assert_int_eq(before.st_mode & 0777, 0600);
	ck_assert_int_eq(before.st_size, SECRET_KEY_BYTES);
	ck_assert_int_eq(secret_create(&ctx, &made), OK);
	ck_assert_int_eq(made, 0);
	ck_assert_int_eq(stat(path("pepper"), &after), 0);
	ck_assert_int_eq((int)before.st_ino, (int)after.st_ino);
	drop_dir();
}
END_TEST

static void
write_file(const char *name, size_t n, mode_t mode)
{
	FILE *file = fopen(path(name), "w");

	ck_assert_ptr_nonnull(file);
	for (size_t i = 0; i < n; i++)
		fputc('x', file);
	fclose(file);
	ck_assert_int_eq(chmod(path(name), mode), 0);
}

static const struct bad_file {
	size_t		 bytes;
	mode_t		 mode;
	const char	*says;
} bad_files[] = {
	{ SECRET_KEY_BYTES, 0640, "others" },
	{ SECRET_KEY_BYTES, 0604, "others" },
	{ SECRET_KEY_BYTES - 1, 0600, "exactly 32" },
	{ SECRET_KEY_BYTES + 1, 0600, "exactly 32" },
	{ 0, 0600, "exactly 32" },
};

START_TEST(bad_key_file_is_refused_with_its_reason)
{
	const struct bad_file *bad = &bad_files[_i];
	const unsigned char *key;

	fresh_dir();
	write_file("pepper", bad->bytes, bad->mode);
	ck_assert_int_eq(secret_key(&ctx, SECRET_PEPPER, &key), ERR_INTERNAL);
	ck_assert_ptr_nonnull(strstr(ctx.fault.issues->text.p, bad->says));
	drop_dir();
}
END_TEST

START_TEST(missing_key_file_names_the_command_that_makes_it)
{
	const unsigned char *key;

	fresh_dir();
	ck_assert_int_eq(secret_key(&ctx, SECRET_MASTER, &key), ERR_INTERNAL);
	ck_assert_ptr_nonnull(strstr(ctx.fault.issues->text.p,
	    "twocare admin secrets"));
	drop_dir();
}
END_TEST

START_TEST(client_id_tells_its_environment)
{
	struct str id = secret_client_id(&ctx);

	ck_assert(str_starts(id, STR("cli_sbx_")));
	ck_assert_uint_eq(id.n, 8 + 26);
	conf.environment = "production";
	ck_assert(str_starts(secret_client_id(&ctx), STR("cli_live_")));
	ck_assert(!str_eq(secret_client_id(&ctx), secret_client_id(&ctx)));
}
END_TEST

/* As a scanner tells a secret: prefix, length, and behind what is random the
 * first characters of base64url(SHA-256) of all before. */
static bool
is_shaped(struct str s, const char *prefix)
{
	struct str body = { s.p, s.n - SECRET_CHECK_CHARS };
	unsigned char digest[SHA256_BYTES];
	char text[SHA256_BYTES * 2];

	if (s.n != strlen(prefix) + 43 + SECRET_CHECK_CHARS ||
	    !str_starts(s, str_of(prefix)))
		return false;
	sha256(body, digest);
	base64url_encode((struct str){ (char *)digest, sizeof(digest) }, text);
	return memcmp(s.p + body.n, text, SECRET_CHECK_CHARS) == 0;
}

START_TEST(client_secret_has_its_shape_and_checksum)
{
	struct str s = secret_client_secret(&ctx);

	ck_assert(is_shaped(s, "cs_sbx_"));
	ck_assert(!str_eq(s, secret_client_secret(&ctx)));
	conf.environment = "production";
	ck_assert(is_shaped(secret_client_secret(&ctx), "cs_live_"));
}
END_TEST

START_TEST(print_depends_on_pepper_and_secret)
{
	unsigned char a[SECRET_HASH_BYTES], b[SECRET_HASH_BYTES];
	int made;

	fresh_dir();
	ck_assert_int_eq(secret_create(&ctx, &made), OK);
	ck_assert_int_eq(secret_hash(&ctx, STR("one"), a), OK);
	ck_assert_int_eq(secret_hash(&ctx, STR("one"), b), OK);
	ck_assert_mem_eq(a, b, sizeof(a));
	ck_assert_int_eq(secret_hash(&ctx, STR("two"), b), OK);
	ck_assert_mem_ne(a, b, sizeof(a));
	drop_dir();
}
END_TEST

int
main(void)
{
	TCase *tcase = suite_case("secret");

	tcase_add_checked_fixture(tcase, open_ctx, close_ctx);
	tcase_add_test(tcase,
	    missing_key_files_are_made_once_for_their_owner_alone);
	tcase_add_loop_test(tcase, bad_key_file_is_refused_with_its_reason, 0,
	    sizeof(bad_files) / sizeof(bad_files[0]));
	tcase_add_test(tcase, missing_key_file_names_the_command_that_makes_it);
	tcase_add_test(tcase, client_id_tells_its_environment);
	tcase_add_test(tcase, client_secret_has_its_shape_and_checksum);
	tcase_add_test(tcase, print_depends_on_pepper_and_secret);
	return suite_run();
}
