/* jansson values tied to an arena. */

#include "wire/json.h"

#include <stdio.h>
#include <stdlib.h>

static void
drop(void *json)
{
	json_decref(json);
}

json_t *
json_build(struct arena *arena, const char *fmt, ...)
{
	json_error_t error;
	json_t *json;
	va_list ap;

	va_start(ap, fmt);
	json = json_vpack_ex(&error, 0, fmt, ap);
	va_end(ap);
	if (json == NULL) {
		fprintf(stderr, "json_build \"%s\": %s\n", fmt, error.text);
		abort();
	}
	arena_later(arena, drop, json);
	return json;
}

json_t *
json_read(struct arena *arena, struct str text, const char **why)
{
	json_error_t error;
	json_t *json = json_loadb(text.p == NULL ? "" : text.p, text.n,
	    JSON_REJECT_DUPLICATES, &error);

	if (json == NULL) {
		*why = arena_z(arena, str_of(error.text));
		return NULL;
	}
	arena_later(arena, drop, json);
	return json;
}

struct str
json_text(struct arena *arena, const json_t *json)
{
	size_t n = json_dumpb(json, NULL, 0, JSON_COMPACT | JSON_ENCODE_ANY);
	char *p = arena_alloc(arena, n + 1);

	(void)json_dumpb(json, p, n, JSON_COMPACT | JSON_ENCODE_ANY);
	p[n] = '\0';
	return (struct str){ p, n };
}
