/*
 * Conditions become probes: each value hashed or bounded as the key tables
 * hold it. How a value becomes a hash is fhir/keys.h's business.
 */

#include "fhir/search_plan.h"

#include "base/buf.h"
#include "base/when.h"
#include "fhir/search_gather.h"
#include "queries.h"

/* Sorts after every text that begins with what stands before it. */
#define TEXT_LAST	"\xf4\x8f\xbf\xbf"

struct work {
	struct ctx			*ctx;
	struct key_space		 space;
	const struct search		*search;
	const struct r4_type		*type;	/* whose keys are asked */
	const struct search_condition	*c;
	const struct r4_param		*param;	/* whose keys are asked: c's,
						 * or one of its parts */
	struct probe			*probe;
};

/* --- postings ------------------------------------------------------------- */

void
search_posts_room(struct arena *arena, struct posts *p, size_t n)
{
	struct posts old = *p;

	p->k = arena_array(arena, old.n + n, sizeof(*p->k));
	p->aux_lo = arena_array(arena, old.n + n, sizeof(*p->aux_lo));
	p->aux_hi = arena_array(arena, old.n + n, sizeof(*p->aux_hi));
	if (old.n == 0)
		return;
	memcpy(p->k, old.k, old.n * sizeof(*p->k));
	memcpy(p->aux_lo, old.aux_lo, old.n * sizeof(*p->aux_lo));
	memcpy(p->aux_hi, old.aux_hi, old.n * sizeof(*p->aux_hi));
}

void
search_add_post(struct posts *p, int64_t k, int32_t aux_lo, int32_t aux_hi)
{
	p->k[p->n] = k;
	p->aux_lo[p->n] = aux_lo;
	p->aux_hi[p->n++] = aux_hi;
}

static void
add_any(struct posts *p, int64_t k)
{
	search_add_post(p, k, INT32_MIN, INT32_MAX);
}

static int64_t
konst(const struct work *w, enum key_space_kind kind)
{
	return key_const(w->space, w->type->number, w->param->number,
	    kind);
}

/* --- dict: what `system|` and :text stand for ----------------------------- */

static enum err
add_dict(const struct work *w, const struct pg_query *q,
    const struct pg_args *a, struct str shown)
{
	PGresult *res;
	int n, i;
	enum err err = pg_exec(w->ctx, q, a, &res);

	if (err != OK)
		return err;
	n = PQntuples(res);
	if (n > SEARCH_CODES_MAX)
		return fail(w->ctx, ERR_NOT_SUPPORTED,
		    "Search parameter '%s': '%.*s' stands for more than %d "
		    "codes; name the codes", w->probe->param->code,
		    STR_ARGS(shown), SEARCH_CODES_MAX);
	/* The values behind this one still want room for two each. */
	search_posts_room(w->ctx->arena, &w->probe->posts,
	    (size_t)n + w->c->n * 2);
	for (i = 0; i < n; i++)
		search_add_post(&w->probe->posts, pg_get_int8(res, i, 0),
		    pg_get_int4(res, i, 1), pg_get_int4(res, i, 1));
	return OK;
}

static struct pg_args
dict_args(const struct work *w)
{
	struct pg_args a = pg_args(w->ctx->arena);

	pg_int4(&a, w->space.tn);
	pg_int2(&a, w->type->number);
	pg_int2(&a, w->param->number);
	pg_int4(&a, SEARCH_CODES_MAX + 1);
	return a;
}

static enum err
add_system(const struct work *w, const struct search_value *v)
{
	struct pg_args a = dict_args(w);

	pg_text(&a, v->system);
	return add_dict(w, &query_search_dict_system, &a, v->system);
}

/* %text%, with what LIKE would read as a pattern made plain. */
static struct str
like_pattern(struct arena *arena, struct str text)
{
	struct buf b = buf_new(arena, text.n + 8);
	size_t i;

	buf_addc(&b, '%');
	for (i = 0; i < text.n; i++) {
		if (strchr("%_\\", text.p[i]) != NULL)
			buf_addc(&b, '\\');
		buf_addc(&b, text.p[i]);
	}
	buf_addc(&b, '%');
	return buf_str(&b);
}

static enum err
add_text(const struct work *w, const struct search_value *v)
{
	struct pg_args a = dict_args(w);

	pg_text(&a, like_pattern(w->ctx->arena,
	    key_fold(w->ctx->arena, v->text)));
	return add_dict(w, &query_search_dict_text, &a, v->text);
}

/* --- tokens, references, uris --------------------------------------------- */

