/*
 * Request header fields made into types. Pure functions over strangers' text.
 */
#ifndef API_FIELD_H
#define API_FIELD_H

#include "base/arena.h"
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

/* Content-Type is that media type, in UTF-8. */
bool		field_is(struct str content_type, const char *wanted);

/* What Prefer asks for; of a preference said twice the first counts. RFC 7240
 * 2; R4 http.html#ops, search.html#errors */
struct prefer {
	enum { PREFER_NOTHING, PREFER_MINIMAL, PREFER_REPRESENTATION,
	    PREFER_OUTCOME } ret;
	enum { HANDLING_NOTHING, HANDLING_STRICT, HANDLING_LENIENT } handling;
};

struct prefer	field_prefer(struct str prefer);

/* What was done of it, for Preference-Applied: empty when nothing was asked;
 * `writes` says whether `return` had a meaning. RFC 7240 3 */
struct str	field_applied(struct arena *arena, const struct prefer *prefer,
		    bool writes);

#endif
