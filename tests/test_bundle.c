/* Transactions: all or nothing, links rewritten in place, problems named. */

#include "lib/database.h"
#include "lib/suite.h"

#include "base/when.h"
#include "fhir/bundle_entry.h"
#include "fhir/outcome.h"

#include <check.h>
#include <stdio.h>

static struct ctx ctx;

static void
open_ctx(void)
{
	database_ctx(&ctx);
}

static void
close_ctx(void)
{
	database_ctx_end(&ctx);
}

static struct jdoc *
parse(struct str s)
{
	size_t room = jdoc_bound(s);
	struct jdoc *d = arena_zero(ctx.arena, sizeof(*d));

	ck_assert_int_eq(jdoc_parse(d, s, arena_array(ctx.arena, room,
	    sizeof(struct jnode)), room, JDOC_DEPTH_MAX), JDOC_OK);
	return d;
}

static struct str
file(const char *name)
{
	char *text = arena_zero(ctx.arena, 65536);
	FILE *f = fopen(arena_printf(ctx.arena, "tests/data/bundle/%s",
	    name).p, "rb");
	size_t n;

	ck_assert_ptr_nonnull(f);
	n = fread(text, 1, 65536, f);
	fclose(f);
	return (struct str){ text, n };
}

static enum err
allow_all(struct ctx *c, const struct r4_type *type, char verb)
{
	(void)c;
	(void)type;
	(void)verb;
	return OK;
}

/* Reads of one record, which is what the tests' entries ask. */
static enum err
ask_store(struct ctx *c, void *world, const struct bundle_request *request,
    struct http_answer *answer)
{
	struct fault before = c->fault;
	struct str rest = request->url;
	const struct r4_type *type = r4_type_named(str_cut(&rest, '/'));
	struct str id = str_cut(&rest, '/');
	struct record record;
	enum err err;

	(void)world;
	ck_assert_ptr_nonnull(type);
	err = rest.p == NULL ? store_read(c, type, id, &record) :
	    store_vread(c, type, id, 1, &record);
	answer->status = fault_kind(err)->status;
	answer->modified_us = err == OK ? record.updated_us : 0;
	http_body(answer, err == OK ? record.body : outcome_write(c));
	c->fault = before;
	return err;
}

static enum err
refuse_to_read(struct ctx *c, void *world,
    const struct bundle_request *request, struct http_answer *answer)
{
	(void)c;
	(void)world;
	(void)request;
	answer->status = 503;
	return ERR_TOO_COSTLY;
}

static enum err
allow_reading(struct ctx *c, const struct r4_type *type, char verb)
{
	return verb == 'r' ? OK : fail_at(c, ERR_SCOPE, STR_NONE, "%s",
	    type->name);
}

static struct str
join(const struct http_answer *answer)
{
	char *text = arena_alloc(ctx.arena, answer->body_bytes + 1);
	size_t n = 0;

	for (struct http_part *p = answer->parts; p != NULL; p = p->next) {
		memcpy(text + n, p->bytes.p, p->bytes.n);
		n += p->bytes.n;
	}
	ck_assert_uint_eq(n, answer->body_bytes);
	text[n] = '\0';
	return (struct str){ text, n };
}

static struct bundle_host host;

static enum err
run_for(const struct bundle_host *who, struct str text, struct str *body)
{
	struct http_answer answer;
	enum err err;

	http_answer_init(&answer, ctx.arena);
	err = bundle_run(&ctx, parse(text), who, &answer);
	*body = err == OK ? join(&answer) : STR_NONE;
	return err;
}

/* Run it; the answer's body when it went well. */
static enum err
run(struct str text, struct str *body)
{
	host = (struct bundle_host){ .allow = allow_all, .ask = ask_store,
	    .base = STR("https://h/v3/fhir") };
	return run_for(&host, text, body);
}

