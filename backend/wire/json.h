/*
 * JSON documents that we build or read outside the record store (tokens,
 * keys, metadata, command output): jansson values that live in an arena.
 */
#ifndef WIRE_JSON_H
#define WIRE_JSON_H

#include <jansson.h>

#include "base/arena.h"
#include "base/str.h"

/*
 * A value by jansson's json_pack format (a str is "s%" with s.p, s.n); freed
 * with the arena. A wrong format or text that is not UTF-8 is a mistake of the
 * program and ends it.
 */
json_t		*json_build(struct arena *arena, const char *fmt, ...);

/* Parse text strictly (no duplicate members); NULL with a word on why. */
json_t		*json_read(struct arena *arena, struct str text,
		    const char **why);

/* The compact text, members in the order they were built. */
struct str	 json_text(struct arena *arena, const json_t *json);

#endif
