/* JSON texts in tests: written with ' for ", parsed into an arena. */
#ifndef TESTS_LIB_DOCUMENT_H
#define TESTS_LIB_DOCUMENT_H

#include "base/arena.h"
#include "base/jdoc.h"

/* The parsed text; fails the test when it is no JSON. */
const struct jdoc	*document_parse(struct arena *arena, const char *text);

#endif
