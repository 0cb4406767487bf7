/*
 * What validation knows of R4, as generated tables (fhir/gen/structure.c and
 * bindings.c): for every type and every element with elements of its own the
 * JSON members it may have. A choice element (value[x]) has one row for each
 * of its types; they share a slot.
 */
#ifndef FHIR_STRUCTURE_H
#define FHIR_STRUCTURE_H

#include "fhir/r4.h"

/* R4 datatypes.html#primitive; the order is that of the table in primitive.c */
enum r4_primitive {
	PRIM_BASE64BINARY, PRIM_BOOLEAN, PRIM_CANONICAL, PRIM_CODE, PRIM_DATE,
	PRIM_DATETIME, PRIM_DECIMAL, PRIM_ID, PRIM_INSTANT, PRIM_INTEGER,
	PRIM_MARKDOWN, PRIM_OID, PRIM_POSITIVEINT, PRIM_STRING, PRIM_TIME,
	PRIM_UNSIGNEDINT, PRIM_URI, PRIM_URL, PRIM_UUID, PRIM_XHTML, PRIM__MAX
};

enum r4_element_kind {
	R4_PRIMITIVE,		/* type is an enum r4_primitive */
	R4_COMPLEX,		/* type is an index of r4_structures */
	R4_RESOURCE		/* any resource */
};

#define R4_MANY	UINT16_MAX	/* max cardinality "*" */

struct r4_element {
	const char	*name;		/* of the JSON member */
	uint8_t		 name_len;
	uint8_t		 base_len;	/* of a choice: without the type */
	uint8_t		 kind;		/* enum r4_element_kind */
	uint8_t		 min;
	uint16_t	 max;		/* 1: a value; more: an array */
	uint16_t	 type;
	uint16_t	 binding;	/* in r4_bindings; 0 = none */
	uint16_t	 targets;	/* in r4_targets; 0 = any type */
	uint8_t		 slot;		/* bit + 1; 0 = neither required nor
					 * a choice */
	bool		 summary;	/* isSummary: shown by _summary=true */
};

/* Rules that are not cardinalities. */
enum r4_rule { R4_RULE_NONE, R4_RULE_EXTENSION, R4_RULE_REFERENCE,
	R4_RULE_CODING, R4_RULE_CODEABLE };

struct r4_structure {
	const char		*name;	/* "Patient", "Patient.contact" */
	const struct r4_element	*elements;	/* sorted by name */
	uint16_t		 count;
	uint8_t			 rule;		/* enum r4_rule */
	bool			 resource;	/* has a resourceType */
	uint64_t		 required;	/* slots that must be filled */
};

extern const struct r4_structure	r4_structures[];

/* The structure of what "_birthDate" holds: id and extension. */
#define R4_STRUCTURE_ELEMENT	0

/* The codes that a required binding takes from one code system. */
struct r4_codes {
	const char		*system;
	const char	*const	*codes;		/* sorted */
	uint16_t		 count;
};

struct r4_binding {
	const char		*value_set;	/* canonical */
	const struct r4_codes	*systems;
	uint16_t		 count;
};

extern const struct r4_binding	r4_bindings[];

/* Lists of type numbers, each ended by 0, one after the other. */
extern const int16_t		r4_targets[];

/* Indexes of r4_types in the order of the names. */
extern const uint16_t		r4_types_by_name[];

/* The row of the member `name`, or NULL. */
const struct r4_element	*r4_element_named(const struct r4_structure *s,
			    struct str name);

#endif
