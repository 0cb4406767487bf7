/*
 * Keys of what is compared for equality: tokens, references, uris, and the
 * texts of strings. R4 search.html#token, #reference, #uri, #string
 */

#include "fhir/keys_build.h"

/* --- tokens ------------------------------------------------------------- */

static void
coding(const struct key_build *b, uint32_t node, token_visit *visit, void *to)
{
	struct token t = {
		build_member_text(b, node, STR("system")),
		build_member_text(b, node, STR("code")),
		build_member_text(b, node, STR("display")),
	};

	visit(to, &t);
}

static void
codings(const struct key_build *b, uint32_t concept, token_visit *visit,
    void *to)
{
	const struct jdoc *d = b->x.doc;
	uint32_t list = jdoc_get(d, concept, STR("coding"));

	if (list == 0 || jdoc_type(d, list) != JDOC_ARRAY)
		return;
	for (uint32_t i = jdoc_first(d, list); i != 0;
	    i = jdoc_next(d, list, i))
		coding(b, i, visit, to);
}

/* A system and a code that stand in two members of node. */
static void
pair(const struct key_build *b, uint32_t node, struct str system,
    struct str code, token_visit *visit, void *to)
{
	struct token t = {
		build_member_text(b, node, system),
		build_member_text(b, node, code),
		STR_NONE,
	};

	visit(to, &t);
}

/* The code of a primitive, which has no system. */
static void
plain(const struct key_build *b, enum extract_kind kind, uint32_t node,
    token_visit *visit, void *to)
{
	struct token t = { .code = build_text(b, node) };

	if (kind == EXTRACT_YES || kind == EXTRACT_NO)
		t.code = kind == EXTRACT_YES ? STR("true") : STR("false");
	else if (kind == EXTRACT_BOOLEAN)
		t.code = jdoc_raw(b->x.doc, node);
	visit(to, &t);
}

void
token_each(const struct key_build *b, enum extract_kind kind, uint32_t node,
    token_visit *visit, void *to)
{
	switch (kind) {
	case EXTRACT_CODEABLE:
		codings(b, node, visit, to);
		break;
	case EXTRACT_CODING:
		coding(b, node, visit, to);
		break;
	case EXTRACT_IDENTIFIER:
		pair(b, node, STR("system"), STR("value"), visit, to);
		break;
	case EXTRACT_CONTACT:
		pair(b, node, STR("use"), STR("value"), visit, to);
		break;
	default:
		plain(b, kind, node, visit, to);
		break;
	}
}

/* What :text searches. R4 search.html#modifiers */
static void
text_key(struct key_build *b, struct str text)
{
	struct str folded;
	int64_t hash;

	if (text.n == 0)
		return;
	folded = key_fold(b->ctx->arena, text);
	if (folded.n == 0)
		return;
	hash = key_hash(b->space, folded);
	build_post(b, KEY_TEXT, hash, 0);
	build_dict(b, KEY_TEXT, hash, STR_NONE, folded, text);
}

struct token_to {
	struct key_build	*b;
	enum extract_kind	 kind;
	struct str		 value;		/* of an identifier */
};

static bool
in_dict(enum extract_kind kind)
{
	return kind == EXTRACT_CODEABLE || kind == EXTRACT_CODING ||
	    kind == EXTRACT_CODE;
}

static void
token_key(void *to, const struct token *t)
{
	const struct token_to *v = to;
	struct key_build *b = v->b;
	int64_t hash;

	if (t->code.n > 0 || t->system.n > 0) {
		hash = key_hash(b->space, t->code);
		build_post(b, KEY_VALUE, hash, key_system(b->space, t->system));
		if (in_dict(v->kind))
			build_dict(b, KEY_VALUE, hash, t->system, t->code,
			    t->display);
	}
	text_key(b, t->display);
}

/* One type of an identifier with its value. */
static void
of_type_key(void *to, const struct token *t)
{
	const struct token_to *v = to;
	struct key_build *b = v->b;

	if (t->code.n > 0)
		build_post(b, KEY_OF_TYPE, key_triple(b->space, t->system,
		    t->code, v->value), 0);
}

static void
identifier_keys(struct key_build *b, uint32_t node)
{
	struct str system = build_member_text(b, node, STR("system"));
	uint32_t type = jdoc_get(b->x.doc, node, STR("type"));
	struct token_to to = { .b = b };

	if (system.n > 0)
		build_post(b, KEY_SYSTEM, key_hash(b->space, system), 0);
	if (type == 0)
		return;
	text_key(b, build_member_text(b, type, STR("text")));
	to.value = build_member_text(b, node, STR("value"));
	if (to.value.n > 0)
		codings(b, type, of_type_key, &to);
}

