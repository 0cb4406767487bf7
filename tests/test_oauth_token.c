/* POST /oauth/token: every row of client authentication, scopes, the token. */

#include "base/jose.h"
#include "base/when.h"
#include "lib/database.h"
#include "lib/realm.h"
#include "lib/suite.h"
#include "oauth/keyring.h"
#include "oauth/metadata.h"
#include "oauth/token.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#define SCOPES	"patient:read patient:write clinical:read"

static struct ctx ctx;
static struct client_secret client;
static struct client_secret open_client;	/* public */
static struct http_answer answer;

static void
open_ctx(void)
{
	struct str told;

	realm_ctx(&ctx);
	client = realm_client(&ctx, SCOPES, false);
	open_client = realm_client(&ctx, SCOPES, true);
	ck_assert_int_eq(keyring_rotate(&ctx, JOSE_RS256, false, &told), OK);
}

static void
close_ctx(void)
{
	database_ctx_end(&ctx);
}

/*
 * A form with $I and $S for the client's id and secret, $P for the id of the
 * public client.
 */
static const char *
fill(const char *text)
{
	struct str rest = str_of(text), out = STR("");

	while (rest.p != NULL) {
		struct str part = str_cut(&rest, '$'), value = STR_NONE;

		if (rest.p != NULL) {
			value = rest.p[0] == 'I' ? client.client_id :
			    rest.p[0] == 'S' ? client.secret :
			    open_client.client_id;
			rest = str_from(rest, 1);
		}
		out = arena_printf(ctx.arena, "%.*s%.*s%.*s", STR_ARGS(out),
		    STR_ARGS(part), STR_ARGS(value));
	}
	return out.p;
}

static enum err
post(const char *authorization, const char *body)
{
	return realm_token(&ctx, &(struct realm_post){
	    .authorization = authorization == NULL ? NULL :
	    realm_basic(&ctx, fill(authorization)),
	    .body = fill(body) }, &answer);
}

/* --- client authentication ------------------------------------------------ */

