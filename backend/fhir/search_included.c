/*
 * Bringing along what a page refers to, and what refers to it: round by round,
 * each of them one round trip for all references of all records that came in
 * the round before. Without :iterate there is one.
 */

#include "fhir/search_include.h"

#include <stdlib.h>

#include "fhir/extract.h"
#include "fhir/record.h"
#include "fhir/scope.h"
#include "queries.h"
#include "wire/pg.h"

/* Of a round: references that are looked up, and lists that are walked, at some
 * us each. Only `*` in reverse comes near them. */
#define ASKED_MAX	4096
#define LISTS_MAX	20000

/* include_listed meets a record so often, in the mean, before it ends. */
#define MET_TIMES	4

/* Columns of the statements. */
enum column { COL_TYPE, COL_RID, COL_BODY, COL_FOUND, COL_MET };

/* A set of hashes; 0 is none of them. */
struct seen {
	int64_t		*slots;
	size_t		 n, room;	/* room a power of two */
};

/* Lists of postings, each of records of one type. */
struct lists {
	int16_t		*type;
	int64_t		*k;
	size_t		 n;
};

struct gathering {
	struct ctx		*ctx;
	struct key_space	 space;
	const struct search	*search;
	struct search_page	*page;
	size_t			 bytes;
	bool			 capped;
	bool			*denied;	/* by type number */

	struct seen		 asked;		/* references: rh, versions */
	struct seen		 taken;		/* what is in the page */
	struct seen		 canonical;	/* what is asked by its url */

	/* Of this round */
	int16_t			*type;
	struct str		*id;
	int32_t			*ver;
	size_t			 n;
	struct lists		 reverse, urls;

	/* While a record's references are extracted */
	struct record_doc	 parsed;
	const struct jdoc	*doc;
	const struct r4_param	*param;
	const struct r4_type	*target;
};

/* --- sets ----------------------------------------------------------------- */

static bool
seen_put(struct seen *s, int64_t hash)
{
	size_t i = (uint64_t)hash & (s->room - 1);

	while (s->slots[i] != 0 && s->slots[i] != hash)
		i = (i + 1) & (s->room - 1);
	if (s->slots[i] == hash)
		return false;
	s->slots[i] = hash;
	s->n++;
	return true;
}

static bool
seen_has(const struct seen *s, int64_t hash)
{
	size_t i = (uint64_t)hash & (s->room - 1);

	if (s->room == 0)
		return false;
	while (s->slots[i] != 0 && s->slots[i] != hash)
		i = (i + 1) & (s->room - 1);
	return s->slots[i] != 0;
}

/* False when it was there. */
static bool
seen_add(struct arena *arena, struct seen *s, int64_t hash)
{
	struct seen larger = { .room = s->room * 2 };

	if (hash == 0)
		hash = 1;
	if (s->n * 2 >= s->room) {
		larger.room = s->room == 0 ? 256 : larger.room;
		larger.slots = arena_array(arena, larger.room,
		    sizeof(*larger.slots));
		for (size_t i = 0; i < s->room; i++)
			if (s->slots[i] != 0)
				(void)seen_put(&larger, s->slots[i]);
		*s = larger;
	}
	return seen_put(s, hash);
}

/* --- what a round asks ---------------------------------------------------- */

static int64_t
hash_of(const struct gathering *g, const struct r4_type *type, struct str id)
{
	return key_reference(g->space, str_of(type->name), id);
}

static int64_t
hash_version(const struct gathering *g, int64_t rh, int32_t ver)
{
	int64_t parts[] = { rh, ver };

	return key_combine(g->space, parts, 2);
}

static bool
may_read(struct gathering *g, const struct r4_type *type)
{
	if (scope_allows(g->ctx->who.scope, type, SCOPE_R))
		return true;
	g->denied[type->number] = true;
	return false;
}

static void
add_list(struct gathering *g, struct lists *lists, const struct r4_type *type,
    int64_t k)
{
	if (lists->n == LISTS_MAX) {
		g->capped = true;
		return;
	}
	if (lists->type == NULL) {
		lists->type = arena_array(g->ctx->arena, LISTS_MAX,
		    sizeof(*lists->type));
		lists->k = arena_array(g->ctx->arena, LISTS_MAX,
		    sizeof(*lists->k));
	}
	lists->type[lists->n] = type->number;
	lists->k[lists->n++] = k;
}

