/*
 * Keys of what is compared by size: dates as spans of time, numbers and
 * quantities as spans of doubles. R4 search.html#date, #number, #quantity
 */

#include <math.h>

#include "fhir/decimal.h"
#include "fhir/keys_build.h"
#include "fhir/ucum.h"

#define MONEY_SYSTEM	"urn:iso:std:iso:4217"

/* --- dates -------------------------------------------------------------- */

static bool
when_member(const struct key_build *b, uint32_t object, struct str name,
    struct when *out)
{
	return when_parse(build_member_text(b, object, name), WHEN_SEARCH, out);
}

/* An absent end is open; one before its start is taken as the start. */
static bool
period(const struct key_build *b, uint32_t node, int64_t *lo_us, int64_t *hi_us)
{
	struct when start, end;
	bool starts = when_member(b, node, STR("start"), &start);
	bool ends = when_member(b, node, STR("end"), &end);

	*lo_us = starts ? start.lo_us : WHEN_MIN;
	*hi_us = ends ? end.hi_us : WHEN_MAX;
	if (starts && ends && end.hi_us <= start.lo_us)
		*hi_us = start.hi_us;
	return starts || ends;
}

/* Only the outer limits of a schedule count. R4 search.html#date */
static bool
timing(const struct key_build *b, uint32_t node, int64_t *lo_us, int64_t *hi_us)
{
	const struct jdoc *d = b->x.doc;
	uint32_t events = jdoc_get(d, node, STR("event"));
	uint32_t repeat = jdoc_get(d, node, STR("repeat"));
	uint32_t bounds = repeat == 0 ? 0 :
	    jdoc_get(d, repeat, STR("boundsPeriod"));
	bool found = bounds != 0 && period(b, bounds, lo_us, hi_us);
	struct when when;

	if (events == 0 || jdoc_type(d, events) != JDOC_ARRAY)
		return found;
	for (uint32_t i = jdoc_first(d, events); i != 0;
	    i = jdoc_next(d, events, i)) {
		if (!when_parse(build_text(b, i), WHEN_SEARCH, &when))
			continue;
		if (!found || when.lo_us < *lo_us)
			*lo_us = when.lo_us;
		if (!found || when.hi_us > *hi_us)
			*hi_us = when.hi_us;
		found = true;
	}
	return found;
}

bool
measure_date(const struct key_build *b, enum extract_kind kind, uint32_t node,
    int64_t *lo_us, int64_t *hi_us)
{
	struct when when;

	if (kind == EXTRACT_PERIOD)
		return period(b, node, lo_us, hi_us);
	if (kind == EXTRACT_TIMING)
		return timing(b, node, lo_us, hi_us);
	if (!when_parse(build_text(b, node), WHEN_SEARCH, &when))
		return false;
	*lo_us = when.lo_us;
	*hi_us = when.hi_us;
	return true;
}

void
value_date(struct key_build *b, enum extract_kind kind, uint32_t node)
{
	int64_t lo_us, hi_us;

	if (measure_date(b, kind, node, &lo_us, &hi_us))
		build_date(b, lo_us, hi_us);
}

/* --- numbers and quantities --------------------------------------------- */

static bool
number(const struct key_build *b, uint32_t node, double *out)
{
	struct decimal decimal;

	if (node == 0 || jdoc_type(b->x.doc, node) != JDOC_NUMBER ||
	    !decimal_parse(jdoc_raw(b->x.doc, node), &decimal))
		return false;
	*out = decimal.value;
	return true;
}

static bool
number_member(const struct key_build *b, uint32_t object, struct str name,
    double *out)
{
	return number(b, jdoc_get(b->x.doc, object, name), out);
}

static void
unit_of(const struct key_build *b, uint32_t quantity, struct measure *out)
{
	out->system = build_member_text(b, quantity, STR("system"));
	out->code = build_member_text(b, quantity, STR("code"));
	out->unit = build_member_text(b, quantity, STR("unit"));
}

/* "<5" is everything below 5, "<=5" up to it. R4 datatypes.html#Quantity */
static bool
quantity(const struct key_build *b, uint32_t node, struct measure *out)
{
	struct str comparator;
	double value;

	if (!number_member(b, node, STR("value"), &value))
		return false;
	comparator = build_member_text(b, node, STR("comparator"));
	out->lo = out->hi = value;
	if (comparator.n > 0 && comparator.p[0] == '<')
		out->lo = -HUGE_VAL;
	else if (comparator.n > 0 && comparator.p[0] == '>')
		out->hi = HUGE_VAL;
	if (str_eqz(comparator, "<"))
		out->hi = nextafter(value, -HUGE_VAL);
	else if (str_eqz(comparator, ">"))
		out->lo = nextafter(value, HUGE_VAL);
	unit_of(b, node, out);
	return true;
}