/* clang-format off */
static const struct row {
	const char	*name;
	const char	*basic;		/* before base64; NULL: no header */
	const char	*body;
	enum err	 err;
} rows[] = {
{ "secret in the body",		NULL,		"grant_type=client_credentials&client_id=$I&client_secret=$S",			OK },
{ "secret by Basic",		"$I:$S",	"grant_type=client_credentials",						OK },
{ "Basic, same id in the body",	"$I:$S",	"grant_type=client_credentials&client_id=$I",					OK },
{ "nobody",			NULL,		"grant_type=client_credentials",						ERR_INVALID_REQUEST },
{ "secret of nobody",		NULL,		"grant_type=client_credentials&client_secret=$S",				ERR_INVALID_REQUEST },
{ "Basic and body secret",	"$I:$S",	"grant_type=client_credentials&client_secret=$S",				ERR_INVALID_REQUEST },
{ "Basic and assertion",	"$I:$S",	"grant_type=client_credentials&client_assertion=x",				ERR_INVALID_REQUEST },
{ "secret and assertion",	NULL,		"grant_type=client_credentials&client_id=$I&client_secret=$S&client_assertion=x", ERR_INVALID_REQUEST },
{ "assertion alone",		NULL,		"grant_type=client_credentials&client_id=$I&client_assertion=x",		ERR_OAUTH_CLIENT },
{ "two clients",		"$I:$S",	"grant_type=client_credentials&client_id=$P",					ERR_INVALID_REQUEST },
{ "Basic without colon",	"$I",		"grant_type=client_credentials",						ERR_INVALID_REQUEST },
{ "Basic with bad percent",	"$I:%zz",	"grant_type=client_credentials",						ERR_INVALID_REQUEST },
{ "Basic with NUL",		"$I:%00",	"grant_type=client_credentials",						ERR_INVALID_REQUEST },
{ "Basic without id",		":$S",		"grant_type=client_credentials",						ERR_INVALID_REQUEST },
{ "wrong secret by Basic",	"$I:$Sx",	"grant_type=client_credentials",						ERR_OAUTH_CLIENT },
{ "empty secret by Basic",	"$I:",		"grant_type=client_credentials",						ERR_OAUTH_CLIENT },
{ "wrong secret in the body",	NULL,		"grant_type=client_credentials&client_id=$I&client_secret=x$S",			ERR_OAUTH_CLIENT },
{ "no secret",			NULL,		"grant_type=client_credentials&client_id=$I",					ERR_OAUTH_CLIENT },
{ "empty secret",		NULL,		"grant_type=client_credentials&client_id=$I&client_secret=",			ERR_OAUTH_CLIENT },
{ "unknown client",		NULL,		"grant_type=client_credentials&client_id=cli_sbx_x&client_secret=$S",		ERR_OAUTH_CLIENT },
{ "another client's secret",	NULL,		"grant_type=client_credentials&client_id=$P&client_secret=$S",			ERR_OAUTH_CLIENT },
{ "public client",		NULL,		"grant_type=client_credentials&client_id=$P",					ERR_OAUTH_UNAUTHORIZED },
{ "no grant type",		"$I:$S",	"scope=patient:read",								ERR_INVALID_REQUEST },
{ "empty grant type",		"$I:$S",	"grant_type=",									ERR_INVALID_REQUEST },
{ "password grant",		"$I:$S",	"grant_type=password&username=u&password=p",					ERR_OAUTH_GRANT_TYPE },
{ "implicit grant",		"$I:$S",	"grant_type=implicit",								ERR_OAUTH_GRANT_TYPE },
{ "grant of another case",	"$I:$S",	"grant_type=Client_Credentials",						ERR_OAUTH_GRANT_TYPE },
{ "grant type twice",		"$I:$S",	"grant_type=client_credentials&grant_type=client_credentials",			ERR_INVALID_REQUEST },
{ "scope twice",		"$I:$S",	"grant_type=client_credentials&scope=patient:read&scope=patient:read",		ERR_INVALID_REQUEST },
{ "unknown parameter twice",	"$I:$S",	"grant_type=client_credentials&x=1&x=2",					ERR_INVALID_REQUEST },
{ "unknown parameter",		"$I:$S",	"grant_type=client_credentials&x=1",						OK },
{ "bad percent in the body",	"$I:$S",	"grant_type=client_credentials&x=%4",						ERR_INVALID_REQUEST },
{ "not UTF-8",			"$I:$S",	"grant_type=client_credentials&x=%ff",						ERR_INVALID_REQUEST },
{ "empty body",			"$I:$S",	"",										ERR_INVALID_REQUEST },
{ "scope within",		"$I:$S",	"grant_type=client_credentials&scope=clinical:read+patient:read",		OK },
{ "scope beyond",		"$I:$S",	"grant_type=client_credentials&scope=patient:read+patient:delete",		ERR_OAUTH_SCOPE },
{ "scope unknown",		"$I:$S",	"grant_type=client_credentials&scope=everything",				ERR_OAUTH_SCOPE },
{ "scope of openid",		"$I:$S",	"grant_type=client_credentials&scope=openid",					ERR_OAUTH_SCOPE },
{ "scope of blanks",		"$I:$S",	"grant_type=client_credentials&scope=+",					ERR_OAUTH_SCOPE },
};
/* clang-format on */

#define NROWS	((int)(sizeof(rows) / sizeof(rows[0])))

START_TEST(request_is_answered_as_its_row_says)
{
	const struct row *row = &rows[_i];

	ck_assert_msg(post(row->basic, row->body) == row->err, "%s",
	    row->name);
}
END_TEST

START_TEST(unknown_client_and_wrong_secret_look_the_same)
{
	struct str first;

	ck_assert_int_eq(post(NULL, "grant_type=client_credentials&"
	    "client_id=nobody&client_secret=x"), ERR_OAUTH_CLIENT);
	first = ctx.fault.issues->text;
	ck_assert_int_eq(post(NULL, "grant_type=client_credentials&"
	    "client_id=$I&client_secret=x"), ERR_OAUTH_CLIENT);
	ck_assert(str_eq(first, ctx.fault.issues->text));
}
END_TEST

/* Each byte as %XX. */
static struct str
percent(struct str in)
{
	struct str out = STR("");

	for (size_t i = 0; i < in.n; i++)
		out = arena_printf(ctx.arena, "%.*s%%%02x", STR_ARGS(out),
		    (unsigned char)in.p[i]);
	return out;
}

