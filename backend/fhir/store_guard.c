/*
 * What the settings ask of references: that what is deleted is referred to by
 * nothing, and that what is referred to is there. Both are looked at when
 * everything was written, so a transaction may bring or take both sides. Who
 * deletes holds the record against who refers to it and the other way round, so
 * of a deletion and a reference at the same time one sees the other.
 */

#include "fhir/store_row.h"

#include "base/buf.h"
#include "base/conf.h"
#include "fhir/scope.h"

#include "queries.h"

#include <stdlib.h>

static bool
deletes(const struct row *row)
{
	return row->change->kind == CHANGE_DELETE && row->fate != ROW_NOTHING;
}

bool
store_guards(const struct ctx *ctx, const struct rows *rows)
{
	for (size_t i = 0; ctx->conf != NULL && i < rows->n; i++)
		if (rows->v[i].change->kind == CHANGE_DELETE ?
		    ctx->conf->keep_referred : ctx->conf->keep_whole)
			return true;
	return false;
}

/* --- what refers to a record that is deleted */

static bool
may_target(const struct r4_param *param, const struct r4_type *type)
{
	const int16_t *target = param->targets;

	if (param->kind != R4_REFERENCE || param->parts != NULL ||
	    param->program == NULL)
		return false;
	while (target != NULL && *target != 0)
		if (*target++ == type->number)
			return true;
	return target == NULL || target == param->targets;
}

/* A reference parameter by which a record may be found, and the posting. */
struct lead {
	int64_t			 k;
	const struct r4_param	*param;
};

/* All of them; NULL only counts. */
static size_t
list_leads(struct key_space space, const struct row *row, struct lead *leads)
{
	size_t n = 0;

	for (size_t t = 0; t < r4_types_count; t++)
		for (unsigned i = 0; i < r4_types[t].nparams; i++) {
			const struct r4_param *param = r4_types[t].params[i];

			if (!may_target(param, row->change->type))
				continue;
			if (leads != NULL)
				leads[n] = (struct lead){ row->rh ^
				    key_const(space, r4_types[t].number,
				    param->number, KEY_VALUE), param };
			n++;
		}
	return n;
}

/* Who may not read the referrer is not told which it is. */
static enum err
fail_referred(struct ctx *ctx, const struct row *row,
    const struct r4_param *param, const struct r4_type *type, struct str id)
{
	if (!scope_allows(ctx->who.scope, type, SCOPE_R))
		return fail_at(ctx, ERR_CONFLICT, store_path(row->change),
		    "%s/%.*s cannot be deleted: another record refers to it",
		    row->change->type->name, STR_ARGS(row->id));
	return fail_at(ctx, ERR_CONFLICT, store_path(row->change),
	    "%s/%.*s cannot be deleted: %s/%.*s refers to it (%s)",
	    row->change->type->name, STR_ARGS(row->id), type->name,
	    STR_ARGS(id), param->code);
}

static enum err
check_referred(struct ctx *ctx, struct key_space space, const struct row *row)
{
	size_t n = list_leads(space, row, NULL);
	struct lead *leads = arena_array(ctx->arena, n, sizeof(*leads));
	int64_t *keys = arena_array(ctx->arena, n, sizeof(*keys));
	struct pg_args a = pg_args(ctx->arena);
	PGresult *res;
	enum err err;

	(void)list_leads(space, row, leads);
	for (size_t i = 0; i < n; i++)
		keys[i] = leads[i].k;
	pg_int4(&a, ctx->who.tn);
	pg_int8s(&a, keys, n);
	if ((err = pg_exec(ctx, &query_store_referrer, &a, &res)) != OK ||
	    PQntuples(res) == 0)
		return err;
	return fail_referred(ctx, row, leads[pg_get_int8(res, 0, 0) - 1].param,
	    r4_type_numbered(pg_get_int4(res, 0, 1)),
	    pg_get_str(res, 0, 2));
}

/* --- what is referred to by a record that is written */

struct target {
	int64_t		 rh;
	struct str	 text;		/* of the reference */
	struct str	 path;
};

struct targets {
	struct ctx		*ctx;
	struct key_space	 space;
	const struct jdoc	*d;
	struct buf		 path;		/* of the value at hand */
	struct target		*v;
	size_t			 n, room;
};

