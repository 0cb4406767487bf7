/*
 * The CapabilityStatement: what this server does, from the same tables that do
 * it: types and their parameters (fhir/r4.h), what can be asked of these
 * (fhir/search.h), what any scope allows (fhir/scope.h). R4
 * capabilitystatement.html, http.html#capabilities
 */

#include "api/fhir.h"

#include "api/operation.h"
#include "base/buf.h"
#include "base/conf.h"
#include "base/hash.h"
#include "fhir/match.h"
#include "fhir/patch.h"
#include "fhir/scope.h"
#include "fhir/search.h"

/* When what it says was last changed. */
#define CHANGED		"2026-11-23"

#define ROOM_BYTES	(512 * 1024)

/* R4 valueset-type-restful-interaction.html, and the right that each needs. */
static const struct {
	const char		*code;
	enum scope_verb		 verb;
} interactions[] = {
	{ "read",		SCOPE_R },
	{ "vread",		SCOPE_R },
	{ "history-instance",	SCOPE_R },
	{ "history-type",	SCOPE_R },
	{ "search-type",	SCOPE_S },
	{ "create",		SCOPE_C },
	{ "update",		SCOPE_U },
	{ "patch",		SCOPE_U },
	{ "delete",		SCOPE_D },
};

#define NINTERACTIONS	(sizeof(interactions) / sizeof(interactions[0]))

/* What the tables cannot say. */
static const char documentation[] = "Answers are JSON, or with _pretty=true "
    "indented JSON. What a search cannot ask is refused, or with Prefer: "
    "handling=lenient left out. Prefer: return decides what a write answers; "
    "without it that is the record. Transactions hold up to 10,000 entries, "
    "batches 2,000. A parameter's documentation lists its modifiers. "
    "Searches may go through references, by chains and _has, three at most. "
    "_summary and _elements are of searches, reads and histories. Pages have "
    "50 entries, with _count up to 1,000, and end behind 8 MB. "
    "_total=estimate is exact up to 20,000.";

/* Nobody may write an AuditEvent, or change a Provenance. */
static bool
anybody_may(const struct r4_type *type, enum scope_verb verb)
{
	return scope_needed(type, verb).n > 0;
}

static void
add_interactions(struct buf *b, const struct r4_type *type)
{
	const char *before = "";

	for (size_t i = 0; i < NINTERACTIONS; i++) {
		if (!anybody_may(type, interactions[i].verb))
			continue;
		buf_addf(b, "%s{\"code\":\"%s\"}", before,
		    interactions[i].code);
		before = ",";
	}
}

static void
add_modifiers(struct buf *b, const struct r4_param *param)
{
	const char *name = search_param_modifier(param, 0);

	if (name == NULL)
		return;
	buf_addz(b, ",\"documentation\":\"");
	for (unsigned i = 0; name != NULL; name = search_param_modifier(param,
	    ++i))
		buf_addf(b, "%s:%s", i > 0 ? " " : "", name);
	buf_addz(b, param->kind == R4_REFERENCE ? " :[type]\"" : "\"");
}

static void
add_params(struct buf *b, const struct r4_type *type)
{
	const char *before = "";

	for (size_t i = 0; i < type->nparams; i++) {
		const struct r4_param *param = type->params[i];

		if (search_param_type(param) == NULL)
			continue;
		buf_addf(b, "%s{\"name\":\"%s\",\"definition\":\"%s\","
		    "\"type\":\"%s\"", before, param->code, param->url,
		    search_param_type(param));
		add_modifiers(b, param);
		buf_addc(b, '}');
		before = ",";
	}
}

/* What can be asked of records of a type, or (NULL) of the whole system. */
static void
add_operations(struct ctx *ctx, struct buf *b, const struct r4_type *type)
{
	const char *before = ",\"operation\":[";
	struct str id;

	for (size_t i = 0; i < operations_count; i++) {
		const struct operation *o = &operations[i];

		if (type == NULL ? (o->levels & OPERATION_SYSTEM) == 0 :
		    (o->levels & ~OPERATION_SYSTEM) == 0 ||
		    !operation_is_of(o, type))
			continue;
		id = operation_id(ctx->arena, o);
		buf_addf(b, "%s{\"name\":\"%s\",\"definition\":"
		    "\"%s/fhir/OperationDefinition/%.*s\"}", before, o->name,
		    ctx->conf->base_url, STR_ARGS(id));
		before = ",";
	}
	if (strcmp(before, ",") == 0)
		buf_addc(b, ']');
}

/* Who writes by criteria learns what meets them. */
static bool
by_criteria(const struct r4_type *type, enum scope_verb verb)
{
	return anybody_may(type, verb) && anybody_may(type, SCOPE_S);
}

/* R4 valueset-reference-handling-policy.html */
static const char *
reference_policy(const struct conf *conf)
{
	return conf->keep_referred && conf->keep_whole ?
	    "\"literal\",\"logical\",\"enforced\"" :
	    "\"literal\",\"logical\"";
}

static const char *
truth(bool is)
{
	return is ? "true" : "false";
}

/* What _include and _revinclude can name: references of source, to target. */
static void
add_includes(struct buf *b, const struct r4_type *source,
    const struct r4_type *target)
{
	for (size_t t = 0; t < r4_types_count; t++) {
		const struct r4_type *type = &r4_types[t];

		for (size_t i = 0; (source == NULL || source == type) &&
		    i < type->nparams; i++)
			if (search_can_include(type->params[i], target))
				buf_addf(b, ",\"%s:%s\"", type->name,
				    type->params[i]->code);
	}
}