START_TEST(halves_of_basic_are_form_decoded)
{
	struct str both = arena_printf(ctx.arena, "%.*s:%.*s",
	    STR_ARGS(percent(client.client_id)),
	    STR_ARGS(percent(client.secret)));

	ck_assert_int_eq(post(both.p, "grant_type=client_credentials"), OK);
}
END_TEST

START_TEST(authorization_of_another_scheme_is_refused)
{
	ck_assert_int_eq(realm_token(&ctx, &(struct realm_post){
	    .authorization = "Bearer abc",
	    .body = "grant_type=client_credentials" }, &answer),
	    ERR_INVALID_REQUEST);
	ck_assert_int_eq(realm_token(&ctx, &(struct realm_post){
	    .authorization = "Basic ***",
	    .body = "grant_type=client_credentials" }, &answer),
	    ERR_INVALID_REQUEST);
}
END_TEST

START_TEST(body_of_another_type_is_refused)
{
	static const char *const types[] = { "", "application/json",
		"multipart/form-data; boundary=x", "text/plain",
		"application/x-www-form-urlencodedx" };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		ck_assert_int_eq(realm_token(&ctx, &(struct realm_post){
		    .type = types[i], .body = fill("grant_type="
		    "client_credentials&client_id=$I&client_secret=$S") },
		    &answer), ERR_INVALID_REQUEST);
}
END_TEST

START_TEST(type_may_have_parameters_and_another_case)
{
	ck_assert_int_eq(realm_token(&ctx, &(struct realm_post){
	    .type = "Application/X-WWW-Form-Urlencoded; charset=UTF-8",
	    .body = fill("grant_type=client_credentials&client_id=$I&"
	    "client_secret=$S") }, &answer), OK);
}
END_TEST

START_TEST(credentials_in_the_url_are_refused)
{
	static const char *const queries[] = { "client_id=a",
		"client_secret=a", "grant_type=client_credentials",
		"x=1&access_token=a", "client_secret=" };

	for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++)
		ck_assert_int_eq(realm_token(&ctx, &(struct realm_post){
		    .query = queries[i], .body = fill("grant_type="
		    "client_credentials&client_id=$I&client_secret=$S") },
		    &answer), ERR_INVALID_REQUEST);
}
END_TEST

START_TEST(body_larger_than_a_form_is_refused)
{
	size_t n = TOKEN_FORM_MAX + 1;
	char *body = arena_alloc(ctx.arena, n + 1);

	memset(body, 'a', n);
	body[n] = '\0';
	ck_assert_int_eq(realm_token(&ctx, &(struct realm_post){
	    .body = body }, &answer), ERR_INVALID_REQUEST);
}
END_TEST

START_TEST(disabled_client_gets_no_token)
{
	ck_assert_int_eq(client_enable(&ctx, client.client_id, false), OK);
	ck_assert_int_eq(post("$I:$S", "grant_type=client_credentials"),
	    ERR_OAUTH_CLIENT);
	ck_assert_int_eq(client_enable(&ctx, client.client_id, true), OK);
	ck_assert_int_eq(post("$I:$S", "grant_type=client_credentials"), OK);
}
END_TEST

/* --- the answer ----------------------------------------------------------- */

START_TEST(answer_has_the_members_and_fields_of_the_rfc)
{
	ck_assert_int_eq(post("$I:$S", "grant_type=client_credentials"), OK);
	ck_assert_int_eq(answer.status, 200);
	ck_assert_str_eq(answer.content_type, "application/json");
	ck_assert(str_eqz(realm_field(&answer, "Cache-Control"), "no-store"));
	ck_assert(str_eqz(realm_field(&answer, "Pragma"), "no-cache"));
	ck_assert(str_eq(realm_field(&answer, "X-Edge-Client"),
	    client.client_id));
	ck_assert(str_eqz(realm_member(&ctx, &answer, "token_type"),
	    "Bearer"));
	ck_assert(str_eqz(realm_member(&ctx, &answer, "expires_in"), "3600"));
	ck_assert(str_eqz(realm_member(&ctx, &answer, "scope"), SCOPES));
	ck_assert_ptr_null(realm_member(&ctx, &answer, "refresh_token").p);
}
END_TEST

