/*
 * The pages of a search: their order, links, cursors and totals, and that they
 * show nothing of another tenant.
 */

#include "lib/database.h"
#include "lib/sample.h"
#include "lib/suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

/* --- order ---------------------------------------------------------------- */

/* The sort value of a person under a key, missing ones after all others. */
static int
order_of_birth(int a, int b, bool descending)
{
	const char *x = births[people[a].birth], *y = births[people[b].birth];
	struct when s, t;

	if (x[0] == '\0' || y[0] == '\0')
		return (x[0] == '\0') - (y[0] == '\0');
	ck_assert(span_of(x, &s) && span_of(y, &t));
	if (s.lo_us == t.lo_us)
		return 0;
	return (s.lo_us < t.lo_us) == descending ? 1 : -1;
}

/* The name that comes first in the order asked for, as it is folded. */
static const char *
first_family(int i, bool descending)
{
	const struct person *p = &people[i];
	const char *best = NULL, *name;

	for (int n = 0; n < p->nfamily; n++) {
		name = folded_families[p->family[n]];
		if (best == NULL || (strcmp(name, best) < 0) != descending)
			best = name;
	}
	return best;
}

static int
order_of_family(int a, int b, bool descending)
{
	const char *x = first_family(a, descending);
	const char *y = first_family(b, descending);

	if (x == NULL || y == NULL)
		return (x == NULL) - (y == NULL);
	return descending ? strcmp(y, x) : strcmp(x, y);
}

static int
order_of_write(int a, int b, bool descending)
{
	return (a < b) == descending ? 1 : -1;
}

static void
check_order(const char *query, int (*order)(int, int, bool),
    bool descending, int (*then)(int, int, bool), bool then_descending)
{
	struct found found;
	int c;

	follow("Patient", str_of(query), &found);
	ck_assert_uint_gt(found.n, 2);
	for (size_t i = 1; i < found.n; i++) {
		int a = number_of(found.id[i - 1]), b = number_of(found.id[i]);

		c = order(a, b, descending);
		if (c == 0 && then != NULL)
			c = then(a, b, then_descending);
		ck_assert_msg(c <= 0, "%s: p%d before p%d", query, a, b);
	}
}

START_TEST(sorted_records_come_in_order_and_those_without_the_value_last)
{
	static const char *const narrowings[] = { "", "&gender=male,other" };
	char query[160];

	for (size_t i = 0; i < 2; i++)
		for (int down = 0; down < 2; down++) {
			snprintf(query, sizeof(query),
			    "_count=7&_sort=%sbirthdate%s", down ? "-" : "",
			    narrowings[i]);
			check_order(query, order_of_birth, down, NULL, false);
			snprintf(query, sizeof(query),
			    "_count=7&_sort=%sfamily%s", down ? "-" : "",
			    narrowings[i]);
			check_order(query, order_of_family, down, NULL,
			    false);
			snprintf(query, sizeof(query),
			    "_count=7&_sort=%s_lastUpdated%s",
			    down ? "-" : "", narrowings[i]);
			check_order(query, order_of_write, down, NULL, false);
			snprintf(query, sizeof(query),
			    "_count=7&_sort=%sfamily,-birthdate%s",
			    down ? "-" : "", narrowings[i]);
			check_order(query, order_of_family, down,
			    order_of_birth, true);
		}
}
END_TEST

START_TEST(observations_of_a_patient_come_newest_first)
{
	struct found found;
	struct when before, after;

	follow("Observation", STR("patient=p1,p2,p3&_count=5"), &found);
	ck_assert_uint_gt(found.n, 5);
	for (size_t i = 1; i < found.n; i++) {
		const char *x = times[events[number_of(found.id[i - 1])].time];
		const char *y = times[events[number_of(found.id[i])].time];

		if (!span_of(x, &before))
			before.lo_us = WHEN_MIN;
		if (!span_of(y, &after))
			after.lo_us = WHEN_MIN;
		ck_assert(before.lo_us >= after.lo_us);
	}
}
END_TEST

/* --- pages ---------------------------------------------------------------- */