static struct str
member(const struct jdoc *d, uint32_t node, const char *path)
{
	struct str rest = str_of(path);

	while (rest.p != NULL) {
		struct str part = str_cut(&rest, '.');
		uint64_t i;

		if (str_u64(part, 99999, &i)) {
			uint32_t array = node;

			node = jdoc_first(d, array);
			while (i-- > 0)
				node = jdoc_next(d, array, node);
		} else {
			node = jdoc_get(d, node, part);
		}
	}
	return jdoc_raw(d, node);
}

/* The record that entry i of an answer names. */
static struct record
stored(struct str answer, int i)
{
	struct jdoc *d = parse(answer);
	struct str location = member(d, 0, arena_printf(ctx.arena,
	    "entry.%d.response.location", i).p);
	struct str type = str_cut(&location, '/');
	struct str id = str_cut(&location, '/');
	struct record record;

	ck_assert_int_eq(store_read(&ctx, r4_type_named(type), id, &record),
	    OK);
	return record;
}

static struct str
address(struct record record)
{
	return arena_printf(ctx.arena, "%s/%.*s", record.type->name,
	    STR_ARGS(record.id));
}

#define assert_member(record, path, want)				\
	ck_assert_str_eq(arena_z(ctx.arena, member(parse((record).body), 0, \
	    path)), arena_z(ctx.arena, want))

START_TEST(links_to_a_full_url_become_the_new_ids)
{
	struct str answer;
	struct record patient, observation;

	ck_assert_int_eq(run(file("family.json"), &answer), OK);
	patient = stored(answer, 0);
	observation = stored(answer, 5);
	assert_member(patient, "generalPractitioner.0.reference",
	    address(stored(answer, 1)));
	assert_member(patient, "managingOrganization.reference",
	    STR("Organization/donau-clinic"));
	assert_member(stored(answer, 3), "participant.0.individual.reference",
	    address(stored(answer, 1)));
	assert_member(observation, "subject.reference", address(patient));
	assert_member(observation, "encounter.reference",
	    address(stored(answer, 3)));
}
END_TEST

START_TEST(all_else_is_stored_as_it_was_sent)
{
	struct str answer;

	ck_assert_int_eq(run(file("family.json"), &answer), OK);
	assert_member(stored(answer, 5), "valueQuantity.value", STR("1.10"));
	assert_member(stored(answer, 0), "identifier.0.value",
	    STR("urn:uuid:5b1c0f6e-0001-4c5e-9d7e-0a1b2c3d4e5f"));
	assert_member(stored(answer, 0), "name.0.family",
	    STR("Gr\xc3\xbcnwald"));
}
END_TEST

START_TEST(answers_come_in_the_order_of_the_request)
{
	static const char *const types[] = { "Patient/", "Practitioner/",
	    "Organization/donau-clinic/", "Encounter/", "Condition/",
	    "Observation/" };
	struct str answer;
	struct jdoc *d;

	ck_assert_int_eq(run(file("family.json"), &answer), OK);
	d = parse(answer);
	ck_assert(str_eqz(member(d, 0, "type"), "transaction-response"));
	for (int i = 0; i < 6; i++)
		ck_assert(str_starts(member(d, 0, arena_printf(ctx.arena,
		    "entry.%d.response.location", i).p), str_of(types[i])));
	ck_assert(str_eqz(member(d, 0, "entry.0.response.status"),
	    "201 Created"));
	ck_assert(str_eqz(member(d, 0, "entry.0.response.etag"),
	    "W/\\\"1\\\""));
}
END_TEST

START_TEST(rewritten_nodes_are_those_of_a_fresh_parse)
{
	static const char *const names[] = { "family.json", "absolute.json" };
	const struct jdoc *d;
	struct entries entries;
	struct links links = { NULL, 0 };

	for (size_t i = 0; i < 2; i++) {
		struct jdoc *fresh, *sent = parse(file(names[i]));

		ck_assert_int_eq(bundle_entries(&ctx, sent, allow_all,
		    &entries), OK);
		ck_assert_int_eq(refs_rewrite(&ctx, sent, &entries, &links,
		    &d), OK);
		fresh = parse(d->text);
		ck_assert_uint_eq(d->count, fresh->count);
		ck_assert_mem_eq(d->nodes, fresh->nodes,
		    d->count * sizeof(*d->nodes));
	}
}
END_TEST

