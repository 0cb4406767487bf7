/* The settings of a process: one table of names, defaults and bounds. */

#include "base/conf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/refuse.h"

#define CONF_PATH_DEFAULT	"/etc/twocare/twocare.conf"
#define CONF_LINE_MAX		2048

/* Of AMOUNT and POLICY the second word is 1. */
enum kind { TEXT, NUMBER, LEVEL, PLACE, ORIGIN, URL, AMOUNT, POLICY };

struct setting {
	const char	*name;
	enum kind	 kind;
	size_t		 offset;
	const char	*fallback;	/* NULL: must be given */
	uint64_t	 min, max;	/* of NUMBER */
};

#define AT(member)	offsetof(struct conf, member)

/* clang-format off */
static const struct setting settings[] = {
/* name			kind	member				default			min	max */
{ "environment",	PLACE,	AT(environment),		"production",		0,	0 },
{ "issuer",		ORIGIN,	AT(issuer),			NULL,			0,	0 },
{ "base_url",		URL,	AT(base_url),			NULL,			0,	0 },
{ "database",		TEXT,	AT(database),			"dbname=twocare",	0,	0 },
{ "socket_dir",		TEXT,	AT(socket_dir),			"/run/twocare",		0,	0 },
{ "state_dir",		TEXT,	AT(state_dir),			"/var/lib/twocare/state", 0,	0 },
{ "secret_dir",		TEXT,	AT(secret_dir),			"/var/lib/twocare/secret", 0,	0 },
{ "user",		TEXT,	AT(user),			"twocare",		0,	0 },
{ "socket_group",	TEXT,	AT(socket_group),		"www-data",		0,	0 },
{ "fast_workers",	NUMBER,	AT(fast_workers),		"8",			1,	256 },
{ "slow_workers",	NUMBER,	AT(slow_workers),		"4",			1,	256 },
{ "token_ttl",		NUMBER,	AT(token_ttl_s),		"3600",			60,	86400 },
{ "keepalive_timeout",	NUMBER,	AT(keepalive_s),		"60",			1,	3600 },
{ "io_timeout",		NUMBER,	AT(io_timeout_s),		"30",			1,	600 },
{ "statement_timeout_ms", NUMBER, AT(statement_timeout_ms),	"10000",		10,	600000 },
{ "task_workers",	NUMBER,	AT(task_workers),		"2",			1,	64 },
{ "export_ttl",		NUMBER,	AT(export_ttl_s),		"86400",		1,	31536000 },
{ "export_file_bytes",	NUMBER,	AT(export_file_bytes),		"67108864",		1024,	4294967296 },
{ "log_level",		LEVEL,	AT(log_level),			"info",			0,	0 },
{ "conditional_delete",	AMOUNT,	AT(delete_many),		"single",		0,	0 },
{ "delete_referred",	POLICY,	AT(keep_referred),		"allow",		0,	0 },
{ "dangling_references", POLICY, AT(keep_whole),		"allow",		0,	0 },
};
/* clang-format on */

#define NSETTINGS	(sizeof(settings) / sizeof(settings[0]))

/* What a bad value should have been. */
static const char *const must_be[] = {
	[TEXT]	 = "must not be empty",
	[NUMBER] = "out of range",
	[LEVEL]	 = "must be error, warn, info or debug",
	[PLACE]	 = "must be production or sandbox",
	[ORIGIN] = "must be like https://api.example.org, without a path",
	[URL]	 = "must be like https://api.example.org/v3, without a last /",
	[AMOUNT] = "must be single or multiple",
	[POLICY] = "must be allow or refuse",
};

/* Whether the member is a malloc'd string. */
static bool
is_string(enum kind kind)
{
	return kind != NUMBER && kind != LEVEL && kind != AMOUNT &&
	    kind != POLICY;
}

static bool
parse_level(struct str value, long *out)
{
	for (long i = 0; i < LOG_LEVEL__MAX; i++)
		if (str_eqz(value, log_level_names[i])) {
			*out = i;
			return true;
		}
	return false;
}

static bool
parse_word(struct str value, const char *zero, const char *one, long *out)
{
	*out = str_eqz(value, one);
	return *out == 1 || str_eqz(value, zero);
}

/* http(s):// and more; with a path or without, no query, no last slash. They
 * are copied into JSON and header fields as they are. */
