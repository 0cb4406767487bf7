/* The table of operations, and what a route asks of it. */

#include "api/operation.h"

#define HL7	"http://hl7.org/fhir/OperationDefinition/"

#define IN	PARAMETER_IN
#define OUT	PARAMETER_OUT
#define PART	PARAMETER_PART
#define SYSTEM	OPERATION_SYSTEM
#define TYPE	OPERATION_TYPE
#define INSTANCE OPERATION_INSTANCE

/* clang-format off */
static const struct parameter_kind validate_params[] = {
/* name		use	type			min many	documentation */
{ "resource",	IN,	"Resource",		0, false, "The resource to look at; without it, of an instance, the stored one" },
{ "mode",	IN,	"code",			0, false, "create, update or delete: what is meant to be done with it; without it the content alone is looked at" },
{ "return",	OUT,	"OperationOutcome",	1, false, "What was found; status 200 whatever it is" },
{ NULL, IN, NULL, 0, false, NULL },
};

/* name, levels, types, affects state, summary, base, parameters */
const struct operation operations[] = {
{ "validate",	TYPE | INSTANCE,	NULL,	false,
  "Whether a resource could be stored, or a record deleted",
  HL7 "Resource-validate", validate_params },
};
/* clang-format on */

const size_t operations_count = sizeof(operations) / sizeof(operations[0]);

bool
operation_is_of(const struct operation *operation, const struct r4_type *type)
{
	struct str types = str_of(operation->types);

	if (operation->types == NULL)
		return true;
	while (types.p != NULL)
		if (str_eqz(str_cut(&types, ' '), type->name))
			return true;
	return false;
}

struct str
operation_id(struct arena *arena, const struct operation *operation)
{
	struct str types = str_of(operation->types == NULL ? "Resource" :
	    operation->types);

	return arena_printf(arena, "%.*s-%s", STR_ARGS(str_cut(&types, ' ')),
	    operation->name);
}

/* What follows the '$' of a route's path; STR_NONE without one. */
static struct str
route_operation(const struct route *route)
{
	const char *mark = strstr(route->path, "/$");

	return mark == NULL ? STR_NONE : str_of(mark + 2);
}

static unsigned
route_level(const struct route *route)
{
	if (strstr(route->path, "{id}") != NULL)
		return OPERATION_INSTANCE;
	return strstr(route->path, "{type}") != NULL ? OPERATION_TYPE :
	    OPERATION_SYSTEM;
}

const struct operation *
operation_of(const struct route *route, const struct r4_type *type)
{
	struct str name = route_operation(route);

	for (size_t i = 0; name.p != NULL && i < operations_count; i++)
		if (str_eqz(name, operations[i].name) &&
		    (operations[i].levels & route_level(route)) != 0 &&
		    (type == NULL || operation_is_of(&operations[i], type)))
			return &operations[i];
	return NULL;
}

enum err
operation_check(struct ctx *ctx, const struct call *call)
{
	struct str name = route_operation(call->route);

	if (name.p == NULL || operation_of(call->route, call->type) != NULL)
		return OK;
	return fail(ctx, ERR_NOT_FOUND, "%s has no operation $%.*s here",
	    call->type == NULL ? "the system" : call->type->name,
	    STR_ARGS(name));
}

enum err
operation_input(struct ctx *ctx, const struct call *call,
    struct parameters *out)
{
	const struct operation *operation = operation_of(call->route,
	    call->type);
	struct parameters_given given = { &call->params, call->doc,
	    call->node, call->prefer.handling == HANDLING_LENIENT };

	return parameters_read(ctx, operation->params, &given, out);
}