START_TEST(relative_links_are_resolved_by_the_entrys_base)
{
	struct str answer;
	struct record observation;

	ck_assert_int_eq(run(file("absolute.json"), &answer), OK);
	observation = stored(answer, 0);
	assert_member(observation, "subject.reference",
	    address(stored(answer, 1)));
	assert_member(observation, "derivedFrom.0.reference",
	    address(stored(answer, 2)));
	assert_member(observation, "derivedFrom.1.reference",
	    STR("Observation/elsewhere"));
}
END_TEST

#define P	"{\"resourceType\":\"Patient\"}"
#define PID(id)	"{\"resourceType\":\"Patient\",\"id\":\"" id "\"}"
#define REQ(m, u) "\"request\":{\"method\":\"" m "\",\"url\":\"" u "\"}"
#define BUNDLE(entries) "{\"resourceType\":\"Bundle\",\"type\":"	\
	"\"transaction\",\"entry\":[" entries "]}"
#define OBS(ref) "{\"resourceType\":\"Observation\",\"status\":\"final\"," \
	"\"code\":{\"text\":\"x\"},\"subject\":{\"reference\":\"" ref "\"}}"

/* What is refused, and the place and a word that name it. */
static const struct {
	const char	*bundle;
	enum err	 err;
	const char	*path;
	const char	*says;
} refused[] = {
	{ "[]", ERR_INVALID_REQUEST, "", "Bundle" },
	{ P, ERR_INVALID_REQUEST, "", "Bundle" },
	{ "{\"resourceType\":\"Bundle\"}", ERR_INVALID_REQUEST, "Bundle.type",
	    "transaction" },
	{ "{\"resourceType\":\"Bundle\",\"type\":\"history\"}",
	    ERR_INVALID_REQUEST, "Bundle.type", "batch" },
	{ "{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":"
	    "{}}", ERR_INVALID_REQUEST, "Bundle.entry", "array" },
	{ BUNDLE("1"), ERR_INVALID_REQUEST, "Bundle.entry[0].request",
	    "missing" },
	{ BUNDLE("{\"resource\":" P "}"), ERR_INVALID_REQUEST,
	    "Bundle.entry[0].request", "missing" },
	{ BUNDLE("{" REQ("PATCH", "Patient/1") "}"), ERR_INVALID_REQUEST,
	    "Bundle.entry[0].resource", "needs" },
	{ BUNDLE("{" REQ("HEAD", "Patient/1") "}"), ERR_NOT_SUPPORTED,
	    "Bundle.entry[0].request.method", "POST" },
	{ BUNDLE("{\"resource\":" P "," REQ("POST", "Nothing") "}"),
	    ERR_INVALID_REQUEST, "Bundle.entry[0].request.url", "type" },
	{ BUNDLE("{\"resource\":" P "," REQ("POST", "Patient/1") "}"),
	    ERR_INVALID_REQUEST, "Bundle.entry[0].request.url", "Patient" },
	{ BUNDLE("{\"resource\":" P "," REQ("PUT", "Patient") "}"),
	    ERR_INVALID_REQUEST, "Bundle.entry[0].request.url",
	    "Patient/<id>" },
	{ BUNDLE("{\"resource\":" PID("a") "," REQ("PUT", "Patient/a_b") "}"),
	    ERR_INVALID_REQUEST, "Bundle.entry[0].request.url", "<id>" },
	{ BUNDLE("{\"resource\":" P "," REQ("PUT", "Patient?none=x") "}"),
	    ERR_INVALID_REQUEST, "Bundle.entry[0].request.url", "none" },
	{ BUNDLE("{\"request\":{\"method\":\"GET\",\"url\":7}}"),
	    ERR_INVALID_REQUEST, "Bundle.entry[0].request.url", "string" },
	{ BUNDLE("{\"resource\":" P "," REQ("GET", "Patient/a") "}"),
	    ERR_INVALID_REQUEST, "Bundle.entry[0].resource", "must not" },
	{ BUNDLE("{\"resource\":" PID("a") ",\"request\":{\"method\":\"PUT\","
	    "\"url\":\"Patient/a\",\"ifNoneMatch\":\"W/\\\"1\\\"\"}}"),
	    ERR_INVALID_REQUEST, "Bundle.entry[0].request.ifNoneMatch", "*" },
	{ BUNDLE("{\"resource\":" P ",\"request\":{\"method\":\"POST\","
	    "\"url\":\"Patient\",\"ifNoneExist\":\"none=x\"}}"),
	    ERR_INVALID_REQUEST, "Bundle.entry[0].request.ifNoneExist",
	    "none" },
	{ BUNDLE("{\"resource\":" PID("a") ",\"request\":{\"method\":\"PUT\","
	    "\"url\":\"Patient/a\",\"ifMatch\":\"3\"}}"),
	    ERR_INVALID_REQUEST, "Bundle.entry[0].request.ifMatch", "W/" },
	{ BUNDLE("{\"resource\":" PID("a") ",\"request\":{\"method\":\"PUT\","
	    "\"url\":\"Patient/a\",\"ifMatch\":\"W/\\\"3\\\"\"}}"),
	    ERR_PRECONDITION, "Bundle.entry[0].resource", "version 3" },
	{ BUNDLE("{" REQ("POST", "Patient") "}"), ERR_INVALID_REQUEST,
	    "Bundle.entry[0].resource", "needs" },
	{ BUNDLE("{\"resource\":" P "," REQ("DELETE", "Patient/a") "}"),
	    ERR_INVALID_REQUEST, "Bundle.entry[0].resource", "must not" },
	{ BUNDLE("{\"resource\":" P "," REQ("POST", "Observation") "}"),
	    ERR_INVALID_REQUEST, "Bundle.entry[0].resource", "Observation" },
	{ BUNDLE("{\"resource\":" PID("a") "," REQ("PUT", "Patient/b") "}"),
	    ERR_INVALID_REQUEST, "Bundle.entry[0].resource", "id" },
	{ BUNDLE("{\"resource\":" PID("a") "," REQ("PUT", "Patient/a") "},"
	    "{" REQ("DELETE", "Patient/a") "}"), ERR_INVALID_REQUEST,
	    "Bundle.entry[", "only once" },
	{ BUNDLE("{\"fullUrl\":\"urn:uuid:a\",\"resource\":" P ","
	    REQ("POST", "Patient") "},{\"fullUrl\":\"urn:uuid:a\","
	    "\"resource\":" P "," REQ("POST", "Patient") "}"),
	    ERR_INVALID_REQUEST, "Bundle.entry[", "fullUrl" },
	{ BUNDLE("{\"resource\":" OBS("urn:uuid:none") ","
	    REQ("POST", "Observation") "}"), ERR_VALIDATION,
	    "Bundle.entry[0].resource", "fullUrl of no entry" },
	{ BUNDLE("{\"resource\":" OBS("Patient?identifier=1") ","
	    REQ("POST", "Observation") "}"), ERR_PRECONDITION,
	    "Bundle.entry[0].resource", "is met by no Patient" },
	{ BUNDLE("{\"resource\":" P "," REQ("POST", "Patient") "},"
	    "{\"resource\":{\"resourceType\":\"Patient\",\"gender\":\"x\"},"
	    REQ("POST", "Patient") "}"), ERR_VALIDATION,
	    "Bundle.entry[1].resource.gender", "" },
};

