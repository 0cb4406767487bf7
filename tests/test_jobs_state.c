/* What jobs writes for the edge, and when. */

#include "base/jose.h"
#include "base/state.h"
#include "base/when.h"
#include "jobs/edge.h"
#include "jobs/kinds.h"
#include "lib/database.h"
#include "lib/realm.h"
#include "lib/suite.h"
#include "oauth/keyring.h"
#include "oauth/revocation.h"
#include "wire/pg.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct ctx ctx;
static struct edge *edge;

static const char *
path(const char *file)
{
	return arena_printf(ctx.arena, "%s/%s", ctx.conf->state_dir, file).p;
}

static void
open_ctx(void)
{
	realm_ctx(&ctx);
	free(database_ask("delete from revocation"));
	free(database_ask("delete from client_secret"));
	free(database_ask("delete from client"));
	free(database_ask("delete from signing_key"));
	free(database_ask("delete from job"));
	edge = edge_new(ctx.conf->state_dir);
}

static void
close_ctx(void)
{
	edge_free(edge);
	database_ctx_end(&ctx);
}

static void
refresh(void)
{
	ctx.now_us = when_now();
	ck_assert_int_eq(edge_refresh(&ctx, edge), OK);
}

static struct state_map
map(const char *file, uint64_t magic)
{
	struct state_map m = { .header = NULL };
	const char *why = "";

	ck_assert_msg(state_map_refresh(&m, path(file), magic, &why) == 1,
	    "%s: %s", file, why);
	return m;
}

/* A copy of what clients.map says of id; status 0 when it is not listed. */
static struct state_client
listed(struct str id)
{
	struct state_map m = map("clients.map", STATE_MAGIC_CLIENTS);
	const struct state_client *c = state_client_find(&m, id);
	struct state_client copy = { .status = 0 };

	if (c != NULL)
		copy = *c;
	state_map_close(&m);
	return copy;
}

static bool
revoked(enum state_revoked_kind kind, const char *value, int64_t iat_s)
{
	struct state_map m = map("revoked.map", STATE_MAGIC_REVOKED);
	bool is = state_is_revoked(&m, kind, str_of(value), iat_s);

	state_map_close(&m);
	return is;
}

static size_t
revocations(void)
{
	struct state_map m = map("revoked.map", STATE_MAGIC_REVOKED);
	size_t n = m.header->count;

	state_map_close(&m);
	return n;
}

static ino_t
inode(const char *file)
{
	struct stat st;

	ck_assert_int_eq(stat(path(file), &st), 0);
	return st.st_ino;
}

/* --- clients -------------------------------------------------------------- */

START_TEST(client_has_the_limits_of_its_tier)
{
	static const struct {
		const char	*tier;
		uint32_t	 hour, minute;
	} tiers[] = {
		{ "standard", 1000, 100 },
		{ "professional", 5000, 500 },
	};
	struct client_secret made;

	for (size_t i = 0; i < sizeof(tiers) / sizeof(tiers[0]); i++) {
		ck_assert_int_eq(client_create(&ctx, &(struct client_new){
		    .tenant = STR("acme"), .name = STR("n"),
		    .tier = str_of(tiers[i].tier) }, &made), OK);
		refresh();
		ck_assert_uint_eq(listed(made.client_id).hour, tiers[i].hour);
		ck_assert_uint_eq(listed(made.client_id).minute,
		    tiers[i].minute);
		ck_assert_uint_eq(listed(made.client_id).status,
		    STATE_CLIENT_ACTIVE);
	}
}
END_TEST

START_TEST(enterprise_client_has_its_own_numbers)
{
	struct client_secret made;

	ck_assert_int_eq(client_create(&ctx, &(struct client_new){
	    .tenant = STR("acme"), .name = STR("n"),
	    .tier = STR("enterprise"), .hour = STR("0"),
	    .minute = STR("77") }, &made), OK);
	refresh();
	ck_assert_uint_eq(listed(made.client_id).hour, 0);
	ck_assert_uint_eq(listed(made.client_id).minute, 77);
}
END_TEST

