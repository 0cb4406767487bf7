/* Asking for an export or an import. */

#include "api/fhir_bulk.h"

#include "api/fhir.h"
#include "api/operation.h"
#include "base/when.h"
#include "fhir/extract.h"
#include "fhir/outcome.h"
#include "fhir/scope.h"
#include "fhir/search.h"
#include "fhir/store.h"
#include "platform/export.h"
#include "platform/import.h"

/* --- what both need ------------------------------------------------------- */

/* Prefer: respond-async; nothing here is done while the client waits. RFC 7240
 * 4.1 */
static enum err
check_async(struct ctx *ctx, const struct call *call)
{
	struct str rest = call->req->var(call->req, "HTTP_PREFER");

	while (rest.p != NULL) {
		struct str one = str_cut(&rest, ',');

		if (str_ieq(str_trim(str_cut(&one, ';')),
		    STR("respond-async")))
			return OK;
	}
	return fail(ctx, ERR_INVALID_REQUEST, "send Prefer: respond-async: "
	    "the answer comes later");
}

/* The URL that was asked. */
static struct str
request_of(struct ctx *ctx, const struct call *call)
{
	const struct http_req *req = call->req;

	return arena_printf(ctx->arena, "%.*s%.*s%s%.*s",
	    STR_ARGS(answer_fhir_base(ctx)),
	    STR_ARGS(str_from(req->path, sizeof("/v3/fhir") - 1)),
	    req->query.n > 0 ? "?" : "", STR_ARGS(req->query));
}

/* 202, where to ask for it; or, when there are too many, 429. */
static enum err
answer_asked(struct ctx *ctx, const struct call *call, enum err err,
    struct str id, struct http_answer *answer)
{
	if (err != OK && err != ERR_RATE_LIMIT)
		return err;
	answer_private(answer);
	if (err == ERR_RATE_LIMIT) {
		answer_body(answer, call->media, outcome_write(ctx));
		answer->status = 429;
		http_field(answer, "Retry-After", STR("10"));
		return OK;
	}
	answer->status = 202;
	http_field(answer, "Content-Location", arena_printf(ctx->arena,
	    "%.*s/bulk/%.*s", STR_ARGS(answer_fhir_base(ctx)),
	    STR_ARGS(id)));
	return OK;
}

/* --- an export's parameters ----------------------------------------------- */

static bool
may_read(const struct ctx *ctx, const struct r4_type *type)
{
	return scope_allows(ctx->who.scope, type, SCOPE_R | SCOPE_S);
}

static enum err
check_format(struct ctx *ctx, const struct parameters *given)
{
	struct str format = parameters_text(given, "_outputFormat");

	if (format.p == NULL || str_eqz(format, "ndjson") ||
	    str_eqz(format, MEDIA_NDJSON) ||
	    str_eqz(format, "application/ndjson") ||
	    /* A '+' that was not percent-encoded has become a blank. */
	    str_eqz(format, "application/fhir ndjson"))
		return OK;
	return fail_at(ctx, ERR_INVALID_PARAMETER, STR("_outputFormat"),
	    "_outputFormat must be " MEDIA_NDJSON);
}

static enum err
take_since(struct ctx *ctx, const struct parameters *given,
    struct export *export)
{
	struct str text = parameters_text(given, "_since");
	struct when when;

	if (text.p == NULL)
		return OK;
	if (!when_parse(text, WHEN_INSTANT, &when) || when.lo_us <= 0)
		return fail_at(ctx, ERR_INVALID_PARAMETER, STR("_since"),
		    "_since must be an instant like 2026-01-15T10:30:00.000Z");
	export->since_us = when.lo_us;
	return OK;
}

static enum err
add_type(struct ctx *ctx, struct export *export, struct str name)
{
	const struct r4_type *type = r4_type_named(name);

	if (type == NULL || !export_has(export->level, type))
		return fail_at(ctx, ERR_INVALID_PARAMETER, STR("_type"), type
		    == NULL ? "FHIR R4 has no resource type \"%.*s\"" :
		    "no %.*s is in the compartment of a Patient",
		    STR_ARGS(name));
	if (!may_read(ctx, type))
		return fail_at(ctx, ERR_SCOPE, STR("_type"), "to export %s "
		    "the token needs the scope %.*s", type->name,
		    STR_ARGS(scope_needed(type, SCOPE_R)));
	for (size_t i = 0; i < export->ntypes; i++)
		if (export->types[i] == type)
			return OK;
	export->types[export->ntypes++] = type;
	return OK;
}

/* The types that are named; without a name, all that may be read. */
static enum err
take_types(struct ctx *ctx, const struct parameters *given,
    struct export *export)
{
	enum err err = OK;

	export->types = arena_array(ctx->arena, r4_types_count,
	    sizeof(struct r4_type *));
	for (size_t i = 0; i < given->n; i++) {
		struct str rest = given->v[i].text;

		if (strcmp(given->v[i].kind->name, "_type") != 0)
			continue;
		while (err == OK && rest.p != NULL)
			err = add_type(ctx, export, str_trim(str_cut(&rest,
			    ',')));
	}
	if (err != OK || export->ntypes > 0)
		return err;
	for (size_t i = 0; i < r4_types_count; i++)
		if (export_has(export->level, &r4_types[i]) &&
		    may_read(ctx, &r4_types[i]))
			export->types[export->ntypes++] = &r4_types[i];
	if (export->ntypes == 0)
		return fail(ctx, ERR_SCOPE, "the token has no scope to read "
		    "any of the records");
	return OK;
}

