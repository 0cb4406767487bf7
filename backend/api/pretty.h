/* JSON for human eyes: what _pretty=true asks for. R4 http.html#parameters */
#ifndef API_PRETTY_H
#define API_PRETTY_H

#include "wire/http.h"

/* Larger bodies stay as they are: indented ones may be many times as long. */
#define PRETTY_MAX_BYTES	((size_t)1024 * 1024)

/*
 * Put the blanks between the tokens of answer's body, which is JSON, so that
 * each member has its line; names and values keep their bytes.
 */
void	pretty_answer(struct http_answer *answer);

#endif