START_TEST(clients_of_a_pool_share_windows_and_others_do_not)
{
	struct client_new new = { .tenant = STR("acme"), .name = STR("n"),
	    .pool = STR("p") };
	struct client_secret a, b, alone = realm_client(&ctx, "", false);

	ck_assert_int_eq(client_create(&ctx, &new, &a), OK);
	ck_assert_int_eq(client_create(&ctx, &new, &b), OK);
	refresh();
	ck_assert(listed(a.client_id).pool == listed(b.client_id).pool);
	ck_assert(listed(a.client_id).pool != listed(a.client_id).hash);
	ck_assert(listed(alone.client_id).pool == listed(alone.client_id).hash);
}
END_TEST

START_TEST(pools_of_one_name_in_two_tenants_share_nothing)
{
	struct client_new new = { .tenant = STR("acme"), .name = STR("n"),
	    .pool = STR("p") };
	struct client_secret ours, theirs;
	int32_t tn;

	ck_assert_int_eq(tenant_create(&ctx, STR("other"), &tn), OK);
	ck_assert_int_eq(client_create(&ctx, &new, &ours), OK);
	new.tenant = STR("other");
	ck_assert_int_eq(client_create(&ctx, &new, &theirs), OK);
	refresh();
	ck_assert(listed(ours.client_id).pool !=
	    listed(theirs.client_id).pool);
}
END_TEST

START_TEST(pooled_tenant_has_one_pool_beside_those_with_names)
{
	struct client_new new = { .tenant = STR("acme"), .name = STR("n"),
	    .pool = STR("p") };
	struct client_secret a = realm_client(&ctx, "", false);
	struct client_secret b = realm_client(&ctx, "", false), named;

	ck_assert_int_eq(client_create(&ctx, &new, &named), OK);
	ck_assert_int_eq(tenant_pool(&ctx, STR("acme"), true), OK);
	refresh();
	ck_assert(listed(a.client_id).pool == listed(b.client_id).pool);
	ck_assert(listed(a.client_id).pool != listed(a.client_id).hash);
	ck_assert(listed(named.client_id).pool != listed(a.client_id).pool);
	ck_assert_int_eq(tenant_pool(&ctx, STR("acme"), false), OK);
	refresh();
	ck_assert(listed(a.client_id).pool == listed(a.client_id).hash);
	ck_assert_int_eq(tenant_pool(&ctx, STR("nobody"), true),
	    ERR_NOT_FOUND);
}
END_TEST

START_TEST(disabled_client_is_listed_until_its_last_token_expired)
{
	struct client_secret made = realm_client(&ctx, "", false);

	free(database_ask("update client set last_expiry = now() + "
	    "interval '1 hour'"));
	ck_assert_int_eq(client_enable(&ctx, made.client_id, false), OK);
	refresh();
	ck_assert_uint_eq(listed(made.client_id).status,
	    STATE_CLIENT_DISABLED);
	free(database_ask("update client set last_expiry = now() - "
	    "interval '1 hour', disabled = now() - interval '1 hour'"));
	(void)realm_client(&ctx, "", false);	/* has the file written */
	refresh();
	ck_assert_uint_eq(listed(made.client_id).status, 0);
}
END_TEST

START_TEST(client_just_disabled_is_listed_though_it_has_no_token_yet)
{
	struct client_secret made = realm_client(&ctx, "", false);

	ck_assert_int_eq(client_enable(&ctx, made.client_id, false), OK);
	refresh();
	ck_assert_uint_eq(listed(made.client_id).status,
	    STATE_CLIENT_DISABLED);
}
END_TEST

START_TEST(many_clients_are_read_in_several_chunks)
{
	free(database_ask("insert into client (id, tn, name, kind, scopes, "
	    "tier) select 'cli_' || i, (select tn from tenant limit 1), 'n', "
	    "'public', '', 'standard' from generate_series(1, 50001) i"));
	refresh();
	ck_assert_uint_eq(listed(STR("cli_1")).hour, 1000);
	ck_assert_uint_eq(listed(STR("cli_20000")).hour, 1000);
	ck_assert_uint_eq(listed(STR("cli_50001")).hour, 1000);
	ck_assert_uint_eq(listed(STR("cli_50002")).status, 0);
}
END_TEST

/* --- keys ----------------------------------------------------------------- */

static size_t
published(void)
{
	char text[16384];
	FILE *file = fopen(path("jwks.json"), "r");
	size_t n = fread(text, 1, sizeof(text), file);
	enum jose_error error;
	const char *why = "";
	struct jose_keys *keys = jose_keys_load((struct str){ text, n }, NULL,
	    &error, &why);
	size_t count;

	fclose(file);
	ck_assert_msg(keys != NULL, "%s", why);
	count = jose_keys_count(keys);
	jose_keys_free(keys);
	return count;
}

