/*
 * The keys of one document, and questions about them as a search would ask
 * them: a test program includes this, calls keyed_begin before each test.
 */
#ifndef TESTS_LIB_KEYED_H
#define TESTS_LIB_KEYED_H

#include "fhir/keys.h"

#define LOINC	"http://loinc.org"
#define UCUM	"http://unitsofmeasure.org"

extern const struct key_space	space;
extern struct arena		*arena;
extern const struct r4_type	*type;	/* of the last keys_of */
extern struct keys		 keys;

void	keyed_begin(void);
void	keyed_end(void);

/* Extract the keys of a document (document.h) as the record name/1. */
void	keys_of(const char *name, const char *text);

/* The parameter of the last type; fails the test when there is none. */
const struct r4_param	*param(const char *code);

int64_t	hash_of(const char *z);
int32_t	system_of(const char *z);

/* Is there this posting; this token; this folded text? */
bool	has_post(int64_t k, int32_t aux);
bool	posted(const char *code, enum key_space_kind kind, int64_t hash,
	    int32_t aux);
bool	found_token(const char *code, const char *system, const char *value);
bool	found_string(const char *code, const char *folded);

#endif
