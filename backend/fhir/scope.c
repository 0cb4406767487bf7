/*
 * What each scope allows, as two tables: which area a type belongs to, and what
 * a scope may do in each area. A type that is not listed is clinical.
 */

#include "fhir/scope.h"

enum area {
	AREA_CLINICAL,		/* and everything that no other row names */
	AREA_PATIENT,		/* Patient itself: deleting it is apart */
	AREA_PERSON,		/* people around a patient */
	AREA_MEDICATION,
	AREA_APPOINTMENT,
	AREA_DOCUMENT,
	AREA_DIRECTORY,		/* who and where care is given */
	AREA_DEFINITION,	/* what records mean; shared by all clients */
	AREA_PROVENANCE,	/* who did it: never changed */
	AREA_AUDIT,		/* written by the platform alone */
	AREA__MAX
};

/* clang-format off */
static const struct {
	const char	*type;
	enum area	 area;
} areas[] = {
/* type				area */
{ "Patient",			AREA_PATIENT },
{ "RelatedPerson",		AREA_PERSON },
{ "Person",			AREA_PERSON },
{ "Medication",			AREA_MEDICATION },
{ "MedicationRequest",		AREA_MEDICATION },
{ "MedicationStatement",	AREA_MEDICATION },
{ "MedicationAdministration",	AREA_MEDICATION },
{ "MedicationDispense",		AREA_MEDICATION },
{ "Appointment",		AREA_APPOINTMENT },
{ "AppointmentResponse",	AREA_APPOINTMENT },
{ "Schedule",			AREA_APPOINTMENT },
{ "Slot",			AREA_APPOINTMENT },
{ "DocumentReference",		AREA_DOCUMENT },
{ "Composition",		AREA_DOCUMENT },
{ "Binary",			AREA_DOCUMENT },
{ "Media",			AREA_DOCUMENT },
{ "Practitioner",		AREA_DIRECTORY },
{ "PractitionerRole",		AREA_DIRECTORY },
{ "Organization",		AREA_DIRECTORY },
{ "Location",			AREA_DIRECTORY },
{ "CapabilityStatement",	AREA_DEFINITION },
{ "CodeSystem",			AREA_DEFINITION },
{ "CompartmentDefinition",	AREA_DEFINITION },
{ "ConceptMap",			AREA_DEFINITION },
{ "ExampleScenario",		AREA_DEFINITION },
{ "GraphDefinition",		AREA_DEFINITION },
{ "ImplementationGuide",	AREA_DEFINITION },
{ "MessageDefinition",		AREA_DEFINITION },
{ "NamingSystem",		AREA_DEFINITION },
{ "OperationDefinition",	AREA_DEFINITION },
{ "SearchParameter",		AREA_DEFINITION },
{ "StructureDefinition",	AREA_DEFINITION },
{ "StructureMap",		AREA_DEFINITION },
{ "TerminologyCapabilities",	AREA_DEFINITION },
{ "TestReport",			AREA_DEFINITION },
{ "TestScript",			AREA_DEFINITION },
{ "ValueSet",			AREA_DEFINITION },
{ "Provenance",			AREA_PROVENANCE },
{ "AuditEvent",			AREA_AUDIT },
};

#define C	SCOPE_C
#define U	SCOPE_U
#define D	SCOPE_D
#define RS	(SCOPE_R | SCOPE_S)
#define CUD	(C | U | D)
#define ALL	(RS | CUD)

/* In the order of the specification; system:read and system:write, which it
 * uses but does not list, before system:admin. */