START_TEST(keys_are_published_from_next_to_passive)
{
	struct str told;

	ck_assert_int_eq(keyring_rotate(&ctx, JOSE_RS256, false, &told), OK);
	refresh();
	ck_assert_uint_eq(published(), 1);
	ck_assert_int_eq(keyring_rotate(&ctx, JOSE_RS256, true, &told), OK);
	ck_assert_int_eq(keyring_rotate(&ctx, JOSE_RS256, false, &told), OK);
	refresh();
	ck_assert_uint_eq(published(), 3);
	free(database_ask("update signing_key set state = 'retired' where "
	    "state = 'passive'"));
	refresh();
	ck_assert_uint_eq(published(), 2);
}
END_TEST

/* --- revocations ---------------------------------------------------------- */

START_TEST(revocation_of_each_kind_is_found)
{
	int64_t now_s = when_now() / US_PER_SECOND;

	for (int kind = STATE_REVOKED_JTI; kind < STATE_REVOKED__MAX; kind++)
		ck_assert_int_eq(revocation_add(&ctx,
		    (enum state_revoked_kind)kind, STR("v"), STR("")), OK);
	refresh();
	for (int kind = STATE_REVOKED_JTI; kind < STATE_REVOKED__MAX; kind++)
		ck_assert(revoked((enum state_revoked_kind)kind, "v", now_s));
	ck_assert(!revoked(STATE_REVOKED_JTI, "w", now_s));
}
END_TEST

START_TEST(token_issued_after_its_client_was_revoked_is_good)
{
	int64_t now_s = when_now() / US_PER_SECOND;

	ck_assert_int_eq(revocation_add(&ctx, STATE_REVOKED_CLIENT_BEFORE,
	    STR("c"), STR("")), OK);
	refresh();
	ck_assert(revoked(STATE_REVOKED_CLIENT_BEFORE, "c", now_s - 5));
	ck_assert(!revoked(STATE_REVOKED_CLIENT_BEFORE, "c", now_s + 5));
}
END_TEST

START_TEST(later_revocations_are_added_to_the_earlier_ones)
{
	ck_assert_int_eq(revocation_add(&ctx, STATE_REVOKED_JTI, STR("one"),
	    STR("")), OK);
	refresh();
	ck_assert_int_eq(revocation_add(&ctx, STATE_REVOKED_JTI, STR("two"),
	    STR("")), OK);
	refresh();
	ck_assert(revoked(STATE_REVOKED_JTI, "one", 0));
	ck_assert(revoked(STATE_REVOKED_JTI, "two", 0));
	ck_assert_uint_eq(revocations(), 2);
}
END_TEST

START_TEST(expired_revocation_is_forgotten)
{
	ck_assert_int_eq(revocation_add(&ctx, STATE_REVOKED_JTI, STR("one"),
	    STR("")), OK);
	refresh();
	ctx.now_us += 2 * 3600 * US_PER_SECOND;
	free(database_ask("insert into revocation (kind, value, expires) "
	    "values (1, 'two', now() + interval '1 day')"));
	ck_assert_int_eq(edge_refresh(&ctx, edge), OK);
	ck_assert_uint_eq(revocations(), 1);
	ck_assert(revoked(STATE_REVOKED_JTI, "two", 0));
}
END_TEST

START_TEST(revocation_that_commits_later_is_not_missed)
{
	PGconn *slow = PQconnectdb(database_conninfo());

	PQclear(PQexec(slow, "begin"));
	PQclear(PQexec(slow, "insert into revocation (kind, value, expires) "
	    "values (1, 'slow', now() + interval '1 hour')"));
	refresh();
	ck_assert(!revoked(STATE_REVOKED_JTI, "slow", 0));
	PQclear(PQexec(slow, "commit"));
	free(database_ask("insert into revocation (kind, value, expires) "
	    "values (1, 'fast', now() + interval '1 hour')"));
	refresh();
	ck_assert(revoked(STATE_REVOKED_JTI, "slow", 0));
	ck_assert(revoked(STATE_REVOKED_JTI, "fast", 0));
	PQfinish(slow);
}
END_TEST

/*
 * Identity values are given out before commit. Were they not in the order of
 * the commits, "seq > last" would miss the one that commits second.
 */
