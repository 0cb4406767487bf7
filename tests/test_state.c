/* The edge's state files: written, mapped, searched, and refused. */

#include "base/state.h"
#include "lib/suite.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define MANY	20000

static char folder[64];
static char path[96];
static const struct siphash_key key = { 17, 4 };
static struct state_map map;
static const char *why;

static void
setup(void)
{
	const char *base = getenv("TMPDIR");

	snprintf(folder, sizeof(folder), "%s/state.XXXXXX",
	    base == NULL || strlen(base) > 40 ? P_tmpdir : base);
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/some.map", folder);
}

static void
teardown(void)
{
	state_map_close(&map);
	unlink(path);
	ck_assert_int_eq(rmdir(folder), 0);
}

static struct str
name_of(int i)
{
	static char text[24];
	int n = snprintf(text, sizeof(text), "client%d", i);

	return (struct str){ text, (size_t)n };
}

/* Clients 0..count-1; client i may i requests an hour. */
static void
write_clients(int count, uint64_t generation)
{
	static struct state_client rows[MANY];

	for (int i = 0; i < count; i++)
		rows[i] = (struct state_client){
			.hash = state_client_hash(key, name_of(i)),
			.hour = (uint32_t)i,
			.status = STATE_CLIENT_ACTIVE,
		};
	ck_assert_int_eq(state_write_clients(path, key, generation, rows,
	    (size_t)count), 0);
}

static int
refresh(void)
{
	return state_map_refresh(&map, path, STATE_MAGIC_CLIENTS, &why);
}

START_TEST(every_client_is_found_and_no_other)
{
	write_clients(MANY, 1);
	ck_assert_int_eq(refresh(), 1);
	for (int i = 0; i < MANY; i++) {
		const struct state_client *client =
		    state_client_find(&map, name_of(i));

		ck_assert_ptr_nonnull(client);
		ck_assert_uint_eq(client->hour, (uint32_t)i);
	}
	for (int i = MANY; i < 2 * MANY; i++)
		ck_assert_ptr_null(state_client_find(&map, name_of(i)));
}
END_TEST

START_TEST(few_and_no_clients_are_found_too)
{
	for (int count = 0; count < 40; count++) {
		write_clients(count, (uint64_t)count);
		ck_assert_int_eq(refresh(), 1);
		for (int i = 0; i < 40; i++)
			ck_assert_int_eq(
			    state_client_find(&map, name_of(i)) != NULL,
			    i < count);
	}
}
END_TEST

START_TEST(unevenly_spread_hashes_are_found)
{
	/* All but the last are tiny: guessing must give way to halving. */
	static struct state_client rows[5001];
	struct str probe = STR("probe");

	for (size_t i = 0; i < 5000; i++)
		rows[i].hash = i * i;
	rows[5000].hash = state_client_hash(key, probe);
	ck_assert_int_eq(state_write_clients(path, key, 1, rows, 5001), 0);
	ck_assert_int_eq(refresh(), 1);
	ck_assert_ptr_nonnull(state_client_find(&map, probe));
	ck_assert_ptr_null(state_client_find(&map, STR("other")));
}
END_TEST

START_TEST(nothing_mapped_means_nothing_found)
{
	ck_assert_ptr_null(state_client_find(&map, STR("x")));
	ck_assert(!state_is_revoked(&map, STATE_REVOKED_JTI, STR("x"), 0));
	ck_assert_int_eq(refresh(), -1);
	ck_assert_ptr_nonnull(why);
}
END_TEST

START_TEST(unchanged_file_is_not_mapped_again)
{
	write_clients(3, 1);
	ck_assert_int_eq(refresh(), 1);
	ck_assert_int_eq(refresh(), 0);
	write_clients(4, 2);
	ck_assert_int_eq(refresh(), 1);
	ck_assert_uint_eq(map.header->generation, 2);
	ck_assert_int_eq(refresh(), 0);
}
END_TEST

START_TEST(last_good_content_stays)
{
	write_clients(3, 1);
	ck_assert_int_eq(refresh(), 1);
	ck_assert_int_eq(state_write_file(path, STR("damaged")), 0);
	ck_assert_int_eq(refresh(), -1);
	ck_assert_ptr_nonnull(state_client_find(&map, name_of(2)));
	unlink(path);
	ck_assert_int_eq(refresh(), -1);
	ck_assert_ptr_nonnull(state_client_find(&map, name_of(2)));
}
END_TEST

START_TEST(every_flipped_byte_is_noticed)
{
	char text[512];
	FILE *file;
	size_t n;

	write_clients(5, 1);
	file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	n = fread(text, 1, sizeof(text), file);
	fclose(file);
	ck_assert_uint_eq(n, sizeof(struct state_header) +
	    5 * sizeof(struct state_client));
	for (size_t i = 0; i < n; i++) {
		bool free_to_change =
		    i >= offsetof(struct state_header, generation) &&
		    i < offsetof(struct state_header, checksum);

		if (free_to_change)
			continue;
		text[i] ^= 0x10;
		ck_assert_int_eq(state_write_file(path,
		    (struct str){ text, n }), 0);
		ck_assert_msg(refresh() == -1, "byte %zu", i);
		text[i] ^= 0x10;
	}
	for (size_t i = 0; i < n; i++) {
		ck_assert_int_eq(state_write_file(path,
		    (struct str){ text, i }), 0);
		ck_assert_int_eq(refresh(), -1);
	}
	ck_assert_int_eq(state_write_file(path, (struct str){ text, n }), 0);
	ck_assert_int_eq(refresh(), 1);
}
END_TEST

