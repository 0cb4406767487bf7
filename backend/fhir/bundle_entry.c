/*
 * What the entries of a transaction ask: method, address and conditions of
 * each, checked before anything is done. R4 http.html#transaction
 */

#include "fhir/bundle_entry.h"

#include "fhir/validate.h"

#include <stdlib.h>

/* More is an import of many bundles: 413. */
#define ENTRIES_MAX	10000

/* How a method changes a record, and the right it needs. */
static const struct method {
	const char	 *name;
	bool		  reads;
	enum change_kind  kind;
	char		  verb;
	bool		  has_id;	/* Type/id; else Type */
	bool		  has_resource;
} methods[] = {
	{ "POST",	false, CHANGE_CREATE,	'c', false, true },
	{ "PUT",	false, CHANGE_UPDATE,	'u', true,  true },
	{ "DELETE",	false, CHANGE_DELETE,	'd', true,  false },
	{ "GET",	true,  CHANGE_CREATE,	'r', true,  false },
};

/* Members that change what a request means, not offered yet. */
static const struct condition {
	const char	*member;
	const char	*what;
} conditions[] = {
	{ "ifNoneExist",	"conditional create" },
	{ "ifNoneMatch",	"a request with ifNoneMatch" },
	{ "ifModifiedSince",	"a request with ifModifiedSince" },
};

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

static struct str
member_text(struct ctx *ctx, const struct jdoc *d, uint32_t object,
    const char *name)
{
	return bundle_text(ctx, d, jdoc_get(d, object, str_of(name)));
}

static enum err
fail_request(struct ctx *ctx, const struct entry *e, const char *member,
    enum err err, struct str text)
{
	struct str path = arena_printf(ctx->arena, "%.*s.request%s%s",
	    STR_ARGS(e->path), member[0] == '\0' ? "" : ".", member);

	return fail_at(ctx, err, path, "%.*s", STR_ARGS(text));
}

static const struct method *
method_named(struct str name)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (str_eqz(name, methods[i].name))
			return &methods[i];
	return NULL;
}

static enum err
check_conditions(struct ctx *ctx, const struct jdoc *d, uint32_t request,
    const struct entry *e)
{
	for (size_t i = 0; i < sizeof(conditions) / sizeof(conditions[0]);
	    i++) {
		const struct condition *c = &conditions[i];

		if (jdoc_get(d, request, str_of(c->member)) != 0)
			return fail_request(ctx, e, c->member,
			    ERR_NOT_SUPPORTED, arena_printf(ctx->arena,
			    "%s is not supported in a transaction", c->what));
	}
	return OK;
}

/* W/"3", the form of our own ETags. RFC 9110 8.8.3 */
static enum err
take_if_match(struct ctx *ctx, const struct jdoc *d, uint32_t request,
    struct entry *e)
{
	struct str tag = member_text(ctx, d, request, "ifMatch");
	uint64_t ver;

	if (jdoc_get(d, request, STR("ifMatch")) == 0)
		return OK;
	if (str_starts(tag, STR("W/")))
		tag = str_from(tag, 2);
	if (tag.n > 2 && tag.p[0] == '"' && tag.p[tag.n - 1] == '"' &&
	    str_u64((struct str){ tag.p + 1, tag.n - 2 }, INT32_MAX, &ver) &&
	    ver > 0) {
		e->change.if_match = (int32_t)ver;
		return OK;
	}
	return fail_request(ctx, e, "ifMatch", ERR_INVALID_REQUEST,
	    STR("must be a version, like W/\"3\""));
}

static enum err
take_version(struct ctx *ctx, struct str rest, struct entry *e)
{
	uint64_t ver;

	if (rest.p == NULL)
		return OK;
	if (e->reads && str_starts(rest, STR("_history/")) &&
	    str_u64(str_from(rest, 9), INT32_MAX, &ver) && ver > 0) {
		e->ver = (int32_t)ver;
		return OK;
	}
	return fail_request(ctx, e, "url", ERR_INVALID_REQUEST,
	    STR("has more parts than Type/id"));
}

/* "Patient" or "Patient/123", relative to the base of the server. */
static enum err
take_url(struct ctx *ctx, struct str url, const struct method *m,
    struct entry *e)
{
	struct str rest = url;
	struct str type = str_cut(&rest, '/');
	struct str id = rest.p == NULL ? STR_NONE : str_cut(&rest, '/');

	if (str_has(url, '?'))
		return fail_request(ctx, e, "url", ERR_NOT_SUPPORTED,
		    arena_printf(ctx->arena, "a %s with a query is not "
		    "supported in a transaction", m->name));
	e->change.type = r4_type_named(type);
	if (e->change.type == NULL)
		return fail_request(ctx, e, "url", ERR_INVALID_REQUEST,
		    arena_printf(ctx->arena, "must begin with a resource "
		    "type, relative to the base URL"));
	if (m->has_id != (id.n > 0) || (m->has_id && !fhir_id_valid(id)))
		return fail_request(ctx, e, "url", ERR_INVALID_REQUEST,
		    arena_printf(ctx->arena, "of a %s must be %s%s", m->name,
		    e->change.type->name, m->has_id ? "/<id>" : ""));
	e->change.id = m->has_id ? id : store_new_id(ctx);
	return take_version(ctx, rest, e);
}

