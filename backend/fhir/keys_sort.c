/*
 * The value by which one record is sorted under a parameter, taken from its
 * document: of tokens and references the keys are hashes, which have no order.
 */

#include "fhir/keys_build.h"

/* As much of a text as of a folded one counts: a cursor carries it. */
#define SORT_BYTES	256

struct sort_to {
	struct key_build	*b;
	bool			 greatest;
	struct key_sort		*out;
};

/* --- the least or greatest of several ------------------------------------- */

static bool
is_better(const struct sort_to *to, int cmp)
{
	return !to->out->found || (to->greatest ? cmp > 0 : cmp < 0);
}

static void
consider_text(const struct sort_to *to, struct str text)
{
	if (text.n > SORT_BYTES) {
		text.n = SORT_BYTES;
		while (((unsigned char)text.p[text.n] & 0xc0) == 0x80)
			text.n--;
	}
	if (text.n == 0 || !is_better(to, str_cmp(text, to->out->text)))
		return;
	to->out->text = text;
	to->out->found = true;
}

static void
consider_time(const struct sort_to *to, int64_t us)
{
	int64_t old = to->out->us;

	if (!is_better(to, (us > old) - (us < old)))
		return;
	to->out->us = us;
	to->out->found = true;
}

static void
consider_number(const struct sort_to *to, double number)
{
	double old = to->out->number;

	if (!is_better(to, (number > old) - (number < old)))
		return;
	to->out->number = number;
	to->out->found = true;
}

/* --- by kind -------------------------------------------------------------- */

static void
sort_token(void *to, const struct token *t)
{
	consider_text(to, t->code);
}

/* Records here by Type/id, others by their URL. */
static void
sort_reference(const struct sort_to *to, enum extract_kind kind, uint32_t node)
{
	struct key_build *b = to->b;
	struct str text = reference_text(b, kind, node), before, id;
	const struct r4_type *type;

	if (text.n == 0 || text.p[0] == '#')
		return;
	key_target(b->ctx, b->space, text, &type);
	if (type != NULL && extract_literal(text, &before, &type, &id))
		text = arena_printf(b->ctx->arena, "%s/%.*s", type->name,
		    STR_ARGS(id));
	consider_text(to, text);
}

/* The rows that the value has in dat, str or qty. */
static void
sort_rows(const struct sort_to *to)
{
	const struct keys *rows = to->b->out;

	for (size_t i = 0; i < rows->ndat; i++)
		consider_time(to, rows->dat[i].lo_us);
	for (size_t i = 0; i < rows->nstr; i++)
		consider_text(to, rows->str[i].folded);
	for (size_t i = 0; i < rows->nqty; i++)
		consider_number(to, rows->qty[i].lo);
}

static void
emit(void *arg, enum extract_kind kind, uint32_t node,
    const struct r4_step *group)
{
	struct sort_to *to = arg;

	(void)group;
	switch (to->b->param->kind) {
	case R4_TOKEN:
		token_each(to->b, kind, node, sort_token, to);
		break;
	case R4_REFERENCE:
		sort_reference(to, kind, node);
		break;
	case R4_URI:
		consider_text(to, build_text(to->b, node));
		break;
	case R4_DATE:
		value_date(to->b, kind, node);
		break;
	case R4_STRING:
		value_string(to->b, kind, node);
		break;
	default:	/* R4_NUMBER, R4_QUANTITY */
		value_measure(to->b, kind, node);
		break;
	}
}

void
keys_sort(struct ctx *ctx, struct key_space space, const struct r4_type *type,
    struct key_sort_by by, const struct extract *resource,
    struct key_sort *out)
{
	struct keys rows = { 0 };
	struct key_build b = {
		.ctx = ctx,
		.space = space,
		.type = type,
		.x = *resource,
		.param = by.param,
		.out = &rows,
	};
	struct sort_to to = { &b, by.greatest, out };

	*out = (struct key_sort){ .found = false };
	extract_run(&b.x, by.param->program, b.x.root, emit, &to);
	sort_rows(&to);
}