bool
search_implied_system(const struct r4_param *param,
    const struct search_value *v)
{
	return v->system.n > 0 && param->system != NULL &&
	    str_eqz(v->system, param->system);
}

struct auxs
search_token_auxs(struct key_space space, const struct r4_param *param,
    const struct search_value *v)
{
	struct auxs a = { { INT32_MIN }, { INT32_MAX }, 1 };

	if (v->has_system)
		a.lo[0] = a.hi[0] = key_system(space, v->system);
	if (search_implied_system(param, v)) {
		a.lo[1] = a.hi[1] = 0;
		a.n = 2;
	}
	return a;
}

static void
add_code(const struct work *w, const struct search_value *v)
{
	int64_t k = konst(w, KEY_VALUE) ^ key_hash(w->space, v->text);
	struct auxs aux = search_token_auxs(w->space, w->param, v);
	size_t i;

	for (i = 0; i < aux.n; i++)
		search_add_post(&w->probe->posts, k, aux.lo[i], aux.hi[i]);
}

/* The codes of a value set, each in its system. */
static enum err
add_value_set(const struct work *w, struct str url)
{
	struct search_value *codes;
	size_t n;
	enum err err = search_in_codes(w->ctx, w->probe->param, url, &codes,
	    &n);

	if (err != OK)
		return err;
	/* The values behind this one still want room for two each. */
	search_posts_room(w->ctx->arena, &w->probe->posts,
	    (n + w->c->n) * 2);
	for (size_t i = 0; i < n; i++)
		add_code(w, &codes[i]);
	return OK;
}

static enum err
add_token(const struct work *w, const struct search_value *v)
{
	struct posts *p = &w->probe->posts;

	switch (w->c->modifier) {
	case SEARCH_TEXT:
		return add_text(w, v);
	case SEARCH_IN:
	case SEARCH_NOT_IN:
		return add_value_set(w, v->text);
	case SEARCH_OF_TYPE:
		add_any(p, konst(w, KEY_OF_TYPE) ^ key_triple(w->space,
		    v->system, v->type_code, v->text));
		return OK;
	default:
		break;
	}
	if (v->has_text)
		add_code(w, v);
	else if (w->probe->param->identifiers)
		add_any(p, konst(w, KEY_SYSTEM) ^
		    key_hash(w->space, v->system));
	else
		return add_system(w, v);
	return OK;
}

/* A uri or canonical; without |version it stands for every version. */
static void
add_uri(const struct work *w, const struct search_value *v)
{
	struct posts *p = &w->probe->posts;
	int64_t hash = key_hash(w->space, v->text);

	add_any(p, konst(w, KEY_VALUE) ^ hash);
	if (!str_has(v->text, '|'))
		add_any(p, konst(w, KEY_CANONICAL) ^ hash);
}

/* Steps from an URL up to its host; deeper ones are refused. */
#define URI_STEPS_MAX	32

static bool
is_url(struct str text)
{
	return !str_starts(text, STR("urn:")) && str_has(text, '/');
}

/* The URLs at and above the asked one are few and known: each with and without
 * the '/' that ends it. R4 search.html#uri */
static enum err
add_above(const struct work *w, const struct search_value *v)
{
	struct str s = v->text;
	size_t n = 0, i;

	for (i = 0; i < s.n; i++)
		n += s.p[i] == '/';
	if (!is_url(s) || n > URI_STEPS_MAX)
		return fail(w->ctx, ERR_INVALID_PARAMETER,
		    "Search parameter '%s:above' wants an URL of at most %d "
		    "steps", w->param->code, URI_STEPS_MAX);
	search_posts_room(w->ctx->arena, &w->probe->posts, n * 2 + 2);
	add_uri(w, v);
	for (i = s.n; i > 0; i--) {
		struct str at = { s.p, i };

		if (s.p[i - 1] != '/')
			continue;
		if (i < s.n)
			add_any(&w->probe->posts, konst(w, KEY_VALUE) ^
			    key_hash(w->space, at));
		at.n--;
		if (at.n > 0 && at.p[at.n - 1] != '/' &&
		    at.p[at.n - 1] != ':')
			add_any(&w->probe->posts, konst(w, KEY_VALUE) ^
			    key_hash(w->space, at));
	}
	return OK;
}

/* The URLs that the parameter has seen at and below the asked one: what goes
 * on behind it begins with a '/', or with what ends an URL. */
