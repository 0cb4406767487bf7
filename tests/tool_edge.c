/*
 * What the edge reads, made by hand: keys, JWK Sets, tokens good and hostile,
 * and state files. For the tests of the edge, which run without a backend.
 *
 *   tool_edge key ALG PEMFILE            a new private key
 *   tool_edge jwks PEMFILE...            their JWK Set
 *   tool_edge mint PEMFILE CLAIMS [TYP] [--header JSON] [--sig none|garbage]
 *   tool_edge mint-batch PEMFILE [TYP]   stdin: CLAIMS, or HEADER tab CLAIMS
 *   tool_edge clients FILE ID:HOUR:MINUTE[:POOL[:disabled]]... | -
 *   tool_edge revoked FILE KIND:VALUE[:AT]... | -
 *                                        KIND: jti grant user client key
 *   tool_edge touch FILE
 *
 * In a header, "%k" is the kid of the key. "-" reads the rows from stdin.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/code.h"
#include "base/jose.h"
#include "base/state.h"
#include "base/when.h"

#define PEM_MAX		16384
#define LINE_MAX_BYTES	65536

static struct arena *arena;

static void
die(const char *what, const char *which)
{
	fprintf(stderr, "tool_edge: %s: %s\n", what, which);
	exit(1);
}

static struct str
read_file(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = arena_alloc(arena, PEM_MAX);
	size_t n;

	if (file == NULL)
		die("cannot open", path);
	n = fread(text, 1, PEM_MAX, file);
	fclose(file);
	return (struct str){ text, n };
}

static enum jose_alg
alg_named(const char *name)
{
	for (int alg = JOSE_ALG_NONE + 1; alg < JOSE_ALG__MAX; alg++)
		if (strcmp(name, jose_alg_name((enum jose_alg)alg)) == 0)
			return (enum jose_alg)alg;
	die("no such algorithm", name);
	return JOSE_ALG_NONE;
}

/* The key of a file: for the algorithm that its first line names, as ours do,
 * else for the first that it fits. */
static struct jose_private *
load_key(const char *path)
{
	struct str pem = read_file(path), rest = pem;
	struct str first = str_cut(&rest, '\n');

	if (!str_starts(first, STR("-")))
		return jose_private_load(rest,
		    alg_named(arena_z(arena, first)));
	for (int alg = JOSE_ALG_NONE + 1; alg < JOSE_ALG__MAX; alg++) {
		struct jose_private *key = jose_private_load(pem,
		    (enum jose_alg)alg);

		if (key != NULL)
			return key;
	}
	die("not a private key that we can use", path);
	return NULL;
}

static int
command_key(int argc, char **argv)
{
	char pem[PEM_MAX];
	struct str text;
	size_t n;

	if (argc != 2)
		die("key", "ALG PEMFILE");
	n = jose_private_new(alg_named(argv[0]), pem, sizeof(pem));
	text = arena_printf(arena, "%s\n%.*s", argv[0], (int)n, pem);
	if (n == 0 || state_write_file(argv[1], text) != 0)
		die("cannot write", argv[1]);
	return 0;
}

static int
command_jwks(int argc, char **argv)
{
	char jwk[4096];

	fputs("{\"keys\":[", stdout);
	for (int i = 0; i < argc; i++) {
		struct jose_private *key = load_key(argv[i]);
		size_t n = jose_private_jwk(key, jwk, sizeof(jwk));

		printf("%s%.*s", i > 0 ? "," : "", (int)n, jwk);
		jose_private_free(key);
	}
	puts("]}");
	return 0;
}

static void
add_base64url(struct buf *b, struct str s)
{
	buf_took(b, base64url_encode(s, buf_room(b, (s.n * 4 + 2) / 3)));
}

/* header with "%k" replaced. */
static struct str
header_of(const struct jose_private *key, struct str header)
{
	struct buf b = buf_new(arena, header.n + 64);

	for (size_t i = 0; i < header.n; i++) {
		if (str_starts(str_from(header, i), STR("%k"))) {
			buf_add(&b, jose_private_kid(key));
			i++;
		} else {
			buf_addc(&b, header.p[i]);
		}
	}
	return buf_str(&b);
}

