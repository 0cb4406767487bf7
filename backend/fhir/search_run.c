/*
 * A search from its neutral form to a page: probes, plan, statement, rows and
 * the links to the neighbours. A link is a place in the order and not a
 * number of rows, so it stays right while others write.
 */

#include "fhir/search.h"

#include <assert.h>

#include "base/buf.h"
#include "fhir/record.h"
#include "fhir/search_count.h"
#include "fhir/search_include.h"
#include "fhir/search_plan.h"
#include "queries.h"

/* Records may be large: a page is fetched by so many rows at a time, and ends
 * early when what has come is as large as this. */
#define FETCH_ROWS	51	/* of a page of the default size, all */
#define PAGE_BYTES	((size_t)8 * 1024 * 1024)

/* Rows of a page as they come, each with its place. */
struct rows {
	struct record	*records;
	struct place	*places;
	int		*segments;
	size_t		 n, room;
	size_t		 bytes;		/* of the bodies */
};

static struct rows
rows_new(struct ctx *ctx, size_t room)
{
	struct rows rows = { .room = room };

	rows.records = arena_array(ctx->arena, room, sizeof(*rows.records));
	rows.places = arena_array(ctx->arena, room, sizeof(*rows.places));
	rows.segments = arena_array(ctx->arena, room, sizeof(*rows.segments));
	return rows;
}

static enum order_kind
key_kind(const struct plan *plan, size_t i)
{
	return plan->gather ? search_sort_order(&plan->search->sort[i]) :
	    search_walk_order(plan);
}

static struct place
take_place(const struct plan *plan, const PGresult *res, int row)
{
	struct place place = { .rid = pg_get_int8(res, row, PAGE_RID) };
	size_t n = plan->gather ? plan->search->nsort : 1;
	struct order_key *key;
	size_t i;

	for (i = 0; i < n; i++) {
		key = &place.keys[i];
		key->kind = key_kind(plan, i);
		if (key->kind == ORDER_TEXT)
			key->s = pg_get_str(res, row, PAGE_KEY + (int)i);
		else if (key->kind == ORDER_NUMBER)
			key->number = pg_get_float8(res, row,
			    PAGE_KEY + (int)i);
		else
			key->us = pg_get_time(res, row, PAGE_KEY + (int)i);
	}
	return place;
}

/* A record met by chance of a hash has no body here; one that was met under
 * several values comes again. */
static bool
is_of_page(const PGresult *res, int row)
{
	if (pg_is_null(res, row, PAGE_BODY))
		return false;
	return row == 0 || pg_get_int8(res, row, PAGE_RID) !=
	    pg_get_int8(res, row - 1, PAGE_RID);
}

static void
take_record(const struct plan *plan, const PGresult *res, int row,
    struct rows *rows)
{
	struct record *record = &rows->records[rows->n];
	struct str body = pg_get_str(res, row, PAGE_BODY);

	assert(rows->n < rows->room);
	record_read(plan->search->ntypes > 0 ? record_type(body) :
	    plan->search->type, body, record);
	record->rid = pg_get_int8(res, row, PAGE_RID);
	rows->bytes += record->body.n;
}

static void
take_rows(const struct plan *plan, const PGresult *res, struct rows *rows)
{
	int n = PQntuples(res);
	int i;

	for (i = 0; i < n; i++) {
		if (!is_of_page(res, i))
			continue;
		take_record(plan, res, i, rows);
		rows->places[rows->n] = take_place(plan, res, i);
		rows->segments[rows->n++] = plan->segment;
	}
}

/* The part of the offset that the segment left behind did not use up. */
static enum err
offset_after(struct ctx *ctx, const struct plan *plan, const struct rows *rows,
    int64_t *skip)
{
	int64_t passed = 0;
	enum err err;

	if (*skip == 0 || rows->n > 0) {
		*skip = 0;
		return OK;
	}
	err = search_count_matches(ctx, plan, &passed);
	*skip = *skip > passed ? *skip - passed : 0;
	return err;
}

/* Some more rows of the segment at hand; *ended when it has no others. */
static enum err
fetch_some(struct ctx *ctx, struct plan *plan, int64_t skip,
    struct rows *rows, bool *ended)
{
	size_t want = rows->room - rows->n;
	struct pg_query q;
	struct pg_args a;
	PGresult *res;
	enum err err;

