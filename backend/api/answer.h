/*
 * Answers that more than one handler gives: errors in the form of each face of
 * the product, and records with their validators. The only place that writes
 * error bodies.
 */
#ifndef API_ANSWER_H
#define API_ANSWER_H

#include "base/ctx.h"
#include "fhir/store.h"
#include "wire/http.h"

#define MEDIA_JSON	"application/json"
#define MEDIA_FHIR	"application/fhir+json"
#define MEDIA_FORM	"application/x-www-form-urlencoded"
#define MEDIA_NDJSON	"application/fhir+ndjson"	/* of bulk data */

/* Whose habits an answer follows. */
enum face {
	FACE_REST,	/* {"error":{code, message, field, requestId}} */
	FACE_FHIR,	/* OperationOutcome */
	FACE_OAUTH	/* RFC 6749 5.2 */
};

/*
 * Replace what was begun by the error err: status, body made of ctx's issues,
 * and the fields that belong to that status. need is the scope that would have
 * allowed it (of ERR_SCOPE; may be empty). The text of an ERR_INTERNAL goes to
 * the log alone.
 */
void	answer_fault(struct ctx *ctx, enum face face, enum err err,
	    struct str need, struct http_answer *answer);

/* What may not be stored by anybody on the way. RFC 9111 5.2.2 */
void	answer_private(struct http_answer *answer);

/* ETag W/"ver" and Last-Modified of a record. R4 http.html#versions */
void	answer_validators(const struct record *record,
	    struct http_answer *answer);

/* Location: BASE/Type/id/_history/ver. R4 http.html#create */
void	answer_location(const struct ctx *ctx, const struct record *record,
	    struct http_answer *answer);

/* 200 and one body of that media type. */
void	answer_body(struct http_answer *answer, const char *media,
	    struct str body);

/* The FHIR base URL, without a slash at its end. */
struct str	answer_fhir_base(const struct ctx *ctx);

#endif
