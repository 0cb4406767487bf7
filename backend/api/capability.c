/*
 * The CapabilityStatement: what this server does, from the same tables that do
 * it. R4 capabilitystatement.html, http.html#capabilities
 */

#include "api/fhir.h"

#include "base/buf.h"
#include "base/conf.h"
#include "fhir/search.h"

/* What every type can do, but AuditEvent and Provenance. */
static const char *const interactions[] = { "read", "vread", "update",
	"delete", "history-instance", "create", "search-type", NULL };
static const char *const audit_interactions[] = { "read", "vread",
	"history-instance", "search-type", NULL };
static const char *const provenance_interactions[] = { "read", "vread",
	"history-instance", "create", "search-type", NULL };

static const char *const *
type_interactions(const struct r4_type *type)
{
	if (strcmp(type->name, "AuditEvent") == 0)
		return audit_interactions;
	if (strcmp(type->name, "Provenance") == 0)
		return provenance_interactions;
	return interactions;
}

static void
add_type(struct buf *b, const struct r4_type *type)
{
	const char *const *name = type_interactions(type);
	const char *before = "";

	buf_addf(b, "{\"type\":\"%s\",\"interaction\":[", type->name);
	for (; *name != NULL; name++, before = ",")
		buf_addf(b, "%s{\"code\":\"%s\"}", before, *name);
	buf_addf(b, "],\"versioning\":\"versioned\",\"readHistory\":true,"
	    "\"updateCreate\":%s,\"conditionalCreate\":false,"
	    "\"conditionalRead\":\"full-support\","
	    "\"conditionalUpdate\":false,"
	    "\"conditionalDelete\":\"not-supported\",\"searchParam\":[",
	    type_interactions(type) == interactions ? "true" : "false");
	before = "";
	for (size_t i = 0; i < type->nparams; i++) {
		const struct r4_param *param = type->params[i];

		if (search_param_type(param) == NULL)
			continue;
		buf_addf(b, "%s{\"name\":\"%s\",\"definition\":\"%s\","
		    "\"type\":\"%s\"}", before, param->code, param->url,
		    search_param_type(param));
		before = ",";
	}
	buf_addz(b, "]}");
}

enum err
fhir_capabilities(struct ctx *ctx, const struct call *call,
    struct http_answer *answer)
{
	struct buf b = buf_new(ctx->arena, 256 * 1024);
	const char *before = "";

	buf_addf(&b, "{\"resourceType\":\"CapabilityStatement\","
	    "\"status\":\"active\",\"date\":\"2026-01-15\","
	    "\"kind\":\"instance\",\"software\":{\"name\":\"2care\"},"
	    "\"implementation\":{\"description\":\"2care (%s)\","
	    "\"url\":\"%s/fhir\"},\"fhirVersion\":\"4.0.1\","
	    "\"format\":[\"" MEDIA_FHIR "\",\"json\"],"
	    "\"rest\":[{\"mode\":\"server\",\"security\":{\"cors\":false,"
	    "\"service\":[{\"coding\":[{\"system\":\"http://terminology.hl7."
	    "org/CodeSystem/restful-security-service\",\"code\":\"OAuth\"}]}],"
	    "\"description\":\"OAuth 2.0 bearer tokens of %s\"},"
	    "\"resource\":[", ctx->conf->environment, ctx->conf->base_url,
	    ctx->conf->issuer);
	for (size_t i = 0; i < r4_types_count; i++, before = ",") {
		buf_addz(&b, before);
		add_type(&b, &r4_types[i]);
	}
	buf_addz(&b, "],\"interaction\":[{\"code\":\"transaction\"}]}]}");
	http_field(answer, "Cache-Control", STR("public, max-age=3600"));
	answer_body(answer, call->media, buf_str(&b));
	return OK;
}
