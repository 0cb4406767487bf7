/* FHIR resources for tests: parsed from a text, or read from an archive. */
#ifndef TESTS_RESOURCE_H
#define TESTS_RESOURCE_H

#include "base/arena.h"
#include "base/jdoc.h"

/* The text as a jdoc in the arena; a broken one fails the test. */
struct jdoc	resource_parse(struct arena *arena, struct str text);

/* The content of a file in the arena. */
struct str	resource_read(struct arena *arena, const char *path);

/*
 * Call fn for every .json file of `archive` ("r4-examples.tar.xz") in the
 * folder SHARED_DATA (../shared/data), or of the folder named by the variable
 * `env`. Returns how many; 0 with a visible SKIP when neither is there.
 */
typedef void	resource_visit(struct arena *arena, const char *name,
		    struct str text);
int		resource_each(const char *env, const char *archive,
		    resource_visit *fn);

#endif
