/*
 * What a client says of the version that it knows: If-Match and If-None-Match,
 * in header fields and in the entries of Bundles. Pure functions over
 * strangers' text. RFC 9110 13.1; R4 http.html#concurrency
 */
#ifndef FHIR_MATCH_H
#define FHIR_MATCH_H

#include <stdint.h>

#include "base/str.h"

/* The version of one entity tag of ours: W/"3" or "3". */
bool		match_version(struct str tag, int32_t *ver);

/* If-None-Match of a read names version ver, or is "*". RFC 9110 13.1.2 */
bool		match_none(struct str if_none_match, int32_t ver);

/* If-None-Match has that very tag, or is "*". */
bool		match_tag(struct str if_none_match, struct str tag);

/*
 * What both mean for a write, as in struct change: a version or MATCH_...;
 * either may be empty. NULL, or what is wrong with them: a static text.
 */
const char	*match_write(struct str if_match, struct str if_none_match,
		    int32_t *match);

#endif
