/*
 * What the criteria in a transaction come to: of entries that name their record
 * by them, and of references. They are looked for before anything is written,
 * because links between entries need the ids; what the transaction itself
 * deletes is not there any more. R4 resolves references last, so those to a
 * type that the transaction writes are looked for again when it has written,
 * and the entries with one that nothing met so far are written after the
 * others. R4 http.html#trules
 */

#include "fhir/bundle_entry.h"

#include <stdlib.h>

/* --- what the transaction deletes */

struct gone {
	const struct r4_type	*type;
	struct str		 id;
};

struct graves {
	struct gone	*v;			/* sorted, once they are all */
	size_t		 n, room;
};

static int
by_identity(const void *p, const void *q)
{
	const struct gone *a = p, *b = q;

	if (a->type != b->type)
		return a->type->number < b->type->number ? -1 : 1;
	return str_cmp(a->id, b->id);
}

static void
add_grave(struct ctx *ctx, struct graves *graves, const struct change *change)
{
	if (graves->n == graves->room) {
		size_t room = graves->room == 0 ? 64 : graves->room * 2;
		struct gone *v = arena_array(ctx->arena, room, sizeof(*v));

		if (graves->n > 0)
			memcpy(v, graves->v, graves->n * sizeof(*v));
		graves->v = v;
		graves->room = room;
	}
	graves->v[graves->n++] = (struct gone){ change->type, change->id };
}

static bool
is_gone(const struct graves *graves, const struct record *record)
{
	struct gone key = { record->type, record->id };

	return graves->n > 0 && bsearch(&key, graves->v, graves->n,
	    sizeof(*graves->v), by_identity) != NULL;
}

static enum err
find_deletions(struct ctx *ctx, struct transaction *t, struct graves *graves)
{
	enum err err;

	for (size_t i = 0; i < t->entries.n; i++) {
		struct entry *e = &t->entries.v[i];

		if (e->reads || e->change.kind != CHANGE_DELETE)
			continue;
		if (e->by == NULL) {
			add_grave(ctx, graves, &e->change);
			continue;
		}
		if ((err = condition_find(ctx, &e->by->condition,
		    conditional_most(e->by))) != OK ||
		    (err = conditional_settle(ctx, e->by)) != OK)
			return err;
		for (size_t k = 0; k < e->by->n; k++)
			add_grave(ctx, graves, &e->by->changes[k]);
	}
	if (graves->n > 1)
		qsort(graves->v, graves->n, sizeof(*graves->v), by_identity);
	return OK;
}

/* What meets them, but for what is deleted. */
static enum err
find_living(struct ctx *ctx, const struct graves *graves, struct condition *c)
{
	size_t most = 2, n = 0;
	enum err err;

	for (size_t i = 0; i < graves->n && most < CONDITION_MANY_MAX; i++)
		most += graves->v[i].type == c->type;
	if ((err = condition_find(ctx, c, most)) != OK)
		return err;
	for (size_t i = 0; i < c->n; i++)
		if (!is_gone(graves, &c->found[i]))
			c->found[n++] = c->found[i];
	c->n = n;
	return OK;
}

/* --- entries */

/* A PATCH of an id: its body is made of what is there. */
static enum err
patch_record(struct ctx *ctx, struct entry *e)
{
	struct change *change = &e->change;
	struct issue *last = ctx->fault.last;
	struct record record;
	enum err err;

	change->node = 0;
	if ((err = store_read(ctx, change->type, change->id, &record)) != OK ||
	    (err = patch_apply(ctx, e->patch, change->type, record.body,
	    &change->doc)) != OK) {
		bundle_place_issues(ctx, last, change->path);
		return err;
	}
	change->seen_ver = record.ver;
	return OK;
}

/* The id is needed by links to the entry. */
static enum err
find_entry(struct ctx *ctx, const struct graves *graves, struct entry *e)
{
	struct issue *last = ctx->fault.last;
	enum err err;

	if (e->by == NULL)
		return e->patch == NULL ? OK : patch_record(ctx, e);
	if ((err = find_living(ctx, graves, &e->by->condition)) != OK)
		return err;
	if ((err = conditional_settle(ctx, e->by)) != OK) {
		if (e->patch != NULL && ctx->fault.last != last)
			bundle_place_issues(ctx, last, e->change.path);
		return err;
	}
	e->change.id = e->by->n > 0 ? e->by->changes[0].id : e->by->there.id;
	return OK;
}

