/*
 * The files by which the edge learns what it cannot know by itself, in one
 * directory, written by `twocare jobs` (temp file, fsync, rename, fsync of the
 * directory) and mapped by each nginx worker:
 *
 *   jwks.json     public keys, RFC 7517
 *   clients.map   client -> tier or own limits, pool, status
 *   revoked.map   what is revoked and has not expired yet
 *   alive         touched every second: its mtime is the age of the state
 *
 * A .map file is a header and fixed-width records sorted by hash: it is mapped
 * and searched, never parsed. All integers are little endian as on every
 * machine we support; the magic tells a foreign byte order apart. A file with
 * another magic, version, size, order or checksum is refused whole.
 *
 * Keys are hashed by SipHash with the key in the file's header (random per
 * database), so ids never appear in the files.
 */
#ifndef BASE_STATE_H
#define BASE_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/str.h"

#define STATE_MAGIC_CLIENTS	UINT64_C(0x31746e6c63633274)	/* "t2cclnt1" */
#define STATE_MAGIC_REVOKED	UINT64_C(0x31636b7672633274)	/* "t2crvkc1" */
#define STATE_VERSION		1

struct state_header {
	uint64_t	magic;
	uint32_t	version;
	uint32_t	record_bytes;
	uint64_t	count;
	uint64_t	generation;	/* grows with each writing */
	uint64_t	k0, k1;		/* SipHash key of the hashes */
	uint64_t	checksum;	/* of all records; tells damage apart,
					 * not an enemy: who may write here
					 * may write anything */
	uint64_t	reserved;
};

enum state_client_status { STATE_CLIENT_ACTIVE = 1, STATE_CLIENT_DISABLED };

/* One client. Limits are requests per window; 0 = unlimited. */
struct state_client {
	uint64_t	hash;		/* of the client id */
	uint64_t	pool;		/* hash that owns the windows: the
					 * client's own, or its pool's */
	uint32_t	hour;
	uint32_t	minute;
	uint32_t	status;		/* enum state_client_status */
	uint32_t	reserved;
};

enum state_revoked_kind {
	STATE_REVOKED_JTI = 1,		/* this token */
	STATE_REVOKED_GRANT,		/* tokens of this grant (claim gid) */
	STATE_REVOKED_USER_BEFORE,	/* of this sub, issued before at_s */
	STATE_REVOKED_CLIENT_BEFORE,	/* of this client_id, before at_s */
	STATE_REVOKED_KEY,		/* signed by this kid */
	STATE_REVOKED__MAX
};

struct state_revoked {
	uint64_t	hash;		/* of kind and value */
	int64_t		at_s;		/* for the _BEFORE kinds; else 0 */
	int64_t		expires_s;	/* record may be forgotten after */
};

/* --- reading: both sides, no allocation --------------------------------- */

/* A mapped file. Zeroed = nothing mapped. */
struct state_map {
	const struct state_header	*header;
	const void			*records;
	size_t				 bytes;
	int64_t				 mtime_ns;
	uint64_t			 inode;
};

/* Map path when it changed since map was filled (by inode and mtime): 1 = now
 * newer, 0 = unchanged, -1 = unreadable or refused, map untouched, *why a
 * static sentence. `magic` says which file is expected. */
int	state_map_refresh(struct state_map *map, const char *path,
	    uint64_t magic, const char **why);
void	state_map_close(struct state_map *map);

/* The record of a client id, or NULL: O(log n). */
const struct state_client *
	state_client_find(const struct state_map *map, struct str client_id);

/*
 * Whether value is revoked; for the _BEFORE kinds when iat_s <= at_s: a token
 * issued in the same second as the revocation counts as before it.
 */
bool	state_is_revoked(const struct state_map *map,
	    enum state_revoked_kind kind, struct str value, int64_t iat_s);

/* --- writing: jobs, `twocare admin state`, tests ------------------------- */

uint64_t	state_client_hash(struct siphash_key key, struct str client_id);
uint64_t	state_revoked_hash(struct siphash_key key,
		    enum state_revoked_kind kind, struct str value);

/* Sort records in place and write the file atomically, mode 0640; writers wait
 * for each other. 0, or -1 with errno. */
int	state_write_clients(const char *path, struct siphash_key key,
	    uint64_t generation, struct state_client *records, size_t count);
int	state_write_revoked(const char *path, struct siphash_key key,
	    uint64_t generation, struct state_revoked *records, size_t count);

/* Any file of the directory, atomically (jwks.json). */
int	state_write_file(const char *path, struct str content);

/* Touch `alive`. */
int	state_touch(const char *path);

#endif
