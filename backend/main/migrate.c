/* `twocare migrate`: bring the database to this program's schema. */

#include "main/command.h"

#include <stdio.h>

#include "wire/migrate.h"

int
command_migrate(int argc, char **argv)
{
	static const struct option_row none[] = { { NULL, NULL, NULL } };
	struct ctx *ctx;
	char **words;
	int count;
	int applied;

	if (!command_options(none, argc, argv, 0, 0, &words, &count))
		return COMMAND_USAGE;
	if ((ctx = command_ctx()) == NULL)
		return COMMAND_FAILED;
	if (migrate(ctx, &applied) != OK)
		return command_fault(ctx);
	printf("%d migration%s applied\n", applied, applied == 1 ? "" : "s");
	return COMMAND_OK;
}
