/* Giving up root, and the folders that are shared with nginx. */

#include "main/privilege.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/refuse.h"
#include "base/str.h"

static bool
is_root(const char *user)
{
	return user == NULL || *user == '\0' || strcmp(user, "root") == 0;
}

bool
become_user(const char *user, char **why)
{
	const struct passwd *pw;

	if (geteuid() != 0 || is_root(user))
		return true;
	errno = 0;
	pw = getpwnam(user);
	if (pw == NULL)
		return refuse(why, "user \"%s\" does not exist (setting "
		    "\"user\"; create it, or name another)", user);
	if (initgroups(user, pw->pw_gid) != 0 || setgid(pw->pw_gid) != 0 ||
	    setuid(pw->pw_uid) != 0)
		return refuse(why, "cannot become user \"%s\": %s", user,
		    strerror(errno));
	if (setuid(0) == 0)
		return refuse(why, "root was not given up");
	/* The keys in our memory are nobody's to trace or dump. */
	(void)prctl(PR_SET_DUMPABLE, 0);
	return true;
}

/* The owner and group that path shall have; -1 leaves one as it is. */
static bool
owner(const char *user, const char *group, uid_t *uid, gid_t *gid, char **why)
{
	const struct passwd *pw;
	const struct group *gr;

	*uid = (uid_t)-1;
	*gid = (gid_t)-1;
	if (!is_root(user)) {
		pw = getpwnam(user);
		if (pw == NULL)
			return refuse(why, "user \"%s\" does not exist", user);
		*uid = pw->pw_uid;
		*gid = pw->pw_gid;
	}
	if (group != NULL && *group != '\0') {
		gr = getgrnam(group);
		if (gr == NULL)
			return refuse(why, "group \"%s\" does not exist",
			    group);
		*gid = gr->gr_gid;
	}
	return true;
}

bool
make_dir(const char *path, mode_t mode, const char *user, const char *group,
    char **why)
{
	bool made = mkdir(path, mode & 0777) == 0;
	struct stat st;
	uid_t uid;
	gid_t gid;

	if (!made && errno != EEXIST)
		return refuse(why, "%s: %s", path, strerror(errno));
	if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
		return refuse(why, "%s: not a folder", path);
	if (geteuid() != 0)
		return true;
	if (!owner(user, group, &uid, &gid, why))
		return false;
	if (chown(path, uid, gid) != 0 || chmod(path, mode) != 0)
		return refuse(why, "%s: %s", path, strerror(errno));
	return true;
}