static void
add_target(struct targets *t, uint32_t node)
{
	struct str raw = jdoc_raw(t->d, node), text;
	char *room = arena_alloc(t->ctx->arena, raw.n + 1);
	const struct r4_type *type;
	int64_t rh;

	text = (struct str){ room, jdoc_decode(t->d, node, room) };
	rh = key_target(t->ctx, t->space, text, &type);
	if (type == NULL)
		return;
	if (t->n == t->room) {
		size_t more = t->room == 0 ? 64 : t->room * 2;
		struct target *v = arena_array(t->ctx->arena, more,
		    sizeof(*v));

		if (t->n > 0)
			memcpy(v, t->v, t->n * sizeof(*v));
		t->v = v;
		t->room = more;
	}
	t->v[t->n++] = (struct target){ rh, text, arena_str(t->ctx->arena,
	    buf_str(&t->path)) };
}

/* Nesting is bounded by the parser (JDOC_DEPTH_MAX). */
static void
find_targets(struct targets *t, uint32_t node)
{
	size_t before = t->path.n, index = 0;
	bool object = jdoc_type(t->d, node) == JDOC_OBJECT;
	uint32_t i = 0;

	if (object || jdoc_type(t->d, node) == JDOC_ARRAY)
		i = jdoc_first(t->d, node);
	for (; i != 0; i = jdoc_next(t->d, node, i)) {
		uint32_t value = object ? jdoc_value(t->d, i) : i;

		if (object && jdoc_is(t->d, i, STR("reference")) &&
		    jdoc_type(t->d, value) == JDOC_STRING)
			add_target(t, value);
		if (object)
			buf_addf(&t->path, ".%.*s",
			    STR_ARGS(jdoc_raw(t->d, i)));
		else
			buf_addf(&t->path, "[%zu]", index++);
		find_targets(t, value);
		t->path.n = before;
	}
}

static int
by_rh(const void *p, const void *q)
{
	const struct target *a = p, *b = q;

	return (a->rh > b->rh) - (a->rh < b->rh);
}

/* Of several references to one record the first by chance. */
static void
sort_targets(struct targets *t)
{
	size_t n = 0;

	if (t->n > 1)
		qsort(t->v, t->n, sizeof(*t->v), by_rh);
	for (size_t i = 0; i < t->n; i++)
		if (n == 0 || t->v[i].rh != t->v[n - 1].rh)
			t->v[n++] = t->v[i];
	t->n = n;
}

/* Those that are there come in the order in which they were asked for. */
static enum err
check_targets(struct ctx *ctx, struct targets *t)
{
	struct pg_args a = pg_args(ctx->arena);
	int64_t *rhs = arena_array(ctx->arena, t->n, sizeof(*rhs));
	struct target *found;
	PGresult *res;
	enum err err;

	for (size_t i = 0; i < t->n; i++)
		rhs[i] = t->v[i].rh;
	pg_int4(&a, ctx->who.tn);
	pg_int8s(&a, rhs, t->n);
	if ((err = pg_exec(ctx, &query_store_targets, &a, &res)) != OK)
		return err;
	for (int i = 0; i < PQntuples(res); i++) {
		struct target key = { .rh = pg_get_int8(res, i, 0) };

		found = bsearch(&key, t->v, t->n, sizeof(*t->v), by_rh);
		if (found != NULL)
			found->path = STR_NONE;
	}
	for (size_t i = 0; i < t->n; i++)
		if (t->v[i].path.n > 0)
			return fail_at(ctx, ERR_CONFLICT, t->v[i].path,
			    "refers to %.*s, which is not there",
			    STR_ARGS(t->v[i].text));
	return OK;
}

enum err
store_guard(struct ctx *ctx, const struct rows *rows)
{
	struct targets t = { .ctx = ctx, .path = buf_new(ctx->arena, 256) };
	enum err err;

	if ((err = store_key_space(ctx, &t.space)) != OK)
		return err;
	for (size_t i = 0; i < rows->n; i++) {
		const struct row *row = &rows->v[i];

		if (deletes(row) && ctx->conf->keep_referred &&
		    (err = check_referred(ctx, t.space, row)) != OK)
			return err;
		if (row->change->doc == NULL || !ctx->conf->keep_whole)
			continue;
		t.d = row->change->doc;
		buf_clear(&t.path);
		buf_add(&t.path, store_path(row->change));
		find_targets(&t, row->change->node);
	}
	sort_targets(&t);
	return t.n == 0 ? OK : check_targets(ctx, &t);
}
