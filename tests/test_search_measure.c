/*
 * Searches by what is measured: numbers, quantities and composites find what a
 * naive evaluation in whole numbers finds, page by page.
 */

#include "lib/database.h"
#include "lib/sample.h"
#include "lib/suite.h"

#include "base/buf.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#define MEASURED	250
#define PARTS_MAX	3
#define UCUM		"http://unitsofmeasure.org"

/* A hundred thousandth: what records and searches are compared in here. */
#define ONE		100000
#define INFINITE	(INT64_C(1) << 60)

static const char *const comparators[] = { "", "", "", "", "", "<", "<=", ">",
	">=" };
/* Units as JSON and how they are asked for. */
static const struct unit {
	const char	*json, *code, *word;
} units[] = {
	{ "\"system\":\"" UCUM "\",\"code\":\"mg\",\"unit\":\"mg\"", "mg",
	    "mg" },
	{ "\"system\":\"" UCUM "\",\"code\":\"g\",\"unit\":\"gram\"", "g",
	    "gram" },
	{ "\"unit\":\"mg\"", "", "mg" },
	{ NULL, "", "" },
};

/* One value: of the record itself (part 0) or of a component. */
struct part {
	bool		there;
	int		code, unit;
	int64_t		lo, hi;
};

static struct part parts[MEASURED][1 + PARTS_MAX];

/* A decimal of 0 to 2 places; in ONEs, and half of its last place. */
static int64_t
decimal(char *text, size_t size, int64_t *half)
{
	int hundredths = below(601) - 300, places = below(3);

	if (places == 0)
		hundredths -= hundredths % 100;
	else if (places == 1)
		hundredths -= hundredths % 10;
	*half = places == 0 ? ONE / 2 : places == 1 ? ONE / 20 : ONE / 200;
	if (places == 0)
		snprintf(text, size, "%d", hundredths / 100);
	else
		snprintf(text, size, "%s%d.%0*d", hundredths < 0 ? "-" : "",
		    abs(hundredths) / 100, places,
		    abs(hundredths) % 100 / (places == 1 ? 10 : 1));
	return (int64_t)hundredths * (ONE / 100);
}

/* One more or less than it is stands for "not it itself". */
static void
add_part(struct buf *b, struct part *p)
{
	const char *comparator = PICK(comparators);
	char text[32];
	int64_t half;

	p->there = true;
	p->code = below(3);
	p->unit = below(4);
	p->lo = p->hi = decimal(text, sizeof(text), &half);
	if (comparator[0] == '<') {
		p->hi -= comparator[1] == '\0';
		p->lo = -INFINITE;
	} else if (comparator[0] == '>') {
		p->lo += comparator[1] == '\0';
		p->hi = INFINITE;
	}
	buf_addf(b, "\"code\":{\"coding\":[{\"system\":\"http://one\","
	    "\"code\":\"%s\"}]},\"valueQuantity\":{\"value\":%s%s%s",
	    codes[p->code], text, units[p->unit].json == NULL ? "" : ",",
	    units[p->unit].json == NULL ? "" : units[p->unit].json);
	if (comparator[0] != '\0')
		buf_addf(b, ",\"comparator\":\"%s\"", comparator);
	buf_addc(b, '}');
}

static void
make_measured(int i)
{
	struct buf b = buf_new(ctx.arena, 1024);
	int n = below(PARTS_MAX + 1);

	buf_addf(&b, "{\"resourceType\":\"Observation\",\"id\":\"m%d\","
	    "\"status\":\"final\",", i);
	if (below(2) == 0)
		add_part(&b, &parts[i][0]);
	else
		buf_addz(&b, "\"code\":{\"text\":\"none\"}");
	for (int k = 1; k <= n; k++) {
		buf_addz(&b, k == 1 ? ",\"component\":[{" : ",{");
		add_part(&b, &parts[i][k]);
		buf_addc(&b, '}');
	}
	buf_addz(&b, n > 0 ? "]}" : "}");
	records_put(&ctx, arena_z(ctx.arena, arena_printf(ctx.arena, "m%d",
	    i)), arena_z(ctx.arena, buf_str(&b)));
}

static void
create(void)
{
	sample_create();
	sample_open();
	for (int i = 0; i < MEASURED; i++)
		make_measured(i);
	sample_close();
}

/* --- naive evaluation ----------------------------------------------------- */