static enum err
find_entries(struct ctx *ctx, struct transaction *t,
    const struct graves *graves)
{
	enum err err = OK;

	for (size_t i = 0; i < t->entries.n && err == OK; i++)
		if (!t->entries.v[i].reads &&
		    t->entries.v[i].change.kind != CHANGE_DELETE)
			err = find_entry(ctx, graves, &t->entries.v[i]);
	return err;
}

/* --- references */

static bool
writes_type(const struct transaction *t, const struct r4_type *type)
{
	for (size_t i = 0; i < t->entries.n; i++)
		if (!t->entries.v[i].reads &&
		    t->entries.v[i].change.type == type)
			return true;
	return false;
}

static enum err
fail_link(struct ctx *ctx, const struct link *link, const char *met)
{
	return fail_as(ctx, ERR_PRECONDITION, link->condition.n == 0 ?
	    "not-found" : "multiple-matches", link->path, "refers to "
	    "\"%.*s\", which %s %s", STR_ARGS(link->text), met,
	    link->condition.type->name);
}

static enum err
take_target(struct ctx *ctx, struct link *link)
{
	const struct condition *c = &link->condition;

	if (c->n > 1)
		return fail_link(ctx, link, "is met by more than one");
	if (c->n == 0)
		return fail_link(ctx, link, "is met by no");
	link->target = arena_printf(ctx->arena, "%s/%.*s", c->type->name,
	    STR_ARGS(c->found[0].id));
	return OK;
}

static enum err
find_links(struct ctx *ctx, struct transaction *t,
    const struct graves *graves)
{
	enum err err;

	for (size_t i = 0; i < t->links.n; i++) {
		struct link *link = &t->links.v[i];

		link->target = STR_NONE;
		if ((err = find_living(ctx, graves, &link->condition)) != OK)
			return err;
		if (link->condition.n == 0 &&
		    writes_type(t, link->condition.type))
			continue;
		if ((err = take_target(ctx, link)) != OK)
			return err;
	}
	return OK;
}

/* --- changes */

static size_t
count_changes(const struct entry *e)
{
	return e->reads ? 0 : e->by == NULL ? 1 : e->by->n;
}

static void
add_changes(struct transaction *t, struct entry *e, const struct jdoc *d)
{
	const struct change *change = e->by == NULL ? &e->change :
	    e->by->changes;

	e->first = t->n;
	e->n = count_changes(e);
	for (size_t i = 0; i < e->n; i++) {
		t->changes[t->n] = change[i];
		if (change[i].doc == t->d)
			t->changes[t->n].doc = d;
		t->n++;
	}
}

/* First those that can be written, then those that wait. */
static void
make_changes(struct ctx *ctx, struct transaction *t, const struct jdoc *d)
{
	size_t n = 0;

	for (size_t i = 0; i < t->entries.n; i++)
		n += count_changes(&t->entries.v[i]);
	t->changes = arena_array(ctx->arena, n, sizeof(*t->changes));
	t->n = 0;
	for (size_t i = 0; i < t->entries.n; i++)
		if (!t->entries.v[i].waits)
			add_changes(t, &t->entries.v[i], d);
	t->waiting = n - t->n;
	for (size_t i = 0; i < t->entries.n; i++)
		if (t->entries.v[i].waits)
			add_changes(t, &t->entries.v[i], d);
}

enum err
bundle_decide(struct ctx *ctx, void *transaction, struct change **changes,
    size_t *n)
{
	struct transaction *t = transaction;
	struct graves graves = { NULL, 0, 0 };
	const struct jdoc *d;
	enum err err;

	if ((err = find_deletions(ctx, t, &graves)) != OK ||
	    (err = find_entries(ctx, t, &graves)) != OK ||
	    (err = find_links(ctx, t, &graves)) != OK ||
	    (err = refs_rewrite(ctx, t->d, &t->entries, &t->links, &d)) != OK)
		return err;
	make_changes(ctx, t, d);
	*changes = t->changes;
	*n = t->n - t->waiting;
	return OK;
}

