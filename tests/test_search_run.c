/*
 * Searches give what a naive evaluation of the same records gives, page by
 * page, forwards and backwards.
 */

#include "lib/database.h"
#include "lib/sample.h"
#include "lib/suite.h"

#include "base/buf.h"
#include "fhir/search_gather.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

/* --- naive evaluation ----------------------------------------------------- */

/* R4 search.html#prefix, word by word. */
static bool
date_matches(const char *prefix, const char *asked, const char *had)
{
	struct when s, t;
	bool contained, above, below_it;

	if (!span_of(had, &t))
		return false;
	ck_assert(when_parse(str_of(asked), WHEN_SEARCH, &s));
	contained = s.lo_us <= t.lo_us && t.hi_us <= s.hi_us;
	above = t.hi_us > s.hi_us;
	below_it = t.lo_us < s.lo_us;
	if (prefix[0] == '\0' || strcmp(prefix, "eq") == 0)
		return contained;
	if (strcmp(prefix, "ne") == 0)
		return !contained;
	if (strcmp(prefix, "gt") == 0)
		return above;
	if (strcmp(prefix, "lt") == 0)
		return below_it;
	if (strcmp(prefix, "ge") == 0)
		return above || contained;
	if (strcmp(prefix, "le") == 0)
		return below_it || contained;
	if (strcmp(prefix, "sa") == 0)
		return t.lo_us >= s.hi_us;
	if (strcmp(prefix, "eb") == 0)
		return t.hi_us <= s.lo_us;
	int64_t gap = llabs(ctx.now_us - s.lo_us) / 10;
	return t.lo_us < s.hi_us + gap && t.hi_us > s.lo_us - gap;
}

/* One condition: its text and what it needs to be judged by hand. */
struct asked {
	char		text[320];
	const struct asked *inner;	/* of the other type */
	bool		(*holds)(const struct asked *, int i);
	const char	*prefix, *value;
	const char	*prefix2, *value2;	/* an alternative, or NULL */
	int		a, b;
};

static bool
person_gender(const struct asked *c, int i)
{
	return people[i].gender == c->a || people[i].gender == c->b;
}

static bool
person_not_gender(const struct asked *c, int i)
{
	return people[i].gender != c->a;
}

static bool
person_identifier(const struct asked *c, int i)
{
	return people[i].identifier == c->a;
}

static bool
person_birth(const struct asked *c, int i)
{
	return date_matches(c->prefix, c->value, births[people[i].birth]);
}

static bool
person_birth_missing(const struct asked *c, int i)
{
	return (births[people[i].birth][0] == '\0') == c->a;
}

static bool
person_name(const struct asked *c, int i)
{
	const struct person *p = &people[i];

	for (int n = 0; n < p->nfamily; n++)
		if (str_starts(str_of(folded_families[p->family[n]]),
		    str_of(c->value)) || (c->a &&
		    str_starts(str_of(folded_givens[p->given]),
		    str_of(c->value))))
			return true;
	return false;
}

static bool
person_contains(const struct asked *c, int i)
{
	const struct person *p = &people[i];

	for (int n = 0; n < p->nfamily; n++)
		if (strstr(folded_families[p->family[n]], c->value) != NULL)
			return true;
	return false;
}

static bool
person_exact(const struct asked *c, int i)
{
	const struct person *p = &people[i];

	for (int n = 0; n < p->nfamily; n++)
		if (p->family[n] == c->a)
			return true;
	return false;
}

static bool
person_id(const struct asked *c, int i)
{
	return i == c->a || i == c->b;
}