/* A record here, perhaps in one of its versions. R4 references.html#literal */
static void
ask_literal(struct gathering *g, const struct r4_type *type, struct str text,
    int64_t rh)
{
	const struct r4_type *same;
	struct str before, id, rest;
	uint64_t ver = 0;

	if ((g->target != NULL && g->target != type) || !may_read(g, type) ||
	    !extract_literal(text, &before, &same, &id))
		return;
	rest = str_from(text, (size_t)(id.p + id.n - text.p));
	if (rest.n > 0 && !str_u64(str_from(rest, sizeof("/_history/") - 1),
	    INT32_MAX, &ver))
		return;
	if (!seen_add(g->ctx->arena, &g->asked, ver == 0 ? rh :
	    hash_version(g, rh, (int32_t)ver)))
		return;
	if (g->n == ASKED_MAX) {
		g->capped = true;
		return;
	}
	g->type[g->n] = type->number;
	g->id[g->n] = id;
	g->ver[g->n++] = (int32_t)ver;
}

/* Whatever has this url among the types that the parameter can refer to. R4
 * references.html#canonical */
static void
ask_canonical(struct gathering *g, struct str text)
{
	struct str version = text, url = str_cut(&version, '|');
	int64_t hash = key_hash(g->space, url);
	const struct r4_type *type;
	const struct r4_param *param;
	const int16_t *t;

	if (!seen_add(g->ctx->arena, &g->canonical, key_hash(g->space,
	    version.n > 0 ? text : url)))
		return;
	for (t = g->param->targets; t != NULL && *t != 0; t++) {
		type = r4_type_numbered(*t);
		param = r4_param_named(type, STR("url"));
		if (param != NULL && (g->target == NULL ||
		    g->target == type) && may_read(g, type))
			add_list(g, &g->urls, type, hash ^
			    key_const(g->space, type->number, param->number,
			    KEY_VALUE));
	}
}

static struct str
text_of(const struct gathering *g, uint32_t node)
{
	const struct jdoc *d = g->doc;
	struct str raw;
	char *out;

	if (node == 0 || jdoc_type(d, node) != JDOC_STRING)
		return STR_NONE;
	raw = jdoc_raw(d, node);
	if (!d->nodes[node].escaped)
		return raw;
	out = arena_alloc(g->ctx->arena, raw.n);
	return (struct str){ out, jdoc_decode(d, node, out) };
}

static void
ask_reference(void *to, enum extract_kind kind, uint32_t node,
    const struct r4_step *group)
{
	struct gathering *g = to;
	const struct r4_type *type;
	struct str text;
	int64_t rh;

	(void)group;
	text = text_of(g, kind == EXTRACT_REFERENCE ? jdoc_get(g->doc, node,
	    STR("reference")) : node);
	if ((rh = key_target(g->ctx, g->space, text, &type)) == 0)
		return;
	if (type != NULL)
		ask_literal(g, type, text, rh);
	else if (kind == EXTRACT_CANONICAL || kind == EXTRACT_URI)
		ask_canonical(g, text);
}

static void
ask_forward(struct gathering *g, const struct search_include *include,
    const struct record *record)
{
	const struct extract x = { .doc = g->doc, .root = 0 };
	size_t i;

	g->target = include->target;
	for (i = 0; i < record->type->nparams; i++) {
		g->param = record->type->params[i];
		if (search_can_include(g->param, NULL) &&
		    (include->param == NULL || include->param == g->param))
			extract_run(&x, g->param->program, 0, ask_reference,
			    g);
	}
}

/* --- in reverse ----------------------------------------------------------- */

/* A record's names in the references of others: its id, and its url with and
 * without its version. */
static void
add_names(struct gathering *g, const struct r4_type *source,
    const struct r4_param *param, const struct record *record)
{
	int64_t k = key_const(g->space, source->number, param->number,
	    KEY_VALUE);
	struct str url, version;

	add_list(g, &g->reverse, source, k ^ hash_of(g, record->type,
	    record->id));
	if (extract_refers(param->program))
		return;
	url = text_of(g, jdoc_get(g->doc, 0, STR("url")));
	version = text_of(g, jdoc_get(g->doc, 0, STR("version")));
	if (url.n > 0)
		add_list(g, &g->reverse, source, k ^ key_hash(g->space, url));
	if (url.n > 0 && version.n > 0)
		add_list(g, &g->reverse, source, k ^ key_hash(g->space,
		    arena_printf(g->ctx->arena, "%.*s|%.*s", STR_ARGS(url),
		    STR_ARGS(version))));
}

