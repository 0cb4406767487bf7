/* The table of tiers. */

#include "oauth/tier.h"

/* 2care specification, "Rate limiting" */
static const struct tier {
	const char		*name;
	struct tier_limits	 limits;
} tiers[] = {
	{ "standard",		{ 1000, 100 } },
	{ "professional",	{ 5000, 500 } },
	{ "enterprise",		{ 1000, 100 } },
};

#define NTIERS	(sizeof(tiers) / sizeof(tiers[0]))

static const struct tier *
tier_named(struct str name)
{
	for (size_t i = 0; i < NTIERS; i++)
		if (str_eqz(name, tiers[i].name))
			return &tiers[i];
	return NULL;
}

bool
tier_known(struct str name)
{
	return tier_named(name) != NULL;
}

struct tier_limits
tier_limits(struct str name)
{
	const struct tier *tier = tier_named(name);

	return (tier != NULL ? tier : &tiers[0])->limits;
}