static bool
money(const struct key_build *b, uint32_t node, struct measure *out)
{
	if (!number_member(b, node, STR("value"), &out->lo))
		return false;
	out->hi = out->lo;
	out->code = build_member_text(b, node, STR("currency"));
	if (out->code.n > 0)
		out->system = STR(MONEY_SYSTEM);
	return true;
}

static bool
range(const struct key_build *b, uint32_t node, struct measure *out)
{
	uint32_t low = jdoc_get(b->x.doc, node, STR("low"));
	uint32_t high = jdoc_get(b->x.doc, node, STR("high"));
	bool has_low = low != 0 &&
	    number_member(b, low, STR("value"), &out->lo);
	bool has_high = high != 0 &&
	    number_member(b, high, STR("value"), &out->hi);

	if (!has_low && !has_high)
		return false;
	if (!has_low)
		out->lo = -HUGE_VAL;
	if (!has_high)
		out->hi = HUGE_VAL;
	if (out->hi < out->lo)
		out->hi = out->lo;
	unit_of(b, has_low ? low : high, out);
	return true;
}

/* The bounds of the values in "2 4 E 8"; false when there are none. E, U and
 * L are no values. R4 datatypes.html#SampledData */
static bool
data_bounds(struct str data, double *lo, double *hi)
{
	struct decimal value;
	bool found = false;

	while (data.p != NULL) {
		if (!decimal_parse(str_cut(&data, ' '), &value))
			continue;
		if (!found || value.value < *lo)
			*lo = value.value;
		if (!found || value.value > *hi)
			*hi = value.value;
		found = true;
	}
	return found;
}

/* Samples count as the span of their values. R4 observation.html, search
 * parameter value-quantity */
static bool
samples(const struct key_build *b, uint32_t node, struct measure *out)
{
	uint32_t base = jdoc_get(b->x.doc, node, STR("origin"));
	double origin = 0, factor = 1, lo = 0, hi = 0;

	if (base == 0 || !number_member(b, base, STR("value"), &origin))
		return false;
	number_member(b, node, STR("factor"), &factor);
	if (!data_bounds(build_member_text(b, node, STR("data")), &lo, &hi))
		lo = hi = 0;
	lo = origin + lo * factor;
	hi = origin + hi * factor;
	out->lo = lo < hi ? lo : hi;
	out->hi = lo < hi ? hi : lo;
	unit_of(b, base, out);
	return !isnan(lo) && !isnan(hi);
}

bool
measure_of(const struct key_build *b, enum extract_kind kind, uint32_t node,
    struct measure *out)
{
	*out = (struct measure){ 0 };
	switch (kind) {
	case EXTRACT_QUANTITY:
		return quantity(b, node, out);
	case EXTRACT_MONEY:
		return money(b, node, out);
	case EXTRACT_RANGE:
		return range(b, node, out);
	case EXTRACT_SAMPLED:
		return samples(b, node, out);
	default:
		if (!number(b, node, &out->lo))
			return false;
		out->hi = out->lo;
		return true;
	}
}

int32_t
measure_unit(struct key_space space, const struct measure *m)
{
	return str_eq(m->unit, m->code) ? 0 : key_unit(space, m->unit);
}

void
value_measure(struct key_build *b, enum extract_kind kind, uint32_t node)
{
	struct measure m;

	if (!measure_of(b, kind, node, &m))
		return;
	/* A search in another unit looks up which ones there are. */
	if (str_eqz(m.system, UCUM_SYSTEM) && m.code.n > 0)
		build_dict(b, KEY_VALUE, key_hash(b->space, m.code), m.system,
		    m.code, STR_NONE);
	build_qty(b, (struct key_qty){
		.lo = m.lo,
		.hi = m.hi,
		.system = key_system(b->space, m.system),
		.code = key_unit(b->space, m.code),
		.unit = measure_unit(b->space, &m),
	});
}

/* A place is a row of cqty: lo is its latitude, hi its longitude. */
void
value_position(struct key_build *b, uint32_t node)
{
	struct key_cqty row = { .k = 0 };

	if (number_member(b, node, STR("latitude"), &row.lo) &&
	    number_member(b, node, STR("longitude"), &row.hi))
		build_cqty(b, row);
}
