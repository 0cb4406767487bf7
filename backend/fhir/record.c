/* The bytes of a record, put together from slices of what the client sent. */

#include "fhir/record.h"

#include <assert.h>

#include "base/buf.h"
#include "base/when.h"

/* Everything that the server writes itself, with room to spare. */
#define FRAME_BYTES	256

/* How each body begins. */
#define BEFORE_TYPE	"{\"resourceType\":\""
#define BEFORE_ID	"\",\"id\":\""
#define BEFORE_VERSION	"\",\"meta\":{\"versionId\":\""
#define BEFORE_UPDATED	"\",\"lastUpdated\":\""

static bool
is_any(const struct jdoc *d, uint32_t name, const char *const *names)
{
	for (; *names != NULL; names++)
		if (jdoc_is(d, name, str_of(*names)))
			return true;
	return false;
}

/* The bytes of a member from its name's quote to the end of its value. */
static struct str
member_source(const struct jdoc *d, uint32_t name)
{
	struct str key = jdoc_source(d, name);
	struct str value = jdoc_source(d, jdoc_value(d, name));

	return (struct str){ key.p, (size_t)(value.p + value.n - key.p) };
}

/* ",member" for each member of the object that is not among `without`. */
static void
add_members(struct buf *b, const struct jdoc *d, uint32_t object,
    const char *const *without)
{
	uint32_t name = jdoc_first(d, object);

	for (; name != 0; name = jdoc_next(d, object, name)) {
		if (is_any(d, name, without))
			continue;
		buf_addc(b, ',');
		buf_add(b, member_source(d, name));
	}
}

struct str
record_body(struct ctx *ctx, const struct record *record, const struct jdoc *d,
    uint32_t node)
{
	static const char *const of_root[] = { "resourceType", "id", "meta",
	    NULL };
	static const char *const of_meta[] = { "versionId", "lastUpdated",
	    NULL };
	struct buf b = buf_new(ctx->arena, jdoc_raw(d, node).n + FRAME_BYTES);
	uint32_t meta = jdoc_get(d, node, STR("meta"));
	char updated[WHEN_INSTANT_CHARS + 1];

	when_format(record->updated_us, updated);
	buf_addz(&b, BEFORE_TYPE);
	buf_addz(&b, record->type->name);
	buf_addz(&b, BEFORE_ID);
	buf_add(&b, record->id);
	buf_addz(&b, BEFORE_VERSION);
	buf_add_i64(&b, record->ver);
	buf_addz(&b, BEFORE_UPDATED);
	buf_addz(&b, updated);
	buf_addc(&b, '"');
	if (meta != 0)
		add_members(&b, d, meta, of_meta);
	buf_addc(&b, '}');
	add_members(&b, d, node, of_root);
	buf_addc(&b, '}');
	return buf_str(&b);
}

/* The text behind `frame` up to the next quote, both taken off *rest. */
static struct str
take_framed(struct str *rest, size_t frame)
{
	*rest = str_from(*rest, frame);
	return str_cut(rest, '"');
}

const struct r4_type *
record_type(struct str body)
{
	return r4_type_named(take_framed(&body, sizeof(BEFORE_TYPE) - 1));
}

void
record_read(const struct r4_type *type, struct str body, struct record *out)
{
	struct str rest = body;
	struct when updated;
	uint64_t ver = 0;

	*out = (struct record){ .type = type, .body = body };
	out->id = take_framed(&rest, sizeof(BEFORE_TYPE) - 1 +
	    strlen(type->name) + sizeof(BEFORE_ID) - 1);
	/* str_cut took the quote that BEFORE_VERSION begins with. */
	(void)str_u64(take_framed(&rest, sizeof(BEFORE_VERSION) - 2),
	    INT32_MAX, &ver);
	out->ver = (int32_t)ver;
	if (when_parse(take_framed(&rest, sizeof(BEFORE_UPDATED) - 2),
	    WHEN_INSTANT, &updated))
		out->updated_us = updated.lo_us;
}

const struct jdoc *
record_parse_next(struct arena *arena, struct str body, struct record_doc *doc)
{
	size_t need = jdoc_bound(body);
	enum jdoc_error error;

	if (need > doc->room) {
		doc->room = need + doc->room / 2;
		doc->nodes = arena_alloc(arena, doc->room *
		    sizeof(*doc->nodes));
	}
	error = jdoc_parse(&doc->d, body, doc->nodes, doc->room,
	    JDOC_DEPTH_MAX);
	assert(error == JDOC_OK);
	(void)error;
	return &doc->d;
}

const struct jdoc *
record_parse(struct arena *arena, struct str body)
{
	return record_parse_next(arena, body, arena_zero(arena,
	    sizeof(struct record_doc)));
}
