/*
 * $expand, $validate-code and $lookup: which code system or value set is meant,
 * which code, and the answer. R4 terminology-service.html
 */

#include "api/fhir.h"

#include "api/operation.h"
#include "base/when.h"
#include "fhir/expand.h"
#include "fhir/record.h"

/* A code that was asked for, and what it is said to mean. */
struct asked {
	struct str	system, code, display;	/* p NULL: not said */
};

/* --- which one ------------------------------------------------------------ */

static enum err
take_stored(struct ctx *ctx, const struct call *call, struct term *out)
{
	struct record record;
	enum err err;

	if ((err = fhir_check_id(ctx, call->id)) != OK ||
	    (err = store_read(ctx, call->type, call->id, &record)) != OK)
		return err;
	*out = term_of(ctx, record_parse(ctx->arena, record.body), 0);
	return OK;
}

static enum err
take_named(struct ctx *ctx, enum term_kind kind, struct str url,
    struct str version, struct term *out)
{
	struct str name = version.n == 0 ? url : arena_printf(ctx->arena,
	    "%.*s|%.*s", STR_ARGS(url), STR_ARGS(version));
	enum err err = term_find(ctx, kind, name, out);

	if (err != ERR_NOT_FOUND)
		return err;
	return fail(ctx, ERR_NOT_FOUND, "the %s %.*s is neither of R4 nor "
	    "stored here", kind == TERM_VALUE_SET ? "value set" :
	    "code system", STR_ARGS(name));
}

/* The record of the address, the resource that was sent, or the canonical. */
static enum err
take_value_set(struct ctx *ctx, const struct call *call,
    const struct parameters *given, struct term *out)
{
	const struct parameter *sent = parameters_get(given, "valueSet");
	struct str url = parameters_text(given, "url");

	if (call->id.n > 0)
		return take_stored(ctx, call, out);
	if (sent != NULL) {
		*out = term_of(ctx, sent->doc, sent->node);
		return OK;
	}
	if (url.p == NULL)
		return fail_at(ctx, ERR_MISSING_PARAMETER, STR("url"), "say "
		    "which value set: url, valueSet, or ValueSet/<id>");
	return take_named(ctx, TERM_VALUE_SET, url,
	    parameters_text(given, "valueSetVersion"), out);
}

static enum err
take_code_system(struct ctx *ctx, const struct call *call,
    const struct parameters *given, struct str system, struct term *out)
{
	const struct parameter *sent = parameters_get(given, "codeSystem");
	struct str url = parameters_text(given, "url");

	if (call->id.n > 0)
		return take_stored(ctx, call, out);
	if (sent != NULL) {
		*out = term_of(ctx, sent->doc, sent->node);
		return OK;
	}
	if (url.p == NULL)
		url = system;
	if (url.n == 0)
		return fail_at(ctx, ERR_MISSING_PARAMETER, STR("system"),
		    "say which code system is meant");
	return take_named(ctx, TERM_CODE_SYSTEM, url,
	    parameters_text(given, "version"), out);
}

/* --- which code ----------------------------------------------------------- */

static struct asked
coding_of(struct ctx *ctx, const struct jdoc *d, uint32_t node)
{
	struct asked asked = { term_text(ctx, d, node, "system"),
	    term_text(ctx, d, node, "code"),
	    term_text(ctx, d, node, "display") };

	if (asked.system.n == 0)
		asked.system = STR_NONE;
	if (asked.display.n == 0)
		asked.display = STR_NONE;
	return asked;
}

/* The codes that were given, in any of the three ways; *n of them. */
static enum err
take_codes(struct ctx *ctx, const struct parameters *given,
    struct asked **out, size_t *n)
{
	const struct parameter *coding = parameters_get(given, "coding");
	const struct parameter *concept = parameters_get(given,
	    "codeableConcept");
	uint32_t list;

	*n = 1;
	*out = arena_array(ctx->arena, 1, sizeof(**out));
	if (concept != NULL) {
		list = jdoc_get(concept->doc, concept->node, STR("coding"));
		*out = arena_array(ctx->arena, concept->doc->count,
		    sizeof(**out));
		*n = 0;
		for (uint32_t i = term_first(concept->doc, concept->node,
		    "coding"); i != 0; i = jdoc_next(concept->doc, list, i))
			(*out)[(*n)++] = coding_of(ctx, concept->doc, i);
		return OK;
	}
	if (coding != NULL)
		**out = coding_of(ctx, coding->doc, coding->node);
	else
		**out = (struct asked){ parameters_text(given, "system"),
		    parameters_text(given, "code"),
		    parameters_text(given, "display") };
	if ((*out)->code.n == 0)
		return fail_at(ctx, ERR_MISSING_PARAMETER, STR("code"),
		    "say which code is meant: code and system, or coding");
	return OK;
}