static void
ask_reverse(struct gathering *g, const struct search_include *include,
    const struct record *record)
{
	const struct r4_type *source;
	const struct r4_param *param;
	size_t t, i;

	for (t = 0; t < r4_types_count; t++) {
		source = &r4_types[t];
		if ((include->source != NULL && include->source != source) ||
		    !scope_allows(g->ctx->who.scope, source, SCOPE_S))
			continue;
		for (i = 0; i < source->nparams; i++) {
			param = source->params[i];
			if ((include->param == NULL ||
			    include->param == param) &&
			    search_can_include(param, record->type))
				add_names(g, source, param, record);
		}
	}
}

/* --- what a round brings -------------------------------------------------- */

/* A list leads to whatever has the url; the reference may name a version. */
static bool
is_asked_canonical(struct gathering *g, const struct record *record)
{
	struct str url, version;

	g->doc = record_parse_next(g->ctx->arena, record->body, &g->parsed);
	url = text_of(g, jdoc_get(g->doc, 0, STR("url")));
	version = text_of(g, jdoc_get(g->doc, 0, STR("version")));
	return seen_has(&g->canonical, key_hash(g->space, url)) ||
	    seen_has(&g->canonical, key_hash(g->space, arena_printf(
	    g->ctx->arena, "%.*s|%.*s", STR_ARGS(url), STR_ARGS(version))));
}

static void
note_taken(struct gathering *g, const struct record *record)
{
	int64_t rh = hash_of(g, record->type, record->id);

	(void)seen_add(g->ctx->arena, &g->asked, rh);
	(void)seen_add(g->ctx->arena, &g->taken, hash_version(g, rh,
	    record->ver));
}

static void
take_record(struct gathering *g, const PGresult *res, int row, bool by_url)
{
	struct search_page *page = g->page;
	struct record *record;
	int64_t rh;

	if (page->nincluded == SEARCH_INCLUDED_MAX) {
		g->capped = true;
		return;
	}
	record = &page->included[page->nincluded];
	record_read(r4_type_numbered(pg_get_int4(res, row, COL_TYPE)),
	    pg_get_str(res, row, COL_BODY), record);
	record->rid = pg_get_int8(res, row, COL_RID);
	if (by_url && !is_asked_canonical(g, record))
		return;
	rh = hash_of(g, record->type, record->id);
	if (!seen_add(g->ctx->arena, &g->taken, hash_version(g, rh,
	    record->ver)))
		return;
	g->bytes += record->body.n;
	page->nincluded++;
}

static void
take_rows(struct gathering *g, const PGresult *res, int64_t rows_max,
    int64_t met_max, bool by_url)
{
	int n = PQntuples(res), i;

	for (i = 0; i < n; i++)
		take_record(g, res, i, by_url);
	if (n > 0 && (pg_get_int8(res, 0, COL_FOUND) > n ||
	    pg_get_int8(res, 0, COL_FOUND) >= rows_max ||
	    pg_get_int8(res, 0, COL_MET) >= met_max))
		g->capped = true;
}

/* Rows that there is room for, and one more, which tells that it is not all;
 * those that are in the page already come, too. */
static int64_t
most_rows(const struct gathering *g)
{
	return (int64_t)(SEARCH_INCLUDED_MAX - g->page->nincluded + g->page->n)
	    + 1;
}

static int64_t
bytes_left(const struct gathering *g)
{
	return g->bytes > SEARCH_INCLUDED_BYTES ? 0 :
	    (int64_t)(SEARCH_INCLUDED_BYTES - g->bytes);
}

static void
send_records(struct gathering *g)
{
	struct pg_args a = pg_args(g->ctx->arena);

	pg_int4(&a, g->ctx->who.tn);
	pg_int2s(&a, g->type, g->n);
	pg_texts(&a, g->id, g->n);
	pg_int4s(&a, g->ver, g->n);
	pg_int8(&a, most_rows(g));
	pg_int8(&a, bytes_left(g));
	pg_send(g->ctx, &query_include_records, &a);
}

