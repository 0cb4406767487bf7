/*
 * The inner searches of chains and _has, run ahead of the outer one.
 */
#ifndef FHIR_SEARCH_GATHER_H
#define FHIR_SEARCH_GATHER_H

#include "fhir/search_plan.h"

/* SEARCH_LINK_MAX, but in tests, which have few records. */
extern size_t	search_link_max;

/*
 * Make p, whose condition is a CHAIN or REVERSE on type, ask for what its inner
 * searches find: of CHAIN the lists of its reference, of REVERSE the records
 * that are referred to. p->dense when that is more than SEARCH_LINK_MAX records
 * or comes of more than SEARCH_LINK_ROWS rows.
 */
enum err	search_probe_link(struct ctx *ctx, struct key_space space,
		    const struct r4_type *type, struct probe *p);

/*
 * Fill the dense probes of plan by way of the records that its other probes
 * leave. ERR_NOT_SUPPORTED, naming the condition, when these are as many.
 */
enum err	search_narrow(struct ctx *ctx, struct key_space space,
		    struct plan *plan);

#endif
