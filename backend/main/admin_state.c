/*
 * `twocare admin state ...`: what the edge's state files hold, and files built
 * from plain text, so that the module can guard another issuer's tokens.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/conf.h"
#include "base/jose.h"
#include "base/state.h"
#include "base/when.h"
#include "main/admin.h"
#include "main/command.h"
#include "oauth/tier.h"

/* A million lines of revocations. */
#define LISTING_MAX	((off_t)128 * 1024 * 1024)

#define CLIENTS_FILE	"clients.map"
#define REVOKED_FILE	"revoked.map"
#define JWKS_FILE	"jwks.json"
#define ALIVE_FILE	"alive"

/* The words of a listing. */
static const char *const kind_words[STATE_REVOKED__MAX] = {
	NULL,
	"token",	/* STATE_REVOKED_JTI */
	"grant",	/* STATE_REVOKED_GRANT */
	"sub",		/* STATE_REVOKED_USER_BEFORE */
	"client",	/* STATE_REVOKED_CLIENT_BEFORE */
	"key",		/* STATE_REVOKED_KEY */
};

static const char *
in_dir(struct arena *arena, const char *dir, const char *file)
{
	return arena_printf(arena, "%s/%s", dir, file).p;
}

/* --- reading files ------------------------------------------------------- */

/* The bytes of a file in the arena; false after an error line. */
static bool
read_text(struct arena *arena, const char *path, struct str *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	ssize_t n = -1;
	char *p;

	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) ||
	    st.st_size > LISTING_MAX) {
		command_fail("%s: %s", path, fd < 0 ? strerror(errno) :
		    "no file of at most 128 MB");
		if (fd >= 0)
			close(fd);
		return false;
	}
	p = arena_alloc(arena, (size_t)st.st_size + 1);
	for (off_t at = 0; at < st.st_size; at += n) {
		n = read(fd, p + at, (size_t)(st.st_size - at));
		if (n <= 0)
			break;
	}
	close(fd);
	*out = (struct str){ p, (size_t)st.st_size };
	if (st.st_size == 0 || n > 0)
		return true;
	command_fail("%s: cannot be read", path);
	return false;
}

/* The next word of a line, blanks skipped; empty at its end. */
static struct str
next_word(struct str *line)
{
	struct str word;

	*line = str_trim(*line);
	word = str_cut(line, ' ');
	return word;
}

/* --- showing ------------------------------------------------------------- */

static void
show_map(const struct state_map *map, const char *file, const char *what)
{
	char text[WHEN_INSTANT_CHARS + 1];

	when_format(map->mtime_ns / 1000, text);
	printf("%s: %llu %s, generation %llu, written %s\n", file,
	    (unsigned long long)map->header->count, what,
	    (unsigned long long)map->header->generation, text);
}

static bool
open_map(struct arena *arena, const char *dir, const char *file,
    uint64_t magic, struct state_map *map)
{
	const char *path = in_dir(arena, dir, file);
	const char *why = "cannot be read";

	*map = (struct state_map){ .header = NULL };
	if (state_map_refresh(map, path, magic, &why) >= 0 &&
	    map->header != NULL)
		return true;
	command_fail("%s: %s", path, why);
	return false;
}

static void
show_keys(struct arena *arena, const char *dir)
{
	struct jose_keys *keys = NULL;
	enum jose_error error;
	const char *why = "";
	struct str text;

	if (!read_text(arena, in_dir(arena, dir, JWKS_FILE), &text))
		return;
	keys = jose_keys_load(text, NULL, &error, &why);
	if (keys == NULL) {
		command_fail("%s: %s", JWKS_FILE, why);
		return;
	}
	printf("%s: %zu keys, set %016llx\n", JWKS_FILE,
	    jose_keys_count(keys),
	    (unsigned long long)jose_keys_generation(keys));
	for (size_t i = 0; i < jose_keys_count(keys); i++) {
		const struct jose_key *key = jose_keys_at(keys, i);

		printf("  %.*s %s\n", STR_ARGS(jose_key_kid(key)),
		    jose_alg_name(jose_key_alg(key)));
	}
	jose_keys_free(keys);
}

static void
show_alive(struct arena *arena, const char *dir)
{
	const char *path = in_dir(arena, dir, ALIVE_FILE);
	struct stat st;
	int64_t touched_us;

	if (stat(path, &st) != 0) {
		command_fail("%s: %s", path, strerror(errno));
		return;
	}
	touched_us = st.st_mtim.tv_sec * US_PER_SECOND +
	    st.st_mtim.tv_nsec / 1000;
	printf("%s: %.1f s old\n", ALIVE_FILE,
	    (double)(when_now() - touched_us) / US_PER_SECOND);
}

