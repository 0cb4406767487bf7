/* JSON Patch: six operations on JSON values. RFC 6902; pointers: RFC 6901 */

#include "fhir/patch_form.h"

/* --- pointers ------------------------------------------------------------- */

/* Where a pointer leads: a place in a container, whose value may be missing. */
struct place_of {
	struct tree	*in;		/* NULL: the whole document */
	struct str	 name;		/* of an object's member */
	size_t		 i;		/* SIZE_MAX: no such member */
	bool		 end;		/* "-", behind the last */
	struct tree	*value;		/* NULL when it is missing */
};

/* "~1" is "/", "~0" is "~"; false for any other "~". RFC 6901 3 */
static bool
decode_token(struct arena *arena, struct str token, struct str *out)
{
	char *p;
	size_t n = 0;

	*out = token;
	if (!str_has(token, '~'))
		return true;
	p = arena_alloc(arena, token.n);
	for (size_t i = 0; i < token.n; i++) {
		if (token.p[i] != '~') {
			p[n++] = token.p[i];
			continue;
		}
		i++;
		if (i == token.n || (token.p[i] != '0' && token.p[i] != '1'))
			return false;
		p[n++] = token.p[i] == '0' ? '~' : '/';
	}
	*out = (struct str){ p, n };
	return true;
}

/* An element of an array, or the place behind the last. RFC 6901 4 */
static enum err
step_array(struct patch_work *w, struct str token, struct place_of *at)
{
	struct tree *array = at->in;
	uint64_t i = array->n;

	at->end = str_eqz(token, "-");
	if (!at->end && !str_u64(token, UINT32_MAX, &i))
		return patch_misfit(w, "\"%.*s\" is no index of an array",
		    STR_ARGS(token));
	if (i > array->n)
		return patch_misfit(w, "index %llu is behind the end of an "
		    "array of %zu", (unsigned long long)i, array->n);
	at->i = (size_t)i;
	at->value = i < array->n ? array->v[i].value : NULL;
	return OK;
}

static enum err
step(struct patch_work *w, struct str token, struct place_of *at)
{
	struct tree *in = at->value;

	if (in == NULL)
		return patch_misfit(w, "there is nothing where the path goes "
		    "on with \"%.*s\"", STR_ARGS(token));
	tree_open(w->f, in);
	*at = (struct place_of){ .in = in, .name = token, .i = SIZE_MAX };
	if (in->type == JDOC_ARRAY)
		return step_array(w, token, at);
	if (in->type != JDOC_OBJECT)
		return patch_misfit(w, "what the path leads to has no member "
		    "\"%.*s\"", STR_ARGS(token));
	at->i = tree_find(w->f, in, token);
	if (at->i != SIZE_MAX)
		at->value = in->v[at->i].value;
	return OK;
}

static enum err
find(struct patch_work *w, struct str pointer, struct place_of *at)
{
	unsigned depth = 0;
	struct str token;
	enum err err;

	*at = (struct place_of){ .value = w->root };
	if (pointer.n == 0)
		return OK;
	if (pointer.p[0] != '/')
		return patch_malformed(w, "the pointer \"%.*s\" must be empty "
		    "or begin with \"/\"", STR_ARGS(pointer));
	pointer = str_from(pointer, 1);
	while (pointer.p != NULL) {
		token = str_cut(&pointer, '/');
		if (!decode_token(w->ctx->arena, token, &token))
			return patch_malformed(w, "a \"~\" of a pointer is "
			    "written ~0");
		if (++depth > TREE_DEPTH_MAX)
			return patch_misfit(w, "the path is longer than %d "
			    "steps", TREE_DEPTH_MAX);
		if ((err = step(w, token, at)) != OK)
			return err;
	}
	return OK;
}

/* The same, and there is something. */
static enum err
find_value(struct patch_work *w, struct str pointer, struct place_of *at)
{
	enum err err = find(w, pointer, at);

	if (err == OK && at->value == NULL)
		return patch_misfit(w, "there is nothing at \"%.*s\"",
		    STR_ARGS(pointer));
	return err;
}

/* --- the operations ------------------------------------------------------- */

/* What an operation says. */
struct request {
	struct str		 op, path, from;
	const struct jdoc	*d;
	uint32_t		 value;
};

static enum err
put(struct patch_work *w, struct str path, struct tree *value)
{
	struct place_of at;
	enum err err = find(w, path, &at);

	if (err != OK)
		return err;
	if (at.in == NULL)
		w->root = value;
	else if (at.in->type == JDOC_OBJECT && at.value != NULL)
		tree_replace(at.in, at.i, value);
	else
		tree_insert(w->f, at.in, at.in->type == JDOC_ARRAY ? at.i :
		    at.in->n, at.in->type == JDOC_ARRAY ? STR_NONE : at.name,
		    value);
	return OK;
}

static enum err
do_add(struct patch_work *w, const struct request *r)
{
	return put(w, r->path, tree_of(w->f, r->d, r->value));
}