static enum err
add_below(const struct work *w, const struct search_value *v)
{
	struct pg_args a = dict_args(w);
	struct str s = v->text;

	if (!is_url(s))
		return fail(w->ctx, ERR_INVALID_PARAMETER,
		    "Search parameter '%s:below' wants an URL",
		    w->param->code);
	pg_text(&a, s);
	pg_text(&a, arena_printf(w->ctx->arena, "%.*s" TEXT_LAST,
	    STR_ARGS(s)));
	return add_dict(w, &query_search_dict_below, &a, s);
}

static void
add_target(const struct work *w, const struct r4_type *type, struct str id)
{
	add_any(&w->probe->posts, konst(w, KEY_VALUE) ^
	    key_reference(w->space, str_of(type->name), id));
}

static void
add_reference(const struct work *w, const struct search_value *v)
{
	const struct r4_type *type = NULL;
	const int16_t *t;
	int64_t hash;

	if (v->id.n > 0 && v->type != NULL) {
		add_target(w, v->type, v->id);
		return;
	}
	for (t = w->probe->param->targets; v->id.n > 0 && *t != 0; t++)
		add_target(w, r4_type_numbered(*t), v->id);
	if (v->id.n > 0)
		return;
	hash = key_target(w->ctx, w->space, v->text, &type);
	if (type == NULL)
		add_uri(w, v);
	else if (v->type == NULL || v->type == type)
		add_any(&w->probe->posts, konst(w, KEY_VALUE) ^ hash);
}

static void
add_reference_identifier(const struct work *w, const struct search_value *v)
{
	int64_t k = konst(w, KEY_IDENTIFIER) ^ key_hash(w->space, v->text);
	int32_t aux;

	if (!v->has_system) {
		add_any(&w->probe->posts, k);
		return;
	}
	aux = v->system.n == 0 ? 0 : key_system(w->space, v->system);
	search_add_post(&w->probe->posts, k, aux, aux);
}

static size_t
targets_count(const struct r4_param *param)
{
	size_t n = 0;

	while (param->targets != NULL && param->targets[n] != 0)
		n++;
	return n;
}

/* The postings of w->param. */
static enum err
add_posts(const struct work *w)
{
	const struct search_condition *c = w->c;
	size_t each = c->kind == SEARCH_REFERENCE ?
	    targets_count(c->param) : 0;
	size_t i;
	enum err err = OK;

	search_posts_room(w->ctx->arena, &w->probe->posts, c->n * (each + 2));
	for (i = 0; i < c->n && err == OK; i++) {
		if (c->modifier == SEARCH_IDENTIFIER)
			add_reference_identifier(w, &c->values[i]);
		else if (c->modifier == SEARCH_EXACT)
			add_any(&w->probe->posts, konst(w, KEY_EXACT) ^
			    key_hash(w->space, c->values[i].text));
		else if (c->kind == SEARCH_REFERENCE)
			add_reference(w, &c->values[i]);
		else if (c->modifier == SEARCH_ABOVE)
			err = add_above(w, &c->values[i]);
		else if (c->modifier == SEARCH_BELOW)
			err = add_below(w, &c->values[i]);
		else if (c->kind == SEARCH_URI)
			add_uri(w, &c->values[i]);
		else
			err = add_token(w, &c->values[i]);
	}
	return err;
}

/* Of each type the postings of its own parameter of that code. */
static enum err
add_posts_of_types(const struct work *w)
{
	const struct search *search = w->search;
	struct work one = *w;
	size_t i;
	enum err err = OK;

	for (i = 0; i < search->ntypes && err == OK; i++) {
		one.type = search->types[i];
		one.param = r4_param_named(one.type,
		    str_of(w->c->param->code));
		err = add_posts(&one);
	}
	return err;
}

static enum err
probe_post(const struct work *w)
{
	const struct search_condition *c = w->c;
	const struct r4_param *const *part = c->param->parts;
	struct work one = *w;
	enum err err = OK;

	w->probe->kind = c->modifier == SEARCH_NOT ||
	    c->modifier == SEARCH_NOT_IN ? PROBE_NOT_POST : PROBE_POST;
	w->probe->posts.plain = c->modifier != SEARCH_IDENTIFIER &&
	    c->kind != SEARCH_TOKEN;
	w->probe->rare = c->modifier == SEARCH_OF_TYPE ||
	    (c->param->identifiers && c->values[0].has_text);
	if (w->search->ntypes > 0)
		return add_posts_of_types(w);
	if (part == NULL)
		return add_posts(w);
	for (; *part != NULL && err == OK; part++) {
		one.param = *part;
		err = add_posts(&one);
	}
	return err;
}

/* --- dates ---------------------------------------------------------------- */

