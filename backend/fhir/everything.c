/*
 * Everything of a patient or an encounter: a walk over the posting lists of the
 * compartment, one for each type, then rounds of looking up what is referred
 * to.
 */

#include "fhir/everything.h"

#include "base/buf.h"
#include "fhir/record.h"
#include "fhir/seal.h"
#include "queries.h"
#include "wire/pg.h"

#include <assert.h>
#include <stdlib.h>

/* Members that a page looks at to find those that are asked for. */
#define LOOK_MAX	2000

/* PractitionerRole, Practitioner, their Organization, and one more. */
#define ROUNDS_MAX	4
#define REFERRED_MAX	1000	/* records of a round */

#define CURSOR_FORM	1

enum member_column { MEMBER_TYPE, MEMBER_AT, MEMBER_RID, MEMBER_DATED,
	MEMBER_FITS, MEMBER_SHOWN, MEMBER_REFS, MEMBER_BODY };
enum referred_column { REFERRED_RID, REFERRED_TYPE, REFERRED_FITS,
	REFERRED_SHOWN, REFERRED_REFS, REFERRED_BODY };

/* A member, in the order of the lists. */
struct place {
	int16_t	type;
	int64_t	at_us, rid;
};

/* Numbers that are told apart when they are all there. */
struct numbers {
	int64_t	*v;
	size_t	 n, room;
};

struct reading {
	struct ctx			*ctx;
	const struct everything		*asked;
	struct everything_page		*page;
	struct key_space		 space;
	int64_t				 rh;		/* of the owner */
	int64_t				*patients;	/* who may be shown */
	size_t				 npatients;
	struct numbers			 refs;		/* of the members */
};

/* --- numbers -------------------------------------------------------------- */

static void
add_numbers(struct arena *arena, struct numbers *s, const int64_t *v, size_t n)
{
	if (s->n + n > s->room) {
		int64_t *more;

		s->room = 2 * s->room + n;
		more = arena_array(arena, s->room, sizeof(*more));
		if (s->n > 0)
			memcpy(more, s->v, s->n * sizeof(*more));
		s->v = more;
	}
	if (n > 0)
		memcpy(s->v + s->n, v, n * sizeof(*v));
	s->n += n;
}

static int
by_number(const void *p, const void *q)
{
	int64_t a = *(const int64_t *)p, b = *(const int64_t *)q;

	return (a > b) - (a < b);
}

/* Sorted, each once. */
static void
settle(struct numbers *s)
{
	size_t n = 0;

	if (s->n > 1)
		qsort(s->v, s->n, sizeof(*s->v), by_number);
	for (size_t i = 0; i < s->n; i++)
		if (i == 0 || s->v[i] != s->v[i - 1])
			s->v[n++] = s->v[i];
	s->n = n;
}

/* Leave out those of seen; both are settled. */
static void
subtract(struct numbers *s, const struct numbers *seen)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		if (seen->n == 0 || bsearch(&s->v[i], seen->v, seen->n,
		    sizeof(*seen->v), by_number) == NULL)
			s->v[n++] = s->v[i];
	s->n = n;
}

static void
add_refs(struct reading *r, const PGresult *res, int i, int col,
    struct numbers *out)
{
	int64_t *v;
	size_t n = pg_get_int8s(r->ctx, res, i, col, &v);

	add_numbers(r->ctx->arena, out, v, n);
}

/* --- cursors -------------------------------------------------------------- */

static enum err
write_cursor(struct reading *r, const struct place *place)
{
	struct buf b = buf_new(r->ctx->arena, 32);

	seal_add_int(&b, CURSOR_FORM, 1);
	seal_add_int(&b, (uint64_t)place->type, 2);
	seal_add_int(&b, (uint64_t)place->at_us, 8);
	seal_add_int(&b, (uint64_t)place->rid, 8);
	seal_add_int(&b, (uint64_t)r->page->safe_us, 8);
	return seal_write(r->ctx, r->asked->use, buf_str(&b),
	    &r->page->cursor);
}