START_TEST(bad_bundle_is_refused_and_named)
{
	struct str body;

	ck_assert_int_eq(run(str_of(refused[_i].bundle), &body),
	    refused[_i].err);
	ck_assert_ptr_nonnull(strstr(arena_z(ctx.arena,
	    ctx.fault.issues->path), refused[_i].path));
	ck_assert_msg(strstr(ctx.fault.issues->text.p, refused[_i].says) !=
	    NULL, "%s", ctx.fault.issues->text.p);
}
END_TEST

START_TEST(refused_bundle_leaves_nothing)
{
	struct str body;
	struct record record;

	ck_assert_int_eq(run(STR(BUNDLE("{\"resource\":" PID("ghost") ","
	    REQ("PUT", "Patient/ghost") "},{\"resource\":"
	    "{\"resourceType\":\"Patient\",\"gender\":\"x\"},"
	    REQ("POST", "Patient") "}")), &body), ERR_VALIDATION);
	ck_assert_int_eq(store_read(&ctx, r4_type_named(STR("Patient")),
	    STR("ghost"), &record), ERR_NOT_FOUND);
}
END_TEST

START_TEST(every_right_is_asked_for)
{
	struct bundle_host reader = { .allow = allow_reading,
	    .ask = ask_store };
	struct str body;

	ck_assert_int_eq(run_for(&reader, STR(BUNDLE(
	    "{" REQ("GET", "Patient/a") "},{" REQ("DELETE", "Patient/b") "}")),
	    &body), ERR_SCOPE);
	fault_clear(&ctx);
	ck_assert_int_eq(run_for(&reader, STR(BUNDLE(
	    "{" REQ("GET", "Patient?name=x") "}")), &body), ERR_SCOPE);
}
END_TEST

