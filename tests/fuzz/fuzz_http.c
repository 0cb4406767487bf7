/*
 * Any bytes as a query, a path and as each header field that we read: nothing
 * overruns, and what is taken apart holds what it promises.
 */

#include "api/field.h"
#include "api/route.h"
#include "base/code.h"
#include "fhir/match.h"
#include "wire/http.h"

#include <stdlib.h>

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
need(bool fact)
{
	if (!fact)
		abort();
}

static void
check_params(struct arena *arena, struct str text)
{
	struct http_params params;

	if (!http_params_parse(arena, text, true, &params)) {
		need(params.v == NULL && params.n == 0);
		return;
	}
	need(params.n <= HTTP_PARAMS_MAX);
	for (size_t i = 0; i < params.n; i++) {
		need(utf8_valid(params.v[i].name));
		need(utf8_valid(params.v[i].value));
		need(http_param(&params, params.v[i].name).p != NULL);
	}
}

static void
check_route(struct arena *arena, struct str path)
{
	struct route_match m;

	route_find(HTTP_GET, path, &m);
	need(m.route == NULL || m.allowed != 0);
	need(m.route == NULL || m.route->face == route_face(path));
	need(route_allow(arena, m.allowed).n > 0);
}

static void
check_fields(struct str text)
{
	int32_t ver = 0;

	(void)field_accept(text, "application/json");
	(void)field_format(text);
	(void)field_is_json(text);
	(void)field_prefer(text);
	need(!match_version(text, &ver) || ver > 0);
	(void)match_none(text, 1);
	(void)match_tag(text, STR("W/\"1\""));
	(void)match_write(text, STR_NONE, &ver);
	(void)match_write(STR_NONE, text, &ver);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(1024);
	char *copy = malloc(size + 1);
	struct str text = { copy, size };

	if (copy == NULL)
		abort();
	memcpy(copy, data, size);
	check_params(arena, text);
	check_route(arena, text);
	check_fields(text);
	free(copy);
	arena_free(arena);
	return 0;
}
