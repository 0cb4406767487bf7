/*
 * The routes: one table that the router, 405 and OPTIONS, authorization and the
 * API description all read.
 */
#ifndef API_ROUTE_H
#define API_ROUTE_H

#include "api/answer.h"
#include "api/field.h"
#include "base/ctx.h"
#include "base/jdoc.h"
#include "fhir/r4.h"
#include "wire/http.h"

struct route;

/* What a handler is given: the request, taken apart. */
struct call {
	const struct http_req	*req;
	const struct route	*route;
	const struct r4_type	*type;	/* of {type}; else NULL */
	const struct r4_type	*owner;	/* of {owner}; else NULL */
	struct str		 id;	/* of {id}; not yet checked */
	int32_t			 vid;	/* of {vid}; else 0 */
	struct http_params	 params;	/* without _format, _pretty */
	struct str		 form;	/* these, as a link repeats them:
					 * "_format=json"; may be empty */
	bool			 pretty;
	struct prefer		 prefer;
	const char		*media;	/* the answer's media type */
	const struct jdoc	*doc;	/* of BODY_JSON, BODY_PATCH */
	uint32_t		 node;	/* in doc; 0, its root, but of a part
					 * of a batch */
	struct record_ask	*asked;	/* by the route's ask */
};

/* Ask ahead for what the handler will take (pg_ask), or say why not. Sends
 * nothing: requests that come together ask together. */
typedef enum err	route_ask(struct ctx *ctx, struct call *call);

/* Fill *answer (status 200 and no body so far), or say why not. */
typedef enum err	route_handler(struct ctx *ctx, const struct call *call,
			    struct http_answer *answer);

/* ALWAYS is public, and answered whatever the database's schema is. */
enum route_who { PUBLIC, TOKEN, ALWAYS };
enum route_pool { FAST, SLOW };	/* which workers nginx gives it to */
enum route_body { BODY_NONE, BODY_JSON, BODY_PATCH, BODY_OTHER };

struct route {
	enum http_method	 method;	/* GET serves HEAD too */
	const char		*path;		/* "/v3/fhir/{type}/{id}" */
	enum route_who		 who;
	unsigned		 verbs;		/* enum scope_verb on {type},
						 * all needed; 0 = the handler
						 * checks */
	enum route_pool		 pool;
	enum face		 face;
	enum route_body		 body;
	const char		*params;	/* that it knows, separated by
						 * blanks; "*" = checks them */
	route_handler		*handler;
	const char		*summary;
	route_ask		*ask;		/* NULL: the handler does all */
};

extern const struct route	routes[];
extern const size_t		routes_count;

/* What a path and method select. */
struct route_match {
	const struct route	*route;		/* NULL = none */
	unsigned		 allowed;	/* bit (1 << method) of each row
						 * whose path matches */
	struct str		 owner, type, id, vid;	/* slices of path */
};

/* One trailing slash is forgiven. */
void		route_find(enum http_method method, struct str path,
		    struct route_match *out);

/* The face of a path, also of one without a row. */
enum face	route_face(struct str path);

/* "GET, HEAD, PUT" of route_match.allowed, with OPTIONS. */
struct str	route_allow(struct arena *arena, unsigned allowed);

/* name is one of the parameters that route knows. */
bool		route_takes(const struct route *route, struct str name);

#endif
