/* Opening, changing, comparing and writing a document that is being changed. */

#include "fhir/tree.h"

#include "fhir/decimal.h"

/* --- making --------------------------------------------------------------- */

static struct tree *
make(struct forest *f, enum jdoc_type type)
{
	struct tree *t = arena_zero(f->arena, sizeof(*t));

	t->type = type;
	if (++f->values > TREE_VALUES_MAX)
		f->large = true;
	return t;
}

struct tree *
tree_of(struct forest *f, const struct jdoc *d, uint32_t node)
{
	struct tree *t = make(f, jdoc_type(d, node));

	t->d = d;
	t->node = node;
	return t;
}

struct tree *
tree_new(struct forest *f, enum jdoc_type type)
{
	struct tree *t = make(f, type);

	t->open = true;
	t->changed = true;
	return t;
}

static struct str
decoded(struct forest *f, const struct jdoc *d, uint32_t node)
{
	struct str raw = jdoc_raw(d, node);
	char *out;

	if (!d->nodes[node].escaped)
		return raw;
	out = arena_alloc(f->arena, raw.n);
	return (struct str){ out, jdoc_decode(d, node, out) };
}

struct str
tree_text(struct forest *f, const struct tree *t)
{
	if (t->type != JDOC_STRING)
		return STR_NONE;
	return decoded(f, t->d, t->node);
}

static void
grow(struct forest *f, struct tree *t)
{
	struct branch *old = t->v;

	t->room = t->room * 2 + 8;
	t->v = arena_array(f->arena, t->room, sizeof(*t->v));
	if (t->n > 0)
		memcpy(t->v, old, t->n * sizeof(*t->v));
}

static void
append(struct forest *f, struct tree *t, struct branch branch)
{
	if (t->n == t->room)
		grow(f, t);
	branch.value->up = t;
	t->v[t->n++] = branch;
}

void
tree_open(struct forest *f, struct tree *t)
{
	bool object = t->type == JDOC_OBJECT;
	uint32_t i;

	if (t->open || (!object && t->type != JDOC_ARRAY))
		return;
	t->open = true;
	for (i = jdoc_first(t->d, t->node); i != 0 && !f->large;
	    i = jdoc_next(t->d, t->node, i)) {
		struct branch branch = { STR_NONE, STR_NONE, NULL };

		if (object) {
			branch.name = decoded(f, t->d, i);
			branch.source = jdoc_source(t->d, i);
		}
		branch.value = tree_of(f, t->d, object ?
		    jdoc_value(t->d, i) : i);
		append(f, t, branch);
	}
}

static struct tree *
copy(struct forest *f, const struct tree *t, unsigned depth)
{
	struct tree *made;

	if (!t->changed)
		return tree_of(f, t->d, t->node);
	made = tree_new(f, t->type);
	if (depth == 0)
		f->deep = true;
	for (size_t i = 0; i < t->n && !f->deep && !f->large; i++)
		append(f, made, (struct branch){ t->v[i].name, t->v[i].source,
		    copy(f, t->v[i].value, depth - 1) });
	return made;
}

struct tree *
tree_copy(struct forest *f, const struct tree *t)
{
	return copy(f, t, TREE_DEPTH_MAX);
}

/* --- looking -------------------------------------------------------------- */

size_t
tree_find(struct forest *f, struct tree *object, struct str name)
{
	if (object->type != JDOC_OBJECT)
		return SIZE_MAX;
	tree_open(f, object);
	for (size_t i = 0; i < object->n; i++)
		if (str_eq(object->v[i].name, name))
			return i;
	return SIZE_MAX;
}

struct tree *
tree_get(struct forest *f, struct tree *object, struct str name)
{
	size_t i = tree_find(f, object, name);

	return i == SIZE_MAX ? NULL : object->v[i].value;
}

/* Members mostly come in the same order: the i-th is looked at first. */
static struct tree *
same_member(struct forest *f, struct tree *object, size_t i, struct str name)
{
	if (str_eq(object->v[i].name, name))
		return object->v[i].value;
	return tree_get(f, object, name);
}

