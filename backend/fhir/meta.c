/* Adding labels to the bytes of a record, and taking them away. */

#include "fhir/meta.h"

#include "fhir/record.h"
#include "fhir/tree.h"

static const char *const sets[] = { "profile", "security", "tag" };

#define NSETS	(sizeof(sets) / sizeof(sets[0]))

struct str
meta_of(struct ctx *ctx, struct str body)
{
	const struct jdoc *d = record_parse(ctx->arena, body);

	return jdoc_source(d, jdoc_get(d, 0, STR("meta")));
}

/* A member of a Coding that says which it is; empty when it is absent. */
static struct str
part(struct forest *f, struct tree *label, const char *name)
{
	struct tree *value = tree_get(f, label, str_of(name));

	return value == NULL ? STR_NONE : tree_text(f, value);
}

static bool
is_same(struct forest *f, struct tree *a, struct tree *b)
{
	if (a->type != b->type)
		return false;
	if (a->type == JDOC_STRING)
		return str_eq(tree_text(f, a), tree_text(f, b));
	return str_eq(part(f, a, "system"), part(f, b, "system")) &&
	    str_eq(part(f, a, "code"), part(f, b, "code"));
}

/* The place of a label in the list, SIZE_MAX when it is not there. */
static size_t
find(struct forest *f, struct tree *list, struct tree *label)
{
	for (size_t i = 0; i < list->n; i++)
		if (is_same(f, list->v[i].value, label))
			return i;
	return SIZE_MAX;
}

static void
add_all(struct forest *f, struct tree *meta, struct str name,
    struct tree *given)
{
	struct tree *list = tree_get(f, meta, name);
	bool made = list == NULL;

	if (made)
		list = tree_new(f, JDOC_ARRAY);
	tree_open(f, list);
	for (size_t i = 0; i < given->n; i++)
		if (find(f, list, given->v[i].value) == SIZE_MAX)
			tree_insert(f, list, list->n, STR_NONE,
			    tree_copy(f, given->v[i].value));
	if (made && list->n > 0)
		tree_set(f, meta, name, list);
}

static void
delete_all(struct forest *f, struct tree *meta, struct str name,
    struct tree *given)
{
	struct tree *list = tree_get(f, meta, name);
	size_t at;

	if (list == NULL)
		return;
	tree_open(f, list);
	for (size_t i = 0; i < given->n; i++)
		while ((at = find(f, list, given->v[i].value)) != SIZE_MAX)
			tree_remove(list, at);
	if (list->n == 0)
		tree_remove(meta, tree_find(f, meta, name));
}

enum err
meta_change(struct ctx *ctx, struct str body, enum meta_change what,
    const struct jdoc *d, uint32_t node, const struct jdoc **out)
{
	struct forest f = { .arena = ctx->arena };
	struct tree *root = tree_of(&f, record_parse(ctx->arena, body), 0);
	struct tree *meta = tree_get(&f, root, STR("meta"));
	struct tree *wish = tree_of(&f, d, node);

	*out = NULL;
	for (size_t i = 0; i < NSETS; i++) {
		struct tree *given = tree_get(&f, wish, str_of(sets[i]));

		if (given == NULL)
			continue;
		tree_open(&f, given);
		(what == META_ADD ? add_all : delete_all)(&f, meta,
		    str_of(sets[i]), given);
	}
	if (f.large || f.deep)
		return fail(ctx, ERR_TOO_LARGE, "the meta has too many labels");
	if (root->changed)
		*out = record_parse(ctx->arena, tree_write(&f, root));
	return OK;
}
