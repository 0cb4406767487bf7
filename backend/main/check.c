/* `twocare check --keys`: compare the store with itself. */

#include "main/command.h"

#include <inttypes.h>
#include <stdio.h>

#include "fhir/check.h"

static void
tell(const char *table, const struct r4_type *type, struct str id)
{
	printf("%s: %s%s%.*s\n", table, type == NULL ? "a total is wrong" :
	    type->name, type == NULL ? "" : "/", STR_ARGS(id));
}

int
command_check(int argc, char **argv)
{
	bool keys = false;
	const struct option_row rows[] = {
		{ "--keys", NULL, &keys },
		{ NULL, NULL, NULL },
	};
	struct check check = { .tell = tell };
	struct ctx *ctx;

	if (!command_options(rows, argc, argv, NULL))
		return COMMAND_USAGE;
	if (!keys)
		return command_misuse("check what? --keys");
	if ((ctx = command_ctx()) == NULL)
		return COMMAND_FAILED;
	if (check_keys(ctx, &check) != OK)
		return command_fault(ctx);
	printf("%" PRId64 " records, %" PRId64 " differences\n",
	    check.records, check.differences);
	return check.differences == 0 ? COMMAND_OK : COMMAND_FAILED;
}
