/* Tenants and clients as administrators make, change and list them. */

#include "lib/database.h"
#include "lib/realm.h"
#include "lib/suite.h"
#include "oauth/secret.h"
#include "wire/pg.h"

#include <check.h>
#include <stdlib.h>

static struct ctx ctx;
static struct http_answer answer;

static void
open_ctx(void)
{
	realm_ctx(&ctx);
}

static void
close_ctx(void)
{
	database_ctx_end(&ctx);
}

static enum err
login(struct str id, struct str secret)
{
	return realm_token(&ctx, &(struct realm_post){
	    .body = arena_printf(ctx.arena, "grant_type=client_credentials&"
	    "client_id=%.*s&client_secret=%.*s", STR_ARGS(id),
	    STR_ARGS(secret)).p }, &answer);
}

/* Whether the credentials are right: without a signing key a good login ends
 * as unavailable, and only after the secret was accepted. */
static bool
accepted(struct str id, struct str secret)
{
	enum err err = login(id, secret);

	ck_assert(err == ERR_OAUTH_CLIENT || err == ERR_UNAVAILABLE);
	return err == ERR_UNAVAILABLE;
}

static char *
ask(const char *what, struct str id)
{
	return database_ask(arena_printf(ctx.arena, "select %s from client "
	    "where id = '%.*s'", what, STR_ARGS(id)).p);
}

/* --- tenants -------------------------------------------------------------- */

START_TEST(tenant_name_is_taken_once)
{
	int32_t tn, other;

	ck_assert_int_eq(tenant_create(&ctx, STR("twice"), &tn), OK);
	ck_assert_int_eq(tenant_create(&ctx, STR("twice"), &other),
	    ERR_CONFLICT);
}
END_TEST

