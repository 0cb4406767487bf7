/*
 * The interpreter of compiled FHIRPaths. It trusts programs, not documents:
 * an element that is not what the definitions say simply yields nothing.
 */

#include "fhir/extract.h"

/* So many contained resources are looked through for each reference to one:
 * a record that has more of both must not cost their product. */
#define CONTAINED_MAX	64

/* Room for a reference with escapes ("Patient\/1"); longer ones name no type
 * here. */
#define REFERENCE_MAX	1024

struct run {
	const struct extract	*x;
	extract_emit		*emit;
	void			*to;
};

/* --- references --------------------------------------------------------- */

/* Cut the last segment off *s: what is behind its last '/'. */
static struct str
last_segment(struct str *s)
{
	struct str whole = *s, last;
	size_t at = s->n;

	while (at > 0 && whole.p[at - 1] != '/')
		at--;
	last = str_from(whole, at);
	s->n = at == 0 ? 0 : at - 1;
	return last;
}

bool
extract_literal(struct str text, struct str *before,
    const struct r4_type **type, struct str *id)
{
	struct str rest = text, name;

	*id = last_segment(&rest);
	name = last_segment(&rest);
	if (str_eqz(name, "_history")) {
		*id = last_segment(&rest);
		name = last_segment(&rest);
	}
	if (id->n == 0 || name.n == 0)
		return false;
	*type = r4_type_named(name);
	*before = (struct str){ text.p, (size_t)(name.p - text.p) };
	return *type != NULL;
}

/* Is the contained resource with that id (behind '#') a `type`? */
static bool
contained_is(const struct extract *x, struct str id, struct str type)
{
	const struct jdoc *d = x->doc;
	uint32_t list = jdoc_get(d, x->root, STR("contained"));
	unsigned left = CONTAINED_MAX;
	uint32_t value;

	if (list == 0 || jdoc_type(d, list) != JDOC_ARRAY)
		return false;
	for (uint32_t i = jdoc_first(d, list); i != 0 && left > 0;
	    i = jdoc_next(d, list, i), left--) {
		value = jdoc_get(d, i, STR("id"));
		if (value == 0 || !jdoc_is(d, value, id))
			continue;
		value = jdoc_get(d, i, STR("resourceType"));
		return value != 0 && jdoc_is(d, value, type);
	}
	return false;
}

/*
 * resolve() is Type, without resolving: by the literal reference, by what is
 * contained, else by Reference.type. R4 references.html#literal
 */
static bool
refers_to(const struct extract *x, uint32_t node, struct str type)
{
	const struct jdoc *d = x->doc;
	uint32_t literal = jdoc_get(d, node, STR("reference"));
	const struct r4_type *found;
	char decoded[REFERENCE_MAX];
	struct str text, before, id;
	uint32_t named;

	if (literal != 0 && jdoc_type(d, literal) == JDOC_STRING) {
		text = jdoc_raw(d, literal);
		if (d->nodes[literal].escaped && text.n <= REFERENCE_MAX)
			text = (struct str){ decoded,
				jdoc_decode(d, literal, decoded) };
		if (text.n > 0 && text.p[0] == '#')
			return contained_is(x, str_from(text, 1), type);
		if (extract_literal(text, &before, &found, &id))
			return str_eqz(type, found->name);
	}
	named = jdoc_get(d, node, STR("type"));
	return named != 0 && jdoc_is(d, named, type);
}

/* --- paths -------------------------------------------------------------- */

static void	walk(const struct run *run, const struct r4_step *step,
		    uint32_t node);

static uint32_t
element_at(const struct jdoc *d, uint32_t list, unsigned n)
{
	uint32_t i;

	if (list == 0 || jdoc_type(d, list) != JDOC_ARRAY)
		return 0;
	for (i = jdoc_first(d, list); i != 0 && n > 0; n--)
		i = jdoc_next(d, list, i);
	return i;
}

static bool
passes(const struct run *run, const struct r4_step *step, uint32_t node)
{
	const struct jdoc *d = run->x->doc;
	uint32_t value;

	switch (step->op) {
	case STEP_WHERE:
		value = jdoc_get(d, node, step->name);
		return value != 0 && jdoc_is(d, value, step->value);
	case STEP_IS:
		return refers_to(run->x, node, step->value);
	default:
		return jdoc_type(d, node) != JDOC_FALSE;
	}
}

/* The elements of the array in turn, each through the steps that remain. */
static void
walk_each(const struct run *run, const struct r4_step *step, uint32_t list)
{
	const struct jdoc *d = run->x->doc;

	for (uint32_t i = jdoc_first(d, list); i != 0;
	    i = jdoc_next(d, list, i))
		if (jdoc_type(d, i) != JDOC_ARRAY)
			walk(run, step, i);
}

static void
walk(const struct run *run, const struct r4_step *step, uint32_t node)
{
	const struct jdoc *d = run->x->doc;

	for (;; step++) {
		switch (step->op) {
		case STEP_FIELD:
			node = jdoc_get(d, node, step->name);
			if (node == 0)
				return;
			if (jdoc_type(d, node) == JDOC_ARRAY) {
				walk_each(run, step + 1, node);
				return;
			}
			break;
		case STEP_AT:
			node = element_at(d, jdoc_get(d, node, step->name),
			    step->n);
			if (node == 0)
				return;
			break;
		case STEP_ROOT:
			node = run->x->root;
			break;
		case STEP_WHERE:
		case STEP_IS:
		case STEP_NOT_FALSE:
			if (!passes(run, step, node))
				return;
			break;
		default:	/* STEP_EMIT, STEP_GROUP */
			if (jdoc_type(d, node) != JDOC_NULL)
				run->emit(run->to,
				    (enum extract_kind)step->kind, node, step);
			return;
		}
	}
}

static void
note_truth(void *to, enum extract_kind kind, uint32_t node,
    const struct r4_step *group)
{
	bool *found = to;

	(void)kind;
	(void)node;
	(void)group;
	*found = true;
}

void
extract_run(const struct extract *x, const struct r4_step *program,
    uint32_t node, extract_emit *emit, void *to)
{
	bool truth = program->op == STEP_TRUTH, found = false;
	struct run run = { x, emit, to };

	if (truth) {
		run = (struct run){ x, note_truth, &found };
		program++;
	}
	for (; program->op == STEP_PATH; program += program->n + 1)
		walk(&run, program + 1, node);
	if (truth)
		emit(to, found ? EXTRACT_YES : EXTRACT_NO, x->root, NULL);
}

bool
extract_refers(const struct r4_step *program)
{
	bool found = false;

	for (; program->op != STEP_END; program++) {
		if (program->op == STEP_TRUTH)
			return false;
		if (program->op != STEP_EMIT)
			continue;
		if (program->kind != EXTRACT_REFERENCE)
			return false;
		found = true;
	}
	return found;
}

const struct r4_step *
extract_component(const struct r4_step *group, unsigned i)
{
	const struct r4_step *step = group + 1;

	for (; i > 0; i--)
		step += step->n + 1;
	return step + 1;
}