START_TEST(scope_of_the_answer_is_what_was_asked_once_each)
{
	ck_assert_int_eq(post("$I:$S", "grant_type=client_credentials&scope="
	    "clinical:read++patient:read+clinical:read+"), OK);
	ck_assert(str_eqz(realm_member(&ctx, &answer, "scope"),
	    "clinical:read patient:read"));
}
END_TEST

static struct jose_keys *
published_keys(void)
{
	char *jwk = database_ask("select '{\"keys\":[' || string_agg(jwk, ',')"
	    " || ']}' from signing_key where state <> 'retired'");
	enum jose_error error;
	const char *why = "";
	struct jose_keys *keys = jose_keys_load(str_of(jwk), NULL, &error,
	    &why);

	ck_assert_msg(keys != NULL, "%s", why);
	free(jwk);
	return keys;
}

static void
check_claim(const struct jose_token *token, const char *name,
    struct str expected)
{
	struct str value;

	ck_assert_msg(jose_claim(token, str_of(name), &value), "%s", name);
	ck_assert_msg(str_eq(value, expected), "%s: %.*s", name,
	    STR_ARGS(value));
}

START_TEST(token_verifies_and_says_what_rfc_9068_asks)
{
	static struct jose_token token;
	struct jose_keys *keys = published_keys();
	char *tn = database_ask("select tn from tenant where name = 'acme'");
	int64_t iat, exp;
	struct str jti;

	ck_assert_int_eq(post("$I:$S", "grant_type=client_credentials&"
	    "scope=patient:read"), OK);
	ck_assert_int_eq(jose_open(&token, realm_member(&ctx, &answer,
	    "access_token"), STR("at+jwt")), JOSE_OK);
	ck_assert_ptr_nonnull(jose_keys_find(keys, token.kid));
	ck_assert_int_eq(jose_verify(&token, jose_keys_find(keys, token.kid)),
	    JOSE_OK);
	check_claim(&token, "iss", str_of(ctx.conf->issuer));
	check_claim(&token, "sub", client.client_id);
	check_claim(&token, "client_id", client.client_id);
	check_claim(&token, "scope", STR("patient:read"));
	check_claim(&token, "tenant", str_of(tn));
	check_claim(&token, "env", STR("sandbox"));
	ck_assert(jose_claim_aud(&token, str_of(ctx.conf->base_url)));
	ck_assert(jose_claim_time(&token, STR("iat"), &iat));
	ck_assert(jose_claim_time(&token, STR("exp"), &exp));
	ck_assert_int_eq(iat, ctx.now_us / US_PER_SECOND);
	ck_assert_int_eq(exp - iat, 3600);
	ck_assert(jose_claim(&token, STR("jti"), &jti));
	ck_assert_uint_eq(jti.n, 26);
	jose_keys_free(keys);
	free(tn);
}
END_TEST

START_TEST(two_tokens_never_share_a_jti)
{
	static struct jose_token a, b;
	struct str x, y;

	ck_assert_int_eq(post("$I:$S", "grant_type=client_credentials"), OK);
	ck_assert_int_eq(jose_open(&a, realm_member(&ctx, &answer,
	    "access_token"), STR("at+jwt")), JOSE_OK);
	ck_assert_int_eq(post("$I:$S", "grant_type=client_credentials"), OK);
	ck_assert_int_eq(jose_open(&b, realm_member(&ctx, &answer,
	    "access_token"), STR("at+jwt")), JOSE_OK);
	ck_assert(jose_claim(&a, STR("jti"), &x));
	ck_assert(jose_claim(&b, STR("jti"), &y));
	ck_assert(!str_eq(x, y));
}
END_TEST

