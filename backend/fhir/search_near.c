/*
 * Location?near: a circle on the earth. Its box is walked by latitude in
 * Location's rows of cqty, and the distance of each row reckoned. R4
 * location.html#positional
 */

#include "fhir/search_plan.h"

#include <math.h>

#include "fhir/ucum.h"

#define EARTH_METRES	6371008.8	/* mean radius */
#define DISTANCE_KM	50		/* when none is asked */
#define RADIANS(deg)	((deg) * M_PI / 180)
#define DEGREES(rad)	((rad) * 180 / M_PI)
/* A box may be a little wider than its circle. */
#define SLACK_DEGREES	1e-9

/* --- the value ------------------------------------------------------------ */

static bool
take_degrees(struct str text, double limit, double *out)
{
	struct decimal n;

	if (!decimal_parse(text, &n) || fabs(n.value) > limit)
		return false;
	*out = n.value;
	return true;
}

/* The distance in metres; false when the unit is none of length. */
static bool
take_distance(struct str number, struct str code, double *out)
{
	struct ucum unit, metre;
	struct scale scale;
	struct decimal n;

	if (code.p == NULL || code.n == 0)
		code = STR("km");
	else if (str_eqz(code, "mi"))
		code = STR("[mi_i]");
	if (!ucum_parse(code, &unit) || !ucum_parse(STR("m"), &metre) ||
	    !ucum_scale(&unit, &metre, &scale) ||
	    !decimal_scaled(number, &scale, &n) || n.value < 0)
		return false;
	*out = n.value;
	return true;
}

enum err
search_parse_near(struct ctx *ctx, struct str name, struct str text,
    struct search_value *v)
{
	struct str rest = text;
	struct str latitude = str_cut(&rest, '|');
	struct str longitude = rest.p == NULL ? STR_NONE : str_cut(&rest, '|');
	struct str distance = rest.p == NULL ? STR_NONE : str_cut(&rest, '|');

	v->metres = DISTANCE_KM * 1000.0;
	if (!take_degrees(latitude, 90, &v->latitude) ||
	    !take_degrees(longitude, 180, &v->longitude))
		return fail(ctx, ERR_INVALID_PARAMETER,
		    "Search parameter '%.*s' wants "
		    "latitude|longitude|distance|unit: degrees of -90 to 90 "
		    "and -180 to 180", STR_ARGS(name));
	if ((distance.n > 0 || rest.n > 0) &&
	    !take_distance(distance, rest, &v->metres))
		return fail(ctx, ERR_INVALID_PARAMETER,
		    "Search parameter '%.*s': '%.*s' '%.*s' is no distance; "
		    "write a number and km, m, mi or another UCUM unit of "
		    "length", STR_ARGS(name), STR_ARGS(distance),
		    STR_ARGS(rest));
	return OK;
}

/* --- the probe ------------------------------------------------------------ */

struct box { double south, north, west, east; };

static void
add_box(struct measures *m, int64_t k, const struct search_value *v,
    struct box box)
{
	size_t i = m->n++;

	m->k[i] = k;
	m->lo_min[i] = box.south;
	m->lo_max[i] = box.north;
	m->hi_min[i] = box.west;
	m->hi_max[i] = box.east;
	m->at_min[i] = fmax(box.south, box.west);
	m->at_max[i] = fmin(box.north, box.east);
	m->aux_lo[i] = m->system_lo[i] = INT32_MIN;
	m->aux_hi[i] = m->system_hi[i] = INT32_MAX;
	m->latitude[i] = v->latitude;
	m->longitude[i] = v->longitude;
	m->metres[i] = v->metres;
}

/* The boxes of one circle: two where it crosses the 180th meridian. */
static void
add_circle(struct measures *m, int64_t k, const struct search_value *v)
{
	double angle = v->metres / EARTH_METRES;
	double up = DEGREES(angle) + SLACK_DEGREES, wide;
	struct box box = { v->latitude - up, v->latitude + up, -180, 180 };

	if (box.south <= -90 || box.north >= 90) {	/* holds a pole */
		add_box(m, k, v, box);
		return;
	}
	wide = DEGREES(asin(fmin(1, sin(angle) / cos(RADIANS(v->latitude))))) +
	    SLACK_DEGREES;
	box.west = v->longitude - wide;
	box.east = v->longitude + wide;
	if (box.west < -180)
		add_box(m, k, v, (struct box){ box.south, box.north,
		    box.west + 360, 180 });
	if (box.east > 180)
		add_box(m, k, v, (struct box){ box.south, box.north, -180,
		    box.east - 360 });
	add_box(m, k, v, box);
}

void
search_probe_near(struct ctx *ctx, struct key_space space,
    const struct search *search, const struct search_condition *c,
    struct probe *probe)
{
	struct measures *m = &probe->measures;
	size_t room = c->n * 3, i;
	int64_t k = key_const(space, search->type->number, c->param->number,
	    KEY_VALUE);

	probe->kind = PROBE_COMPOSITE;
#define COLUMN(name)	m->name = arena_array(ctx->arena, room,		\
			    sizeof(*m->name))
	COLUMN(k);
	COLUMN(lo_min);
	COLUMN(lo_max);
	COLUMN(hi_min);
	COLUMN(hi_max);
	COLUMN(at_min);
	COLUMN(at_max);
	COLUMN(aux_lo);
	COLUMN(aux_hi);
	COLUMN(system_lo);
	COLUMN(system_hi);
	COLUMN(unit);
	COLUMN(words);
	COLUMN(latitude);
	COLUMN(longitude);
	COLUMN(metres);
#undef COLUMN
	for (i = 0; i < c->n; i++)
		add_circle(m, k, &c->values[i]);
}