static bool
same_text(struct ctx *ctx, struct str a, struct str b)
{
	return str_eq(key_fold(ctx->arena, a), key_fold(ctx->arena, b));
}

/* --- answers -------------------------------------------------------------- */

static void
answer_parameters(const struct call *call, struct parameters_out *o,
    struct http_answer *answer)
{
	answer_private(answer);
	answer_body(answer, call->media, parameters_end(o));
}

/* What the code means when it is there, else NULL. */
static void
answer_verdict(struct ctx *ctx, const struct call *call,
    const struct asked *asked, const struct str *display,
    struct http_answer *answer)
{
	struct parameters_out o = parameters_begin(ctx);
	bool right = display != NULL && (asked->display.p == NULL ||
	    same_text(ctx, asked->display, *display));

	parameters_add_json(&o, "result", "valueBoolean",
	    str_of(right ? "true" : "false"));
	if (display == NULL)
		parameters_add(&o, "message", "valueString", arena_printf(
		    ctx->arena, "%.*s%s%.*s is not there",
		    STR_ARGS(asked->system), asked->system.n > 0 ? "|" : "",
		    STR_ARGS(asked->code)));
	else if (!right)
		parameters_add(&o, "message", "valueString", arena_printf(
		    ctx->arena, "the code is there, but means \"%.*s\"",
		    STR_ARGS(*display)));
	if (display != NULL && display->n > 0)
		parameters_add(&o, "display", "valueString", *display);
	answer_parameters(call, &o, answer);
}

static enum err
validate_in_set(struct ctx *ctx, const struct call *call,
    const struct parameters *given, struct http_answer *answer)
{
	const struct expansion_code *found = NULL;
	struct expansion expansion;
	struct asked *asked;
	struct term set = { .node = 0 };
	size_t n, i;
	enum err err;

	if ((err = take_codes(ctx, given, &asked, &n)) != OK ||
	    (err = take_value_set(ctx, call, given, &set)) != OK ||
	    (err = expand(ctx, &set, &expansion)) != OK)
		return err;
	for (i = 0; i < n && found == NULL; i++)
		found = expansion_find(&expansion, asked[i].system,
		    asked[i].code);
	answer_verdict(ctx, call, n == 0 ? &(struct asked){ STR_NONE,
	    STR("no code"), STR_NONE } : &asked[found == NULL ? 0 : i - 1],
	    found == NULL ? NULL : &found->display, answer);
	return OK;
}

static enum err
validate_in_system(struct ctx *ctx, const struct call *call,
    const struct parameters *given, struct http_answer *answer)
{
	const struct concept *found = NULL;
	struct concepts concepts;
	struct asked *asked;
	struct term system = { .node = 0 };
	size_t n, i;
	enum err err;

	if ((err = take_codes(ctx, given, &asked, &n)) != OK ||
	    (err = take_code_system(ctx, call, given, n > 0 ?
	    asked[0].system : STR_NONE, &system)) != OK)
		return err;
	concepts_read(ctx, &system, &concepts);
	for (i = 0; i < n && found == NULL; i++)
		if (asked[i].system.n == 0 ||
		    str_eq(asked[i].system, system.url))
			found = concept_named(&concepts, asked[i].code);
	if (found == NULL && !concepts.complete)
		return fail_as(ctx, ERR_VALIDATION, "incomplete", STR("code"),
		    "the code system %.*s is here only in part, and does not "
		    "have that code", STR_ARGS(system.url));
	answer_verdict(ctx, call, n == 0 ? &(struct asked){ STR_NONE,
	    STR("no code"), STR_NONE } : &asked[found == NULL ? 0 : i - 1],
	    found == NULL ? NULL : &found->display, answer);
	return OK;
}

enum err
fhir_validate_code(struct ctx *ctx, const struct call *call,
    struct http_answer *answer)
{
	struct parameters given;
	enum err err = operation_input(ctx, call, &given);

