/* `twocare reindex`: make the search keys of stored records again. */

#include "main/command.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/str.h"
#include "fhir/reindex.h"

/* As many as any database takes; more would be no limit. */
#define RATE_MAX	1000000

static void
progress(void *to, const struct reindex *reindex)
{
	(void)to;
	command_progress("%" PRId64 " records, %" PRId64 " changed",
	    reindex->records, reindex->changed);
}

/* "Observation", "Observation.code" or "Observation.*": the keys of a record
 * are made together, so all three are the records of a type. */
static bool
parse_param(const char *word, const struct r4_type **type)
{
	struct str code = str_of(word);
	struct str name = str_cut(&code, '.');

	if ((*type = r4_type_named(name)) == NULL) {
		command_misuse("there is no type \"%.*s\"", STR_ARGS(name));
		return false;
	}
	if (code.p == NULL || str_eqz(code, "*") ||
	    r4_param_named(*type, code) != NULL)
		return true;
	command_misuse("%s has no search parameter \"%.*s\"", (*type)->name,
	    STR_ARGS(code));
	return false;
}

static bool
parse_rate(const char *word, int *per_second)
{
	uint64_t n;

	if (word == NULL)
		return true;
	if (!str_u64(str_of(word), RATE_MAX, &n) || n == 0) {
		command_misuse("--rate is a number of records per second, 1 to "
		    "%d", RATE_MAX);
		return false;
	}
	*per_second = (int)n;
	return true;
}

static void
print_result(const struct reindex *reindex)
{
	printf("%" PRId64 " records, %" PRId64 " changed%s\n",
	    reindex->records, reindex->changed,
	    reindex->resumed ? ", from where the last one ended" : "");
	if (reindex->orphans > 0)
		printf("%" PRId64 " rows of no record\n", reindex->orphans);
	if (reindex->unreadable > 0)
		printf("%" PRId64 " records could not be read: see `twocare "
		    "check --keys`\n", reindex->unreadable);
}

int
command_reindex(int argc, char **argv)
{
	const char *word = NULL, *rate = NULL;
	bool all = false;
	struct reindex asked = { .progress = progress };
	const struct option_row rows[] = {
		{ "--all", NULL, &all },
		{ "--stale", NULL, &asked.stale },
		{ "--rate", &rate, NULL },
		{ NULL, NULL, NULL },
	};
	struct ctx *ctx;

	if (argc > 1 && argv[1][0] != '-') {
		word = argv[1];
		argc--;
		argv++;
	}
	if (!command_options(rows, argc, argv, NULL) ||
	    !parse_rate(rate, &asked.per_second) ||
	    (word != NULL && !parse_param(word, &asked.type)))
		return COMMAND_USAGE;
	if (all + (word != NULL || asked.stale) != 1)
		return command_misuse("reindex what? PARAM, --stale or --all");
	if ((ctx = command_ctx()) == NULL)
		return COMMAND_FAILED;
	if (reindex(ctx, &asked) != OK)
		return command_fault(ctx);
	print_result(&asked);
	return asked.unreadable == 0 ? COMMAND_OK : COMMAND_FAILED;
}