	if (want > FETCH_ROWS)
		want = FETCH_ROWS;
	search_sql_page(ctx, plan, (int64_t)want, skip, &q, &a);
	if ((err = pg_exec(ctx, &q, &a, &res)) != OK)
		return err;
	take_rows(plan, res, rows);
	*ended = (size_t)PQntuples(res) < want;
	if (!*ended) {
		plan->placed = true;
		plan->place = take_place(plan, res, (int)want - 1);
	}
	return OK;
}

/* Fill rows, going on in the next segment where one ends; *more when the page
 * ended for its size. */
static enum err
fetch(struct ctx *ctx, struct plan *plan, struct rows *rows, bool *more)
{
	int step = plan->backwards ? -1 : 1;
	int64_t skip = plan->placed ? 0 : plan->search->offset;
	bool ended;
	enum err err;

	*more = false;
	for (;;) {
		if ((err = fetch_some(ctx, plan, skip, rows, &ended)) != OK)
			return err;
		if (rows->n == rows->room)
			return OK;
		if (rows->bytes > PAGE_BYTES) {
			*more = true;
			return OK;
		}
		if (!ended) {
			skip = 0;
			continue;
		}
		if (plan->segment + step < 0 ||
		    plan->segment + step >= plan->segments)
			return OK;
		if ((err = offset_after(ctx, plan, rows, &skip)) != OK)
			return err;
		plan->segment += step;
		plan->placed = false;
	}
}

/* The bodies of some places, by rid; a record that was deleted meanwhile, or
 * met by chance of a hash, has none. */
static enum err
fetch_places(struct ctx *ctx, const struct plan *plan,
    const struct place *places, size_t n, struct rows *rows)
{
	int64_t *rids = arena_array(ctx->arena, n, sizeof(*rids));
	struct pg_args a = pg_args(ctx->arena);
	PGresult *res;
	size_t i;
	enum err err;

	for (i = 0; i < n; i++)
		rids[i] = places[i].rid;
	pg_int4(&a, plan->tn);
	pg_int2(&a, plan->search->type->number);
	pg_int8s(&a, rids, n);
	if ((err = pg_exec(ctx, &query_search_bodies, &a, &res)) != OK)
		return err;
	for (i = 0; i < n; i++) {
		if (pg_is_null(res, (int)i, PAGE_BODY))
			continue;
		take_record(plan, res, (int)i, rows);
		rows->places[rows->n] = places[i];
		rows->segments[rows->n++] = 0;
	}
	return OK;
}

/* The page of an order that only the bodies know. */
static enum err
fetch_gathered(struct ctx *ctx, struct plan *plan, struct rows *rows,
    bool *more)
{
	int64_t skip = plan->placed ? 0 : plan->search->offset;
	struct place *places;
	size_t n, at, some;
	enum err err;

	err = search_order(ctx, plan, (int64_t)rows->room, skip, &places, &n);
	*more = false;
	for (at = 0; err == OK && at < n; at += some) {
		if (rows->bytes > PAGE_BYTES) {
			*more = true;
			return OK;
		}
		some = n - at < FETCH_ROWS ? n - at : FETCH_ROWS;
		err = fetch_places(ctx, plan, places + at, some, rows);
	}
	return err;
}

static void
reverse(struct rows *rows)
{
	size_t i, j;

	for (i = 0, j = rows->n; i + 1 < j; i++) {
		struct record record = rows->records[i];
		struct place place = rows->places[i];
		int segment = rows->segments[i];

		j--;
		rows->records[i] = rows->records[j];
		rows->places[i] = rows->places[j];
		rows->segments[i] = rows->segments[j];
		rows->records[j] = record;
		rows->places[j] = place;
		rows->segments[j] = segment;
	}
}

/* --- links ---------------------------------------------------------------- */

static void
add_pair(struct buf *b, struct str name, struct str value)
{
	if (b->n > 0)
		buf_addc(b, '&');
	buf_add_percent(b, name);
	buf_addc(b, '=');
	buf_add_percent(b, value);
}

/* The query as applied, with a cursor when there is one. */
static struct str
link_query(struct ctx *ctx, const struct search *search, struct str cursor)
{
	struct buf b = buf_new(ctx->arena, 256);
	size_t i;

	for (i = 0; i < search->napplied; i++)
		add_pair(&b, search->applied[i].name,
		    search->applied[i].value);
	if (cursor.n > 0)
		add_pair(&b, STR("_cursor"), cursor);
	return buf_str(&b);
}

