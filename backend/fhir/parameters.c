/* Input and answer of operations as named values. */

#include "fhir/parameters.h"

#include "fhir/primitive.h"
#include "fhir/suggest.h"

#define VALUE	"value"

/* What reads, and what it has found. */
struct reading {
	struct ctx			*ctx;
	const struct parameter_kind	*kinds;
	struct parameters		*out;
	size_t				 room;
	bool				 lenient;
};

/* --- the table ------------------------------------------------------------ */

static const struct parameter_kind *
kind_named(const struct reading *r, struct str name)
{
	for (const struct parameter_kind *k = r->kinds; k->name != NULL; k++)
		if (k->use == PARAMETER_IN && str_eqz(name, k->name))
			return k;
	return NULL;
}

static const char *
nearest(const struct reading *r, struct str name)
{
	size_t near = name.n / 3 + 2, d;
	const char *best = NULL;

	if (name.n > SUGGEST_CHARS_MAX)
		return NULL;
	for (const struct parameter_kind *k = r->kinds; k->name != NULL; k++) {
		if (k->use != PARAMETER_IN)
			continue;
		d = suggest_distance(name, str_of(k->name));
		if (d < near) {
			near = d;
			best = k->name;
		}
	}
	return best;
}

static enum err
fail_unknown(struct reading *r, struct str name)
{
	const char *near = nearest(r, name);

	return fail_at(r->ctx, ERR_INVALID_REQUEST, name, "unknown parameter "
	    "\"%.*s\"%s%s%s", STR_ARGS(name), near == NULL ? "" : "; is \"",
	    near == NULL ? "" : near, near == NULL ? "" : "\" meant?");
}

/* What is wrong with a value depends on where it was. */
static enum err
bad_value(const struct parameter *p)
{
	return p->doc == NULL ? ERR_INVALID_PARAMETER : ERR_VALIDATION;
}

static enum err
add(struct reading *r, struct parameter p)
{
	struct str name = str_of(p.kind->name);

	if (!p.kind->many && parameters_get(r->out, p.kind->name) != NULL)
		return fail_at(r->ctx, bad_value(&p), name, "%s may be given "
		    "once", p.kind->name);
	if (r->out->n == r->room) {
		struct parameter *old = r->out->v;

		r->room = r->room * 2 + 8;
		r->out->v = arena_array(r->ctx->arena, r->room, sizeof(p));
		if (r->out->n > 0)
			memcpy(r->out->v, old, r->out->n * sizeof(p));
	}
	r->out->v[r->out->n++] = p;
	return OK;
}

/* --- from a query --------------------------------------------------------- */

static enum err
check_text(struct reading *r, const struct parameter *p,
    enum r4_primitive type)
{
	bool boolean = str_eqz(p->text, "true") || str_eqz(p->text, "false");

	if (type == PRIM_BOOLEAN ? boolean : primitive_valid(type, p->text))
		return OK;
	return fail_at(r->ctx, bad_value(p), str_of(p->kind->name),
	    "%s must be %s", p->kind->name, primitive_form(type));
}

static enum err
read_query(struct reading *r, const struct http_param *param)
{
	struct parameter p = { .kind = kind_named(r, param->name),
	    .text = param->value };
	enum r4_primitive type;
	enum err err;

	if (p.kind == NULL)
		return r->lenient ? OK : fail_unknown(r, param->name);
	if (p.kind->type == NULL ||
	    !primitive_named(str_of(p.kind->type), &type))
		return fail_at(r->ctx, ERR_INVALID_PARAMETER, param->name,
		    "%s cannot be given in the address; POST a Parameters "
		    "resource with it", p.kind->name);
	if ((err = check_text(r, &p, type)) != OK)
		return err;
	return add(r, p);
}

/* --- from a body ---------------------------------------------------------- */

static struct str
text_of(struct ctx *ctx, const struct jdoc *d, uint32_t node)
{
	struct str raw = jdoc_raw(d, node);
	char *out;

	if (jdoc_type(d, node) != JDOC_STRING || !d->nodes[node].escaped)
		return raw;
	out = arena_alloc(ctx->arena, raw.n);
	return (struct str){ out, jdoc_decode(d, node, out) };
}