static const struct {
	const char	*name;
	uint8_t		 verbs[AREA__MAX];
} scopes[] = {
/*			  clinical patient person medic. appnt. docum. direct. defin. proven. audit */
{ "patient:read",	{ 0,	   RS,	   RS,	  0,	 0,	0,     RS,     0,     0,      0 } },
{ "patient:write",	{ 0,	   C | U,  CUD,	  0,	 0,	0,     RS,     0,     0,      0 } },
{ "patient:delete",	{ 0,	   D,	   0,	  0,	 0,	0,     RS,     0,     0,      0 } },
{ "clinical:read",	{ RS,	   0,	   0,	  0,	 0,	0,     RS,     RS,    RS,     0 } },
{ "clinical:write",	{ CUD,	   0,	   0,	  0,	 0,	0,     RS|CUD, 0,     C,      0 } },
{ "medication:read",	{ 0,	   0,	   0,	  RS,	 0,	0,     RS,     0,     0,      0 } },
{ "medication:write",	{ 0,	   0,	   0,	  CUD,	 0,	0,     RS,     0,     0,      0 } },
{ "appointment:read",	{ 0,	   0,	   0,	  0,	 RS,	0,     RS,     0,     0,      0 } },
{ "appointment:write",	{ 0,	   0,	   0,	  0,	 CUD,	0,     RS,     0,     0,      0 } },
{ "document:read",	{ 0,	   0,	   0,	  0,	 0,	RS,    RS,     0,     0,      0 } },
{ "document:write",	{ 0,	   0,	   0,	  0,	 0,	CUD,   RS,     0,     0,      0 } },
{ "analytics:read",	{ 0,	   0,	   0,	  0,	 0,	0,     0,      0,     0,      0 } },
{ "user:read",		{ 0,	   0,	   0,	  0,	 0,	0,     0,      0,     0,      0 } },
{ "user:write",		{ 0,	   0,	   0,	  0,	 0,	0,     0,      0,     0,      0 } },
{ "system:read",	{ RS,	   RS,	   RS,	  RS,	 RS,	RS,    RS,     RS,    RS,     0 } },
{ "system:write",	{ CUD,	   CUD,	   CUD,	  CUD,	 CUD,	CUD,   CUD,    CUD,   C,      0 } },
{ "system:admin",	{ 0,	   0,	   0,	  0,	 0,	0,     0,      ALL,   0,      RS } },
};
/* clang-format on */

#define NAREAS	(sizeof(areas) / sizeof(areas[0]))
#define NSCOPES	(sizeof(scopes) / sizeof(scopes[0]))

const char *const scope_names[] = {
	"patient:read",
	"patient:write",
	"patient:delete",
	"clinical:read",
	"clinical:write",
	"medication:read",
	"medication:write",
	"appointment:read",
	"appointment:write",
	"document:read",
	"document:write",
	"analytics:read",
	"user:read",
	"user:write",
	"system:read",
	"system:write",
	"system:admin",
	NULL,
};

static enum area
type_area(const struct r4_type *type)
{
	for (size_t i = 0; i < NAREAS; i++)
		if (strcmp(areas[i].type, type->name) == 0)
			return areas[i].area;
	return AREA_CLINICAL;
}

static unsigned
scope_verbs(struct str scope, enum area area)
{
	for (size_t i = 0; i < NSCOPES; i++)
		if (str_eqz(scope, scopes[i].name))
			return scopes[i].verbs[area];
	return 0;
}

bool
scope_allows(struct str granted, const struct r4_type *type, unsigned verbs)
{
	enum area area = type_area(type);
	unsigned allowed = 0;

	while (granted.p != NULL)
		allowed |= scope_verbs(str_cut(&granted, ' '), area);
	return (allowed & verbs) == verbs;
}

enum err
scope_check(struct ctx *ctx, const struct r4_type *type, unsigned verbs,
    const char *what)
{
	struct str need;

	if (scope_allows(ctx->who.scope, type, verbs))
		return OK;
	need = scope_needed(type, verbs);
	if (need.n == 0)
		return fail(ctx, ERR_SCOPE, "no scope allows to %s %s", what,
		    type->name);
	return fail(ctx, ERR_SCOPE, "to %s %s the token needs the scope %.*s",
	    what, type->name, STR_ARGS(need));
}

bool
scope_known(struct str scope)
{
	for (size_t i = 0; i < NSCOPES; i++)
		if (str_eqz(scope, scopes[i].name))
			return true;
	return false;
}

struct str
scope_needed(const struct r4_type *type, unsigned verbs)
{
	enum area area = type_area(type);

	for (size_t i = 0; i < NSCOPES; i++)
		if ((scopes[i].verbs[area] & verbs) == verbs)
			return str_of(scopes[i].name);
	return STR("");
}

static bool
has_word(struct str words, struct str word)
{
	while (words.p != NULL)
		if (str_eq(str_cut(&words, ' '), word))
			return true;
	return false;
}

bool
scope_within(struct str asked, struct str allowed)
{
	while (asked.p != NULL) {
		struct str one = str_cut(&asked, ' ');

		if (one.n > 0 && !has_word(allowed, one))
			return false;
	}
	return true;
}
