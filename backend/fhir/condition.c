/* Criteria: read, searched for, and what a write by them comes to. */

#include "fhir/condition.h"

#include "base/buf.h"
#include "base/conf.h"
#include "fhir/search.h"

#include <stdlib.h>

#define NITEMS(a)	(sizeof(a) / sizeof((a)[0]))

/* --- reading -------------------------------------------------------------- */

/* What says how a page looks, and nothing of the records in it. */
static bool
shapes_page(struct str name)
{
	static const char *const names[] = { "_count", "_offset", "_cursor",
	    "_sort", "_format", "_pretty", "_include", "_revinclude",
	    "_elements", "_summary", "_total", "_contained",
	    "_containedType", "_score" };

	name = str_cut(&name, ':');
	for (size_t i = 0; i < NITEMS(names); i++)
		if (str_eqz(name, names[i]))
			return true;
	return false;
}

static int
by_name_and_value(const void *p, const void *q)
{
	const struct http_param *a = p, *b = q;
	int order = str_cmp(a->name, b->name);

	return order != 0 ? order : str_cmp(a->value, b->value);
}

/* The issues behind `last` get the place of the criteria. */
static void
place_issues(struct ctx *ctx, struct issue *last, struct str path)
{
	struct issue *issue = last == NULL ? ctx->fault.issues : last->next;

	for (; issue != NULL; issue = issue->next)
		if (issue->path.n == 0)
			issue->path = path;
}

/* As a search for at most so many. */
static enum err
parse_search(struct ctx *ctx, const struct condition *c, size_t most,
    struct search **out)
{
	struct issue *last = ctx->fault.last;
	struct http_params all = { .n = c->criteria.n + 1 };
	enum err err;

	all.v = arena_array(ctx->arena, all.n, sizeof(*all.v));
	for (size_t i = 0; i < c->criteria.n; i++)
		all.v[i] = c->criteria.v[i];
	all.v[c->criteria.n] = (struct http_param){ STR("_count"),
	    arena_printf(ctx->arena, "%zu", most) };
	err = search_parse(ctx, c->type, &all, false, out);
	if (err != OK)
		place_issues(ctx, last, c->path);
	return err;
}

static enum err
find_key(struct ctx *ctx, struct condition *c)
{
	struct buf b = buf_new(ctx->arena, 128);
	struct key_space space;
	struct str parts[4];
	enum err err;

	if ((err = store_key_space(ctx, &space)) != OK)
		return err;
	for (size_t i = 0; i < c->criteria.n; i++) {
		buf_addc(&b, '&');
		buf_add_percent(&b, c->criteria.v[i].name);
		buf_addc(&b, '=');
		buf_add_percent(&b, c->criteria.v[i].value);
	}
	parts[0] = STR("condition");
	parts[1] = arena_printf(ctx->arena, "%d", space.tn);
	parts[2] = str_of(c->type->name);
	parts[3] = buf_str(&b);
	c->key = (int64_t)siphash_parts(space.key, parts, NITEMS(parts));
	return OK;
}

enum err
condition_read(struct ctx *ctx, const struct r4_type *type,
    const struct http_params *criteria, struct str path,
    struct condition *out)
{
	struct search *search;
	enum err err;

	*out = (struct condition){ .type = type, .path = path };
	if (criteria->n == 0)
		return fail_at(ctx, ERR_MISSING_PARAMETER, path, "criteria "
		    "are missing: name the %s by search parameters, like "
		    "?identifier=system|value", type->name);
	out->criteria.n = criteria->n;
	out->criteria.v = arena_array(ctx->arena, criteria->n,
	    sizeof(*criteria->v));
	memcpy(out->criteria.v, criteria->v,
	    criteria->n * sizeof(*criteria->v));
	qsort(out->criteria.v, out->criteria.n, sizeof(*out->criteria.v),
	    by_name_and_value);
	for (size_t i = 0; i < criteria->n; i++)
		if (shapes_page(criteria->v[i].name))
			return fail_at(ctx, ERR_INVALID_REQUEST, path,
			    "'%.*s' is no criterion: it says how a page of "
			    "matches looks",
			    STR_ARGS(criteria->v[i].name));
	if ((err = parse_search(ctx, out, 1, &search)) != OK)
		return err;
	return find_key(ctx, out);
}