	if (err != OK)
		return err;
	return strcmp(call->type->name, "ValueSet") == 0 ?
	    validate_in_set(ctx, call, &given, answer) :
	    validate_in_system(ctx, call, &given, answer);
}

/* --- $expand -------------------------------------------------------------- */

/* What part of an expansion is wanted. */
struct window {
	struct str	filter;		/* folded; p NULL: all */
	bool		active_only;
	uint64_t	offset, count;
};

static enum err
take_window(struct ctx *ctx, const struct parameters *given,
    struct window *out)
{
	struct str filter = parameters_text(given, "filter");
	enum err err;

	*out = (struct window){ .count = EXPANSION_MAX };
	if (filter.p != NULL)
		out->filter = key_fold(ctx->arena, filter);
	out->active_only = parameters_true(given, "activeOnly");
	if ((err = parameters_number(ctx, given, "offset", INT32_MAX,
	    &out->offset)) != OK)
		return err;
	return parameters_number(ctx, given, "count", INT32_MAX,
	    &out->count);
}

static bool
contains(struct ctx *ctx, struct str text, struct str part)
{
	struct str folded = key_fold(ctx->arena, text);

	return part.n == 0 || (folded.n >= part.n &&
	    memmem(folded.p, folded.n, part.p, part.n) != NULL);
}

static bool
is_wanted(struct ctx *ctx, const struct window *window,
    const struct expansion_code *code)
{
	if (window->active_only && code->inactive)
		return false;
	return window->filter.p == NULL ||
	    contains(ctx, code->display, window->filter) ||
	    contains(ctx, code->code, window->filter);
}

static void
add_member(struct buf *b, const char *name, struct str text)
{
	if (text.n == 0)
		return;
	buf_addf(b, ",\"%s\":", name);
	buf_add_quoted(b, text);
}

static void
add_code(struct buf *b, const struct expansion_code *code, bool first)
{
	buf_addf(b, "%s{\"system\":", first ? "" : ",");
	buf_add_quoted(b, code->system);
	if (code->inactive)
		buf_addz(b, ",\"inactive\":true");
	add_member(b, "code", code->code);
	add_member(b, "display", code->display);
	buf_addc(b, '}');
}

/* The codes within the window; how many there are without its ends. */
static size_t
add_codes(struct ctx *ctx, struct buf *b, const struct window *window,
    const struct expansion *e)
{
	size_t total = 0;
	bool first = true;

	for (size_t i = 0; i < e->n; i++) {
		if (!is_wanted(ctx, window, &e->v[i]))
			continue;
		if (total >= window->offset &&
		    total - window->offset < window->count) {
			add_code(b, &e->v[i], first);
			first = false;
		}
		total++;
	}
	return total;
}

/* What the value set says of itself. */
static void
add_head(struct ctx *ctx, struct buf *b, const struct term *set, bool whole)
{
	static const char *const members[] = { "id", "url", "version", "name",
		"title" };
	struct str status = term_text(ctx, set->d, set->node, "status");
	uint32_t compose = jdoc_get(set->d, set->node, STR("compose"));

	buf_addz(b, "{\"resourceType\":\"ValueSet\"");
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		add_member(b, members[i], term_text(ctx, set->d, set->node,
		    members[i]));
	add_member(b, "status", status.n > 0 ? status : STR("active"));
	if (whole && compose != 0) {
		buf_addz(b, ",\"compose\":");
		buf_add(b, jdoc_source(set->d, compose));
	}
}

static struct str
write_expansion(struct ctx *ctx, const struct expansion *e,
    const struct window *window, bool whole)
{
	struct buf codes = buf_new(ctx->arena, 4096);
	struct buf b = buf_new(ctx->arena, 1024);
	char now[WHEN_INSTANT_CHARS + 1];
	size_t total = add_codes(ctx, &codes, window, e);

	when_format(ctx->now_us, now);
	add_head(ctx, &b, &e->value_set, whole);
	buf_addf(&b, ",\"expansion\":{\"timestamp\":\"%s\",\"total\":%zu,"
	    "\"offset\":%llu", now, total,
	    (unsigned long long)window->offset);
	if (codes.n > 0) {
		buf_addz(&b, ",\"contains\":[");
		buf_add(&b, buf_str(&codes));
		buf_addc(&b, ']');
	}
	buf_addz(&b, "}}");
	return buf_str(&b);
}

enum err
fhir_expand(struct ctx *ctx, const struct call *call,
    struct http_answer *answer)
{
	struct expansion expansion;
	struct parameters given;
	struct window window;
	struct term set = { .node = 0 };
	enum err err;