static void
add_box(struct boxes *b, int64_t lo_min, int64_t lo_max, int64_t hi_min,
    int64_t hi_max)
{
	b->lo_min[b->n] = lo_min;
	b->lo_max[b->n] = lo_max;
	b->hi_min[b->n] = hi_min;
	b->hi_max[b->n++] = hi_max;
}

void
search_date_boxes(struct ctx *ctx, const struct search_value *v,
    struct boxes *b)
{
	const int64_t none = WHEN_MIN, all = WHEN_MAX;
	int64_t lo = v->lo_us, hi = v->hi_us, slack;

	switch (v->prefix) {
	case SEARCH_EQ:
		add_box(b, lo, all, none, hi);
		break;
	case SEARCH_NE:
		add_box(b, none, lo, none, all);
		add_box(b, none, all, hi, all);
		break;
	case SEARCH_GT:
		add_box(b, none, all, hi, all);
		break;
	case SEARCH_GE:
		add_box(b, lo, all, none, all);
		add_box(b, none, all, hi, all);
		break;
	case SEARCH_LT:
		add_box(b, none, lo, none, all);
		break;
	case SEARCH_LE:
		add_box(b, none, all, none, hi);
		add_box(b, none, lo, none, all);
		break;
	case SEARCH_SA:
		add_box(b, hi, all, none, all);
		break;
	case SEARCH_EB:
		add_box(b, none, all, none, lo);
		break;
	case SEARCH_AP:
		/* R4 recommends a tenth of the gap to now, either way. */
		slack = (ctx->now_us > lo ? ctx->now_us - lo :
		    lo - ctx->now_us) / 10;
		add_box(b, none, hi + slack, lo - slack, all);
		break;
	}
}

static void
probe_date(const struct work *w)
{
	struct boxes *b = &w->probe->boxes;
	size_t room = w->c->n * 2;
	size_t i;

	w->probe->kind = PROBE_DATE;
	b->lo_min = arena_array(w->ctx->arena, room, sizeof(int64_t));
	b->lo_max = arena_array(w->ctx->arena, room, sizeof(int64_t));
	b->hi_min = arena_array(w->ctx->arena, room, sizeof(int64_t));
	b->hi_max = arena_array(w->ctx->arena, room, sizeof(int64_t));
	for (i = 0; i < w->c->n; i++)
		search_date_boxes(w->ctx, &w->c->values[i], b);
}

/* us + more, infinities kept. */
static int64_t
shift(int64_t us, int64_t more)
{
	return us == WHEN_MIN || us == WHEN_MAX ? us : us + more;
}

/* lastUpdated is a whole millisecond, so a box is one range of it. */
static void
probe_updated(const struct work *w)
{
	const int64_t span = 1000;
	struct time_ranges *t = &w->probe->times;
	struct boxes *b = &w->probe->boxes;
	int64_t lo, hi;
	size_t i;

	probe_date(w);
	w->probe->kind = PROBE_UPDATED;
	t->lo = arena_array(w->ctx->arena, b->n, sizeof(*t->lo));
	t->hi = arena_array(w->ctx->arena, b->n, sizeof(*t->hi));
	t->wide = arena_array(w->ctx->arena, b->n, sizeof(*t->wide));
	for (i = 0; i < b->n; i++) {
		lo = shift(b->hi_min[i], 1 - span);
		hi = shift(b->hi_max[i], 1 - span);
		t->lo[t->n] = lo > b->lo_min[i] ? lo : b->lo_min[i];
		t->hi[t->n++] = hi < b->lo_max[i] ? hi : b->lo_max[i];
	}
}

/* --- strings, ids, presence ----------------------------------------------- */

/* Three letters or digits in a row, by which the trigram index finds a text. */
static bool
has_trigram(struct str folded)
{
	size_t run = 0, i;

	for (i = 0; i < folded.n && run < 3; i++) {
		unsigned char c = (unsigned char)folded.p[i];

		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
			run++;
		else
			run = 0;
	}
	return run == 3;
}

