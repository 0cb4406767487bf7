/* If-Match and If-None-Match. */

#include "fhir/match.h"

#include "fhir/store.h"

bool
match_version(struct str tag, int32_t *ver)
{
	uint64_t n;

	tag = str_trim(tag);
	if (str_starts(tag, STR("W/")))
		tag = str_from(tag, 2);
	if (tag.n < 3 || tag.p[0] != '"' || tag.p[tag.n - 1] != '"')
		return false;
	tag = (struct str){ tag.p + 1, tag.n - 2 };
	if (!str_u64(tag, INT32_MAX, &n) || n == 0)
		return false;
	*ver = (int32_t)n;
	return true;
}

bool
match_none(struct str tags, int32_t ver)
{
	int32_t one;

	if (str_eqz(str_trim(tags), "*"))
		return true;
	while (tags.p != NULL)
		if (match_version(str_cut(&tags, ','), &one) && one == ver)
			return true;
	return false;
}

bool
match_tag(struct str tags, struct str tag)
{
	if (str_eqz(str_trim(tags), "*"))
		return true;
	while (tags.p != NULL)
		if (str_eq(str_trim(str_cut(&tags, ',')), tag))
			return true;
	return false;
}

const char *
match_write(struct str tag, struct str none, int32_t *match)
{
	*match = MATCH_ANY;
	if (none.n > 0 && (tag.n > 0 || !str_eqz(str_trim(none), "*")))
		return "If-None-Match of a write must be *, and without "
		    "If-Match";
	if (none.n > 0)
		*match = MATCH_NONE;
	else if (str_eqz(str_trim(tag), "*"))
		*match = MATCH_SOME;
	else if (tag.n > 0 && !match_version(tag, match))
		return "If-Match must be one version, like W/\"3\", or *";
	return NULL;
}
