/*
 * The values of one search parameter: OR lists, escapes, and the form of each
 * kind. Pure: bytes in, typed values out.
 */

#include "fhir/search_query.h"

#include <assert.h>
#include <math.h>

#include "base/buf.h"
#include "base/when.h"
#include "fhir/validate.h"

/* What one value parser gets: the message names the parameter as sent. */
struct piece {
	struct ctx			*ctx;
	const struct search_condition	*condition;
	struct str			 name;
	struct str			 raw;	/* escapes still in it */
};

/* --- escapes -------------------------------------------------------------- */

/* As str_cut, but a separator behind a backslash is part of the text. */
static struct str
cut_unescaped(struct str *rest, char sep)
{
	struct str part = *rest;
	size_t i;

	for (i = 0; i < rest->n; i++) {
		if (rest->p[i] == '\\')
			i++;
		else if (rest->p[i] == sep)
			break;
	}
	if (i >= rest->n) {
		*rest = STR_NONE;
		return part;
	}
	part.n = i;
	rest->p += i + 1;
	rest->n -= i + 1;
	return part;
}

/* R4 search.html#escaping: \, \$ \| \\ and nothing else. */
static enum err
unescape(const struct piece *piece, struct str raw, struct str *out)
{
	struct buf b;
	size_t i;

	*out = raw;
	if (!str_has(raw, '\\'))
		return OK;
	b = buf_new(piece->ctx->arena, raw.n);
	for (i = 0; i < raw.n; i++) {
		if (raw.p[i] != '\\') {
			buf_addc(&b, raw.p[i]);
			continue;
		}
		i++;
		if (i == raw.n || strchr(",$|\\", raw.p[i]) == NULL)
			return fail(piece->ctx, ERR_INVALID_PARAMETER,
			    "Search parameter '%.*s': a backslash may only "
			    "precede a comma, '$', '|' or a backslash",
			    STR_ARGS(piece->name));
		buf_addc(&b, raw.p[i]);
	}
	*out = buf_str(&b);
	return OK;
}

/* --- one parser for each kind --------------------------------------------- */

static enum err
parse_text(const struct piece *piece, struct search_value *v)
{
	v->has_text = true;
	return unescape(piece, piece->raw, &v->text);
}

/* code, system|code, |code, system| . R4 search.html#token */
static enum err
parse_token(const struct piece *piece, struct search_value *v)
{
	struct str rest = piece->raw;
	struct str first = cut_unescaped(&rest, '|');
	enum search_modifier modifier = piece->condition->modifier;
	enum err err;

	if (modifier == SEARCH_TEXT || modifier == SEARCH_IN ||
	    modifier == SEARCH_NOT_IN || rest.p == NULL)
		return parse_text(piece, v);
	v->has_system = true;
	v->has_text = rest.n > 0;
	if ((err = unescape(piece, first, &v->system)) != OK)
		return err;
	if ((err = unescape(piece, rest, &v->text)) != OK)
		return err;
	if (v->system.n == 0 && v->text.n == 0)
		return fail(piece->ctx, ERR_INVALID_PARAMETER,
		    "Search parameter '%.*s': '|' alone names neither system "
		    "nor code", STR_ARGS(piece->name));
	return OK;
}

/* :identifier of a reference: the value is needed, its system is not. */
static enum err
parse_identifier(const struct piece *piece, struct search_value *v)
{
	enum err err = parse_token(piece, v);

	if (err == OK && v->text.n == 0)
		return fail(piece->ctx, ERR_INVALID_PARAMETER,
		    "Search parameter '%.*s' wants an identifier's value "
		    "after the '|'", STR_ARGS(piece->name));
	return err;
}

/* system|code|value of an identifier's type and value. */
static enum err
parse_of_type(const struct piece *piece, struct search_value *v)
{
	struct str rest = piece->raw;
	struct str system = cut_unescaped(&rest, '|');
	struct str code = STR_NONE;
	enum err err;

	if (rest.p != NULL)
		code = cut_unescaped(&rest, '|');
	if (rest.p == NULL || rest.n == 0 || code.n == 0)
		return fail(piece->ctx, ERR_INVALID_PARAMETER,
		    "Search parameter '%.*s' wants type system|type "
		    "code|identifier value", STR_ARGS(piece->name));
	v->has_text = true;
	if ((err = unescape(piece, system, &v->system)) != OK)
		return err;
	if ((err = unescape(piece, code, &v->type_code)) != OK)
		return err;
	return unescape(piece, rest, &v->text);
}

bool
search_is_target(const struct r4_param *param, const struct r4_type *type)
{
	const int16_t *t;

	for (t = param->targets; t != NULL && *t != 0; t++)
		if (*t == type->number)
			return true;
	return false;
}

