/*
 * The steps of an export. A step looks at a page of versions, in the order of
 * their times; writes the lines of those that belong to it; and keeps its
 * place. What a killed step has written is cut off by the next one.
 */

#include "platform/export.h"

#include "base/buf.h"
#include "base/conf.h"
#include "fhir/extract.h"
#include "fhir/history.h"
#include "fhir/member.h"
#include "fhir/record.h"
#include "fhir/search.h"
#include "platform/ndjson.h"
#include "platform/place.h"
#include "queries.h"
#include "wire/pg.h"

/* Versions that a step looks at; of a type with filters, whose records are
 * asked for by their ids, so many. */
#define PAGE_ROWS	1000
#define FILTER_ROWS	100

/* Columns of export_page. */
enum column { COL_RID, COL_UPDATED, COL_NEWEST, COL_OP, COL_BODY };

struct export_work {
	struct export		 export;
	const struct member_set	*members;	/* NULL: all records */
	struct ndjson		*dir;
	struct export_place	 place;
};

/* One step. */
struct step {
	const struct export_work *work;
	const struct r4_type	 *type;
	bool			  deleted;	/* it is about deletions */
	struct buf		  lines;
	uint64_t		  records;	/* in lines */
};

/* --- taking it up --------------------------------------------------------- */

/* The id of a reference to a Patient here; STR_NONE for any other. */
static struct str
patient_of(const struct jdoc *d, uint32_t member)
{
	uint32_t entity = jdoc_get(d, member, STR("entity"));
	uint32_t text = jdoc_get(d, entity, STR("reference"));
	uint32_t inactive = jdoc_get(d, member, STR("inactive"));
	const struct r4_type *type;
	struct str before, id;

	if (entity == 0 || text == 0 || (inactive != 0 &&
	    jdoc_type(d, inactive) == JDOC_TRUE) ||
	    !extract_literal(jdoc_raw(d, text), &before, &type, &id) ||
	    strcmp(type->name, "Patient") != 0)
		return STR_NONE;
	return id;
}

/* The active members of the group as it was when it was asked for; of these,
 * if some patients were named, only they. */
static enum err
read_group(struct ctx *ctx, struct export *export)
{
	struct record group;
	const struct jdoc *d;
	struct str *ids;
	size_t n = 0;
	uint32_t list;
	enum err err;

	if ((err = store_vread(ctx, r4_type_named(STR("Group")),
	    export->group, export->group_ver, &group)) != OK)
		return err;
	d = record_parse(ctx->arena, group.body);
	list = jdoc_get(d, 0, STR("member"));
	for (uint32_t i = list == 0 ? 0 : jdoc_first(d, list); i != 0;
	    i = jdoc_next(d, list, i))
		n++;
	ids = arena_array(ctx->arena, n, sizeof(*ids));
	n = 0;
	for (uint32_t i = list == 0 ? 0 : jdoc_first(d, list); i != 0;
	    i = jdoc_next(d, list, i)) {
		struct str id = patient_of(d, i);

		if (id.n > 0)
			ids[n++] = id;
	}
	export->patients = ids;
	export->npatients = n;
	return OK;
}

enum err
export_open(struct ctx *ctx, const struct task *task, void **out)
{
	struct export_work *work = arena_zero(ctx->arena, sizeof(*work));
	struct export *export = &work->export;
	bool all;
	enum err err;

	export_input(ctx, task, export);
	PLACE_READ(task->place, &work->place);
	all = export->level != EXPORT_GROUP && export->npatients == 0;
	if ((err = ndjson_open(ctx, task->id, &work->dir)) != OK ||
	    (export->level == EXPORT_GROUP && export->npatients == 0 &&
	    (err = read_group(ctx, export)) != OK) ||
	    (export->level != EXPORT_SYSTEM && (err = member_set(ctx,
	    r4_type_named(STR("Patient")), all ? NULL : export->patients,
	    export->npatients, &work->members)) != OK))
		return err;
	*out = work;
	return OK;
}

/* --- a page of versions --------------------------------------------------- */

static bool
has_filter(const struct step *step)
{
	const struct export *export = &step->work->export;

	for (size_t i = 0; i < export->nfilters; i++)
		if (export->filters[i].type == step->type)
			return true;
	return false;
}

