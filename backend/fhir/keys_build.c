/*
 * The keys of one record while they are collected: growing lists, which are
 * sorted and made distinct at the end.
 */

#include "fhir/keys_build.h"

#include <stdlib.h>

/* Room for one more of n elements of size bytes, doubled when it is full. */
static void *
grow(const struct key_build *b, void *list, size_t n, size_t *room, size_t size)
{
	void *larger;

	if (n < *room)
		return list;
	*room = *room == 0 ? 16 : *room * 2;
	larger = arena_alloc(b->ctx->arena, *room * size);
	if (n > 0)
		memcpy(larger, list, n * size);
	return larger;
}

static int64_t
konst(struct key_build *b, enum key_space_kind kind)
{
	if ((b->known >> kind & 1) == 0) {
		b->konst[kind] = key_const(b->space, b->type->number,
		    b->param->number, kind);
		b->known |= 1u << kind;
	}
	return b->konst[kind];
}

static void
post(struct key_build *b, int64_t k, int32_t aux)
{
	struct keys *o = b->out;

	o->post = grow(b, o->post, o->npost, &b->post_room, sizeof(*o->post));
	o->post[o->npost++] = (struct key_post){ k, aux };
}

void
build_post(struct key_build *b, enum key_space_kind kind, int64_t hash,
    int32_t aux)
{
	post(b, konst(b, kind) ^ hash, aux);
}

void
build_date(struct key_build *b, int64_t lo_us, int64_t hi_us)
{
	struct keys *o = b->out;

	o->dat = grow(b, o->dat, o->ndat, &b->dat_room, sizeof(*o->dat));
	o->dat[o->ndat++] = (struct key_date){ b->param->number, lo_us, hi_us };
}

void
build_str(struct key_build *b, struct str folded)
{
	struct keys *o = b->out;

	o->str = grow(b, o->str, o->nstr, &b->str_room, sizeof(*o->str));
	o->str[o->nstr++] = (struct key_str){ b->param->number, folded };
}

void
build_qty(struct key_build *b, struct key_qty row)
{
	struct keys *o = b->out;

	o->qty = grow(b, o->qty, o->nqty, &b->qty_room, sizeof(*o->qty));
	row.param = b->param->number;
	o->qty[o->nqty++] = row;
}

void
build_cqty(struct key_build *b, struct key_cqty row)
{
	struct keys *o = b->out;

	o->cqty = grow(b, o->cqty, o->ncqty, &b->cqty_room, sizeof(*o->cqty));
	row.k ^= konst(b, KEY_VALUE);
	o->cqty[o->ncqty++] = row;
}

/* At most KEY_DICT_MAX bytes of s, ending with a character. */
static struct str
cut(struct str s)
{
	size_t n = KEY_DICT_MAX;

	if (s.n <= n)
		return s;
	while (n > 0 && ((unsigned char)s.p[n] & 0xc0) == 0x80)
		n--;
	return (struct str){ s.p, n };
}

void
build_dict(struct key_build *b, enum key_space_kind kind, int64_t hash,
    struct str system, struct str code, struct str display)
{
	struct keys *o = b->out;

	if (system.n > KEY_DICT_MAX || code.n > KEY_DICT_MAX)
		return;
	o->dict = grow(b, o->dict, o->ndict, &b->dict_room, sizeof(*o->dict));
	o->dict[o->ndict++] = (struct key_dict){
		.param = b->param->number,
		.k = konst(b, kind) ^ hash,
		.aux = key_system(b->space, system),
		.system = system,
		.code = code,
		.display = cut(display),
		.space = (uint8_t)kind,
	};
}

void
build_ref(struct key_build *b, int64_t rh)
{
	struct keys *o = b->out;

	o->refs = grow(b, o->refs, o->nrefs, &b->refs_room, sizeof(*o->refs));
	o->refs[o->nrefs++] = rh;
}

void
build_owner(struct key_build *b, const struct r4_type *owner, int64_t rh)
{
	post(b, key_const(b->space, b->type->number, owner->number,
	    KEY_COMPARTMENT) ^ rh, 0);
}

void
build_member(struct key_build *b, const struct r4_type *owner, int64_t rh)
{
	for (unsigned i = 0; i < R4_OWNERS; i++)
		if (r4_owners[i] == owner && b->param->compartments >> i & 1)
			build_owner(b, owner, rh);
}

void
build_wide(struct key_build *b, int64_t hi_us)
{
	int64_t wide = key_wide(b->space, b->type);
	int32_t end = key_end(hi_us);
	size_t n = b->out->npost;

	for (size_t i = 0; i < n; i++)
		post(b, b->out->post[i].k ^ wide, end);
	post(b, wide, end);
}

