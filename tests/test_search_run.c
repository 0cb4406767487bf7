/*
 * Searches give what a naive evaluation of the same records gives, page by
 * page, forwards and backwards, in the order asked for.
 */

#include "lib/database.h"
#include "lib/records.h"

#include "base/buf.h"
#include "base/conf.h"
#include "base/when.h"
#include "wire/migrate.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#define PEOPLE	120
#define EVENTS	400

static struct ctx ctx;
static const struct conf conf = { .base_url = "https://here/v3" };

/* Opened in each test below. */
static void	open_ctx(void);

/* --- random records, remembered -------------------------------------------- */

static uint64_t seed = 1;

static int
below(int n)
{
	seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (int)((seed >> 33) % (uint64_t)n);
}

#define PICK(list)	(list[below((int)(sizeof(list) / sizeof(*(list))))])

static const char *const families[] = { "Smith", "smithers", "O\\u2019Hara",
	"M\\u00fcller", "Muller", "Ng", "Smythe", "Z\\u00fcrcher", "Zapf" };
static const char *const folded_families[] = { "smith", "smithers",
	"o\xe2\x80\x99hara", "muller", "muller", "ng", "smythe", "zurcher",
	"zapf" };
static const char *const givens[] = { "Ann", "Anna", "Bo", "Carl" };
static const char *const folded_givens[] = { "ann", "anna", "bo", "carl" };
static const char *const genders[] = { "male", "female", "other" };
static const char *const births[] = { "1970", "1970-05", "1970-05-03",
	"1980-01-01", "1980-01-02", "1999", "2001-12-31", "" };
static const char *const times[] = { "2020", "2020-03", "2020-03-01",
	"2020-03-01T10:00:00Z", "2020-03-01T10:00:01Z", "2020-03-02",
	"2020-03-01T23:30:00-02:00", "2021-01-01T00:00:00.500Z", "",
	"2020-02-20/2020-03-10", "2020-03-01/", "/2020-03-01",
	"2020-03-01T08:00:00Z/2020-03-01T12:00:00Z" };
static const char *const codes[] = { "a", "b", "c|d", "e" };
static const char *const systems[] = { "http://one", "http://two", "" };
static const char *const statuses[] = { "final", "final", "final",
	"preliminary", "amended" };

static struct person {
	char	id[16];
	int	family[2], nfamily, given, gender, birth, identifier;
	int64_t	rid;
} people[PEOPLE];

static struct event {
	char	id[16];
	int	subject, status, time, ncode, code[2], system[2];
	int64_t	rid;
} events[EVENTS];

static void
make_person(int i)
{
	struct person *p = &people[i];
	struct buf b = buf_new(ctx.arena, 512);

	snprintf(p->id, sizeof(p->id), "p%d", i);
	p->nfamily = below(3);
	p->given = below(4);
	p->gender = below(3);
	p->birth = below((int)(sizeof(births) / sizeof(births[0])));
	p->identifier = below(20);
	buf_addf(&b, "{\"resourceType\":\"Patient\",\"id\":\"%s\","
	    "\"identifier\":[{\"system\":\"http://mrn\",\"value\":\"%d\"}],"
	    "\"gender\":\"%s\"", p->id, p->identifier, genders[p->gender]);
	if (births[p->birth][0] != '\0')
		buf_addf(&b, ",\"birthDate\":\"%s\"", births[p->birth]);
	for (int n = 0; n < p->nfamily; n++) {
		p->family[n] = below((int)(sizeof(families) /
		    sizeof(families[0])));
		buf_addf(&b, "%s{\"family\":\"%s\",\"given\":[\"%s\"]}",
		    n == 0 ? ",\"name\":[" : ",", families[p->family[n]],
		    givens[p->given]);
	}
	buf_addz(&b, p->nfamily > 0 ? "]}" : "}");
	p->rid = records_put(&ctx, p->id, arena_z(ctx.arena, buf_str(&b)));
}

static void
add_time(struct buf *b, const char *time)
{
	struct str rest = str_of(time);
	struct str first = str_cut(&rest, '/');

	if (rest.p == NULL) {
		if (first.n > 0)
			buf_addf(b, ",\"effectiveDateTime\":\"%s\"", time);
		return;
	}
	buf_addz(b, ",\"effectivePeriod\":{");
	if (first.n > 0)
		buf_addf(b, "\"start\":\"%.*s\"%s", STR_ARGS(first),
		    rest.n > 0 ? "," : "");
	if (rest.n > 0)
		buf_addf(b, "\"end\":\"%.*s\"", STR_ARGS(rest));
	buf_addc(b, '}');
}

static void
make_event(int i)
{
	struct event *e = &events[i];
	struct buf b = buf_new(ctx.arena, 512);

	snprintf(e->id, sizeof(e->id), "o%d", i);
	e->subject = below(20);
	e->status = below(5);
	e->time = below((int)(sizeof(times) / sizeof(times[0])));
	e->ncode = below(3);
	buf_addf(&b, "{\"resourceType\":\"Observation\",\"id\":\"%s\","
	    "\"status\":\"%s\",\"subject\":{\"reference\":\"Patient/p%d\"},"
	    "\"code\":{\"text\":\"Weight\"", e->id, statuses[e->status],
	    e->subject);
	for (int n = 0; n < e->ncode; n++) {
		e->code[n] = below(4);
		e->system[n] = below(3);
		buf_addz(&b, n == 0 ? ",\"coding\":[{" : ",{");
		if (systems[e->system[n]][0] != '\0')
			buf_addf(&b, "\"system\":\"%s\",",
			    systems[e->system[n]]);
		buf_addf(&b, "\"code\":\"%s\"}", codes[e->code[n]]);
	}
	buf_addz(&b, e->ncode > 0 ? "]}" : "}");
	add_time(&b, times[e->time]);
	buf_addc(&b, '}');
	e->rid = records_put(&ctx, e->id, arena_z(ctx.arena, buf_str(&b)));
}

