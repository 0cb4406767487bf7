/* Accept, Content-Type and Prefer. */

#include "api/field.h"

#include "api/answer.h"

/* --- media types ---------------------------------------------------------- */

/* "name=value" after a media type, quotes around the value taken off. */
static bool
next_param(struct str *rest, struct str *name, struct str *value)
{
	while (rest->p != NULL) {
		*value = str_trim(str_cut(rest, ';'));
		if (value->n == 0)
			continue;
		*name = str_trim(str_cut(value, '='));
		*value = str_trim(*value);
		if (value->n >= 2 && value->p[0] == '"' &&
		    value->p[value->n - 1] == '"')
			*value = (struct str){ value->p + 1, value->n - 2 };
		return true;
	}
	return false;
}

/* qvalue in thousandths: 0, 1, 0.5, 1.000. RFC 9110 12.4.2; -1 = wrong */
static int
parse_q(struct str s)
{
	int q = 0, unit = 100;

	if (s.n == 0 || s.n > 5 || (s.p[0] != '0' && s.p[0] != '1'))
		return -1;
	if (s.n > 1 && s.p[1] != '.')
		return -1;
	q = (s.p[0] - '0') * 1000;
	for (size_t i = 2; i < s.n; i++, unit /= 10) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return -1;
		q += (s.p[i] - '0') * unit;
	}
	return q <= 1000 ? q : -1;
}

/* R4 speaks fhirVersion 4.0 only. R4 http.html#version-parameter */
static bool
is_our_version(struct str version)
{
	return str_eqz(version, "4.0") || str_eqz(version, "4.0.1");
}

/* The weight of one media range, -1 when its parameters rule us out. */
static int
range_weight(struct str params)
{
	struct str name, value;
	int q = 1000;

	while (next_param(&params, &name, &value)) {
		if (str_ieq(name, STR("q")))
			q = parse_q(value);
		else if (str_ieq(name, STR("fhirVersion")) &&
		    !is_our_version(value))
			return -1;
		if (q < 0)
			return -1;
	}
	return q;
}

/* How exactly a range names media: 3 by name, 2 by type, 1 any, 0 not. */
static int
range_fit(struct str range, const char *media)
{
	if (str_ieq(range, str_of(media)))
		return 3;
	if (str_ieq(range, STR("application/*")))
		return 2;
	return str_eqz(range, "*/*") ? 1 : 0;
}

/* The weight of media: that of the most exact range that fits it. */
static int
media_weight(struct str accept, const char *media)
{
	int best_fit = 0, weight = 0;

	while (accept.p != NULL) {
		struct str params = str_cut(&accept, ',');
		struct str range = str_trim(str_cut(&params, ';'));
		int fit = range_fit(range, media);
		int q = fit > best_fit ? range_weight(params) : -1;

		if (q < 0)
			continue;
		best_fit = fit;
		weight = q;
	}
	return weight;
}

const char *
field_accept(struct str accept, const char *usual)
{
	int fhir, json;

	if (str_trim(accept).n == 0)
		return usual;
	fhir = media_weight(accept, MEDIA_FHIR);
	json = media_weight(accept, MEDIA_JSON);
	if (fhir == 0 && json == 0)
		return NULL;
	if (fhir == json)
		return usual;
	return fhir > json ? MEDIA_FHIR : MEDIA_JSON;
}

const char *
field_format(struct str format)
{
	struct str params = format;
	struct str media = str_trim(str_cut(&params, ';'));

	if (str_ieq(media, STR("json")) || str_ieq(media, STR(MEDIA_FHIR)) ||
	    /* A '+' that was not percent-encoded has become a blank. */
	    str_ieq(media, STR("application/fhir json")))
		return MEDIA_FHIR;
	if (str_ieq(media, STR(MEDIA_JSON)) ||
	    str_ieq(media, STR("text/json")))
		return MEDIA_JSON;
	return NULL;
}

bool
field_is_json(struct str content_type)
{
	struct str params = content_type;
	struct str media = str_trim(str_cut(&params, ';'));
	struct str name, value;

	if (!str_ieq(media, STR(MEDIA_FHIR)) &&
	    !str_ieq(media, STR(MEDIA_JSON)))
		return false;
	while (next_param(&params, &name, &value)) {
		if (str_ieq(name, STR("charset")) &&
		    !str_ieq(value, STR("utf-8")))
			return false;
		if (str_ieq(name, STR("fhirVersion")) &&
		    !is_our_version(value))
			return false;
	}
	return true;
}

bool
field_is(struct str content_type, const char *wanted)
{
	struct str params = content_type;
	struct str media = str_trim(str_cut(&params, ';'));
	struct str name, value;

	if (!str_ieq(media, str_of(wanted)))
		return false;
	while (next_param(&params, &name, &value))
		if (str_ieq(name, STR("charset")) &&
		    !str_ieq(value, STR("utf-8")))
			return false;
	return true;
}

/* --- Prefer --------------------------------------------------------------- */

static void
prefer_return(struct prefer *prefer, struct str value)
{
	if (str_ieq(value, STR("minimal")))
		prefer->ret = PREFER_MINIMAL;
	else if (str_ieq(value, STR("representation")))
		prefer->ret = PREFER_REPRESENTATION;
	else if (str_ieq(value, STR("OperationOutcome")))
		prefer->ret = PREFER_OUTCOME;
}

static void
prefer_handling(struct prefer *prefer, struct str value)
{
	if (str_ieq(value, STR("strict")))
		prefer->handling = HANDLING_STRICT;
	else if (str_ieq(value, STR("lenient")))
		prefer->handling = HANDLING_LENIENT;
}

static void
prefer_one(struct prefer *prefer, struct str name, struct str value)
{
	if (prefer->ret == PREFER_NOTHING && str_ieq(name, STR("return")))
		prefer_return(prefer, value);
	else if (prefer->handling == HANDLING_NOTHING &&
	    str_ieq(name, STR("handling")))
		prefer_handling(prefer, value);
}

struct prefer
field_prefer(struct str text)
{
	struct prefer prefer = { PREFER_NOTHING, HANDLING_NOTHING };
	struct str name, value;

	while (text.p != NULL) {
		struct str one = str_cut(&text, ',');

		/* Clients write "return=minimal; handling=strict" too. */
		while (next_param(&one, &name, &value))
			prefer_one(&prefer, name, value);
	}
	return prefer;
}

struct str
field_applied(struct arena *arena, const struct prefer *prefer, bool writes)
{
	static const char *const returns[] = { "", "return=minimal",
		"return=representation", "return=OperationOutcome" };
	static const char *const handlings[] = { "", "handling=strict",
		"handling=lenient" };
	const char *ret = writes ? returns[prefer->ret] : "";
	const char *handling = handlings[prefer->handling];

	return arena_printf(arena, "%s%s%s", ret,
	    *ret != '\0' && *handling != '\0' ? ", " : "", handling);
}
