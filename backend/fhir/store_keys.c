/*
 * Search keys as arrays: which go and which come with a write. Each table's
 * rows are sorted as its primary key, so that neighbours meet on one page.
 */

#include "fhir/store_row.h"

#include "base/buf.h"
#include "base/when.h"

#include "queries.h"

#include <stdlib.h>

/* One row of any key table; each uses the fields it has. */
struct key {
	int16_t		 type, param;
	int32_t		 aux;		/* post, cqty */
	int32_t		 system, code, unit;	/* qty, cqty */
	int64_t		 k;		/* post, cqty */
	int64_t		 at;		/* post; lo of dat, datw */
	int64_t		 hi;		/* dat, datw */
	int64_t		 rid;
	double		 flo, fhi;
	struct str	 text;
};

struct list {
	struct key	*v;
	size_t		 n;
};

/* The six key tables of one write. */
struct lists {
	struct list	post, dat, datw, str, qty, cqty;
};

/* --- gathering */

static struct list
list_new(struct arena *arena, size_t room)
{
	return (struct list){ arena_array(arena, room, sizeof(struct key)),
	    0 };
}

static struct lists
lists_new(struct arena *arena, const struct rows *rows)
{
	size_t post = 0, dat = 0, str = 0, qty = 0, cqty = 0;

	for (size_t i = 0; i < rows->n; i++) {
		post += rows->v[i].keys.npost;
		dat += rows->v[i].keys.ndat;
		str += rows->v[i].keys.nstr;
		qty += rows->v[i].keys.nqty;
		cqty += rows->v[i].keys.ncqty;
	}
	return (struct lists){ list_new(arena, post), list_new(arena, dat),
	    list_new(arena, dat), list_new(arena, str),
	    list_new(arena, qty), list_new(arena, cqty) };
}

static int
post_cmp(const struct key_post *a, const struct key_post *b)
{
	if (a->k != b->k)
		return a->k < b->k ? -1 : 1;
	return (a->aux > b->aux) - (a->aux < b->aux);
}

/* The postings of a that are not in b, both sorted; all when b does not
 * count. `at` is part of a posting, so another one makes all of them other.
 * key has what they share: at and rid. */
static void
add_posts(struct list *list, struct key key, const struct key_post *a,
    size_t na, const struct key_post *b, size_t nb)
{
	size_t j = 0;

	for (size_t i = 0; i < na; i++) {
		while (j < nb && post_cmp(&b[j], &a[i]) < 0)
			j++;
		if (j < nb && post_cmp(&b[j], &a[i]) == 0)
			continue;
		key.k = a[i].k;
		key.aux = a[i].aux;
		list->v[list->n++] = key;
	}
}

static bool
keeps_at(const struct row *row)
{
	return row->found && row->keys.at_us == row->old_at_us;
}

static void
add_dates(struct lists *lists, const struct row *row)
{
	const struct keys *keys = &row->keys;

	for (size_t i = 0; i < keys->ndat; i++) {
		const struct key_date *date = &keys->dat[i];
		struct list *list = key_is_wide(date->lo_us, date->hi_us) ?
		    &lists->datw : &lists->dat;

		list->v[list->n++] = (struct key){
		    .type = row->after.type->number, .param = date->param,
		    .at = date->lo_us, .hi = date->hi_us,
		    .rid = row->after.rid };
	}
}

static void
add_rest(struct lists *lists, const struct row *row)
{
	const struct keys *keys = &row->keys;
	struct key key = { .type = row->after.type->number,
	    .rid = row->after.rid };

	for (size_t i = 0; i < keys->nstr; i++) {
		key.param = keys->str[i].param;
		key.text = keys->str[i].folded;
		lists->str.v[lists->str.n++] = key;
	}
	for (size_t i = 0; i < keys->nqty; i++) {
		key.param = keys->qty[i].param;
		key.flo = keys->qty[i].lo;
		key.fhi = keys->qty[i].hi;
		key.system = keys->qty[i].system;
		key.code = keys->qty[i].code;
		key.unit = keys->qty[i].unit;
		lists->qty.v[lists->qty.n++] = key;
	}
	for (size_t i = 0; i < keys->ncqty; i++) {
		key.k = keys->cqty[i].k;
		key.flo = keys->cqty[i].lo;
		key.fhi = keys->cqty[i].hi;
		key.aux = keys->cqty[i].aux;
		key.system = keys->cqty[i].system;
		key.code = keys->cqty[i].code;
		key.unit = keys->cqty[i].unit;
		lists->cqty.v[lists->cqty.n++] = key;
	}
}

/* Dates, text and numbers as they were: nothing of them goes or comes. */
static bool
keeps_rest(const struct row *row)
{
	return row->found && !row->old_deleted &&
	    row->print == row->old_print && row->rules == row->old_rules;
}

static void
add_row(struct lists *lists, const struct row *row)
{
	const struct keys *keys = &row->keys;
	struct key key = { .at = keys->at_us, .rid = row->after.rid };

	if (row->fate == ROW_NOTHING)
		return;
	add_posts(&lists->post, key, keys->post, keys->npost,
	    row->old_post, keeps_at(row) ? row->nold_post : 0);
	if (keeps_rest(row))
		return;
	add_dates(lists, row);
	add_rest(lists, row);
}

