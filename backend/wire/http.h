/*
 * A request and an answer as values: what the FastCGI transport hands up and
 * takes back. No layer below api/ decides a status or writes an error body.
 */
#ifndef WIRE_HTTP_H
#define WIRE_HTTP_H

#include "base/arena.h"
#include "base/str.h"

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_PUT, HTTP_PATCH,
	HTTP_DELETE, HTTP_OPTIONS, HTTP_METHOD__MAX };

/* HTTP_METHOD__MAX when there is no such method here; names are
 * case-sensitive (RFC 9110 9.1). And back; "other" for HTTP_METHOD__MAX. */
enum http_method	http_method_named(struct str name);
const char		*http_method_name(enum http_method method);

/* The reason phrase of a status that we send. RFC 9110 15 */
const char	*http_reason(int status);

/* One decoded name=value of a query or form, in the order sent. */
struct http_param {
	struct str	name;		/* "code:text": name with modifier */
	struct str	value;
};

struct http_params {
	struct http_param	*v;
	size_t			 n;
};

/* Bounds of a query or form: more is 400, never a slow request. */
#define HTTP_PARAMS_MAX		256

struct http_req {
	enum http_method	 method;
	struct str		 method_name;
	struct str		 path;		/* decoded, begins with '/' */
	struct str		 query;		/* as sent */
	struct http_params	 params;	/* of the query */
	struct str		 content_type;
	struct str		 body;
	bool			 body_too_large; /* and so dropped */
	/* A CGI variable ("HTTP_IF_MATCH", "EDGE_SCOPE"); empty when absent. */
	struct str		(*var)(const struct http_req *req,
				    const char *name);
	void			*transport;
};

/* Decode `a=b&c=d`; false when a component is not valid (percent_decode) or
 * there are more than HTTP_PARAMS_MAX. */
bool	http_params_parse(struct arena *arena, struct str text, bool plus,
	    struct http_params *out);

/* The value of the first parameter of that name; STR_NONE when absent. */
struct str	http_param(const struct http_params *params, struct str name);

struct http_field {
	struct http_field	*next;
	const char		*name;
	struct str		 value;
};

/* A part of a body: answers are sent as parts, never joined. */
struct http_part {
	struct http_part	*next;
	struct str		 bytes;
};

struct http_answer {
	struct arena		*arena;
	int			 status;
	const char		*content_type;	/* NULL = no body */
	struct http_field	*fields;
	struct http_field	**fields_end;
	struct http_part	*parts;
	struct http_part	**parts_end;
	size_t			 body_bytes;
	int64_t			 modified_us;	/* as Last-Modified, which has
						 * only seconds; 0 = none */
};

/* One request on its way. All of it lives until the answer has been sent. */
struct http_exchange {
	struct arena		*arena;
	struct http_req		 req;
	struct http_answer	 answer;
	void			*own;		/* of who answers it */
};

void	http_answer_init(struct http_answer *answer, struct arena *arena);

/* Add a header field; value is borrowed, and holds no CR or LF (asserted). */
void	http_field(struct http_answer *answer, const char *name,
	    struct str value);

/* Add to the body; the bytes are borrowed until the answer is sent. */
void	http_body(struct http_answer *answer, struct str bytes);

/* Forget the body: another one replaces it. */
void	http_body_clear(struct http_answer *answer);

/* Forget the body and fields: an error replaces what was begun. */
void	http_answer_clear(struct http_answer *answer);

#endif
