/* What an export is asked to be: as the input of its task, and back. */

#include "platform/export.h"

#include "fhir/member.h"
#include "fhir/store.h"
#include "platform/place.h"
#include "wire/json.h"

/* Of a search, what says which page is answered and how; _filter is none that
 * we have. */
static const char *const of_answers[] = { "_sort", "_count", "_offset",
	"_cursor", "_include", "_include:iterate", "_revinclude",
	"_revinclude:iterate", "_summary", "_elements", "_total", "_contained",
	"_containedType", "_format", "_pretty", "_score", "_type" };

#define NOF_ANSWERS	(sizeof(of_answers) / sizeof(of_answers[0]))

bool
export_has(enum export_level level, const struct r4_type *type)
{
	return level == EXPORT_SYSTEM ||
	    member_can(r4_type_named(STR("Patient")), type);
}

enum err
export_filter_params(struct ctx *ctx, const struct export_filter *filter,
    struct http_params *out)
{
	if (!http_params_parse(ctx->arena, filter->query, true, out) ||
	    out->n == 0)
		return fail_at(ctx, ERR_INVALID_PARAMETER, STR("_typeFilter"),
		    "_typeFilter must be like Observation?status=final");
	for (size_t i = 0; i < out->n; i++)
		for (size_t j = 0; j < NOF_ANSWERS; j++)
			if (str_eqz(out->v[i].name, of_answers[j]))
				return fail_at(ctx, ERR_INVALID_PARAMETER,
				    STR("_typeFilter"), "_typeFilter cannot "
				    "have %s: it is about a search's answer",
				    of_answers[j]);
	return OK;
}

/* --- to the task ---------------------------------------------------------- */

static json_t *
pack_strings(struct ctx *ctx, const struct str *v, size_t n)
{
	json_t *list = json_build(ctx->arena, "[]");

	for (size_t i = 0; i < n; i++)
		json_array_append(list, json_build(ctx->arena, "s%", v[i].p,
		    v[i].n));
	return list;
}

static json_t *
pack_types(struct ctx *ctx, const struct export *export)
{
	json_t *list = json_build(ctx->arena, "[]");

	for (size_t i = 0; i < export->ntypes; i++)
		json_array_append(list, json_build(ctx->arena, "s",
		    export->types[i]->name));
	return list;
}

static json_t *
pack_filters(struct ctx *ctx, const struct export *export)
{
	json_t *list = json_build(ctx->arena, "[]");

	for (size_t i = 0; i < export->nfilters; i++)
		json_array_append(list, json_build(ctx->arena, "[s,s%]",
		    export->filters[i].type->name, export->filters[i].query.p,
		    export->filters[i].query.n));
	return list;
}

enum err
export_ask(struct ctx *ctx, const struct export *export, struct str *id)
{
	json_t *input = json_build(ctx->arena,
	    "{s:i,s:s%,s:I,s:I,s:O,s:O,s:O,s:s%,s:i,s:s%}",
	    "level", (int)export->level,
	    "request", export->request.p, export->request.n,
	    "time", (json_int_t)export->time_us,
	    "since", (json_int_t)export->since_us,
	    "types", pack_types(ctx, export),
	    "filters", pack_filters(ctx, export),
	    "patients", pack_strings(ctx, export->patients,
	    export->npatients),
	    "group", export->group.p == NULL ? "" : export->group.p,
	    export->group.n,
	    "version", (int)export->group_ver,
	    "scope", export->scope.p, export->scope.n);

	*id = store_new_id(ctx);
	return task_add(ctx, *id, "export", json_text(ctx->arena, input),
	    EXPORTS_MAX);
}

/* --- from it -------------------------------------------------------------- */

static struct str
text_of(const json_t *json)
{
	return (struct str){ json_string_value(json),
	    json_string_length(json) };
}

static struct str
member(const json_t *json, const char *name)
{
	return text_of(json_object_get(json, name));
}

static int64_t
number(const json_t *json, const char *name)
{
	return json_integer_value(json_object_get(json, name));
}

/* A type that this program does not know any more is left out. */
static void
take_types(struct ctx *ctx, const json_t *list, struct export *out)
{
	size_t n = json_array_size(list);

	out->types = arena_array(ctx->arena, n, sizeof(struct r4_type *));
	for (size_t i = 0; i < n; i++) {
		const struct r4_type *type = r4_type_named(text_of(
		    json_array_get(list, i)));

		if (type != NULL)
			out->types[out->ntypes++] = type;
	}
}

static void
take_filters(struct ctx *ctx, const json_t *list, struct export *out)
{
	size_t n = json_array_size(list);

	out->filters = arena_array(ctx->arena, n, sizeof(*out->filters));
	for (size_t i = 0; i < n; i++) {
		const json_t *pair = json_array_get(list, i);

		out->filters[out->nfilters++] = (struct export_filter){
			r4_type_named(text_of(json_array_get(pair, 0))),
			text_of(json_array_get(pair, 1)) };
	}
}

void
export_input(struct ctx *ctx, const struct task *task, struct export *out)
{
	const char *why = "";
	const json_t *json = json_read(ctx->arena, task->input, &why);
	const json_t *patients = json_object_get(json, "patients");

	*out = (struct export){
		.level = (enum export_level)number(json, "level"),
		.request = member(json, "request"),
		.time_us = number(json, "time"),
		.since_us = number(json, "since"),
		.group = member(json, "group"),
		.group_ver = (int32_t)number(json, "version"),
		.scope = member(json, "scope"),
		.npatients = json_array_size(patients),
	};
	take_types(ctx, json_object_get(json, "types"), out);
	take_filters(ctx, json_object_get(json, "filters"), out);
	out->patients = arena_array(ctx->arena, out->npatients,
	    sizeof(*out->patients));
	for (size_t i = 0; i < out->npatients; i++)
		out->patients[i] = text_of(json_array_get(patients, i));
}

struct str
export_progress(struct ctx *ctx, const struct task *task)
{
	struct export_place place;
	struct export export;

	PLACE_READ(task->place, &place);
	export_input(ctx, task, &export);
	if (task->place.n == 0)
		return STR("waiting for its turn");
	return arena_printf(ctx->arena, "%lld records of %zu of %zu types",
	    (long long)place.total, place.part < export.ntypes ?
	    (size_t)place.part : export.ntypes, export.ntypes);
}
