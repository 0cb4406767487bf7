/*
 * A worker: one process, one thread, one database connection, one listening
 * socket. Made by fork from the master (main/master.h).
 */
#ifndef MAIN_WORKER_H
#define MAIN_WORKER_H

#include "base/conf.h"

/*
 * Serve listen_fd until told to go (signals: wire/fcgi.h). Returns the exit
 * code of the process. PostgreSQL may be away: answers are 503 until it is
 * back.
 */
int	worker_run(const struct conf *conf, int listen_fd);

#endif
