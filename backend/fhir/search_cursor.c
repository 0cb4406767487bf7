/*
 * Cursors: where a page ended and by which way, sealed for one query of one
 * tenant (fhir/seal.h).
 */

#include "fhir/search_plan.h"

#include "base/buf.h"
#include "fhir/seal.h"

#define CURSOR_FORM	2

/* What the cursor is good for: this tenant, type and query. The size of a
 * page may change on the way. */
static struct str
query_print(struct ctx *ctx, const struct plan *plan)
{
	const struct search *search = plan->search;
	struct buf b = buf_new(ctx->arena, 256);
	size_t i;

	buf_addf(&b, "%d %d", (int)plan->tn, search->ntypes > 0 ? 0 :
	    (int)search->type->number);
	if (search->owner != NULL)
		buf_addf(&b, " %s/%.*s", search->owner->name,
		    STR_ARGS(search->owner_id));
	for (i = 0; i < search->napplied; i++) {
		if (str_eqz(search->applied[i].name, "_count"))
			continue;
		buf_addc(&b, '&');
		buf_add_percent(&b, search->applied[i].name);
		buf_addc(&b, '=');
		buf_add_percent(&b, search->applied[i].value);
	}
	return buf_str(&b);
}

/* --- writing -------------------------------------------------------------- */

static void
add_key(struct buf *b, const struct order_key *key)
{
	uint64_t bits = (uint64_t)key->us;

	seal_add_int(b, key->kind, 1);
	if (key->kind == ORDER_TEXT) {
		seal_add_int(b, key->s.n, 2);
		buf_add(b, key->s);
		return;
	}
	if (key->kind == ORDER_NUMBER)
		memcpy(&bits, &key->number, sizeof(bits));
	seal_add_int(b, bits, 8);
}

static struct str
place_write(struct ctx *ctx, const struct plan *plan,
    const struct place *place, int segment, bool backwards)
{
	size_t n = plan->gather ? plan->search->nsort : 1;
	struct buf b = buf_new(ctx->arena, 64);
	size_t i;

	seal_add_int(&b, CURSOR_FORM, 1);
	seal_add_int(&b, plan->driver, 1);
	seal_add_int(&b, (uint64_t)plan->drives + 1, 1);
	seal_add_int(&b, plan->gather, 1);
	seal_add_int(&b, (uint64_t)segment, 1);
	seal_add_int(&b, backwards, 1);
	seal_add_int(&b, (uint64_t)place->rid, 8);
	for (i = 0; i < n; i++) {
		add_key(&b, &place->keys[i]);
	}
	return buf_str(&b);
}

enum err
search_cursor_write(struct ctx *ctx, const struct plan *plan,
    const struct place *place, int segment, bool backwards, struct str *out)
{
	return seal_write(ctx, query_print(ctx, plan),
	    place_write(ctx, plan, place, segment, backwards), out);
}

/* --- reading -------------------------------------------------------------- */

static bool
take_key(struct str *in, struct order_key *key)
{
	uint64_t kind, n;

	if (!seal_take_int(in, 1, &kind) || kind > ORDER_NUMBER)
		return false;
	key->kind = (enum order_kind)kind;
	if (!seal_take_int(in, key->kind == ORDER_TEXT ? 2 : 8, &n))
		return false;
	key->us = (int64_t)n;
	memcpy(&key->number, &n, sizeof(key->number));
	if (key->kind != ORDER_TEXT)
		return true;
	if (in->n < n)
		return false;
	key->s = (struct str){ in->p, n };
	*in = str_from(*in, n);
	return true;
}

static bool
place_read(struct plan *plan, struct str in)
{
	uint64_t form, driver, drives, gather, segment, backwards, rid;
	size_t n, i;

	if (!seal_take_int(&in, 1, &form) || form != CURSOR_FORM ||
	    !seal_take_int(&in, 1, &driver) ||
	    !seal_take_int(&in, 1, &drives) ||
	    !seal_take_int(&in, 1, &gather) ||
	    !seal_take_int(&in, 1, &segment) ||
	    !seal_take_int(&in, 1, &backwards) ||
	    !seal_take_int(&in, 8, &rid))
		return false;
	plan->driver = (enum driver)driver;
	plan->drives = (int)drives - 1;
	plan->gather = gather != 0;
	plan->segment = (int)segment;
	plan->backwards = backwards != 0;
	plan->place.rid = (int64_t)rid;
	plan->placed = true;
	n = plan->gather ? plan->search->nsort : 1;
	for (i = 0; i < n; i++)
		if (!take_key(&in, &plan->place.keys[i]))
			return false;
	return in.n == 0 && search_plan_settle(plan) &&
	    plan->segment < plan->segments;
}

enum err
search_cursor_read(struct ctx *ctx, struct plan *plan)
{
	struct str plain;
	enum err err = seal_read(ctx, query_print(ctx, plan),
	    plan->search->cursor, &plain);

	if (err != OK)
		return err;
	if (plain.p == NULL || !place_read(plan, plain))
		return fail(ctx, ERR_INVALID_PARAMETER,
		    "Search parameter '_cursor' is not one of this search; "
		    "follow the links of the Bundle unchanged");
	return OK;
}