static struct asked
ask_person(void)
{
	static const char *const prefixes[] = { "", "eq", "ne", "gt", "ge",
		"lt", "le", "sa", "eb", "ap" };
	static const char *const dates[] = { "1970", "1970-05", "1970-05-03",
		"1980-01-01", "1975", "2001-12-31T10:00:00Z", "2050" };
	static const char *const starts[] = { "sm", "smith", "mul", "z", "x",
		"ng", "a", "" };
	struct asked c = { .a = 0 };

	switch (below(8)) {
	case 0:
		c.holds = person_gender;
		c.a = below(3);
		c.b = below(3);
		snprintf(c.text, sizeof(c.text), "gender=%s,%s", genders[c.a],
		    genders[c.b]);
		break;
	case 1:
		c.holds = person_not_gender;
		c.a = below(3);
		snprintf(c.text, sizeof(c.text), "gender:not=%s",
		    genders[c.a]);
		break;
	case 2:
		c.holds = person_identifier;
		c.a = below(20);
		snprintf(c.text, sizeof(c.text), "identifier=%s%d",
		    below(2) ? "http://mrn%7C" : "", c.a);
		break;
	case 3:
		c.holds = person_birth_missing;
		c.a = below(2);
		snprintf(c.text, sizeof(c.text), "birthdate:missing=%s",
		    c.a ? "true" : "false");
		break;
	case 4:
		c.holds = person_name;
		c.a = below(2);
		c.value = starts[below(7)];
		snprintf(c.text, sizeof(c.text), "%s=%s",
		    c.a ? "name" : "family", c.value);
		break;
	case 5:
		c.holds = person_contains;
		c.value = PICK(((const char *const[]){ "m", "ith", "r", "q" }));
		snprintf(c.text, sizeof(c.text), "family:contains=%s",
		    c.value);
		break;
	case 6:
		c.holds = below(4) ? person_id : person_exact;
		c.a = below(c.holds == person_id ? PEOPLE : 1);
		c.b = below(PEOPLE);
		if (c.holds == person_id)
			snprintf(c.text, sizeof(c.text), "_id=p%d,p%d", c.a,
			    c.b);
		else
			snprintf(c.text, sizeof(c.text), "family:exact=Smith");
		break;
	default:
		c.holds = person_birth;
		c.prefix = PICK(prefixes);
		c.value = PICK(dates);
		snprintf(c.text, sizeof(c.text), "birthdate=%s%s", c.prefix,
		    c.value);
		break;
	}
	return c;
}

static bool
event_subject(const struct asked *c, int i)
{
	return events[i].subject == c->a || events[i].subject == c->b;
}

static bool
event_status(const struct asked *c, int i)
{
	return strcmp(statuses[events[i].status], c->value) == 0;
}

/* a = code or -1 for any, b = system or -1 for any. */
static bool
event_code(const struct asked *c, int i)
{
	const struct event *e = &events[i];

	for (int n = 0; n < e->ncode; n++)
		if ((c->a < 0 || e->code[n] == c->a) &&
		    (c->b < 0 || e->system[n] == c->b))
			return true;
	return false;
}

static bool
event_time(const struct asked *c, int i)
{
	const char *time = times[events[i].time];

	return date_matches(c->prefix, c->value, time) || (c->value2 != NULL &&
	    date_matches(c->prefix2, c->value2, time));
}

static struct asked
ask_event(void)
{
	static const char *const prefixes[] = { "", "eq", "ne", "gt", "ge",
		"lt", "le", "sa", "eb", "ap" };
	static const char *const dates[] = { "2020", "2020-03", "2020-03-01",
		"2020-03-01T10:00:00Z", "2020-03-01T10:00Z", "2020-03-02",
		"2021", "2019", "2020-03-05" };
	static const char *const escaped[] = { "a", "b", "c%5C%7Cd", "e" };
	/* What stands before each of the two ids. */
	static const char *const forms[][2] = {
		{ "subject=Patient", "Patient/" }, { "patient=Patient", "" },
		{ "subject:Patient=Patient", "" },
		{ "patient=https://here/v3/fhir/Patient", "Patient/" } };
	const char *const *form;
	struct asked c = { .a = 0 };

	switch (below(6)) {
	case 0:
	case 1:
		c.holds = event_subject;
		c.a = below(22);
		c.b = below(22);
		form = PICK(forms);
		snprintf(c.text, sizeof(c.text), "%s/p%d,%sp%d", form[0], c.a,
		    form[1], c.b);
		break;
	case 2:
		c.holds = event_status;
		c.value = PICK(statuses);
		snprintf(c.text, sizeof(c.text), "status=%s", c.value);
		break;
	case 3:
		c.holds = event_code;
		c.a = below(5) - 1;
		c.b = below(4) - 1;
		if (c.a < 0 && (c.b < 0 || c.b == 2))
			c.b = 0;
		snprintf(c.text, sizeof(c.text), "code=%s%s%s",
		    c.b < 0 ? "" : systems[c.b], c.b < 0 ? "" : "%7C",
		    c.a < 0 ? "" : escaped[c.a]);
		break;
	default:
		c.holds = event_time;
		c.prefix = PICK(prefixes);
		c.value = PICK(dates);
		snprintf(c.text, sizeof(c.text), "date=%s%s", c.prefix,
		    c.value);
		if (below(2))
			break;
		c.prefix2 = PICK(prefixes);
		c.value2 = PICK(dates);
		snprintf(c.text, sizeof(c.text), "date=%s%s,%s%s", c.prefix,
		    c.value, c.prefix2, c.value2);
		break;
	}
	return c;
}

