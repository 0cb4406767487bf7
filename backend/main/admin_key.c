/* `twocare admin key ...` and `twocare admin revoke` */

#include <stdio.h>

#include "main/admin.h"
#include "main/command.h"
#include "main/rows.h"
#include "oauth/client.h"
#include "oauth/keyring.h"
#include "oauth/revocation.h"

int
admin_key_rotate(int argc, char **argv)
{
	const char *alg = "RS256";
	bool now = false;
	const struct option_row options[] = {
		{ "--alg", &alg, NULL },
		{ "--now", NULL, &now },
		{ NULL, NULL, NULL }
	};
	struct str told;
	struct ctx *ctx;

	if (!command_options(options, argc, argv, NULL))
		return COMMAND_USAGE;
	/* What every client of the spec can verify. RFC 9068 2.1 */
	if (strcmp(alg, "RS256") != 0)
		return command_misuse("--alg is RS256");
	if ((ctx = command_ctx()) == NULL)
		return COMMAND_FAILED;
	if (keyring_rotate(ctx, JOSE_RS256, now, &told) != OK)
		return command_fault(ctx);
	printf("%.*s\n", STR_ARGS(told));
	return COMMAND_OK;
}

int
admin_key_list(int argc, char **argv)
{
	static const struct column columns[] = {
		{ "kid", 0, COLUMN_TEXT },
		{ "alg", 1, COLUMN_TEXT },
		{ "state", 2, COLUMN_TEXT },
		{ "created", 4, COLUMN_TIME },
		{ "changed", 5, COLUMN_TIME },
		{ NULL, 0, COLUMN_TEXT }
	};

	return rows_list(argc, argv, columns, keyring_list);
}

static int
revoke(enum state_revoked_kind kind, struct str value, struct str reason)
{
	struct str told = STR("revoked");
	struct ctx *ctx = command_ctx();
	enum err err;

	if (ctx == NULL)
		return COMMAND_FAILED;
	if (kind == STATE_REVOKED_KEY)
		err = keyring_revoke(ctx, value, reason, &told);
	else if (kind == STATE_REVOKED_CLIENT_BEFORE)
		err = client_revoke(ctx, value, reason);
	else
		err = revocation_add(ctx, kind, value, reason);
	if (err != OK)
		return command_fault(ctx);
	printf("%.*s\n", STR_ARGS(told));
	return COMMAND_OK;
}

int
admin_revoke(int argc, char **argv)
{
	const char *named[STATE_REVOKED__MAX] = { NULL };
	const char *reason = NULL;
	const struct option_row options[] = {
		{ "--token", &named[STATE_REVOKED_JTI], NULL },
		{ "--grant", &named[STATE_REVOKED_GRANT], NULL },
		{ "--sub", &named[STATE_REVOKED_USER_BEFORE], NULL },
		{ "--client", &named[STATE_REVOKED_CLIENT_BEFORE], NULL },
		{ "--kid", &named[STATE_REVOKED_KEY], NULL },
		{ "--reason", &reason, NULL },
		{ NULL, NULL, NULL }
	};
	int kind = 0, count = 0;

	if (!command_options(options, argc, argv, NULL))
		return COMMAND_USAGE;
	for (int i = 0; i < STATE_REVOKED__MAX; i++)
		if (named[i] != NULL) {
			kind = i;
			count++;
		}
	if (count != 1)
		return command_misuse("name one of --token, --grant, --sub, "
		    "--client, --kid");
	return revoke((enum state_revoked_kind)kind, str_of(named[kind]),
	    str_of(reason));
}
