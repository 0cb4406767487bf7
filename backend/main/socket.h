/*
 * The listening sockets of the workers: one each, socket_dir/fast-0.sock and so
 * on. They belong to the master, which hands them to every generation of
 * workers, so that a reload refuses no connection.
 */
#ifndef MAIN_SOCKET_H
#define MAIN_SOCKET_H

#include <stdbool.h>

#include "base/conf.h"

/* sun_path holds 108 bytes with its NUL. */
#define SOCKET_PATH_MAX		107

/* "DIR/fast-0.sock" into path; false when it is too long. */
bool	socket_path(const struct conf *conf, const char *name,
	    char path[SOCKET_PATH_MAX + 1]);

/*
 * Listen at path, mode 0660, in the group of conf (as far as we may set it);
 * what lay there is removed. Non-blocking, close-on-exec. -1 after an error
 * line.
 */
int	socket_listen(const struct conf *conf, const char *path);

/*
 * Only one master may use a socket_dir: a lock that dies with its process.
 * False after an error line.
 */
bool	socket_lock(const struct conf *conf);

#endif
