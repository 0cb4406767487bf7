/* Patient/$match: records of the same person.
 * R4 patient-operation-match.html */

#include "api/fhir.h"

#include "api/operation.h"
#include "base/buf.h"
#include "fhir/person.h"

#define GRADE_URL	"http://hl7.org/fhir/StructureDefinition/match-grade"

/* Several certain matches are none: somebody must look. */
static void
keep_certain(struct person_matches *m)
{
	size_t n = 0;

	while (n < m->n && m->v[n].grade == PERSON_CERTAIN)
		n++;
	m->n = n == 1 ? 1 : 0;
}

static void
add_entry(struct ctx *ctx, const struct person_match *m, bool first_one,
    struct http_answer *answer)
{
	struct str base = answer_fhir_base(ctx);

	http_body(answer, arena_printf(ctx->arena, "%s{\"fullUrl\":"
	    "\"%.*s/Patient/%.*s\",\"resource\":", first_one ?
	    ",\"entry\":[" : ",", STR_ARGS(base), STR_ARGS(m->record.id)));
	http_body(answer, m->record.body);
	http_body(answer, arena_printf(ctx->arena, ",\"search\":{"
	    "\"extension\":[{\"url\":\"" GRADE_URL "\",\"valueCode\":\"%s\"}],"
	    "\"mode\":\"match\",\"score\":%s}}", person_grade_code(m->grade),
	    m->score));
}

enum err
fhir_match(struct ctx *ctx, const struct call *call,
    struct http_answer *answer)
{
	const struct parameter *resource;
	struct parameters given;
	struct person_matches m;
	uint64_t count = UINT64_MAX;
	enum err err;

	if ((err = operation_input(ctx, call, &given)) != OK ||
	    (err = parameters_number(ctx, &given, "count",
	    PERSON_CANDIDATES_MAX, &count)) != OK)
		return err;
	resource = parameters_get(&given, "resource");
	if ((err = person_match(ctx, resource->doc, resource->node,
	    &m)) != OK)
		return err;
	if (parameters_true(&given, "onlyCertainMatches"))
		keep_certain(&m);
	if (m.n > count)
		m.n = (size_t)count;
	answer_private(answer);
	answer->content_type = call->media;
	http_body(answer, arena_printf(ctx->arena, "{\"resourceType\":"
	    "\"Bundle\",\"type\":\"searchset\",\"total\":%zu", m.n));
	for (size_t i = 0; i < m.n; i++)
		add_entry(ctx, &m.v[i], i == 0, answer);
	http_body(answer, m.n > 0 ? STR("]}") : STR("}"));
	return OK;
}