/* Type/id, with or without /_history/version. */
static enum err
parse_literal(const struct piece *piece, struct search_value *v)
{
	const struct r4_param *param = piece->condition->param;
	struct str rest = v->text;
	struct str type = str_cut(&rest, '/');
	struct str id = rest.p == NULL ? STR_NONE : str_cut(&rest, '/');
	const struct r4_type *named = r4_type_named(type);

	if (named == NULL || !fhir_id_valid(id) ||
	    (rest.p != NULL && !str_starts(rest, STR("_history/"))))
		return fail(piece->ctx, ERR_INVALID_PARAMETER,
		    "Search parameter '%.*s': '%.*s' is not a reference; "
		    "write Type/id, id, or an absolute URL",
		    STR_ARGS(piece->name), STR_ARGS(v->text));
	if (!search_is_target(param, named) ||
	    (v->type != NULL && v->type != named))
		return fail(piece->ctx, ERR_INVALID_PARAMETER,
		    "Search parameter '%.*s' cannot refer to a %s",
		    STR_ARGS(piece->name), named->name);
	v->type = named;
	v->id = id;
	return OK;
}

/* R4 search.html#reference. :Type has put its type into v already. */
static enum err
parse_reference(const struct piece *piece, struct search_value *v)
{
	enum err err = parse_text(piece, v);

	if (err != OK)
		return err;
	if (fhir_id_valid(v->text)) {
		v->id = v->text;
		return OK;
	}
	if (str_has(v->text, ':'))	/* URL, urn:uuid:, urn:oid: */
		return OK;
	return parse_literal(piece, v);
}

static const char *const prefixes[] = {
	[SEARCH_EQ] = "eq", [SEARCH_NE] = "ne", [SEARCH_GT] = "gt",
	[SEARCH_GE] = "ge", [SEARCH_LT] = "lt", [SEARCH_LE] = "le",
	[SEARCH_SA] = "sa", [SEARCH_EB] = "eb", [SEARCH_AP] = "ap",
};

