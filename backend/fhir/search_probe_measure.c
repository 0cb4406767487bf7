/*
 * Conditions on what is measured as probes of qty and cqty: numbers, quantities
 * and composites. A prefix becomes one box or two in the plane of a value's two
 * ends. R4 search.html#prefix, #number, #quantity, #composite
 */

#include "fhir/search_plan.h"

#include <math.h>
#include <stdio.h>

#include "fhir/ucum.h"
#include "queries.h"

/* No R4 composite has more. */
#define COMPONENTS_MAX	3

struct span { double lo_min, lo_max, hi_min, hi_max; };

/* One way in which a component may match. */
struct part {
	bool		measured;
	int64_t		hash;			/* unless measured */
	struct span	span;			/* if measured */
	int32_t		system_lo, system_hi;	/* of a token or a unit */
	int32_t		unit;
	bool		words;
};

struct parts {
	struct part	*v;
	size_t		 n;
};

struct work {
	struct ctx		*ctx;
	struct key_space	 space;
	const struct search	*search;
	const struct r4_param	*param;		/* whose rows are asked */
	struct measures		*out;
	/* The units that values are in, when a UCUM unit is asked. */
	struct unit		*units;
	size_t			 nunits;
};

struct unit { struct str code; struct ucum ucum; };

/* --- rows ----------------------------------------------------------------- */

static void *
grown(struct arena *arena, void *old, size_t n, size_t room, size_t size)
{
	void *list = arena_array(arena, room, size);

	if (n > 0)
		memcpy(list, old, n * size);
	return list;
}

static void
make_room(struct arena *arena, struct measures *m)
{
	size_t room = m->room == 0 ? 4 : m->room * 2;

	if (m->n < m->room)
		return;
	m->room = room;
#define GROW(column)	m->column = grown(arena, m->column, m->n, room, \
			    sizeof(*m->column))
	GROW(param);
	GROW(k);
	GROW(lo_min);
	GROW(lo_max);
	GROW(hi_min);
	GROW(hi_max);
	GROW(at_min);
	GROW(at_max);
	GROW(aux_lo);
	GROW(aux_hi);
	GROW(system_lo);
	GROW(system_hi);
	GROW(unit);
	GROW(words);
#undef GROW
}

/* The system, unit and span of part as a row; k and aux are the caller's. */
static void
add_row(const struct work *w, int64_t k, const struct part *first,
    const struct part *part)
{
	struct measures *m = w->out;
	const struct span *s = &part->span;
	size_t i = m->n;

	make_room(w->ctx->arena, m);
	m->n++;
	m->param[i] = w->param->number;
	m->k[i] = k;
	m->lo_min[i] = s->lo_min;
	m->lo_max[i] = s->lo_max;
	m->hi_min[i] = s->hi_min;
	m->hi_max[i] = s->hi_max;
	m->at_min[i] = fmax(s->lo_min, s->hi_min);
	m->at_max[i] = fmin(s->lo_max, s->hi_max);
	m->aux_lo[i] = first->system_lo;
	m->aux_hi[i] = first->system_hi;
	m->system_lo[i] = part->system_lo;
	m->system_hi[i] = part->system_hi;
	m->unit[i] = part->unit;
	m->words[i] = part->words;
}

static const struct part anything = { .system_lo = INT32_MIN,
	.system_hi = INT32_MAX };

/* --- spans ---------------------------------------------------------------- */

static double
below(double x)
{
	return nextafter(x, -HUGE_VAL);
}

static double
above(double x)
{
	return nextafter(x, HUGE_VAL);
}

static void
add_span(struct parts *p, const struct part *like, struct span span)
{
	p->v[p->n] = *like;
	p->v[p->n].measured = true;
	p->v[p->n++].span = span;
}

/* What ap asks: a tenth either way, or what the digits imply. */
static struct decimal
around(const struct decimal *n)
{
	double slack = fmax(fabs(n->value) / 10, (n->hi - n->lo) / 2);

	return (struct decimal){ n->value, n->value - slack,
		n->value + slack };
}

/* Only eq and ne and ap mind the digits written; of ap n is what is around it.
 * R4 search.html#number */
