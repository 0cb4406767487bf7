/*
 * The rate limits that the specification gives each tier.
 */
#ifndef OAUTH_TIER_H
#define OAUTH_TIER_H

#include <stdint.h>

#include "base/str.h"

/* Requests per window; 0 = no limit. */
struct tier_limits {
	uint32_t	hour;
	uint32_t	minute;
};

/* Whether name is a tier, and its limits. Those of enterprise are each client's
 * own; what is returned for it, and for an unknown name, is standard's. */
bool			tier_known(struct str name);
struct tier_limits	tier_limits(struct str name);

#endif
