/* A Bundle that was posted to the base: which kind it is, and how it is run. */

#include "fhir/bundle_entry.h"

static const struct {
	const char	*type;
	enum err	(*run)(struct ctx *ctx, const struct jdoc *d,
			    const struct bundle_host *host,
			    struct http_answer *answer);
} kinds[] = {
	{ "transaction",	bundle_transaction },
	{ "batch",		bundle_batch },
};

enum err
bundle_run(struct ctx *ctx, const struct jdoc *d,
    const struct bundle_host *host, struct http_answer *answer)
{
	struct str type;

	if (jdoc_type(d, 0) != JDOC_OBJECT ||
	    !jdoc_is(d, jdoc_get(d, 0, STR("resourceType")), STR("Bundle")))
		return fail(ctx, ERR_INVALID_REQUEST, "the body must be a "
		    "Bundle of type \"transaction\" or \"batch\"");
	type = bundle_text(ctx, d, jdoc_get(d, 0, STR("type")));
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (str_eqz(type, kinds[i].type))
			return kinds[i].run(ctx, d, host, answer);
	return fail_at(ctx, ERR_INVALID_REQUEST, STR("Bundle.type"),
	    "must be \"transaction\" or \"batch\"");
}