struct asked {
	char		text[160];
	bool		top, components;	/* which parts count */
	int		code;			/* -1 = any */
	const char	*prefix;
	int64_t		value, half;
	int		unit;			/* how it is asked */
	const struct unit *of;
};

enum { UNIT_ANY, UNIT_CODE, UNIT_WORD, UNIT_ASKED__MAX };

static bool
unit_holds(const struct asked *c, const struct unit *had)
{
	if (c->unit == UNIT_ANY)
		return true;
	if (c->unit == UNIT_CODE)
		return had->code[0] != '\0';	/* mg or g: one kind */
	return strcmp(had->code, c->of->word) == 0 ||
	    strcmp(had->word, c->of->word) == 0;
}

/* Of grams in milligrams; what stands for "not it itself" stays one. */
static int64_t
thousandfold(int64_t v)
{
	int64_t more = (v % 1000 + 1500) % 1000 - 500;

	return llabs(v) == INFINITE ? v : (v - more) * 1000 + more;
}

static bool	plain_holds(const struct asked *c, const struct part *p);

static bool
value_holds(const struct asked *c, const struct part *p)
{
	struct asked asked = *c;
	struct part part = *p;

	if (c->unit != UNIT_CODE)
		return plain_holds(c, p);
	if (strcmp(c->of->code, "g") == 0) {
		asked.value *= 1000;
		asked.half *= 1000;
	}
	if (strcmp(units[p->unit].code, "g") == 0) {
		part.lo = thousandfold(p->lo);
		part.hi = thousandfold(p->hi);
	}
	return plain_holds(&asked, &part);
}

/* R4 search.html#prefix, #number. */
static bool
plain_holds(const struct asked *c, const struct part *p)
{
	int64_t v = c->value, slack = llabs(v) / 10;
	bool equal = p->lo >= v - c->half && p->hi < v + c->half;

	if (slack < c->half)
		slack = c->half;
	if (c->prefix[0] == '\0' || strcmp(c->prefix, "eq") == 0)
		return equal;
	if (strcmp(c->prefix, "ne") == 0)
		return !equal;
	if (strcmp(c->prefix, "gt") == 0)
		return p->hi > v;
	if (strcmp(c->prefix, "ge") == 0)
		return p->hi >= v;
	if (strcmp(c->prefix, "lt") == 0)
		return p->lo < v;
	if (strcmp(c->prefix, "le") == 0)
		return p->lo <= v;
	if (strcmp(c->prefix, "sa") == 0)
		return p->lo > v;
	if (strcmp(c->prefix, "eb") == 0)
		return p->hi < v;
	return p->lo <= v + slack && p->hi >= v - slack;
}

static bool
holds(const struct asked *c, int i)
{
	for (int k = 0; k <= PARTS_MAX; k++) {
		const struct part *p = &parts[i][k];

		if (p->there && (k == 0 ? c->top : c->components) &&
		    (c->code < 0 || c->code == p->code) &&
		    unit_holds(c, &units[p->unit]) && value_holds(c, p))
			return true;
	}
	return false;
}

static struct asked
ask(void)
{
	static const char *const prefixes[] = { "", "eq", "ne", "gt", "ge",
		"lt", "le", "sa", "eb", "ap" };
	static const char *const names[] = { "value-quantity",
		"component-value-quantity", "combo-value-quantity",
		"code-value-quantity", "component-code-value-quantity",
		"combo-code-value-quantity" };
	static const char *const escaped[] = { "a", "b", "c%5C%7Cd" };
	int name = below(6);
	struct asked c = {
		.top = name % 3 != 1,
		.components = name % 3 != 0,
		.code = name < 3 ? -1 : below(3),
		.prefix = PICK(prefixes),
		.unit = below(UNIT_ASKED__MAX),
		.of = &units[below(2)],
	};
	struct buf b = buf_new(ctx.arena, 160);
	char number[32];

	c.value = decimal(number, sizeof(number), &c.half);
	buf_addf(&b, "%s=", names[name]);
	if (c.code >= 0)
		buf_addf(&b, "%s%s$", below(2) ? "http://one%7C" : "",
		    escaped[c.code]);
	buf_addf(&b, "%s%s", c.prefix, number);
	if (c.unit == UNIT_CODE)
		buf_addf(&b, "%%7C%s%%7C%s", UCUM, c.of->code);
	else if (c.unit == UNIT_WORD)
		buf_addf(&b, "%%7C%%7C%s", c.of->word);
	snprintf(c.text, sizeof(c.text), "%.*s", STR_ARGS(buf_str(&b)));
	return c;
}

