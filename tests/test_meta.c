/* Labels of a record as sets: added once, taken away, and not a byte else. */

#include "base/buf.h"
#include "fhir/meta.h"
#include "lib/document.h"
#include "lib/suite.h"

#include <check.h>

#undef fail	/* a macro of Check's past */

static struct arena *arena;
static struct ctx ctx;

static void
open_ctx(void)
{
	arena = arena_new(1 << 16);
	ctx = (struct ctx){ .arena = arena };
}

static void
close_ctx(void)
{
	arena_free(arena);
}

/* clang-format off */
static const struct {
	const char		*meta;		/* behind versionId, with comma */
	enum meta_change	 what;
	const char		*given;
	const char		*wanted;	/* NULL: no change */
} rows[] = {
{ "", META_ADD, "{}", NULL },
{ "", META_ADD, "{'tag':[]}", NULL },
{ "", META_ADD, "{'profile':['u','u']}", ",'profile':['u']" },
{ ",'profile':['u']", META_ADD, "{'profile':['u']}", NULL },
{ ",'profile':['u']", META_ADD, "{'profile':['v']}", ",'profile':['u','v']" },
{ ",'tag':[{'system':'s','code':'a','display':'x'}]", META_ADD, "{'tag':[{'system':'s','code':'a','display':'y'}]}", NULL },
{ ",'tag':[{'system':'s','code':'a'}]", META_ADD, "{'tag':[{'system':'t','code':'a'}]}", ",'tag':[{'system':'s','code':'a'},{'system':'t','code':'a'}]" },
{ ",'tag':[{'code':'a'}]", META_ADD, "{'security':[{'code':'a'}]}", ",'tag':[{'code':'a'}],'security':[{'code':'a'}]" },
{ "", META_DELETE, "{'tag':[{'code':'a'}]}", NULL },
{ ",'tag':[{'code':'a','display':'x'}],'source':'s'", META_DELETE, "{'tag':[{'code':'a'}]}", ",'source':'s'" },
{ ",'tag':[{'system':'s','code':'a'},{'code':'a'}]", META_DELETE, "{'tag':[{'code':'a'}]}", ",'tag':[{'system':'s','code':'a'}]" },
{ ",'profile':['u','v']", META_DELETE, "{'profile':['u'],'tag':[{'code':'b'}]}", ",'profile':['v']" },
};
/* clang-format on */

static struct str
body_of(const char *meta)
{
	return document_parse(arena, arena_printf(arena, "{'resourceType':"
	    "'Basic','id':'a','meta':{'versionId':'1'%s},'x' : 1.10}",
	    meta).p)->text;
}

START_TEST(labels_are_sets)
{
	const struct jdoc *given = document_parse(arena, rows[_i].given);
	const struct jdoc *made = NULL;
	struct str want;

	ck_assert_int_eq(meta_change(&ctx, body_of(rows[_i].meta),
	    rows[_i].what, given, 0, &made), OK);
	if (rows[_i].wanted == NULL) {
		ck_assert_ptr_null(made);
		return;
	}
	ck_assert_ptr_nonnull(made);
	/* Blanks around names belong to the object that was changed. */
	want = document_parse(arena, arena_printf(arena, "{'resourceType':"
	    "'Basic','id':'a','meta':{'versionId':'1'%s},'x':1.10}",
	    rows[_i].wanted).p)->text;
	ck_assert_msg(str_eq(made->text, want), "%.*s",
	    STR_ARGS(made->text));
}
END_TEST

START_TEST(meta_is_given_as_it_is_stored)
{
	ck_assert(str_eqz(meta_of(&ctx, body_of(",'tag':[]")),
	    "{\"versionId\":\"1\",\"tag\":[]}"));
}
END_TEST

int
main(void)
{
	TCase *tc = suite_case("meta");

	tcase_add_checked_fixture(tc, open_ctx, close_ctx);
	tcase_add_loop_test(tc, labels_are_sets, 0,
	    (int)(sizeof(rows) / sizeof(rows[0])));
	tcase_add_test(tc, meta_is_given_as_it_is_stored);
	return suite_run();
}