START_TEST(what_cannot_be_read_undoes_what_was_written)
{
	struct bundle_host busy = { .allow = allow_all,
	    .ask = refuse_to_read };
	struct record record;
	struct str body;

	ck_assert_int_eq(run_for(&busy, STR(BUNDLE("{" REQ("GET", "Patient/a")
	    "},{\"resource\":" PID("undone") "," REQ("PUT", "Patient/undone")
	    "}")), &body), ERR_TOO_COSTLY);
	ck_assert_int_eq(store_read(&ctx, r4_type_named(STR("Patient")),
	    STR("undone"), &record), ERR_NOT_FOUND);
}
END_TEST

START_TEST(entries_that_write_show_what_is_preferred)
{
	static const char bundle[] = BUNDLE("{\"resource\":" P ","
	    REQ("POST", "Patient") "}");
	struct str body;

	ck_assert_int_eq(run(STR(bundle), &body), OK);
	ck_assert_ptr_null(strstr(body.p, "\"resource\""));
	host.returns = BUNDLE_RECORD;
	ck_assert_int_eq(run_for(&host, STR(bundle), &body), OK);
	ck_assert(str_eqz(member(parse(body), 0,
	    "entry.0.resource.meta.versionId"), "1"));
	host.returns = BUNDLE_OUTCOME;
	ck_assert_int_eq(run_for(&host, STR(bundle), &body), OK);
	ck_assert(str_eqz(member(parse(body), 0,
	    "entry.0.response.outcome.resourceType"), "OperationOutcome"));
}
END_TEST

START_TEST(update_delete_and_read_are_answered_each_in_its_way)
{
	struct str body;
	struct jdoc *d;

	ck_assert_int_eq(run(STR(BUNDLE("{\"resource\":" PID("mix") ","
	    REQ("PUT", "Patient/mix") "}")), &body), OK);
	ck_assert_int_eq(run(STR(BUNDLE("{" REQ("GET", "Patient/mix") "},"
	    "{\"resource\":" PID("mix") "," REQ("PUT", "Patient/mix") "},"
	    "{" REQ("DELETE", "Patient/none") "},"
	    "{" REQ("GET", "Patient/none") "},"
	    "{" REQ("GET", "Patient/mix/_history/1") "}")), &body), OK);
	d = parse(body);
	ck_assert(str_eqz(member(d, 0, "entry.0.resource.meta.versionId"),
	    "2"));
	ck_assert(str_eqz(member(d, 0, "entry.1.response.status"), "200 OK"));
	ck_assert(str_eqz(member(d, 0, "entry.2.response.status"),
	    "204 No Content"));
	ck_assert(str_starts(member(d, 0, "entry.3.response.status"),
	    STR("404")));
	ck_assert(str_eqz(member(d, 0, "entry.4.resource.meta.versionId"),
	    "1"));
	ck_assert_int_eq(ctx.fault.err, OK);
}
END_TEST

