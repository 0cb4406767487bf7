/* Guessing which element a client meant. */
#ifndef FHIR_SUGGEST_H
#define FHIR_SUGGEST_H

#include "fhir/structure.h"

/* The element of s whose name is nearest to the unknown `name`, NULL when none
 * is near (two edits, less for short names; case is no difference). */
const char	*suggest_element(const struct r4_structure *s, struct str name);

#endif
