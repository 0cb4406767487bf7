/* OperationDefinitions from the table of operations. */

#include "api/definition.h"

#include "api/operation.h"
#include "base/conf.h"

/* When what they say was last changed. */
#define CHANGED		"2026-11-23"

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
write_operation(struct ctx *ctx, const struct operation *o, struct str id)
{
	struct buf b = buf_new(ctx->arena, 4096);
	char *name = arena_alloc(ctx->arena, id.n);

	/* opd-0: a name that a program can use. */
	for (size_t i = 0; i < id.n; i++)
		name[i] = (char)(id.p[i] == '-' ? '_' : id.p[i]);
	buf_addf(&b, "{\"resourceType\":\"OperationDefinition\","
	    "\"id\":\"%.*s\",\"url\":\"%s/fhir/OperationDefinition/%.*s\","
	    "\"name\":\"%.*s\",\"status\":\"active\",\"kind\":\"operation\","
	    "\"date\":\"" CHANGED "\",\"description\":", STR_ARGS(id),
	    ctx->conf->base_url, STR_ARGS(id), (int)id.n, name);
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

static struct str
read_operation(struct ctx *ctx, struct str wanted)
{
	for (size_t i = 0; i < operations_count; i++) {
		struct str id = operation_id(ctx->arena, &operations[i]);

		if (str_eq(id, wanted))
			return write_operation(ctx, &operations[i], id);
	}
	return STR_NONE;
}

struct str
definition_read(struct ctx *ctx, const struct r4_type *type, struct str id)
{
	if (strcmp(type->name, "OperationDefinition") == 0)
		return read_operation(ctx, id);
	return STR_NONE;
}