static enum err
read_page(struct ctx *ctx, const struct step *step,
    const struct export_place *place, PGresult **res)
{
	const struct export *export = &step->work->export;
	struct pg_args a = pg_args(ctx->arena);
	int64_t from_us = (int64_t)place->updated_us;

	/* The first time in a part: behind all versions of `since`. */
	pg_int4(&a, ctx->who.tn);
	pg_int2(&a, step->type->number);
	pg_time(&a, export->time_us);
	pg_time(&a, from_us == 0 ? export->since_us : from_us);
	pg_int8(&a, from_us == 0 ? INT64_MAX : (int64_t)place->rid);
	pg_int4(&a, has_filter(step) ? FILTER_ROWS : PAGE_ROWS);
	return pg_exec(ctx, &query_export_page, &a, res);
}

/* --- which of them -------------------------------------------------------- */

/* Take the records that a filter finds among them; the filter's own words, and
 * `_id` with all of theirs. */
static enum err
ask_filter(struct ctx *ctx, const struct export_filter *filter,
    const struct record *records, size_t n, bool *taken)
{
	struct http_params asked, params;
	struct buf ids = buf_new(ctx->arena, n * 64);
	struct search_page page;
	struct search *search;
	enum err err;

	if ((err = export_filter_params(ctx, filter, &asked)) != OK)
		return err;
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_addc(&ids, ',');
		buf_add(&ids, records[i].id);
	}
	params.n = asked.n + 2;
	params.v = arena_array(ctx->arena, params.n, sizeof(*params.v));
	memcpy(params.v, asked.v, asked.n * sizeof(*asked.v));
	params.v[asked.n] = (struct http_param){ STR("_id"), buf_str(&ids) };
	params.v[asked.n + 1] = (struct http_param){ STR("_count"),
	    STR("1000") };
	if ((err = search_parse(ctx, filter->type, &params, false,
	    &search)) != OK || (err = search_run(ctx, search, &page)) != OK)
		return err;
	for (size_t i = 0; i < page.n; i++)
		for (size_t j = 0; j < n; j++)
			if (str_eq(page.records[i].id, records[j].id))
				taken[j] = true;
	return OK;
}

static enum err
ask_filters(struct ctx *ctx, const struct step *step,
    const struct record *records, size_t n, bool *taken)
{
	const struct export *export = &step->work->export;
	enum err err = OK;

	for (size_t i = 0; err == OK && i < export->nfilters; i++)
		if (export->filters[i].type == step->type)
			err = ask_filter(ctx, &export->filters[i], records, n,
			    taken);
	return err;
}

static bool
is_member(struct ctx *ctx, const struct step *step, const struct record *r)
{
	const struct member_set *set = step->work->members;

	return set == NULL || member_is(ctx, set, step->type, r->id,
	    record_parse(ctx->arena, r->body));
}

/* --- their lines ---------------------------------------------------------- */

static enum err
add_records(struct ctx *ctx, struct step *step, const PGresult *res)
{
	size_t rows = (size_t)PQntuples(res), n = 0;
	struct record *records = arena_array(ctx->arena, rows,
	    sizeof(*records));
	bool *taken = arena_array(ctx->arena, rows, sizeof(*taken));
	bool filtered = has_filter(step);
	enum err err;

	for (int i = 0; i < (int)rows; i++) {
		if (pg_is_null(res, i, COL_BODY))
			continue;
		record_read(step->type, pg_get_str(res, i, COL_BODY),
		    &records[n]);
		records[n].body = pg_get_str(res, i, COL_BODY);
		if (is_member(ctx, step, &records[n]))
			taken[n++] = !filtered;
	}
	if (filtered && n > 0 &&
	    (err = ask_filters(ctx, step, records, n, taken)) != OK)
		return err;
	for (size_t i = 0; i < n; i++) {
		if (!taken[i])
			continue;
		ndjson_line(&step->lines, records[i].body);
		step->records++;
	}
	return OK;
}

/* Each a transaction that deletes it. */
static enum err
add_deletions(struct ctx *ctx, struct step *step, const PGresult *res)
{
	struct pg_args a = pg_args(ctx->arena);
	int rows = PQntuples(res);
	int64_t *rids = arena_array(ctx->arena, (size_t)rows, sizeof(*rids));
	size_t n = 0;
	PGresult *ids;
	enum err err;

	for (int i = 0; i < rows; i++)
		if (pg_get_bool(res, i, COL_NEWEST) &&
		    str_eqz(pg_get_str(res, i, COL_OP), "D"))
			rids[n++] = pg_get_int8(res, i, COL_RID);
	pg_int8s(&a, rids, n);
	pg_int4(&a, ctx->who.tn);
	if (n == 0 || (err = pg_exec(ctx, &query_export_ids, &a, &ids)) != OK)
		return n == 0 ? OK : err;
	for (int i = 0; i < PQntuples(ids); i++, step->records++)
		buf_addf(&step->lines, "{\"resourceType\":\"Bundle\",\"type\":"
		    "\"transaction\",\"entry\":[{\"request\":{\"method\":"
		    "\"DELETE\",\"url\":\"%s/%.*s\"}}]}\n", step->type->name,
		    STR_ARGS(pg_get_str(ids, i, 1)));
	return OK;
}

