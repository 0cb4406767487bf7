/* Any bytes as JSON: nodes are consistent, and every string decodes. */

#include "base/jdoc.h"

#include <stdlib.h>

#include "base/code.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool fine)
{
	if (!fine)
		abort();
}

/* Walk what is below node; returns the node after it. */
static uint32_t
walk(const struct jdoc *d, uint32_t node, char *out)
{
	struct str raw = jdoc_source(d, node);
	uint32_t after = node + 1;
	unsigned children = 0;
	bool object = jdoc_type(d, node) == JDOC_OBJECT;

	check(raw.p >= d->text.p && raw.n > 0 &&
	    raw.p + raw.n <= d->text.p + d->text.n);
	if (jdoc_type(d, node) == JDOC_STRING) {
		size_t n = jdoc_decode(d, node, out);

		check(n <= d->nodes[node].len);
		check(jdoc_is(d, node, (struct str){ out, n }));
		check(utf8_valid((struct str){ out, n }));
	}
	for (uint32_t i = jdoc_first(d, node); i != 0;
	    i = jdoc_next(d, node, i)) {
		check(i == after);
		if (object) {
			size_t n = jdoc_decode(d, i, out);

			/* No earlier member has the same name. */
			check(jdoc_get(d, node, (struct str){ out, n }) ==
			    jdoc_value(d, i));
			after = walk(d, jdoc_value(d, i), out);
		} else {
			after = walk(d, i, out);
		}
		children++;
	}
	check(after == d->nodes[node].next);
	check(children == d->nodes[node].count || children > UINT16_MAX);
	return after;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	size_t room = jdoc_bound(text);
	struct jnode *nodes = malloc(room * sizeof(*nodes));
	char *out = malloc(size + 1);
	unsigned line, column;
	struct jdoc d;

	check(nodes != NULL && out != NULL);
	if (jdoc_parse(&d, text, nodes, room, 32) == JDOC_OK)
		check(walk(&d, 0, out) == d.count);
	else
		check(d.error != JDOC_ROOM && d.error_off <= size);
	jdoc_place(text, d.error_off, &line, &column);
	free(out);
	free(nodes);
	return 0;
}