static bool
take_place(struct str in, struct place *place, int64_t *safe_us)
{
	uint64_t form, type, at, rid, safe;

	if (!seal_take_int(&in, 1, &form) || form != CURSOR_FORM ||
	    !seal_take_int(&in, 2, &type) || !seal_take_int(&in, 8, &at) ||
	    !seal_take_int(&in, 8, &rid) || !seal_take_int(&in, 8, &safe))
		return false;
	*place = (struct place){ (int16_t)type, (int64_t)at, (int64_t)rid };
	*safe_us = (int64_t)safe;
	return in.n == 0;
}

static enum err
read_cursor(struct reading *r, struct place *place)
{
	struct str plain;
	enum err err = seal_read(r->ctx, r->asked->use, r->asked->cursor,
	    &plain);

	if (err != OK)
		return err;
	if (plain.p == NULL || !take_place(plain, place, &r->page->safe_us))
		return fail_at(r->ctx, ERR_INVALID_PARAMETER, STR("_cursor"),
		    "_cursor is not one of this question; follow the links of "
		    "the Bundle unchanged");
	return OK;
}

/* --- whose it is ---------------------------------------------------------- */

/* The owner, and the Patients that may be shown: itself and those it names. */
static enum err
read_owner(struct reading *r)
{
	const struct everything *asked = r->asked;
	struct pg_args a = pg_args(r->ctx->arena);
	struct numbers patients = { NULL, 0, 0 };
	PGresult *res;
	enum err err;

	pg_int4(&a, r->ctx->who.tn);
	pg_int2(&a, asked->owner->number);
	pg_text(&a, asked->id);
	if ((err = pg_exec(r->ctx, &query_everything_owner, &a, &res)) != OK)
		return err;
	if (PQntuples(res) == 0)
		return fail(r->ctx, ERR_NOT_FOUND, "there is no %s/%.*s",
		    asked->owner->name, STR_ARGS(asked->id));
	if (pg_get_bool(res, 0, 1))
		return fail(r->ctx, ERR_DELETED, "%s/%.*s was deleted",
		    asked->owner->name, STR_ARGS(asked->id));
	r->rh = pg_get_int8(res, 0, 0);
	add_refs(r, res, 0, 2, &patients);
	add_numbers(r->ctx->arena, &patients, &r->rh, 1);
	r->patients = patients.v;
	r->npatients = patients.n;
	return OK;
}

/* Whether records of type can be in the compartment. */
static bool
has_list(const struct r4_type *owner, const struct r4_type *type)
{
	if (owner == type)
		return true;
	for (size_t i = 0; i < r4_compartments_count; i++)
		if (r4_compartments[i].type == type->number &&
		    strcmp(r4_compartments[i].owner, owner->name) == 0)
			return true;
	return false;
}

static int64_t
list_of(const struct reading *r, const struct r4_type *type)
{
	return key_const(r->space, type->number, r->asked->owner->number,
	    KEY_COMPARTMENT) ^ r->rh;
}

/* --- members -------------------------------------------------------------- */

/* The lists from a place on, that of the owner's own type first. */
struct lists {
	int16_t	*types;
	int64_t	*k, *wide, *at_us, *rid;
	size_t	 n;
};

static void
add_list(const struct reading *r, const struct r4_type *type,
    const struct place *from, struct lists *lists)
{
	bool first = from->type == type->number;

	lists->types[lists->n] = type->number;
	lists->k[lists->n] = list_of(r, type);
	lists->wide[lists->n] = lists->k[lists->n] ^ key_wide(r->space, type);
	lists->at_us[lists->n] = first ? from->at_us : WHEN_MAX;
	lists->rid[lists->n++] = first ? from->rid : INT64_MAX;
}

static struct lists
lists_from(const struct reading *r, const struct place *from)
{
	const struct r4_type *owner = r->asked->owner;
	struct arena *arena = r->ctx->arena;
	size_t room = r4_types_count;
	struct lists lists = {
		arena_array(arena, room, sizeof(int16_t)),
		arena_array(arena, room, sizeof(int64_t)),
		arena_array(arena, room, sizeof(int64_t)),
		arena_array(arena, room, sizeof(int64_t)),
		arena_array(arena, room, sizeof(int64_t)), 0 };

	if (from->type == 0 || from->type == owner->number)
		add_list(r, owner, from, &lists);
	for (size_t i = 0; i < r4_types_count; i++) {
		const struct r4_type *type = &r4_types[i];

		if (type == owner || !r->asked->readable[type->number] ||
		    !has_list(owner, type))
			continue;
		if (from->type == 0 || from->type == owner->number ||
		    from->type <= type->number)
			add_list(r, type, from, &lists);
	}
	return lists;
}

