/* `twocare check --keys`: compare the store with itself. */

#include "main/command.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "fhir/check.h"
#include "fhir/rules.h"
#include "oauth/client.h"

/* Differences are all counted, but only so many of a table and kind told. */
#define TOLD_MAX	100

/* More tables than check.c compares. */
#define TABLES_MAX	16

static const char *const kinds[] = {
	"missing",	/* DIFFERENCE_MISSING */
	"superfluous",	/* DIFFERENCE_SUPERFLUOUS */
	"wrong",	/* DIFFERENCE_WRONG */
	"stale",	/* DIFFERENCE_STALE */
};

/* What was found in one table, by kind. */
struct tally {
	const char	*table;
	int64_t		 n[DIFFERENCE__MAX];
};

struct report {
	struct tally	 tallies[TABLES_MAX];
	int32_t		 tn;		/* at which the check is */
	int64_t		 records;	/* when it began with that tenant */
	int64_t		 differences;
};

static struct tally *
tally_of(struct report *report, const char *table)
{
	struct tally *tally = report->tallies;

	while (tally->table != NULL && strcmp(tally->table, table) != 0)
		tally++;
	if (tally->table == NULL)
		tally->table = strdup(table);
	return tally;
}

/* Where it is: ids only, nothing of what a record says. */
static void
tell(void *to, const struct difference *d)
{
	struct tally *tally = tally_of(to, d->table);
	int64_t before = tally->n[d->kind];

	tally->n[d->kind] += d->n;
	if (before >= TOLD_MAX)
		return;
	if (d->tn == 0)
		printf("of no record: ");
	else
		printf("tenant %d %s%s%.*s: ", (int)d->tn, d->type == NULL ?
		    "" : d->type->name, d->id.n > 0 ? "/" : "",
		    STR_ARGS(d->id));
	printf("%s: %" PRId64 " %s\n", d->table, d->n, kinds[d->kind]);
}

static void
end_tenant(struct report *report, const struct check *check)
{
	if (report->tn != 0)
		printf("tenant %d: %" PRId64 " records, %" PRId64
		    " differences\n", (int)report->tn,
		    check->records - report->records,
		    check->differences - report->differences);
	report->tn = check->at_tn;
	report->records = check->records;
	report->differences = check->differences;
}

/* Each tenant is told when the check has come to the next one. */
static void
progress(void *to, const struct check *check)
{
	struct report *report = to;

	if (check->at_tn != report->tn)
		end_tenant(report, check);
	command_progress("%" PRId64 " records, %" PRId64 " differences, at "
	    "tenant %d", check->records, check->differences,
	    (int)check->at_tn);
}

static void
print_tallies(const struct report *report)
{
	for (const struct tally *t = report->tallies; t->table != NULL; t++)
		for (int i = 0; i < DIFFERENCE__MAX; i++)
			if (t->n[i] > 0)
				printf("%s: %" PRId64 " %s\n", t->table,
				    t->n[i], kinds[i]);
}

/* Of which parameters older records may not be found by all their values. */
static enum err
print_rules(struct ctx *ctx)
{
	struct rules_change *changes;
	size_t n;
	enum err err;

	if ((err = rules_changed(ctx, &changes, &n)) != OK)
		return err;
	for (size_t i = 0; i < n; i++)
		printf("%s.%s: other rules than when all was indexed\n",
		    changes[i].type->name, changes[i].param->code);
	return OK;
}

static enum err
run(struct ctx *ctx, struct check *check, struct report *report,
    const char *tenant)
{
	enum err err;

	if ((tenant != NULL &&
	    (err = tenant_named(ctx, str_of(tenant), &check->tn)) != OK) ||
	    (err = check_keys(ctx, check)) != OK)
		return err;
	check->at_tn = 0;
	end_tenant(report, check);
	print_tallies(report);
	return print_rules(ctx);
}

int
command_check(int argc, char **argv)
{
	const char *tenant = NULL;
	bool keys = false;
	const struct option_row rows[] = {
		{ "--keys", NULL, &keys },
		{ "--tenant", &tenant, NULL },
		{ NULL, NULL, NULL },
	};
	struct report report = { .tn = 0 };
	struct check check = { .to = &report, .tell = tell,
	    .progress = progress };
	struct ctx *ctx;

	if (!command_options(rows, argc, argv, NULL))
		return COMMAND_USAGE;
	if (!keys)
		return command_misuse("check what? --keys");
	if ((ctx = command_ctx()) == NULL)
		return COMMAND_FAILED;
	if (run(ctx, &check, &report, tenant) != OK)
		return command_fault(ctx);
	printf("%" PRId64 " records, %" PRId64 " differences\n",
	    check.records, check.differences);
	if (check.differences > 0)
		printf("`twocare reindex` makes keys again: --all of every "
		    "record, --stale after an upgrade\n");
	return check.differences == 0 ? COMMAND_OK : COMMAND_FAILED;
}
