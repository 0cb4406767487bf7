/*
 * Giving up root: the service and its commands run as the configured user, and
 * what they share with nginx lies in folders that nginx's group can read.
 */
#ifndef MAIN_PRIVILEGE_H
#define MAIN_PRIVILEGE_H

#include <stdbool.h>
#include <sys/types.h>

/* Of state_dir: nginx reads it; what is made in it is nginx's group's. */
#define STATE_DIR_MODE	02750

/*
 * When started as root, become user for good (groups, then user). Nothing
 * happens for an ordinary user, or when user is empty or "root". False with a
 * one-line *why (malloc'd) when the user does not exist or the kernel refuses.
 */
bool	become_user(const char *user, char **why);

/*
 * Make the folder path with mode when it is missing. As root it then belongs to
 * user, and to group when group is not NULL: with 02750 all that is made in it
 * later is the group's too. An existing folder only gets owner and mode, as
 * root. False with a one-line *why (malloc'd) otherwise.
 */
bool	make_dir(const char *path, mode_t mode, const char *user,
	    const char *group, char **why);

#endif