static void
probe_string(const struct work *w)
{
	struct arena *arena = w->ctx->arena;
	struct text_ranges *t = &w->probe->texts;
	struct str folded;
	size_t i;

	w->probe->kind = w->c->modifier == SEARCH_CONTAINS ? PROBE_LIKE :
	    PROBE_STRING;
	w->probe->trigrams = w->probe->kind == PROBE_LIKE;
	t->lo = arena_array(arena, w->c->n, sizeof(*t->lo));
	t->hi = arena_array(arena, w->c->n, sizeof(*t->hi));
	for (i = 0; i < w->c->n; i++) {
		folded = key_fold(arena, w->c->values[i].text);
		w->probe->trigrams = w->probe->trigrams &&
		    has_trigram(folded);
		if (w->probe->kind == PROBE_LIKE)
			folded = like_pattern(arena, folded);
		t->lo[t->n] = folded;
		t->hi[t->n++] = arena_printf(arena, "%.*s" TEXT_LAST,
		    STR_ARGS(folded));
	}
}

static void
probe_id(const struct work *w)
{
	struct text_ranges *t = &w->probe->texts;
	size_t i;

	w->probe->kind = PROBE_ID;
	t->lo = arena_array(w->ctx->arena, w->c->n, sizeof(*t->lo));
	for (i = 0; i < w->c->n; i++)
		t->lo[t->n++] = w->c->values[i].text;
}

/* --- other types ---------------------------------------------------------- */

static void
probe_within(const struct work *w)
{
	const struct search *search = w->search;
	const struct r4_type *const one[] = { search->type };
	const struct r4_type *const *types = search->ntypes > 0 ?
	    search->types : one;
	size_t n = search->ntypes > 0 ? search->ntypes : 1;
	int64_t rh = key_reference(w->space, str_of(search->owner->name),
	    search->owner_id);
	size_t i;

	w->probe->kind = PROBE_POST;
	w->probe->posts.plain = true;
	search_posts_room(w->ctx->arena, &w->probe->posts, n);
	for (i = 0; i < n; i++)
		add_any(&w->probe->posts, rh ^ key_const(w->space,
		    types[i]->number, search->owner->number,
		    KEY_COMPARTMENT));
}

static enum err
probe_of(const struct work *w)
{
	switch (w->c->kind) {
	case SEARCH_WITHIN:
		probe_within(w);
		return OK;
	case SEARCH_CHAIN:
	case SEARCH_REVERSE:
		return search_probe_link(w->ctx, w->space, w->type, w->probe);
	case SEARCH_MISSING:
		w->probe->kind = w->c->values[0].missing ? PROBE_HAS_NOT :
		    PROBE_HAS;
		return OK;
	case SEARCH_ID:
		probe_id(w);
		return OK;
	case SEARCH_DATE:
		probe_date(w);
		return OK;
	case SEARCH_UPDATED:
		probe_updated(w);
		return OK;
	case SEARCH_NUMBER:
	case SEARCH_QUANTITY:
	case SEARCH_COMPOSITE:
		return search_probe_measure(w->ctx, w->space, w->search, w->c,
		    w->probe);
	case SEARCH_LIST:
		return search_probe_list(w->ctx, w->space, w->type, w->c,
		    w->probe);
	case SEARCH_NEAR:
		search_probe_near(w->ctx, w->space, w->search, w->c, w->probe);
		return OK;
	case SEARCH_STRING:
		if (w->c->modifier == SEARCH_EXACT)
			return probe_post(w);
		probe_string(w);
		return OK;
	default:
		return probe_post(w);
	}
}

/* :missing=true,false is true of every record. */
static bool
is_tautology(const struct search_condition *c)
{
	size_t i;

	for (i = 1; c->kind == SEARCH_MISSING && i < c->n; i++)
		if (c->values[i].missing != c->values[0].missing)
			return true;
	return false;
}

/* Of plan->only: no parameter. */
static const struct search_condition among = { .kind = SEARCH_REVERSE };

enum err
search_probes(struct ctx *ctx, struct key_space space, struct plan *plan)
{
	struct work w = { .ctx = ctx, .space = space,
		.search = plan->search, .type = plan->search->type };
	size_t i;
	enum err err;

	/* Room for `only`, and for one of a caller's own. */
	plan->probes = arena_array(ctx->arena, plan->search->n + 2,
	    sizeof(*plan->probes));
	if (plan->only != NULL)
		plan->probes[plan->n++] = (struct probe){ .kind = PROBE_RH,
			.asked = &among, .hashes = *plan->only };
	for (i = 0; i < plan->search->n; i++) {
		w.c = &plan->search->conditions[i];
		if (is_tautology(w.c))
			continue;
		w.probe = &plan->probes[plan->n++];
		w.probe->asked = w.c;
		w.probe->param = w.param = w.c->param;
		if ((err = probe_of(&w)) != OK)
			return err;
	}
	plan->wide = key_wide(space, plan->search->type);
	search_pair_up(ctx, space, plan);
	return search_narrow(ctx, space, plan);
}
