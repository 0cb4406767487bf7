/* Finding records of the same person: two searches, then the rules. */

#include "fhir/person.h"

#include "base/buf.h"
#include "fhir/record.h"
#include "fhir/search.h"

#include <stdlib.h>

/* Identifiers of one Patient that are searched for. */
#define IDENTIFIERS_MAX	50

/* clang-format off */
/* The rules, the best first: what agrees, and what it is worth. What only one
 * of both says neither agrees nor differs. */
static const struct rule {
	bool			 identifier;	/* one is shared; else names
						 * and birth date */
	bool			 same_gender;	/* and both say it */
	bool			 differs;	/* birth date or gender do */
	enum person_grade	 grade;
	const char		*score;
} rules[] = {
	{ true,  false, false, PERSON_CERTAIN,	"1" },
	{ false, true,  false, PERSON_PROBABLE,	"0.9" },
	{ false, false, false, PERSON_PROBABLE,	"0.8" },
	{ true,  false, true,  PERSON_POSSIBLE,	"0.6" },
	{ false, false, true,  PERSON_POSSIBLE,	"0.4" },
};
/* clang-format on */

#define NRULES	(sizeof(rules) / sizeof(rules[0]))

/* A Patient as the rules see it. */
struct person {
	struct ctx		*ctx;
	const struct jdoc	*d;
	uint32_t		 node;
};

const char *
person_grade_code(enum person_grade grade)
{
	static const char *const codes[] = { "certain", "probable",
	    "possible" };

	return codes[grade];
}

/* --- elements ------------------------------------------------------------- */

static struct str
text_of(const struct person *p, uint32_t node)
{
	char *text;

	if (node == 0 || jdoc_type(p->d, node) != JDOC_STRING)
		return STR_NONE;
	text = arena_alloc(p->ctx->arena, jdoc_raw(p->d, node).n + 1);
	return (struct str){ text, jdoc_decode(p->d, node, text) };
}

static struct str
member(const struct person *p, uint32_t object, const char *name)
{
	return text_of(p, jdoc_get(p->d, object, str_of(name)));
}

/* The first element of a list, 0 when there is none. */
static uint32_t
first(const struct person *p, uint32_t object, const char *name)
{
	uint32_t list = jdoc_get(p->d, object, str_of(name));

	if (list == 0 || jdoc_type(p->d, list) != JDOC_ARRAY)
		return 0;
	return jdoc_first(p->d, list);
}

static uint32_t
next(const struct person *p, uint32_t object, const char *name, uint32_t i)
{
	return jdoc_next(p->d, jdoc_get(p->d, object, str_of(name)), i);
}

static bool
folds_alike(const struct person *p, struct str a, struct str b)
{
	return a.n > 0 && b.n > 0 && str_eq(key_fold(p->ctx->arena, a),
	    key_fold(p->ctx->arena, b));
}

/* Both have an identifier of that system and value. */
static bool
shares_identifier(const struct person *a, const struct person *b)
{
	for (uint32_t i = first(a, a->node, "identifier"); i != 0;
	    i = next(a, a->node, "identifier", i))
		for (uint32_t j = first(b, b->node, "identifier"); j != 0;
		    j = next(b, b->node, "identifier", j))
			if (member(a, i, "value").n > 0 &&
			    str_eq(member(a, i, "value"),
			    member(b, j, "value")) &&
			    str_eq(member(a, i, "system"),
			    member(b, j, "system")))
				return true;
	return false;
}

static bool
shares_given(const struct person *a, uint32_t i, const struct person *b,
    uint32_t j)
{
	for (uint32_t x = first(a, i, "given"); x != 0;
	    x = next(a, i, "given", x))
		for (uint32_t y = first(b, j, "given"); y != 0;
		    y = next(b, j, "given", y))
			if (folds_alike(a, text_of(a, x), text_of(b, y)))
				return true;
	return false;
}

/* One name of each with the same family and a given name in common. */
static bool
shares_name(const struct person *a, const struct person *b)
{
	for (uint32_t i = first(a, a->node, "name"); i != 0;
	    i = next(a, a->node, "name", i))
		for (uint32_t j = first(b, b->node, "name"); j != 0;
		    j = next(b, b->node, "name", j))
			if (folds_alike(a, member(a, i, "family"),
			    member(b, j, "family")) &&
			    shares_given(a, i, b, j))
				return true;
	return false;
}

enum agreement { UNSAID, SAME, DIFFERENT };

static enum agreement
agree(const struct person *a, const struct person *b, const char *name)
{
	struct str x = member(a, a->node, name), y = member(b, b->node, name);

	if (x.n == 0 || y.n == 0)
		return UNSAID;
	return str_eq(x, y) ? SAME : DIFFERENT;
}

/* --- the rules ------------------------------------------------------------ */

/* The first rule that b meets, NULL when none. */
static const struct rule *
judge(const struct person *a, const struct person *b)
{
	enum agreement birth = agree(a, b, "birthDate");
	enum agreement gender = agree(a, b, "gender");
	bool identifier = shares_identifier(a, b);
	bool person = birth == SAME && shares_name(a, b);
	bool differs = birth == DIFFERENT || gender == DIFFERENT;

	for (size_t i = 0; i < NRULES; i++)
		if ((rules[i].identifier ? identifier : person) &&
		    rules[i].differs == differs &&
		    (!rules[i].same_gender || gender == SAME))
			return &rules[i];
	return NULL;
}

