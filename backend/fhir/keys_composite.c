/*
 * Keys of composites: for each group every combination of its components'
 * values. R4 search.html#combining
 */

#include "fhir/keys_build.h"

#include <math.h>

/* No R4 composite has more. */
#define COMPONENTS_MAX	3
/* Values of one component, and thus combinations, of one group: far more than
 * a concept has codings, and few enough that a record cannot be made of
 * combinations alone. */
#define PARTS_MAX	16

/* One value of one component. */
struct part {
	bool	measured;
	int64_t	hash;		/* unless measured */
	int32_t	aux;		/* of a token */
	double	lo, hi;		/* if measured */
	int32_t	system, code, unit;
};

struct component {
	struct key_build	*b;
	const struct r4_param	*param;
	struct part		 parts[PARTS_MAX];
	unsigned		 n;
};

static void
add_part(struct component *c, struct part part)
{
	if (c->n < PARTS_MAX)
		c->parts[c->n++] = part;
}

static void
token_part(void *to, const struct token *t)
{
	struct component *c = to;
	struct key_space space = c->b->space;

	if (t->code.n > 0)
		add_part(c, (struct part){
			.hash = key_hash(space, t->code),
			.aux = key_system(space, t->system),
		});
}

static void
reference_part(struct component *c, enum extract_kind kind, uint32_t node)
{
	struct str text = reference_text(c->b, kind, node);
	const struct r4_type *type;
	int64_t hash = key_target(c->b->ctx, c->b->space, text, &type);

	if (text.n > 0 && text.p[0] != '#')
		add_part(c, (struct part){ .hash = hash });
}

static double
as_double(int64_t us)
{
	return us == WHEN_MIN ? -HUGE_VAL : us == WHEN_MAX ? HUGE_VAL :
	    (double)us;
}

static void
date_part(struct component *c, enum extract_kind kind, uint32_t node)
{
	int64_t lo_us, hi_us;

	if (measure_date(c->b, kind, node, &lo_us, &hi_us))
		add_part(c, (struct part){
			.measured = true,
			.lo = as_double(lo_us),
			.hi = as_double(hi_us),
		});
}

static void
measure_part(struct component *c, enum extract_kind kind, uint32_t node)
{
	struct key_space space = c->b->space;
	struct part part = { .measured = true };
	struct measure m;

	if (!measure_of(c->b, kind, node, &m))
		return;
	part.lo = m.lo;
	part.hi = m.hi;
	part.system = key_system(space, m.system);
	part.code = key_unit(space, m.code);
	part.unit = measure_unit(space, &m);
	add_part(c, part);
}

static void
emit(void *to, enum extract_kind kind, uint32_t node,
    const struct r4_step *group)
{
	struct component *c = to;

	(void)group;
	switch (c->param->kind) {
	case R4_TOKEN:
		token_each(c->b, kind, node, token_part, c);
		break;
	case R4_REFERENCE:
		reference_part(c, kind, node);
		break;
	case R4_DATE:
		date_part(c, kind, node);
		break;
	case R4_NUMBER:
	case R4_QUANTITY:
		measure_part(c, kind, node);
		break;
	default:	/* a string: no rows */
		break;
	}
}

/* One combination as a row; of a second token only the system is left to
 * say, and of a second number only its value. */
static void
combine(struct key_build *b, const struct part *const *parts, unsigned n)
{
	int64_t hashes[COMPONENTS_MAX];
	struct key_cqty row = { 0 };
	unsigned discrete = 0, measured = 0;

	for (unsigned i = 0; i < n; i++) {
		const struct part *p = parts[i];

		if (!p->measured) {
			if (discrete == 0)
				row.aux = p->aux;
			else
				row.system = p->aux;
			hashes[discrete++] = p->hash;
		} else if (measured++ == 0) {
			row.lo = p->lo;
			row.hi = p->hi;
			row.system = p->system;
			row.code = p->code;
			row.unit = p->unit;
		} else {
			row.hi = p->hi;
		}
	}
	row.k = key_combine(b->space, hashes, discrete);
	build_cqty(b, row);
}

/* Every combination of components[i..] with what was chosen before. */
static void
choose(struct key_build *b, const struct component *components, unsigned i,
    unsigned n, const struct part **chosen)
{
	if (i == n) {
		combine(b, chosen, n);
		return;
	}
	for (unsigned at = 0; at < components[i].n; at++) {
		chosen[i] = &components[i].parts[at];
		choose(b, components, i + 1, n, chosen);
	}
}

void
value_composite(struct key_build *b, uint32_t node, const struct r4_step *group)
{
	struct component components[COMPONENTS_MAX];
	const struct part *chosen[COMPONENTS_MAX];

	for (unsigned i = 0; i < group->n; i++) {
		components[i].b = b;
		components[i].param = b->param->components[i];
		components[i].n = 0;
		extract_run(&b->x, extract_component(group, i), node, emit,
		    &components[i]);
		if (components[i].n == 0)
			return;
	}
	choose(b, components, 0, group->n, chosen);
}
