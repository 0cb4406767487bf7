/* Criteria in the place of an id, and what a write by them comes to. */

#include "lib/database.h"
#include "lib/document.h"
#include "lib/records.h"
#include "lib/suite.h"

#include "base/conf.h"
#include "fhir/condition.h"

#include <check.h>
#include <stdlib.h>

static struct ctx ctx;
static const struct r4_type *patient;

static void
open_ctx(void)
{
	database_ctx(&ctx);
	patient = r4_type_named(STR("Patient"));
}

static void
close_ctx(void)
{
	database_ctx_end(&ctx);
}

static struct condition
read_criteria(const char *text)
{
	struct condition c;

	ck_assert_int_eq(condition_parse(&ctx, patient, str_of(text),
	    STR("here"), &c), OK);
	return c;
}

START_TEST(criteria_have_one_key_in_every_order_and_spelling)
{
	struct condition a = read_criteria("identifier=s|1&active=true");
	struct condition b = read_criteria("?active=true&identifier=s%7C1");
	struct condition c = read_criteria("active=true&identifier=s|2");

	ck_assert_int_eq(a.key, b.key);
	ck_assert_int_ne(a.key, c.key);
	ctx.who.tn = 2;
	ck_assert_int_ne(a.key,
	    read_criteria("identifier=s|1&active=true").key);
}
END_TEST