static enum err
take_resource(struct ctx *ctx, const struct jdoc *d, uint32_t entry,
    const struct method *m, struct entry *e)
{
	uint32_t node = jdoc_get(d, entry, STR("resource"));
	const char *type = e->change.type->name;

	e->change.path = arena_printf(ctx->arena, "%.*s.resource",
	    STR_ARGS(e->path));
	if ((node != 0) != m->has_resource)
		return fail_at(ctx, ERR_INVALID_REQUEST, e->change.path,
		    "a %s %s a resource", m->name, m->has_resource ?
		    "needs" : "must not have");
	if (node == 0)
		return OK;
	if (!jdoc_is(d, jdoc_get(d, node, STR("resourceType")),
	    str_of(type)))
		return fail_at(ctx, ERR_INVALID_REQUEST, e->change.path,
		    "its resourceType must be \"%s\", as request.url says",
		    type);
	e->change.doc = d;
	e->change.node = node;
	return OK;
}

static enum err
take_request(struct ctx *ctx, const struct jdoc *d, uint32_t request,
    struct entry *e, const struct method **m)
{
	struct str url = member_text(ctx, d, request, "url");
	enum err err;

	*m = method_named(member_text(ctx, d, request, "method"));
	if (*m == NULL)
		return fail_request(ctx, e, "method", ERR_NOT_SUPPORTED,
		    STR("must be POST, PUT, DELETE or GET"));
	if (url.n == 0)
		return fail_request(ctx, e, "url", ERR_INVALID_REQUEST,
		    STR("is missing"));
	e->reads = (*m)->reads;
	e->change.kind = (*m)->kind;
	if ((err = check_conditions(ctx, d, request, e)) != OK ||
	    (err = take_url(ctx, url, *m, e)) != OK)
		return err;
	return take_if_match(ctx, d, request, e);
}

static enum err
take_entry(struct ctx *ctx, const struct jdoc *d, uint32_t entry,
    bundle_allow *allow, struct entry *e)
{
	uint32_t request = jdoc_get(d, entry, STR("request"));
	const struct method *m;
	enum err err;

	if (request == 0 || jdoc_type(d, request) != JDOC_OBJECT)
		return fail_request(ctx, e, "", ERR_INVALID_REQUEST,
		    STR("is missing: an entry of a transaction says what is "
		    "to be done"));
	if ((err = take_request(ctx, d, request, e, &m)) != OK ||
	    (err = take_resource(ctx, d, entry, m, e)) != OK)
		return err;
	e->full_url = member_text(ctx, d, entry, "fullUrl");
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

static enum err
check_bundle(struct ctx *ctx, const struct jdoc *d)
{
	struct str type;

	if (jdoc_type(d, 0) != JDOC_OBJECT ||
	    !jdoc_is(d, jdoc_get(d, 0, STR("resourceType")), STR("Bundle")))
		return fail(ctx, ERR_INVALID_REQUEST, "the body must be a "
		    "Bundle of type \"transaction\"");
	type = member_text(ctx, d, 0, "type");
	if (str_eqz(type, "batch"))
		return fail_at(ctx, ERR_NOT_SUPPORTED, STR("Bundle.type"),
		    "batch bundles are not supported: send a \"transaction\", "
		    "or the requests one by one");
	if (!str_eqz(type, "transaction"))
		return fail_at(ctx, ERR_INVALID_REQUEST, STR("Bundle.type"),
		    "must be \"transaction\"");
	return OK;
}

enum err
bundle_entries(struct ctx *ctx, const struct jdoc *d, bundle_allow *allow,
    struct entries *out)
{
	uint32_t array;
	size_t n;
	enum err err;

	*out = (struct entries){ NULL, 0 };
	if ((err = check_bundle(ctx, d)) != OK)
		return err;
	if ((array = jdoc_get(d, 0, STR("entry"))) == 0)
		return OK;
	if (jdoc_type(d, array) != JDOC_ARRAY)
		return fail_at(ctx, ERR_INVALID_REQUEST, STR("Bundle.entry"),
		    "must be an array");
	if ((n = d->nodes[array].count) > ENTRIES_MAX)
		return fail_at(ctx, ERR_TOO_LARGE, STR("Bundle.entry"),
		    "has %zu entries; %d are allowed in one transaction", n,
		    ENTRIES_MAX);
	out->v = arena_array(ctx->arena, n, sizeof(*out->v));
	return take_all(ctx, d, array, allow, out);
}