static void
show_client(const struct state_map *map, struct str id)
{
	const struct state_client *c = state_client_find(map, id);

	if (c == NULL) {
		printf("client %.*s: not listed (standard limits)\n",
		    STR_ARGS(id));
		return;
	}
	printf("client %.*s: %s, %u an hour, %u a minute (0 = no limit), "
	    "windows %s\n", STR_ARGS(id),
	    c->status == STATE_CLIENT_ACTIVE ? "active" : "disabled",
	    (unsigned)c->hour, (unsigned)c->minute,
	    c->pool == c->hash ? "of its own" : "of its pool");
}

static int
show(struct arena *arena, const char *dir, const char *client,
    const char *token)
{
	struct state_map clients, revoked;
	bool listed, refused;

	listed = open_map(arena, dir, CLIENTS_FILE, STATE_MAGIC_CLIENTS,
	    &clients);
	refused = open_map(arena, dir, REVOKED_FILE, STATE_MAGIC_REVOKED,
	    &revoked);
	if (client != NULL && listed)
		show_client(&clients, str_of(client));
	if (token != NULL && refused)
		printf("token %s: %s\n", token, state_is_revoked(&revoked,
		    STATE_REVOKED_JTI, str_of(token), 0) ? "revoked" :
		    "not revoked");
	if (client == NULL && token == NULL) {
		if (listed)
			show_map(&clients, CLIENTS_FILE, "clients");
		if (refused)
			show_map(&revoked, REVOKED_FILE, "revocations");
		show_keys(arena, dir);
		show_alive(arena, dir);
	}
	state_map_close(&clients);
	state_map_close(&revoked);
	return listed && refused ? COMMAND_OK : COMMAND_FAILED;
}

int
admin_state(int argc, char **argv)
{
	const char *dir = NULL, *client = NULL, *token = NULL;
	const struct option_row options[] = {
		{ "--dir", &dir, NULL },
		{ "--client", &client, NULL },
		{ "--token", &token, NULL },
		{ NULL, NULL, NULL }
	};
	const struct conf *conf;
	struct arena *arena;
	int code;

	if (!command_options(options, argc, argv, NULL))
		return COMMAND_USAGE;
	if (dir == NULL) {
		if ((conf = command_conf()) == NULL)
			return COMMAND_FAILED;
		dir = conf->state_dir;
	}
	arena = arena_new(4096);
	code = show(arena, dir, client, token);
	arena_free(arena);
	return code;
}

/* --- building ------------------------------------------------------------ */

/* A listing while it is read: where we are, for the error line. */
struct listing {
	const char	*path;
	int		 lineno;
	struct str	 rest;
};

static bool
refuse_line(const struct listing *l, const char *expected)
{
	command_fail("%s:%d: expected %s", l->path, l->lineno, expected);
	return false;
}

/* The next line that says something. */
static bool
next_line(struct listing *l, struct str *line)
{
	while (l->rest.p != NULL) {
		*line = str_trim(str_cut(&l->rest, '\n'));
		l->lineno++;
		if (line->n > 0 && line->p[0] != '#')
			return true;
	}
	return false;
}

static size_t
lines_of(struct str text)
{
	size_t n = 1;

	for (size_t i = 0; i < text.n; i++)
		n += text.p[i] == '\n';
	return n;
}

/* A tier's name, or HOUR/MINUTE. */
static bool
read_limits(struct str word, struct state_client *c)
{
	struct str minute = word, hour;
	uint64_t h, m;

	if (tier_known(word)) {
		c->hour = tier_limits(word).hour;
		c->minute = tier_limits(word).minute;
		return true;
	}
	hour = str_cut(&minute, '/');
	if (!str_u64(hour, UINT32_MAX, &h) || !str_u64(minute, UINT32_MAX, &m))
		return false;
	c->hour = (uint32_t)h;
	c->minute = (uint32_t)m;
	return true;
}

/* CLIENT_ID TIER|HOUR/MINUTE [pool=NAME] [disabled] */
static bool
read_client(const struct listing *l, struct str line, struct siphash_key key,
    struct state_client *c)
{
	struct str id = next_word(&line);
	struct str word;

	*c = (struct state_client){ .hash = state_client_hash(key, id),
	    .status = STATE_CLIENT_ACTIVE };
	c->pool = c->hash;
	if (!read_limits(next_word(&line), c))
		return refuse_line(l, "a client id, then a tier or "
		    "HOUR/MINUTE");
	while ((word = next_word(&line)).n > 0) {
		if (str_eqz(word, "disabled"))
			c->status = STATE_CLIENT_DISABLED;
		else if (str_starts(word, STR("pool=")) && word.n > 5)
			c->pool = state_client_hash(key, str_from(word, 5));
		else
			return refuse_line(l, "pool=NAME or disabled");
	}
	return true;
}

static bool
read_kind(struct str word, enum state_revoked_kind *kind)
{
	for (int i = STATE_REVOKED_JTI; i < STATE_REVOKED__MAX; i++)
		if (str_eqz(word, kind_words[i])) {
			*kind = (enum state_revoked_kind)i;
			return true;
		}
	return false;
}