static void
add_number(struct parts *p, const struct part *like, enum search_prefix prefix,
    const struct decimal *n)
{
	const double none = -HUGE_VAL, all = HUGE_VAL, x = n->value;
	/* Of a number too small for a double the bounds are the number. */
	double lo = fmin(n->lo, x), hi = fmax(below(n->hi), x);

	switch (prefix) {
	case SEARCH_EQ:
		add_span(p, like, (struct span){ lo, all, none, hi });
		break;
	case SEARCH_NE:
		add_span(p, like, (struct span){ none, below(lo), none, all });
		add_span(p, like, (struct span){ none, all, above(hi), all });
		break;
	case SEARCH_GT:
		add_span(p, like, (struct span){ none, all, above(x), all });
		break;
	case SEARCH_GE:
		add_span(p, like, (struct span){ none, all, x, all });
		break;
	case SEARCH_LT:
		add_span(p, like, (struct span){ none, below(x), none, all });
		break;
	case SEARCH_LE:
		add_span(p, like, (struct span){ none, x, none, all });
		break;
	case SEARCH_SA:
		add_span(p, like, (struct span){ above(x), all, none, all });
		break;
	case SEARCH_EB:
		add_span(p, like, (struct span){ none, all, none, below(x) });
		break;
	case SEARCH_AP:
		add_span(p, like, (struct span){ none, n->hi, n->lo, all });
		break;
	}
}

static double
as_double(int64_t us)
{
	return us == WHEN_MIN ? -HUGE_VAL : us == WHEN_MAX ? HUGE_VAL :
	    (double)us;
}

/* The ends of dates that do not belong to their box are left out. */
static void
add_date(struct ctx *ctx, struct parts *p, const struct search_value *v)
{
	int64_t lo_min[2], lo_max[2], hi_min[2], hi_max[2];
	struct boxes b = { lo_min, lo_max, hi_min, hi_max, 0 };
	size_t i;

	search_date_boxes(ctx, v, &b);
	for (i = 0; i < b.n; i++)
		add_span(p, &anything, (struct span){
		    as_double(lo_min[i]), below(as_double(lo_max[i])),
		    above(as_double(hi_min[i])), as_double(hi_max[i]) });
}

/* --- numbers and quantities ----------------------------------------------- */

/* `5|system|code` asks for the code, `5||unit` for either. */
static struct part
unit_of(struct key_space space, const struct search_value *v)
{
	struct part part = anything;

	if (!v->has_text)
		return part;
	part.unit = key_unit(space, v->text);
	part.words = !v->has_system;
	if (v->has_system)
		part.system_lo = part.system_hi =
		    key_system(space, v->system);
	return part;
}

static bool
is_ucum(const struct search_value *v, struct ucum *out)
{
	return v->has_text && str_eqz(v->system, UCUM_SYSTEM) &&
	    ucum_parse(v->text, out);
}

/* One of the ends of ap, which has no digits of its own. */
static bool
scaled_end(double x, const struct scale *scale, double *out)
{
	struct decimal n;
	char text[40];

	snprintf(text, sizeof(text), "%.17g", x);
	if (!decimal_scaled(str_of(text), scale, &n))
		return false;
	*out = n.value;
	return true;
}

/* The number that v is in another unit. */
static bool
scaled(const struct search_value *v, const struct scale *scale,
    struct decimal *out)
{
	struct decimal n = around(&v->number);

	if (!decimal_scaled(v->digits, scale, out))
		return false;
	return v->prefix != SEARCH_AP ||
	    (scaled_end(n.lo, scale, &out->lo) &&
	    scaled_end(n.hi, scale, &out->hi));
}

/* 5.4 g is 5400 mg, too: as many ways as there are units of its kind. */
static void
add_measured(const struct work *w, struct parts *p,
    const struct search_value *v)
{
	struct decimal n = v->prefix == SEARCH_AP ? around(&v->number) :
	    v->number;
	struct part like = unit_of(w->space, v);
	struct ucum asked;
	struct scale scale;
	size_t i;

	add_number(p, &like, v->prefix, &n);
	for (i = 0; i < w->nunits && is_ucum(v, &asked); i++) {
		const struct unit *unit = &w->units[i];

		if (str_eq(unit->code, v->text) ||
		    !ucum_scale(&asked, &unit->ucum, &scale) ||
		    !scaled(v, &scale, &n))
			continue;
		like.unit = key_unit(w->space, unit->code);
		add_number(p, &like, v->prefix, &n);
	}
}

