/* SearchParameters: what can be asked of each type. R4 searchparameter.html */

#include "api/definition.h"

/* Of numbers, dates and quantities. R4 search.html#prefix */
static const char comparators[] = ",\"comparator\":[\"eq\",\"ne\",\"gt\","
    "\"ge\",\"lt\",\"le\",\"sa\",\"eb\",\"ap\"]";

/* The code of R4's list for a modifier of ours. */
static const char *
modifier_code(const char *name)
{
	return strcmp(name, "of-type") == 0 ? "ofType" : name;
}

static void
add_modifiers(struct buf *b, const struct r4_param *param)
{
	const char *before = ",\"modifier\":[", *name;

	for (unsigned i = 0; (name = search_param_modifier(param, i)) != NULL;
	    i++, before = ",")
		buf_addf(b, "%s\"%s\"", before, modifier_code(name));
	if (param->kind == R4_REFERENCE && strcmp(before, ",") == 0)
		buf_addz(b, ",\"type\"");
	if (strcmp(before, ",") == 0)
		buf_addc(b, ']');
}

static void
add_targets(struct buf *b, const struct r4_param *param)
{
	const char *before = ",\"target\":[";

	if (param->kind != R4_REFERENCE || param->targets == NULL)
		return;
	for (const int16_t *t = param->targets; *t != 0; t++, before = ",")
		buf_addf(b, "%s\"%s\"", before, r4_type_numbered(*t)->name);
	if (strcmp(before, ",") == 0)
		buf_addc(b, ']');
}

static void
add_components(struct buf *b, const struct r4_param *param)
{
	const char *before = ",\"component\":[";

	if (param->kind != R4_COMPOSITE || param->components == NULL)
		return;
	for (const struct r4_param *const *c = param->components; *c != NULL;
	    c++, before = ",") {
		buf_addf(b, "%s{\"definition\":\"%s\",\"expression\":", before,
		    (*c)->url);
		buf_add_quoted(b, str_of((*c)->expression));
		buf_addc(b, '}');
	}
	if (strcmp(before, ",") == 0)
		buf_addc(b, ']');
}

struct str
definition_write_param(struct ctx *ctx, const struct definition *definition)
{
	const struct r4_param *param = definition->param;
	struct buf b = buf_new(ctx->arena, 1024);
	struct str url = definition_url(ctx, definition);

	buf_addf(&b, "{\"resourceType\":\"SearchParameter\",\"id\":\"%.*s\","
	    "\"url\":\"%.*s\",\"name\":\"%.*s\"", STR_ARGS(definition->id),
	    STR_ARGS(url), STR_ARGS(definition->name));
	if (param->url != NULL)
		buf_addf(&b, ",\"derivedFrom\":\"%s\"", param->url);
	buf_addf(&b, ",\"status\":\"active\",\"date\":\"" DEFINITION_CHANGED
	    "\",\"description\":\"%s is searched by %s\",\"code\":\"%s\","
	    "\"base\":[\"%s\"],\"type\":\"%s\"", definition->of->name,
	    param->code, param->code, definition->of->name,
	    search_param_type(param));
	if (param->expression != NULL && param->expression[0] != '\0') {
		buf_addz(&b, ",\"expression\":");
		buf_add_quoted(&b, str_of(param->expression));
	}
	add_targets(&b, param);
	buf_addz(&b, ",\"multipleOr\":true,\"multipleAnd\":true");
	if (param->kind == R4_NUMBER || param->kind == R4_DATE ||
	    param->kind == R4_QUANTITY)
		buf_addz(&b, comparators);
	add_modifiers(&b, param);
	add_components(&b, param);
	buf_addc(&b, '}');
	return buf_str(&b);
}
