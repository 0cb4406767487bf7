/*
 * What the entries of Bundles ask: method, address and conditions of each.
 * Those of a transaction are checked before anything is done. R4
 * http.html#transaction
 */

#include "fhir/bundle_entry.h"

#include "fhir/match.h"
#include "fhir/validate.h"

#include <stddef.h>

/* More is an import of many bundles: 413. */
#define ENTRIES_MAX	10000

/* How a method changes a record, and the right it needs. */
static const struct method {
	const char	 *name;
	bool		  reads;
	enum change_kind  kind;
	char		  verb;
	bool		  has_id;	/* its url is Type/id; else Type */
	bool		  has_resource;
} methods[] = {
	{ "POST",	false, CHANGE_CREATE,	'c', false, true },
	{ "PUT",	false, CHANGE_UPDATE,	'u', true,  true },
	{ "PATCH",	false, CHANGE_UPDATE,	'u', true,  true },
	{ "DELETE",	false, CHANGE_DELETE,	'd', true,  false },
	{ "GET",	true,  CHANGE_CREATE,	'r', false, false },
};

/* The members of Bundle.entry.request, all of them strings. */
#define MEMBER(name, member)						\
	{ name, offsetof(struct bundle_request, member) }

static const struct {
	const char	*name;
	size_t		 offset;
} members[] = {
	MEMBER("method",		method),
	MEMBER("url",			url),
	MEMBER("ifMatch",		if_match),
	MEMBER("ifNoneMatch",		if_none_match),
	MEMBER("ifNoneExist",		if_none_exist),
	MEMBER("ifModifiedSince",	if_modified_since),
};

#define NMEMBERS	(sizeof(members) / sizeof(members[0]))

struct str
bundle_text(struct ctx *ctx, const struct jdoc *d, uint32_t node)
{
	struct str raw;
	char *text;

	if (node == 0 || jdoc_type(d, node) != JDOC_STRING)
		return STR_NONE;
	raw = jdoc_raw(d, node);
	if (!d->nodes[node].escaped)
		return raw;
	text = arena_alloc(ctx->arena, raw.n);
	return (struct str){ text, jdoc_decode(d, node, text) };
}

void
bundle_place_issues(struct ctx *ctx, struct issue *last, struct str path)
{
	struct issue *issue = last == NULL ? ctx->fault.issues : last->next;

	for (; issue != NULL; issue = issue->next)
		issue->path = issue->path.n == 0 ? path :
		    arena_printf(ctx->arena, "%.*s.%.*s", STR_ARGS(path),
		    STR_ARGS(issue->path));
}

/* The member may be empty. */
static enum err
fail_request(struct ctx *ctx, struct str path, const char *member,
    enum err err, const char *text)
{
	return fail_at(ctx, err, arena_printf(ctx->arena, "%.*s.request%s%s",
	    STR_ARGS(path), member[0] == '\0' ? "" : ".", member), "%s",
	    text);
}

static enum err
take_members(struct ctx *ctx, const struct jdoc *d, uint32_t node,
    struct str path, struct bundle_request *out)
{
	for (size_t i = 0; i < NMEMBERS; i++) {
		uint32_t value = jdoc_get(d, node, str_of(members[i].name));
		struct str *text = (struct str *)(void *)((char *)out +
		    members[i].offset);

		*text = bundle_text(ctx, d, value);
		if (value != 0 && text->n == 0)
			return fail_request(ctx, path, members[i].name,
			    ERR_INVALID_REQUEST, "must be a string, and not "
			    "an empty one");
	}
	return OK;
}

enum err
bundle_request(struct ctx *ctx, const struct jdoc *d, uint32_t entry,
    struct str path, struct bundle_request *out)
{
	uint32_t request = jdoc_get(d, entry, STR("request"));
	enum err err;

	*out = (struct bundle_request){ .doc = NULL };
	if (request == 0 || jdoc_type(d, request) != JDOC_OBJECT)
		return fail_request(ctx, path, "", ERR_INVALID_REQUEST,
		    "is missing: an entry says what is to be done");
	if ((err = take_members(ctx, d, request, path, out)) != OK)
		return err;
	if (out->method.n == 0)
		return fail_request(ctx, path, "method", ERR_INVALID_REQUEST,
		    "is missing");
	if (out->url.n == 0)
		return fail_request(ctx, path, "url", ERR_INVALID_REQUEST,
		    "is missing");
	if (out->url.p[0] == '/')
		out->url = str_from(out->url, 1);
	out->node = jdoc_get(d, entry, STR("resource"));
	out->doc = out->node == 0 ? NULL : d;
	return OK;
}

