/* `twocare admin ...`: its table, the key files, and tenants. */

#include "main/admin.h"

#include <stdio.h>

#include "base/conf.h"
#include "main/command.h"
#include "main/privilege.h"
#include "main/rows.h"
#include "oauth/client.h"
#include "oauth/secret.h"

static int	admin_secrets(int argc, char **argv);
static int	admin_tenant_create(int argc, char **argv);
static int	admin_tenant_change(int argc, char **argv);
static int	admin_tenant_list(int argc, char **argv);

/* clang-format off */
static const struct command commands[] = {
/* name			function		summary							usage */
{ "secrets",		admin_secrets,		"make the key files that are missing",			"" },
{ "tenant create",	admin_tenant_create,	"a new organisation",					"NAME" },
{ "tenant change",	admin_tenant_change,	"whether all its clients share one pool's windows",	"NAME --pool on|off" },
{ "tenant list",	admin_tenant_list,	"all organisations",					"[--output text|json]" },
{ "client create",	admin_client_create,	"a new client; its secret is shown this once",		"--tenant NAME --name NAME [--scopes \"S ...\"]\n"
										  "      [--tier standard|professional|enterprise] [--hour N --minute N]\n"
										  "      [--pool POOL] [--ttl SECONDS] [--public] [--output text|json|env]" },
{ "client change",	admin_client_change,	"another name, limits, scopes (tokens keep those they have)",	"ID [--name NAME] [--scopes \"S ...\"] [--tier TIER]\n"
										  "      [--hour N] [--minute N] [--pool POOL|-] [--ttl SECONDS|-]" },
{ "client list",	admin_client_list,	"clients, of all tenants or one",			"[--tenant NAME] [--output text|json]" },
{ "client disable",	admin_client_disable,	"refuse a client and its tokens",			"ID" },
{ "client enable",	admin_client_enable,	"accept it again",					"ID" },
{ "client rotate",	admin_client_rotate,	"a new secret; the old one lives on for 7 days",	"ID [--overlap DAYS] [--output text|json|env]" },
{ "token",		admin_token,		"access tokens for load tests, one a line",		"[--count N] [--clients N] [--tenant NAME] [--scopes \"S ...\"]\n"
										  "      [--ttl SECONDS] [--output text|json] [--in-production]" },
{ "key rotate",		admin_key_rotate,	"one step: make and publish a key, then sign with it",	"[--alg RS256] [--now]" },
{ "key list",		admin_key_list,		"signing keys and their states",			"[--output text|json]" },
{ "revoke",		admin_revoke,		"refuse what was issued until now",			"--token JTI | --client ID | --sub SUB | --grant GRANT |\n"
										  "      --kid KID [--reason TEXT]" },
{ "state build",	admin_state_build,	"state files from plain text, for any issuer's tokens",	"DIR [--clients FILE] [--revoked FILE] [--jwks FILE]" },
{ "state",		admin_state,		"what the edge's state files hold",			"[--dir DIR] [--client ID] [--token JTI]" },
{ NULL,			NULL,			NULL,							NULL },
};
/* clang-format on */

int
command_admin(int argc, char **argv)
{
	return command_run(commands, "twocare admin", argc - 1, argv + 1);
}

static int
admin_secrets(int argc, char **argv)
{
	const struct conf *conf = command_conf();
	struct ctx *ctx;
	char *why;
	int made;

	if (!command_options(NULL, argc, argv, NULL))
		return COMMAND_USAGE;
	if (conf == NULL)
		return COMMAND_FAILED;
	if (!make_dir(conf->secret_dir, 0700, conf->user, NULL, &why))
		return command_fail("%s", why);
	if ((ctx = command_ctx()) == NULL)
		return COMMAND_FAILED;
	if (secret_create(ctx, &made) != OK)
		return command_fault(ctx);
	printf("%d made, %d kept, in %s\n", made, SECRET_FILE__MAX - made,
	    conf->secret_dir);
	return COMMAND_OK;
}

static int
admin_tenant_create(int argc, char **argv)
{
	struct ctx *ctx;
	const char *name;
	int32_t tn;

	if (!command_options(NULL, argc, argv, &name))
		return COMMAND_USAGE;
	if ((ctx = command_ctx()) == NULL)
		return COMMAND_FAILED;
	if (tenant_create(ctx, str_of(name), &tn) != OK)
		return command_fault(ctx);
	printf("%d\n", (int)tn);
	return COMMAND_OK;
}

static int
admin_tenant_change(int argc, char **argv)
{
	const char *pool = NULL;
	const struct option_row options[] = {
		{ "--pool", &pool, NULL },
		{ NULL, NULL, NULL }
	};
	struct ctx *ctx;
	const char *name;
	bool on;

	if (!command_options(options, argc, argv, &name))
		return COMMAND_USAGE;
	on = str_eqz(str_of(pool), "on");
	if (!on && !str_eqz(str_of(pool), "off"))
		return command_misuse("--pool must be on or off");
	if ((ctx = command_ctx()) == NULL)
		return COMMAND_FAILED;
	if (tenant_pool(ctx, str_of(name), on) != OK)
		return command_fault(ctx);
	printf("%s: changed\n", name);
	return COMMAND_OK;
}

static int
admin_tenant_list(int argc, char **argv)
{
	static const struct column columns[] = {
		{ "tenant", 0, COLUMN_INT4 },
		{ "name", 1, COLUMN_TEXT },
		{ "clients", 3, COLUMN_INT8 },
		{ "pool", 4, COLUMN_TEXT },
		{ "created", 2, COLUMN_TIME },
		{ NULL, 0, COLUMN_TEXT }
	};

	return rows_list(argc, argv, columns, tenant_list);
}