#define BATCH(entries) "{\"resourceType\":\"Bundle\",\"type\":"	\
	"\"batch\",\"entry\":[" entries "]}"
#define GET_A	"{" REQ("GET", "Patient/a") "}"
#define POST_P	"{\"resource\":" P "," REQ("POST", "Patient") "}"

/* What it was asked, in order; what is read has 3 MiB. */
static struct str asked[8];
static size_t nasked;

static enum err
ask_large(struct ctx *c, void *world, const struct bundle_request *request,
    struct http_answer *answer)
{
	static char large[3 * 1024 * 1024];

	(void)c;
	(void)world;
	memset(large, ' ', sizeof(large));
	large[0] = '1';
	asked[nasked++] = request->method;
	http_body(answer, (struct str){ large,
	    str_eqz(request->method, "GET") ? sizeof(large) : 1 });
	return OK;
}

static const struct bundle_host large_host = { .allow = allow_all,
	.ask = ask_large, .returns = BUNDLE_RECORD };

START_TEST(batch_works_in_the_order_of_r4_and_answers_in_its_own)
{
	static const char *const order[] = { "DELETE", "POST", "PUT", "GET" };
	struct str body;

	nasked = 0;
	ck_assert_int_eq(run_for(&large_host, STR(BATCH(GET_A ",{\"resource\":"
	    PID("b") "," REQ("PUT", "Patient/b") "}," POST_P ",{"
	    REQ("DELETE", "Patient/c") "},{}")), &body), OK);
	ck_assert_uint_eq(nasked, 4);
	for (size_t i = 0; i < 4; i++)
		ck_assert(str_eqz(asked[i], order[i]));
	ck_assert(str_eqz(member(parse(body), 0, "entry.4.response.status"),
	    "400 Bad Request"));
}
END_TEST

START_TEST(batch_reads_no_more_than_it_can_hold)
{
	struct str body;
	struct jdoc *d;

	nasked = 0;
	ck_assert_int_eq(run_for(&large_host, STR(BATCH(GET_A "," GET_A ","
	    GET_A "," GET_A "," POST_P)), &body), OK);
	d = parse(body);
	ck_assert_uint_eq(nasked, 4);
	ck_assert(str_eqz(member(d, 0, "entry.2.response.status"), "200 OK"));
	ck_assert(str_starts(member(d, 0, "entry.3.response.status"),
	    STR("413")));
	ck_assert(str_eqz(member(d, 0,
	    "entry.3.response.outcome.issue.0.code"), "too-long"));
	ck_assert(str_eqz(member(d, 0, "entry.4.response.status"), "200 OK"));
}
END_TEST

START_TEST(batch_begins_nothing_when_its_time_is_over)
{
	struct str body;

	nasked = 0;
	ctx.now_us = when_now() - 41 * US_PER_SECOND;
	ck_assert_int_eq(run_for(&large_host, STR(BATCH(GET_A "," POST_P)),
	    &body), OK);
	ck_assert_uint_eq(nasked, 0);
	ck_assert(str_eqz(member(parse(body), 0,
	    "entry.1.response.outcome.issue.0.code"), "too-costly"));
	ck_assert_int_eq(ctx.fault.err, OK);
}
END_TEST

START_TEST(empty_transaction_is_answered)
{
	struct str body;

	ck_assert_int_eq(run(STR("{\"resourceType\":\"Bundle\",\"type\":"
	    "\"transaction\"}"), &body), OK);
	ck_assert(str_eqz(body, "{\"resourceType\":\"Bundle\",\"type\":"
	    "\"transaction-response\"}"));
}
END_TEST

