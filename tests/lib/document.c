/* Parsing the JSON of tests. */

#include "document.h"

#include <check.h>

const struct jdoc *
document_parse(struct arena *arena, const char *text)
{
	struct str s = arena_str(arena, str_of(text));
	char *p = arena_alloc(arena, s.n + 1);
	struct jdoc *d = arena_zero(arena, sizeof(*d));
	size_t room;

	for (size_t i = 0; i < s.n; i++)
		p[i] = (char)(s.p[i] == '\'' ? '"' : s.p[i]);
	s.p = p;
	room = jdoc_bound(s);
	ck_assert_int_eq(jdoc_parse(d, s, arena_array(arena, room,
	    sizeof(struct jnode)), room, JDOC_DEPTH_MAX), JDOC_OK);
	return d;
}
