/*
 * Searches of types of which the server has some of its own: those in the order
 * of their making, then the tenant's. Pages are by offset, since both together
 * have no other order; with a cursor the tenant's alone go on.
 */

#include "api/definition.h"

#include "fhir/keys.h"
#include "fhir/subset.h"

/* --- do they match -------------------------------------------------------- */

/* What a parameter is compared with; p NULL: it finds none of ours. */
static struct str
searched_text(struct ctx *ctx, const struct definition *d, struct str name)
{
	const struct operation *o = d->operation;
	static const struct {
		const char	*name;
		unsigned	 level;
	} levels[] = {
		{ "system", OPERATION_SYSTEM }, { "type", OPERATION_TYPE },
		{ "instance", OPERATION_INSTANCE },
	};

	if (str_eqz(name, "_id"))
		return d->id;
	if (str_eqz(name, "url"))
		return definition_url(ctx, d);
	if (str_eqz(name, "name"))
		return d->name;
	if (str_eqz(name, "status"))
		return STR("active");
	if (str_eqz(name, "code"))
		return str_of(o != NULL ? o->name : d->param->code);
	if (str_eqz(name, "base"))
		return str_of(o != NULL ? o->base : d->of->name);
	if (o == NULL && str_eqz(name, "type"))
		return str_of(search_param_type(d->param));
	if (o == NULL && str_eqz(name, "derived-from"))
		return str_of(d->param->url);
	if (o != NULL && str_eqz(name, "kind"))
		return STR("operation");
	for (size_t i = 0; o != NULL && i < 3; i++)
		if (str_eqz(name, levels[i].name))
			return str_of((o->levels & levels[i].level) != 0 ?
			    "true" : "false");
	return STR_NONE;
}

/* Names by their beginning, all else as it is; "system|code" by its code. */
static bool
has_value(struct ctx *ctx, struct str name, struct str text, struct str value)
{
	struct str code = value;

	if (str_eqz(name, "name"))
		return str_starts(key_fold(ctx->arena, text),
		    key_fold(ctx->arena, value));
	while (str_has(code, '|'))
		(void)str_cut(&code, '|');
	return str_eq(text, value) || str_eq(text, code);
}

