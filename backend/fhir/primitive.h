/* The formats of FHIR's primitive types. R4 datatypes.html#primitive */
#ifndef FHIR_PRIMITIVE_H
#define FHIR_PRIMITIVE_H

#include "base/jdoc.h"
#include "fhir/structure.h"

/* R4 datatypes.html#string: at most 1 MiB. */
#define PRIMITIVE_STRING_MAX	((size_t)1024 * 1024)

/* The primitive of that name ("dateTime"); false when there is none. */
bool		primitive_named(struct str name, enum r4_primitive *out);

/* The JSON type in which that primitive is written: JDOC_STRING, JDOC_NUMBER,
 * or JDOC_TRUE for a boolean. */
enum jdoc_type	primitive_json(enum r4_primitive type);

/* text (a decoded string, or a number as written) has the type's form. */
bool		primitive_valid(enum r4_primitive type, struct str text);

/* Whether primitive_valid looks at more than the length: if not, a string
 * need not be decoded. */
bool		primitive_has_form(enum r4_primitive type);

/* What is allowed, for an error text: "a date (YYYY, YYYY-MM or ...)". */
const char	*primitive_form(enum r4_primitive type);

/* An xhtml narrative: one div, tags that nest, no active content. NULL when
 * it is fine, else what is wrong. R4 narrative.html#xhtml */
const char	*xhtml_problem(struct str text);

#endif