static void
send_lists(struct gathering *g, const struct lists *lists)
{
	struct pg_args a = pg_args(g->ctx->arena);

	pg_int4(&a, g->ctx->who.tn);
	pg_int2s(&a, lists->type, lists->n);
	pg_int8s(&a, lists->k, lists->n);
	pg_int8(&a, most_rows(g));
	pg_int8(&a, bytes_left(g));
	pg_send(g->ctx, &query_include_listed, &a);
}

static enum err
fetch_round(struct gathering *g)
{
	int64_t rows = most_rows(g);
	PGresult *results[3], **res = results;
	int sent = 0;
	enum err err;

	if (g->n > 0) {
		send_records(g);
		sent++;
	}
	if (g->urls.n > 0) {
		send_lists(g, &g->urls);
		sent++;
	}
	if (g->reverse.n > 0) {
		send_lists(g, &g->reverse);
		sent++;
	}
	if (sent == 0 || (err = pg_flush(g->ctx, results, sent)) != OK)
		return sent == 0 ? OK : err;
	if (g->n > 0)
		take_rows(g, *res++, rows, rows, false);
	if (g->urls.n > 0)
		take_rows(g, *res++, rows, rows * MET_TIMES, true);
	if (g->reverse.n > 0)
		take_rows(g, *res, rows, rows * MET_TIMES, false);
	return OK;
}

/* --- rounds --------------------------------------------------------------- */

static void
ask_record(struct gathering *g, const struct record *record, bool first)
{
	const struct search_include *include;
	size_t i;

	g->doc = record_parse_next(g->ctx->arena, record->body, &g->parsed);
	for (i = 0; i < g->search->nincludes; i++) {
		include = &g->search->includes[i];
		if (!first && !include->iterate)
			continue;
		if (include->reverse && (include->target == NULL ||
		    include->target == record->type))
			ask_reverse(g, include, record);
		else if (!include->reverse && (include->source == NULL ||
		    include->source == record->type))
			ask_forward(g, include, record);
	}
}

static enum err
run_round(struct gathering *g, const struct record *records, size_t n,
    bool first)
{
	size_t i;

	g->n = g->urls.n = g->reverse.n = 0;
	for (i = 0; i < n; i++)
		ask_record(g, &records[i], first);
	return fetch_round(g);
}

static bool
iterates(const struct search *search)
{
	size_t i;

	for (i = 0; i < search->nincludes; i++)
		if (search->includes[i].iterate)
			return true;
	return false;
}

static void
tell(const struct gathering *g)
{
	size_t i;

	if (g->capped)
		fault_warn(g->ctx, STR_NONE, "This page does not include all "
		    "that was asked: it is at most %d records and %zu MB; ask "
		    "for fewer matches by _count, or for less",
		    SEARCH_INCLUDED_MAX, SEARCH_INCLUDED_BYTES >> 20);
	for (i = 1; i <= r4_types_count; i++)
		if (g->denied[i])
			fault_warn(g->ctx, STR_NONE, "No %s is included: to "
			    "read one the token needs the scope %.*s",
			    r4_types[i - 1].name, STR_ARGS(scope_needed(
			    &r4_types[i - 1], SCOPE_R)));
}

enum err
search_include_run(struct ctx *ctx, struct key_space space,
    const struct search *search, struct search_page *page)
{
	struct gathering g = { .ctx = ctx, .space = space, .search = search,
		.page = page };
	size_t begin = 0, end = 0, i;
	enum err err;

	g.denied = arena_array(ctx->arena, r4_types_count + 1,
	    sizeof(*g.denied));
	g.type = arena_array(ctx->arena, ASKED_MAX, sizeof(*g.type));
	g.id = arena_array(ctx->arena, ASKED_MAX, sizeof(*g.id));
	g.ver = arena_array(ctx->arena, ASKED_MAX, sizeof(*g.ver));
	page->included = arena_array(ctx->arena, SEARCH_INCLUDED_MAX,
	    sizeof(*page->included));
	for (i = 0; i < page->n; i++)
		note_taken(&g, &page->records[i]);
	if ((err = run_round(&g, page->records, page->n, true)) != OK)
		return err;
	while (iterates(search) && !g.capped && page->nincluded > end) {
		begin = end;
		end = page->nincluded;
		err = run_round(&g, &page->included[begin], end - begin,
		    false);
		if (err != OK)
			return err;
	}
	tell(&g);
	return OK;
}
