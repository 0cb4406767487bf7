/*
 * Batches: each entry is a request of its own, with its own transaction and
 * its own outcome; they have nothing to do with each other.
 */

#include "fhir/bundle_entry.h"

#include "base/when.h"
#include "fhir/outcome.h"

/*
 * A batch holds a slow worker from its first entry to its last, and its answer
 * is in memory as a whole. An entry takes some ms; a statement that is given up
 * 10 s, and nginx waits 60 s for the answer.
 */
#define ENTRIES_MAX	2000
#define BEGIN_WITHIN_US	(INT64_C(40) * US_PER_SECOND)
#define READ_MAX_BYTES	((size_t)8 * 1024 * 1024)

struct part {
	struct entry		*entry;
	unsigned		 rank;		/* in the order of the work */
	enum err		 err;		/* of the request's form */
	struct http_answer	 answer;
};

struct batch {
	const struct bundle_host	*host;
	struct entries			 entries;
	struct part			*parts;		/* of each one */
	size_t				 bytes;	/* of answers so far */
};

/* R4 http.html#trules: deletions, creations, updates, reads. */
static const struct {
	const char	*method;
	unsigned	 rank;
} ranks[] = {
	{ "DELETE", 0 }, { "POST", 1 }, { "PUT", 2 }, { "PATCH", 2 },
};

#define NRANKS		(sizeof(ranks) / sizeof(ranks[0]))
#define RANK_CREATE	1
#define RANK_READ	3

static unsigned
rank_of(struct str method)
{
	for (size_t i = 0; i < NRANKS; i++)
		if (str_eqz(method, ranks[i].method))
			return ranks[i].rank;
	return RANK_READ;
}

/* What an entry is answered that was not asked. */
static void
answer_refused(struct ctx *ctx, enum err err, struct http_answer *answer)
{
	http_answer_clear(answer);
	answer->status = fault_kind(err)->status;
	http_body(answer, outcome_write(ctx));
}

static void
take_part(struct ctx *ctx, const struct jdoc *d, uint32_t node,
    struct part *p)
{
	struct entry *e = p->entry;

	http_answer_init(&p->answer, ctx->arena);
	e->path = arena_printf(ctx->arena, "Bundle.entry[%zu]", e->index);
	p->err = bundle_request(ctx, d, node, e->path, &e->request);
	p->rank = rank_of(e->request.method);
	e->full_url = bundle_text(ctx, d, jdoc_get(d, node, STR("fullUrl")));
	e->change = (struct change){ .doc = e->request.doc,
	    .node = e->request.node, .kind = p->rank == RANK_CREATE ?
	    CHANGE_CREATE : CHANGE_UPDATE };
	if (p->err != OK)
		answer_refused(ctx, p->err, &p->answer);
	fault_clear(ctx);
}

static void
take_parts(struct ctx *ctx, const struct jdoc *d, uint32_t array,
    struct batch *b)
{
	size_t n = d->nodes[array].count;

	b->parts = arena_array(ctx->arena, n, sizeof(*b->parts));
	b->entries.v = arena_array(ctx->arena, n, sizeof(*b->entries.v));
	for (uint32_t i = jdoc_first(d, array); i != 0;
	    i = jdoc_next(d, array, i)) {
		struct part *p = &b->parts[b->entries.n];

		p->entry = &b->entries.v[b->entries.n];
		p->entry->index = b->entries.n++;
		take_part(ctx, d, i, p);
	}
	refs_apart(ctx, d, &b->entries);
}

/* Whether it stands alone, and there is time, and room for what it reads. */
static enum err
check_part(struct ctx *ctx, const struct batch *b, const struct part *p)
{
	struct str path = p->entry->path;

	if (p->entry->wrong.n > 0)
		return fail_as(ctx, ERR_VALIDATION, "business-rule", path,
		    "%.*s", STR_ARGS(p->entry->wrong));
	if (when_now() - ctx->now_us > BEGIN_WITHIN_US)
		return fail_at(ctx, ERR_TOO_COSTLY, path, "was not begun: "
		    "the entries before took too long; send it again");
	if (p->rank == RANK_READ && b->bytes > READ_MAX_BYTES)
		return fail_at(ctx, ERR_TOO_LARGE, path, "was not read: "
		    "the entries before have %zu bytes; ask for it in another "
		    "batch", b->bytes);
	return OK;
}

static void
run_part(struct ctx *ctx, struct batch *b, struct part *p)
{
	enum err err = check_part(ctx, b, p);

	if (err == OK)
		(void)b->host->ask(ctx, b->host->world, &p->entry->request,
		    &p->answer);
	else
		answer_refused(ctx, err, &p->answer);
	fault_clear(ctx);
	b->bytes += p->answer.body_bytes;
}

enum err
bundle_batch(struct ctx *ctx, const struct jdoc *d,
    const struct bundle_host *host, struct http_answer *answer)
{
	struct batch b = { .host = host };
	uint32_t array;
	enum err err;

	if ((err = bundle_list(ctx, d, ENTRIES_MAX, &array)) != OK)
		return err;
	if (array != 0)
		take_parts(ctx, d, array, &b);
	for (unsigned rank = 0; rank <= RANK_READ; rank++)
		for (size_t i = 0; i < b.entries.n; i++)
			if (b.parts[i].rank == rank && b.parts[i].err == OK)
				run_part(ctx, &b, &b.parts[i]);
	bundle_begin_response(answer, "batch-response", b.entries.n);
	for (size_t i = 0; i < b.entries.n; i++)
		bundle_add_answer(ctx, host, &b.entries.v[i].request,
		    &b.parts[i].answer, i == 0, answer);
	bundle_end_response(answer, b.entries.n);
	return OK;
}
