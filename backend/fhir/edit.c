/* Locking a record, reading it, and writing what was made of it. */

#include "fhir/edit.h"

#include "wire/pg.h"

#include "queries.h"

static enum err
lock(struct ctx *ctx, const struct edit *edit)
{
	struct pg_args a = pg_args(ctx->arena);
	int16_t type = edit->type->number;

	pg_int4(&a, ctx->who.tn);
	pg_int2s(&a, &type, 1);
	pg_texts(&a, &edit->id, 1);
	return pg_exec(ctx, &query_store_lock, &a, NULL);
}

/* What meets the criteria, one and no more. Nobody else writes by them now; who
 * writes by id may have been faster. */
static enum err
find(struct ctx *ctx, struct edit *edit, int32_t *ver)
{
	struct condition *c = edit->condition;
	enum err err = condition_find(ctx, c, 1);

	if (err != OK)
		return err;
	if (c->more || c->n > 1)
		return condition_fail_many(ctx, c);
	if (c->n == 0)
		return fail(ctx, ERR_NOT_FOUND, "no %s meets the criteria",
		    edit->type->name);
	edit->id = c->found[0].id;
	*ver = c->found[0].ver;
	return OK;
}

/* Before anything is made of it: who knows another version must not learn
 * first what is wrong with the change. RFC 9110 13.2.2 */
static enum err
check_match(struct ctx *ctx, const struct edit *edit,
    const struct record *now)
{
	if (edit->if_match == MATCH_NONE)
		return fail_at(ctx, ERR_PRECONDITION, edit->path,
		    "If-None-Match asks that there be no %s/%.*s, but it is "
		    "at version %d", edit->type->name, STR_ARGS(edit->id),
		    now->ver);
	if (edit->if_match > 0 && edit->if_match != now->ver)
		return fail_at(ctx, ERR_PRECONDITION, edit->path,
		    "If-Match asks for version %d of %s/%.*s, but it is at "
		    "version %d", edit->if_match, edit->type->name,
		    STR_ARGS(edit->id), now->ver);
	return OK;
}

enum err
edit_decide(struct ctx *ctx, struct edit *edit)
{
	const struct jdoc *doc = NULL;
	int32_t ver = 0;
	enum err err = edit->condition == NULL ? OK : find(ctx, edit, &ver);

	if (err != OK || (err = lock(ctx, edit)) != OK ||
	    (err = store_read(ctx, edit->type, edit->id,
	    &edit->after)) != OK)
		return err;
	if (ver != 0 && ver != edit->after.ver)
		return ERR_RETRY;
	if ((err = check_match(ctx, edit, &edit->after)) != OK ||
	    (err = edit->make(ctx, edit->arg, &edit->after, &doc)) != OK)
		return err;
	edit->unchanged = doc == NULL || str_eq(doc->text, edit->after.body);
	edit->change = (struct change){
		.kind = CHANGE_UPDATE,
		.type = edit->type,
		.id = edit->id,
		.doc = doc,
		.path = edit->path,
	};
	return OK;
}

static enum err
decide(struct ctx *ctx, void *arg, struct change **changes, size_t *n)
{
	struct edit *edit = arg;
	enum err err = edit_decide(ctx, edit);

	edit->n = err == OK && !edit->unchanged;
	*changes = &edit->change;
	*n = edit->n;
	return err;
}

static enum err
look(struct ctx *ctx, void *arg)
{
	struct edit *edit = arg;

	return edit->look(ctx, edit->look_arg);
}

enum err
edit_write(struct ctx *ctx, struct edit *edit)
{
	struct store_plan plan = { .decide = decide, .arg = edit,
	    .look = edit->look == NULL ? NULL : look };
	enum err err;

	if (edit->condition != NULL) {
		plan.keys = &edit->condition->key;
		plan.nkeys = 1;
	}
	err = store_write_plan(ctx, &plan);
	if (err == OK && !edit->unchanged)
		edit->after = edit->change.after;
	return err;
}