/* How the page is wanted is no condition. */
static bool
is_of_page(struct str name)
{
	static const char *const names[] = { "_count", "_offset", "_sort",
		"_total", "_summary", "_elements" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (str_eqz(name, names[i]))
			return true;
	return false;
}

static bool
matches(struct ctx *ctx, const struct definition *d,
    const struct http_params *params)
{
	for (size_t i = 0; i < params->n; i++) {
		struct str name = params->v[i].name;
		struct str values = params->v[i].value, text;
		bool found = false;

		if (is_of_page(name) || values.n == 0)
			continue;
		text = searched_text(ctx, d, name);
		while (text.p != NULL && values.p != NULL && !found)
			found = has_value(ctx, name, text,
			    str_cut(&values, ','));
		if (!found)
			return false;
	}
	return true;
}

static struct definitions
list_matches(struct ctx *ctx, const struct r4_type *type,
    const struct http_params *params)
{
	struct definitions list = definition_list(ctx, type);
	size_t n = 0;

	if (list.n == 0 || http_param(params, STR("_cursor")).p != NULL)
		return (struct definitions){ NULL, 0 };
	for (size_t i = 0; i < list.n; i++)
		if (matches(ctx, &list.v[i], params))
			list.v[n++] = list.v[i];
	list.n = n;
	return list;
}

/* --- pages ---------------------------------------------------------------- */

/* Where a page lies in ours and the tenant's, which follow each other. */
struct window {
	uint64_t	offset, count;
	uint64_t	own;		/* how many of ours there are */
};

static uint64_t
number_of(const struct http_params *params, const char *name, uint64_t absent)
{
	struct str text = http_param(params, str_of(name));
	uint64_t n;

	return text.p != NULL && str_u64(text, INT32_MAX, &n) ? n : absent;
}

static uint64_t
least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* The query with another _offset and _count. */
static struct http_params
paged(struct ctx *ctx, const struct http_params *params, uint64_t offset,
    uint64_t count)
{
	struct http_params p = { arena_array(ctx->arena, params->n + 2,
	    sizeof(*p.v)), 0 };

	for (size_t i = 0; i < params->n; i++)
		if (!str_eqz(params->v[i].name, "_offset") &&
		    !str_eqz(params->v[i].name, "_count"))
			p.v[p.n++] = params->v[i];
	p.v[p.n++] = (struct http_param){ STR("_count"), arena_printf(
	    ctx->arena, "%llu", (unsigned long long)count) };
	if (offset > 0)
		p.v[p.n++] = (struct http_param){ STR("_offset"), arena_printf(
		    ctx->arena, "%llu", (unsigned long long)offset) };
	return p;
}

static struct str
link_to(struct ctx *ctx, const struct http_params *params, uint64_t offset,
    uint64_t count)
{
	struct http_params p = paged(ctx, params, offset, count);
	struct buf b = buf_new(ctx->arena, 128);

	for (size_t i = 0; i < p.n; i++) {
		buf_addz(&b, i > 0 ? "&" : "");
		buf_add_percent(&b, p.v[i].name);
		buf_addc(&b, '=');
		buf_add_percent(&b, p.v[i].value);
	}
	return buf_str(&b);
}

/* Ours within the window, as records. */
static size_t
take_own(struct ctx *ctx, const struct r4_type *type,
    const struct definitions *own, const struct window *w,
    struct record *records)
{
	size_t n = 0;

	for (uint64_t i = w->offset; i < own->n && n < w->count; i++)
		records[n++] = (struct record){ .type = type,
		    .id = own->v[i].id, .op = 'C',
		    .body = definition_write(ctx, &own->v[i]) };
	return n;
}

static void
set_links(struct ctx *ctx, const struct http_params *params,
    const struct window *w, bool more, struct search_page *page)
{
	page->self = link_to(ctx, params, w->offset, w->count);
	page->first = page->next = page->previous = STR_NONE;
	if (w->count == 0)
		return;
	page->first = link_to(ctx, params, 0, w->count);
	if (more)
		page->next = link_to(ctx, params, w->offset + w->count,
		    w->count);
	if (w->offset > 0)
		page->previous = link_to(ctx, params, w->offset > w->count ?
		    w->offset - w->count : 0, w->count);
}

static enum err
search_stored(struct ctx *ctx, const struct r4_type *type,
    const struct http_params *params, bool lenient, struct search_page *out)
{
	struct search *search;
	enum err err = search_parse(ctx, type, params, lenient, &search);

	return err != OK ? err : search_run(ctx, search, out);
}

/* Ours, then what the tenant has to fill the page. */
static enum err
join(struct ctx *ctx, const struct r4_type *type,
    const struct http_params *params, const struct definitions *own,
    struct search_page *page)
{
	struct window w = { number_of(params, "_offset", 0),
	    number_of(params, "_count", SEARCH_COUNT_DEFAULT), own->n };
	struct record *records;
	struct subset subset;
	uint64_t taken, rest;
	bool more;
	enum err err;

	w.count = least(w.count, SEARCH_COUNT_MAX);
	if ((err = subset_of(ctx, &type, 1, params, true,
	    &subset)) != OK)
		return err;
	if (subset.kind == SUBSET_COUNT)
		w.count = 0;
	records = arena_array(ctx->arena, w.count + 1, sizeof(*records));
	taken = take_own(ctx, type, own, &w, records);
	rest = least(page->n, w.count - taken);
	more = w.offset + taken < w.own || page->n > rest ||
	    (page->next.n > 0 && rest > 0);
	subset_records(ctx, &subset, records, taken);
	for (uint64_t i = 0; i < rest; i++)
		records[taken + i] = page->records[i];
	page->records = records;
	page->n = taken + rest;
	if (page->total >= 0)
		page->total += (int64_t)w.own;
	set_links(ctx, params, &w, more, page);
	return OK;
}

enum err
definition_search(struct ctx *ctx, const struct r4_type *type,
    const struct http_params *params, bool lenient, struct search_page *out)
{
	struct definitions own = list_matches(ctx, type, params);
	uint64_t offset = number_of(params, "_offset", 0);
	uint64_t count = number_of(params, "_count", SEARCH_COUNT_DEFAULT);
	uint64_t left = own.n > offset ? least(own.n - offset, count) : 0;
	struct http_params theirs;
	struct search *search;
	enum err err;

	if (own.n == 0)
		return search_stored(ctx, type, params, lenient, out);
	/* What is refused is refused as it was written. */
	if ((err = search_parse(ctx, type, params, lenient, &search)) != OK)
		return err;
	/* One at least: whether there are any says if there is a next page. */
	theirs = paged(ctx, params, offset > own.n ? offset - own.n : 0,
	    count > left ? count - left : count > 0);
	err = search_stored(ctx, type, &theirs, lenient, out);
	return err != OK ? err : join(ctx, type, params, &own, out);
}