START_TEST(open_revocation_keeps_others_waiting_for_their_number)
{
	PGconn *slow = PQconnectdb(database_conninfo());
	PGconn *fast = PQconnectdb(database_conninfo());
	PGresult *res;

	PQclear(PQexec(slow, "begin"));
	PQclear(PQexec(slow, "insert into revocation (kind, value, expires) "
	    "values (1, 'slow', now() + interval '1 hour')"));
	PQclear(PQexec(fast, "set lock_timeout = 50"));
	res = PQexec(fast, "insert into revocation (kind, value, expires) "
	    "values (1, 'fast', now() + interval '1 hour')");
	ck_assert_str_eq(PQresultErrorField(res, PG_DIAG_SQLSTATE), "55P03");
	PQclear(res);
	PQfinish(slow);
	PQfinish(fast);
}
END_TEST

START_TEST(invalid_value_is_not_revoked)
{
	static const char *const values[] = { "", "a b", "a\n", "\xc3\xa9" };

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		ck_assert_int_eq(revocation_add(&ctx, STATE_REVOKED_JTI,
		    str_of(values[i]), STR("")), ERR_INVALID_PARAMETER);
}
END_TEST

/* --- when ----------------------------------------------------------------- */

START_TEST(files_are_written_only_when_their_part_changed)
{
	struct client_secret made = realm_client(&ctx, "", false);
	ino_t clients, jwks, list;

	refresh();
	clients = inode("clients.map");
	jwks = inode("jwks.json");
	list = inode("revoked.map");
	refresh();
	ck_assert(inode("clients.map") == clients);
	ck_assert_int_eq(client_enable(&ctx, made.client_id, false), OK);
	refresh();
	ck_assert(inode("clients.map") != clients);
	ck_assert(inode("jwks.json") == jwks);
	ck_assert(inode("revoked.map") == list);
}
END_TEST

START_TEST(token_requests_change_nothing_for_the_edge)
{
	char *before, *after;
	static const char sql[] = "select sum(version) from state_version";

	(void)realm_client(&ctx, "", false);
	before = database_ask(sql);
	free(database_ask("update client set last_expiry = now()"));
	after = database_ask(sql);
	ck_assert_str_eq(before, after);
	free(before);
	free(after);
}
END_TEST

START_TEST(missing_file_is_written_again)
{
	refresh();
	ck_assert_int_eq(unlink(path("revoked.map")), 0);
	refresh();
	ck_assert_uint_eq(revocations(), 0);
}
END_TEST

START_TEST(files_of_a_new_process_have_the_same_hashes)
{
	struct client_secret made = realm_client(&ctx, "", false);
	uint64_t hash;

	refresh();
	hash = listed(made.client_id).hash;
	edge_free(edge);
	edge = edge_new(ctx.conf->state_dir);
	(void)realm_client(&ctx, "", false);
	refresh();
	ck_assert(listed(made.client_id).hash == hash);
}
END_TEST

START_TEST(files_may_be_read_by_the_group_and_by_nobody_else)
{
	static const char *const files[] = { "jwks.json", "clients.map",
		"revoked.map", "alive" };
	struct stat st;

	refresh();
	ck_assert_int_eq(edge_alive(&ctx, edge), OK);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		ck_assert_int_eq(stat(path(files[i]), &st), 0);
		ck_assert_int_eq(st.st_mode & 0027, 0);
	}
}
END_TEST

START_TEST(folder_that_is_not_there_is_an_error)
{
	edge_free(edge);
	edge = edge_new("/nonexistent");
	ck_assert_int_eq(edge_refresh(&ctx, edge), ERR_INTERNAL);
	ck_assert_int_eq(edge_alive(&ctx, edge), ERR_INTERNAL);
}
END_TEST

/* --- periodic work -------------------------------------------------------- */

START_TEST(each_kind_runs_once_and_is_then_not_due)
{
	char *rows;
	bool ran;
	int n = 0;

	ck_assert_int_eq(kinds_add(&ctx), OK);
	ck_assert_int_eq(kinds_add(&ctx), OK);
	rows = database_ask("select count(*) from job");
	do {
		ck_assert_int_eq(kinds_run(&ctx, &ran), OK);
		n += ran;
	} while (ran);
	ck_assert_int_gt(n, 0);
	ck_assert_int_eq(n, strtol(rows, NULL, 10));
	free(rows);
}
END_TEST

