/*
 * Writing the edge's state files: sorted, checked, and atomically, so that a
 * reader sees the old file or the new one and a crash leaves nothing torn.
 */

#include "base/state.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/state_records.h"

#define STATE_MODE	0640

/* A path as its directory and the names used in it. */
struct place {
	char	folder[PATH_MAX];
	char	name[NAME_MAX + 1];
	char	fresh[NAME_MAX + 1];	/* name.new, until it is complete */
};

static bool
place_set(struct place *place, const char *path)
{
	struct str all = str_of(path);
	const char *slash = strrchr(path, '/');
	size_t folder = slash == NULL ? 0 : (size_t)(slash - path) + 1;
	struct str name = str_from(all, folder);

	if (folder + 2 > sizeof(place->folder) || name.n == 0 ||
	    name.n + sizeof(".new") > sizeof(place->fresh)) {
		errno = ENAMETOOLONG;
		return false;
	}
	memcpy(place->folder, path, folder);
	memcpy(place->folder + folder, ".", 2);
	memcpy(place->name, name.p, name.n + 1);
	memcpy(place->fresh, name.p, name.n);
	memcpy(place->fresh + name.n, ".new", sizeof(".new"));
	return true;
}

static bool
write_all(int fd, struct str s)
{
	while (s.n > 0) {
		ssize_t wrote = write(fd, s.p, s.n);

		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote < 0)
			return false;
		s = str_from(s, (size_t)wrote);
	}
	return true;
}

/* The new file, complete and on the disk, still under its other name. */
static bool
write_fresh(int folder, const char *fresh, const struct str *parts,
    size_t count)
{
	int fd = openat(folder, fresh,
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, STATE_MODE);
	bool fine;

	if (fd < 0)
		return false;
	fine = fchmod(fd, STATE_MODE) == 0;
	for (size_t i = 0; fine && i < count; i++)
		fine = write_all(fd, parts[i]);
	fine = fine && fsync(fd) == 0;
	return close(fd) == 0 && fine;
}

/* Writers of one directory take turns by a lock on it. */
static int
write_parts(const char *path, const struct str *parts, size_t count)
{
	struct place place;
	bool fine;
	int folder, kept;

	if (!place_set(&place, path))
		return -1;
	folder = open(place.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return -1;
	fine = flock(folder, LOCK_EX) == 0 &&
	    write_fresh(folder, place.fresh, parts, count) &&
	    renameat(folder, place.fresh, folder, place.name) == 0 &&
	    fsync(folder) == 0;
	kept = errno;
	close(folder);
	errno = kept;
	return fine ? 0 : -1;
}

static int
write_map(const char *path, struct state_header header, const void *records)
{
	struct str parts[2] = {
		{ (const char *)&header, sizeof(header) },
		{ records, (size_t)header.count * header.record_bytes },
	};

	header.version = STATE_VERSION;
	header.checksum = state_checksum(parts[1].p, parts[1].n);
	return write_parts(path, parts, 2);
}

static int
by_client(const void *a, const void *b)
{
	const struct state_client *x = a, *y = b;

	return (x->hash > y->hash) - (x->hash < y->hash);
}

static int
by_revoked(const void *a, const void *b)
{
	const struct state_revoked *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash > y->hash ? 1 : -1;
	return (x->at_s > y->at_s) - (x->at_s < y->at_s);
}

int
state_write_clients(const char *path, struct siphash_key key,
    uint64_t generation, struct state_client *records, size_t count)
{
	if (count > 0)
		qsort(records, count, sizeof(*records), by_client);
	return write_map(path, (struct state_header){
		.magic = STATE_MAGIC_CLIENTS,
		.record_bytes = sizeof(*records),
		.count = count,
		.generation = generation,
		.k0 = key.k0,
		.k1 = key.k1,
	}, records);
}

int
state_write_revoked(const char *path, struct siphash_key key,
    uint64_t generation, struct state_revoked *records, size_t count)
{
	if (count > 0)
		qsort(records, count, sizeof(*records), by_revoked);
	return write_map(path, (struct state_header){
		.magic = STATE_MAGIC_REVOKED,
		.record_bytes = sizeof(*records),
		.count = count,
		.generation = generation,
		.k0 = key.k0,
		.k1 = key.k1,
	}, records);
}

int
state_write_file(const char *path, struct str content)
{
	return write_parts(path, &content, 1);
}

int
state_touch(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
	    STATE_MODE);
	int failed;

	if (fd < 0)
		return -1;
	failed = futimens(fd, NULL);
	close(fd);
	return failed == 0 ? 0 : -1;
}