void
value_token(struct key_build *b, enum extract_kind kind, uint32_t node)
{
	struct token_to to = { .b = b, .kind = kind };

	token_each(b, kind, node, token_key, &to);
	if (kind == EXTRACT_CODEABLE)
		text_key(b, build_member_text(b, node, STR("text")));
	else if (kind == EXTRACT_IDENTIFIER)
		identifier_keys(b, node);
}

/* --- references --------------------------------------------------------- */

/* A resource in the place of a reference is referred to as Type/id. */
static struct str
resource_text(const struct key_build *b, uint32_t node)
{
	struct str type = build_member_text(b, node, STR("resourceType"));
	struct str id = build_member_text(b, node, STR("id"));

	if (type.n == 0 || id.n == 0)
		return STR_NONE;
	return arena_printf(b->ctx->arena, "%.*s/%.*s", STR_ARGS(type),
	    STR_ARGS(id));
}

struct str
reference_text(const struct key_build *b, enum extract_kind kind, uint32_t node)
{
	if (kind == EXTRACT_REFERENCE)
		return build_member_text(b, node, STR("reference"));
	if (kind == EXTRACT_RESOURCE)
		return resource_text(b, node);
	return build_text(b, node);
}

/* Of "url|version" also the url alone. R4 references.html#canonical */
static void
canonical_key(struct key_build *b, struct str text)
{
	struct str rest = text;
	struct str url = str_cut(&rest, '|');

	if (rest.p != NULL)
		build_post(b, KEY_CANONICAL, key_hash(b->space, url), 0);
}

static void
identifier_of_reference(struct key_build *b, uint32_t node)
{
	uint32_t identifier = jdoc_get(b->x.doc, node, STR("identifier"));
	struct str system, value;

	if (identifier == 0)
		return;
	system = build_member_text(b, identifier, STR("system"));
	value = build_member_text(b, identifier, STR("value"));
	if (system.n > 0 || value.n > 0)
		build_post(b, KEY_IDENTIFIER, key_hash(b->space, value),
		    key_system(b->space, system));
}

void
value_reference(struct key_build *b, enum extract_kind kind, uint32_t node)
{
	struct str text = reference_text(b, kind, node);
	const struct r4_type *type;
	int64_t hash = key_target(b->ctx, b->space, text, &type);

	if (kind == EXTRACT_REFERENCE)
		identifier_of_reference(b, node);
	if (text.n == 0 || text.p[0] == '#')
		return;
	build_post(b, KEY_VALUE, hash, 0);
	if (type == NULL) {
		canonical_key(b, text);
	} else if (kind != EXTRACT_RESOURCE) {
		build_ref(b, hash);
		build_member(b, type, hash);
	}
}

/* --- uris and strings --------------------------------------------------- */

void
value_uri(struct key_build *b, enum extract_kind kind, uint32_t node)
{
	struct str text = build_text(b, node);
	int64_t hash = key_hash(b->space, text);

	(void)kind;
	if (text.n == 0)
		return;
	build_post(b, KEY_VALUE, hash, 0);
	build_dict(b, KEY_VALUE, hash, STR_NONE, text, STR_NONE);
	canonical_key(b, text);
}

static void
string_keys(struct key_build *b, uint32_t node)
{
	struct str text = build_text(b, node);
	struct str folded;

	if (text.n == 0)
		return;
	build_post(b, KEY_EXACT, key_hash(b->space, text), 0);
	folded = key_fold(b->ctx->arena, text);
	if (folded.n > 0)
		build_str(b, folded);
}

/* Every text of a name or an address, except what says how it is used. */
static void
parts_keys(struct key_build *b, uint32_t node, const struct str *parts)
{
	const struct jdoc *d = b->x.doc;

	for (; parts->n > 0; parts++) {
		uint32_t part = jdoc_get(d, node, *parts);

		if (part == 0)
			continue;
		if (jdoc_type(d, part) != JDOC_ARRAY) {
			string_keys(b, part);
			continue;
		}
		for (uint32_t i = jdoc_first(d, part); i != 0;
		    i = jdoc_next(d, part, i))
			string_keys(b, i);
	}
}

void
value_string(struct key_build *b, enum extract_kind kind, uint32_t node)
{
	static const struct str name[] = { STEP_STR("family"),
		STEP_STR("given"), STEP_STR("text"), STEP_STR("prefix"),
		STEP_STR("suffix"), { NULL, 0 } };
	static const struct str address[] = { STEP_STR("line"),
		STEP_STR("city"), STEP_STR("district"), STEP_STR("state"),
		STEP_STR("postalCode"), STEP_STR("country"),
		STEP_STR("text"), { NULL, 0 } };

	if (kind == EXTRACT_NAME)
		parts_keys(b, node, name);
	else if (kind == EXTRACT_ADDRESS)
		parts_keys(b, node, address);
	else
		string_keys(b, node);
}
