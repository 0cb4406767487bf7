/*
 * Searchset and history bundles: glue around the stored bytes, which are
 * handed on as they are.
 */

#include "fhir/bundle.h"

#include "base/buf.h"
#include "base/when.h"
#include "fhir/outcome.h"

#define ENTRIES		",\"entry\":["
#define MATCH		",\"search\":{\"mode\":\"match\"}}"
#define INCLUDE		",\"search\":{\"mode\":\"include\"}}"

static void
add_link(struct buf *b, const char *relation, struct str url, struct str query)
{
	buf_addz(b, b->p[b->n - 1] == '[' ? "" : ",");
	buf_addz(b, "{\"relation\":\"");
	buf_addz(b, relation);
	buf_addz(b, "\",\"url\":\"");
	buf_add_json(b, url);
	if (query.n > 0) {
		buf_addc(b, '?');
		buf_add_json(b, query);
	}
	buf_addz(b, "\"}");
}

static void
add_link_if(struct buf *b, const char *relation, struct str url,
    struct str query)
{
	if (query.n > 0)
		add_link(b, relation, url, query);
}

static void
add_head(struct buf *b, const char *type, int64_t total)
{
	buf_addz(b, "{\"resourceType\":\"Bundle\",\"type\":\"");
	buf_addz(b, type);
	buf_addc(b, '"');
	if (total >= 0) {
		buf_addz(b, ",\"total\":");
		buf_add_i64(b, total);
	}
	buf_addz(b, ",\"link\":[");
}

static struct str
join(struct ctx *ctx, struct str base, struct str path)
{
	return path.n == 0 ? base : arena_printf(ctx->arena, "%.*s/%.*s",
	    STR_ARGS(base), STR_ARGS(path));
}

/* How every fullUrl of a bundle begins. */
static struct str
url_head(struct ctx *ctx, struct str base)
{
	struct buf b = buf_new(ctx->arena, base.n + 32);

	buf_addz(&b, "{\"fullUrl\":\"");
	buf_add_json(&b, base);
	buf_addc(&b, '/');
	return buf_str(&b);
}

/* What stands before a body: `end`, which is the list's beginning or how the
 * entry before it ends, and the fullUrl. */
static void
put_before(struct ctx *ctx, struct http_answer *answer, struct str end,
    struct str head, const struct record *record)
{
	struct buf b = buf_new(ctx->arena, end.n + head.n + record->id.n +
	    64);

	buf_add(&b, end);
	if (end.n == 0 || end.p[end.n - 1] != '[')
		buf_addc(&b, ',');
	buf_add(&b, head);
	buf_addz(&b, record->type->name);
	buf_addc(&b, '/');
	buf_add(&b, record->id);
	buf_add(&b, record->deleted ? STR("\"") : STR("\",\"resource\":"));
	http_body(answer, buf_str(&b));
}

static void
put_found(struct ctx *ctx, struct http_answer *answer, struct str base,
    const struct search_page *page)
{
	struct str head = url_head(ctx, base), end = STR(ENTRIES);
	size_t n = page->n + page->nincluded;

	for (size_t i = 0; i < n; i++) {
		bool match = i < page->n;
		const struct record *record = match ? &page->records[i] :
		    &page->included[i - page->n];

		put_before(ctx, answer, end, head, record);
		http_body(answer, record->body);
		end = match ? STR(MATCH) : STR(INCLUDE);
	}
	if (n > 0)
		http_body(answer, end);
}

/* What was ignored or left out. R4 search.html#entries */
static void
put_outcome(struct ctx *ctx, struct http_answer *answer, bool first)
{
	http_body(answer, first ? STR(ENTRIES "{\"resource\":") :
	    STR(",{\"resource\":"));
	http_body(answer, outcome_write(ctx));
	http_body(answer, STR(",\"search\":{\"mode\":\"outcome\"}}"));
}

void
bundle_searchset(struct ctx *ctx, const struct search_page *page,
    struct str base, struct str path, struct http_answer *answer)
{
	struct str url = join(ctx, base, path);
	struct buf b = buf_new(ctx->arena, 1024);
	size_t n = page->n + page->nincluded;

	add_head(&b, "searchset", page->total);
	add_link(&b, "self", url, page->self);
	add_link_if(&b, "first", url, page->first);
	add_link_if(&b, "previous", url, page->previous);
	add_link_if(&b, "next", url, page->next);
	add_link_if(&b, "current", url, page->current);
	buf_addc(&b, ']');
	http_body(answer, buf_str(&b));
	put_found(ctx, answer, base, page);
	if (ctx->fault.issues != NULL)
		put_outcome(ctx, answer, n == 0);
	http_body(answer, n > 0 || ctx->fault.issues != NULL ? STR("]}") :
	    STR("}"));
}

/* The request that made a version, and what it was answered. R4
 * http.html#history */
static void
put_after(struct ctx *ctx, struct http_answer *answer,
    const struct record *record)
{
	const char *method = record->op == 'C' ? "POST" :
	    record->op == 'U' ? "PUT" : "DELETE";
	const char *status = record->deleted ? "204 No Content" :
	    record->created ? "201 Created" : "200 OK";
	struct buf b = buf_new(ctx->arena, 256);
	char when[WHEN_INSTANT_CHARS + 1];

	when_format(record->updated_us, when);
	buf_addf(&b, ",\"request\":{\"method\":\"%s\",\"url\":\"%s", method,
	    record->type->name);
	if (record->op != 'C')
		buf_addf(&b, "/%.*s", STR_ARGS(record->id));
	buf_addf(&b, "\"},\"response\":{\"status\":\"%s\","
	    "\"etag\":\"W/\\\"%d\\\"\",\"lastModified\":\"%s\"}}", status,
	    record->ver, when);
	http_body(answer, buf_str(&b));
}

void
bundle_history(struct ctx *ctx, const struct history_page *page,
    struct str base, struct str path, struct http_answer *answer)
{
	struct str url = join(ctx, base, path), head = url_head(ctx, base);
	struct buf b = buf_new(ctx->arena, 512);

	add_head(&b, "history", page->total);
	add_link(&b, "self", url, page->self);
	add_link_if(&b, "next", url, page->next);
	add_link_if(&b, "current", url, page->current);
	buf_addc(&b, ']');
	http_body(answer, buf_str(&b));
	for (size_t i = 0; i < page->n; i++) {
		const struct record *record = &page->records[i];

		put_before(ctx, answer, i == 0 ? STR(ENTRIES) : STR(""), head,
		    record);
		if (!record->deleted)
			http_body(answer, record->body);
		put_after(ctx, answer, record);
	}
	http_body(answer, page->n > 0 ? STR("]}") : STR("}"));
}
