/* Signing keys: sealed in the database, and their way through the states. */

#include "base/state.h"
#include "lib/database.h"
#include "lib/realm.h"
#include "lib/suite.h"
#include "oauth/keyring.h"
#include "wire/pg.h"

#include <check.h>
#include <stdlib.h>

static struct ctx ctx;
static struct str told;

static void
open_ctx(void)
{
	realm_ctx(&ctx);
	free(database_ask("delete from signing_key"));
	free(database_ask("delete from revocation"));
}

static void
close_ctx(void)
{
	database_ctx_end(&ctx);
}

static enum err
rotate(bool now)
{
	return keyring_rotate(&ctx, JOSE_RS256, now, &told);
}

/* The states of all keys, oldest first: "passive active next". */
static void
check_states(const char *expected)
{
	char *states = database_ask("select coalesce(string_agg(state, ' ' "
	    "order by created), '') from signing_key");

	ck_assert_str_eq(states, expected);
	free(states);
}

static struct str
kid_in(const char *state)
{
	char *kid = database_ask(arena_printf(ctx.arena, "select kid from "
	    "signing_key where state = '%s'", state).p);
	struct str copy = arena_str(ctx.arena, str_of(kid));

	free(kid);
	return copy;
}

static void
age(const char *state, const char *interval)
{
	free(database_ask(arena_printf(ctx.arena, "update signing_key set "
	    "changed = changed - interval '%s' where state = '%s'", interval,
	    state).p));
}

START_TEST(first_key_signs_at_once)
{
	ck_assert_int_eq(rotate(false), OK);
	check_states("active");
}
END_TEST

START_TEST(next_key_waits_until_it_was_published_long_enough)
{
	ck_assert_int_eq(rotate(false), OK);
	ck_assert_int_eq(rotate(false), OK);
	check_states("active next");
	ck_assert_int_eq(rotate(false), OK);
	check_states("active next");
	age("next", "14 minutes 50 seconds");
	ck_assert_int_eq(rotate(false), OK);
	check_states("active next");
	age("next", "11 seconds");
	ck_assert_int_eq(rotate(false), OK);
	check_states("passive active");
}
END_TEST

START_TEST(rotation_now_does_not_wait)
{
	ck_assert_int_eq(rotate(false), OK);
	ck_assert_int_eq(rotate(true), OK);
	check_states("passive active");
}
END_TEST

START_TEST(private_key_opens_and_is_the_one_of_its_row)
{
	const struct jose_private *key;
	struct str kid;

	ck_assert_int_eq(rotate(false), OK);
	kid = kid_in("active");
	ck_assert_int_eq(keyring_key(&ctx, kid, &key), OK);
	ck_assert(str_eq(jose_private_kid(key), kid));
}
END_TEST

START_TEST(private_key_is_not_readable_in_the_database)
{
	char *plain;

	ck_assert_int_eq(rotate(false), OK);
	plain = database_ask("select count(*) from signing_key where "
	    "position('PRIVATE'::bytea in sealed) > 0 or jwk ~ '\"d\"|\"p\"'");
	ck_assert_str_eq(plain, "0");
	free(plain);
}
END_TEST

START_TEST(changed_box_is_refused)
{
	const struct jose_private *key;

	ck_assert_int_eq(rotate(false), OK);
	free(database_ask("update signing_key set sealed = "
	    "set_byte(sealed, 100, get_byte(sealed, 100) # 1)"));
	ck_assert_int_eq(keyring_key(&ctx, kid_in("active"), &key),
	    ERR_INTERNAL);
}
END_TEST

START_TEST(box_of_another_key_is_refused)
{
	const struct jose_private *key;

	ck_assert_int_eq(rotate(false), OK);
	ck_assert_int_eq(rotate(false), OK);
	free(database_ask("update signing_key a set sealed = n.sealed from "
	    "signing_key n where a.state = 'active' and n.state = 'next'"));
	ck_assert_int_eq(keyring_key(&ctx, kid_in("active"), &key),
	    ERR_INTERNAL);
}
END_TEST

START_TEST(passive_key_is_published_until_its_last_token_expired)
{
	ck_assert_int_eq(rotate(false), OK);
	ck_assert_int_eq(rotate(true), OK);
	age("passive", "3650 seconds");		/* a token's life is 3600 s */
	ck_assert_int_eq(keyring_retire_old(&ctx), OK);
	check_states("passive active");
	age("passive", "320 seconds");
	ck_assert_int_eq(keyring_retire_old(&ctx), OK);
	check_states("retired active");
}
END_TEST

START_TEST(old_active_key_is_followed_by_itself)
{
	ck_assert_int_eq(keyring_rotate_old(&ctx), OK);
	check_states("active");
	ck_assert_int_eq(keyring_rotate_old(&ctx), OK);
	check_states("active");
	age("active", "90 days");
	ck_assert_int_eq(keyring_rotate_old(&ctx), OK);
	check_states("active next");
	age("next", "16 minutes");
	ck_assert_int_eq(keyring_rotate_old(&ctx), OK);
	check_states("passive active");
}
END_TEST

START_TEST(compromised_key_ends_at_once_and_another_signs)
{
	struct str bad;
	char *row;

	ck_assert_int_eq(rotate(false), OK);
	bad = kid_in("active");
	ck_assert_int_eq(keyring_revoke(&ctx, bad, STR("lost"), &told), OK);
	check_states("retired active");
	row = database_ask("select kind || ' ' || value from revocation");
	ck_assert_str_eq(row, arena_printf(ctx.arena, "%d %.*s",
	    STATE_REVOKED_KEY, STR_ARGS(bad)).p);
	free(row);
	ck_assert_int_eq(keyring_revoke(&ctx, bad, STR(""), &told),
	    ERR_NOT_FOUND);
}
END_TEST

START_TEST(each_change_moves_the_version_that_jobs_watch)
{
	static const char sql[] = "select version from state_version where "
	    "part = 'signing_key'";
	char *before = database_ask(sql), *after;

	ck_assert_int_eq(rotate(false), OK);
	after = database_ask(sql);
	ck_assert_int_gt(atoll(after), atoll(before));
	free(before);
	free(after);
}
END_TEST

int
main(int argc, char **argv)
{
	TCase *tcase = suite_case("keyring");
	int status;

	(void)argc;
	database_need(argv);
	(void)database_create();
	realm_create();
	tcase_add_checked_fixture(tcase, open_ctx, close_ctx);
	tcase_add_test(tcase, first_key_signs_at_once);
	tcase_add_test(tcase,
	    next_key_waits_until_it_was_published_long_enough);
	tcase_add_test(tcase, rotation_now_does_not_wait);
	tcase_add_test(tcase, private_key_opens_and_is_the_one_of_its_row);
	tcase_add_test(tcase, private_key_is_not_readable_in_the_database);
	tcase_add_test(tcase, changed_box_is_refused);
	tcase_add_test(tcase, box_of_another_key_is_refused);
	tcase_add_test(tcase,
	    passive_key_is_published_until_its_last_token_expired);
	tcase_add_test(tcase, old_active_key_is_followed_by_itself);
	tcase_add_test(tcase, compromised_key_ends_at_once_and_another_signs);
	tcase_add_test(tcase, each_change_moves_the_version_that_jobs_watch);
	status = suite_run();
	realm_drop();
	database_drop();
	return status;
}