START_TEST(what_is_no_criterion_is_refused_with_its_place)
{
	static const struct {
		const char	*text;
		const char	*says;
	} rows[] = {
		{ "", "criteria are missing" },
		{ "&", "criteria are missing" },
		{ "?", "criteria are missing" },
		{ "nonsense=1", "nonsense" },
		{ "_sort=_id", "_sort" },
		{ "name=a&_include:iterate=Patient:link", "_include:iterate" },
		{ "_count=1", "_count" },
		{ "name=%ff", "not valid" },
		{ "birthdate=soon", "birthdate" },
		{ "name=", "no value" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct condition c;

		fault_clear(&ctx);
		ck_assert_int_eq(fault_kind(condition_parse(&ctx, patient,
		    str_of(rows[i].text), STR("here"), &c))->status, 400);
		ck_assert_msg(strstr(records_issue(&ctx), rows[i].says) !=
		    NULL, "%s: %s", rows[i].text, records_issue(&ctx));
		ck_assert(str_eqz(ctx.fault.issues->path, "here"));
	}
}
END_TEST

static void
put(const char *id, const char *family)
{
	(void)records_put(&ctx, id, arena_printf(ctx.arena, "{\"resourceType\""
	    ":\"Patient\",\"id\":\"%s\",\"name\":[{\"family\":\"%s\"}]}", id,
	    family).p);
}

static struct conditional
wish(enum change_kind kind, const char *criteria, const char *body)
{
	struct conditional c = { .most = 1, .wish = { .kind = kind,
	    .type = patient }, .condition = read_criteria(criteria) };

	if (body != NULL)
		c.wish.doc = document_parse(ctx.arena, body);
	return c;
}

START_TEST(a_creation_is_made_once)
{
	struct conditional one = wish(CHANGE_CREATE, "family=Once",
	    "{'resourceType':'Patient','name':[{'family':'Once'}]}");
	struct conditional two = one;

	ck_assert_int_eq(conditional_write(&ctx, &one, NULL, NULL), OK);
	ck_assert_uint_eq(one.n, 1);
	ck_assert_int_eq(conditional_write(&ctx, &two, NULL, NULL), OK);
	ck_assert_uint_eq(two.n, 0);
	ck_assert(str_eq(two.there.id, one.changes->after.id));
	ck_assert(str_eq(two.there.body, one.changes->after.body));
}
END_TEST

static bool	meddled;

/* Between search and lock somebody else writes the record, once. */
static enum err
meddle(struct ctx *c, void *arg, struct change **changes, size_t *n)
{
	struct conditional *by = arg;
	enum err err;

	if ((err = condition_find(c, &by->condition, 2)) != OK ||
	    (err = conditional_settle(c, by)) != OK)
		return err;
	*changes = by->changes;
	*n = by->n;
	if (!meddled)
		free(database_ask("update res set ver = ver + 1 where id = "
		    "'raced' returning 1"));
	meddled = true;
	return OK;
}

START_TEST(what_was_found_and_has_changed_is_looked_for_again)
{
	struct conditional c;
	struct store_plan plan = { .decide = meddle, .arg = &c };

	put("raced", "Raced");
	c = wish(CHANGE_DELETE, "family=Raced", NULL);
	free(database_ask("insert into ver select rid, ver + 1, tn, type, "
	    "updated, op, xid, client, replace(body, '\"versionId\":\"1\"', "
	    "'\"versionId\":\"2\"') from ver where rid = (select rid from "
	    "res where id = 'raced') returning 1"));
	meddled = false;
	ck_assert_int_eq(store_write_plan(&ctx, &plan), OK);
	ck_assert(meddled);
	ck_assert_int_eq(c.changes->after.ver, 3);
}
END_TEST

START_TEST(an_update_by_criteria_knows_its_record)
{
	static const char named[] = "{'resourceType':'Patient','id':'known',"
	    "'name':[{'family':'Known'}]}";
	struct conditional c = wish(CHANGE_UPDATE, "family=Known", named);

	c.wish.id = STR("known");
	ck_assert_int_eq(conditional_write(&ctx, &c, NULL, NULL), OK);
	ck_assert(c.changes->created);
	ck_assert(str_eqz(c.changes->after.id, "known"));
	c = wish(CHANGE_UPDATE, "family=Known",
	    "{'resourceType':'Patient','name':[{'family':'Known'}]}");
	ck_assert_int_eq(conditional_write(&ctx, &c, NULL, NULL), OK);
	ck_assert(!c.changes->created);
	ck_assert_int_eq(c.changes->after.ver, 2);
	c = wish(CHANGE_UPDATE, "family=Unknown", named);
	c.wish.id = STR("known");
	ck_assert_int_eq(conditional_write(&ctx, &c, NULL, NULL),
	    ERR_CONFLICT);
	fault_clear(&ctx);
	c = wish(CHANGE_UPDATE, "family=Known", named);
	c.wish.id = STR("other");
	ck_assert_int_eq(conditional_write(&ctx, &c, NULL, NULL),
	    ERR_INVALID_REQUEST);
}
END_TEST

static enum err
delete_by(const char *criteria, size_t *n)
{
	struct conditional c = { .wish = { .kind = CHANGE_DELETE,
	    .type = patient } };
	struct http_params params = records_query(&ctx, str_of(criteria));
	enum err err = conditional_read_delete(&ctx, &params, STR_NONE, &c);

	fault_clear(&ctx);
	if (err == OK)
		err = conditional_write(&ctx, &c, NULL, NULL);
	*n = c.n;
	return err;
}

START_TEST(how_many_are_deleted_is_said_by_request_or_settings)
{
	static const struct conf many = { .delete_many = 1 };
	size_t n;

	for (int i = 0; i < 9; i++)
		put(arena_printf(ctx.arena, "many%d", i).p, "Many");
	ck_assert_int_eq(delete_by("family=Many", &n), ERR_PRECONDITION);
	ck_assert_int_eq(delete_by("family=Many&_count=4", &n), OK);
	ck_assert_uint_eq(n, 4);
	ctx.conf = &many;
	ck_assert_int_eq(delete_by("family=Many&_count=1", &n), OK);
	ck_assert_uint_eq(n, 1);
	ck_assert_int_eq(delete_by("family=Many", &n), OK);
	ck_assert_uint_eq(n, 4);
	ck_assert_int_eq(delete_by("family=Many", &n), OK);
	ck_assert_uint_eq(n, 0);
}
END_TEST

static enum err
refuse(struct ctx *c, void *arg)
{
	(void)arg;
	return fail_at(c, ERR_CONFLICT, STR_NONE, "no");
}

START_TEST(what_is_refused_at_the_end_is_undone)
{
	struct conditional c = wish(CHANGE_CREATE, "family=Undone",
	    "{'resourceType':'Patient','name':[{'family':'Undone'}]}");
	struct search_page page;

	ck_assert_int_eq(conditional_write(&ctx, &c, refuse, NULL),
	    ERR_CONFLICT);
	ck_assert_int_eq(records_search(&ctx, "Patient",
	    STR("family=Undone"), &page), OK);
	ck_assert_uint_eq(page.n, 0);
}
END_TEST

int
main(int argc, char **argv)
{
	TCase *tc = suite_case("condition");
	int status;

	(void)argc;
	database_need(argv);
	database_prepare();
	tcase_add_checked_fixture(tc, open_ctx, close_ctx);
	tcase_add_test(tc, criteria_have_one_key_in_every_order_and_spelling);
	tcase_add_test(tc, what_is_no_criterion_is_refused_with_its_place);
	tcase_add_test(tc, a_creation_is_made_once);
	tcase_add_test(tc, what_was_found_and_has_changed_is_looked_for_again);
	tcase_add_test(tc, an_update_by_criteria_knows_its_record);
	tcase_add_test(tc,
	    how_many_are_deleted_is_said_by_request_or_settings);
	tcase_add_test(tc, what_is_refused_at_the_end_is_undone);
	status = suite_run();
	database_drop();
	return status;
}