/* --- through the reference of an event to a person ------------------------ */

static bool
event_of_person(const struct asked *c, int i)
{
	return c->inner->holds(c->inner, events[i].subject);
}

static bool
person_with_event(const struct asked *c, int i)
{
	for (int e = 0; e < EVENTS; e++)
		if (events[e].subject == i && c->inner->holds(c->inner, e))
			return true;
	return false;
}

/* A condition of one type becomes one of the other, n times. */
static struct asked
link_asked(struct asked inner, bool of_person, int n)
{
	static const char *const chains[] = { "subject:Patient.", "patient.",
		"patient:Patient." };
	static const char *const reverses[] = { "_has:Observation:subject:",
		"_has:Observation:patient:" };
	struct asked *kept = arena_alloc(ctx.arena, sizeof(*kept));
	struct asked c = { .inner = kept };

	if (n == 0)
		return inner;
	*kept = inner;
	c.holds = of_person ? event_of_person : person_with_event;
	ck_assert_int_lt(snprintf(c.text, sizeof(c.text), "%s%s",
	    of_person ? PICK(chains) : PICK(reverses), kept->text),
	    (int)sizeof(c.text));
	return link_asked(c, !of_person, n - 1);
}

static struct asked
ask_event_by_links(void)
{
	int n = below(4);

	return n % 2 == 1 ? link_asked(ask_person(), true, n) :
	    link_asked(ask_event(), false, n);
}

static struct asked
ask_person_by_links(void)
{
	int n = below(4);

	return n % 2 == 1 ? link_asked(ask_event(), false, n) :
	    link_asked(ask_person(), true, n);
}

static void
compare(const char *type, struct str query, const struct found *found,
    const struct asked *asked, int nasked, int total)
{
	static bool seen[PEOPLE + EVENTS];
	size_t expected = 0;

	memset(seen, 0, sizeof(seen));
	for (size_t i = 0; i < found->n; i++) {
		int n = number_of(found->id[i]);

		ck_assert_msg(!seen[n], "%s?%.*s gives %.*s twice", type,
		    STR_ARGS(query), STR_ARGS(found->id[i]));
		seen[n] = true;
	}
	for (int i = 0; i < total; i++) {
		bool holds = true;

		for (int c = 0; c < nasked; c++)
			holds = holds && asked[c].holds(&asked[c], i);
		expected += holds;
		ck_assert_msg(holds == seen[i], "%s?%.*s %s %d", type,
		    STR_ARGS(query), holds ? "lacks" : "has", i);
	}
	ck_assert_uint_eq(expected, found->n);
}

/* Searches that are true of too many, which a test may allow. */
static int refused = -1;

static bool
is_refused(const char *type, struct str query)
{
	struct search_page page;

	if (refused < 0 ||
	    records_search(&ctx, type, query, &page) != ERR_NOT_SUPPORTED)
		return false;
	ck_assert_msg(strstr(records_issue(&ctx), "too many") != NULL, "%s",
	    records_issue(&ctx));
	fault_clear(&ctx);
	refused++;
	return true;
}

