/*
 * `twocare admin token`: access tokens of many clients for load tests, without
 * a request and a secret for each. They are good tokens of real clients, hence
 * only in a sandbox unless one insists, noted in the audit, and short-lived.
 */

#include "main/admin.h"

#include <jansson.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/conf.h"
#include "base/when.h"
#include "main/command.h"
#include "main/rows.h"
#include "oauth/client.h"
#include "oauth/login.h"
#include "oauth/token.h"
#include "wire/json.h"
#include "wire/pg.h"

#include "queries.h"

#define COUNT_MAX	1000000
#define CLIENTS_MAX	100000
#define TTL_MAX_S	86400

/* Ours in the tenant bear this name. */
#define CLIENT_NAME	"load test"

/* No test shall end at a limit, yet all requests are counted. */
#define LIMIT		"60000000"

#define TOKEN_BYTES	(64 * 1024)

/* What is asked. */
struct want {
	uint64_t	 count, clients, ttl_s;
	struct str	 tenant, scopes;
	struct str	 who;		/* asks */
	enum output	 output;
};

static bool
parse_number(const char *option, const char *word, uint64_t max,
    uint64_t *out)
{
	if (word == NULL || (str_u64(str_of(word), max, out) && *out > 0))
		return true;
	command_misuse("%s is a number from 1 to %llu", option,
	    (unsigned long long)max);
	return false;
}

/* --- tenant and clients */

static enum err
find_tenant(struct ctx *ctx, struct str name, int32_t *tn)
{
	enum err err = tenant_named(ctx, name, tn);

	if (err != ERR_NOT_FOUND)
		return err;
	fault_clear(ctx);
	return tenant_create(ctx, name, tn);
}

/* Those that earlier runs have made; ids gets their ids, *n at most `room`. */
static enum err
find_clients(struct ctx *ctx, struct str tenant, struct str *ids, size_t room,
    size_t *n)
{
	PGresult *res;
	enum err err;

	if ((err = client_list(ctx, tenant, &res)) != OK)
		return err;
	*n = 0;
	for (int i = 0; i < PQntuples(res) && *n < room; i++)
		if (str_eqz(pg_get_str(res, i, 2), CLIENT_NAME) &&
		    str_eqz(pg_get_str(res, i, 8), "active"))
			ids[(*n)++] = pg_get_str(res, i, 0);
	return OK;
}

static enum err
make_clients(struct ctx *ctx, const struct want *want, struct str *ids)
{
	struct client_secret made;
	size_t n;
	enum err err;

	err = find_clients(ctx, want->tenant, ids, want->clients, &n);
	for (; err == OK && n < want->clients; n++) {
		err = client_create(ctx, &(struct client_new){
		    .tenant = want->tenant, .name = STR(CLIENT_NAME),
		    .tier = STR("enterprise"), .hour = STR(LIMIT),
		    .minute = STR(LIMIT) }, &made);
		ids[n] = made.client_id;
	}
	return err;
}

/* --- tokens */

static void
print_token(struct ctx *ctx, const struct want *want,
    const struct login *login, struct str token, bool first)
{
	struct str text = token;

	if (want->output == OUTPUT_JSON) {
		text = json_text(ctx->arena, json_build(ctx->arena,
		    "{s:s%,s:s%,s:I}",
		    "client_id", login->client_id.p, login->client_id.n,
		    "access_token", token.p, token.n,
		    "expires_in", (json_int_t)login->ttl_s));
		fputs(first ? "[" : ",\n", stdout);
	}
	printf("%.*s%s", STR_ARGS(text),
	    want->output == OUTPUT_JSON ? "" : "\n");
}

