/* The table of operations, and what a route asks of it. */

#include "api/operation.h"

#define HL7	"http://hl7.org/fhir/OperationDefinition/"
#define BULK	"http://hl7.org/fhir/uv/bulkdata/OperationDefinition/"

#define IN	PARAMETER_IN
#define OUT	PARAMETER_OUT
#define PART	PARAMETER_PART
#define SYSTEM	OPERATION_SYSTEM
#define TYPE	OPERATION_TYPE
#define INSTANCE OPERATION_INSTANCE

/* clang-format off */
static const struct parameter_kind export_params[] = {
/* name			use	type		min many	documentation */
{ "_outputFormat",	IN,	"string",	0, false, "application/fhir+ndjson, which is the only one" },
{ "_since",		IN,	"instant",	0, false, "What has changed after this time alone, and what was deleted" },
{ "_type",		IN,	"string",	0, true,  "The types to export, with commas between them; without it all that may be read" },
{ "_typeFilter",	IN,	"string",	0, true,  "Records that a search finds alone: Observation?status=final; of one type each of several will do" },
{ NULL, IN, NULL, 0, false, NULL },
};

static const struct parameter_kind patient_export_params[] = {
/* name			use	type		min many	documentation */
{ "_outputFormat",	IN,	"string",	0, false, "application/fhir+ndjson, which is the only one" },
{ "_since",		IN,	"instant",	0, false, "What has changed after this time alone" },
{ "_type",		IN,	"string",	0, true,  "The types to export, with commas between them; without it all that may be read" },
{ "_typeFilter",	IN,	"string",	0, true,  "Records that a search finds alone: Observation?status=final; of one type each of several will do" },
{ "patient",		IN,	"Reference",	0, true,  "Of these patients alone" },
{ NULL, IN, NULL, 0, false, NULL },
};

static const struct parameter_kind import_params[] = {
{ NULL, IN, NULL, 0, false, NULL },
};

static const struct parameter_kind validate_params[] = {
/* name		use	type			min many	documentation */
{ "resource",	IN,	"Resource",		0, false, "The resource to look at; without it, of an instance, the stored one" },
{ "mode",	IN,	"code",			0, false, "create, update or delete: what is meant to be done with it; without it the content alone is looked at" },
{ "profile",	IN,	"uri",			0, false, "The canonical of a stored StructureDefinition to keep to; without it those of meta.profile" },
{ "return",	OUT,	"OperationOutcome",	1, false, "What was found; status 200 whatever it is" },
{ NULL, IN, NULL, 0, false, NULL },
};

static const struct parameter_kind expand_params[] = {
/* name			use	type		min many	documentation */
{ "url",		IN,	"uri",		0, false, "The canonical of the value set: R4's own or a stored one" },
{ "valueSet",		IN,	"ValueSet",	0, false, "The value set itself" },
{ "valueSetVersion",	IN,	"string",	0, false, "Its version; without it the one that was stored last" },
{ "filter",		IN,	"string",	0, false, "Codes or displays that contain this text alone" },
{ "offset",		IN,	"integer",	0, false, "How many codes to leave out at the beginning" },
{ "count",		IN,	"integer",	0, false, "How many codes to answer" },
{ "activeOnly",		IN,	"boolean",	0, false, "Leave out codes that are no longer used" },
{ "excludeNested",	IN,	"boolean",	0, false, "The answer never nests" },
{ "includeDefinition",	IN,	"boolean",	0, false, "Answer what the value set is composed of, too" },
{ "return",		OUT,	"ValueSet",	1, false, "The value set with its expansion; 422 when it has too many codes or is of systems that are not here" },
{ NULL, IN, NULL, 0, false, NULL },
};

static const struct parameter_kind validate_code_params[] = {
/* name			use	type		min many	documentation */
{ "url",		IN,	"uri",		0, false, "The canonical of the value set: R4's own or a stored one" },
{ "valueSet",		IN,	"ValueSet",	0, false, "The value set itself" },
{ "valueSetVersion",	IN,	"string",	0, false, "Its version; without it the one that was stored last" },
{ "code",		IN,	"code",		0, false, "The code to look for, with its system" },
{ "system",		IN,	"uri",		0, false, "The code system of code; without it any will do" },
{ "display",		IN,	"string",	0, false, "What code is said to mean; without regard to case" },
{ "coding",		IN,	"Coding",	0, false, "The code to look for" },
{ "codeableConcept",	IN,	"CodeableConcept", 0, false, "Codes of which one must be there" },
{ "result",		OUT,	"boolean",	1, false, "Whether the code is in the value set" },
{ "message",		OUT,	"string",	0, false, "Why it is not" },
{ "display",		OUT,	"string",	0, false, "What the code means" },
{ NULL, IN, NULL, 0, false, NULL },
};

