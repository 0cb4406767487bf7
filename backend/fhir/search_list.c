/*
 * _list: the records that a List names. It is read when the search is run, and
 * what it names here of the searched type are the ids that are looked up. R4
 * search.html#list
 */

#include "fhir/search_parse.h"

#include "fhir/scope.h"
#include "fhir/search_plan.h"
#include "fhir/store.h"
#include "fhir/validate.h"

static const struct r4_type *
list_type(void)
{
	return r4_type_named(STR("List"));
}

enum err
search_take_list(struct parse *p, const struct http_param *param)
{
	struct search_condition c = { .kind = SEARCH_LIST, .n = 1 };
	struct str id = param->value;
	enum err err;

	if (p->search->ntypes > 0)
		return REFUSE(p, ERR_INVALID_REQUEST,
		    "Search parameter '_list' is of one type alone");
	if (str_starts(id, STR("List/")))
		id = str_from(id, 5);
	if (str_starts(id, STR("$")))
		return REFUSE(p, ERR_NOT_SUPPORTED,
		    "Search parameter '_list': functional lists ('%.*s') are "
		    "not offered by this server, only the id of a List",
		    STR_ARGS(id));
	if (!fhir_id_valid(id))
		return fail(p->ctx, ERR_INVALID_PARAMETER,
		    "Search parameter '_list' must be the id of a List");
	if ((err = scope_check(p->ctx, list_type(), SCOPE_R, "read")) != OK)
		return err;
	c.param = r4_param_named(p->search->type, STR("_id"));
	c.values = arena_array(p->ctx->arena, 1, sizeof(*c.values));
	c.values[0].text = id;
	return search_add_condition(p, &c);
}

/* --- its entries ---------------------------------------------------------- */

struct list {
	struct ctx		*ctx;
	struct key_space	 space;
	const struct r4_type	*type;		/* that is searched */
	const struct jdoc	*d;
	struct text_ranges	*ids;
};

/* A member of an object, decoded; empty when it is no string. */
static struct str
member(const struct list *l, uint32_t object, struct str name)
{
	uint32_t node = jdoc_get(l->d, object, name);
	char *out;

	if (node == 0 || jdoc_type(l->d, node) != JDOC_STRING)
		return STR_NONE;
	out = arena_alloc(l->ctx->arena, jdoc_raw(l->d, node).n + 1);
	return (struct str){ out, jdoc_decode(l->d, node, out) };
}

static void
take_entry(const struct list *l, uint32_t entry)
{
	uint32_t deleted = jdoc_get(l->d, entry, STR("deleted"));
	uint32_t item = jdoc_get(l->d, entry, STR("item"));
	const struct r4_type *type = NULL;
	struct str text, before, id;

	if (item == 0 || (deleted != 0 &&
	    str_eqz(jdoc_raw(l->d, deleted), "true")))
		return;
	text = member(l, item, STR("reference"));
	key_target(l->ctx, l->space, text, &type);
	if (type == l->type && extract_literal(text, &before, &type, &id))
		l->ids->lo[l->ids->n++] = id;
}

static enum err
take_entries(const struct list *l)
{
	uint32_t all = jdoc_get(l->d, 0, STR("entry")), i;
	size_t n = 0;

	for (i = all == 0 ? 0 : jdoc_first(l->d, all); i != 0;
	    i = jdoc_next(l->d, all, i))
		n++;
	if (n > SEARCH_CODES_MAX)
		return fail(l->ctx, ERR_NOT_SUPPORTED,
		    "Search parameter '_list': the List has more than %d "
		    "entries", SEARCH_CODES_MAX);
	l->ids->lo = arena_array(l->ctx->arena, n, sizeof(*l->ids->lo));
	for (i = all == 0 ? 0 : jdoc_first(l->d, all); i != 0;
	    i = jdoc_next(l->d, all, i))
		take_entry(l, i);
	return OK;
}

static enum err
read_list(struct ctx *ctx, struct str id, struct jdoc *d)
{
	struct record record;
	enum err err = store_read(ctx, list_type(), id, &record);
	size_t room;

	if (err == ERR_NOT_FOUND || err == ERR_DELETED)
		return fail(ctx, ERR_INVALID_PARAMETER,
		    "Search parameter '_list': there is no List '%.*s'",
		    STR_ARGS(id));
	if (err != OK)
		return err;
	room = jdoc_bound(record.body);
	return jdoc_parse(d, record.body, arena_array(ctx->arena, room,
	    sizeof(struct jnode)), room, JDOC_DEPTH_MAX) == JDOC_OK ? OK :
	    fail(ctx, ERR_INTERNAL, "the List cannot be read");
}

enum err
search_probe_list(struct ctx *ctx, struct key_space space,
    const struct r4_type *type, const struct search_condition *c,
    struct probe *probe)
{
	struct jdoc d;
	struct list l = { .ctx = ctx, .space = space, .type = type, .d = &d,
		.ids = &probe->texts };
	enum err err;

	probe->kind = PROBE_ID;
	if ((err = read_list(ctx, c->values[0].text, &d)) != OK)
		return err;
	return take_entries(&l);
}
