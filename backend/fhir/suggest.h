/* Guessing which name a client meant. */
#ifndef FHIR_SUGGEST_H
#define FHIR_SUGGEST_H

#include "fhir/structure.h"

/* Longer names are nobody's slip of a key. */
#define SUGGEST_CHARS_MAX	64

/* Insertions, deletions and replacements that make b of a, each at most
 * SUGGEST_CHARS_MAX; case is no difference. */
size_t	suggest_distance(struct str a, struct str b);

/* The element of s whose name is nearest to the unknown `name`, NULL when none
 * is near (two edits, less for short names; case is no difference). */
const char	*suggest_element(const struct r4_structure *s, struct str name);

#endif