static void
add_type(struct ctx *ctx, struct buf *b, const struct r4_type *type)
{
	buf_addf(b, "{\"type\":\"%s\",\"profile\":\"http://hl7.org/fhir/"
	    "StructureDefinition/%s\",\"interaction\":[", type->name,
	    type->name);
	add_interactions(b, type);
	buf_addf(b, "],\"versioning\":\"versioned\",\"readHistory\":true,"
	    "\"updateCreate\":%s,\"conditionalCreate\":%s,"
	    "\"conditionalRead\":\"full-support\","
	    "\"conditionalUpdate\":%s,"
	    "\"conditionalDelete\":\"%s\","
	    "\"referencePolicy\":[%s],"
	    "\"searchParam\":[", truth(anybody_may(type, SCOPE_U)),
	    truth(by_criteria(type, SCOPE_C)),
	    truth(by_criteria(type, SCOPE_U)),
	    !by_criteria(type, SCOPE_D) ? "not-supported" :
	    ctx->conf->delete_many ? "multiple" : "single",
	    reference_policy(ctx->conf));
	add_params(b, type);
	buf_addz(b, "],\"searchInclude\":[\"*\"");
	add_includes(b, type, NULL);
	buf_addz(b, "],\"searchRevInclude\":[\"*\"");
	add_includes(b, NULL, type);
	buf_addc(b, ']');
	add_operations(ctx, b, type);
	buf_addc(b, '}');
}

/* R4 extension-oauth-uris.html: the endpoints that there are. */
static void
add_security(struct buf *b, const struct conf *conf)
{
	buf_addf(b, "\"security\":{\"extension\":[{\"url\":\"http://"
	    "fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris\","
	    "\"extension\":[{\"url\":\"token\",\"valueUri\":"
	    "\"%s/oauth/token\"}]}],\"cors\":false,\"service\":[{"
	    "\"coding\":[{\"system\":\"http://terminology.hl7.org/"
	    "CodeSystem/restful-security-service\",\"code\":\"OAuth\"}]}],"
	    "\"description\":\"OAuth 2.0 bearer tokens of %s\"}",
	    conf->issuer, conf->issuer);
}

/* Of the owners that HL7 defines. */
static void
add_compartments(struct buf *b)
{
	buf_addz(b, ",\"compartment\":[");
	for (size_t i = 0; i < R4_OWNERS; i++) {
		const char *name = r4_owners[i]->name;

		buf_addf(b, "%s\"http://hl7.org/fhir/CompartmentDefinition/"
		    "%c%s\"", i > 0 ? "," : "", name[0] | 0x20, name + 1);
	}
	buf_addc(b, ']');
}

static struct str
statement(struct ctx *ctx)
{
	const struct conf *conf = ctx->conf;
	struct buf b = buf_new(ctx->arena, ROOM_BYTES);

	buf_addf(&b, "{\"resourceType\":\"CapabilityStatement\","
	    "\"status\":\"active\",\"date\":\"" CHANGED "\","
	    "\"kind\":\"instance\",\"software\":{\"name\":\"2care\","
	    "\"version\":\"" TWOCARE_VERSION "\"},"
	    "\"implementation\":{\"description\":\"2care (%s)\","
	    "\"url\":\"%s/fhir\"},\"fhirVersion\":\"4.0.1\","
	    "\"format\":[\"" MEDIA_FHIR "\",\"" MEDIA_JSON "\",\"json\"],"
	    "\"patchFormat\":[\"" MEDIA_JSON_PATCH "\",\"" MEDIA_FHIR "\"],"
	    "\"rest\":[{\"mode\":\"server\",\"documentation\":\"%s\",",
	    conf->environment, conf->base_url, documentation);
	add_security(&b, conf);
	buf_addz(&b, ",\"resource\":[");
	for (size_t i = 0; i < r4_types_count; i++) {
		if (i > 0)
			buf_addc(&b, ',');
		add_type(ctx, &b, &r4_types[i]);
	}
	buf_addz(&b, "],\"interaction\":[{\"code\":\"transaction\"},"
	    "{\"code\":\"batch\"},{\"code\":\"history-system\"},"
	    "{\"code\":\"search-system\"}]");
	add_compartments(&b);
	add_operations(ctx, &b, NULL);
	buf_addz(&b, "}]}");
	return buf_str(&b);
}

/* R4 http.html#capabilities; all of ours is normative or says so. */
static enum err
check_mode(struct ctx *ctx, const struct call *call)
{
	struct str mode = http_param(&call->params, STR("mode"));

	if (mode.p == NULL || str_eqz(mode, "full") ||
	    str_eqz(mode, "normative"))
		return OK;
	return fail_at(ctx, str_eqz(mode, "terminology") ? ERR_NOT_SUPPORTED :
	    ERR_INVALID_PARAMETER, STR("mode"), "mode must be full or "
	    "normative: there are no TerminologyCapabilities");
}

/* A name of these bytes as they are. RFC 9110 8.8.3 */
static struct str
tag_of(struct arena *arena, struct str body)
{
	return arena_printf(arena, "W/\"%016llx\"",
	    (unsigned long long)siphash((struct siphash_key){ 0, 0 }, body));
}

enum err
fhir_capabilities(struct ctx *ctx, const struct call *call,
    struct http_answer *answer)
{
	struct str body, tag;
	enum err err;

	if ((err = check_mode(ctx, call)) != OK)
		return err;
	body = statement(ctx);
	tag = tag_of(ctx->arena, body);
	http_field(answer, "Cache-Control", STR("public, max-age=3600"));
	http_field(answer, "ETag", tag);
	if (match_tag(call->req->var(call->req, "HTTP_IF_NONE_MATCH"), tag))
		answer->status = 304;
	else
		answer_body(answer, call->media, body);
	return OK;
}
