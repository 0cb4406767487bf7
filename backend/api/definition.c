/* What of itself the server has, and OperationDefinitions. */

#include "api/definition.h"

#include "base/conf.h"

static void
add_types(struct buf *b, const struct operation *o)
{
	struct str types = str_of(o->types == NULL ? "Resource" : o->types);
	const char *before = "";

	for (; types.p != NULL; before = ",") {
		struct str type = str_cut(&types, ' ');

		buf_addf(b, "%s\"%.*s\"", before, STR_ARGS(type));
	}
}

static bool
is_part(const struct parameter_kind *kind)
{
	return kind->name != NULL && kind->use == PARAMETER_PART;
}

/* One parameter with its parts, which follow it; returns the row after. */
static const struct parameter_kind *
add_param(struct buf *b, const struct parameter_kind *kind, const char *use)
{
	const char *before = "";

	buf_addf(b, "{\"name\":\"%s\",\"use\":\"%s\",\"min\":%u,"
	    "\"max\":\"%s\",\"documentation\":", kind->name, use, kind->min,
	    kind->many ? "*" : "1");
	buf_add_quoted(b, str_of(kind->documentation));
	if (kind->type != NULL)
		buf_addf(b, ",\"type\":\"%s\"", kind->type);
	if (kind->use != PARAMETER_PART && is_part(kind + 1)) {
		buf_addz(b, ",\"part\":[");
		for (kind++; is_part(kind); before = ",") {
			buf_addz(b, before);
			kind = add_param(b, kind, use);
		}
		buf_addz(b, "]}");
		return kind;
	}
	buf_addc(b, '}');
	return kind + 1;
}

static void
add_params(struct buf *b, const struct operation *o)
{
	const struct parameter_kind *kind = o->params;
	const char *before = ",\"parameter\":[";

	while (kind->name != NULL) {
		buf_addz(b, before);
		kind = add_param(b, kind, kind->use == PARAMETER_IN ? "in" :
		    "out");
		before = ",";
	}
	if (strcmp(before, ",") == 0)
		buf_addc(b, ']');
}

static const char *
boolean(unsigned bit)
{
	return bit != 0 ? "true" : "false";
}

static struct str
write_operation(struct ctx *ctx, const struct definition *definition)
{
	const struct operation *o = definition->operation;
	struct buf b = buf_new(ctx->arena, 4096);
	struct str url = definition_url(ctx, definition);

	buf_addf(&b, "{\"resourceType\":\"OperationDefinition\","
	    "\"id\":\"%.*s\",\"url\":\"%.*s\","
	    "\"name\":\"%.*s\",\"status\":\"active\",\"kind\":\"operation\","
	    "\"date\":\"" DEFINITION_CHANGED "\",\"description\":",
	    STR_ARGS(definition->id), STR_ARGS(url),
	    STR_ARGS(definition->name));
	buf_add_quoted(&b, str_of(o->summary));
	buf_addf(&b, ",\"affectsState\":%s,\"code\":\"%s\"",
	    boolean(o->affects_state), o->name);
	if (o->base != NULL)
		buf_addf(&b, ",\"base\":\"%s\"", o->base);
	buf_addz(&b, ",\"resource\":[");
	add_types(&b, o);
	buf_addf(&b, "],\"system\":%s,\"type\":%s,\"instance\":%s",
	    boolean(o->levels & OPERATION_SYSTEM),
	    boolean(o->levels & OPERATION_TYPE),
	    boolean(o->levels & OPERATION_INSTANCE));
	add_params(&b, o);
	buf_addc(&b, '}');
	return buf_str(&b);
}

/* --- all of them ---------------------------------------------------------- */

/* A name that a program can use: opd-0, spd-0. */
static struct str
name_of(struct ctx *ctx, struct str id)
{
	char *name = arena_alloc(ctx->arena, id.n);

	for (size_t i = 0; i < id.n; i++)
		name[i] = (char)(id.p[i] == '-' ? '_' : id.p[i]);
	return (struct str){ name, id.n };
}

static struct definitions
list_operations(struct ctx *ctx)
{
	struct definitions list = { arena_array(ctx->arena, operations_count,
	    sizeof(*list.v)), operations_count };

	for (size_t i = 0; i < operations_count; i++) {
		list.v[i].operation = &operations[i];
		list.v[i].id = operation_id(ctx->arena, &operations[i]);
		list.v[i].name = name_of(ctx, list.v[i].id);
	}
	return list;
}

/* "Patient-name"; ids have no '_', so _tag is "Patient--tag". */
static void
add_param_of(struct ctx *ctx, struct definitions *list,
    const struct r4_type *of, const struct r4_param *param)
{
	struct definition *d = &list->v[list->n++];

	d->of = of;
	d->param = param;
	d->id = arena_printf(ctx->arena, "%s-%s%s", of->name,
	    param->code[0] == '_' ? "-" : "",
	    param->code + (param->code[0] == '_'));
	d->name = name_of(ctx, d->id);
}

static struct definitions
list_params(struct ctx *ctx)
{
	struct definitions list = { NULL, 0 };
	size_t n = 0;

	for (size_t i = 0; i < r4_types_count; i++)
		n += r4_types[i].nparams;
	list.v = arena_array(ctx->arena, n, sizeof(*list.v));
	for (size_t i = 0; i < r4_types_count; i++)
		for (size_t j = 0; j < r4_types[i].nparams; j++)
			if (search_param_type(r4_types[i].params[j]) != NULL)
				add_param_of(ctx, &list, &r4_types[i],
				    r4_types[i].params[j]);
	return list;
}

struct definitions
definition_list(struct ctx *ctx, const struct r4_type *type)
{
	if (strcmp(type->name, "OperationDefinition") == 0)
		return list_operations(ctx);
	if (strcmp(type->name, "SearchParameter") == 0)
		return list_params(ctx);
	return (struct definitions){ NULL, 0 };
}

struct str
definition_url(struct ctx *ctx, const struct definition *definition)
{
	return arena_printf(ctx->arena, "%s/fhir/%s/%.*s",
	    ctx->conf->base_url, definition->operation != NULL ?
	    "OperationDefinition" : "SearchParameter",
	    STR_ARGS(definition->id));
}

struct str
definition_write(struct ctx *ctx, const struct definition *definition)
{
	return definition->operation != NULL ?
	    write_operation(ctx, definition) :
	    definition_write_param(ctx, definition);
}

struct str
definition_read(struct ctx *ctx, const struct r4_type *type, struct str id)
{
	struct definitions list = definition_list(ctx, type);

	for (size_t i = 0; i < list.n; i++)
		if (str_eq(list.v[i].id, id))
			return definition_write(ctx, &list.v[i]);
	return STR_NONE;
}
