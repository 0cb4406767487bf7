/*
 * The settings of one process: a file of `name = value` lines (conf/
 * twocare.conf documents each) over the defaults of one table in conf.c.
 * Unknown names, wrong values and unreadable files are refused with file and
 * line. TWOCARE_CONF or --conf names the file.
 */
#ifndef BASE_CONF_H
#define BASE_CONF_H

#include "base/str.h"

/* Of the product. */
#define TWOCARE_VERSION	"3.0.0"

struct conf {
	const char	*environment;	/* "production" or "sandbox" */
	const char	*issuer;	/* origin, no path; the tokens' iss */
	const char	*base_url;	/* https://host/v3; aud = this */
	const char	*database;	/* libpq connection string */
	const char	*socket_dir;	/* fast-N.sock, slow-N.sock */
	const char	*state_dir;	/* the edge's state files */
	const char	*secret_dir;	/* master.key, pepper: 0700 */
	const char	*user;		/* to become when started as root */
	const char	*socket_group;	/* who else may open sockets, state */
	long		 fast_workers;
	long		 slow_workers;
	long		 token_ttl_s;
	long		 keepalive_s;	/* nginx's upstream keepalive_timeout */
	long		 io_timeout_s;	/* on a FastCGI connection */
	long		 statement_timeout_ms;
	long		 task_workers;	/* processes of jobs for tasks */
	long		 export_ttl_s;	/* files of a bulk export live */
	long		 export_file_bytes; /* of one; then another begins */
	long		 log_level;	/* enum log_level, by name */
	long		 delete_many;	/* conditional_delete = multiple */
	long		 keep_referred;	/* delete_referred = refuse */
	long		 keep_whole;	/* dangling_references = refuse */
};

/*
 * Fill *conf from the defaults and path (NULL: TWOCARE_CONF, else
 * /etc/twocare/twocare.conf). False with a one-line *why (malloc'd, names
 * file:line) otherwise. Of a process that reads its settings once they live as
 * long as it does; who reads others too calls conf_free() after either outcome.
 */
bool	conf_load(struct conf *conf, const char *path, char **why);
void	conf_free(struct conf *conf);

#endif