/* A token whose header is given; sig: NULL, "none" or "garbage". */
static struct str
mint_as_told(const struct jose_private *key, struct str header,
    struct str claims, const char *sig)
{
	struct buf b = buf_new(arena, 1024);
	unsigned char signature[JOSE_SIGNATURE_MAX];
	size_t n;

	add_base64url(&b, header_of(key, header));
	buf_addc(&b, '.');
	add_base64url(&b, claims);
	n = jose_sign_raw(key, buf_str(&b), signature, sizeof(signature));
	buf_addc(&b, '.');
	if (sig != NULL && strcmp(sig, "none") == 0)
		return buf_str(&b);
	if (sig != NULL)
		for (size_t i = 0; i < n; i++)
			signature[i] ^= 0x5a;
	add_base64url(&b, (struct str){ (const char *)signature, n });
	return buf_str(&b);
}

static void
mint(const struct jose_private *key, struct str header, struct str claims,
    const char *typ, const char *sig)
{
	struct str token;

	if (header.n == 0)
		header = arena_printf(arena,
		    "{\"alg\":\"%s\",\"typ\":\"%s\",\"kid\":\"%%k\"}",
		    jose_alg_name(jose_private_alg(key)), typ);
	token = mint_as_told(key, header, claims, sig);
	printf("%.*s\n", STR_ARGS(token));
}

static int
command_mint(int argc, char **argv)
{
	const char *typ = "at+jwt", *sig = NULL;
	struct str header = STR_NONE;

	if (argc < 2)
		die("mint", "PEMFILE CLAIMS [TYP] [--header H] [--sig S]");
	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], "--header") == 0 && i + 1 < argc)
			header = str_of(argv[++i]);
		else if (strcmp(argv[i], "--sig") == 0 && i + 1 < argc)
			sig = argv[++i];
		else
			typ = argv[i];
	}
	mint(load_key(argv[0]), header, str_of(argv[1]), typ, sig);
	return 0;
}

/* The next line of stdin without its end; false when there is none. */
static bool
next_line(char line[LINE_MAX_BYTES], struct str *out)
{
	if (fgets(line, LINE_MAX_BYTES, stdin) == NULL)
		return false;
	*out = str_of(line);
	while (out->n > 0 && out->p[out->n - 1] == '\n')
		out->n--;
	return true;
}

static int
command_mint_batch(int argc, char **argv)
{
	static char line[LINE_MAX_BYTES];
	struct jose_private *key;
	struct str rest;

	if (argc < 1)
		die("mint-batch", "PEMFILE [TYP]");
	key = load_key(argv[0]);
	while (next_line(line, &rest)) {
		struct str first = str_cut(&rest, '\t');
		bool alone = rest.p == NULL;

		mint(key, alone ? STR_NONE : first, alone ? first : rest,
		    argc > 1 ? argv[1] : "at+jwt", NULL);
		arena_reset(arena);
	}
	return 0;
}

/* The rows of a command: its arguments, or the lines of stdin for "-". */
static bool
next_row(int *argc, char ***argv, struct str *row)
{
	static char line[LINE_MAX_BYTES];

	if (*argc == 1 && strcmp((*argv)[0], "-") == 0)
		return next_line(line, row);
	if (*argc == 0)
		return false;
	*row = str_of((*argv)[0]);
	--*argc;
	++*argv;
	return true;
}

static uint32_t
number_of(struct str s)
{
	uint64_t value;

	if (!str_u64(s, UINT32_MAX, &value))
		die("not a number", arena_z(arena, s));
	return (uint32_t)value;
}

static void *
grown(void *rows, size_t count, size_t size)
{
	/* Powers of two: grow when the count reaches one. */
	if ((count & (count - 1)) == 0)
		rows = realloc(rows, (count == 0 ? 1 : count * 2) * size);
	if (rows == NULL)
		die("no memory", "rows");
	return rows;
}