static void
compare(struct str query, const struct asked *asked, int n)
{
	static bool seen[MEASURED];
	struct found found;
	struct search_page page;

	memset(seen, 0, sizeof(seen));
	follow("Observation", query, &found);
	for (size_t i = 0; i < found.n; i++) {
		int at = number_of(found.id[i]);

		ck_assert_msg(found.id[i].p[0] == 'm' && !seen[at],
		    "%.*s gives %.*s", STR_ARGS(query), STR_ARGS(found.id[i]));
		seen[at] = true;
	}
	for (int i = 0; i < MEASURED; i++) {
		bool want = true;

		for (int k = 0; k < n; k++)
			want = want && holds(&asked[k], i);
		ck_assert_msg(want == seen[i], "%.*s %s m%d", STR_ARGS(query),
		    want ? "lacks" : "has", i);
	}
	search_ok("Observation", arena_printf(ctx.arena,
	    "%.*s&_summary=count", STR_ARGS(query)), &page);
	ck_assert_int_eq(page.total, (int64_t)found.n);
}

START_TEST(random_searches_of_quantities_find_what_a_naive_evaluation_finds)
{
	static const char *const sorts[] = { "", "", "", "&_sort=_id",
		"&_sort=-_lastUpdated", "&_sort=date,_id" };
	struct asked asked[2];

	for (int round = 0; round < 300; round++) {
		struct buf b = buf_new(ctx.arena, 512);
		int n = 1 + below(2);

		buf_addf(&b, "_count=%d", 3 + below(60));
		for (int i = 0; i < n; i++) {
			asked[i] = ask();
			buf_addf(&b, "&%s", asked[i].text);
		}
		buf_addz(&b, PICK(sorts));
		compare(buf_str(&b), asked, n);
	}
}
END_TEST

START_TEST(alternatives_are_joined_and_each_record_comes_once)
{
	struct found found, all;
	bool seen[MEASURED] = { false };

	follow("Observation", STR("combo-value-quantity=ge-9&_count=7"), &all);
	follow("Observation", STR("combo-value-quantity=lt0,ge0%7C%7Cmg,"
	    "ge0%7C%7Cg,ge0&_count=7"), &found);
	ck_assert_uint_gt(all.n, 100);
	ck_assert_uint_eq(all.n, found.n);
	for (size_t i = 0; i < found.n; i++) {
		ck_assert(!seen[number_of(found.id[i])]);
		seen[number_of(found.id[i])] = true;
	}
}
END_TEST

START_TEST(values_are_known_to_be_missing)
{
	static const char *const names[] = { "value-quantity",
		"component-value-quantity", "combo-value-quantity" };
	struct found found;

	for (int name = 0; name < 3; name++) {
		size_t want = 0;

		for (int i = 0; i < MEASURED; i++) {
			bool top = parts[i][0].there, part = parts[i][1].there;

			want += name == 0 ? top : name == 1 ? part :
			    top || part;
		}
		follow("Observation", arena_printf(ctx.arena,
		    "%s:missing=false", names[name]), &found);
		ck_assert_uint_eq(found.n, want);
	}
}
END_TEST

/* --- one by one ----------------------------------------------------------- */

