/* `twocare serve`: the command line of the master. */

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/conf.h"
#include "base/log.h"
#include "base/metrics.h"
#include "main/command.h"
#include "main/master.h"
#include "main/privilege.h"

/* nginx's group may enter. */
#define SOCKET_DIR_MODE	0750

static bool
write_pid(const char *path)
{
	FILE *file = fopen(path, "we");

	if (file != NULL && fprintf(file, "%d\n", getpid()) > 0 &&
	    fclose(file) == 0)
		return true;
	command_fail("%s: %s", path, strerror(errno));
	return false;
}

int
command_serve(int argc, char **argv)
{
	const char *pid_path = NULL;
	bool check = false;
	const struct option_row options[] = {
		{ "--pid", &pid_path, NULL },
		{ "--check", NULL, &check },
		{ NULL, NULL, NULL },
	};
	const struct conf *conf;
	char *why;

	if (!command_options(options, argc, argv, NULL))
		return COMMAND_USAGE;
	conf = command_conf();
	if (conf == NULL || check)
		return conf == NULL ? COMMAND_FAILED : COMMAND_OK;
	if (!make_dir(conf->socket_dir, SOCKET_DIR_MODE, conf->user,
	    conf->socket_group, &why) ||
	    !make_dir(conf->state_dir, STATE_DIR_MODE, conf->user,
	    conf->socket_group, &why))
		return command_fail("%s", why);
	if (!master_begin(conf) ||
	    (pid_path != NULL && !write_pid(pid_path)))
		return COMMAND_FAILED;
	if (!become_user(conf->user, &why))
		return command_fail("%s", why);
	if (!metrics_open(conf->state_dir))
		log_line(LOG_LEVEL_WARN, "metrics_alone", "errno=%d", errno);
	return master_run(conf);
}