/* The numbers of types that are in the set. */
static void
add_types(struct reading *r, struct pg_args *a, const bool *set)
{
	int16_t *v = arena_array(r->ctx->arena, r4_types_count, sizeof(*v));
	size_t n = 0;

	for (size_t i = 0; i < r4_types_count; i++)
		if (set[r4_types[i].number])
			v[n++] = r4_types[i].number;
	pg_int2s(a, v, n);
}

/* One more than is asked for, when all that are met are asked for. */
static int
rows_of(const struct everything *asked)
{
	bool all = asked->since_us == WHEN_MIN &&
	    asked->start_us == WHEN_MIN && asked->end_us == WHEN_MAX;

	for (size_t i = 0; all && i < r4_types_count; i++)
		all = asked->wanted[r4_types[i].number] ||
		    !asked->readable[r4_types[i].number];
	return all ? asked->count + 1 : LOOK_MAX;
}

static struct pg_args
member_args(struct reading *r, const struct place *from)
{
	const struct everything *asked = r->asked;
	struct pg_args a = pg_args(r->ctx->arena);
	struct lists lists = lists_from(r, from);

	pg_int4(&a, r->ctx->who.tn);
	pg_int2s(&a, lists.types, lists.n);
	pg_int8s(&a, lists.k, lists.n);
	pg_int8s(&a, lists.wide, lists.n);
	pg_times(&a, lists.at_us, lists.n);
	pg_int8s(&a, lists.rid, lists.n);
	add_types(r, &a, asked->wanted);
	pg_int4(&a, rows_of(asked));
	pg_time(&a, asked->start_us);
	pg_time(&a, asked->end_us);
	pg_int4(&a, asked->start_us == WHEN_MIN ? INT32_MIN :
	    key_end(asked->start_us));
	pg_time(&a, asked->since_us);
	pg_int4(&a, asked->count);
	return a;
}

static struct record
record_of(int16_t type, int64_t rid, struct str body)
{
	struct record record;

	record_read(r4_type_numbered(type), body, &record);
	record.rid = rid;
	return record;
}

/* The members of the page and what all of them refer to; false when these were
 * the last. */
static bool
take_members(struct reading *r, const PGresult *res, struct place *last)
{
	struct search_page *found = &r->page->found;
	int n = PQntuples(res);

	found->records = arena_array(r->ctx->arena, (size_t)n,
	    sizeof(*found->records));
	for (int i = 0; i < n; i++) {
		int16_t type = (int16_t)pg_get_int4(res, i, MEMBER_TYPE);
		int64_t rid = pg_get_int8(res, i, MEMBER_RID);
		bool fits = pg_get_bool(res, i, MEMBER_FITS);

		if (fits && !pg_get_bool(res, i, MEMBER_SHOWN))
			return true;
		if (fits)
			found->records[found->n++] = record_of(type, rid,
			    pg_get_str(res, i, MEMBER_BODY));
		if (pg_get_bool(res, i, MEMBER_DATED))
			add_refs(r, res, i, MEMBER_REFS, &r->refs);
		*last = (struct place){ type, pg_get_time(res, i, MEMBER_AT),
		    rid };
	}
	return n == rows_of(r->asked);
}

static enum err
read_members(struct reading *r)
{
	struct place place = { 0, 0, 0 };
	bool first = r->asked->cursor.n == 0;
	PGresult *results[2];
	struct pg_args a;
	enum err err;

	if (!first && (err = read_cursor(r, &place)) != OK)
		return err;
	a = member_args(r, &place);
	if (first)
		pg_send(r->ctx, &query_history_horizon, NULL);
	pg_send(r->ctx, &query_everything_members, &a);
	if ((err = pg_flush(r->ctx, results, first ? 2 : 1)) != OK)
		return err;
	if (first)
		r->page->safe_us = pg_get_time(results[0], 0, 0);
	if (!take_members(r, results[first ? 1 : 0], &place))
		return OK;
	return write_cursor(r, &place);
}

