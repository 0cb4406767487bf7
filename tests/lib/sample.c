/* Random records of patients and observations. */

#include "sample.h"

#include "base/buf.h"
#include "base/conf.h"
#include "database.h"
#include "wire/migrate.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

struct ctx ctx;
static const struct conf conf = { .base_url = "https://here/v3" };

const char *const families[9] = { "Smith", "smithers", "O\\u2019Hara",
	"M\\u00fcller", "Muller", "Ng", "Smythe", "Z\\u00fcrcher", "Zapf" };
const char *const folded_families[9] = { "smith", "smithers",
	"o\xe2\x80\x99hara", "muller", "muller", "ng", "smythe", "zurcher",
	"zapf" };
const char *const givens[4] = { "Ann", "Anna", "Bo", "Carl" };
const char *const folded_givens[4] = { "ann", "anna", "bo", "carl" };
const char *const genders[3] = { "male", "female", "other" };
const char *const births[8] = { "1970", "1970-05", "1970-05-03",
	"1980-01-01", "1980-01-02", "1999", "2001-12-31", "" };
const char *const times[13] = { "2020", "2020-03", "2020-03-01",
	"2020-03-01T10:00:00Z", "2020-03-01T10:00:01Z", "2020-03-02",
	"2020-03-01T23:30:00-02:00", "2021-01-01T00:00:00.500Z", "",
	"2020-02-20/2020-03-10", "2020-03-01/", "/2020-03-01",
	"2020-03-01T08:00:00Z/2020-03-01T12:00:00Z" };
const char *const codes[4] = { "a", "b", "c|d", "e" };
const char *const systems[3] = { "http://one", "http://two", "" };
const char *const statuses[5] = { "final", "final", "final",
	"preliminary", "amended" };

struct person people[PEOPLE];
struct event events[EVENTS];

static uint64_t seed = 1;

int
below(int n)
{
	seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (int)((seed >> 33) % (uint64_t)n);
}

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

void
sample_open(void)
{
	database_ctx(&ctx);
	ctx.conf = &conf;
	ctx.who.scope = STR("system:read");
}

void
sample_close(void)
{
	database_ctx_end(&ctx);
}

void
sample_create(void)
{
	int applied;

	database_create();
	sample_open();
	ck_assert_int_eq(migrate(&ctx, &applied), OK);
	free(database_ask("insert into tenant (name) values ('one'), "
	    "('two')"));
	for (int i = 0; i < PEOPLE; i++)
		make_person(i);
	for (int i = 0; i < EVENTS; i++)
		make_event(i);
	sample_close();
}

bool
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

int
number_of(struct str id)
{
	return (int)strtol(arena_z(ctx.arena, str_from(id, 1)), NULL, 10);
}

void
search_ok(const char *type, struct str query, struct search_page *page)
{
	if (records_search(&ctx, type, query, page) != OK)
		ck_abort_msg("%s?%.*s: %s", type, STR_ARGS(query),
		    records_issue(&ctx));
}

void
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
