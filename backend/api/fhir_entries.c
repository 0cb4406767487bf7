/* The handler of posted Bundles, whose entries are requests of their own. */

#include "api/fhir.h"

#include "api/authorize.h"
#include "api/request.h"
#include "fhir/bundle.h"

#define FHIR_PATH	"/v3/fhir/"

/* What a part needs to know of the whole. */
struct part {
	const struct call		*whole;
	const struct bundle_request	*request;
};

/* The fields of a part are the members of its request; what says who asks is
 * that of the whole. Its answer is a resource in a Bundle, whatever Accept
 * says. */
static struct str
part_var(const struct http_req *req, const char *name)
{
	const struct part *part = req->transport;
	const struct bundle_request *r = part->request;
	const struct {
		const char	*name;
		struct str	 value;
	} fields[] = {
		{ "HTTP_IF_MATCH",		r->if_match },
		{ "HTTP_IF_NONE_MATCH",		r->if_none_match },
		{ "HTTP_IF_NONE_EXIST",		r->if_none_exist },
		{ "HTTP_IF_MODIFIED_SINCE",	r->if_modified_since },
		{ "HTTP_ACCEPT",		STR_NONE },
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (strcmp(name, fields[i].name) == 0)
			return fields[i].value;
	return part->whole->req->var(part->whole->req, name);
}

/* The request that a part stands for. Its path needs no decoding: no character
 * of types, ids and operations may be percent-encoded only. */
static enum err
ask_part(struct ctx *ctx, void *world, const struct bundle_request *request,
    struct http_answer *answer)
{
	struct part part = { .whole = world, .request = request };
	struct str rest = request->url;
	struct str path = str_cut(&rest, '?');
	struct http_req req = {
		.method = http_method_named(request->method),
		.method_name = request->method,
		.path = arena_printf(ctx->arena, FHIR_PATH "%.*s",
		    STR_ARGS(path)),
		.query = rest.p == NULL ? STR_NONE : rest,
		.content_type = STR(MEDIA_FHIR),
		.var = part_var,
		.transport = &part,
	};

	(void)http_params_parse(ctx->arena, req.query, true, &req.params);
	return request_part(ctx, part.whole, &req, request->doc,
	    request->node, answer);
}

enum err
fhir_bundle(struct ctx *ctx, const struct call *call,
    struct http_answer *answer)
{
	static const enum bundle_returns returns[] = {
		[PREFER_NOTHING] = BUNDLE_MINIMAL,
		[PREFER_MINIMAL] = BUNDLE_MINIMAL,
		[PREFER_REPRESENTATION] = BUNDLE_RECORD,
		[PREFER_OUTCOME] = BUNDLE_OUTCOME,
	};
	struct call whole = *call;
	struct provenance provenance;
	struct bundle_host host = {
		.allow = authorize_entry,
		.ask = ask_part,
		.world = &whole,
		.base = answer_fhir_base(ctx),
		.returns = returns[call->prefer.ret],
		.provenance = &provenance,
	};
	enum err err = fhir_take_provenance(ctx, call, &provenance);

	if (err != OK)
		return err;
	if (whole.prefer.ret == PREFER_NOTHING)
		whole.prefer.ret = PREFER_MINIMAL;
	answer_private(answer);
	answer->content_type = call->media;
	return bundle_run(ctx, call->doc, &host, answer);
}