/* --- what they refer to --------------------------------------------------- */

static struct pg_args
referred_args(struct reading *r, const struct numbers *refs)
{
	const struct everything *asked = r->asked;
	const struct r4_type *owner = asked->owner;
	struct pg_args a = pg_args(r->ctx->arena);
	int64_t *lists = arena_array(r->ctx->arena, r4_types_count,
	    sizeof(*lists));

	for (size_t i = 0; i < r4_types_count; i++)
		lists[r4_types[i].number - 1] = has_list(owner,
		    &r4_types[i]) ? list_of(r, &r4_types[i]) : 0;
	pg_int4(&a, r->ctx->who.tn);
	pg_int8s(&a, refs->v, refs->n);
	add_types(r, &a, asked->readable);
	pg_int8s(&a, r->patients, r->npatients);
	pg_int2(&a, r4_type_named(STR("Patient"))->number);
	pg_int8s(&a, lists, r4_types_count);
	add_types(r, &a, asked->wanted);
	pg_time(&a, asked->since_us);
	pg_int4(&a, REFERRED_MAX);
	return a;
}

/* Records of a round; what they refer to is next. True when some had no
 * room. */
static bool
take_referred(struct reading *r, const PGresult *res, struct numbers *next)
{
	struct search_page *found = &r->page->found;
	int n = PQntuples(res);
	bool full = n == REFERRED_MAX;

	for (int i = 0; i < n; i++) {
		bool shown = pg_get_bool(res, i, REFERRED_SHOWN);

		add_refs(r, res, i, REFERRED_REFS, next);
		full = full || (pg_get_bool(res, i, REFERRED_FITS) && !shown);
		if (!shown)
			continue;
		found->included[found->nincluded++] = record_of(
		    (int16_t)pg_get_int4(res, i, REFERRED_TYPE),
		    pg_get_int8(res, i, REFERRED_RID),
		    pg_get_str(res, i, REFERRED_BODY));
	}
	return full;
}

/* Their own references, too, as far as a few rounds reach. */
static enum err
read_referred(struct reading *r)
{
	struct numbers refs = r->refs, seen = { NULL, 0, 0 };
	struct search_page *found = &r->page->found;
	bool full = false;
	enum err err;

	found->included = arena_array(r->ctx->arena,
	    (size_t)ROUNDS_MAX * REFERRED_MAX, sizeof(*found->included));
	for (int i = 0; i < ROUNDS_MAX; i++) {
		struct numbers next = { NULL, 0, 0 };
		struct pg_args a;
		PGresult *res;

		settle(&refs);
		subtract(&refs, &seen);
		if (refs.n == 0)
			break;
		a = referred_args(r, &refs);
		if ((err = pg_exec(r->ctx, &query_everything_referred, &a,
		    &res)) != OK)
			return err;
		full = take_referred(r, res, &next) || full;
		add_numbers(r->ctx->arena, &seen, refs.v, refs.n);
		settle(&seen);
		refs = next;
	}
	if (full)
		fault_warn(r->ctx, STR_NONE, "this page refers to more "
		    "records than come with it; ask for fewer with _count, or "
		    "read them by their references");
	return OK;
}

enum err
everything_read(struct ctx *ctx, const struct everything *asked,
    struct everything_page *out)
{
	struct reading r = { .ctx = ctx, .asked = asked, .page = out };
	enum err err;

	assert(asked->count > 0 && asked->count <= EVERYTHING_COUNT_MAX);
	*out = (struct everything_page){ .found = { .total = -1 },
	    .safe_us = WHEN_MIN };
	if ((err = store_key_space(ctx, &r.space)) != OK ||
	    (err = read_owner(&r)) != OK ||
	    (err = read_members(&r)) != OK)
		return err;
	return read_referred(&r);
}
