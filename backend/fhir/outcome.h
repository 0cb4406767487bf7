/* OperationOutcome of a ctx's issues. R4 operationoutcome.html */
#ifndef FHIR_OUTCOME_H
#define FHIR_OUTCOME_H

#include "base/ctx.h"

/* What every OperationOutcome of ours begins with. */
#define OUTCOME_BEGIN	"{\"resourceType\":\"OperationOutcome\",\"issue\":["

/* The issues of ctx->fault as one OperationOutcome; "all is well" when none. */
struct str	outcome_write(struct ctx *ctx);

#endif