	if ((err = operation_input(ctx, call, &given)) != OK ||
	    (err = take_window(ctx, &given, &window)) != OK ||
	    (err = take_value_set(ctx, call, &given, &set)) != OK ||
	    (err = expand(ctx, &set, &expansion)) != OK)
		return err;
	answer_private(answer);
	answer_body(answer, call->media, write_expansion(ctx, &expansion,
	    &window, parameters_true(&given, "includeDefinition")));
	return OK;
}

/* --- $lookup -------------------------------------------------------------- */

static bool
is_property_wanted(const struct parameters *given, struct str name)
{
	bool any = false;

	for (size_t i = 0; i < given->n; i++) {
		if (strcmp(given->v[i].kind->name, "property") != 0)
			continue;
		any = true;
		if (str_eq(given->v[i].text, name))
			return true;
	}
	return !any;
}

static void
add_neighbour(struct parameters_out *o, const struct parameters *given,
    const char *name, struct str code)
{
	if (!is_property_wanted(given, str_of(name)))
		return;
	parameters_open(o, "property");
	parameters_add(o, "code", "valueCode", str_of(name));
	parameters_add(o, "value", "valueCode", code);
	parameters_close(o);
}

/* A property as the code system has it: code and value[x]. */
static void
add_property(struct ctx *ctx, struct parameters_out *o,
    const struct parameters *given, const struct jdoc *d, uint32_t node)
{
	struct str code = term_text(ctx, d, node, "code");

	if (!is_property_wanted(given, code))
		return;
	parameters_open(o, "property");
	parameters_add(o, "code", "valueCode", code);
	for (uint32_t i = jdoc_first(d, node); i != 0;
	    i = jdoc_next(d, node, i))
		if (str_starts(jdoc_raw(d, i), STR("value")))
			parameters_add_json(o, "value", arena_z(ctx->arena,
			    jdoc_raw(d, i)), jdoc_source(d, jdoc_value(d, i)));
	parameters_close(o);
}

static void
add_concept(struct ctx *ctx, struct parameters_out *o,
    const struct parameters *given, const struct concepts *c,
    const struct concept *concept)
{
	const struct jdoc *d = c->system.d;
	uint32_t list = jdoc_get(d, concept->node, STR("property"));
	struct str definition = term_text(ctx, d, concept->node,
	    "definition");
	size_t at = (size_t)(concept - c->v) + 1;

	parameters_add(o, "display", "valueString", concept->display.n > 0 ?
	    concept->display : concept->code);
	if (definition.n > 0)
		parameters_add(o, "definition", "valueString", definition);
	if (concept->up != 0)
		add_neighbour(o, given, "parent", c->v[concept->up - 1].code);
	for (size_t i = 0; i < c->n; i++)
		if (c->v[i].up == at)
			add_neighbour(o, given, "child", c->v[i].code);
	for (uint32_t i = term_first(d, concept->node, "property"); i != 0;
	    i = jdoc_next(d, list, i))
		add_property(ctx, o, given, d, i);
}

enum err
fhir_lookup(struct ctx *ctx, const struct call *call,
    struct http_answer *answer)
{
	const struct concept *concept;
	struct parameters given;
	struct parameters_out o;
	struct concepts c;
	struct asked *asked;
	struct term system = { .node = 0 };
	size_t n;
	enum err err;

	if ((err = operation_input(ctx, call, &given)) != OK ||
	    (err = take_codes(ctx, &given, &asked, &n)) != OK ||
	    (err = take_code_system(ctx, call, &given, asked->system,
	    &system)) != OK)
		return err;
	concepts_read(ctx, &system, &c);
	if ((concept = concept_named(&c, asked->code)) == NULL)
		return fail_at(ctx, ERR_NOT_FOUND, STR("code"), "the code "
		    "system %.*s has no code %.*s%s", STR_ARGS(system.url),
		    STR_ARGS(asked->code), c.complete ? "" :
		    " in the part of it that is here");
	o = parameters_begin(ctx);
	parameters_add(&o, "name", "valueString", system.name.n > 0 ?
	    system.name : system.url);
	if (system.version.n > 0)
		parameters_add(&o, "version", "valueString", system.version);
	add_concept(ctx, &o, &given, &c, concept);
	answer_parameters(call, &o, answer);
	return OK;
}
