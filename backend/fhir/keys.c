/*
 * The keys of one record: every parameter of its type is run over it, and what
 * they yield is collected.
 */

#include "fhir/keys.h"

#include "fhir/keys_build.h"

/* From the earliest beginning to the latest end of the primary date, and
 * whether any is wide. */
struct primary {
	int64_t	lo_us, hi_us;
	bool	wide;
};

static struct primary
primary_date(const struct r4_type *type, const struct keys *keys)
{
	struct primary p = { KEY_AT_NONE, KEY_AT_NONE, false };
	bool found = false;

	for (size_t i = 0; i < keys->ndat; i++) {
		const struct key_date *date = &keys->dat[i];

		if (type->primary_date == NULL ||
		    date->param != type->primary_date->number)
			continue;
		if (!found || date->lo_us < p.lo_us)
			p.lo_us = date->lo_us;
		if (date->hi_us > p.hi_us)
			p.hi_us = date->hi_us;
		if (key_is_wide(date->lo_us, date->hi_us))
			p.wide = true;
		found = true;
	}
	return p;
}

/* --- all keys ----------------------------------------------------------- */

static void
emit(void *to, enum extract_kind kind, uint32_t node,
    const struct r4_step *group)
{
	struct key_build *b = to;

	b->out->has |= UINT64_C(1) << b->param->bit;
	switch (b->param->kind) {
	case R4_TOKEN:
		value_token(b, kind, node);
		break;
	case R4_REFERENCE:
		value_reference(b, kind, node);
		break;
	case R4_DATE:
		value_date(b, kind, node);
		break;
	case R4_STRING:
		value_string(b, kind, node);
		break;
	case R4_URI:
		value_uri(b, kind, node);
		break;
	case R4_NUMBER:
	case R4_QUANTITY:
		value_measure(b, kind, node);
		break;
	case R4_COMPOSITE:
		value_composite(b, node, group);
		break;
	default:	/* R4_SPECIAL: of those near alone has a program */
		value_position(b, node);
		break;
	}
}

/* What res.id and res.updated answer needs no keys. */
static bool
is_column(const struct r4_param *param)
{
	return param->code[0] == '_' && (strcmp(param->code, "_id") == 0 ||
	    strcmp(param->code, "_lastUpdated") == 0);
}

/* A union has a value where one of its parts has. */
static void
note_unions(const struct r4_type *type, struct keys *out)
{
	for (unsigned i = 0; i < type->nparams; i++) {
		const struct r4_param *param = type->params[i];
		const struct r4_param *const *part = param->parts;

		for (; part != NULL && *part != NULL; part++)
			if (out->has >> (*part)->bit & 1)
				out->has |= UINT64_C(1) << param->bit;
	}
}

void
keys_extract(struct ctx *ctx, struct key_space space,
    const struct r4_type *type, struct str id, const struct extract *resource,
    struct keys *out)
{
	struct key_build b = {
		.ctx = ctx,
		.space = space,
		.type = type,
		.x = *resource,
		.out = out,
	};
	struct primary date;

	*out = (struct keys){ 0 };
	for (unsigned i = 0; i < type->nparams; i++) {
		b.param = type->params[i];
		b.known = 0;
		if (is_column(b.param))
			out->has |= UINT64_C(1) << b.param->bit;
		else if (b.param->program != NULL && b.param->parts == NULL)
			extract_run(&b.x, b.param->program, b.x.root, emit,
			    &b);
	}
	note_unions(type, out);
	for (unsigned i = 0; i < R4_OWNERS; i++)
		if (r4_owners[i] == type)
			build_owner(&b, type,
			    key_reference(space, str_of(type->name), id));
	pair_keys(&b);
	date = primary_date(type, out);
	out->at_us = date.lo_us;
	if (date.wide)
		build_wide(&b, date.hi_us);
	build_finish(out);
}
