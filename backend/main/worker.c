/* A worker process. */

#include "main/worker.h"

#include <errno.h>
#include <malloc.h>
#include <sched.h>

#include "api/request.h"
#include "base/hash.h"
#include "base/log.h"
#include "main/command.h"
#include "wire/fcgi.h"
#include "wire/pg.h"

/* Most requests fit; it is kept from request to request, and of those asked
 * together only what is touched is memory. */
#define ARENA_FIRST_BYTES	(64 * 1024)

/* Blocks from here on are mapped, and so given back when a request ends. */
#define MAP_FROM_BYTES		(256 * 1024)

/* The FHIR base takes 32 MB; nginx has smaller limits for other places. */
#define BODY_MAX_BYTES		((size_t)32 * 1024 * 1024)

/*
 * A process that wakes one of this policy goes on, instead of being interrupted
 * by it: so nginx hands over all that it has read before we look, and what has
 * come together goes to the database together. An idle processor is taken at
 * once. A kernel that refuses costs speed only.
 */
static void
be_patient(void)
{
	const struct sched_param ordinary = { .sched_priority = 0 };

	(void)sched_setscheduler(0, SCHED_BATCH, &ordinary);
}

int
worker_run(const struct conf *conf, int listen_fd)
{
	struct fcgi_limits limits = {
		.io_timeout_s = conf->io_timeout_s,
		.keepalive_s = conf->keepalive_s,
		.body_bytes = BODY_MAX_BYTES,
		.arena_bytes = ARENA_FIRST_BYTES,
		.descriptor_max = FCGI_DESCRIPTOR_MAX,
	};
	struct request_world world = { .conf = conf };
	struct fcgi *fcgi;

	be_patient();
	mallopt(M_MMAP_THRESHOLD, MAP_FROM_BYTES);
	mallopt(M_TRIM_THRESHOLD, MAP_FROM_BYTES);
	if (!hash_init())
		return command_fail("OpenSSL has no SHA-256");
	fcgi = fcgi_new(listen_fd, &limits);
	if (fcgi == NULL)
		return command_fail("a worker cannot wait on its socket: %s",
		    strerror(errno));
	world.pg = pg_new(conf->database, conf->statement_timeout_ms);
	fcgi_serve(fcgi, &request_handler, &world);
	pg_free(world.pg);
	fcgi_free(fcgi);
	return COMMAND_OK;
}