START_TEST(file_of_another_kind_is_refused)
{
	write_clients(3, 1);
	ck_assert_int_eq(state_map_refresh(&map, path, STATE_MAGIC_REVOKED,
	    &why), -1);
}
END_TEST

START_TEST(folder_and_pipe_are_refused_without_waiting)
{
	ck_assert_int_eq(mkdir(path, 0700), 0);
	ck_assert_int_eq(refresh(), -1);
	rmdir(path);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(refresh(), -1);
}
END_TEST

START_TEST(revocations_are_by_kind_and_time)
{
	struct state_revoked rows[] = {
		{ state_revoked_hash(key, STATE_REVOKED_JTI, STR("t")),
		    0, 9 },
		{ state_revoked_hash(key, STATE_REVOKED_USER_BEFORE,
		    STR("u")), 100, 9 },
		{ state_revoked_hash(key, STATE_REVOKED_USER_BEFORE,
		    STR("u")), 200, 9 },
		{ state_revoked_hash(key, STATE_REVOKED_KEY, STR("k")),
		    0, 9 },
	};

	ck_assert_int_eq(state_write_revoked(path, key, 1, rows, 4), 0);
	ck_assert_int_eq(state_map_refresh(&map, path, STATE_MAGIC_REVOKED,
	    &why), 1);
	ck_assert(state_is_revoked(&map, STATE_REVOKED_JTI, STR("t"), 999));
	ck_assert(!state_is_revoked(&map, STATE_REVOKED_GRANT, STR("t"), 0));
	ck_assert(!state_is_revoked(&map, STATE_REVOKED_JTI, STR("tt"), 0));
	ck_assert(state_is_revoked(&map, STATE_REVOKED_KEY, STR("k"), 999));
	ck_assert(state_is_revoked(&map, STATE_REVOKED_USER_BEFORE, STR("u"),
	    150));
	ck_assert(state_is_revoked(&map, STATE_REVOKED_USER_BEFORE, STR("u"),
	    200));
	ck_assert(!state_is_revoked(&map, STATE_REVOKED_USER_BEFORE, STR("u"),
	    201));
	ck_assert(!state_is_revoked(&map, STATE_REVOKED_CLIENT_BEFORE,
	    STR("u"), 0));
}
END_TEST

START_TEST(file_is_for_owner_and_group)
{
	struct stat st;

	umask(0);
	write_clients(1, 1);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0640);
	unlink(path);
	umask(077);
	write_clients(1, 1);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0640);
}
END_TEST

START_TEST(failing_write_leaves_the_old_file)
{
	char fresh[128];

	write_clients(3, 1);
	/* The name under which the new file is written is taken. */
	snprintf(fresh, sizeof(fresh), "%s.new", path);
	ck_assert_int_eq(mkdir(fresh, 0700), 0);
	ck_assert_int_eq(state_write_file(path, STR("x")), -1);
	ck_assert_int_eq(errno, EISDIR);
	ck_assert_int_eq(refresh(), 1);
	rmdir(fresh);
	ck_assert_int_eq(state_write_file("/nonexistent/x", STR("x")), -1);
	ck_assert_int_eq(errno, ENOENT);
}
END_TEST

START_TEST(touch_moves_the_time)
{
	struct stat st;
	struct timespec old[2] = { { 1000, 0 }, { 1000, 0 } };

	ck_assert_int_eq(state_touch(path), 0);
	ck_assert_int_eq(utimensat(AT_FDCWD, path, old, 0), 0);
	ck_assert_int_eq(state_touch(path), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_gt(st.st_mtime, 1000);
}
END_TEST

int
main(void)
{
	TCase *c = suite_case("state");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, every_client_is_found_and_no_other);
	tcase_add_test(c, few_and_no_clients_are_found_too);
	tcase_add_test(c, unevenly_spread_hashes_are_found);
	tcase_add_test(c, nothing_mapped_means_nothing_found);
	tcase_add_test(c, unchanged_file_is_not_mapped_again);
	tcase_add_test(c, last_good_content_stays);
	tcase_add_test(c, every_flipped_byte_is_noticed);
	tcase_add_test(c, file_of_another_kind_is_refused);
	tcase_add_test(c, folder_and_pipe_are_refused_without_waiting);
	tcase_add_test(c, revocations_are_by_kind_and_time);
	tcase_add_test(c, file_is_for_owner_and_group);
	tcase_add_test(c, failing_write_leaves_the_old_file);
	tcase_add_test(c, touch_moves_the_time);
	return suite_run();
}
