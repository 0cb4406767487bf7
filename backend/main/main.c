/* `twocare COMMAND ...`: one binary, one table of commands. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/conf.h"
#include "main/command.h"

static int	command_version(int argc, char **argv);

/* clang-format off */
static const struct command commands[] = {
/* name		function		summary							usage */
{ "serve",	command_serve,		"answer nginx: master, fast and slow workers",		"[--check] [--pid FILE]" },
{ "jobs",	command_jobs,		"the background work and the edge's state files",	"" },
{ "migrate",	command_migrate,	"bring the database to this binary's schema",		"" },
{ "check",	command_check,		"compare every record's search keys with the tables",	"--keys [--tenant NAME]" },
{ "reindex",	command_reindex,	"make search keys again, while others read and write",	"TYPE.PARAM|--stale|--all [--rate N]" },
{ "admin",	command_admin,		"tenants, clients, keys, revocations, state files",	"COMMAND ..." },
{ "version",	command_version,	"print the version",					"" },
{ NULL,		NULL,			NULL,							NULL },
};
/* clang-format on */

static int
command_version(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	puts("twocare " TWOCARE_VERSION);
	return COMMAND_OK;
}

/* Take --conf FILE, which any command accepts anywhere, out of argv. */
static bool
take_conf(int *argc, char **argv)
{
	int n = 0;

	for (int i = 0; i < *argc; i++) {
		if (strcmp(argv[i], "--conf") != 0) {
			argv[n++] = argv[i];
			continue;
		}
		if (++i == *argc)
			return false;
		(void)setenv("TWOCARE_CONF", argv[i], 1);
	}
	argv[n] = NULL;
	*argc = n;
	return true;
}

int
main(int argc, char **argv)
{
	if (argc < 1 || !take_conf(&argc, argv))
		return command_misuse("--conf needs a file");
	if (argc == 2 && strcmp(argv[1], "--version") == 0)
		return command_version(argc, argv);
	return command_run(commands, "twocare", argc - 1, argv + 1);
}
