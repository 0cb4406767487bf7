/*
 * The handlers of bulk data: asking for an export or an import, and what became
 * of it. Bulk Data Access IG 2.0, export.html; R4 async.html
 */
#ifndef API_FHIR_BULK_H
#define API_FHIR_BULK_H

#include "api/route.h"

route_handler	fhir_export;
route_handler	fhir_import;

/* BASE/bulk/{id}: where Content-Location points. */
route_handler	fhir_bulk_status;
route_handler	fhir_bulk_cancel;

/* BASE/bulk/{id}/{vid}: a file, which nginx sends. */
route_handler	fhir_bulk_file;

#endif