START_TEST(tenant_name_of_other_characters_is_refused)
{
	static const char *const names[] = { "", "a b", "a/b", "a'b",
		"\xc3\xa9", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaaaaaaaaaaaaaaaaaaaaa" };
	int32_t tn;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		ck_assert_int_eq(tenant_create(&ctx, str_of(names[i]), &tn),
		    ERR_INVALID_PARAMETER);
}
END_TEST

/* --- making clients ------------------------------------------------------- */

#define GOOD	.tenant = STR("acme"), .name = STR("n")

static const struct bad_client {
	struct client_new	 new;
	enum err		 err;
	const char		*says;
} bad_clients[] = {
	{ { .tenant = STR("nobody"), .name = STR("n") }, ERR_NOT_FOUND,
	    "nobody" },
	{ { .tenant = STR("acme"), .name = STR("") }, ERR_INVALID_PARAMETER,
	    "name" },
	{ { .tenant = STR("acme"), .name = STR("a\nb") },
	    ERR_INVALID_PARAMETER, "name" },
	{ { .tenant = STR("acme"), .name = STR("\xff") },
	    ERR_INVALID_PARAMETER, "name" },
	{ { GOOD, .scopes = STR("patient:read patient:eat") },
	    ERR_INVALID_PARAMETER, "patient:eat" },
	{ { GOOD, .tier = STR("gold") }, ERR_INVALID_PARAMETER, "tier" },
	{ { GOOD, .tier = STR("enterprise") }, ERR_INVALID_PARAMETER,
	    "enterprise" },
	{ { GOOD, .tier = STR("enterprise"), .hour = STR("5") },
	    ERR_INVALID_PARAMETER, "enterprise" },
	{ { GOOD, .hour = STR("5"), .minute = STR("5") },
	    ERR_INVALID_PARAMETER, "enterprise" },
	{ { GOOD, .tier = STR("enterprise"), .hour = STR("-1"),
	    .minute = STR("1") }, ERR_INVALID_PARAMETER, "hour" },
	{ { GOOD, .tier = STR("enterprise"), .hour = STR("1"),
	    .minute = STR("99999999999") }, ERR_INVALID_PARAMETER,
	    "minute" },
	{ { GOOD, .pool = STR("a_b") }, ERR_INVALID_PARAMETER, "pool" },
	{ { GOOD, .ttl = STR("59") }, ERR_INVALID_PARAMETER, "ttl" },
	{ { GOOD, .ttl = STR("86401") }, ERR_INVALID_PARAMETER, "ttl" },
};

START_TEST(bad_client_is_refused_with_what_is_wrong)
{
	const struct bad_client *bad = &bad_clients[_i];
	struct client_secret made;
	char *before = database_ask("select count(*) from client");
	char *after;

	ck_assert_int_eq(client_create(&ctx, &bad->new, &made), bad->err);
	ck_assert_ptr_nonnull(strstr(ctx.fault.issues->text.p, bad->says));
	after = database_ask("select count(*) from client");
	ck_assert_str_eq(before, after);
	free(before);
	free(after);
}
END_TEST

START_TEST(secret_is_stored_as_its_print_alone)
{
	struct client_secret made = realm_client(&ctx, "", false);
	unsigned char hash[SECRET_HASH_BYTES];
	char *same;

	ck_assert_int_eq(secret_hash(&ctx, made.secret, hash), OK);
	same = database_ask(arena_printf(ctx.arena, "select octet_length(hash)"
	    " from client_secret where client = '%.*s'",
	    STR_ARGS(made.client_id)).p);
	ck_assert_str_eq(same, "32");
	free(same);
	same = database_ask(arena_printf(ctx.arena, "select count(*) from "
	    "client_secret where encode(hash, 'escape') like '%%%.*s%%'",
	    STR_ARGS(made.secret)).p);
	ck_assert_str_eq(same, "0");
	free(same);
	ck_assert(accepted(made.client_id, made.secret));
}
END_TEST

START_TEST(default_scopes_leave_out_administration)
{
	struct client_secret made = realm_client(&ctx, "", false);
	char *scopes = ask("scopes", made.client_id);

	ck_assert_ptr_nonnull(strstr(scopes, "patient:read"));
	ck_assert_ptr_null(strstr(scopes, "system:admin"));
	ck_assert_ptr_null(strstr(scopes, "user:"));
	free(scopes);
}
END_TEST

START_TEST(enterprise_client_keeps_its_own_numbers)
{
	struct client_secret made;
	char *row;

	ck_assert_int_eq(client_create(&ctx, &(struct client_new){ GOOD,
	    .tier = STR("enterprise"), .hour = STR("0"),
	    .minute = STR("7000"), .pool = STR("shared-1"),
	    .ttl = STR("60") }, &made), OK);
	row = ask("concat_ws('/', limit_hour, limit_minute, pool, "
	    "token_ttl_s)", made.client_id);
	ck_assert_str_eq(row, "0/7000/shared-1/60");
	free(row);
}
END_TEST

START_TEST(public_client_has_no_secret)
{
	struct client_secret made = realm_client(&ctx, "", true);

	ck_assert_uint_eq(made.secret.n, 0);
	ck_assert_int_eq(client_rotate(&ctx, made.client_id, 7, &made),
	    ERR_INVALID_PARAMETER);
}
END_TEST

/* --- changing them -------------------------------------------------------- */

START_TEST(both_secrets_live_during_the_overlap)
{
	struct client_secret old = realm_client(&ctx, "", false), new;

	ck_assert_int_eq(client_rotate(&ctx, old.client_id, 7, &new), OK);
	ck_assert(accepted(old.client_id, old.secret));
	ck_assert(accepted(old.client_id, new.secret));
}
END_TEST

START_TEST(rotation_without_overlap_ends_the_old_secret)
{
	struct client_secret old = realm_client(&ctx, "", false), new;

	ck_assert_int_eq(client_rotate(&ctx, old.client_id, 0, &new), OK);
	ck_assert(!accepted(old.client_id, old.secret));
	ck_assert(accepted(old.client_id, new.secret));
}
END_TEST

START_TEST(never_more_than_two_secrets_live)
{
	struct client_secret first = realm_client(&ctx, "", false);
	struct client_secret second, third;

	ck_assert_int_eq(client_rotate(&ctx, first.client_id, 7, &second), OK);
	ck_assert_int_eq(client_rotate(&ctx, first.client_id, 7, &third), OK);
	ck_assert(!accepted(first.client_id, first.secret));
	ck_assert(accepted(first.client_id, second.secret));
	ck_assert(accepted(first.client_id, third.secret));
}
END_TEST

/* What a change makes of a standard client, and then another of that. */
static const struct changed_client {
	struct client_new	 change[2];
	enum err		 err;	/* of the last one */
	const char		*row;
} changed_clients[] = {
	{ { { .tier = STR("professional") }, { .name = STR("renamed") } }, OK,
	    "renamed professional - - - -" },
	{ { { .tier = STR("enterprise"), .hour = STR("9"),
	    .minute = STR("3") }, { .minute = STR("4") } }, OK,
	    "n enterprise 9 4 - -" },
	{ { { .tier = STR("enterprise"), .hour = STR("9"),
	    .minute = STR("3") }, { .tier = STR("standard") } }, OK,
	    "n standard - - - -" },
	{ { { .pool = STR("p"), .ttl = STR("60") }, { .pool = STR("q") } }, OK,
	    "n standard - - q 60" },
	{ { { .pool = STR("p"), .ttl = STR("60") }, { .pool = STR("-"),
	    .ttl = STR("-") } }, OK, "n standard - - - -" },
	{ { { .name = STR("m") }, { .tier = STR("enterprise") } },
	    ERR_INVALID_PARAMETER, "m standard - - - -" },
	{ { { .name = STR("m") }, { .hour = STR("5") } },
	    ERR_INVALID_PARAMETER, "m standard - - - -" },
	{ { { .name = STR("m") }, { .tier = STR("gold") } },
	    ERR_INVALID_PARAMETER, "m standard - - - -" },
	{ { { .name = STR("m") }, { .scopes = STR("patient:eat") } },
	    ERR_INVALID_PARAMETER, "m standard - - - -" },
	{ { { .name = STR("m") }, { .name = STR("\n") } },
	    ERR_INVALID_PARAMETER, "m standard - - - -" },
	{ { { .name = STR("m") }, { .pool = STR("a_b") } },
	    ERR_INVALID_PARAMETER, "m standard - - - -" },
};

START_TEST(change_touches_what_it_names_alone)
{
	const struct changed_client *c = &changed_clients[_i];
	struct client_secret made;
	char *scopes, *row;

	ck_assert_int_eq(client_create(&ctx, &(struct client_new){ GOOD,
	    .scopes = STR("patient:read") }, &made), OK);
	ck_assert_int_eq(client_change(&ctx, made.client_id, &c->change[0]),
	    OK);
	ck_assert_int_eq(client_change(&ctx, made.client_id, &c->change[1]),
	    c->err);
	row = ask("concat_ws(' ', name, tier, coalesce(limit_hour::text, '-'),"
	    " coalesce(limit_minute::text, '-'), coalesce(pool, '-'), "
	    "coalesce(token_ttl_s::text, '-'))", made.client_id);
	ck_assert_str_eq(row, c->row);
	scopes = ask("scopes", made.client_id);
	ck_assert_str_eq(scopes, "patient:read");
	free(row);
	free(scopes);
	ck_assert(accepted(made.client_id, made.secret));
}
END_TEST

START_TEST(changed_scopes_are_what_tokens_get)
{
	struct client_secret made = realm_client(&ctx, "patient:read", false);
	char *scopes;

	ck_assert_int_eq(client_change(&ctx, made.client_id,
	    &(struct client_new){ .scopes = STR("clinical:read") }), OK);
	scopes = ask("scopes", made.client_id);
	ck_assert_str_eq(scopes, "clinical:read");
	free(scopes);
}
END_TEST

START_TEST(unknown_client_is_not_found)
{
	struct client_secret made;

	ck_assert_int_eq(client_enable(&ctx, STR("x"), false), ERR_NOT_FOUND);
	ck_assert_int_eq(client_revoke(&ctx, STR("x"), STR("")),
	    ERR_NOT_FOUND);
	ck_assert_int_eq(client_rotate(&ctx, STR("x"), 7, &made),
	    ERR_NOT_FOUND);
	ck_assert_int_eq(client_change(&ctx, STR("x"), &(struct client_new){
	    .tier = STR("standard") }), ERR_NOT_FOUND);
}
END_TEST

START_TEST(list_of_a_tenant_shows_its_clients_alone)
{
	struct client_secret made = realm_client(&ctx, "", false);
	PGresult *res;
	int32_t tn;
	bool found = false;

	ck_assert_int_eq(tenant_create(&ctx, STR("empty"), &tn), OK);
	ck_assert_int_eq(client_list(&ctx, STR("empty"), &res), OK);
	ck_assert_int_eq(PQntuples(res), 0);
	ck_assert_int_eq(client_list(&ctx, STR("acme"), &res), OK);
	for (int i = 0; i < PQntuples(res); i++)
		found |= str_eq(pg_get_str(res, i, 0), made.client_id);
	ck_assert(found);
}
END_TEST

int
main(int argc, char **argv)
{
	TCase *tcase = suite_case("oauth_client");
	int status;

	(void)argc;
	database_need(argv);
	(void)database_create();
	realm_create();
	tcase_add_checked_fixture(tcase, open_ctx, close_ctx);
	tcase_add_test(tcase, tenant_name_is_taken_once);
	tcase_add_test(tcase, tenant_name_of_other_characters_is_refused);
	tcase_add_loop_test(tcase, bad_client_is_refused_with_what_is_wrong, 0,
	    sizeof(bad_clients) / sizeof(bad_clients[0]));
	tcase_add_test(tcase, secret_is_stored_as_its_print_alone);
	tcase_add_test(tcase, default_scopes_leave_out_administration);
	tcase_add_test(tcase, enterprise_client_keeps_its_own_numbers);
	tcase_add_test(tcase, public_client_has_no_secret);
	tcase_add_test(tcase, both_secrets_live_during_the_overlap);
	tcase_add_test(tcase, rotation_without_overlap_ends_the_old_secret);
	tcase_add_test(tcase, never_more_than_two_secrets_live);
	tcase_add_loop_test(tcase, change_touches_what_it_names_alone, 0,
	    sizeof(changed_clients) / sizeof(changed_clients[0]));
	tcase_add_test(tcase, changed_scopes_are_what_tokens_get);
	tcase_add_test(tcase, unknown_client_is_not_found);
	tcase_add_test(tcase, list_of_a_tenant_shows_its_clients_alone);
	status = suite_run();
	realm_drop();
	database_drop();
	return status;
}