static void
open_once(void)
{
	int applied;

	database_create();
	open_ctx();
	ck_assert_int_eq(migrate(&ctx, &applied), OK);
	free(database_ask("insert into tenant (name) values ('one'), "
	    "('two')"));
	for (int i = 0; i < PEOPLE; i++)
		make_person(i);
	for (int i = 0; i < EVENTS; i++)
		make_event(i);
	database_ctx_end(&ctx);
}

/* Tests are forked: each has a connection of its own. */
static void
open_ctx(void)
{
	database_ctx(&ctx);
	ctx.conf = &conf;
}

static void
close_ctx(void)
{
	database_ctx_end(&ctx);
}

/* --- naive evaluation -------------------------------------------------------- */

/* The span of a FHIR date or of "start/end". */
static bool
span_of(const char *text, struct when *out)
{
	struct str rest = str_of(text);
	struct str first = str_cut(&rest, '/');
	struct when end;

	if (text[0] == '\0')
		return false;
	if (rest.p == NULL)
		return when_parse(first, WHEN_DATETIME, out);
	out->lo_us = WHEN_MIN;
	out->hi_us = WHEN_MAX;
	if (first.n > 0 && when_parse(first, WHEN_DATETIME, &end))
		out->lo_us = end.lo_us;
	if (rest.n > 0 && when_parse(rest, WHEN_DATETIME, &end))
		out->hi_us = end.hi_us;
	return true;
}

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
	char		text[160];
	bool		(*holds)(const struct asked *, int i);
	const char	*prefix, *value;
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
	return date_matches(c->prefix, c->value, times[events[i].time]);
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

	switch (below(5)) {
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
		break;
	}
	return c;
}

/* --- following pages ---------------------------------------------------------- */

struct found {
	struct str	id[PEOPLE + EVENTS];
	size_t		n;
};

static void
search_ok(const char *type, struct str query, struct search_page *page)
{
	if (records_search(&ctx, type, query, page) != OK)
		ck_abort_msg("%s?%.*s: %s", type, STR_ARGS(query),
		    records_issue(&ctx));
}

/* All pages by their next links, then back by previous links to the first. */
static void
follow(const char *type, struct str query, struct found *out)
{
	struct search_page page;
	struct str at = query, back = STR_NONE;
	size_t end;

	out->n = 0;
	for (;;) {
		search_ok(type, at, &page);
		for (size_t i = 0; i < page.n; i++) {
			ck_assert_uint_lt(out->n, PEOPLE + EVENTS);
			out->id[out->n++] = page.records[i].id;
		}
		back = page.previous;
		end = out->n - page.n;
		if (page.next.n == 0)
			break;
		ck_assert_uint_gt(page.n, 0);
		at = page.next;
	}
	while (back.n > 0 && end > 0) {
		search_ok(type, back, &page);
		ck_assert_uint_gt(page.n, 0);
		for (size_t i = page.n; i > 0; i--) {
			ck_assert_uint_gt(end, 0);
			end--;
			ck_assert_msg(str_eq(out->id[end],
			    page.records[i - 1].id), "%s?%.*s backwards",
			    type, STR_ARGS(query));
		}
		ck_assert(page.next.n > 0);
		back = page.previous;
	}
	ck_assert_msg(end == 0, "%s?%.*s: %zu rows before the first page back",
	    type, STR_ARGS(query), end);
}

static int
number_of(struct str id)
{
	return (int)strtol(arena_z(ctx.arena, str_from(id, 1)), NULL, 10);
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

/* --- order ---------------------------------------------------------------------- */

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

/* --- pages ----------------------------------------------------------------------- */

START_TEST(an_offset_skips_as_many_records)
{
	static const char *const queries[] = { "_sort=birthdate",
		"_sort=-family", "gender=male", "_sort=family,_id" };
	struct found all;
	struct search_page page;
	struct str query;

	for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
		follow("Patient", str_of(queries[i]), &all);
		for (int skip = 0; skip < (int)all.n + 2; skip += 3) {
			query = arena_printf(ctx.arena,
			    "%s&_count=4&_offset=%d", queries[i], skip);
			search_ok("Patient", query, &page);
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

/* --- tenants -------------------------------------------------------------------- */

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
	Suite *s = suite_create("search_run");
	TCase *t = tcase_create("run");
	SRunner *sr;
	int failed;

	(void)argc;
	database_need(argv);
	tcase_add_unchecked_fixture(t, open_once, database_drop);
	tcase_add_checked_fixture(t, open_ctx, close_ctx);
	tcase_set_timeout(t, 120);
	tcase_add_test(t,
	    random_searches_of_patients_find_what_a_naive_evaluation_finds);
	tcase_add_test(t,
	    random_searches_of_observations_find_what_a_naive_evaluation_finds);
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
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