static const struct parameter_kind system_code_params[] = {
/* name			use	type		min many	documentation */
{ "url",		IN,	"uri",		0, false, "The canonical of the code system: R4's own or a stored one" },
{ "codeSystem",		IN,	"CodeSystem",	0, false, "The code system itself" },
{ "code",		IN,	"code",		0, false, "The code to look for" },
{ "version",		IN,	"string",	0, false, "The version of the code system; without it the one that was stored last" },
{ "display",		IN,	"string",	0, false, "What code is said to mean; without regard to case" },
{ "coding",		IN,	"Coding",	0, false, "The code to look for; without url its system is the code system" },
{ "codeableConcept",	IN,	"CodeableConcept", 0, false, "Codes of which one must be there" },
{ "result",		OUT,	"boolean",	1, false, "Whether the code system has the code" },
{ "message",		OUT,	"string",	0, false, "Why it has not" },
{ "display",		OUT,	"string",	0, false, "What the code means" },
{ NULL, IN, NULL, 0, false, NULL },
};

static const struct parameter_kind lookup_params[] = {
/* name			use	type		min many	documentation */
{ "code",		IN,	"code",		0, false, "The code, with its system" },
{ "system",		IN,	"uri",		0, false, "The canonical of its code system: R4's own or a stored one" },
{ "version",		IN,	"string",	0, false, "The version of the code system; without it the one that was stored last" },
{ "coding",		IN,	"Coding",	0, false, "The code, in place of code and system" },
{ "property",		IN,	"code",		0, true,  "The properties to answer; without it all" },
{ "name",		OUT,	"string",	1, false, "The name of the code system" },
{ "version",		OUT,	"string",	0, false, "Its version" },
{ "display",		OUT,	"string",	1, false, "What the code means" },
{ "definition",		OUT,	"string",	0, false, "Its definition, of stored code systems" },
{ "property",		OUT,	NULL,		0, true,  "What else is known: parent, child, and the properties of the code" },
{ "code",		PART,	"code",		1, false, "The name of the property" },
{ "value",		PART,	"Element",	0, false, "Its value: valueCode, valueString, ..." },
{ NULL, IN, NULL, 0, false, NULL },
};

static const struct parameter_kind patient_everything_params[] = {
/* name		use	type			min many	documentation */
{ "start",	IN,	"date",			0, false, "Care from this date on; records without a date are of every time" },
{ "end",	IN,	"date",			0, false, "Care until this date" },
{ "_since",	IN,	"instant",		0, false, "Records changed from then on; the link \"current\" of an answer says what to ask next" },
{ "_type",	IN,	"code",			0, true,  "Types to answer, separated by commas; each needs its read right" },
{ "_count",	IN,	"integer",		0, false, "Members of the compartment on a page, 1,000 at most and without it" },
{ "_cursor",	IN,	"string",		0, false, "Where the page begins, in links of ours" },
{ "return",	OUT,	"Bundle",		1, false, "The compartment, and with each page what its records refer to" },
{ NULL, IN, NULL, 0, false, NULL },
};

static const struct parameter_kind encounter_everything_params[] = {
/* name		use	type			min many	documentation */
{ "_since",	IN,	"instant",		0, false, "Records changed from then on; the link \"current\" of an answer says what to ask next" },
{ "_type",	IN,	"code",			0, true,  "Types to answer, separated by commas; each needs its read right" },
{ "_count",	IN,	"integer",		0, false, "Members of the compartment on a page, 1,000 at most and without it" },
{ "_cursor",	IN,	"string",		0, false, "Where the page begins, in links of ours" },
{ "return",	OUT,	"Bundle",		1, false, "The compartment, and with each page what its records refer to" },
{ NULL, IN, NULL, 0, false, NULL },
};