static bool
is_url(struct str s, bool path)
{
	struct str rest = s;

	str_cut(&rest, ':');
	if (!(str_starts(s, STR("https://")) || str_starts(s, STR("http://"))))
		return false;
	rest = str_from(rest, 2);
	for (size_t i = 0; i < rest.n; i++)
		if (rest.p[i] <= ' ' || rest.p[i] > '~' ||
		    strchr("\"\\<>?#", rest.p[i]) != NULL ||
		    (rest.p[i] == '/' && !path))
			return false;
	return rest.n > 0 && rest.p[0] != '/' && rest.p[rest.n - 1] != '/';
}

static bool
is_text(enum kind kind, struct str value)
{
	switch (kind) {
	case PLACE:
		return str_eqz(value, "production") ||
		    str_eqz(value, "sandbox");
	case ORIGIN:
	case URL:
		return is_url(value, kind == URL);
	default:
		return value.n > 0;
	}
}

static bool
assign(struct conf *conf, const struct setting *s, struct str value)
{
	char *member = (char *)conf + s->offset;
	uint64_t number;

	switch (s->kind) {
	case NUMBER:
		if (!str_u64(value, s->max, &number) || number < s->min)
			return false;
		*(long *)(void *)member = (long)number;
		return true;
	case LEVEL:
		return parse_level(value, (long *)(void *)member);
	case AMOUNT:
		return parse_word(value, "single", "multiple",
		    (long *)(void *)member);
	case POLICY:
		return parse_word(value, "allow", "refuse",
		    (long *)(void *)member);
	default:
		free(*(char **)(void *)member);
		*(char **)(void *)member = strndup(value.p, value.n);
		return is_text(s->kind, value);
	}
}

static const struct setting *
setting_named(struct str name)
{
	for (size_t i = 0; i < NSETTINGS; i++)
		if (str_eqz(name, settings[i].name))
			return &settings[i];
	return NULL;
}

static bool
read_line(struct conf *conf, struct str line, const char *path, int lineno,
    char **why)
{
	struct str value = line;
	struct str name = str_trim(str_cut(&value, '='));
	const struct setting *s;

	if (name.n == 0 ? value.p == NULL : name.p[0] == '#')
		return true;
	if (value.p == NULL)
		return refuse(why, "%s:%d: expected name = value", path,
		    lineno);
	s = setting_named(name);
	if (s == NULL)
		return refuse(why, "%s:%d: unknown setting \"%.*s\"", path,
		    lineno, STR_ARGS(name));
	if (!assign(conf, s, str_trim(value)))
		return refuse(why, "%s:%d: bad value of \"%s\" (%s)", path,
		    lineno, s->name, must_be[s->kind]);
	return true;
}

static bool
read_file(struct conf *conf, FILE *file, const char *path, char **why)
{
	char text[CONF_LINE_MAX];

	for (int lineno = 1; fgets(text, sizeof(text), file) != NULL;
	    lineno++) {
		struct str line = str_of(text);

		if (line.n == sizeof(text) - 1 && text[line.n - 1] != '\n')
			return refuse(why, "%s:%d: line too long", path,
			    lineno);
		while (line.n > 0 && (text[line.n - 1] == '\n' ||
		    text[line.n - 1] == '\r'))
			line.n--;
		if (!read_line(conf, line, path, lineno, why))
			return false;
	}
	if (ferror(file))
		return refuse(why, "%s: %s", path, strerror(errno));
	return true;
}

static bool
nothing_missing(const struct conf *conf, const char *path, char **why)
{
	for (size_t i = 0; i < NSETTINGS; i++) {
		const char *member = (const char *)conf + settings[i].offset;

		if (is_string(settings[i].kind) &&
		    *(const char *const *)(const void *)member == NULL)
			return refuse(why, "%s: \"%s\" must be set", path,
			    settings[i].name);
	}
	return true;
}

bool
conf_load(struct conf *conf, const char *path, char **why)
{
	FILE *file;
	bool fine;

	memset(conf, 0, sizeof(*conf));
	for (size_t i = 0; i < NSETTINGS; i++)
		if (settings[i].fallback != NULL)
			(void)assign(conf, &settings[i],
			    str_of(settings[i].fallback));
	if (path == NULL)
		path = getenv("TWOCARE_CONF");
	if (path == NULL)
		path = CONF_PATH_DEFAULT;
	file = fopen(path, "re");
	if (file == NULL)
		return refuse(why, "%s: %s", path, strerror(errno));
	fine = read_file(conf, file, path, why);
	fclose(file);
	return fine && nothing_missing(conf, path, why);
}

void
conf_free(struct conf *conf)
{
	for (size_t i = 0; i < NSETTINGS; i++) {
		char *member = (char *)conf + settings[i].offset;

		if (is_string(settings[i].kind))
			free(*(char **)(void *)member);
	}
	memset(conf, 0, sizeof(*conf));
}