/* --- comparing with what was */

static void
add_number(struct buf *b, int64_t value)
{
	memcpy(buf_room(b, sizeof(value)), &value, sizeof(value));
	buf_took(b, sizeof(value));
}

static void
add_double(struct buf *b, double value)
{
	memcpy(buf_room(b, sizeof(value)), &value, sizeof(value));
	buf_took(b, sizeof(value));
}

int64_t
store_key_print(struct arena *arena, struct key_space space,
    const struct keys *keys)
{
	struct buf b = buf_new(arena, 512);

	for (size_t i = 0; i < keys->ndat; i++) {
		add_number(&b, keys->dat[i].param);
		add_number(&b, keys->dat[i].lo_us);
		add_number(&b, keys->dat[i].hi_us);
	}
	add_number(&b, (int64_t)keys->ndat);
	for (size_t i = 0; i < keys->nstr; i++) {
		add_number(&b, keys->str[i].param);
		add_number(&b, (int64_t)keys->str[i].folded.n);
		buf_add(&b, keys->str[i].folded);
	}
	add_number(&b, (int64_t)keys->nstr);
	for (size_t i = 0; i < keys->nqty; i++) {
		add_number(&b, keys->qty[i].param);
		add_double(&b, keys->qty[i].lo);
		add_double(&b, keys->qty[i].hi);
		add_number(&b, keys->qty[i].system);
		add_number(&b, keys->qty[i].code);
		add_number(&b, keys->qty[i].unit);
	}
	add_number(&b, (int64_t)keys->nqty);
	for (size_t i = 0; i < keys->ncqty; i++) {
		add_number(&b, keys->cqty[i].k);
		add_double(&b, keys->cqty[i].lo);
		add_double(&b, keys->cqty[i].hi);
		add_number(&b, keys->cqty[i].aux);
		add_number(&b, keys->cqty[i].system);
		add_number(&b, keys->cqty[i].code);
		add_number(&b, keys->cqty[i].unit);
	}
	return (int64_t)siphash(space.key, buf_str(&b));
}

/* --- sorting */

#define ORDER(x, y)	(((x) > (y)) - ((x) < (y)))

static int
by_hash(const void *p, const void *q)
{
	const struct key *a = p, *b = q;
	int order = ORDER(a->k, b->k);

	if (order == 0)
		order = ORDER(a->at, b->at);
	if (order == 0)
		order = ORDER(a->flo, b->flo);
	return order != 0 ? order : ORDER(a->rid, b->rid);
}

static int
by_param(const void *p, const void *q)
{
	const struct key *a = p, *b = q;
	int order = ORDER(a->type, b->type);

	if (order == 0)
		order = ORDER(a->param, b->param);
	if (order == 0)
		order = str_cmp(a->text, b->text);
	return order != 0 ? order : by_hash(p, q);
}

static void
list_sort(struct list *list, int (*order)(const void *, const void *))
{
	if (list->n > 1)
		qsort(list->v, list->n, sizeof(*list->v), order);
}

static void
lists_sort(struct lists *lists)
{
	list_sort(&lists->post, by_hash);
	list_sort(&lists->dat, by_param);
	list_sort(&lists->datw, by_param);
	list_sort(&lists->str, by_param);
	list_sort(&lists->qty, by_param);
	list_sort(&lists->cqty, by_hash);
}

/* --- sending */

/* One column of a list as an array argument. */
#define ADD_COLUMN(a, list, type, field, put)				\
	do {								\
		/* NOLINTNEXTLINE(bugprone-macro-parentheses): a type */\
		type *column = arena_array((a)->arena, (list).n,	\
		    sizeof(*column));					\
									\
		for (size_t i = 0; i < (list).n; i++)			\
			column[i] = (list).v[i].field;			\
		put(a, column, (list).n);				\
	} while (0)

static void
add_post(struct pg_args *a, struct list list)
{
	ADD_COLUMN(a, list, int64_t, k, pg_int8s);
	ADD_COLUMN(a, list, int64_t, at, pg_times);
	ADD_COLUMN(a, list, int64_t, rid, pg_int8s);
	ADD_COLUMN(a, list, int32_t, aux, pg_int4s);
}

static void
add_dat(struct pg_args *a, struct list dat, struct list datw)
{
	ADD_COLUMN(a, dat, int16_t, type, pg_int2s);
	ADD_COLUMN(a, dat, int16_t, param, pg_int2s);
	ADD_COLUMN(a, dat, int64_t, at, pg_times);
	ADD_COLUMN(a, dat, int64_t, rid, pg_int8s);
	ADD_COLUMN(a, dat, int64_t, hi, pg_times);
	ADD_COLUMN(a, datw, int16_t, type, pg_int2s);
	ADD_COLUMN(a, datw, int16_t, param, pg_int2s);
	ADD_COLUMN(a, datw, int64_t, at, pg_times);
	ADD_COLUMN(a, datw, int64_t, hi, pg_times);
	ADD_COLUMN(a, datw, int64_t, rid, pg_int8s);
}

