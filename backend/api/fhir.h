/*
 * The handlers of /v3/fhir. Each names its steps; what is done is done by the
 * layers below. R4 http.html
 */
#ifndef API_FHIR_H
#define API_FHIR_H

#include "api/route.h"
#include "fhir/provenance.h"

route_handler	fhir_read, fhir_search, fhir_search_form,
		fhir_create, fhir_update, fhir_delete, fhir_bundle,
		fhir_capabilities, fhir_validate,
		fhir_expand, fhir_validate_code, fhir_lookup;

/* Ahead of fhir_read, which answers read and vread. */
route_ask	fhir_ask_read;

/* The versions of a record, of a type, of all types that may be read. */
route_handler	fhir_history, fhir_history_type, fhir_history_system;
#define FHIR_HISTORY_PARAMS						\
	"_count _since _at _sort _list _summary _elements"

/* Patient/<id>/$everything, Encounter/<id>/$everything. */
route_handler	fhir_everything;

/* Observation/$lastn. */
route_handler	fhir_lastn;

/* Conditional update and delete, and the way of fhir_create with If-None-Exist
 * (fhir_conditional.c). */
route_handler	fhir_update_by, fhir_delete_by, fhir_create_by;

/* Changes of elements, by id and by criteria (fhir_patch.c); of labels
 * (fhir_meta.c). */
route_handler	fhir_patch, fhir_patch_by, fhir_meta, fhir_meta_add,
		fhir_meta_delete;

/* Who else a Patient may be (fhir_match.c). */
route_handler	fhir_match;

/* --- steps of handlers that write ----------------------------------------- */

/* The body is a resource of the address's type. */
enum err	fhir_check_body(struct ctx *ctx, const struct call *call);

/* X-Provenance, and the right to store it; its changes are the caller's. */
enum err	fhir_take_provenance(struct ctx *ctx, const struct call *call,
		    struct provenance *out);

/* If-Match and If-None-Match as in struct change. */
enum err	fhir_take_match(struct ctx *ctx, const struct call *call,
		    int32_t *match);

/* The answer to a creation or update, and to a deletion (ver 0: of nothing).
 * Prefer decides what it shows. R4 http.html#ops */
void		fhir_answer_written(struct ctx *ctx, const struct call *call,
		    const struct record *after, bool created,
		    struct http_answer *answer);
void		fhir_answer_deleted(struct ctx *ctx, const struct call *call,
		    const struct record *after, struct http_answer *answer);

/* ERR_NOT_FOUND for what can be nobody's id. */
enum err	fhir_check_id(struct ctx *ctx, struct str id);

/* A link's query with _format and _pretty as they were sent: whoever follows it
 * wants the same form. */
struct str	fhir_link(struct ctx *ctx, const struct call *call,
		    struct str query);

#endif