/* Room for each prefix in each unit. */
static struct parts
parts_new(const struct work *w, size_t more)
{
	struct parts p = { .n = 0 };

	p.v = arena_array(w->ctx->arena, (w->nunits + 1) * 2 + more,
	    sizeof(*p.v));
	return p;
}

static void
ask_measure(const struct work *w, const struct search_value *v)
{
	struct parts p = parts_new(w, 0);
	size_t i;

	add_measured(w, &p, v);
	for (i = 0; i < p.n; i++)
		add_row(w, 0, &anything, &p.v[i]);
}

/* --- the units that there are --------------------------------------------- */

/* Whether some value of c, or the i-th component of one, is of UCUM. */
static bool
asks_ucum(const struct search_condition *c, int component)
{
	struct ucum unit;
	size_t i;

	for (i = 0; i < c->n; i++)
		if (is_ucum(component < 0 ? &c->values[i] :
		    &c->values[i].parts[component], &unit))
			return true;
	return false;
}

static size_t
add_numbers(const struct r4_param *param, int16_t *out, size_t n)
{
	const struct r4_param *const *part = param->parts;

	if (part == NULL)
		out[n++] = param->number;
	for (; part != NULL && *part != NULL && n < COMPONENTS_MAX * 2; part++)
		out[n++] = (*part)->number;
	return n;
}

/* The numbers of the parameters whose values c compares in UCUM units. */
static size_t
measured_params(const struct search_condition *c, int16_t *out)
{
	const struct r4_param *const *all = c->param->components;
	size_t n = 0;
	int i;

	if (c->kind != SEARCH_COMPOSITE)
		return asks_ucum(c, -1) ? add_numbers(c->param, out, 0) : 0;
	for (i = 0; all[i] != NULL; i++)
		if (all[i]->kind == R4_QUANTITY && asks_ucum(c, i))
			n = add_numbers(all[i], out, n);
	return n;
}

static enum err
ask_units(struct work *w, const struct search_condition *c)
{
	int16_t params[COMPONENTS_MAX * 4];
	size_t n = measured_params(c, params), i;
	struct pg_args a = pg_args(w->ctx->arena);
	PGresult *res;
	enum err err;

	if (n == 0)
		return OK;
	pg_int4(&a, w->space.tn);
	pg_int2(&a, w->search->type->number);
	pg_int2s(&a, params, n);
	pg_int4(&a, SEARCH_UNITS_MAX + 1);
	pg_text(&a, STR(UCUM_SYSTEM));
	if ((err = pg_exec(w->ctx, &query_search_dict_units, &a, &res)) != OK)
		return err;
	n = (size_t)PQntuples(res);
	if (n > SEARCH_UNITS_MAX)
		return fail(w->ctx, ERR_NOT_SUPPORTED,
		    "Search parameter '%s' has values in more than %d units; "
		    "ask without system, number||unit", c->param->code,
		    SEARCH_UNITS_MAX);
	w->units = arena_array(w->ctx->arena, n, sizeof(*w->units));
	for (i = 0; i < n; i++) {
		struct unit *unit = &w->units[w->nunits];

		unit->code = pg_get_str(res, (int)i, 0);
		w->nunits += ucum_parse(unit->code, &unit->ucum);
	}
	return OK;
}

/* --- composites ----------------------------------------------------------- */

static void
add_hash(struct parts *p, int64_t hash, int32_t system_lo, int32_t system_hi)
{
	p->v[p->n++] = (struct part){ .hash = hash, .system_lo = system_lo,
		.system_hi = system_hi };
}

static void
add_token(const struct work *w, const struct r4_param *param,
    const struct search_value *v, struct parts *p)
{
	int64_t hash = key_hash(w->space, v->text);
	struct auxs aux = search_token_auxs(w->space, param, v);
	size_t i;

	for (i = 0; i < aux.n; i++)
		add_hash(p, hash, aux.lo[i], aux.hi[i]);
}

