/*
 * A strict JSON tokenizer over byte ranges. It copies nothing and allocates
 * nothing: the caller gives the text and room for the nodes. Every value and
 * every member name is one node, in the order of the text; a node knows where
 * its subtree ends, so skipping is one assignment.
 *
 *   object = its node, then for each member: the name's node, the value's
 *   array  = its node, then each element's
 *
 *   for (i = jdoc_first(d, obj); i != 0; i = jdoc_next(d, obj, i))
 *           name is node i, value is node jdoc_value(d, i)
 *
 * Refused, each with its own word: anything RFC 8259 does not allow, bytes
 * after the value, a byte order mark, bytes that are not UTF-8 (overlong,
 * surrogates), lone surrogate escapes, NUL (raw or \u0000), two members of one
 * name in an object (escapes decoded), nesting above the given depth.
 * RFC 8259; the FHIR JSON format, R4 json.html
 */
#ifndef BASE_JDOC_H
#define BASE_JDOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum jdoc_type {
	JDOC_OBJECT, JDOC_ARRAY, JDOC_STRING, JDOC_NUMBER, JDOC_TRUE,
	JDOC_FALSE, JDOC_NULL
};

enum jdoc_error {
	JDOC_OK = 0,
	JDOC_SYNTAX,		/* not RFC 8259 */
	JDOC_END,		/* the text ends inside the value */
	JDOC_UTF8,		/* not UTF-8, or a lone surrogate escape */
	JDOC_NUL,		/* a NUL character */
	JDOC_DUPLICATE,		/* a member name twice in one object */
	JDOC_DEPTH,		/* nested too deeply */
	JDOC_MEMBERS,		/* more than JDOC_MEMBERS_MAX in one object */
	JDOC_ROOM,		/* more nodes than there is room for */
	JDOC_LARGE,		/* above JDOC_TEXT_MAX bytes */
	JDOC_ERROR__MAX
};

/* Duplicates are found by comparing all names of an object; no R4 type, no
 * JOSE header and no claim set has more than a tenth of this. */
#define JDOC_MEMBERS_MAX	1024
#define JDOC_TEXT_MAX		((size_t)64 * 1024 * 1024)
#define JDOC_DEPTH_MAX		128

struct jnode {
	uint32_t	off;	/* first byte; of a string, after its quote */
	uint32_t	len;	/* bytes of the value; of a string, inside */
	uint32_t	next;	/* index of the node after this subtree */
	uint8_t		type;	/* enum jdoc_type */
	uint8_t		escaped;	/* string with a backslash in it */
	uint16_t	count;	/* elements or members; stays at 65,535
				 * when there are more: walk, do not count */
};

struct jdoc {
	struct str	 text;
	struct jnode	*nodes;
	uint32_t	 count;		/* nodes in use; the root is node 0 */
	uint32_t	 room;
	enum jdoc_error	 error;
	size_t		 error_off;	/* byte where it was found */
};

/*
 * An upper bound of the nodes that text can have, by one fast pass: give so
 * much room and JDOC_ROOM cannot happen.
 */
size_t		jdoc_bound(struct str text);

/*
 * Parse text into nodes[room]; depth is at most JDOC_DEPTH_MAX. The text must
 * outlive the jdoc. On an error d->error_off tells where.
 */
enum jdoc_error	jdoc_parse(struct jdoc *d, struct str text,
		    struct jnode *nodes, size_t room, unsigned depth);

/* A sentence for a client: "a member appears twice in one object". */
const char	*jdoc_strerror(enum jdoc_error error);

/* Line and column (from 1) of a byte offset, for error texts. */
void		jdoc_place(struct str text, size_t off, unsigned *line,
		    unsigned *column);

enum jdoc_type	jdoc_type(const struct jdoc *d, uint32_t node);

/*
 * The bytes of a node as written: of a string, between its quotes (escapes not
 * decoded); of an object or array, from bracket to bracket.
 */
struct str	jdoc_raw(const struct jdoc *d, uint32_t node);

/* As jdoc_raw, but of a string with its quotes: what may be copied out. */
struct str	jdoc_source(const struct jdoc *d, uint32_t node);

/* Walking: the first child (0 = none), the one after `child` (0 = none; for
 * objects children are member names), and the value of a member name. */
uint32_t	jdoc_first(const struct jdoc *d, uint32_t parent);
uint32_t	jdoc_next(const struct jdoc *d, uint32_t parent,
		    uint32_t child);
uint32_t	jdoc_value(const struct jdoc *d, uint32_t name);

/* The value of the member called name in an object node; 0 when absent or
 * when node is no object. */
uint32_t	jdoc_get(const struct jdoc *d, uint32_t object,
		    struct str name);

/* The node is a string whose decoded content is s. Decodes on the fly. */
bool		jdoc_is(const struct jdoc *d, uint32_t node, struct str s);

/*
 * The decoded content of a string node. out_room >= jdoc_raw().n is always
 * enough; returns the bytes written. For strings without `escaped` the raw
 * slice is the content and no copy is needed.
 */
size_t		jdoc_decode(const struct jdoc *d, uint32_t node, char *out);

#endif
