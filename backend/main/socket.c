/* The listening sockets of the workers. */

#include "main/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "main/command.h"

/* The kernel cuts it to net.core.somaxconn. */
#define BACKLOG		4096

bool
socket_path(const struct conf *conf, const char *name,
    char path[SOCKET_PATH_MAX + 1])
{
	int n = snprintf(path, SOCKET_PATH_MAX + 1, "%s/%s.sock",
	    conf->socket_dir, name);

	return n > 0 && n <= SOCKET_PATH_MAX;
}

/* nginx opens it as a member of the group. As an ordinary user we may only give
 * it to a group of our own; then nginx runs as this user, or says so. */
static bool
give_to_nginx(const struct conf *conf, const char *path)
{
	const struct group *group = getgrnam(conf->socket_group);

	if (chmod(path, 0660) != 0)
		return false;
	if (group != NULL && chown(path, (uid_t)-1, group->gr_gid) == 0)
		return true;
	if (geteuid() == 0)
		return false;
	log_line(LOG_LEVEL_WARN, "socket_group", "path=%s group=%s",
	    log_word(str_of(path)), log_word(str_of(conf->socket_group)));
	return true;
}

int
socket_listen(const struct conf *conf, const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct str name = str_of(path);
	mode_t mask = umask(0117);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	bool fine;

	memcpy(addr.sun_path, name.p, name.n);
	unlink(path);
	fine = fd >= 0 && bind(fd, (struct sockaddr *)&addr,
	    sizeof(addr)) == 0 && give_to_nginx(conf, path) &&
	    listen(fd, BACKLOG) == 0;
	umask(mask);
	if (fine)
		return fd;
	command_fail("%s: %s", path, errno != 0 ? strerror(errno) :
	    "cannot be given to socket_group");
	if (fd >= 0)
		close(fd);
	return -1;
}

/* After a reload the lock is taken again, without root. */
static void
give_to_user(const struct conf *conf, int fd)
{
	const struct passwd *pw = getpwnam(conf->user);

	if (geteuid() == 0 && pw != NULL &&
	    fchown(fd, pw->pw_uid, pw->pw_gid) != 0)
		log_line(LOG_LEVEL_WARN, "lock_owner", "errno=%d", errno);
}

bool
socket_lock(const struct conf *conf)
{
	char path[SOCKET_PATH_MAX + 1];
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd;

	if (snprintf(path, sizeof(path), "%s/serve.lock", conf->socket_dir) >=
	    (int)sizeof(path)) {
		command_fail("socket_dir: the path is too long");
		return false;
	}
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0)
		give_to_user(conf, fd);
	if (fd >= 0 && fcntl(fd, F_SETLK, &lock) == 0)
		return true;
	if (fd >= 0 && (errno == EAGAIN || errno == EACCES))
		command_fail("%s: another twocare serves here", path);
	else
		command_fail("%s: %s", path, strerror(errno));
	return false;
}
