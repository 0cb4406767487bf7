/*
 * The edge's state files: mapped and searched here, written in state_write.c.
 * Hashes are spread evenly, so a search guesses where its hash must lie and
 * needs about log log n looks; a file whose hashes are not spread costs log n.
 */

#include "base/state.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/state_records.h"

#define GUESSES_MAX	6	/* then halving takes over */
#define NEAR_RECORDS	8	/* so few are looked at one by one */

/* Every record begins with its hash. */
static uint64_t
hash_at(const struct state_map *map, size_t i)
{
	uint64_t hash;

	memcpy(&hash, (const char *)map->records +
	    i * map->header->record_bytes, sizeof(hash));
	return hash;
}

/* Where hash lies between two records, if the spread is even. */
static size_t
guess(const struct state_map *map, uint64_t hash, size_t low, size_t high)
{
	uint64_t first = hash_at(map, low);
	uint64_t last = hash_at(map, high - 1);

	if (hash <= first)
		return low;
	if (hash >= last)
		return high - 1;
	return low + (size_t)((unsigned __int128)(hash - first) *
	    (high - 1 - low) / (last - first));
}

/* The first record whose hash is not below `hash`; count when there is none. */
static size_t
lower_bound(const struct state_map *map, uint64_t hash)
{
	size_t low = 0, high = (size_t)map->header->count;

	for (int guesses = 0; high - low > NEAR_RECORDS; guesses++) {
		size_t middle = guesses < GUESSES_MAX ?
		    guess(map, hash, low, high) : low + (high - low) / 2;

		if (hash_at(map, middle) < hash)
			low = middle + 1;
		else
			high = middle;
		/* A guess is near: a record beside it often is the end. */
		if (guesses < GUESSES_MAX && high - low > NEAR_RECORDS &&
		    low == middle + 1 &&
		    hash_at(map, low + NEAR_RECORDS - 1) >= hash)
			high = low + NEAR_RECORDS;
	}
	while (low < high && hash_at(map, low) < hash)
		low++;
	return low;
}

static const void *
record_at(const struct state_map *map, size_t i)
{
	return (const char *)map->records + i * map->header->record_bytes;
}

static struct siphash_key
map_key(const struct state_map *map)
{
	return (struct siphash_key){ map->header->k0, map->header->k1 };
}

uint64_t
state_client_hash(struct siphash_key key, struct str client_id)
{
	return siphash(key, client_id);
}

uint64_t
state_revoked_hash(struct siphash_key key, enum state_revoked_kind kind,
    struct str value)
{
	char digit = (char)('0' + (int)kind);
	struct str parts[2] = { { &digit, 1 }, value };

	return siphash_parts(key, parts, 2);
}

const struct state_client *
state_client_find(const struct state_map *map, struct str client_id)
{
	const struct state_client *client;
	uint64_t hash;
	size_t i;

	if (map->header == NULL)
		return NULL;
	hash = state_client_hash(map_key(map), client_id);
	i = lower_bound(map, hash);
	if (i == map->header->count)
		return NULL;
	client = record_at(map, i);
	return client->hash == hash ? client : NULL;
}

bool
state_is_revoked(const struct state_map *map, enum state_revoked_kind kind,
    struct str value, int64_t iat_s)
{
	bool before = kind == STATE_REVOKED_USER_BEFORE ||
	    kind == STATE_REVOKED_CLIENT_BEFORE;
	uint64_t hash;

	if (map->header == NULL)
		return false;
	hash = state_revoked_hash(map_key(map), kind, value);
	for (size_t i = lower_bound(map, hash); i < map->header->count; i++) {
		const struct state_revoked *revoked = record_at(map, i);

		if (revoked->hash != hash)
			return false;
		if (!before || iat_s <= revoked->at_s)
			return true;
	}
	return false;
}

/* NULL, or what is wrong with a file of these bytes. */
static const char *
refusal(const struct state_header *h, size_t bytes, uint64_t magic)
{
	size_t width = magic == STATE_MAGIC_CLIENTS ?
	    sizeof(struct state_client) : sizeof(struct state_revoked);
	struct state_map map = { .header = h, .records = h + 1 };

	if (h->magic != magic)
		return "the file is not of the expected kind";
	if (h->version != STATE_VERSION)
		return "the file has another version";
	if (h->record_bytes != width || h->reserved != 0)
		return "the file's header is damaged";
	if (h->count != (bytes - sizeof(*h)) / width ||
	    (bytes - sizeof(*h)) % width != 0)
		return "the file's size does not fit its header";
	if (h->checksum != state_checksum(h + 1, bytes - sizeof(*h)))
		return "the file's checksum is wrong";
	for (size_t i = 1; i < h->count; i++)
		if (hash_at(&map, i - 1) > hash_at(&map, i))
			return "the file's records are not in order";
	return NULL;
}

static int
refuse(const char **why, const char *sentence)
{
	*why = sentence;
	return -1;
}

static int64_t
mtime_of(const struct stat *st)
{
	return (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

/* Map an open file in place of what map had. */
static int
map_file(struct state_map *map, int fd, uint64_t magic, const char **why)
{
	struct stat st;
	const char *wrong;
	size_t bytes;
	void *p;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return refuse(why, "the file is not a regular file");
	bytes = (size_t)st.st_size;
	if (bytes < sizeof(struct state_header))
		return refuse(why, "the file is shorter than its header");
	p = mmap(NULL, bytes, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
	if (p == MAP_FAILED)
		return refuse(why, "the file cannot be mapped");
	wrong = refusal(p, bytes, magic);
	if (wrong != NULL) {
		munmap(p, bytes);
		return refuse(why, wrong);
	}
	state_map_close(map);
	*map = (struct state_map){
		.header = p,
		.records = (const char *)p + sizeof(struct state_header),
		.bytes = bytes,
		.mtime_ns = mtime_of(&st),
		.inode = st.st_ino,
	};
	return 1;
}

int
state_map_refresh(struct state_map *map, const char *path, uint64_t magic,
    const char **why)
{
	struct stat st;
	int fd, result;

	*why = NULL;
	if (stat(path, &st) != 0)
		return refuse(why, errno == ENOENT ? "the file is missing" :
		    "the file cannot be reached");
	if (map->header != NULL && map->inode == st.st_ino &&
	    map->mtime_ns == mtime_of(&st) &&
	    map->bytes == (size_t)st.st_size)
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return refuse(why, "the file cannot be opened");
	result = map_file(map, fd, magic, why);
	close(fd);
	return result;
}

void
state_map_close(struct state_map *map)
{
	if (map->header != NULL)
		munmap((void *)(uintptr_t)map->header, map->bytes);
	*map = (struct state_map){ .header = NULL };
}
