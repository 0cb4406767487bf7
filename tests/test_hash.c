/* Hashes against the vectors of their authors, and their keys. */

#include "base/hash.h"
#include "lib/suite.h"

#include <check.h>
#include <stdio.h>

#include "base/code.h"

static struct siphash_key
paper_key(void)
{
	unsigned char bytes[16];

	for (int i = 0; i < 16; i++)
		bytes[i] = (unsigned char)i;
	return siphash_key(bytes);
}

/* SipHash: key 00..0f, message 00..n-1; from the authors' test program. */
static const struct sip_case {
	size_t		n;
	uint64_t	hash;
} sip_cases[] = {
	{ 0, UINT64_C(0x726fdb47dd0e0e31) },
	{ 1, UINT64_C(0x74f839c593dc67fd) },
	{ 7, UINT64_C(0xab0200f58b01d137) },
	{ 8, UINT64_C(0x93f5f5799a932462) },
	{ 15, UINT64_C(0xa129ca6149be45e5) },
	{ 63, UINT64_C(0x958a324ceb064572) },
};

START_TEST(siphash_is_that_of_the_paper)
{
	char message[64];

	for (int i = 0; i < 64; i++)
		message[i] = (char)i;
	ck_assert_uint_eq(siphash(paper_key(),
	    (struct str){ message, sip_cases[_i].n }), sip_cases[_i].hash);
}
END_TEST

START_TEST(parts_are_told_apart)
{
	struct str a[] = { STR("ab"), STR("c") };
	struct str b[] = { STR("a"), STR("bc") };
	struct str c[] = { STR("abc"), STR("") };
	struct siphash_key key = paper_key();
	uint64_t ha = siphash_parts(key, a, 2);

	ck_assert_uint_eq(ha, siphash_parts(key, a, 2));
	ck_assert_uint_ne(ha, siphash_parts(key, b, 2));
	ck_assert_uint_ne(ha, siphash_parts(key, c, 2));
	ck_assert_uint_ne(ha, siphash_parts(key, c, 1));
}
END_TEST

START_TEST(parts_are_their_lengths_and_bytes)
{
	/* Whatever the boundaries, the stream is what is hashed. */
	struct str parts[] = { STR("a"), STR("0123456789abc") };
	struct str stream = STR("\1\0\0\0\0\0\0\0a"
	    "\15\0\0\0\0\0\0\0" "0123456789abc");

	ck_assert_uint_eq(siphash_parts(paper_key(), parts, 2),
	    siphash(paper_key(), stream));
}
END_TEST

static void
ck_hex(const unsigned char digest[SHA256_BYTES], const char *hex)
{
	char text[2 * SHA256_BYTES + 1];

	for (size_t i = 0; i < SHA256_BYTES; i++)
		snprintf(text + 2 * i, 3, "%02x", digest[i]);
	ck_assert_str_eq(text, hex);
}

START_TEST(sha256_is_that_of_fips_180)
{
	unsigned char out[SHA256_BYTES];

	for (int turn = 0; turn < 2; turn++) {
		sha256(STR("abc"), out);
		ck_hex(out, "ba7816bf8f01cfea414140de5dae2223"
		    "b00361a396177a9cb410ff61f20015ad");
		sha256(STR_NONE, out);
		ck_hex(out, "e3b0c44298fc1c149afbf4c8996fb924"
		    "27ae41e4649b934ca495991b7852b855");
	}
	ck_assert(hash_init());
}
END_TEST

START_TEST(hmac_is_that_of_rfc_4231)
{
	unsigned char out[SHA256_BYTES];
	char key[131];

	hmac_sha256(STR("Jefe"), STR("what do ya want for nothing?"), out);
	ck_hex(out, "5bdcc146bf60754e6a042426089575c7"
	    "5a003f089d2739839dec58b964ec3843");
	memset(key, 0xaa, sizeof(key));
	hmac_sha256((struct str){ key, sizeof(key) },
	    STR("Test Using Larger Than Block-Size Key - Hash Key First"),
	    out);
	ck_hex(out, "60e431591ee0b67f0d8a26aacbf5b77f"
	    "8e0bc6213728c5140546040f0ee37f54");
}
END_TEST

START_TEST(random_bytes_fill_the_room_and_no_more)
{
	unsigned char a[48] = { 0 }, b[48] = { 0 };

	random_bytes(a + 8, 32);
	random_bytes(b + 8, 32);
	ck_assert_mem_ne(a, b, sizeof(a));
	for (int i = 0; i < 8; i++) {
		ck_assert_int_eq(a[i], 0);
		ck_assert_int_eq(a[40 + i], 0);
	}
}
END_TEST

#define NITEMS(a)	((int)(sizeof(a) / sizeof((a)[0])))

int
main(void)
{
	TCase *c = suite_case("hash");

	tcase_add_loop_test(c, siphash_is_that_of_the_paper, 0,
	    NITEMS(sip_cases));
	tcase_add_test(c, parts_are_told_apart);
	tcase_add_test(c, parts_are_their_lengths_and_bytes);
	tcase_add_test(c, sha256_is_that_of_fips_180);
	tcase_add_test(c, hmac_is_that_of_rfc_4231);
	tcase_add_test(c, random_bytes_fill_the_room_and_no_more);
	return suite_run();
}