START_TEST(an_offset_skips_as_many_records)
{
	/* Some observations have one code under two systems: they are in the
	 * list of that code twice. */
	static const struct { const char *type, *query; } of[] = {
		{ "Patient", "_sort=birthdate" },
		{ "Patient", "_sort=-family" },
		{ "Patient", "gender=male" },
		{ "Patient", "_sort=family,_id" },
		{ "Observation", "code=a" },
		{ "Observation", "code=b&date=ge1990-01-01&_sort=-date" },
	};
	struct found all;
	struct search_page page;
	struct str query;

	for (size_t i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		follow(of[i].type, str_of(of[i].query), &all);
		ck_assert_uint_gt(all.n, 8);
		for (int skip = 0; skip < (int)all.n + 2; skip += 3) {
			query = arena_printf(ctx.arena,
			    "%s&_count=4&_offset=%d", of[i].query, skip);
			search_ok(of[i].type, query, &page);
			for (size_t n = 0; n < page.n; n++)
				ck_assert(str_eq(page.records[n].id,
				    all.id[(size_t)skip + n]));
			ck_assert_uint_eq(page.n,
			    (size_t)skip >= all.n ? 0 :
			    all.n - (size_t)skip < 4 ?
			    all.n - (size_t)skip : 4);
		}
	}
}
END_TEST

START_TEST(count_zero_gives_the_total_alone)
{
	struct found all;
	struct search_page page;

	follow("Patient", STR("gender=male&birthdate=ge1980"), &all);
	search_ok("Patient", STR("gender=male&birthdate=ge1980&_count=0"),
	    &page);
	ck_assert_int_eq(page.total, (int64_t)all.n);
	ck_assert_uint_eq(page.n, 0);
	ck_assert_uint_eq(page.next.n, 0);
	search_ok("Patient", STR("_count=0"), &page);
	ck_assert_int_eq(page.total, PEOPLE);
	search_ok("Patient", STR("gender=male"), &page);
	ck_assert_int_eq(page.total, -1);
}
END_TEST

START_TEST(pages_stay_right_while_others_write)
{
	struct search_page page;
	struct str last, next;

	search_ok("Patient", STR("_sort=_id&_count=3"), &page);
	last = page.records[2].id;
	next = page.next;
	/* The record at the border goes, and one comes on the page before. */
	records_delete(&ctx, "Patient", arena_z(ctx.arena, last));
	records_put(&ctx, "p",
	    "{\"resourceType\":\"Patient\",\"id\":\"p\"}");
	search_ok("Patient", next, &page);
	ck_assert(str_eqz(page.records[0].id, "p100"));
	search_ok("Patient", page.previous, &page);
	ck_assert_uint_eq(page.n, 3);
	ck_assert(str_eqz(page.records[0].id, "p"));
	ck_assert(str_eqz(page.records[2].id, "p1"));
}
END_TEST

START_TEST(a_cursor_is_good_for_its_own_query_and_tenant)
{
	struct search_page page;
	struct str cursor, wrong;
	char *altered;

	search_ok("Patient", STR("gender=male&_count=2"), &page);
	cursor = str_from(page.next, (size_t)(strstr(page.next.p, "_cursor=") -
	    page.next.p));
	search_ok("Patient", page.next, &page);
	wrong = arena_printf(ctx.arena, "gender=female&_count=2&%.*s",
	    STR_ARGS(cursor));
	ck_assert_int_eq(records_search(&ctx, "Patient", wrong, &page),
	    ERR_INVALID_PARAMETER);
	ck_assert_ptr_nonnull(strstr(records_issue(&ctx), "_cursor"));
	altered = arena_alloc(ctx.arena, cursor.n);
	for (size_t i = 8; i < cursor.n; i++) {
		memcpy(altered, cursor.p, cursor.n);
		altered[i] = altered[i] == 'A' ? 'B' : 'A';
		wrong = arena_printf(ctx.arena, "gender=male&%.*s",
		    (int)cursor.n, altered);
		ck_assert_int_eq(records_search(&ctx, "Patient", wrong,
		    &page), ERR_INVALID_PARAMETER);
	}
	ctx.who.tn = 2;
	wrong = arena_printf(ctx.arena, "gender=male&%.*s", STR_ARGS(cursor));
	ck_assert_int_eq(records_search(&ctx, "Patient", wrong, &page),
	    ERR_INVALID_PARAMETER);
}
END_TEST

/* --- tenants -------------------------------------------------------------- */