static const struct method *
method_named(struct str name)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (str_eqz(name, methods[i].name))
			return &methods[i];
	return NULL;
}

/* Criteria in the place of an id: who uses them learns what meets them. */
static enum err
take_criteria(struct ctx *ctx, bundle_allow *allow, struct entry *e,
    const char *member, struct str text)
{
	struct str path = arena_printf(ctx->arena, "%.*s.request.%s",
	    STR_ARGS(e->path), member);
	struct http_params params;
	enum err err;

	e->by = arena_zero(ctx->arena, sizeof(*e->by));
	e->by->wish = e->change;
	if ((err = allow(ctx, e->change.type, 's')) != OK)
		return err;
	if (e->change.kind != CHANGE_DELETE)
		return condition_parse(ctx, e->change.type, text, path,
		    &e->by->condition);
	if (!http_params_parse(ctx->arena, text, true, &params))
		return fail_at(ctx, ERR_INVALID_REQUEST, path, "the criteria "
		    "are not valid");
	return conditional_read_delete(ctx, &params, path, e->by);
}

/* "Patient" of a creation, "Patient/123" or "Patient?criteria" of the others,
 * relative to the base of the server. */
static enum err
take_url(struct ctx *ctx, bundle_allow *allow, const struct method *m,
    struct entry *e)
{
	struct str query = e->request.url;
	struct str id = str_cut(&query, '?');
	struct str type = str_cut(&id, '/');

	e->change.type = r4_type_named(type);
	if (e->change.type == NULL)
		return fail_request(ctx, e->path, "url", ERR_INVALID_REQUEST,
		    "must begin with a resource type, relative to the base "
		    "URL");
	if (m->has_id && id.p == NULL && query.p != NULL)
		return take_criteria(ctx, allow, e, "url", query);
	if (query.p != NULL || m->has_id != (id.n > 0) ||
	    (m->has_id && !fhir_id_valid(id)))
		return fail_request(ctx, e->path, "url", ERR_INVALID_REQUEST,
		    arena_printf(ctx->arena, "of a %s must be %s%s", m->name,
		    e->change.type->name, m->has_id ? "/<id>, or with "
		    "?<criteria> in the place of the id" : "").p);
	e->change.id = m->has_id ? id : store_new_id(ctx);
	return OK;
}

/* A Parameters resource or a Binary, which says how the record changes. */
static enum err
take_patch(struct ctx *ctx, struct entry *e)
{
	struct issue *last = ctx->fault.last;
	struct patch *patch = arena_zero(ctx->arena, sizeof(*patch));
	enum err err = patch_read_resource(ctx, e->request.doc,
	    e->request.node, patch);

	e->patch = patch;
	if (err != OK)
		bundle_place_issues(ctx, last, e->change.path);
	return err;
}

static enum err
take_resource(struct ctx *ctx, const struct method *m, struct entry *e)
{
	const struct bundle_request *r = &e->request;
	struct str path = arena_printf(ctx->arena, "%.*s.resource",
	    STR_ARGS(e->path));

	if ((r->doc != NULL) != m->has_resource)
		return fail_at(ctx, ERR_INVALID_REQUEST, path, "a %s %s a "
		    "resource", m->name, m->has_resource ? "needs" :
		    "must not have");
	e->change.path = path;
	if (r->doc == NULL)
		return OK;
	if (str_eqz(r->method, "PATCH"))
		return take_patch(ctx, e);
	if (!jdoc_is(r->doc, jdoc_get(r->doc, r->node, STR("resourceType")),
	    str_of(e->change.type->name)))
		return fail_at(ctx, ERR_INVALID_REQUEST, path,
		    "its resourceType must be \"%s\", as request.url says",
		    e->change.type->name);
	e->change.doc = r->doc;
	e->change.node = r->node;
	return OK;
}

static enum err
take_conditions(struct ctx *ctx, bundle_allow *allow, struct entry *e)
{
	const struct bundle_request *r = &e->request;
	const char *wrong = match_write(r->if_match, r->if_none_match,
	    &e->change.if_match);

	if (wrong != NULL)
		return fail_request(ctx, e->path, r->if_none_match.n > 0 ?
		    "ifNoneMatch" : "ifMatch", ERR_INVALID_REQUEST, wrong);
	if (r->if_none_exist.n == 0)
		return OK;
	if (e->change.kind != CHANGE_CREATE)
		return fail_request(ctx, e->path, "ifNoneExist",
		    ERR_INVALID_REQUEST, "belongs to a POST");
	return take_criteria(ctx, allow, e, "ifNoneExist", r->if_none_exist);
}