static bool
is_exported(const struct export *export, const struct r4_type *type)
{
	for (size_t i = 0; i < export->ntypes; i++)
		if (export->types[i] == type)
			return true;
	return false;
}

/* A filter must be a search that can be done. */
static enum err
add_filter(struct ctx *ctx, struct export *export, struct str text)
{
	struct export_filter *filter = &export->filters[export->nfilters];
	struct str query = text, name = str_cut(&query, '?');
	struct http_params params;
	struct search *search;
	enum err err;

	*filter = (struct export_filter){ r4_type_named(name), query };
	if (filter->type == NULL || !is_exported(export, filter->type))
		return fail_at(ctx, ERR_INVALID_PARAMETER, STR("_typeFilter"),
		    "_typeFilter \"%.*s\" is of no type that is exported",
		    STR_ARGS(text));
	if ((err = export_filter_params(ctx, filter, &params)) != OK ||
	    (err = search_parse(ctx, filter->type, &params, false,
	    &search)) != OK)
		return err;
	export->nfilters++;
	return OK;
}

/* The id of a Patient that was named, by reference. */
static enum err
add_patient(struct ctx *ctx, struct export *export,
    const struct parameter *given)
{
	uint32_t text = jdoc_get(given->doc, given->node, STR("reference"));
	const struct r4_type *type;
	struct str before, id;

	if (text == 0 || !extract_literal(jdoc_raw(given->doc, text), &before,
	    &type, &id) || strcmp(type->name, "Patient") != 0)
		return fail_at(ctx, ERR_VALIDATION, STR("patient"),
		    "patient must be a reference like Patient/123");
	if (export->level == EXPORT_SYSTEM)
		return fail_at(ctx, ERR_INVALID_REQUEST, STR("patient"),
		    "patient is for the exports of Patient and Group");
	export->patients[export->npatients++] = id;
	return OK;
}

static enum err
take_others(struct ctx *ctx, const struct parameters *given,
    struct export *export)
{
	enum err err = OK;

	export->filters = arena_array(ctx->arena, given->n,
	    sizeof(*export->filters));
	export->patients = arena_array(ctx->arena, given->n,
	    sizeof(*export->patients));
	for (size_t i = 0; err == OK && i < given->n; i++) {
		const struct parameter *p = &given->v[i];

		if (strcmp(p->kind->name, "_typeFilter") == 0)
			err = add_filter(ctx, export, p->text);
		else if (strcmp(p->kind->name, "patient") == 0)
			err = add_patient(ctx, export, p);
	}
	return err;
}

/* The group must be there; its members are those it has now. */
static enum err
take_group(struct ctx *ctx, const struct call *call, struct export *export)
{
	struct record group;
	enum err err;

	if (export->level != EXPORT_GROUP)
		return OK;
	if ((err = fhir_check_id(ctx, call->id)) != OK ||
	    (err = store_read(ctx, call->type, call->id, &group)) != OK)
		return err;
	export->group = call->id;
	export->group_ver = group.ver;
	return OK;
}

/* --- the two -------------------------------------------------------------- */

enum err
fhir_export(struct ctx *ctx, const struct call *call,
    struct http_answer *answer)
{
	struct export export = {
		.level = call->type == NULL ? EXPORT_SYSTEM :
		    call->id.n == 0 ? EXPORT_PATIENT : EXPORT_GROUP,
		.time_us = ctx->now_us - ctx->now_us % 1000,
		.scope = ctx->who.scope,
	};
	struct parameters given;
	struct str id;
	enum err err;

	if ((err = check_async(ctx, call)) != OK ||
	    (err = operation_input(ctx, call, &given)) != OK ||
	    (err = check_format(ctx, &given)) != OK ||
	    (err = take_since(ctx, &given, &export)) != OK ||
	    (err = take_group(ctx, call, &export)) != OK ||
	    (err = take_types(ctx, &given, &export)) != OK ||
	    (err = take_others(ctx, &given, &export)) != OK)
		return err;
	export.request = request_of(ctx, call);
	err = export_ask(ctx, &export, &id);
	return answer_asked(ctx, call, err, id, answer);
}

static bool
is_ndjson(struct str content_type)
{
	struct str media = str_trim(str_cut(&content_type, ';'));

	return str_ieq(media, STR(MEDIA_NDJSON)) ||
	    str_ieq(media, STR("application/ndjson")) ||
	    str_ieq(media, STR("application/x-ndjson"));
}

enum err
fhir_import(struct ctx *ctx, const struct call *call,
    struct http_answer *answer)
{
	const struct http_req *req = call->req;
	struct str id;
	enum err err;

	if (!scope_within(STR("system:admin"), ctx->who.scope))
		return fail(ctx, ERR_SCOPE, "to import the token needs the "
		    "scope system:admin, and those that write what it imports");
	if ((err = check_async(ctx, call)) != OK)
		return err;
	if (!is_ndjson(req->content_type))
		return fail(ctx, ERR_MEDIA_TYPE, "send the resources "
		    "themselves, one a line, as Content-Type: " MEDIA_NDJSON
		    "; nothing is fetched from other servers");
	if (req->body.n == 0)
		return fail(ctx, ERR_MISSING_PARAMETER, "a body is missing");
	err = import_ask(ctx, req->body, request_of(ctx, call), &id);
	return answer_asked(ctx, call, err, id, answer);
}