/* That of the file as it is, for a database keeps its key; else a new one. */
static struct siphash_key
hash_key_of(const char *path, uint64_t magic)
{
	struct state_map map = { 0 };
	struct siphash_key key;
	unsigned char raw[16];
	const char *why;

	if (state_map_refresh(&map, path, magic, &why) == 1) {
		key = (struct siphash_key){ map.header->k0, map.header->k1 };
		state_map_close(&map);
		return key;
	}
	random_bytes(raw, sizeof(raw));
	return siphash_key(raw);
}

static struct state_client
client_of(struct siphash_key key, struct str row)
{
	struct str id = str_cut(&row, ':');
	struct state_client client = {
		.hash = state_client_hash(key, id),
		.hour = number_of(str_cut(&row, ':')),
		.minute = number_of(str_cut(&row, ':')),
	};
	struct str pool = str_cut(&row, ':');

	client.pool = pool.n == 0 ? client.hash :
	    state_client_hash(key, pool);
	client.status = str_eqz(row, "disabled") ? STATE_CLIENT_DISABLED :
	    STATE_CLIENT_ACTIVE;
	return client;
}

static int
command_clients(int argc, char **argv)
{
	const char *path = argc > 0 ? argv[0] : "";
	struct siphash_key key = hash_key_of(path, STATE_MAGIC_CLIENTS);
	struct state_client *rows = NULL;
	size_t count = 0;
	struct str row;

	for (argc--, argv++; next_row(&argc, &argv, &row); count++) {
		rows = grown(rows, count, sizeof(*rows));
		rows[count] = client_of(key, row);
	}
	if (state_write_clients(path, key, (uint64_t)when_now(), rows,
	    count) != 0)
		die("cannot write", path);
	free(rows);
	return 0;
}

static struct state_revoked
revoked_of(struct siphash_key key, struct str row)
{
	static const char *const kinds[STATE_REVOKED__MAX] = {
		[STATE_REVOKED_JTI] = "jti",
		[STATE_REVOKED_GRANT] = "grant",
		[STATE_REVOKED_USER_BEFORE] = "user",
		[STATE_REVOKED_CLIENT_BEFORE] = "client",
		[STATE_REVOKED_KEY] = "key",
	};
	struct str word = str_cut(&row, ':');
	struct str value = str_cut(&row, ':');
	int kind = STATE_REVOKED_JTI;

	while (kind < STATE_REVOKED__MAX && !str_eqz(word, kinds[kind]))
		kind++;
	if (kind == STATE_REVOKED__MAX)
		die("no such kind", arena_z(arena, word));
	return (struct state_revoked){
		.hash = state_revoked_hash(key, (enum state_revoked_kind)kind,
		    value),
		.at_s = row.n > 0 ? (int64_t)number_of(row) : 0,
		.expires_s = INT64_MAX,
	};
}

static int
command_revoked(int argc, char **argv)
{
	const char *path = argc > 0 ? argv[0] : "";
	struct siphash_key key = hash_key_of(path, STATE_MAGIC_REVOKED);
	struct state_revoked *rows = NULL;
	size_t count = 0;
	struct str row;

	for (argc--, argv++; next_row(&argc, &argv, &row); count++) {
		rows = grown(rows, count, sizeof(*rows));
		rows[count] = revoked_of(key, row);
	}
	if (state_write_revoked(path, key, (uint64_t)when_now(), rows,
	    count) != 0)
		die("cannot write", path);
	free(rows);
	return 0;
}

static int
command_touch(int argc, char **argv)
{
	if (argc != 1 || state_touch(argv[0]) != 0)
		die("cannot touch", argc == 1 ? argv[0] : "FILE");
	return 0;
}

/* clang-format off */
static const struct command {
	const char	*name;
	int		(*run)(int argc, char **argv);
} commands[] = {
	{ "key",	command_key },
	{ "jwks",	command_jwks },
	{ "mint",	command_mint },
	{ "mint-batch",	command_mint_batch },
	{ "clients",	command_clients },
	{ "revoked",	command_revoked },
	{ "touch",	command_touch },
};
/* clang-format on */

int
main(int argc, char **argv)
{
	arena = arena_new(1 << 16);
	for (size_t i = 0; argc > 1 &&
	    i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 2, argv + 2);
	die("commands",
	    "key jwks mint mint-batch clients revoked touch");
	return 1;
}
