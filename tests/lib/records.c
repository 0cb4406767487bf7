/* Records for tests. */

#include "records.h"

#include <check.h>

int64_t
records_put(struct ctx *ctx, const char *id, const char *json)
{
	struct str text = str_of(json);
	size_t room = jdoc_bound(text);
	struct jnode *nodes = arena_array(ctx->arena, room, sizeof(*nodes));
	struct jdoc d;
	struct change change = { .kind = CHANGE_UPDATE, .id = str_of(id),
		.doc = &d };

	ck_assert_int_eq(jdoc_parse(&d, text, nodes, room, JDOC_DEPTH_MAX),
	    JDOC_OK);
	change.type = r4_type_named(jdoc_raw(&d,
	    jdoc_get(&d, 0, STR("resourceType"))));
	ck_assert_ptr_nonnull(change.type);
	if (store_write(ctx, &change, 1) != OK)
		ck_abort_msg("%s: %s", json, records_issue(ctx));
	return change.after.rid;
}

void
records_delete(struct ctx *ctx, const char *type, const char *id)
{
	struct change change = { .kind = CHANGE_DELETE, .id = str_of(id),
		.type = r4_type_named(str_of(type)) };

	ck_assert_int_eq(store_write(ctx, &change, 1), OK);
}

struct http_params
records_query(struct ctx *ctx, struct str query)
{
	struct http_params params;

	ck_assert(http_params_parse(ctx->arena, query, true, &params));
	return params;
}

enum err
records_search(struct ctx *ctx, const char *type, struct str query,
    struct search_page *page)
{
	struct http_params params = records_query(ctx, query);
	struct search *search;
	enum err err;

	err = search_parse(ctx, r4_type_named(str_of(type)), &params, false,
	    &search);
	return err == OK ? search_run(ctx, search, page) : err;
}

const char *
records_issue(const struct ctx *ctx)
{
	return ctx->fault.issues == NULL ? "" :
	    arena_z(ctx->arena, ctx->fault.issues->text);
}