START_TEST(last_expiry_covers_the_token_and_is_written_once_a_minute)
{
	char *first, *second;
	const char *sql = arena_printf(ctx.arena, "select extract(epoch from "
	    "last_expiry)::bigint from client where id = '%.*s'",
	    STR_ARGS(client.client_id)).p;

	ck_assert_int_eq(post("$I:$S", "grant_type=client_credentials"), OK);
	first = database_ask(sql);
	ck_assert_int_ge(atoll(first), ctx.now_us / US_PER_SECOND + 3600);
	ctx.now_us += 30 * US_PER_SECOND;
	ck_assert_int_eq(post("$I:$S", "grant_type=client_credentials"), OK);
	second = database_ask(sql);
	ck_assert_str_eq(first, second);
	free(second);
	ctx.now_us += 40 * US_PER_SECOND;
	ck_assert_int_eq(post("$I:$S", "grant_type=client_credentials"), OK);
	second = database_ask(sql);
	ck_assert_int_ge(atoll(second), ctx.now_us / US_PER_SECOND + 3600);
	free(first);
	free(second);
}
END_TEST

START_TEST(next_token_is_signed_by_the_key_that_became_active)
{
	static struct jose_token token;
	struct str told, before;

	ck_assert_int_eq(post("$I:$S", "grant_type=client_credentials"), OK);
	ck_assert_int_eq(jose_open(&token, realm_member(&ctx, &answer,
	    "access_token"), STR("at+jwt")), JOSE_OK);
	before = arena_str(ctx.arena, token.kid);
	ck_assert_int_eq(keyring_rotate(&ctx, JOSE_RS256, true, &told), OK);
	ck_assert_int_eq(post("$I:$S", "grant_type=client_credentials"), OK);
	ck_assert_int_eq(jose_open(&token, realm_member(&ctx, &answer,
	    "access_token"), STR("at+jwt")), JOSE_OK);
	ck_assert(!str_eq(before, token.kid));
}
END_TEST

START_TEST(metadata_says_only_what_exists)
{
	struct http_req req = { .method = HTTP_GET };
	const char *const absent[] = { "authorization_endpoint",
		"revocation_endpoint", "introspection_endpoint",
		"registration_endpoint" };

	http_answer_init(&answer, ctx.arena);
	ck_assert_int_eq(oauth_metadata(&ctx, &req, &answer), OK);
	ck_assert(str_eqz(realm_member(&ctx, &answer, "issuer"),
	    "https://auth.example.org"));
	ck_assert(str_eqz(realm_member(&ctx, &answer, "token_endpoint"),
	    "https://auth.example.org/oauth/token"));
	ck_assert(str_eqz(realm_member(&ctx, &answer, "jwks_uri"),
	    "https://auth.example.org/.well-known/jwks.json"));
	for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
		ck_assert_ptr_null(realm_member(&ctx, &answer, absent[i]).p);
}
END_TEST

int
main(int argc, char **argv)
{
	TCase *tcase = suite_case("oauth_token");
	int status;

	(void)argc;
	database_need(argv);
	(void)database_create();
	realm_create();
	tcase_add_checked_fixture(tcase, open_ctx, close_ctx);
	tcase_add_loop_test(tcase, request_is_answered_as_its_row_says, 0,
	    NROWS);
	tcase_add_test(tcase, unknown_client_and_wrong_secret_look_the_same);
	tcase_add_test(tcase, halves_of_basic_are_form_decoded);
	tcase_add_test(tcase, authorization_of_another_scheme_is_refused);
	tcase_add_test(tcase, body_of_another_type_is_refused);
	tcase_add_test(tcase, type_may_have_parameters_and_another_case);
	tcase_add_test(tcase, credentials_in_the_url_are_refused);
	tcase_add_test(tcase, body_larger_than_a_form_is_refused);
	tcase_add_test(tcase, disabled_client_gets_no_token);
	tcase_add_test(tcase, answer_has_the_members_and_fields_of_the_rfc);
	tcase_add_test(tcase,
	    scope_of_the_answer_is_what_was_asked_once_each);
	tcase_add_test(tcase, token_verifies_and_says_what_rfc_9068_asks);
	tcase_add_test(tcase, two_tokens_never_share_a_jti);
	tcase_add_test(tcase,
	    last_expiry_covers_the_token_and_is_written_once_a_minute);
	tcase_add_test(tcase,
	    next_token_is_signed_by_the_key_that_became_active);
	tcase_add_test(tcase, metadata_says_only_what_exists);
	status = suite_run();
	realm_drop();
	database_drop();
	return status;
}