struct str
build_text(const struct key_build *b, uint32_t node)
{
	const struct jdoc *d = b->x.doc;
	struct str raw;
	char *out;

	if (node == 0 || jdoc_type(d, node) != JDOC_STRING)
		return STR_NONE;
	raw = jdoc_raw(d, node);
	if (!d->nodes[node].escaped)
		return raw;
	out = arena_alloc(b->ctx->arena, raw.n);
	return (struct str){ out, jdoc_decode(d, node, out) };
}

struct str
build_member_text(const struct key_build *b, uint32_t object, struct str name)
{
	return build_text(b, jdoc_get(b->x.doc, object, name));
}

/* --- in order and distinct ---------------------------------------------- */

#define COMPARE(x, y)	(((x) > (y)) - ((x) < (y)))

static int
by_post(const void *pa, const void *pb)
{
	const struct key_post *a = pa, *b = pb;
	int c = COMPARE(a->k, b->k);

	return c != 0 ? c : COMPARE(a->aux, b->aux);
}

static int
by_date(const void *pa, const void *pb)
{
	const struct key_date *a = pa, *b = pb;
	int c = COMPARE(a->param, b->param);

	if (c == 0)
		c = COMPARE(a->lo_us, b->lo_us);
	return c != 0 ? c : COMPARE(a->hi_us, b->hi_us);
}

static int
by_str(const void *pa, const void *pb)
{
	const struct key_str *a = pa, *b = pb;
	int c = COMPARE(a->param, b->param);

	return c != 0 ? c : str_cmp(a->folded, b->folded);
}

static int
by_qty(const void *pa, const void *pb)
{
	const struct key_qty *a = pa, *b = pb;
	int c = COMPARE(a->param, b->param);

	if (c == 0)
		c = COMPARE(a->lo, b->lo);
	if (c == 0)
		c = COMPARE(a->hi, b->hi);
	if (c == 0)
		c = COMPARE(a->system, b->system);
	if (c == 0)
		c = COMPARE(a->code, b->code);
	return c != 0 ? c : COMPARE(a->unit, b->unit);
}

static int
by_cqty(const void *pa, const void *pb)
{
	const struct key_cqty *a = pa, *b = pb;
	int c = COMPARE(a->k, b->k);

	if (c == 0)
		c = COMPARE(a->lo, b->lo);
	if (c == 0)
		c = COMPARE(a->hi, b->hi);
	if (c == 0)
		c = COMPARE(a->aux, b->aux);
	if (c == 0)
		c = COMPARE(a->system, b->system);
	if (c == 0)
		c = COMPARE(a->code, b->code);
	return c != 0 ? c : COMPARE(a->unit, b->unit);
}

static int
by_dict(const void *pa, const void *pb)
{
	const struct key_dict *a = pa, *b = pb;
	int c = COMPARE(a->param, b->param);

	if (c == 0)
		c = COMPARE(a->space, b->space);
	if (c == 0)
		c = COMPARE(a->k, b->k);
	return c != 0 ? c : COMPARE(a->aux, b->aux);
}

static int
by_ref(const void *pa, const void *pb)
{
	const int64_t *a = pa, *b = pb;

	return COMPARE(*a, *b);
}

/* Sort n elements and drop those equal to their predecessor. */
static size_t
distinct(void *list, size_t n, size_t size,
    int (*compare)(const void *, const void *))
{
	char *p = list;
	size_t kept = 1;

	if (n < 2)
		return n;
	qsort(list, n, size, compare);
	for (size_t i = 1; i < n; i++) {
		if (compare(p + (kept - 1) * size, p + i * size) == 0)
			continue;
		if (kept != i)
			memcpy(p + kept * size, p + i * size, size);
		kept++;
	}
	return kept;
}

void
build_finish(struct keys *o)
{
	o->npost = distinct(o->post, o->npost, sizeof(*o->post), by_post);
	o->ndat = distinct(o->dat, o->ndat, sizeof(*o->dat), by_date);
	o->nstr = distinct(o->str, o->nstr, sizeof(*o->str), by_str);
	o->nqty = distinct(o->qty, o->nqty, sizeof(*o->qty), by_qty);
	o->ncqty = distinct(o->cqty, o->ncqty, sizeof(*o->cqty), by_cqty);
	o->ndict = distinct(o->dict, o->ndict, sizeof(*o->dict), by_dict);
	o->nrefs = distinct(o->refs, o->nrefs, sizeof(*o->refs), by_ref);
}
