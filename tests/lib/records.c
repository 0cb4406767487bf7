/* Records for tests. */

#include "records.h"

#include "base/code.h"
#include "wire/pg.h"

#include <check.h>
#include <string.h>
#include <stdlib.h>

#ifdef NO_STORE
#include "base/buf.h"
enum err store_key_space(struct ctx *ctx, struct key_space *out)
{
	*out = (struct key_space){ .key = { 1, 2 }, .tn = ctx->who.tn };
	return OK;
}
static int64_t
put(struct ctx *ctx, const char *id, const char *json)
{
	static int64_t rid = 1000;
	struct jdoc d; struct key_space space; struct keys keys;
	size_t room = jdoc_bound(str_of(json));
	struct jnode *nodes = arena_array(ctx->arena, room, sizeof(*nodes));
	struct pg_args a;
	rid += 7;
	ck_assert_int_eq(jdoc_parse(&d, str_of(json), nodes, room, 64), JDOC_OK);
	struct str tname = jdoc_raw(&d, jdoc_get(&d, 0, STR("resourceType")));
	const struct r4_type *type = r4_type_named(tname);
	store_key_space(ctx, &space);
	keys_extract(ctx, space, type, str_of(id), &d, 0, &keys);
	int64_t now = 1700000000000000 + rid * 1000;
#define RUN(nm, sqltext) do { static const struct pg_query q = { nm, sqltext }; ck_assert_int_eq(pg_exec(ctx, &q, &a, NULL), OK); } while (0)
	a = pg_args(ctx->arena);
	pg_int4(&a, space.tn); pg_int2(&a, type->number); pg_text(&a, str_of(id)); pg_int8(&a, rid);
	pg_time(&a, keys.at_us); pg_time(&a, now); pg_int8(&a, (int64_t)keys.has);
	pg_int8(&a, key_reference(space, tname, str_of(id)));
	RUN("t_res", "insert into res (tn,type,id,rid,ver,at,updated,deleted,has,rh,keys,auxs,refs,ckeys) values ($1,$2,$3,$4,1,$5,$6,false,$7,$8,'{}','{}','{}','{}')");
	a = pg_args(ctx->arena);
	pg_int8(&a, rid); pg_int4(&a, space.tn); pg_int2(&a, type->number); pg_time(&a, now); pg_text(&a, str_of(json));
	RUN("t_ver", "insert into ver (rid,ver,tn,type,updated,op,client,body) values ($1,1,$2,$3,$4,'C','t',$5)");
	for (size_t i = 0; i < keys.npost; i++) {
		a = pg_args(ctx->arena);
		pg_int8(&a, keys.post[i].k); pg_time(&a, keys.at_us); pg_int8(&a, rid); pg_int4(&a, keys.post[i].aux);
		RUN("t_post", "insert into post (k,at,rid,aux) values ($1,$2,$3,$4)");
	}
	for (size_t i = 0; i < keys.ndat; i++) {
		a = pg_args(ctx->arena);
		pg_int4(&a, space.tn); pg_int2(&a, type->number); pg_int2(&a, keys.dat[i].param);
		pg_time(&a, keys.dat[i].lo_us); pg_time(&a, keys.dat[i].hi_us); pg_int8(&a, rid);
		if (keys.dat[i].lo_us != INT64_MIN && keys.dat[i].hi_us != INT64_MAX && keys.dat[i].hi_us - keys.dat[i].lo_us <= INT64_C(86400000000))
			RUN("t_dat", "insert into dat (tn,type,param,lo,hi,rid) values ($1,$2,$3,$4,$5,$6)");
		else
			RUN("t_datw", "insert into datw (tn,type,param,span,rid) values ($1,$2,$3,tstzrange($4,$5),$6)");
	}
	for (size_t i = 0; i < keys.nstr; i++) {
		a = pg_args(ctx->arena);
		pg_int4(&a, space.tn); pg_int2(&a, type->number); pg_int2(&a, keys.str[i].param);
		pg_text(&a, keys.str[i].folded); pg_int8(&a, rid);
		RUN("t_str", "insert into str (tn,type,param,v,rid) values ($1,$2,$3,$4,$5) on conflict do nothing");
	}
	for (size_t i = 0; i < keys.ndict; i++) {
		a = pg_args(ctx->arena);
		pg_int4(&a, space.tn); pg_int2(&a, type->number); pg_int2(&a, keys.dict[i].param);
		pg_int2(&a, keys.dict[i].space); pg_int8(&a, keys.dict[i].k); pg_int4(&a, keys.dict[i].aux);
		pg_text(&a, keys.dict[i].system); pg_text(&a, keys.dict[i].code); pg_text(&a, keys.dict[i].display);
		RUN("t_dict", "insert into dict (tn,type,param,space,k,aux,system,code,display) values ($1,$2,$3,$4,$5,$6,$7,$8,$9) on conflict do nothing");
	}
	return rid;
}
#endif

int64_t
records_put(struct ctx *ctx, const char *id, const char *json)
{
#ifdef NO_STORE
	return put(ctx, id, json);
#else
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
#endif
}

static struct str
decoded(struct ctx *ctx, struct str s)
{
	char *out = arena_alloc(ctx->arena, s.n + 1);
	size_t n = percent_decode(s, true, out);

	ck_assert(n != CODE_BAD);
	return (struct str){ out, n };
}

struct http_params
records_query(struct ctx *ctx, struct str query)
{
	struct http_params params = { .n = 0 };
	struct str rest = query, pair;

	params.v = arena_array(ctx->arena, HTTP_PARAMS_MAX,
	    sizeof(*params.v));
	while (rest.n > 0) {
		struct http_param *p = &params.v[params.n++];

		pair = str_cut(&rest, '&');
		p->name = decoded(ctx, str_cut(&pair, '='));
		p->value = decoded(ctx, pair);
	}
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