/* The prefix of s, cut off; false when its letters are none. */
static bool
take_prefix(struct str *s, enum search_prefix *out)
{
	size_t i;

	*out = SEARCH_EQ;
	if (s->n < 2 || strchr("+-0123456789", s->p[0]) != NULL)
		return true;
	for (i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (memcmp(s->p, prefixes[i], 2) == 0) {
			*out = (enum search_prefix)i;
			*s = str_from(*s, 2);
			return true;
		}
	return false;
}

/* R4 search.html#date */
static enum err
parse_date(const struct piece *piece, struct search_value *v)
{
	struct when when;
	enum err err = parse_text(piece, v);

	if (err != OK)
		return err;
	if (!take_prefix(&v->text, &v->prefix))
		return fail(piece->ctx, ERR_INVALID_PARAMETER,
		    "Search parameter '%.*s': '%.*s' has no prefix that we "
		    "know; these are eq ne gt ge lt le sa eb ap",
		    STR_ARGS(piece->name), STR_ARGS(v->text));
	if (!when_parse(v->text, WHEN_SEARCH, &when))
		return fail(piece->ctx, ERR_INVALID_PARAMETER,
		    "Search parameter '%.*s': '%.*s' is not a date; write "
		    "YYYY, YYYY-MM, YYYY-MM-DD or "
		    "YYYY-MM-DDThh:mm[:ss[.sss]] with Z or an offset whose "
		    "'+' is sent as %%2B", STR_ARGS(piece->name),
		    STR_ARGS(v->text));
	v->lo_us = when.lo_us;
	v->hi_us = when.hi_us;
	return OK;
}

/* [prefix]number. R4 search.html#number */
static enum err
take_number(const struct piece *piece, struct str text, struct search_value *v)
{
	struct str number = text;

	if (!take_prefix(&number, &v->prefix))
		return fail(piece->ctx, ERR_INVALID_PARAMETER,
		    "Search parameter '%.*s': '%.*s' has no prefix that we "
		    "know; these are eq ne gt ge lt le sa eb ap",
		    STR_ARGS(piece->name), STR_ARGS(text));
	v->digits = number;
	if (!decimal_parse(number, &v->number) || isinf(v->number.value))
		return fail(piece->ctx, ERR_INVALID_PARAMETER,
		    "Search parameter '%.*s': '%.*s' is not a number; write "
		    "one like 5.40, -1 or 1e2", STR_ARGS(piece->name),
		    STR_ARGS(number));
	return OK;
}

static enum err
parse_number(const struct piece *piece, struct search_value *v)
{
	return take_number(piece, piece->raw, v);
}

/* number, number|system|code, number||unit. R4 search.html#quantity */
static enum err
parse_quantity(const struct piece *piece, struct search_value *v)
{
	struct str rest = piece->raw;
	struct str number = cut_unescaped(&rest, '|');
	struct str system;
	enum err err = take_number(piece, number, v);

	if (err != OK || rest.p == NULL)
		return err;
	system = cut_unescaped(&rest, '|');
	if (rest.n == 0)
		return fail(piece->ctx, ERR_INVALID_PARAMETER,
		    "Search parameter '%.*s' wants number, "
		    "number|system|code or number||unit",
		    STR_ARGS(piece->name));
	v->has_text = true;
	v->has_system = system.n > 0;
	if ((err = unescape(piece, system, &v->system)) != OK)
		return err;
	return unescape(piece, rest, &v->text);
}

static enum err
parse_id(const struct piece *piece, struct search_value *v)
{
	enum err err = parse_text(piece, v);

	if (err != OK)
		return err;
	if (!fhir_id_valid(v->text))
		return fail(piece->ctx, ERR_INVALID_PARAMETER,
		    "Search parameter '%.*s': '%.*s' is not an id (1 to 64 of "
		    "A-Z a-z 0-9 - .)", STR_ARGS(piece->name),
		    STR_ARGS(v->text));
	return OK;
}

static enum err
parse_missing(const struct piece *piece, struct search_value *v)
{
	v->missing = str_eqz(piece->raw, "true");
	if (!v->missing && !str_eqz(piece->raw, "false"))
		return fail(piece->ctx, ERR_INVALID_PARAMETER,
		    "Search parameter '%.*s' must be true or false",
		    STR_ARGS(piece->name));
	return OK;
}

static enum err
parse_near(const struct piece *piece, struct search_value *v)
{
	return search_parse_near(piece->ctx, piece->name, piece->raw, v);
}

static enum err	parse_composite(const struct piece *piece,
		    struct search_value *v);

static enum err	(*const parsers[])(const struct piece *,
		    struct search_value *) = {
	[SEARCH_TOKEN] = parse_token,
	[SEARCH_REFERENCE] = parse_reference,
	[SEARCH_URI] = parse_text,
	[SEARCH_STRING] = parse_text,
	[SEARCH_DATE] = parse_date,
	[SEARCH_NUMBER] = parse_number,
	[SEARCH_QUANTITY] = parse_quantity,
	[SEARCH_COMPOSITE] = parse_composite,
	[SEARCH_NEAR] = parse_near,
	[SEARCH_ID] = parse_id,
	[SEARCH_UPDATED] = parse_date,
	[SEARCH_MISSING] = parse_missing,
};

static enum err
parse_piece(const struct piece *piece, struct search_value *v)
{
	enum search_modifier modifier = piece->condition->modifier;

	if (piece->raw.n == 0)
		return fail(piece->ctx, ERR_INVALID_PARAMETER,
		    "Search parameter '%.*s' has an empty value; a comma "
		    "separates alternatives and is written '\\,' inside one",
		    STR_ARGS(piece->name));
	if (modifier == SEARCH_OF_TYPE)
		return parse_of_type(piece, v);
	if (modifier == SEARCH_IDENTIFIER)
		return parse_identifier(piece, v);
	return parsers[piece->condition->kind](piece, v);
}

/* One component of a composite, of the kind of its own parameter. */
static enum err
parse_component(const struct piece *whole, const struct r4_param *param,
    struct str raw, struct search_value *v)
{
	struct search_condition c = { .param = param };
	struct piece piece = *whole;
	int kind = search_kind_of(param);
	enum err err;

	assert(kind >= 0);
	c.kind = (enum search_kind)kind;
	piece.condition = &c;
	piece.raw = raw;
	if ((err = parse_piece(&piece, v)) != OK)
		return err;
	if (c.kind == SEARCH_TOKEN && !v->has_text)
		return fail(piece.ctx, ERR_NOT_SUPPORTED,
		    "Search parameter '%.*s': '%s' wants a code, not its "
		    "system alone", STR_ARGS(piece.name), param->code);
	return OK;
}

/* The components' values with '$' between them. R4 search.html#composite */
static enum err
parse_composite(const struct piece *piece, struct search_value *v)
{
	const struct r4_param *const *all = piece->condition->param->components;
	struct str rest = piece->raw;
	size_t n = 0, i;
	enum err err;

	while (all[n] != NULL)
		n++;
	v->parts = arena_array(piece->ctx->arena, n, sizeof(*v->parts));
	for (i = 0; i < n && rest.p != NULL; i++) {
		err = parse_component(piece, all[i], cut_unescaped(&rest, '$'),
		    &v->parts[i]);
		if (err != OK)
			return err;
	}
	if (i < n || rest.p != NULL)
		return fail(piece->ctx, ERR_INVALID_PARAMETER,
		    "Search parameter '%.*s' wants %zu values with '$' between "
		    "them; a '$' inside one is written '\\$'",
		    STR_ARGS(piece->name), n);
	return OK;
}

enum err
search_values(struct ctx *ctx, struct search_condition *c,
    const struct r4_type *target, struct str name, struct str value)
{
	struct piece piece = { .ctx = ctx, .condition = c, .name = name };
	struct str rest = value;
	size_t room = 1;
	size_t i;
	enum err err;

	for (i = 0; i < value.n; i++)
		room += value.p[i] == ',';
	c->values = arena_array(ctx->arena, room, sizeof(*c->values));
	for (c->n = 0; rest.p != NULL; c->n++) {
		if (c->n == SEARCH_VALUES_MAX)
			return fail(ctx, ERR_INVALID_PARAMETER,
			    "Search parameter '%.*s' has more than %d "
			    "alternatives", STR_ARGS(name), SEARCH_VALUES_MAX);
		piece.raw = cut_unescaped(&rest, ',');
		c->values[c->n].type = target;
		if ((err = parse_piece(&piece, &c->values[c->n])) != OK)
			return err;
	}
	return OK;
}
