/*
 * Request header fields made into types. Pure functions over strangers' text.
 */
#ifndef API_FIELD_H
#define API_FIELD_H

#include "base/str.h"

/*
 * Which of our media types an Accept field likes best: MEDIA_FHIR or
 * MEDIA_JSON (answer.h), or NULL when neither. Of equals, `usual` wins; an
 * empty field accepts all. RFC 9110 12.5.1
 */
const char	*field_accept(struct str accept, const char *usual);

/* The same for the value of _format; NULL when we cannot.
 * R4 http.html#parameters */
const char	*field_format(struct str format);

/* Content-Type is JSON in UTF-8. R4 http.html#mime-type */
bool		field_is_json(struct str content_type);

/* What Prefer asks for. RFC 7240; R4 http.html#ops */
struct prefer {
	enum { PREFER_NOTHING, PREFER_MINIMAL, PREFER_REPRESENTATION,
	    PREFER_OUTCOME } ret;
	bool	lenient;
};

struct prefer	field_prefer(struct str prefer);

/* The version of an If-Match of one tag: W/"3" or "3". False when it is
 * something else. R4 http.html#concurrency */
bool		field_version(struct str if_match, int32_t *ver);

/* If-None-Match names version ver, or is "*". RFC 9110 13.1.2 */
bool		field_none_match(struct str if_none_match, int32_t ver);

#endif