static void
random_searches(const char *type, struct asked (*ask)(void),
    const char *const *sorts, int nsorts, int total, int rounds)
{
	struct asked asked[3];
	struct found found;
	struct buf b;
	int n;

	for (int round = 0; round < rounds; round++) {
		b = buf_new(ctx.arena, 512);
		n = below(4);
		buf_addf(&b, "_count=%d", 3 + below(60));
		for (int i = 0; i < n; i++) {
			asked[i] = ask();
			buf_addf(&b, "&%s", asked[i].text);
		}
		buf_addz(&b, sorts[below(nsorts)]);
		if (is_refused(type, buf_str(&b)))
			continue;
		follow(type, buf_str(&b), &found);
		compare(type, buf_str(&b), &found, asked, n, total);
	}
}

START_TEST(random_searches_of_patients_find_what_a_naive_evaluation_finds)
{
	static const char *const sorts[] = { "", "", "", "&_sort=birthdate",
		"&_sort=-birthdate", "&_sort=family", "&_sort=-family",
		"&_sort=_id", "&_sort=-_lastUpdated",
		"&_sort=family,-birthdate", "&_sort=gender,_id" };

	random_searches("Patient", ask_person, sorts, 10, PEOPLE, 120);
}
END_TEST

START_TEST(random_searches_of_observations_find_what_a_naive_evaluation_finds)
{
	static const char *const sorts[] = { "", "", "", "&_sort=date",
		"&_sort=-date", "&_sort=-_id", "&_sort=_lastUpdated",
		"&_sort=date,-_id" };

	random_searches("Observation", ask_event, sorts, 8, EVENTS, 120);
}
END_TEST

/* Each pair of prefixes, as alternatives and together, along postings and
 * along the type. */
START_TEST(two_dates_find_what_a_naive_evaluation_finds)
{
	static const char *const prefixes[] = { "eq", "ne", "gt", "ge", "lt",
		"le", "sa", "eb", "ap" };
	static const char *const dates[] = { "2020", "2020-03", "2020-02",
		"2020-03-01", "2020-03-01T10:00Z", "2019-12" };
	struct asked c[2];
	struct found found;
	struct str query;

	for (int i = 0; i < 81 * 2; i++) {
		for (int n = 0; n < 2; n++)
			c[n] = (struct asked){ .holds = event_time,
				.prefix = prefixes[n == 0 ? i / 9 % 9 : i % 9],
				.value = PICK(dates) };
		query = arena_printf(ctx.arena,
		    "_count=500&date=%s%s&date=%s%s%s", c[0].prefix, c[0].value,
		    c[1].prefix, c[1].value,
		    i % 2 == 0 ? "" : "&status=final,preliminary,amended");
		follow("Observation", query, &found);
		compare("Observation", query, &found, c, 2, EVENTS);
		c[0].prefix2 = c[1].prefix;
		c[0].value2 = c[1].value;
		query = arena_printf(ctx.arena,
		    "_count=500&date=%s%s,%s%s%s", c[0].prefix, c[0].value,
		    c[1].prefix, c[1].value,
		    i % 2 == 0 ? "" : "&status=final,preliminary,amended");
		follow("Observation", query, &found);
		compare("Observation", query, &found, c, 1, EVENTS);
	}
}
END_TEST

START_TEST(chains_and_has_find_what_a_naive_evaluation_finds)
{
	static const char *const sorts[] = { "", "", "&_sort=_id",
		"&_sort=-_lastUpdated", "&_sort=-_id,_lastUpdated" };

	random_searches("Observation", ask_event_by_links, sorts, 5, EVENTS,
	    80);
	random_searches("Patient", ask_person_by_links, sorts, 5, PEOPLE, 80);
}
END_TEST

START_TEST(links_to_many_find_the_same_by_way_of_the_outer_search)
{
	static const char *const sorts[] = { "", "&_sort=_id" };
	const int rounds = 150;

	search_link_max = 15;
	refused = 0;
	random_searches("Observation", ask_event_by_links, sorts, 2, EVENTS,
	    rounds);
	random_searches("Patient", ask_person_by_links, sorts, 2, PEOPLE,
	    rounds);
	ck_assert_int_gt(refused, 0);
	ck_assert_int_lt(refused, rounds);
}
END_TEST