START_TEST(another_tenants_records_are_not_found)
{
	static const char *const queries[] = { "", "gender=male",
		"_id=p1,p2,p3", "family=s", "birthdate=ge1900",
		"_lastUpdated=gt2000", "_sort=family", "_sort=_id",
		"_sort=-_lastUpdated", "_sort=birthdate,family",
		"gender:not=x", "birthdate:missing=true", "_count=0" };
	struct search_page page;

	ctx.who.tn = 2;
	for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
		search_ok("Patient", str_of(queries[i]), &page);
		ck_assert_msg(page.n == 0 && page.total <= 0, "%s",
		    queries[i]);
	}
}
END_TEST

/*
 * A posting under our k that names another tenant's record, as a collision of
 * hashes would: it is met on the walk and shows nothing.
 */
START_TEST(a_collision_with_another_tenants_record_shows_nothing)
{
	static const char collide[] =
	    "insert into post (k, at, rid, aux) select p.k, '-infinity',"
	    " (select rid from res where tn = 2 limit 1), p.aux from post p"
	    " where p.rid = (select rid from res where tn = 1 and id = 'p1')"
	    " on conflict do nothing";
	static const char *const queries[] = { "gender=male,female,other",
		"gender=male,female,other&_sort=family",
		"gender=male,female,other&_sort=family,_id",
		"gender:not=none&_id=p1,foreign" };
	struct search_page page;
	struct found found;

	ctx.who.tn = 2;
	records_put(&ctx, "foreign",
	    "{\"resourceType\":\"Patient\",\"id\":\"foreign\"}");
	ctx.who.tn = 1;
	free(database_ask(collide));
	for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
		follow("Patient", str_of(queries[i]), &found);
		ck_assert_uint_gt(found.n, 0);
		for (size_t n = 0; n < found.n; n++)
			ck_assert(!str_eqz(found.id[n], "foreign"));
	}
	search_ok("Patient", STR("gender=male,female,other&_count=0"), &page);
	follow("Patient", STR("gender=male,female,other"), &found);
	ck_assert_int_eq(page.total, (int64_t)found.n);
}
END_TEST

START_TEST(text_type_and_system_modifiers_find_their_tokens)
{
	struct found found;

	follow("Observation", STR("code:text=weigh"), &found);
	ck_assert_uint_eq(found.n, EVENTS);
	follow("Observation", STR("code:text=100%25"), &found);
	ck_assert_uint_eq(found.n, 0);
	follow("Patient", STR("identifier=http://mrn%7C"), &found);
	ck_assert_uint_gt(found.n, PEOPLE - 2);
	follow("Observation", STR("status=http://hl7.org/fhir/"
	    "observation-status%7Cfinal&_count=200"), &found);
	ck_assert_uint_gt(found.n, EVENTS / 3);
	records_put(&ctx, "typed", "{\"resourceType\":\"Patient\","
	    "\"id\":\"typed\","
	    "\"identifier\":[{\"type\":{\"coding\":[{\"system\":\"http://t\","
	    "\"code\":\"MR\"}]},\"value\":\"7a\"}],\"generalPractitioner\":[{"
	    "\"identifier\":{\"system\":\"http://npi\",\"value\":\"9\"}}]}");
	follow("Patient", STR("identifier:of-type=http://t%7CMR%7C7a"),
	    &found);
	ck_assert_uint_eq(found.n, 1);
	follow("Patient", STR("general-practitioner:identifier="
	    "http://npi%7C9"), &found);
	ck_assert_uint_eq(found.n, 1);
}
END_TEST

int
main(int argc, char **argv)
{
	TCase *t = suite_case("search_page");

	(void)argc;
	database_need(argv);
	tcase_add_unchecked_fixture(t, sample_create, database_drop);
	tcase_add_checked_fixture(t, sample_open, sample_close);
	tcase_set_timeout(t, 120);
	tcase_add_test(t,
	    sorted_records_come_in_order_and_those_without_the_value_last);
	tcase_add_test(t, observations_of_a_patient_come_newest_first);
	tcase_add_test(t, an_offset_skips_as_many_records);
	tcase_add_test(t, count_zero_gives_the_total_alone);
	tcase_add_test(t, a_cursor_is_good_for_its_own_query_and_tenant);
	tcase_add_test(t, another_tenants_records_are_not_found);
	tcase_add_test(t,
	    a_collision_with_another_tenants_record_shows_nothing);
	tcase_add_test(t, text_type_and_system_modifiers_find_their_tokens);
	tcase_add_test(t, pages_stay_right_while_others_write);
	return suite_run();
}
