/*
 * Transactions: read the entries, give ids, rewrite references, write all
 * changes as one, read what was asked for, answer in the order of the request.
 */

#include "fhir/bundle_entry.h"

#include "base/buf.h"
#include "base/when.h"

/* --- the answer */

static void
add_validators(struct buf *b, const struct record *record)
{
	char when[WHEN_INSTANT_CHARS + 1];

	when_format(record->updated_us, when);
	buf_addz(b, ",\"etag\":\"W/\\\"");
	buf_add_i64(b, record->ver);
	buf_addz(b, "\\\"\",\"lastModified\":\"");
	buf_addz(b, when);
	buf_addc(b, '"');
}

static void
add_location(struct buf *b, const struct record *record)
{
	buf_addz(b, ",\"location\":\"");
	buf_addz(b, record->type->name);
	buf_addc(b, '/');
	buf_add(b, record->id);
	buf_addz(b, "/_history/");
	buf_add_i64(b, record->ver);
	buf_addc(b, '"');
}

/* R4 http.html#transaction-response */
static void
add_change(struct buf *b, const struct change *change)
{
	const struct record *after = &change->after;

	buf_addz(b, "{\"response\":{\"status\":\"");
	if (change->kind == CHANGE_DELETE)
		buf_addz(b, "204 No Content\"");
	else
		buf_addz(b, change->created ? "201 Created\"" : "200 OK\"");
	if (change->kind != CHANGE_DELETE)
		add_location(b, after);
	if (after->ver > 0)
		add_validators(b, after);
	buf_addz(b, "}}");
}

static void
add_missed(struct buf *b, enum err err)
{
	const struct fault_kind *kind = fault_kind(err);

	buf_addz(b, "{\"response\":{\"status\":\"");
	buf_add_i64(b, kind->status);
	buf_addc(b, ' ');
	buf_addz(b, kind->code);
	buf_addz(b, "\"}}");
}

static void
add_read(struct buf *b, const struct record *record)
{
	buf_addz(b, "{\"resource\":");
	buf_add(b, record->body);
	buf_addz(b, ",\"response\":{\"status\":\"200 OK\"");
	add_validators(b, record);
	buf_addz(b, "}}");
}

static struct str
response_text(struct ctx *ctx, const struct entries *entries)
{
	struct buf b = buf_new(ctx->arena, 256 + entries->n * 224);

	buf_addz(&b, "{\"resourceType\":\"Bundle\","
	    "\"type\":\"transaction-response\"");
	for (size_t i = 0; i < entries->n; i++) {
		const struct entry *e = &entries->v[i];

		buf_addz(&b, i == 0 ? ",\"entry\":[" : ",");
		if (e->missed != OK)
			add_missed(&b, e->missed);
		else if (e->reads)
			add_read(&b, &e->change.after);
		else
			add_change(&b, &e->change);
	}
	buf_addz(&b, entries->n > 0 ? "]}" : "}");
	return buf_str(&b);
}

/* --- the steps */

/* Reads see what the bundle wrote. It is done by then, so one that finds
 * nothing has that as its own answer. */
static void
read_entries(struct ctx *ctx, struct entries *entries)
{
	struct fault before = ctx->fault;

	for (size_t i = 0; i < entries->n; i++) {
		struct entry *e = &entries->v[i];
		struct change *c = &e->change;

		if (!e->reads)
			continue;
		e->missed = e->ver == 0 ?
		    store_read(ctx, c->type, c->id, &c->after) :
		    store_vread(ctx, c->type, c->id, e->ver, &c->after);
	}
	ctx->fault = before;
	if (before.last != NULL)
		before.last->next = NULL;
}

static enum err
write_entries(struct ctx *ctx, struct entries *entries, const struct jdoc *d)
{
	struct change *changes = arena_array(ctx->arena, entries->n,
	    sizeof(*changes));
	size_t n = 0;
	enum err err;

	for (size_t i = 0; i < entries->n; i++) {
		if (entries->v[i].reads)
			continue;
		changes[n] = entries->v[i].change;
		if (changes[n].doc != NULL)
			changes[n].doc = d;
		n++;
	}
	if ((err = store_write(ctx, changes, n)) != OK)
		return err;
	n = 0;
	for (size_t i = 0; i < entries->n; i++)
		if (!entries->v[i].reads)
			entries->v[i].change = changes[n++];
	return OK;
}

enum err
bundle_transaction(struct ctx *ctx, const struct jdoc *d, bundle_allow *allow,
    struct http_answer *answer)
{
	struct entries entries;
	const struct jdoc *rewritten;
	enum err err;

	if ((err = bundle_entries(ctx, d, allow, &entries)) != OK ||
	    (err = refs_rewrite(ctx, d, &entries, &rewritten)) != OK ||
	    (err = write_entries(ctx, &entries, rewritten)) != OK)
		return err;
	read_entries(ctx, &entries);
	http_body(answer, response_text(ctx, &entries));
	return OK;
}
