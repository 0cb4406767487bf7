/*
 * The master: keeps the sockets, starts workers, starts those again that die,
 * and hands all over to a new program on a reload.
 *
 *   SIGTERM        leave: workers end their connections gracefully
 *   again, SIGINT, SIGQUIT   leave at once, after the requests in hand
 *   SIGHUP         reload: read settings again and run the program that now
 *                  lies at our path, in this same process
 */
#ifndef MAIN_MASTER_H
#define MAIN_MASTER_H

#include <stdbool.h>

#include "base/conf.h"

/*
 * Open the sockets, or take them over from the program that was us before a
 * reload. Before root is given up. False after an error line.
 */
bool	master_begin(const struct conf *conf);

/* Run until told to go; returns the exit code. */
int	master_run(const struct conf *conf);

#endif