static struct str
link_self(struct ctx *ctx, const struct search *search)
{
	struct str query = link_query(ctx, search, search->cursor);

	if (search->offset == 0)
		return query;
	return arena_printf(ctx->arena, "%.*s%s_offset=%d", STR_ARGS(query),
	    query.n > 0 ? "&" : "", search->offset);
}

/* Where the page began: what its links go by when it came out empty. */
struct begin {
	bool		placed, backwards;
	struct place	place;
	int		segment;
};

static enum err
link_from(struct ctx *ctx, const struct plan *plan, const struct rows *rows,
    const struct begin *begin, bool backwards, struct str *out)
{
	const struct place *place = &begin->place;
	int segment = begin->segment;
	struct str cursor;
	size_t i = backwards ? 0 : rows->n - 1;
	enum err err;

	if (rows->n > 0) {
		place = &rows->places[i];
		segment = rows->segments[i];
	} else if (!begin->placed) {
		return OK;
	}
	err = search_cursor_write(ctx, plan, place, segment, backwards,
	    &cursor);
	if (err == OK)
		*out = link_query(ctx, plan->search, cursor);
	return err;
}

static enum err
write_links(struct ctx *ctx, const struct plan *plan,
    const struct rows *rows, const struct begin *begin, bool more,
    struct search_page *out)
{
	bool next = begin->backwards || more;
	bool previous = begin->backwards ? more :
	    begin->placed || plan->search->offset > 0;
	enum err err = OK;

	if (next)
		err = link_from(ctx, plan, rows, begin, false, &out->next);
	if (err == OK && previous)
		err = link_from(ctx, plan, rows, begin, true, &out->previous);
	return err;
}

/* --- the page ------------------------------------------------------------- */

static enum err
run_page(struct ctx *ctx, struct plan *plan, struct search_page *out)
{
	size_t count = (size_t)plan->search->count;
	struct rows rows = rows_new(ctx, count + 1);
	struct begin begin;
	bool more;
	enum err err;

	err = plan->search->cursor.n > 0 ? search_cursor_read(ctx, plan) :
	    search_plan(ctx, plan);
	if (err != OK)
		return err;
	begin = (struct begin){ plan->placed, plan->backwards, plan->place,
		plan->segment };
	err = plan->bodies ? fetch_gathered(ctx, plan, &rows, &more) :
	    fetch(ctx, plan, &rows, &more);
	if (err != OK)
		return err;
	if (rows.n > count) {
		more = true;
		rows.n = count;
	}
	if (plan->backwards)
		reverse(&rows);
	out->records = rows.records;
	out->n = rows.n;
	return write_links(ctx, plan, &rows, &begin, more, out);
}

/* What comes along with the page, then what is shown of all. _elements is of
 * the matches alone. R4 search.html#elements */
static enum err
run_rest(struct ctx *ctx, struct key_space space, const struct search *search,
    struct search_page *out)
{
	enum err err = OK;

	if (search->nincludes > 0)
		err = search_include_run(ctx, space, search, out);
	subset_records(ctx, &search->subset, out->records, out->n);
	if (search->subset.names == NULL)
		subset_records(ctx, &search->subset, out->included,
		    out->nincluded);
	return err;
}

enum err
search_run(struct ctx *ctx, struct search *search, struct search_page *out)
{
	struct plan plan = { .search = search, .tn = ctx->who.tn };
	struct key_space space;
	bool alone;	/* _count=0, _summary=count. R4 search.html#count */
	enum err err;

	*out = (struct search_page){ .total = -1 };
	out->self = link_self(ctx, search);
	out->first = link_query(ctx, search, STR_NONE);
	if ((err = store_key_space(ctx, &space)) != OK ||
	    (err = search_probes(ctx, space, &plan)) != OK)
		return err;
	alone = search->count == 0 || search->counts;
	if ((alone || search->totals) &&
	    (err = search_total(ctx, &plan, &out->total)) != OK)
		return err;
	if (alone)
		return OK;
	if ((err = run_page(ctx, &plan, out)) != OK)
		return err;
	return run_rest(ctx, space, search, out);
}