static void
add_reference(const struct work *w, const struct r4_param *param,
    const struct search_value *v, struct parts *p)
{
	const struct r4_type *type;
	const int16_t *t;

	if (v->id.n == 0) {
		add_hash(p, key_target(w->ctx, w->space, v->text, &type),
		    INT32_MIN, INT32_MAX);
		return;
	}
	for (t = param->targets; t != NULL && *t != 0; t++) {
		type = r4_type_numbered(*t);
		if (v->type == NULL || v->type == type)
			add_hash(p, key_reference(w->space,
			    str_of(type->name), v->id), INT32_MIN, INT32_MAX);
	}
}

static struct parts
parts_of(const struct work *w, const struct r4_param *param,
    const struct search_value *v)
{
	size_t targets = 0;
	struct parts p;

	while (param->targets != NULL && param->targets[targets] != 0)
		targets++;
	p = parts_new(w, targets);
	switch (param->kind) {
	case R4_TOKEN:
		add_token(w, param, v, &p);
		break;
	case R4_REFERENCE:
		add_reference(w, param, v, &p);
		break;
	case R4_DATE:
		add_date(w->ctx, &p, v);
		break;
	default:	/* R4_NUMBER, R4_QUANTITY */
		add_measured(w, &p, v);
		break;
	}
	return p;
}

/* One combination, put together as keys_composite.c does: of two numbers the
 * first is lo and the second hi, of a second token only the system is left. */
static void
add_combination(const struct work *w, const struct part *const *parts,
    size_t n)
{
	int64_t hashes[COMPONENTS_MAX];
	const struct part *first = NULL;
	struct part row = anything;
	size_t discrete = 0, measured = 0, i;

	for (i = 0; i < n; i++) {
		const struct part *p = parts[i];
		const struct span *s = &p->span;

		if (p->measured && measured++ == 0) {
			row = *p;
		} else if (p->measured) {
			row.span = (struct span){
			    fmax(row.span.lo_min, row.span.hi_min),
			    fmin(row.span.lo_max, row.span.hi_max),
			    fmax(s->lo_min, s->hi_min),
			    fmin(s->lo_max, s->hi_max) };
		} else {
			if (discrete == 0)
				first = p;
			else
				row = *p;
			hashes[discrete++] = p->hash;
		}
	}
	add_row(w, key_const(w->space, w->search->type->number,
	    w->param->number, KEY_VALUE) ^ key_combine(w->space, hashes,
	    discrete), first == NULL ? &anything : first, &row);
}

/* Every choice of parts[i..] with what was chosen before. */
static void
choose(const struct work *w, const struct parts *parts, size_t i, size_t n,
    const struct part **chosen)
{
	size_t at;

	if (i == n) {
		add_combination(w, chosen, n);
		return;
	}
	for (at = 0; at < parts[i].n; at++) {
		chosen[i] = &parts[i].v[at];
		choose(w, parts, i + 1, n, chosen);
	}
}

static void
ask_composite(const struct work *w, const struct r4_param *param,
    const struct search_value *v)
{
	struct parts parts[COMPONENTS_MAX];
	const struct part *chosen[COMPONENTS_MAX];
	size_t n;

	for (n = 0; param->components[n] != NULL; n++)
		parts[n] = parts_of(w, param->components[n], &v->parts[n]);
	choose(w, parts, 0, n, chosen);
}

/* --- both ----------------------------------------------------------------- */

enum err
search_probe_measure(struct ctx *ctx, struct key_space space,
    const struct search *search, const struct search_condition *c,
    struct probe *probe)
{
	const struct r4_param *const self[] = { c->param, NULL };
	const struct r4_param *const *part = c->param->parts != NULL ?
	    c->param->parts : self;
	struct work w = { .ctx = ctx, .space = space, .search = search,
		.out = &probe->measures };
	size_t i;
	enum err err;

	probe->kind = c->kind == SEARCH_COMPOSITE ? PROBE_COMPOSITE :
	    PROBE_MEASURE;
	if ((err = ask_units(&w, c)) != OK)
		return err;
	for (; *part != NULL; part++) {
		w.param = *part;
		for (i = 0; i < c->n; i++) {
			if (probe->kind == PROBE_COMPOSITE)
				ask_composite(&w, c->param, &c->values[i]);
			else
				ask_measure(&w, &c->values[i]);
		}
	}
	return OK;
}