/* The member value[x] or resource of a parameter, its name in *member. */
static uint32_t
find_value(struct reading *r, const struct parameter *p, struct str *member)
{
	for (uint32_t i = jdoc_first(p->doc, p->node); i != 0;
	    i = jdoc_next(p->doc, p->node, i)) {
		*member = text_of(r->ctx, p->doc, i);
		if (str_starts(*member, STR(VALUE)) ||
		    str_eqz(*member, "resource"))
			return jdoc_value(p->doc, i);
	}
	return 0;
}

static enum err
fail_type(struct reading *r, const struct parameter *p)
{
	return fail_at(r->ctx, ERR_VALIDATION, str_of(p->kind->name),
	    "%s must be a %s", p->kind->name, p->kind->type);
}

/* A uri may come as a url or a string: whoever wrote it meant the text. */
static enum err
take_primitive(struct reading *r, struct parameter *p, uint32_t value,
    struct str member, enum r4_primitive type)
{
	enum jdoc_type have = jdoc_type(p->doc, value);
	enum r4_primitive given;
	char first;

	if (have == JDOC_FALSE)
		have = JDOC_TRUE;
	if (member.n <= sizeof(VALUE) - 1 || have != primitive_json(type))
		return fail_type(r, p);
	first = member.p[sizeof(VALUE) - 1];
	member = arena_printf(r->ctx->arena, "%c%.*s", first | 0x20,
	    STR_ARGS(str_from(member, sizeof(VALUE))));
	if (!primitive_named(member, &given))
		return fail_type(r, p);
	p->node = value;
	p->text = text_of(r->ctx, p->doc, value);
	return check_text(r, p, type);
}

/* A resource of the type that the row says, or of any. */
static bool
is_resource(const struct parameter_kind *kind, const struct jdoc *d,
    uint32_t node)
{
	uint32_t type = jdoc_get(d, node, STR("resourceType"));

	return type != 0 && kind->type != NULL &&
	    (strcmp(kind->type, "Resource") == 0 ||
	    jdoc_is(d, type, str_of(kind->type)));
}

static enum err
take_object(struct reading *r, struct parameter *p, uint32_t value,
    struct str member)
{
	const char *type = p->kind->type;
	bool resource = strcmp(type, "Resource") == 0 ||
	    r4_type_named(str_of(type)) != NULL;
	bool fits = resource ? str_eqz(member, "resource") &&
	    is_resource(p->kind, p->doc, value) :
	    str_eqz(str_from(member, sizeof(VALUE) - 1), type);

	if (!fits || jdoc_type(p->doc, value) != JDOC_OBJECT)
		return fail_type(r, p);
	p->node = value;
	return OK;
}

static enum err
read_parameter(struct reading *r, const struct jdoc *d, uint32_t node)
{
	uint32_t name = jdoc_get(d, node, STR("name")), value;
	struct parameter p = { .doc = d, .node = node };
	struct str member = STR_NONE;
	enum r4_primitive type;
	enum err err;

	if (name == 0 || jdoc_type(d, name) != JDOC_STRING)
		return fail_at(r->ctx, ERR_VALIDATION,
		    STR("Parameters.parameter.name"), "each parameter must be "
		    "an object with a name");
	p.kind = kind_named(r, text_of(r->ctx, d, name));
	if (p.kind == NULL)
		return r->lenient ? OK :
		    fail_unknown(r, text_of(r->ctx, d, name));
	if (p.kind->type == NULL)
		return add(r, p);
	value = find_value(r, &p, &member);
	if (value == 0)
		return fail_at(r->ctx, ERR_MISSING_PARAMETER,
		    str_of(p.kind->name), "%s has no value", p.kind->name);
	if (primitive_named(str_of(p.kind->type), &type))
		err = take_primitive(r, &p, value, member, type);
	else
		err = take_object(r, &p, value, member);
	return err != OK ? err : add(r, p);
}

static enum err
read_list(struct reading *r, const struct jdoc *d, uint32_t node)
{
	uint32_t list = jdoc_get(d, node, STR("parameter"));
	enum err err = OK;

	if (list == 0)
		return OK;
	if (jdoc_type(d, list) != JDOC_ARRAY)
		return fail_at(r->ctx, ERR_VALIDATION,
		    STR("Parameters.parameter"), "parameter must be an array");
	for (uint32_t i = jdoc_first(d, list); i != 0 && err == OK;
	    i = jdoc_next(d, list, i))
		err = read_parameter(r, d, i);
	return err;
}