enum err
condition_parse(struct ctx *ctx, const struct r4_type *type, struct str text,
    struct str path, struct condition *out)
{
	struct http_params params;

	if (text.n > 0 && text.p[0] == '?')
		text = str_from(text, 1);
	if (!http_params_parse(ctx->arena, text, true, &params))
		return fail_at(ctx, ERR_INVALID_REQUEST, path, "the criteria "
		    "are not valid: percent-encoded UTF-8 without NUL and at "
		    "most %d parameters are allowed", HTTP_PARAMS_MAX);
	return condition_read(ctx, type, &params, path, out);
}

/* --- searching ------------------------------------------------------------ */

enum err
condition_find(struct ctx *ctx, struct condition *c, size_t most)
{
	struct issue *last = ctx->fault.last;
	struct search *search;
	struct search_page page;
	enum err err;

	if ((err = parse_search(ctx, c, most, &search)) != OK)
		return err;
	if ((err = search_run(ctx, search, &page)) != OK) {
		place_issues(ctx, last, c->path);
		return err;
	}
	c->found = page.records;
	c->n = page.n;
	c->more = page.next.n > 0;
	return OK;
}

enum err
condition_fail_many(struct ctx *ctx, const struct condition *c)
{
	return fail_as(ctx, ERR_PRECONDITION, "multiple-matches", c->path,
	    "the criteria are met by more than one %s: make them narrower",
	    c->type->name);
}

/* --- writing by criteria -------------------------------------------------- */

/* One, or as many as the client says by _count, or the settings allow. */
enum err
conditional_read_delete(struct ctx *ctx, const struct http_params *params,
    struct str path, struct conditional *c)
{
	struct http_params criteria = { NULL, 0 };
	uint64_t n;

	c->most = ctx->conf != NULL && ctx->conf->delete_many ?
	    CONDITION_MANY_MAX : 1;
	criteria.v = arena_array(ctx->arena, params->n,
	    sizeof(*criteria.v));
	for (size_t i = 0; i < params->n; i++) {
		const struct http_param *param = &params->v[i];

		if (!str_eqz(param->name, "_count")) {
			criteria.v[criteria.n++] = *param;
			continue;
		}
		if (c->some || !str_u64(param->value, CONDITION_MANY_MAX,
		    &n) || n == 0)
			return fail_at(ctx, ERR_INVALID_PARAMETER,
			    path, "_count, how many may be deleted, "
			    "must be one number from 1 to %d",
			    CONDITION_MANY_MAX);
		c->most = n;
		c->some = true;
	}
	return condition_read(ctx, c->wish.type, &criteria, path,
	    &c->condition);
}

size_t
conditional_most(const struct conditional *c)
{
	return c->wish.kind == CHANGE_DELETE && c->most > 2 ? c->most : 2;
}

/* One change of a record that was found. */
static void
add_change(struct conditional *c, const struct record *found)
{
	struct change *change = &c->changes[c->n++];

	*change = c->wish;
	change->id = found->id;
	change->seen_ver = found->ver;
	change->by_criteria = true;
}

static enum err
settle_create(struct ctx *ctx, struct conditional *c)
{
	if (c->condition.n > 1)
		return condition_fail_many(ctx, &c->condition);
	if (c->condition.n == 1)
		c->there = c->condition.found[0];
	else
		c->changes[c->n++] = c->wish;
	return OK;
}

/* Nothing meets the criteria. */
static enum err
check_none(struct ctx *ctx, const struct conditional *c)
{
	if (c->wish.if_match == MATCH_ANY || c->wish.if_match == MATCH_NONE)
		return OK;
	return fail_at(ctx, ERR_PRECONDITION, c->condition.path, "If-Match "
	    "asks for a version, but no %s meets the criteria",
	    c->condition.type->name);
}