/* --- the file ------------------------------------------------------------- */

static enum err
write_lines(struct ctx *ctx, const struct step *step,
    struct export_place *place)
{
	struct str lines = buf_str(&step->lines);
	enum err err;

	if (lines.n == 0)
		return OK;
	if (place->file == 0 ||
	    place->bytes >= (uint64_t)ctx->conf->export_file_bytes) {
		place->file = ++place->files;
		place->records = place->bytes = 0;
	}
	if ((err = ndjson_write(ctx, step->work->dir, (int32_t)place->file,
	    (int64_t)place->bytes, lines)) != OK)
		return err;
	place->bytes += lines.n;
	place->records += step->records;
	place->total += step->records;
	return OK;
}

/* All deletions are in files of their own, records in those of their type. */
static void
end_part(const struct export *export, struct export_place *place)
{
	place->part++;
	place->updated_us = place->rid = 0;
	if (place->part <= export->ntypes)
		place->file = 0;
}

static enum err
keep(struct ctx *ctx, const struct task *task, const struct step *step,
    const struct export_place *place)
{
	bool wrote = step->lines.n > 0;
	struct task_file file = {
		.n = (int32_t)place->file,
		.role = step->deleted ? "deleted" : "output",
		.type = str_of(step->deleted || !wrote ? "Bundle" :
		    step->type->name),
		.records = (int64_t)place->records,
		.bytes = (int64_t)place->bytes,
	};

	return task_keep(ctx, task, PLACE_TEXT(ctx->arena, place),
	    wrote ? &file : NULL);
}

/* --- a step --------------------------------------------------------------- */

/* Of a deleted record nobody knows any more whom it was about: where only some
 * patients are asked for, none is told. */
static uint64_t
count_parts(const struct export *export)
{
	bool deletions = export->since_us != 0 &&
	    export->level != EXPORT_GROUP && export->npatients == 0;

	return export->ntypes * (deletions ? 2 : 1);
}

/* The next page that is not empty; *res NULL behind the last one. */
static enum err
next_page(struct ctx *ctx, struct step *step, struct export_place *place,
    PGresult **res)
{
	const struct export *export = &step->work->export;
	uint64_t parts = count_parts(export);
	enum err err;

	for (; place->part < parts; end_part(export, place)) {
		step->type = export->types[place->part % export->ntypes];
		step->deleted = place->part >= export->ntypes;
		if ((err = read_page(ctx, step, place, res)) != OK ||
		    PQntuples(*res) > 0)
			return err;
	}
	*res = NULL;
	return OK;
}

static enum err
take_page(struct ctx *ctx, struct step *step, const PGresult *res,
    struct export_place *place)
{
	int last = PQntuples(res) - 1;
	enum err err;

	if ((err = step->deleted ? add_deletions(ctx, step, res) :
	    add_records(ctx, step, res)) != OK ||
	    (err = write_lines(ctx, step, place)) != OK)
		return err;
	place->updated_us = (uint64_t)pg_get_time(res, last, COL_UPDATED);
	place->rid = (uint64_t)pg_get_int8(res, last, COL_RID);
	return OK;
}

/* Whether versions from before the export's time may still come. */
static enum err
too_early(struct ctx *ctx, const struct export *export, bool *early)
{
	int64_t safe_us = 0;
	enum err err = history_horizon(ctx, &safe_us);

	*early = safe_us <= export->time_us;
	return err;
}

enum err
export_step(struct ctx *ctx, struct task *task, void *arg,
    enum task_fate *fate)
{
	struct export_work *work = arg;
	struct step step = { .work = work, .lines = buf_new(ctx->arena, 0) };
	struct export_place place = work->place;
	bool early = false;
	PGresult *res;
	enum err err;

	ctx->who.scope = work->export.scope;
	if (task->place.n == 0 && (err = too_early(ctx, &work->export,
	    &early)) != OK)
		return err;
	*fate = TASK_WAIT;
	if (early)
		return OK;
	if ((err = next_page(ctx, &step, &place, &res)) != OK ||
	    (res != NULL && (err = take_page(ctx, &step, res,
	    &place)) != OK) || (err = keep(ctx, task, &step, &place)) != OK)
		return err;
	work->place = place;
	*fate = res == NULL ? TASK_COMPLETE : TASK_MORE;
	return OK;
}
