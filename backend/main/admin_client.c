/* `twocare admin client ...` */

#include <inttypes.h>
#include <stdio.h>

#include "main/admin.h"
#include "main/command.h"
#include "main/rows.h"
#include "oauth/client.h"

static int
show_secret(struct ctx *ctx, const struct client_secret *made,
    enum output output)
{
	struct fact facts[] = {
		{ "client_id", made->client_id },
		{ "client_secret", made->secret },
		{ NULL, STR_NONE }
	};

	if (made->secret.n == 0)
		facts[1].name = NULL;
	facts_print(ctx, facts, output);
	return COMMAND_OK;
}

int
admin_client_create(int argc, char **argv)
{
	const char *tenant = NULL, *name = NULL, *scopes = NULL, *tier = NULL;
	const char *hour = NULL, *minute = NULL, *pool = NULL, *ttl = NULL;
	const char *word = NULL;
	bool public = false;
	const struct option_row options[] = {
		{ "--tenant", &tenant, NULL },
		{ "--name", &name, NULL },
		{ "--scopes", &scopes, NULL },
		{ "--tier", &tier, NULL },
		{ "--hour", &hour, NULL },
		{ "--minute", &minute, NULL },
		{ "--pool", &pool, NULL },
		{ "--ttl", &ttl, NULL },
		{ "--public", NULL, &public },
		{ "--output", &word, NULL },
		{ NULL, NULL, NULL }
	};
	struct client_secret made;
	enum output output;
	struct ctx *ctx;

	if (!command_options(options, argc, argv, NULL) ||
	    !output_parse(word, &output))
		return COMMAND_USAGE;
	if (tenant == NULL || name == NULL)
		return command_misuse("--tenant and --name must be given");
	if ((ctx = command_ctx()) == NULL)
		return COMMAND_FAILED;
	if (client_create(ctx, &(struct client_new){
	    .tenant = str_of(tenant), .name = str_of(name),
	    .scopes = str_of(scopes), .tier = str_of(tier),
	    .hour = str_of(hour), .minute = str_of(minute),
	    .pool = str_of(pool), .ttl = str_of(ttl),
	    .public = public }, &made) != OK)
		return command_fault(ctx);
	return show_secret(ctx, &made, output);
}

int
admin_client_change(int argc, char **argv)
{
	const char *name = NULL, *scopes = NULL, *tier = NULL, *hour = NULL;
	const char *minute = NULL, *pool = NULL, *ttl = NULL;
	const struct option_row options[] = {
		{ "--name", &name, NULL },
		{ "--scopes", &scopes, NULL },
		{ "--tier", &tier, NULL },
		{ "--hour", &hour, NULL },
		{ "--minute", &minute, NULL },
		{ "--pool", &pool, NULL },
		{ "--ttl", &ttl, NULL },
		{ NULL, NULL, NULL }
	};
	struct ctx *ctx;
	const char *id;

	if (!command_options(options, argc, argv, &id))
		return COMMAND_USAGE;
	if (argc == 2)
		return command_misuse("name what shall change: --tier, ...");
	if ((ctx = command_ctx()) == NULL)
		return COMMAND_FAILED;
	if (client_change(ctx, str_of(id), &(struct client_new){
	    .name = str_of(name), .scopes = str_of(scopes),
	    .tier = str_of(tier), .hour = str_of(hour),
	    .minute = str_of(minute), .pool = str_of(pool),
	    .ttl = str_of(ttl) }) != OK)
		return command_fault(ctx);
	printf("%s: changed\n", id);
	return COMMAND_OK;
}

int
admin_client_list(int argc, char **argv)
{
	static const struct column columns[] = {
		{ "client_id", 0, COLUMN_TEXT },
		{ "tenant", 1, COLUMN_TEXT },
		{ "name", 2, COLUMN_TEXT },
		{ "kind", 3, COLUMN_TEXT },
		{ "status", 8, COLUMN_TEXT },
		{ "tier", 4, COLUMN_TEXT },
		{ "hour", 5, COLUMN_INT4 },
		{ "minute", 6, COLUMN_INT4 },
		{ "pool", 7, COLUMN_TEXT },
		{ "secrets", 11, COLUMN_INT8 },
		{ "created", 10, COLUMN_TIME },
		{ "scopes", 9, COLUMN_TEXT },
		{ NULL, 0, COLUMN_TEXT }
	};
	const char *tenant = NULL, *word = NULL;
	const struct option_row options[] = {
		{ "--tenant", &tenant, NULL },
		{ "--output", &word, NULL },
		{ NULL, NULL, NULL }
	};
	enum output output;
	struct ctx *ctx;
	PGresult *res;

	if (!command_options(options, argc, argv, NULL) ||
	    !output_parse(word, &output))
		return COMMAND_USAGE;
	if ((ctx = command_ctx()) == NULL)
		return COMMAND_FAILED;
	if (client_list(ctx, str_of(tenant), &res) != OK)
		return command_fault(ctx);
	rows_print(ctx, res, columns, output);
	return COMMAND_OK;
}

static int
set_enabled(int argc, char **argv, bool enabled)
{
	struct ctx *ctx;
	const char *id;

	if (!command_options(NULL, argc, argv, &id))
		return COMMAND_USAGE;
	if ((ctx = command_ctx()) == NULL)
		return COMMAND_FAILED;
	if (client_enable(ctx, str_of(id), enabled) != OK)
		return command_fault(ctx);
	printf("%s: %s\n", id, enabled ? "active" : "disabled");
	return COMMAND_OK;
}

int
admin_client_disable(int argc, char **argv)
{
	return set_enabled(argc, argv, false);
}

int
admin_client_enable(int argc, char **argv)
{
	return set_enabled(argc, argv, true);
}

int
admin_client_rotate(int argc, char **argv)
{
	const char *overlap = NULL, *word = NULL;
	const struct option_row options[] = {
		{ "--overlap", &overlap, NULL },
		{ "--output", &word, NULL },
		{ NULL, NULL, NULL }
	};
	uint64_t days = CLIENT_OVERLAP_DAYS;
	struct client_secret made;
	enum output output;
	struct ctx *ctx;
	const char *id;

	if (!command_options(options, argc, argv, &id) ||
	    !output_parse(word, &output))
		return COMMAND_USAGE;
	if (overlap != NULL &&
	    !str_u64(str_of(overlap), CLIENT_OVERLAP_DAYS_MAX, &days))
		return command_misuse("--overlap is 0 to %d days",
		    CLIENT_OVERLAP_DAYS_MAX);
	if ((ctx = command_ctx()) == NULL)
		return COMMAND_FAILED;
	if (client_rotate(ctx, str_of(id), (int64_t)days, &made) != OK)
		return command_fault(ctx);
	return show_secret(ctx, &made, output);
}