/* The change that is wished of what meets the criteria. */
static enum err
take_wish(struct ctx *ctx, struct entry *e)
{
	const struct bundle_request *r = &e->request;
	uint32_t id = 0;

	if (e->by == NULL)
		return OK;
	e->by->wish = e->change;
	e->by->patch = e->patch;
	if (e->change.kind != CHANGE_UPDATE || e->patch != NULL)
		return OK;
	id = jdoc_get(r->doc, r->node, STR("id"));
	if (id == 0)
		return OK;
	e->by->wish.id = bundle_text(ctx, r->doc, id);
	if (!fhir_id_valid(e->by->wish.id))
		return fail_at(ctx, ERR_INVALID_REQUEST, e->change.path,
		    "its id must be 1 to 64 of A-Z a-z 0-9 - .");
	return OK;
}

/* Its address is read when it is asked; here only who may ask it. */
static enum err
take_read(struct ctx *ctx, bundle_allow *allow, const struct method *m,
    struct entry *e)
{
	struct str path = e->request.url;
	const struct r4_type *type;
	enum err err;

	path = str_cut(&path, '?');
	type = r4_type_named(str_cut(&path, '/'));
	if ((err = take_resource(ctx, m, e)) != OK)
		return err;
	return type == NULL ? OK : allow(ctx, type,
	    path.p == NULL ? 's' : m->verb);
}

static enum err
take_entry(struct ctx *ctx, const struct jdoc *d, uint32_t entry,
    bundle_allow *allow, struct entry *e)
{
	const struct method *m;
	enum err err;

	if ((err = bundle_request(ctx, d, entry, e->path, &e->request)) != OK)
		return err;
	if ((m = method_named(e->request.method)) == NULL)
		return fail_request(ctx, e->path, "method", ERR_NOT_SUPPORTED,
		    "must be POST, PUT, PATCH, DELETE or GET");
	e->full_url = bundle_text(ctx, d, jdoc_get(d, entry, STR("fullUrl")));
	e->reads = m->reads;
	e->change.kind = m->kind;
	if (m->reads)
		return take_read(ctx, allow, m, e);
	if ((err = take_url(ctx, allow, m, e)) != OK ||
	    (err = take_conditions(ctx, allow, e)) != OK ||
	    (err = take_resource(ctx, m, e)) != OK ||
	    (err = take_wish(ctx, e)) != OK)
		return err;
	/* Its tests and conditions tell what is there. */
	if (e->patch != NULL &&
	    (err = allow(ctx, e->change.type, 'r')) != OK)
		return err;
	return allow(ctx, e->change.type, m->verb);
}

/* All entries are looked at, so that all mistakes are told at once. */
static enum err
take_all(struct ctx *ctx, const struct jdoc *d, uint32_t array,
    bundle_allow *allow, struct entries *out)
{
	enum err first = OK;

	for (uint32_t i = jdoc_first(d, array); i != 0;
	    i = jdoc_next(d, array, i)) {
		struct entry *e = &out->v[out->n];
		enum err err;

		e->index = out->n++;
		e->path = arena_printf(ctx->arena, "Bundle.entry[%zu]",
		    e->index);
		err = take_entry(ctx, d, i, allow, e);
		if (first == OK)
			first = err;
	}
	return first;
}

enum err
bundle_list(struct ctx *ctx, const struct jdoc *d, size_t max,
    uint32_t *array)
{
	size_t n;

	if ((*array = jdoc_get(d, 0, STR("entry"))) == 0)
		return OK;
	if (jdoc_type(d, *array) != JDOC_ARRAY)
		return fail_at(ctx, ERR_INVALID_REQUEST, STR("Bundle.entry"),
		    "must be an array");
	if ((n = d->nodes[*array].count) > max)
		return fail_at(ctx, ERR_TOO_LARGE, STR("Bundle.entry"),
		    "has %zu entries; %zu are allowed in one Bundle of this "
		    "type", n, max);
	return OK;
}

enum err
bundle_entries(struct ctx *ctx, const struct jdoc *d, bundle_allow *allow,
    struct entries *out)
{
	uint32_t array;
	enum err err;

	*out = (struct entries){ NULL, 0 };
	if ((err = bundle_list(ctx, d, ENTRIES_MAX, &array)) != OK ||
	    array == 0)
		return err;
	out->v = arena_array(ctx->arena, d->nodes[array].count,
	    sizeof(*out->v));
	return take_all(ctx, d, array, allow, out);
}
