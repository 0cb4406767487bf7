/*
 * The formats of FHIR's primitive types, as R4's regular expressions say them
 * (R4 datatypes.html#primitive), written by hand because they are on the path
 * of every write. Dates and times are base/when.h's.
 */

#include "fhir/primitive.h"

#include "base/when.h"
#include "fhir/validate.h"

#define ID_CHARS_MAX	64

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

bool
fhir_id_valid(struct str id)
{
	if (id.n == 0 || id.n > ID_CHARS_MAX)
		return false;
	for (size_t i = 0; i < id.n; i++) {
		char c = id.p[i], lower = (char)(c | 0x20);

		if (!is_digit(c) && !(lower >= 'a' && lower <= 'z') &&
		    c != '-' && c != '.')
			return false;
	}
	return true;
}

/* [^\s]+(\s[^\s]+)*: no blank at the ends, no two in a row. */
static bool
code_valid(struct str s)
{
	bool blank = true;

	for (size_t i = 0; i < s.n; i++) {
		if (blank && is_blank(s.p[i]))
			return false;
		blank = is_blank(s.p[i]);
	}
	return !blank;
}

static bool
uri_valid(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (is_blank(s.p[i]))
			return false;
	return s.n > 0;
}

/* urn:oid:[0-2](\.(0|[1-9][0-9]*))+ */
static bool
oid_valid(struct str s)
{
	struct str rest, arc;

	if (!str_starts(s, STR("urn:oid:")))
		return false;
	rest = str_from(s, 8);
	arc = str_cut(&rest, '.');
	if (arc.n != 1 || arc.p[0] < '0' || arc.p[0] > '2' || rest.p == NULL)
		return false;
	while (rest.p != NULL) {
		arc = str_cut(&rest, '.');
		if (arc.n == 0 || (arc.p[0] == '0' && arc.n > 1))
			return false;
		for (size_t i = 0; i < arc.n; i++)
			if (!is_digit(arc.p[i]))
				return false;
	}
	return true;
}

/* urn:uuid: and 8-4-4-4-12 lower-case hexadecimal digits. */
static bool
uuid_valid(struct str s)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	if (!str_starts(s, STR("urn:uuid:")) || s.n != 9 + sizeof(form) - 1)
		return false;
	for (size_t i = 0; i < sizeof(form) - 1; i++) {
		char c = s.p[9 + i];

		if (form[i] == '-' ? c != '-' :
		    !is_digit(c) && !(c >= 'a' && c <= 'f'))
			return false;
	}
	return true;
}

static bool
is_base64(char c)
{
	char lower = (char)(c | 0x20);

	return is_digit(c) || (lower >= 'a' && lower <= 'z') || c == '+' ||
	    c == '/';
}

/* Groups of four with padding at the end (RFC 4648 4); R4's expression lets
 * blanks stand between the groups. */
static bool
base64_valid(struct str s)
{
	size_t chars = 0, padding = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (is_blank(s.p[i]) && chars % 4 == 0)
			continue;
		if (s.p[i] == '=')
			padding++;
		else if (padding > 0 || !is_base64(s.p[i]))
			return false;
		chars++;
	}
	return chars > 0 && chars % 4 == 0 && padding <= 2;
}

/* A JSON number without fraction and exponent, from min to 2^31 - 1. */
static bool
integer_valid(struct str s, int64_t min)
{
	bool negative = s.n > 0 && s.p[0] == '-';
	uint64_t value;

	if (!str_u64(str_from(s, negative), (uint64_t)INT32_MAX + negative,
	    &value))
		return false;
	if (negative)
		return min < 0 && value > 0;
	return (int64_t)value >= min;
}

static bool
time_valid(struct str s, enum when_kind kind)
{
	struct when when;

	return when_parse(s, kind, &when);
}