static void
add_str(struct pg_args *a, struct list list)
{
	ADD_COLUMN(a, list, int16_t, type, pg_int2s);
	ADD_COLUMN(a, list, int16_t, param, pg_int2s);
	ADD_COLUMN(a, list, struct str, text, pg_texts);
	ADD_COLUMN(a, list, int64_t, rid, pg_int8s);
}

static void
add_qty(struct pg_args *a, struct list qty, struct list cqty)
{
	ADD_COLUMN(a, qty, int16_t, type, pg_int2s);
	ADD_COLUMN(a, qty, int16_t, param, pg_int2s);
	ADD_COLUMN(a, qty, double, flo, pg_float8s);
	ADD_COLUMN(a, qty, int64_t, rid, pg_int8s);
	ADD_COLUMN(a, qty, double, fhi, pg_float8s);
	ADD_COLUMN(a, qty, int32_t, system, pg_int4s);
	ADD_COLUMN(a, qty, int32_t, code, pg_int4s);
	ADD_COLUMN(a, qty, int32_t, unit, pg_int4s);
	ADD_COLUMN(a, cqty, int64_t, k, pg_int8s);
	ADD_COLUMN(a, cqty, double, flo, pg_float8s);
	ADD_COLUMN(a, cqty, int64_t, rid, pg_int8s);
	ADD_COLUMN(a, cqty, double, fhi, pg_float8s);
	ADD_COLUMN(a, cqty, int32_t, aux, pg_int4s);
	ADD_COLUMN(a, cqty, int32_t, system, pg_int4s);
	ADD_COLUMN(a, cqty, int32_t, code, pg_int4s);
	ADD_COLUMN(a, cqty, int32_t, unit, pg_int4s);
}

/* The first rows of a list, taken off it. */
static struct list
cut(struct list *list, size_t max)
{
	struct list head = *list;

	if (head.n > max)
		head.n = max;
	list->v += head.n;
	list->n -= head.n;
	return head;
}

static size_t
lists_left(const struct lists *l)
{
	return l->post.n + l->dat.n + l->datw.n + l->str.n + l->qty.n +
	    l->cqty.n;
}

static void
add_lists(struct pg_args *a, struct lists *lists, size_t max)
{
	add_post(a, cut(&lists->post, max));
	add_dat(a, cut(&lists->dat, max), cut(&lists->datw, max));
	add_str(a, cut(&lists->str, max));
	add_qty(a, cut(&lists->qty, max), cut(&lists->cqty, max));
}

static void
send_new(struct ctx *ctx, struct lists lists)
{
	while (lists_left(&lists) > 0) {
		struct pg_args a = pg_args(ctx->arena);

		pg_int4(&a, ctx->who.tn);
		add_lists(&a, &lists, STORE_CHUNK);
		pg_send(ctx, &query_store_key, &a);
	}
}

void
store_key_args(struct pg_args *a, const struct rows *rows)
{
	struct lists lists = lists_new(a->arena, rows);

	for (size_t i = 0; i < rows->n; i++)
		add_row(&lists, &rows->v[i]);
	add_lists(a, &lists, SIZE_MAX);
}

static struct list
gather_old(struct arena *arena, const struct rows *rows)
{
	struct list list;
	size_t room = 0;

	for (size_t i = 0; i < rows->n; i++)
		room += rows->v[i].nold_post;
	list = list_new(arena, room);
	for (size_t i = 0; i < rows->n; i++) {
		const struct row *row = &rows->v[i];
		struct key key = { .at = row->old_at_us,
		    .rid = row->after.rid };

		if (row->fate == ROW_UPDATE)
			add_posts(&list, key, row->old_post, row->nold_post,
			    row->keys.post,
			    keeps_at(row) ? row->keys.npost : 0);
	}
	list_sort(&list, by_hash);
	return list;
}

/* All in one statement per chunk; the rids go with the first. */
static void
send_old(struct ctx *ctx, const struct rows *rows)
{
	struct list list = gather_old(ctx->arena, rows);
	int64_t *rids = arena_array(ctx->arena, rows->n, sizeof(*rids));
	size_t n = 0;

	for (size_t i = 0; i < rows->n; i++)
		if (rows->v[i].fate == ROW_UPDATE &&
		    !rows->v[i].old_deleted && !keeps_rest(&rows->v[i]))
			rids[n++] = rows->v[i].rid;
	while (n > 0 || list.n > 0) {
		struct pg_args a = pg_args(ctx->arena);

		pg_int8s(&a, rids, n);
		add_post(&a, cut(&list, STORE_CHUNK));
		pg_send(ctx, &query_store_unkey, &a);
		n = 0;
	}
}

void
store_send_keys(struct ctx *ctx, const struct rows *rows)
{
	struct lists lists = lists_new(ctx->arena, rows);

	for (size_t i = 0; i < rows->n; i++)
		add_row(&lists, &rows->v[i]);
	lists_sort(&lists);
	send_old(ctx, rows);
	send_new(ctx, lists);
}