/* A Parameters resource, or the resource itself that is wanted. */
static enum err
read_body(struct reading *r, const struct jdoc *d, uint32_t node)
{
	uint32_t type = jdoc_get(d, node, STR("resourceType"));

	if (type == 0)
		return fail_at(r->ctx, ERR_INVALID_REQUEST,
		    STR("resourceType"), "the body must be a Parameters "
		    "resource");
	if (jdoc_is(d, type, STR("Parameters")))
		return read_list(r, d, node);
	for (const struct parameter_kind *k = r->kinds; k->name != NULL; k++)
		if (k->use == PARAMETER_IN && is_resource(k, d, node))
			return add(r, (struct parameter){ .kind = k, .doc = d,
			    .node = node });
	return fail_at(r->ctx, ERR_INVALID_REQUEST, STR("resourceType"),
	    "the body must be a Parameters resource, not %.*s",
	    STR_ARGS(text_of(r->ctx, d, type)));
}

enum err
parameters_read(struct ctx *ctx, const struct parameter_kind *kinds,
    const struct parameters_given *given, struct parameters *out)
{
	struct reading r = { .ctx = ctx, .kinds = kinds, .out = out,
	    .lenient = given->lenient };
	enum err err = OK;

	*out = (struct parameters){ NULL, 0 };
	for (size_t i = 0; i < given->query->n && err == OK; i++)
		err = read_query(&r, &given->query->v[i]);
	if (err == OK && given->doc != NULL)
		err = read_body(&r, given->doc, given->node);
	for (; err == OK && kinds->name != NULL; kinds++)
		if (kinds->use == PARAMETER_IN && kinds->min > 0 &&
		    parameters_get(out, kinds->name) == NULL)
			err = fail_at(ctx, ERR_MISSING_PARAMETER,
			    str_of(kinds->name), "the parameter %s is missing",
			    kinds->name);
	return err;
}

/* --- what was read -------------------------------------------------------- */

const struct parameter *
parameters_get(const struct parameters *p, const char *name)
{
	for (size_t i = 0; i < p->n; i++)
		if (strcmp(p->v[i].kind->name, name) == 0)
			return &p->v[i];
	return NULL;
}

struct str
parameters_text(const struct parameters *p, const char *name)
{
	const struct parameter *found = parameters_get(p, name);

	return found == NULL ? STR_NONE : found->text;
}

bool
parameters_true(const struct parameters *p, const char *name)
{
	return str_eqz(parameters_text(p, name), "true");
}

enum err
parameters_number(struct ctx *ctx, const struct parameters *p,
    const char *name, uint64_t max, uint64_t *out)
{
	struct str text = parameters_text(p, name);

	if (text.p == NULL || str_u64(text, max, out))
		return OK;
	return fail_at(ctx, ERR_INVALID_PARAMETER, str_of(name), "%s must be "
	    "a number from 0 to %llu", name, (unsigned long long)max);
}

/* --- writing -------------------------------------------------------------- */

static void
add_name(struct parameters_out *o, const char *name)
{
	buf_addf(&o->b, "%s{\"name\":\"%s\",", o->more ? "," : "", name);
}

struct parameters_out
parameters_begin(struct ctx *ctx)
{
	struct parameters_out o = { buf_new(ctx->arena, 512), false };

	buf_addz(&o.b, "{\"resourceType\":\"Parameters\",\"parameter\":[");
	return o;
}

void
parameters_add(struct parameters_out *o, const char *name, const char *member,
    struct str text)
{
	add_name(o, name);
	buf_addf(&o->b, "\"%s\":", member);
	buf_add_quoted(&o->b, text);
	buf_addc(&o->b, '}');
	o->more = true;
}

void
parameters_add_json(struct parameters_out *o, const char *name,
    const char *member, struct str json)
{
	add_name(o, name);
	buf_addf(&o->b, "\"%s\":", member);
	buf_add(&o->b, json);
	buf_addc(&o->b, '}');
	o->more = true;
}

void
parameters_open(struct parameters_out *o, const char *name)
{
	add_name(o, name);
	buf_addz(&o->b, "\"part\":[");
	o->more = false;
}

void
parameters_close(struct parameters_out *o)
{
	buf_addz(&o->b, "]}");
	o->more = true;
}

struct str
parameters_end(struct parameters_out *o)
{
	buf_addz(&o->b, "]}");
	return buf_str(&o->b);
}
