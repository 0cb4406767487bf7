/* `twocare migrate`: bring the database to this program's schema. */

#include "main/command.h"

#include <stdio.h>

#include "wire/migrate.h"

int
command_migrate(int argc, char **argv)
{
	struct ctx *ctx;
	int applied;

	if (!command_options(NULL, argc, argv, NULL))
		return COMMAND_USAGE;
	if ((ctx = command_ctx()) == NULL)
		return COMMAND_FAILED;
	if (migrate(ctx, &applied) != OK)
		return command_fault(ctx);
	printf("%d migration%s applied\n", applied, applied == 1 ? "" : "s");
	return COMMAND_OK;
}
