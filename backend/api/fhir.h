/*
 * The handlers of /v3/fhir. Each names its steps; what is done is done by the
 * layers below. R4 http.html
 */
#ifndef API_FHIR_H
#define API_FHIR_H

#include "api/route.h"

route_handler	fhir_read, fhir_history, fhir_search, fhir_search_form,
		fhir_create, fhir_update, fhir_delete, fhir_bundle,
		fhir_capabilities, fhir_validate,
		fhir_expand, fhir_validate_code, fhir_lookup;

/* Ahead of fhir_read, which answers read and vread. */
route_ask	fhir_ask_read;

/* Conditional update and delete, which are not offered. */
route_handler	fhir_conditional;

/* ERR_NOT_FOUND for what can be nobody's id. */
enum err	fhir_check_id(struct ctx *ctx, struct str id);

#endif
