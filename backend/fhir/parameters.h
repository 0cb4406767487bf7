/*
 * What an operation is given and what it answers. The input comes from a query,
 * from a Parameters resource, or is the one resource that the operation wants,
 * and is checked against a table of what it may be; the answer is written as a
 * Parameters resource. R4 operations.html#executing, parameters.html
 */
#ifndef FHIR_PARAMETERS_H
#define FHIR_PARAMETERS_H

#include "base/buf.h"
#include "base/ctx.h"
#include "base/jdoc.h"
#include "fhir/r4.h"
#include "wire/http.h"

enum parameter_use { PARAMETER_IN, PARAMETER_OUT, PARAMETER_PART };

/*
 * A row of such a table, which a row without a name ends. PARAMETER_PART is a
 * part of the nearest row above that is none. The type is a primitive ("uri"),
 * a complex type ("Coding"), a resource type ("ValueSet"), "Resource" for any,
 * or NULL: it has parts.
 */
struct parameter_kind {
	const char		*name;
	enum parameter_use	 use;
	const char		*type;
	uint8_t			 min;
	bool			 many;		/* max is "*", else "1" */
	const char		*documentation;
};

/* One value that was given. */
struct parameter {
	const struct parameter_kind	*kind;
	/* Of a primitive: its content (decoded), the number as written, or
	 * "true" and "false"; of others empty. */
	struct str			 text;
	/* Of what came in a body: its value, the resource, or (of one with
	 * parts) the parameter itself. doc is NULL when it came in a query. */
	const struct jdoc		*doc;
	uint32_t			 node;
};

struct parameters {
	struct parameter	*v;
	size_t			 n;
};

/* Where an operation's input comes from. */
struct parameters_given {
	const struct http_params	*query;
	const struct jdoc		*doc;	/* the body; NULL = none */
	uint32_t			 node;	/* in doc */
	bool				 lenient;
};

/*
 * Read what was given, in the order given: the query's, then the body's when
 * doc is not NULL. A body that is no Parameters resource is taken for the first
 * row of its type. Refused, by name: what the table does not know
 * (ERR_INVALID_REQUEST with the nearest name; left out when lenient), a second
 * value of what may be given once, a wrong type or form, a complex value in a
 * query (ERR_INVALID_PARAMETER in the query, ERR_VALIDATION in the body), and
 * the absence of what must be there (ERR_MISSING_PARAMETER).
 */
enum err	parameters_read(struct ctx *ctx,
		    const struct parameter_kind *kinds,
		    const struct parameters_given *given,
		    struct parameters *out);

/* The first of that name, NULL when none was given; its text, STR_NONE when
 * none was given; whether it was given as true. */
const struct parameter	*parameters_get(const struct parameters *p,
			    const char *name);
struct str		 parameters_text(const struct parameters *p,
			    const char *name);
bool			 parameters_true(const struct parameters *p,
			    const char *name);

/* A whole number; *out is untouched when it was not given. Its form has been
 * checked; one above `max` is ERR_INVALID_PARAMETER. */
enum err		 parameters_number(struct ctx *ctx,
			    const struct parameters *p, const char *name,
			    uint64_t max, uint64_t *out);

/* --- writing ---------------------------------------------------------------
 * parameters_begin, then any of the others, then parameters_end. member is
 * "valueCode" or "resource". A part is opened by its parameter's name and
 * holds what is added until it is closed. */

struct parameters_out {
	struct buf	b;
	bool		more;		/* a comma comes first */
};

struct parameters_out	parameters_begin(struct ctx *ctx);
void		parameters_add(struct parameters_out *o, const char *name,
		    const char *member, struct str text);
void		parameters_add_json(struct parameters_out *o, const char *name,
		    const char *member, struct str json);
void		parameters_open(struct parameters_out *o, const char *name);
void		parameters_close(struct parameters_out *o);
struct str	parameters_end(struct parameters_out *o);

#endif