/* clang-format off */
static const struct {
	const char	*name;
	enum jdoc_type	 json;
	bool		 has_form;
	const char	*form;
} primitives[PRIM__MAX] = {
/* name			json		form	what is allowed */
{ "base64Binary",	JDOC_STRING,	true,	"base64 with padding (RFC 4648 4)" },
{ "boolean",		JDOC_TRUE,	false,	"true or false" },
{ "canonical",		JDOC_STRING,	true,	"a URI without blanks, not empty" },
{ "code",		JDOC_STRING,	true,	"a code: no blanks at the ends or doubled" },
{ "date",		JDOC_STRING,	true,	"a date: YYYY, YYYY-MM or YYYY-MM-DD" },
{ "dateTime",		JDOC_STRING,	true,	"a dateTime: YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss with a zone" },
{ "decimal",		JDOC_NUMBER,	false,	"a decimal number" },
{ "id",			JDOC_STRING,	true,	"an id: 1 to 64 of A-Z a-z 0-9 - ." },
{ "instant",		JDOC_STRING,	true,	"an instant: YYYY-MM-DDThh:mm:ss with a zone" },
{ "integer",		JDOC_NUMBER,	true,	"an integer from -2147483648 to 2147483647" },
{ "markdown",		JDOC_STRING,	false,	"markdown text of 1 to 1048576 bytes" },
{ "oid",		JDOC_STRING,	true,	"an OID as urn:oid:1.2.3" },
{ "positiveInt",	JDOC_NUMBER,	true,	"an integer from 1 to 2147483647" },
{ "string",		JDOC_STRING,	false,	"a text of 1 to 1048576 bytes" },
{ "time",		JDOC_STRING,	true,	"a time: hh:mm:ss" },
{ "unsignedInt",	JDOC_NUMBER,	true,	"an integer from 0 to 2147483647" },
{ "uri",		JDOC_STRING,	true,	"a URI without blanks, not empty" },
{ "url",		JDOC_STRING,	true,	"a URL without blanks, not empty" },
{ "uuid",		JDOC_STRING,	true,	"a UUID as urn:uuid: and lower-case digits" },
{ "xhtml",		JDOC_STRING,	true,	"an XHTML div" },
};
/* clang-format on */

bool
primitive_named(struct str name, enum r4_primitive *out)
{
	for (unsigned i = 0; i < PRIM__MAX; i++)
		if (str_eqz(name, primitives[i].name)) {
			*out = (enum r4_primitive)i;
			return true;
		}
	return false;
}

enum jdoc_type
primitive_json(enum r4_primitive type)
{
	return primitives[type].json;
}

bool
primitive_has_form(enum r4_primitive type)
{
	return primitives[type].has_form;
}

const char *
primitive_form(enum r4_primitive type)
{
	return primitives[type].form;
}

bool
primitive_valid(enum r4_primitive type, struct str text)
{
	switch (type) {
	case PRIM_BASE64BINARY:
		return base64_valid(text);
	case PRIM_CANONICAL:
	case PRIM_URI:
	case PRIM_URL:
		return uri_valid(text);
	case PRIM_CODE:
		return code_valid(text);
	case PRIM_DATE:
		return time_valid(text, WHEN_DATE);
	case PRIM_DATETIME:
		return time_valid(text, WHEN_DATETIME);
	case PRIM_INSTANT:
		return time_valid(text, WHEN_INSTANT);
	case PRIM_TIME:
		return time_valid(text, WHEN_TIME);
	case PRIM_ID:
		return fhir_id_valid(text);
	case PRIM_OID:
		return oid_valid(text);
	case PRIM_UUID:
		return uuid_valid(text);
	case PRIM_INTEGER:
		return integer_valid(text, INT32_MIN);
	case PRIM_POSITIVEINT:
		return integer_valid(text, 1);
	case PRIM_UNSIGNEDINT:
		return integer_valid(text, 0);
	case PRIM_XHTML:
		return xhtml_problem(text) == NULL;
	case PRIM_MARKDOWN:
	case PRIM_STRING:
		return text.n > 0 && text.n <= PRIMITIVE_STRING_MAX;
	default:
		return true;
	}
}
