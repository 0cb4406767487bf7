/*
 * Running a search parameter's compiled FHIRPath (tools/r4/fhirpath.js) over a
 * parsed resource: each selected element is handed out with the kind of value
 * it is. A program is a list of paths, each of them steps that end with EMIT,
 * or with GROUP in a composite.
 */
#ifndef FHIR_EXTRACT_H
#define FHIR_EXTRACT_H

#include "base/jdoc.h"
#include "fhir/r4.h"

/* What a selected element is. R4 datatypes.html */
enum extract_kind {
	EXTRACT_NUMBER,		/* decimal, integer */
	EXTRACT_RANGE, EXTRACT_QUANTITY, EXTRACT_MONEY, EXTRACT_SAMPLED,
	EXTRACT_DATE,		/* date, dateTime, instant */
	EXTRACT_PERIOD, EXTRACT_TIMING,
	EXTRACT_STRING, EXTRACT_NAME, EXTRACT_ADDRESS,
	EXTRACT_CODEABLE, EXTRACT_CODING, EXTRACT_IDENTIFIER, EXTRACT_CONTACT,
	EXTRACT_CODE,		/* a bound code: JSON string */
	EXTRACT_TEXT,		/* a token that is an id, string or uri */
	EXTRACT_BOOLEAN,	/* JSON true or false */
	EXTRACT_YES, EXTRACT_NO,	/* of a condition; no node */
	EXTRACT_REFERENCE, EXTRACT_CANONICAL, EXTRACT_URI,
	EXTRACT_POSITION,	/* Location.position */
	EXTRACT_RESOURCE,	/* a resource in the place of a reference */
	EXTRACT_GROUP,		/* on which a composite's components stand */
	EXTRACT__MAX
};

enum extract_op {
	STEP_END,		/* of the program */
	STEP_TRUTH,		/* first: yields whether the paths yield */
	STEP_PATH,		/* a path of n steps follows */
	STEP_FIELD,		/* the member `name`, each element of arrays */
	STEP_AT,		/* element n of the member `name` */
	STEP_WHERE,		/* goes on if member `name` is `value` */
	STEP_IS,		/* goes on if it refers to a `value` */
	STEP_NOT_FALSE,		/* goes on unless it is JSON false */
	STEP_ROOT,		/* back to the resource */
	STEP_EMIT,		/* hand it out as `kind` */
	STEP_GROUP,		/* as a group; n components follow */
	STEP_COMPONENT		/* a program of n steps follows */
};

struct r4_step {
	uint8_t		op;
	uint8_t		kind;
	uint16_t	n;
	struct str	name, value;
};

struct extract {
	const struct jdoc	*doc;
	uint32_t		 root;		/* the resource's node */
};

/* Called for each element, in the order of the paths. group is that of an
 * EXTRACT_GROUP, for extract_component. */
typedef void	extract_emit(void *to, enum extract_kind kind, uint32_t node,
		    const struct r4_step *group);

/* Run program from node: the resource, or the group of a component. */
void		extract_run(const struct extract *x,
		    const struct r4_step *program, uint32_t node,
		    extract_emit *emit, void *to);

/* The program of a group's i-th component. */
const struct r4_step	*extract_component(const struct r4_step *group,
			    unsigned i);

/* Whether program yields Reference elements and nothing else, so that what they
 * refer to can be found. */
bool		extract_refers(const struct r4_step *program);

/*
 * The type and id in the text of a reference: "Type/id", with or without
 * /_history/n behind and anything before ("https://host/fhir/"). False when it
 * does not end so or Type is no R4 type. *before is what precedes the type.
 */
bool		extract_literal(struct str text, struct str *before,
		    const struct r4_type **type, struct str *id);

/* The rows of generated programs. */
#define STEP_STR(text)	{ (text), sizeof(text) - 1 }
#define END()		{ .op = STEP_END }
#define TRUTH()		{ .op = STEP_TRUTH }
#define PATH(steps)	{ .op = STEP_PATH, .n = (steps) }
#define FIELD(member)	{ .op = STEP_FIELD, .name = STEP_STR(member) }
#define AT(member, i)	{ .op = STEP_AT, .name = STEP_STR(member), .n = (i) }
#define WHERE(member, text) \
	{ .op = STEP_WHERE, .name = STEP_STR(member), .value = STEP_STR(text) }
#define IS(type)	{ .op = STEP_IS, .value = STEP_STR(type) }
#define NOT_FALSE()	{ .op = STEP_NOT_FALSE }
#define ROOT()		{ .op = STEP_ROOT }
#define EMIT(what)	{ .op = STEP_EMIT, .kind = EXTRACT_##what }
#define GROUP(count) \
	{ .op = STEP_GROUP, .kind = EXTRACT_GROUP, .n = (count) }
#define COMPONENT(steps) { .op = STEP_COMPONENT, .n = (steps) }

#endif