/* And all that a search of Observations takes. */
static const struct parameter_kind lastn_params[] = {
/* name		use	type			min many	documentation */
{ "max",	IN,	"positiveInt",		0, false, "Observations of each code, 1 without it; with equal times there may be more" },
{ "return",	OUT,	"Bundle",		1, false, "The newest observations of each code; a patient or subject is needed, and 10,000 matches are the most" },
{ NULL, IN, NULL, 0, false, NULL },
};

static const struct parameter_kind meta_params[] = {
/* name		use	type		min many	documentation */
{ "return",	OUT,	"Meta",		1, false, "The meta of the record, or of the version that the address names" },
{ NULL, IN, NULL, 0, false, NULL },
};

static const struct parameter_kind meta_change_params[] = {
/* name		use	type		min many	documentation */
{ "meta",	IN,	"Meta",		1, false, "Profiles, tags and security labels; a profile is known by its URL, the others by system and code" },
{ "return",	OUT,	"Meta",		1, false, "The meta that the record has now; when it was changed that is a new version" },
{ NULL, IN, NULL, 0, false, NULL },
};

static const struct parameter_kind match_params[] = {
/* name			use	type		min many	documentation */
{ "resource",		IN,	"Patient",	1, false, "What is known of the person: an identifier, or family and given name with the date of birth" },
{ "onlyCertainMatches",	IN,	"boolean",	0, false, "Answer the one certain match alone; nothing when there are several" },
{ "count",		IN,	"integer",	0, false, "How many to answer at most" },
{ "return",		OUT,	"Bundle",	1, false, "A searchset, the best match first, with score and match-grade" },
{ NULL, IN, NULL, 0, false, NULL },
};

/* name, levels, types, affects state, summary, base, parameters */
const struct operation operations[] = {
{ "export",	SYSTEM,			NULL,	false,
  "All records as files, asynchronously",
  BULK "export", export_params },
{ "export",	TYPE,			"Patient",	false,
  "The records of patients as files, asynchronously",
  BULK "patient-export", patient_export_params },
{ "export",	INSTANCE,		"Group",	false,
  "The records of a group's patients as files, asynchronously",
  BULK "group-export", patient_export_params },
{ "import",	SYSTEM,			NULL,	true,
  "The resources of the body, one a line, written asynchronously; needs the scope system:admin",
  NULL, import_params },
{ "validate",	TYPE | INSTANCE,	NULL,	false,
  "Whether a resource could be stored, or a record deleted",
  HL7 "Resource-validate", validate_params },
{ "expand",	TYPE | INSTANCE,	"ValueSet",	false,
  "The codes of a value set",
  HL7 "ValueSet-expand", expand_params },
{ "validate-code", TYPE | INSTANCE,	"ValueSet",	false,
  "Whether a code is in a value set",
  HL7 "ValueSet-validate-code", validate_code_params },
{ "validate-code", TYPE | INSTANCE,	"CodeSystem",	false,
  "Whether a code system has a code",
  HL7 "CodeSystem-validate-code", system_code_params },
{ "lookup",	TYPE,			"CodeSystem",	false,
  "What a code means",
  HL7 "CodeSystem-lookup", lookup_params },
{ "everything",	INSTANCE,		"Patient",	false,
  "All records of a patient, and what they refer to",
  HL7 "Patient-everything", patient_everything_params },
{ "everything",	INSTANCE,		"Encounter",	false,
  "All records of an encounter, and what they refer to",
  HL7 "Encounter-everything", encounter_everything_params },
{ "lastn",	TYPE,			"Observation",	false,
  "The newest observations of each code",
  HL7 "Observation-lastn", lastn_params },
{ "meta",	INSTANCE,		NULL,		false,
  "The profiles, tags and security labels of a record",
  HL7 "Resource-meta", meta_params },
{ "meta-add",	INSTANCE,		NULL,		true,
  "Add profiles, tags and security labels to a record",
  HL7 "Resource-meta-add", meta_change_params },
{ "meta-delete", INSTANCE,		NULL,		true,
  "Take profiles, tags and security labels off a record",
  HL7 "Resource-meta-delete", meta_change_params },
{ "match",	TYPE,			"Patient",	false,
  "Records of the same person",
  HL7 "Patient-match", match_params },
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
	struct str first = str_cut(&types, ' ');

	return arena_printf(arena, "%.*s-%s", STR_ARGS(first),
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