/* clang-format off */
static const struct dense {
	const char	*type, *query;
	size_t		 max;
	bool		 answered;
} denses[] = {
{ "Observation", "subject:Patient.gender=male,female,other",		  10,  false },
{ "Observation", "subject:Patient.gender=male,female,other&_id=o1,o2",	  10,  true },
{ "Observation", "subject:Patient.gender=male,female,other&_id=o1,o2",	  1,   false },
{ "Observation", "subject:Patient.gender=male,female,other",		  20,  true },
{ "Patient",	 "_has:Observation:patient:status=final",		  10,  false },
{ "Patient",	 "_has:Observation:patient:status=final&_id=p1,p2",	  10,  true },
{ "Patient",	 "_has:Observation:patient:status=final",		  120, true },
};
/* clang-format on */

START_TEST(what_too_many_match_is_refused_by_name)
{
	const struct dense *d = &denses[_i];
	struct search_page page;
	struct found all, found;
	struct str name = str_of(d->query);

	follow(d->type, str_of(d->query), &all);
	search_link_max = d->max;
	if (d->answered) {
		follow(d->type, str_of(d->query), &found);
		ck_assert_uint_eq(found.n, all.n);
		return;
	}
	ck_assert_int_eq(records_search(&ctx, d->type, str_of(d->query),
	    &page), ERR_NOT_SUPPORTED);
	ck_assert_ptr_nonnull(strstr(records_issue(&ctx), arena_z(ctx.arena,
	    str_cut(&name, '='))));
	ck_assert_str_eq(ctx.fault.issues->type, "too-costly");
}
END_TEST

START_TEST(a_chain_of_nobody_finds_nothing)
{
	static const char *const queries[] = { "subject:Patient._id=nobody",
		"status=final&subject:Patient._id=nobody",
		"subject:Patient._id=nobody&_sort=date",
		"subject:Patient._id=nobody&_sort=_id,date" };
	struct search_page page;

	search_ok("Observation", str_of(queries[_i]), &page);
	ck_assert_uint_eq(page.n, 0);
	search_ok("Observation", arena_printf(ctx.arena, "%s&_total=accurate",
	    queries[_i]), &page);
	ck_assert_int_eq(page.total, 0);
}
END_TEST

START_TEST(another_tenant_is_at_no_end_of_a_link)
{
	struct search_page page;

	ctx.who.tn = 2;
	search_ok("Observation", STR("subject:Patient.gender=male,female"),
	    &page);
	ck_assert_uint_eq(page.n, 0);
	search_ok("Patient", STR("_has:Observation:subject:status=final"),
	    &page);
	ck_assert_uint_eq(page.n, 0);
}
END_TEST

START_TEST(a_total_counts_linked_records_once)
{
	static const struct { const char *type, *query; } same[] = {
		{ "Observation", "subject:Patient.gender=male,female" },
		{ "Patient", "_has:Observation:subject:status=final" },
	};
	struct search_page page;
	struct found found;

	follow(same[_i].type, str_of(same[_i].query), &found);
	search_ok(same[_i].type, arena_printf(ctx.arena, "%s&_summary=count",
	    same[_i].query), &page);
	ck_assert_int_eq(page.total, (int64_t)found.n);
}
END_TEST

int
main(int argc, char **argv)
{
	TCase *t = suite_case("search_run");

	(void)argc;
	database_need(argv);
	tcase_add_unchecked_fixture(t, sample_create, database_drop);
	tcase_add_checked_fixture(t, sample_open, sample_close);
	tcase_set_timeout(t, 120);
	tcase_add_test(t,
	    random_searches_of_patients_find_what_a_naive_evaluation_finds);
	tcase_add_test(t,
	    random_searches_of_observations_find_what_a_naive_evaluation_finds);
	tcase_add_test(t, two_dates_find_what_a_naive_evaluation_finds);
	tcase_add_test(t, chains_and_has_find_what_a_naive_evaluation_finds);
	tcase_add_test(t,
	    links_to_many_find_the_same_by_way_of_the_outer_search);
	tcase_add_loop_test(t, what_too_many_match_is_refused_by_name, 0,
	    (int)(sizeof(denses) / sizeof(denses[0])));
	tcase_add_loop_test(t, a_chain_of_nobody_finds_nothing, 0, 4);
	tcase_add_test(t, another_tenant_is_at_no_end_of_a_link);
	tcase_add_loop_test(t, a_total_counts_linked_records_once, 0, 2);
	return suite_run();
}