static const char *const records[] = {
	"{'resourceType':'RiskAssessment','id':'a0','status':'final','subject':"
	    "{'reference':'Patient/p1'},'prediction':[{'probabilityDecimal':"
	    "0.25},{'probabilityRange':{'low':{'value':0.5},'high':{'value':"
	    "0.75}}}]}",
	"{'resourceType':'RiskAssessment','id':'a1','status':'final','subject':"
	    "{'reference':'Patient/p1'},'prediction':[{'probabilityDecimal':"
	    "0.8}]}",
	"{'resourceType':'MolecularSequence','id':'a0','coordinateSystem':0,"
	    "'referenceSeq':{'chromosome':{'coding':[{'system':'http://c',"
	    "'code':'1'}]}},'variant':[{'start':5,'end':9}]}",
	"{'resourceType':'MolecularSequence','id':'a1','coordinateSystem':0,"
	    "'referenceSeq':{'chromosome':{'coding':[{'system':'http://c',"
	    "'code':'1'}]}},'variant':[{'start':20,'end':20}]}",
	"{'resourceType':'DocumentReference','id':'a0','status':'current',"
	    "'content':[{'attachment':{'title':'t'}}],'relatesTo':[{'code':"
	    "'replaces','target':{'reference':'DocumentReference/a1'}}]}",
	"{'resourceType':'Observation','id':'a0','status':'final','code':"
	    "{'coding':[{'system':'http://s','code':'k'}]},'valueDateTime':"
	    "'2020-05-03'}",
	"{'resourceType':'Observation','id':'a1','status':'final','code':"
	    "{'coding':[{'system':'http://s','code':'k'}]},"
	    "'valueCodeableConcept':{'coding':[{'system':'http://v','code':"
	    "'w'}]}}",
	"{'resourceType':'Observation','id':'a2','status':'final','code':"
	    "{'coding':[{'system':'http://s','code':'k'}]},'valueString':"
	    "'Blue cheese'}",
	"{'resourceType':'Group','id':'a0','type':'person','actual':true,"
	    "'characteristic':[{'code':{'coding':[{'code':'smoker'}]},"
	    "'valueBoolean':true,'exclude':false}]}",
	"{'resourceType':'ValueSet','id':'a0','status':'active','url':"
	    "'http://acme.org/fhir/ValueSet/1'}",
	"{'resourceType':'ValueSet','id':'a1','status':'active','url':"
	    "'http://acme.org/fhir'}",
	"{'resourceType':'ValueSet','id':'a2','status':'active','url':"
	    "'http://acme.org/fhirs/ValueSet/1','meta':{'profile':"
	    "['http://p.org/one/a|2'],'tag':[{'system':'http://t','code':'x'}],"
	    "'security':[{'system':'http://t','code':'R'}],'source':"
	    "'http://from.org/here'}}",
};

/* clang-format off */
static const struct {
	const char	*type, *query, *ids;
} finds[] = {
{ "RiskAssessment", "probability=0.25",				"a0" },
{ "RiskAssessment", "probability=0.8",				"a1" },
{ "RiskAssessment", "probability=0.80",				"a1" },
{ "RiskAssessment", "probability=gt0.7",			"a0 a1" },
{ "RiskAssessment", "probability=sa0.3",			"a0 a1" },
{ "RiskAssessment", "probability=eb0.3",			"a0" },
{ "RiskAssessment", "probability=ap0.85",			"a1" },
{ "RiskAssessment", "probability=1",				"a0 a1" },
{ "RiskAssessment", "probability=1.0",				"" },
{ "MolecularSequence", "chromosome-variant-coordinate=1$5$9",	"a0" },
{ "MolecularSequence", "chromosome-variant-coordinate=1$ge5$le9", "a0" },
{ "MolecularSequence", "chromosome-variant-coordinate=1$ge5$le20", "a0 a1" },
{ "MolecularSequence", "chromosome-variant-coordinate=http://c|1$gt5$20", "a1" },
{ "MolecularSequence", "chromosome-variant-coordinate=http://d|1$gt5$20", "" },
{ "MolecularSequence", "chromosome-variant-coordinate=1$ne5$ne9", "a1" },
{ "DocumentReference", "relationship=DocumentReference/a1$replaces", "a0" },
{ "DocumentReference", "relationship=a1$replaces",		"a0" },
{ "DocumentReference", "relationship=a1$http://hl7.org/fhir/document-relationship-type|replaces", "a0" },
{ "DocumentReference", "relationship=a1$http://other|replaces",	"" },
{ "DocumentReference", "relationship=a1$appends",		"" },
{ "Observation", "code-value-date=k$2020-05",			"a0" },
{ "Observation", "code-value-date=http://s|k$ge2020-05-03",	"a0" },
{ "Observation", "code-value-date=k$lt2020-05-03",		"" },
{ "Observation", "code-value-date=l$2020-05",			"" },
{ "Observation", "code-value-concept=k$w",			"a1" },
{ "Observation", "code-value-concept=http://s|k$http://v|w",	"a1" },
{ "Observation", "code-value-concept=http://v|k$http://v|w",	"" },
{ "Observation", "code-value-concept=k$http://s|w",		"" },
{ "Observation", "combo-code-value-concept=k$|w,k$w",		"a1" },
{ "Observation", "combo-value-concept=http://v|",		"a1" },
{ "Observation", "combo-code=http://s|&value-concept:not=w",	"a0 a2" },
{ "Observation", "code-value-string=k$blue",			"a2" },
{ "Observation", "code-value-string=k$cheese",			"" },
{ "Group", "characteristic-value=smoker$true",			"a0" },
{ "Group", "characteristic-value=smoker$false",			"" },
{ "ValueSet", "url=http://acme.org/fhir",			"a1" },
{ "ValueSet", "url=http://acme.org",				"" },
{ "ValueSet", "url:below=http://acme.org/fhir",			"a0 a1" },
{ "ValueSet", "url:below=http://acme.org/fhir/",		"a0" },
{ "ValueSet", "url:below=http://acme.org",			"a0 a1 a2" },
{ "ValueSet", "url:below=http://acme.org/f",			"" },
{ "ValueSet", "url:above=http://acme.org/fhir/ValueSet/1/_history/5", "a0 a1" },
{ "ValueSet", "url:above=http://acme.org/fhir/",		"a1" },
{ "ValueSet", "url:above=http://acme.org/fhir/ValueSet/1",	"a0 a1" },
{ "ValueSet", "url:above=http://acme.org",			"" },
{ "ValueSet", "_profile=http://p.org/one/a",			"a2" },
{ "ValueSet", "_profile=http://p.org/one/a|2",			"a2" },
{ "ValueSet", "_profile=http://p.org/one/a|1",			"" },
{ "ValueSet", "_profile:below=http://p.org/one",		"a2" },
{ "ValueSet", "_tag=http://t|x",				"a2" },
{ "ValueSet", "_tag:not=x",					"a0 a1" },
{ "ValueSet", "_security=R",					"a2" },
{ "ValueSet", "_source=http://from.org/here",			"a2" },
{ "ValueSet", "_source:below=http://from.org",			"a2" },
{ "ValueSet", "_source:missing=true",				"a0 a1" },
};
/* clang-format on */