/* token|grant|sub|client|key VALUE EXPIRES [BEFORE], times in Unix seconds */
static bool
read_revoked(const struct listing *l, struct str line, struct siphash_key key,
    struct state_revoked *r)
{
	enum state_revoked_kind kind;
	uint64_t expires, before = 0;
	struct str value, word;

	if (!read_kind(next_word(&line), &kind))
		return refuse_line(l, "token, grant, sub, client or key");
	value = next_word(&line);
	if (value.n == 0 || !str_u64(next_word(&line), INT64_MAX, &expires))
		return refuse_line(l, "a value and when it expires, in Unix "
		    "seconds");
	word = next_word(&line);
	if (word.n > 0 && !str_u64(word, INT64_MAX, &before))
		return refuse_line(l, "a time in Unix seconds");
	*r = (struct state_revoked){ state_revoked_hash(key, kind, value),
	    (int64_t)before, (int64_t)expires };
	return true;
}

/* The windows of clients are named by these hashes, so the key stays. */
static struct siphash_key
key_of(const struct state_map *old)
{
	unsigned char fresh[16];

	if (old->header != NULL)
		return (struct siphash_key){ old->header->k0,
		    old->header->k1 };
	random_bytes(fresh, sizeof(fresh));
	return siphash_key(fresh);
}

/* Either map: its file, and its reader and writer. */
struct map_kind {
	const char	*file;
	uint64_t	 magic;
	size_t		 record_bytes;
};

static const struct map_kind clients_kind = { CLIENTS_FILE,
	STATE_MAGIC_CLIENTS, sizeof(struct state_client) };
static const struct map_kind revoked_kind = { REVOKED_FILE,
	STATE_MAGIC_REVOKED, sizeof(struct state_revoked) };

static bool
read_listing(struct listing *l, const struct map_kind *kind,
    struct siphash_key key, char *records, size_t *count)
{
	struct str line;

	for (*count = 0; next_line(l, &line); (*count)++) {
		void *at = records + *count * kind->record_bytes;

		if (!(kind == &clients_kind ? read_client(l, line, key, at) :
		    read_revoked(l, line, key, at)))
			return false;
	}
	return true;
}

/*
 * Build one map from its listing; without one keep the file that is there, or
 * make an empty one, because the module wants all of them.
 */
static bool
build_map(struct arena *arena, const char *dir, const struct map_kind *kind,
    const char *listing)
{
	const char *path = in_dir(arena, dir, kind->file), *why;
	struct listing l = { .path = listing, .rest = STR_NONE };
	struct state_map old = { .header = NULL };
	struct siphash_key key;
	struct str text = STR_NONE;
	uint64_t generation;
	size_t count;
	void *records;
	int failed;

	(void)state_map_refresh(&old, path, kind->magic, &why);
	if (listing == NULL && old.header != NULL) {
		state_map_close(&old);
		return true;
	}
	if (listing != NULL && !read_text(arena, listing, &text))
		return false;
	key = key_of(&old);
	generation = old.header == NULL ? 1 : old.header->generation + 1;
	state_map_close(&old);
	l.rest = text;
	records = arena_array(arena, lines_of(text), kind->record_bytes);
	if (!read_listing(&l, kind, key, records, &count))
		return false;
	failed = kind == &clients_kind ?
	    state_write_clients(path, key, generation, records, count) :
	    state_write_revoked(path, key, generation, records, count);
	if (failed != 0)
		command_fail("%s: %s", path, strerror(errno));
	return failed == 0;
}

static bool
build_keys(struct arena *arena, const char *dir, const char *file)
{
	const char *path = in_dir(arena, dir, JWKS_FILE), *why = "";
	struct jose_keys *keys;
	enum jose_error error;
	struct str text;

	if (file == NULL)
		return true;
	if (!read_text(arena, file, &text))
		return false;
	keys = jose_keys_load(text, NULL, &error, &why);
	if (keys == NULL) {
		command_fail("%s: %s", file, why);
		return false;
	}
	jose_keys_free(keys);
	if (state_write_file(path, text) == 0)
		return true;
	command_fail("%s: %s", path, strerror(errno));
	return false;
}

int
admin_state_build(int argc, char **argv)
{
	const char *clients = NULL, *revoked = NULL, *jwks = NULL, *dir;
	const struct option_row options[] = {
		{ "--clients", &clients, NULL },
		{ "--revoked", &revoked, NULL },
		{ "--jwks", &jwks, NULL },
		{ NULL, NULL, NULL }
	};
	struct arena *arena;
	bool fine;

	if (!command_options(options, argc, argv, &dir))
		return COMMAND_USAGE;
	arena = arena_new(4096);
	fine = build_keys(arena, dir, jwks) &&
	    build_map(arena, dir, &clients_kind, clients) &&
	    build_map(arena, dir, &revoked_kind, revoked);
	if (fine && state_touch(in_dir(arena, dir, ALIVE_FILE)) != 0) {
		command_fail("%s: %s", dir, strerror(errno));
		fine = false;
	}
	arena_free(arena);
	return fine ? COMMAND_OK : COMMAND_FAILED;
}