/* The clients take turns. */
static enum err
print_tokens(struct ctx *ctx, const struct want *want, const struct str *ids)
{
	struct ctx one = *ctx;
	struct str scope, token;
	struct login login;
	enum err err = OK;

	one.arena = arena_new(TOKEN_BYTES);
	for (uint64_t i = 0; err == OK && i < want->count; i++) {
		one.now_us = when_now();
		err = login_trusted(&one, ids[i % want->clients], &login);
		if (err == OK) {
			login.ttl_s = (int64_t)want->ttl_s;
			err = token_issue(&one, &login, want->scopes, &scope,
			    &token);
		}
		if (err == OK)
			print_token(&one, want, &login, token, i == 0);
		else
			err = fail(ctx, err, "%.*s",
			    STR_ARGS(one.fault.issues == NULL ? STR_NONE :
			    one.fault.issues->text));
		arena_reset(one.arena);
	}
	arena_free(one.arena);
	if (err == OK && want->output == OUTPUT_JSON)
		puts("]");
	return err;
}

/* Who took how many, before the first one is shown. */
static enum err
note(struct ctx *ctx, const struct want *want, int32_t tn)
{
	struct pg_args a = pg_args(ctx->arena);

	pg_int4(&a, tn);
	pg_text(&a, want->who);
	pg_text(&a, arena_printf(ctx->arena, "%llu tokens of %llu clients, "
	    "%llu s", (unsigned long long)want->count,
	    (unsigned long long)want->clients,
	    (unsigned long long)want->ttl_s));
	return pg_exec(ctx, &query_audit_tokens, &a, NULL);
}

static int
run(const struct want *want)
{
	struct ctx *ctx = command_ctx();
	struct str *ids;
	int32_t tn;

	if (ctx == NULL)
		return COMMAND_FAILED;
	ids = arena_array(ctx->arena, want->clients, sizeof(*ids));
	if (find_tenant(ctx, want->tenant, &tn) != OK ||
	    make_clients(ctx, want, ids) != OK ||
	    note(ctx, want, tn) != OK || print_tokens(ctx, want, ids) != OK)
		return command_fault(ctx);
	return COMMAND_OK;
}

/* As who ran it, not as the user that it becomes. */
static struct str
who_asks(void)
{
	const char *sudo = getenv("SUDO_USER");
	const struct passwd *user = getpwuid(getuid());

	if (sudo != NULL)
		return str_of(sudo);
	return user == NULL ? STR("unknown") : str_of(user->pw_name);
}

static bool
is_allowed(bool insists)
{
	const struct conf *conf = command_conf();

	if (conf == NULL)
		return false;
	if (insists || strcmp(conf->environment, "sandbox") == 0)
		return true;
	command_fail("this is %s: tokens of clients that nobody asked for are "
	    "for load tests of a sandbox; --in-production makes them here",
	    conf->environment);
	return false;
}

int
admin_token(int argc, char **argv)
{
	const char *count = NULL, *clients = NULL, *tenant = "load-test";
	const char *scopes = NULL, *ttl = NULL, *word = NULL;
	bool insists = false;
	const struct option_row options[] = {
		{ "--count", &count, NULL },
		{ "--clients", &clients, NULL },
		{ "--tenant", &tenant, NULL },
		{ "--scopes", &scopes, NULL },
		{ "--ttl", &ttl, NULL },
		{ "--output", &word, NULL },
		{ "--in-production", NULL, &insists },
		{ NULL, NULL, NULL }
	};
	struct want want = { .count = 1, .ttl_s = 3600 };

	if (!command_options(options, argc, argv, NULL) ||
	    !output_parse(word, &want.output) ||
	    !parse_number("--count", count, COUNT_MAX, &want.count) ||
	    !parse_number("--ttl", ttl, TTL_MAX_S, &want.ttl_s))
		return COMMAND_USAGE;
	want.clients = want.count < CLIENTS_MAX ? want.count : CLIENTS_MAX;
	if (!parse_number("--clients", clients, CLIENTS_MAX, &want.clients))
		return COMMAND_USAGE;
	want.tenant = str_of(tenant);
	want.scopes = str_of(scopes);
	want.who = who_asks();
	return is_allowed(insists) ? run(&want) : COMMAND_FAILED;
}