static enum err
remove_at(struct patch_work *w, struct str path, struct tree **removed)
{
	struct place_of at;
	enum err err = find_value(w, path, &at);

	if (err != OK)
		return err;
	if (at.in == NULL)
		return patch_misfit(w, "the whole record cannot be removed; "
		    "that is a DELETE");
	*removed = at.value;
	tree_remove(at.in, at.i);
	return OK;
}

static enum err
do_remove(struct patch_work *w, const struct request *r)
{
	struct tree *removed;

	return remove_at(w, r->path, &removed);
}

static enum err
do_replace(struct patch_work *w, const struct request *r)
{
	struct tree *value = tree_of(w->f, r->d, r->value);
	struct place_of at;
	enum err err = find_value(w, r->path, &at);

	if (err != OK)
		return err;
	if (at.in == NULL)
		w->root = value;
	else
		tree_replace(at.in, at.i, value);
	return OK;
}

/* RFC 6902 4.4: not into what is moved. */
static enum err
do_move(struct patch_work *w, const struct request *r)
{
	struct tree *value = NULL;
	enum err err;

	if (r->path.n > r->from.n && str_starts(r->path, r->from) &&
	    r->path.p[r->from.n] == '/')
		return patch_malformed(w, "\"%.*s\" cannot be moved into "
		    "itself", STR_ARGS(r->from));
	if (str_eq(r->path, r->from)) {
		struct place_of at;

		return find_value(w, r->from, &at);
	}
	if ((err = remove_at(w, r->from, &value)) != OK)
		return err;
	return put(w, r->path, value);
}

static enum err
do_copy(struct patch_work *w, const struct request *r)
{
	struct place_of at;
	enum err err = find_value(w, r->from, &at);

	if (err != OK)
		return err;
	return put(w, r->path, tree_copy(w->f, at.value));
}

static enum err
do_test(struct patch_work *w, const struct request *r)
{
	struct place_of at;
	enum err err = find_value(w, r->path, &at);

	if (err != OK)
		return err;
	if (!tree_equal(w->f, at.value, tree_of(w->f, r->d, r->value)))
		return patch_misfit(w, "the test of \"%.*s\" failed: its value "
		    "is another one", STR_ARGS(r->path));
	return OK;
}

/* clang-format off */
static const struct {
	const char	*name;
	bool		 value, from;	/* members that it needs */
	enum err	(*run)(struct patch_work *w, const struct request *r);
} operations[] = {
	{ "add",	true,	false,	do_add },
	{ "remove",	false,	false,	do_remove },
	{ "replace",	true,	false,	do_replace },
	{ "move",	false,	true,	do_move },
	{ "copy",	false,	true,	do_copy },
	{ "test",	true,	false,	do_test },
};
/* clang-format on */

#define NOPERATIONS	(sizeof(operations) / sizeof(operations[0]))

/* A member that must be a string. */
static enum err
take_text(struct patch_work *w, const struct jdoc *d, uint32_t node,
    const char *name, struct str *out)
{
	uint32_t value = jdoc_get(d, node, str_of(name));
	char *text;

	if (value == 0 || jdoc_type(d, value) != JDOC_STRING)
		return patch_malformed(w, "the operation needs a string "
		    "\"%s\"", name);
	text = arena_alloc(w->ctx->arena, jdoc_raw(d, value).n + 1);
	*out = (struct str){ text, jdoc_decode(d, value, text) };
	return OK;
}

static enum err
run_one(struct patch_work *w, const struct jdoc *d, uint32_t node)
{
	struct request r = { .d = d };
	enum err err;

	if (jdoc_type(d, node) != JDOC_OBJECT)
		return patch_malformed(w, "an operation is an object");
	if ((err = take_text(w, d, node, "op", &r.op)) != OK ||
	    (err = take_text(w, d, node, "path", &r.path)) != OK)
		return err;
	r.value = jdoc_get(d, node, STR("value"));
	for (size_t i = 0; i < NOPERATIONS; i++) {
		if (!str_eqz(r.op, operations[i].name))
			continue;
		if (operations[i].value && r.value == 0)
			return patch_malformed(w, "\"%s\" needs a \"value\"",
			    operations[i].name);
		if (operations[i].from && (err = take_text(w, d, node, "from",
		    &r.from)) != OK)
			return err;
		return operations[i].run(w, &r);
	}
	return patch_malformed(w, "\"%.*s\" is no operation: add, remove, "
	    "replace, move, copy or test", STR_ARGS(r.op));
}

enum err
patch_json(struct patch_work *w, const struct patch *patch)
{
	const struct jdoc *d = patch->doc;
	size_t n = 0;
	enum err err;

	for (uint32_t i = jdoc_first(d, patch->node); i != 0;
	    i = jdoc_next(d, patch->node, i), n++) {
		w->at = arena_printf(w->ctx->arena, "[%zu]", n);
		if (n == PATCH_OPERATIONS_MAX)
			return fail_at(w->ctx, ERR_TOO_LARGE, w->at, "a patch "
			    "may have %d operations", PATCH_OPERATIONS_MAX);
		if ((err = run_one(w, d, i)) != OK)
			return err;
	}
	return OK;
}