START_TEST(searchset_holds_stored_bytes_and_links)
{
	struct record records[] = {
		{ .type = r4_type_named(STR("Patient")), .id = STR("a"),
		    .ver = 1, .body = STR("{\"x\":1.10}") },
	};
	struct search_page page = { .records = records, .n = 1, .total = -1,
	    .self = STR("name=\"q\""), .next = STR("c=2") };
	struct http_answer answer;

	http_answer_init(&answer, ctx.arena);
	bundle_searchset(&ctx, &page, STR("https://h/v3/fhir"), STR("Patient"),
	    &answer);
	ck_assert_str_eq(join(&answer).p, "{\"resourceType\":\"Bundle\","
	    "\"type\":\"searchset\",\"link\":[{\"relation\":\"self\",\"url\":"
	    "\"https://h/v3/fhir/Patient?name=\\\"q\\\"\"},{\"relation\":"
	    "\"next\",\"url\":\"https://h/v3/fhir/Patient?c=2\"}],\"entry\":["
	    "{\"fullUrl\":\"https://h/v3/fhir/Patient/a\",\"resource\":"
	    "{\"x\":1.10},\"search\":{\"mode\":\"match\"}}]}");
}
END_TEST

START_TEST(history_says_how_each_version_came_to_be)
{
	const struct r4_type *patient = r4_type_named(STR("Patient"));
	struct record records[] = {
		{ .type = patient, .id = STR("a"), .ver = 3, .deleted = true,
		    .op = 'D' },
		{ .type = patient, .id = STR("a"), .ver = 2, .op = 'U',
		    .body = STR("{}") },
		{ .type = patient, .id = STR("a"), .ver = 1, .op = 'C',
		    .created = true, .body = STR("{}") },
	};
	struct history_page page = { .records = records, .n = 3, .total = 3 };
	struct http_answer answer;
	struct jdoc *d;

	http_answer_init(&answer, ctx.arena);
	bundle_history(&ctx, &page, STR("https://h"),
	    STR("Patient/a/_history"), &answer);
	d = parse(join(&answer));
	ck_assert(str_eqz(member(d, 0, "total"), "3"));
	ck_assert_uint_eq(jdoc_get(d, jdoc_first(d, jdoc_get(d, 0,
	    STR("entry"))), STR("resource")), 0);
	ck_assert(str_eqz(member(d, 0, "entry.0.request.method"), "DELETE"));
	ck_assert(str_eqz(member(d, 0, "entry.1.request.url"), "Patient/a"));
	ck_assert(str_eqz(member(d, 0, "entry.2.request.method"), "POST"));
	ck_assert(str_eqz(member(d, 0, "entry.2.request.url"), "Patient"));
	ck_assert(str_eqz(member(d, 0, "entry.2.response.status"),
	    "201 Created"));
}
END_TEST

static void
add_tests(TCase *tc)
{
	const TTest *tests[] = {
		links_to_a_full_url_become_the_new_ids,
		all_else_is_stored_as_it_was_sent,
		answers_come_in_the_order_of_the_request,
		relative_links_are_resolved_by_the_entrys_base,
		rewritten_nodes_are_those_of_a_fresh_parse,
		refused_bundle_leaves_nothing,
		every_right_is_asked_for,
		what_cannot_be_read_undoes_what_was_written,
		entries_that_write_show_what_is_preferred,
		batch_works_in_the_order_of_r4_and_answers_in_its_own,
		batch_reads_no_more_than_it_can_hold,
		batch_begins_nothing_when_its_time_is_over,
		update_delete_and_read_are_answered_each_in_its_way,
		empty_transaction_is_answered,
		searchset_holds_stored_bytes_and_links,
		history_says_how_each_version_came_to_be,
	};

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tc, tests[i]);
	tcase_add_loop_test(tc, bad_bundle_is_refused_and_named, 0,
	    sizeof(refused) / sizeof(refused[0]));
}

int
main(int argc, char **argv)
{
	TCase *tc = suite_case("bundle");
	int status;

	(void)argc;
	database_need(argv);
	database_prepare();
	tcase_add_checked_fixture(tc, open_ctx, close_ctx);
	add_tests(tc);
	status = suite_run();
	database_drop();
	return status;
}
