/* `twocare migrate`: bring the database to this program's schema. */

#include "main/command.h"

#include <stdio.h>

#include "fhir/rules.h"
#include "wire/migrate.h"

int
command_migrate(int argc, char **argv)
{
	struct ctx *ctx;
	struct rules_change *changes;
	size_t n;
	int applied;

	if (!command_options(NULL, argc, argv, NULL))
		return COMMAND_USAGE;
	if ((ctx = command_ctx()) == NULL)
		return COMMAND_FAILED;
	if (migrate(ctx, &applied) != OK || rules_adopt(ctx) != OK ||
	    rules_changed(ctx, &changes, &n) != OK)
		return command_fault(ctx);
	printf("%d migration%s applied\n", applied, applied == 1 ? "" : "s");
	if (n > 0)
		printf("%zu search parameter%s extracted by other rules than "
		    "before: run `twocare reindex --stale`, or older records "
		    "are not found by all their values\n", n,
		    n == 1 ? " is" : "s are");
	return COMMAND_OK;
}