/* --- after the writing */

/* The change of that record among those from first on; NULL when none. */
static const struct change *
change_of(const struct transaction *t, size_t n, const struct r4_type *type,
    struct str id)
{
	for (size_t i = 0; i < n; i++)
		if (t->changes[i].type == type &&
		    str_eq(t->changes[i].id, id))
			return &t->changes[i];
	return NULL;
}

static enum err
fail_twice(struct ctx *ctx, const struct change *change,
    const struct change *other)
{
	return fail_at(ctx, ERR_INVALID_REQUEST, change->path, "%s/%.*s is "
	    "also changed by %.*s; a record may appear only once",
	    other->type->name, STR_ARGS(other->id), STR_ARGS(other->path));
}

static enum err
write_waiting(struct ctx *ctx, struct transaction *t)
{
	size_t done = t->n - t->waiting;
	const struct change *other;
	const struct jdoc *d;
	enum err err;

	for (size_t i = 0; i < t->links.n; i++)
		if (t->links.v[i].target.n == 0 &&
		    ((err = condition_find(ctx, &t->links.v[i].condition,
		    2)) != OK || (err = take_target(ctx,
		    &t->links.v[i])) != OK))
			return err;
	if ((err = refs_rewrite(ctx, t->d, &t->entries, &t->links, &d)) != OK)
		return err;
	for (size_t i = done; i < t->n; i++) {
		struct change *change = &t->changes[i];

		other = change_of(t, done, change->type, change->id);
		if (other != NULL)
			return fail_twice(ctx, change, other);
		change->doc = d;
	}
	return store_write_inside(ctx, t->changes + done, t->waiting);
}

/* What was written may meet a reference's criteria now, or no longer. */
static enum err
check_link(struct ctx *ctx, struct link *link)
{
	struct str before = link->target;
	enum err err;

	if ((err = condition_find(ctx, &link->condition, 2)) != OK ||
	    (err = take_target(ctx, link)) != OK)
		return err;
	return str_eq(before, link->target) ? OK :
	    fail_link(ctx, link, "before and after the other entries is met "
	    "by another");
}

/* Another entry's record meets the criteria, too: it would be there twice. */
static enum err
check_entry(struct ctx *ctx, const struct transaction *t, struct entry *e)
{
	struct condition c = e->by->condition;
	const struct change *own, *other;
	enum err err;

	if (e->n == 0)
		return OK;
	own = &t->changes[e->first];
	if ((err = condition_find(ctx, &c, 2)) != OK)
		return err;
	for (size_t i = 0; i < c.n; i++) {
		if (str_eq(c.found[i].id, own->id))
			continue;
		other = change_of(t, t->n, c.type, c.found[i].id);
		if (other != NULL)
			return fail_at(ctx, ERR_INVALID_REQUEST, c.path,
			    "the criteria are also met by what %.*s makes; a "
			    "record may appear only once",
			    STR_ARGS(other->path));
	}
	return OK;
}

/* How many changes there are of a type; the lone one cannot meet another. */
static size_t
count_type(const struct transaction *t, const struct r4_type *type)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++)
		n += t->changes[i].type == type;
	return n;
}

enum err
bundle_settle(struct ctx *ctx, struct transaction *t)
{
	enum err err = t->waiting == 0 ? OK : write_waiting(ctx, t);

	for (size_t i = 0; i < t->links.n && err == OK; i++)
		if (writes_type(t, t->links.v[i].condition.type))
			err = check_link(ctx, &t->links.v[i]);
	for (size_t i = 0; i < t->entries.n && err == OK; i++) {
		struct entry *e = &t->entries.v[i];

		if (e->by != NULL && e->change.kind != CHANGE_DELETE &&
		    count_type(t, e->change.type) > 1)
			err = check_entry(ctx, t, e);
	}
	return err;
}