/* --- the candidates ------------------------------------------------------- */

/* A value in a search: what has a meaning there is escaped. R4
 * search.html#escaping */
static void
add_escaped(struct buf *b, struct str text)
{
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == ',' || text.p[i] == '|' ||
		    text.p[i] == '$' || text.p[i] == '\\')
			buf_addc(b, '\\');
		buf_addc(b, text.p[i]);
	}
}

static struct str
escaped(struct ctx *ctx, struct str text)
{
	struct buf b = buf_new(ctx->arena, text.n + 8);

	add_escaped(&b, text);
	return buf_str(&b);
}

/* Add what the search finds and is not there yet. */
static enum err
gather(const struct person *a, struct http_param *params, size_t n,
    struct person_matches *out)
{
	const struct r4_type *type = r4_type_named(STR("Patient"));
	struct http_params all = { params, n };
	struct search *search;
	struct search_page page;
	enum err err;

	if ((err = search_parse(a->ctx, type, &all, false, &search)) != OK ||
	    (err = search_run(a->ctx, search, &page)) != OK)
		return err;
	if (page.next.n > 0)
		return fail(a->ctx, ERR_TOO_LARGE, "more than %d records share "
		    "what the Patient says; say more of it",
		    PERSON_CANDIDATES_MAX);
	for (size_t i = 0; i < page.n; i++) {
		size_t j = 0;

		while (j < out->n && out->v[j].record.rid !=
		    page.records[i].rid)
			j++;
		if (j == out->n)
			out->v[out->n++].record = page.records[i];
	}
	return OK;
}

static struct http_param
count_param(struct ctx *ctx)
{
	return (struct http_param){ STR("_count"), arena_printf(ctx->arena,
	    "%d", PERSON_CANDIDATES_MAX) };
}

static enum err
by_identifiers(const struct person *a, bool *asked,
    struct person_matches *out)
{
	struct buf b = buf_new(a->ctx->arena, 0);
	struct http_param params[2] = { { STR("identifier"), STR_NONE },
	    count_param(a->ctx) };
	size_t n = 0;

	for (uint32_t i = first(a, a->node, "identifier"); i != 0 &&
	    n < IDENTIFIERS_MAX; i = next(a, a->node, "identifier", i)) {
		struct str value = member(a, i, "value");

		if (value.n == 0)
			continue;
		if (n++ > 0)
			buf_addc(&b, ',');
		add_escaped(&b, member(a, i, "system"));
		buf_addc(&b, '|');
		add_escaped(&b, value);
	}
	if (n == 0)
		return OK;
	*asked = true;
	params[0].value = buf_str(&b);
	return gather(a, params, 2, out);
}

/* The first name that has both parts. */
static enum err
by_name(const struct person *a, bool *asked, struct person_matches *out)
{
	struct str birth = member(a, a->node, "birthDate");

	for (uint32_t i = first(a, a->node, "name"); i != 0 && birth.n > 0;
	    i = next(a, a->node, "name", i)) {
		struct str family = member(a, i, "family");
		uint32_t given = first(a, i, "given");

		if (family.n == 0 || given == 0 ||
		    text_of(a, given).n == 0)
			continue;
		*asked = true;
		return gather(a, (struct http_param[]){
		    { STR("family"), escaped(a->ctx, family) },
		    { STR("given"), escaped(a->ctx, text_of(a, given)) },
		    { STR("birthdate"), escaped(a->ctx, birth) },
		    count_param(a->ctx) }, 4, out);
	}
	return OK;
}

/* --- all of it ------------------------------------------------------------ */

static int
by_score(const void *p, const void *q)
{
	const struct person_match *a = p, *b = q;
	int order = strcmp(b->score, a->score);

	return order != 0 ? order : str_cmp(a->record.id, b->record.id);
}

enum err
person_match(struct ctx *ctx, const struct jdoc *d, uint32_t node,
    struct person_matches *out)
{
	struct person a = { ctx, d, node };
	struct person_matches found = { NULL, 0 };
	bool asked = false;
	enum err err;

	found.v = arena_array(ctx->arena, 2 * PERSON_CANDIDATES_MAX,
	    sizeof(*found.v));
	if ((err = by_identifiers(&a, &asked, &found)) != OK ||
	    (err = by_name(&a, &asked, &found)) != OK)
		return err;
	if (!asked)
		return fail(ctx, ERR_INVALID_REQUEST, "the Patient needs an "
		    "identifier with a value, or a family name, a given name "
		    "and a birthDate");
	*out = (struct person_matches){ found.v, 0 };
	for (size_t i = 0; i < found.n; i++) {
		struct person_match m = found.v[i];
		struct person b = { ctx, record_parse(ctx->arena,
		    m.record.body), 0 };
		const struct rule *rule = judge(&a, &b);

		if (rule == NULL)
			continue;
		m.grade = rule->grade;
		m.score = rule->score;
		out->v[out->n++] = m;
	}
	qsort(out->v, out->n, sizeof(*out->v), by_score);
	return OK;
}
