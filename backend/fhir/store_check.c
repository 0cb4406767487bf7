/*
 * What is checked of a write: bodies and ids before anything is asked of the
 * database, and the versions that it then finds.
 */

#include "fhir/store_row.h"

#include "fhir/validate.h"

struct str
store_path(const struct change *change)
{
	return change->path.n > 0 ? change->path :
	    str_of(change->type->name);
}

/* Issues of one resource name it by its type; in a bundle by its entry. */
static void
prefix_issues(struct ctx *ctx, struct issue *issue, struct str prefix)
{
	for (; issue != NULL; issue = issue->next) {
		struct str rest = issue->path;

		str_cut(&rest, '.');
		issue->path = rest.p == NULL ? arena_str(ctx->arena, prefix) :
		    arena_printf(ctx->arena, "%.*s.%.*s", STR_ARGS(prefix),
		    STR_ARGS(rest));
	}
}

static enum err
validate_change(struct ctx *ctx, const struct change *change)
{
	struct issue *last = ctx->fault.last;
	enum err err;

	if (change->kind == CHANGE_DELETE)
		return OK;
	err = validate(ctx, change->doc, change->node, change->type);
	if (change->path.n > 0)
		prefix_issues(ctx, last == NULL ? ctx->fault.issues :
		    last->next, change->path);
	return err;
}

/* R4 http.html#update: the id in the body is that of the URL. */
static enum err
check_id(struct ctx *ctx, const struct change *change)
{
	uint32_t id;

	if (change->kind != CHANGE_UPDATE)
		return OK;
	if (!fhir_id_valid(change->id))
		return fail_at(ctx, ERR_INVALID_REQUEST, store_path(change),
		    "an id has 1 to 64 characters of A-Z, a-z, 0-9, \"-\" and "
		    "\".\"");
	id = jdoc_get(change->doc, change->node, STR("id"));
	if (id == 0 && change->by_criteria)
		return OK;
	if (id == 0 || !jdoc_is(change->doc, id, change->id))
		return fail_at(ctx, ERR_INVALID_REQUEST, store_path(change),
		    "an update's body must hold the id of its URL, \"%.*s\"",
		    STR_ARGS(change->id));
	return OK;
}

/* All problems of all bodies are listed, not only the first. */
enum err
store_check_changes(struct ctx *ctx, const struct change *changes, size_t n)
{
	enum err first = OK;
	enum err err;

	for (size_t i = 0; i < n; i++)
		if ((err = check_id(ctx, &changes[i])) != OK)
			return err;
	for (size_t i = 0; i < n; i++) {
		err = validate_change(ctx, &changes[i]);
		if (first == OK)
			first = err;
	}
	return first;
}

static bool
is_match(const struct row *row, int32_t if_match)
{
	bool exists = row->found && !row->old_deleted;

	switch (if_match) {
	case MATCH_ANY:
		return true;
	case MATCH_SOME:
		return exists;
	case MATCH_NONE:
	case MATCH_FREE:
		return !exists;
	default:
		return row->found && row->old_ver == if_match;
	}
}

enum err
store_check_match(struct ctx *ctx, const struct row *row)
{
	const struct change *change = row->change;

	if (change->seen_ver != 0 &&
	    (!row->found || row->old_ver != change->seen_ver))
		return ERR_RETRY;
	if (is_match(row, change->if_match))
		return OK;
	if (change->if_match == MATCH_FREE)
		return fail_at(ctx, ERR_CONFLICT, store_path(change), "no %s "
		    "meets the criteria, but the body's id is that of another "
		    "one, %s/%.*s", change->type->name, change->type->name,
		    STR_ARGS(row->id));
	if (change->if_match == MATCH_SOME)
		return fail_at(ctx, ERR_PRECONDITION, store_path(change),
		    "If-Match asks for any version, but there is no %s/%.*s",
		    change->type->name, STR_ARGS(row->id));
	if (change->if_match == MATCH_NONE)
		return fail_at(ctx, ERR_PRECONDITION, store_path(change),
		    "If-None-Match asks that there be no %s/%.*s, but it is "
		    "at version %d", change->type->name, STR_ARGS(row->id),
		    row->old_ver);
	if (!row->found)
		return fail_at(ctx, ERR_PRECONDITION, store_path(change),
		    "If-Match asks for version %d, but there is no %s/%.*s",
		    change->if_match, change->type->name, STR_ARGS(row->id));
	return fail_at(ctx, ERR_PRECONDITION, store_path(change),
	    "If-Match asks for version %d of %s/%.*s, but it is at version %d",
	    change->if_match, change->type->name, STR_ARGS(row->id),
	    row->old_ver);
}