static int
by_text(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

START_TEST(each_kind_finds_its_own)
{
	struct found found;
	struct buf b = buf_new(ctx.arena, 256);
	struct str query;

	/* The table is written without percents. */
	for (const char *p = finds[_i].query; *p != '\0'; p++) {
		if (*p == '|')
			buf_addz(&b, "%7C");
		else
			buf_addc(&b, *p);
	}
	query = buf_str(&b);
	follow(finds[_i].type, query, &found);
	qsort(found.id, found.n, sizeof(found.id[0]), by_text);
	b = buf_new(ctx.arena, 256);
	for (size_t i = 0; i < found.n; i++)
		buf_addf(&b, "%s%.*s", i == 0 ? "" : " ",
		    STR_ARGS(found.id[i]));
	ck_assert_msg(str_eqz(buf_str(&b), finds[_i].ids), "%s?%s: %.*s",
	    finds[_i].type, finds[_i].query, STR_ARGS(buf_str(&b)));
}
END_TEST

static void
create_few(void)
{
	sample_create();
	sample_open();
	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		size_t n = strlen(records[i]) + 1;
		char *json = arena_alloc(ctx.arena, n);
		const char *id = strstr(records[i], "'id':'") + 6;

		memcpy(json, records[i], n);
		for (char *p = json; *p != '\0'; p++)
			if (*p == '\'')
				*p = '"';
		records_put(&ctx, arena_z(ctx.arena,
		    (struct str){ id, 2 }), json);
	}
	sample_close();
}

int
main(int argc, char **argv)
{
	TCase *t = suite_case("search_measure");
	TCase *few;

	(void)argc;
	database_need(argv);
	tcase_add_unchecked_fixture(t, create, database_drop);
	tcase_add_checked_fixture(t, sample_open, sample_close);
	tcase_set_timeout(t, 120);
	tcase_add_test(t,
	    random_searches_of_quantities_find_what_a_naive_evaluation_finds);
	tcase_add_test(t, alternatives_are_joined_and_each_record_comes_once);
	tcase_add_test(t, values_are_known_to_be_missing);
	few = suite_case("each");
	tcase_add_unchecked_fixture(few, create_few, database_drop);
	tcase_add_checked_fixture(few, sample_open, sample_close);
	tcase_add_loop_test(few, each_kind_finds_its_own, 0,
	    (int)(sizeof(finds) / sizeof(finds[0])));
	return suite_run();
}