START_TEST(kind_that_another_holds_is_left_alone)
{
	bool ran;

	ck_assert_int_eq(kinds_add(&ctx), OK);
	free(database_ask("update job set lease = now() + interval '1 m'"));
	ck_assert_int_eq(kinds_run(&ctx, &ran), OK);
	ck_assert(!ran);
	free(database_ask("update job set lease = now() - interval '1 s'"));
	ck_assert_int_eq(kinds_run(&ctx, &ran), OK);
	ck_assert(ran);
}
END_TEST

START_TEST(expired_rows_go)
{
	char *left;
	bool ran = true;

	free(database_ask("insert into revocation (kind, value, expires) "
	    "values (1, 'old', now() - interval '10 m'), "
	    "(1, 'new', now() + interval '10 m')"));
	ck_assert_int_eq(kinds_add(&ctx), OK);
	while (ran)
		ck_assert_int_eq(kinds_run(&ctx, &ran), OK);
	left = database_ask("select string_agg(value, ' ') from revocation");
	ck_assert_str_eq(left, "new");
	free(left);
}
END_TEST

START_TEST(kind_that_fails_is_tried_again_later)
{
	char *row;
	bool ran = true;

	free(database_ask("alter table signing_key rename to hidden"));
	ck_assert_int_eq(kinds_add(&ctx), OK);
	while (ran)
		ck_assert_int_eq(kinds_run(&ctx, &ran), OK);
	free(database_ask("alter table hidden rename to signing_key"));
	row = database_ask("select tries || ' ' || (due between now() + "
	    "interval '5 s' and now() + interval '10 s') from job "
	    "where kind = 'key_rotate'");
	ck_assert_str_eq(row, "1 true");
	free(row);
}
END_TEST

int
main(int argc, char **argv)
{
	TCase *tcase = suite_case("jobs_state");
	int status;

	(void)argc;
	database_need(argv);
	(void)database_create();
	realm_create();
	tcase_add_checked_fixture(tcase, open_ctx, close_ctx);
	tcase_add_test(tcase, client_has_the_limits_of_its_tier);
	tcase_add_test(tcase, enterprise_client_has_its_own_numbers);
	tcase_add_test(tcase,
	    clients_of_a_pool_share_windows_and_others_do_not);
	tcase_add_test(tcase, pools_of_one_name_in_two_tenants_share_nothing);
	tcase_add_test(tcase,
	    pooled_tenant_has_one_pool_beside_those_with_names);
	tcase_add_test(tcase,
	    disabled_client_is_listed_until_its_last_token_expired);
	tcase_add_test(tcase,
	    client_just_disabled_is_listed_though_it_has_no_token_yet);
	tcase_add_test(tcase, many_clients_are_read_in_several_chunks);
	tcase_add_test(tcase, keys_are_published_from_next_to_passive);
	tcase_add_test(tcase, revocation_of_each_kind_is_found);
	tcase_add_test(tcase,
	    token_issued_after_its_client_was_revoked_is_good);
	tcase_add_test(tcase,
	    later_revocations_are_added_to_the_earlier_ones);
	tcase_add_test(tcase, expired_revocation_is_forgotten);
	tcase_add_test(tcase, revocation_that_commits_later_is_not_missed);
	tcase_add_test(tcase,
	    open_revocation_keeps_others_waiting_for_their_number);
	tcase_add_test(tcase, invalid_value_is_not_revoked);
	tcase_add_test(tcase, files_are_written_only_when_their_part_changed);
	tcase_add_test(tcase, token_requests_change_nothing_for_the_edge);
	tcase_add_test(tcase, missing_file_is_written_again);
	tcase_add_test(tcase, files_of_a_new_process_have_the_same_hashes);
	tcase_add_test(tcase,
	    files_may_be_read_by_the_group_and_by_nobody_else);
	tcase_add_test(tcase, folder_that_is_not_there_is_an_error);
	tcase_add_test(tcase, each_kind_runs_once_and_is_then_not_due);
	tcase_add_test(tcase, kind_that_another_holds_is_left_alone);
	tcase_add_test(tcase, expired_rows_go);
	tcase_add_test(tcase, kind_that_fails_is_tried_again_later);
	status = suite_run();
	realm_drop();
	database_drop();
	return status;
}