static bool
equal(struct forest *f, struct tree *a, struct tree *b, unsigned depth)
{
	if (a->type != b->type)
		return false;
	if (a->type == JDOC_STRING)
		return str_eq(tree_text(f, a), tree_text(f, b));
	if (a->type == JDOC_NUMBER)
		return decimal_equal(jdoc_raw(a->d, a->node),
		    jdoc_raw(b->d, b->node));
	tree_open(f, a);
	tree_open(f, b);
	if (depth == 0)
		f->deep = true;
	if (a->n != b->n || f->deep || f->large)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		struct tree *other = a->type == JDOC_ARRAY ? b->v[i].value :
		    same_member(f, b, i, a->v[i].name);

		if (other == NULL || !equal(f, a->v[i].value, other,
		    depth - 1))
			return false;
	}
	return true;
}

bool
tree_equal(struct forest *f, struct tree *a, struct tree *b)
{
	return equal(f, a, b, TREE_DEPTH_MAX);
}

/* --- changing ------------------------------------------------------------- */

/* It can no longer be written as it was read, nor can what it hangs in. */
static void
mark(struct tree *t)
{
	for (; t != NULL && !t->changed; t = t->up)
		t->changed = true;
}

void
tree_insert(struct forest *f, struct tree *t, size_t i, struct str name,
    struct tree *value)
{
	struct buf b;

	if (t->n == t->room)
		grow(f, t);
	memmove(&t->v[i + 1], &t->v[i], (t->n - i) * sizeof(*t->v));
	t->n++;
	t->v[i] = (struct branch){ name, STR_NONE, value };
	if (t->type == JDOC_OBJECT) {
		b = buf_new(f->arena, name.n + 2);
		buf_add_quoted(&b, name);
		t->v[i].source = buf_str(&b);
	}
	value->up = t;
	mark(t);
}

void
tree_replace(struct tree *t, size_t i, struct tree *value)
{
	t->v[i].value->up = NULL;
	t->v[i].value = value;
	value->up = t;
	mark(t);
}

void
tree_remove(struct tree *t, size_t i)
{
	t->v[i].value->up = NULL;
	t->n--;
	memmove(&t->v[i], &t->v[i + 1], (t->n - i) * sizeof(*t->v));
	mark(t);
}

void
tree_set(struct forest *f, struct tree *object, struct str name,
    struct tree *value)
{
	size_t i = tree_find(f, object, name);

	if (i != SIZE_MAX)
		tree_replace(object, i, value);
	else
		tree_insert(f, object, object->n, name, value);
}

/* --- writing -------------------------------------------------------------- */

static void
write_tree(struct forest *f, const struct tree *t, unsigned depth,
    struct buf *b)
{
	if (depth == 0)
		f->deep = true;
	if (b->n > TREE_BYTES_MAX)
		f->large = true;
	if (f->deep || f->large)
		return;
	if (!t->changed) {
		buf_add(b, jdoc_source(t->d, t->node));
		return;
	}
	if (t->type == JDOC_NULL) {
		buf_addz(b, "null");
		return;
	}
	buf_addc(b, t->type == JDOC_OBJECT ? '{' : '[');
	for (size_t i = 0; i < t->n; i++) {
		if (i > 0)
			buf_addc(b, ',');
		if (t->type == JDOC_OBJECT) {
			buf_add(b, t->v[i].source);
			buf_addc(b, ':');
		}
		write_tree(f, t->v[i].value, depth - 1, b);
	}
	buf_addc(b, t->type == JDOC_OBJECT ? '}' : ']');
}

struct str
tree_write(struct forest *f, const struct tree *t)
{
	struct buf b = buf_new(f->arena, t->d == NULL ? 0 :
	    t->d->text.n + 1024);

	write_tree(f, t, TREE_DEPTH_MAX + 1, &b);
	return buf_str(&b);
}