/* A new record, under the body's id if it has one. R4 http.html#cond-update */
static enum err
settle_new(struct ctx *ctx, struct conditional *c)
{
	struct change *change = &c->changes[c->n++];
	enum err err;

	*change = c->wish;
	if ((err = check_none(ctx, c)) != OK)
		return err;
	if (change->id.n == 0) {
		change->kind = CHANGE_CREATE;
		change->id = store_new_id(ctx);
		change->if_match = MATCH_ANY;
	} else {
		change->if_match = MATCH_FREE;
	}
	return OK;
}

/* R4 http.html#patch */
static enum err
settle_patch(struct ctx *ctx, struct conditional *c)
{
	const struct condition *found = &c->condition;

	if (found->n == 0)
		return fail_at(ctx, ERR_NOT_FOUND, found->path, "no %s meets "
		    "the criteria", found->type->name);
	add_change(c, &found->found[0]);
	c->changes[0].node = 0;
	return patch_apply(ctx, c->patch, found->type, found->found[0].body,
	    &c->changes[0].doc);
}

static enum err
settle_update(struct ctx *ctx, struct conditional *c)
{
	const struct condition *found = &c->condition;

	if (found->n > 1)
		return condition_fail_many(ctx, found);
	if (c->patch != NULL)
		return settle_patch(ctx, c);
	if (found->n == 0)
		return settle_new(ctx, c);
	if (c->wish.id.n > 0 && !str_eq(c->wish.id, found->found[0].id))
		return fail_at(ctx, ERR_INVALID_REQUEST, found->path, "the "
		    "body has the id \"%.*s\", but the criteria are met by "
		    "another %s", STR_ARGS(c->wish.id), found->type->name);
	add_change(c, &found->found[0]);
	return OK;
}

static enum err
settle_delete(struct ctx *ctx, struct conditional *c)
{
	const struct condition *found = &c->condition;

	size_t n = found->n < c->most ? found->n : c->most;

	if ((found->n > n || found->more) && !c->some) {
		if (n == 1)
			return condition_fail_many(ctx, found);
		return fail_as(ctx, ERR_PRECONDITION, "multiple-matches",
		    found->path, "the criteria are met by more than %zu %ss, "
		    "which is the most that are deleted at once", n,
		    found->type->name);
	}
	for (size_t i = 0; i < n; i++)
		add_change(c, &found->found[i]);
	return n == 0 ? check_none(ctx, c) : OK;
}

enum err
conditional_settle(struct ctx *ctx, struct conditional *c)
{
	size_t room = c->condition.n > 0 ? c->condition.n : 1;

	c->changes = arena_array(ctx->arena, room, sizeof(*c->changes));
	c->n = 0;
	c->there = (struct record){ .type = NULL };
	switch (c->wish.kind) {
	case CHANGE_CREATE:
		return settle_create(ctx, c);
	case CHANGE_UPDATE:
		return settle_update(ctx, c);
	default:
		return settle_delete(ctx, c);
	}
}

/* --- one alone ------------------------------------------------------------ */

struct alone {
	struct conditional	*c;
	store_look		*look;
	void			*arg;
};

static enum err
decide_alone(struct ctx *ctx, void *arg, struct change **changes, size_t *n)
{
	struct conditional *c = ((struct alone *)arg)->c;
	enum err err;

	if ((err = condition_find(ctx, &c->condition,
	    conditional_most(c))) != OK ||
	    (err = conditional_settle(ctx, c)) != OK)
		return err;
	*changes = c->changes;
	*n = c->n;
	return OK;
}

static enum err
look_alone(struct ctx *ctx, void *arg)
{
	struct alone *alone = arg;

	return alone->look(ctx, alone->arg);
}

enum err
conditional_write(struct ctx *ctx, struct conditional *c, store_look *look,
    void *arg)
{
	struct alone alone = { c, look, arg };
	struct store_plan plan = { .keys = &c->condition.key, .nkeys = 1,
	    .decide = decide_alone, .look = look == NULL ? NULL : look_alone,
	    .arg = &alone };

	return store_write_plan(ctx, &plan);
}
