/*
 * A JSON document that is being changed. It begins as one node of a jdoc and is
 * opened as deep as it is looked at; whatever was not changed is written as the
 * very bytes it was read from, so 1.10 stays 1.10.
 *
 * Children are values of an array (name empty) or members of an object, in
 * their order. A tree hangs in one place only: what shall be there twice is
 * copied.
 */
#ifndef FHIR_TREE_H
#define FHIR_TREE_H

#include "base/buf.h"
#include "base/jdoc.h"

/* A change may copy what it made before, and so double it each time. */
#define TREE_VALUES_MAX	((size_t)400 * 1000)
#define TREE_BYTES_MAX	((size_t)32 * 1024 * 1024)
#define TREE_DEPTH_MAX	64

/* What all trees of one change share. */
struct forest {
	struct arena	*arena;
	size_t		 values;	/* made so far */
	bool		 large;		/* above one of the bounds: what */
	bool		 deep;		/* was made is not whole */
};

struct tree;

struct branch {
	struct str	 name;		/* decoded; empty in an array */
	struct str	 source;	/* of the name, with its quotes */
	struct tree	*value;
};

struct tree {
	struct tree		*up;	/* what it hangs in; NULL at the root */
	const struct jdoc	*d;	/* where it came from; NULL of one */
	uint32_t		 node;	/* that was made here, which is open */
	enum jdoc_type		 type;
	bool			 open;	/* v is filled */
	bool			 changed;	/* it, or something in it */
	struct branch		*v;
	size_t			 n, room;
};

/* The value at a node of d, which must outlive the forest; an empty object or
 * array; null. */
struct tree	*tree_of(struct forest *f, const struct jdoc *d,
		    uint32_t node);
struct tree	*tree_new(struct forest *f, enum jdoc_type type);

/* A copy that hangs nowhere. */
struct tree	*tree_copy(struct forest *f, const struct tree *t);

/* Fill v of an object or array; of others n stays 0. */
void		tree_open(struct forest *f, struct tree *t);

/* The member of that name: its value, or NULL; and its place, SIZE_MAX when
 * there is none. NULL and SIZE_MAX of what is no object. */
struct tree	*tree_get(struct forest *f, struct tree *object,
		    struct str name);
size_t		tree_find(struct forest *f, struct tree *object,
		    struct str name);

/* Put a value that hangs nowhere before the i-th, i <= n; in the place of the
 * i-th; take the i-th away. All of an open tree. */
void		tree_insert(struct forest *f, struct tree *t, size_t i,
		    struct str name, struct tree *value);
void		tree_replace(struct tree *t, size_t i, struct tree *value);
void		tree_remove(struct tree *t, size_t i);

/* The member of that name gets the value, at the end when it is new. */
void		tree_set(struct forest *f, struct tree *object,
		    struct str name, struct tree *value);

/* Equal as JSON: members in any order, numbers by their value, exactly. RFC
 * 6902 4.6 */
bool		tree_equal(struct forest *f, struct tree *a, struct tree *b);

/* The decoded text of a string; STR_NONE of others. */
struct str	tree_text(struct forest *f, const struct tree *t);

/* The whole as bytes; sets f->large or f->deep when it is too much. */
struct str	tree_write(struct forest *f, const struct tree *t);

#endif
