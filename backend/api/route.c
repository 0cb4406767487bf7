/* The table of routes, and finding a row in it. */

#include "api/route.h"

#include "api/fhir.h"
#include "api/fhir_bulk.h"
#include "api/health.h"
#include "api/login.h"
#include "api/metrics.h"
#include "base/buf.h"
#include "fhir/scope.h"

/*
 * {type} and {owner} match a word that begins with a capital, {id} one that
 * does not begin with '_' or '$', {vid} any.
 */
/* clang-format off */
const struct route routes[] = {
/* method	path					who	verbs	 pool	face	    body	params */
{ HTTP_GET,	"/health",				ALWAYS,	0,	 FAST,	FACE_REST,  BODY_NONE,	"*",
  health_live,		"Whether this server answers", NULL },
{ HTTP_GET,	"/ready",				ALWAYS,	0,	 FAST,	FACE_REST,  BODY_NONE,	"*",
  health_ready,		"Whether it can serve: database, schema, state", NULL },
{ HTTP_GET,	"/metrics",				ALWAYS,	0,	 FAST,	FACE_REST,  BODY_NONE,	"*",
  metrics_show,		"What this node counted, for Prometheus", NULL },
{ HTTP_POST,	"/oauth/token",				PUBLIC,	0,	 SLOW,	FACE_OAUTH, BODY_OTHER,	"*",
  login_token,		"Get an access token", NULL },
{ HTTP_GET,	"/.well-known/oauth-authorization-server", PUBLIC, 0,	 FAST,	FACE_REST,  BODY_NONE,	"*",
  login_metadata,	"What the authorization server can do", NULL },
{ HTTP_GET,	"/v3/fhir/metadata",			PUBLIC,	0,	 FAST,	FACE_FHIR,  BODY_NONE,	"mode",
  fhir_capabilities,	"What this FHIR server can do", NULL },
{ HTTP_POST,	"/v3/fhir",				TOKEN,	0,	 SLOW,	FACE_FHIR,  BODY_JSON,	"",
  fhir_bundle,		"Run a transaction or batch Bundle", NULL },
{ HTTP_GET,	"/v3/fhir",				TOKEN,	0,	 SLOW,	FACE_FHIR,  BODY_NONE,	"*",
  fhir_search,		"Search records of several types, or of all", NULL },
{ HTTP_POST,	"/v3/fhir/_search",			TOKEN,	0,	 SLOW,	FACE_FHIR,  BODY_OTHER,	"*",
  fhir_search_form,	"Search records of several types by a form", NULL },
{ HTTP_GET,	"/v3/fhir/{type}",			TOKEN,	SCOPE_S, FAST,	FACE_FHIR,  BODY_NONE,	"*",
  fhir_search,		"Search records of a type", NULL },
{ HTTP_POST,	"/v3/fhir/{type}",			TOKEN,	SCOPE_C, FAST,	FACE_FHIR,  BODY_JSON,	"",
  fhir_create,		"Create a record", NULL },
{ HTTP_POST,	"/v3/fhir/{type}/_search",		TOKEN,	SCOPE_S, SLOW,	FACE_FHIR,  BODY_OTHER,	"*",
  fhir_search_form,	"Search records of a type by a form", NULL },
{ HTTP_PUT,	"/v3/fhir/{type}",			TOKEN,	SCOPE_U | SCOPE_S, FAST, FACE_FHIR, BODY_JSON,	"*",
  fhir_update_by,	"Update the record that meets criteria, or create it", NULL },
{ HTTP_PATCH,	"/v3/fhir/{type}",			TOKEN,	SCOPE_U | SCOPE_R | SCOPE_S, FAST, FACE_FHIR, BODY_PATCH, "*",
  fhir_patch_by,	"Change elements of the record that meets criteria", NULL },
{ HTTP_DELETE,	"/v3/fhir/{type}",			TOKEN,	SCOPE_D | SCOPE_S, FAST, FACE_FHIR, BODY_NONE,	"*",
  fhir_delete_by,	"Delete the record that meets criteria", NULL },
{ HTTP_GET,	"/v3/fhir/{type}/{id}",			TOKEN,	SCOPE_R, FAST,	FACE_FHIR,  BODY_NONE,	"_summary _elements",
  fhir_read,		"Read a record", fhir_ask_read },
{ HTTP_PUT,	"/v3/fhir/{type}/{id}",			TOKEN,	SCOPE_U, FAST,	FACE_FHIR,  BODY_JSON,	"",
  fhir_update,		"Update a record, or create it with this id", NULL },
{ HTTP_PATCH,	"/v3/fhir/{type}/{id}",			TOKEN,	SCOPE_U | SCOPE_R, FAST, FACE_FHIR, BODY_PATCH, "",
  fhir_patch,		"Change elements of a record", NULL },
{ HTTP_DELETE,	"/v3/fhir/{type}/{id}",			TOKEN,	SCOPE_D, FAST,	FACE_FHIR,  BODY_NONE,	"",
  fhir_delete,		"Delete a record", NULL },
{ HTTP_GET,	"/v3/fhir/{type}/{id}/_history",	TOKEN,	SCOPE_R, FAST,	FACE_FHIR,  BODY_NONE,	FHIR_HISTORY_PARAMS " _before",
  fhir_history,		"The versions of a record, newest first", NULL },
{ HTTP_GET,	"/v3/fhir/{type}/_history",		TOKEN,	SCOPE_R, FAST,	FACE_FHIR,  BODY_NONE,	FHIR_HISTORY_PARAMS " _cursor",
  fhir_history_type,	"The versions of all records of a type, newest first", NULL },
{ HTTP_GET,	"/v3/fhir/_history",			TOKEN,	0,	 FAST,	FACE_FHIR,  BODY_NONE,	FHIR_HISTORY_PARAMS " _cursor",
  fhir_history_system,	"The versions of all records that the token may read", NULL },
{ HTTP_GET,	"/v3/fhir/{type}/{id}/_history/{vid}",	TOKEN,	SCOPE_R, FAST,	FACE_FHIR,  BODY_NONE,	"_summary _elements",
  fhir_read,		"Read one version of a record", fhir_ask_read },
{ HTTP_GET,	"/v3/fhir/{owner}/{id}/{type}",		TOKEN,	SCOPE_S, FAST,	FACE_FHIR,  BODY_NONE,	"*",
  fhir_search,		"Search records of a type in a compartment", NULL },
{ HTTP_POST,	"/v3/fhir/{owner}/{id}/{type}/_search",	TOKEN,	SCOPE_S, SLOW,	FACE_FHIR,  BODY_OTHER,	"*",
  fhir_search_form,	"Search records of a type in a compartment by a form", NULL },
{ HTTP_GET,	"/v3/fhir/{owner}/{id}/*",		TOKEN,	0,	 FAST,	FACE_FHIR,  BODY_NONE,	"*",
  fhir_search,		"Search a compartment", NULL },
{ HTTP_POST,	"/v3/fhir/{owner}/{id}/*/_search",	TOKEN,	0,	 SLOW,	FACE_FHIR,  BODY_OTHER,	"*",
  fhir_search_form,	"Search a compartment by a form", NULL },
{ HTTP_POST,	"/v3/fhir/{owner}/{id}/_search",	TOKEN,	0,	 SLOW,	FACE_FHIR,  BODY_OTHER,	"*",
  fhir_search_form,	"Search a compartment by a form", NULL },
{ HTTP_POST,	"/v3/fhir/{type}/$validate",		TOKEN,	SCOPE_R, SLOW,	FACE_FHIR,  BODY_JSON,	"*",
  fhir_validate,	"Say what is wrong with a resource", NULL },
{ HTTP_GET,	"/v3/fhir/{type}/{id}/$validate",	TOKEN,	SCOPE_R, SLOW,	FACE_FHIR,  BODY_NONE,	"*",
  fhir_validate,	"Say what is wrong with a record", NULL },
{ HTTP_POST,	"/v3/fhir/{type}/{id}/$validate",	TOKEN,	SCOPE_R, SLOW,	FACE_FHIR,  BODY_JSON,	"*",
  fhir_validate,	"Say what is wrong with a resource for this id", NULL },
{ HTTP_GET,	"/v3/fhir/{type}/$expand",		TOKEN,	SCOPE_R, SLOW,	FACE_FHIR,  BODY_NONE,	"*",
  fhir_expand,		"The codes of a value set", NULL },
{ HTTP_POST,	"/v3/fhir/{type}/$expand",		TOKEN,	SCOPE_R, SLOW,	FACE_FHIR,  BODY_JSON,	"*",
  fhir_expand,		"The codes of a value set", NULL },
{ HTTP_GET,	"/v3/fhir/{type}/{id}/$expand",		TOKEN,	SCOPE_R, SLOW,	FACE_FHIR,  BODY_NONE,	"*",
  fhir_expand,		"The codes of a stored value set", NULL },
{ HTTP_POST,	"/v3/fhir/{type}/{id}/$expand",		TOKEN,	SCOPE_R, SLOW,	FACE_FHIR,  BODY_JSON,	"*",
  fhir_expand,		"The codes of a stored value set", NULL },
{ HTTP_GET,	"/v3/fhir/{type}/$validate-code",	TOKEN,	SCOPE_R, SLOW,	FACE_FHIR,  BODY_NONE,	"*",
  fhir_validate_code,		"Whether a code is in a value set or code system", NULL },
{ HTTP_POST,	"/v3/fhir/{type}/$validate-code",	TOKEN,	SCOPE_R, SLOW,	FACE_FHIR,  BODY_JSON,	"*",
  fhir_validate_code,		"Whether a code is in a value set or code system", NULL },
{ HTTP_GET,	"/v3/fhir/{type}/{id}/$validate-code",	TOKEN,	SCOPE_R, SLOW,	FACE_FHIR,  BODY_NONE,	"*",
  fhir_validate_code,		"Whether a code is in a stored one", NULL },
{ HTTP_POST,	"/v3/fhir/{type}/{id}/$validate-code",	TOKEN,	SCOPE_R, SLOW,	FACE_FHIR,  BODY_JSON,	"*",
  fhir_validate_code,		"Whether a code is in a stored one", NULL },
{ HTTP_GET,	"/v3/fhir/{type}/$lookup",		TOKEN,	SCOPE_R, SLOW,	FACE_FHIR,  BODY_NONE,	"*",
  fhir_lookup,		"What a code means", NULL },
{ HTTP_POST,	"/v3/fhir/{type}/$lookup",		TOKEN,	SCOPE_R, SLOW,	FACE_FHIR,  BODY_JSON,	"*",
  fhir_lookup,		"What a code means", NULL },
{ HTTP_GET,	"/v3/fhir/{type}/$lastn",		TOKEN,	SCOPE_S, SLOW,	FACE_FHIR,  BODY_NONE,	"*",
  fhir_lastn,		"The newest observations of each code", NULL },
{ HTTP_POST,	"/v3/fhir/{type}/$lastn",		TOKEN,	SCOPE_S, SLOW,	FACE_FHIR,  BODY_JSON,	"*",
  fhir_lastn,		"The newest observations of each code", NULL },
{ HTTP_GET,	"/v3/fhir/{type}/{id}/$everything",	TOKEN,	SCOPE_R, SLOW,	FACE_FHIR,  BODY_NONE,	"*",
  fhir_everything,	"All records of a patient or an encounter", NULL },
{ HTTP_POST,	"/v3/fhir/{type}/{id}/$everything",	TOKEN,	SCOPE_R, SLOW,	FACE_FHIR,  BODY_JSON,	"*",
  fhir_everything,	"All records of a patient or an encounter", NULL },
{ HTTP_GET,	"/v3/fhir/{type}/{id}/$meta",		TOKEN,	SCOPE_R, SLOW,	FACE_FHIR,  BODY_NONE,	"*",
  fhir_meta,		"The labels of a record", NULL },
{ HTTP_POST,	"/v3/fhir/{type}/{id}/$meta",		TOKEN,	SCOPE_R, SLOW,	FACE_FHIR,  BODY_JSON,	"*",
  fhir_meta,		"The labels of a record", NULL },
{ HTTP_GET,	"/v3/fhir/{type}/{id}/_history/{vid}/$meta", TOKEN, SCOPE_R, SLOW, FACE_FHIR, BODY_NONE, "*",
  fhir_meta,		"The labels of one version", NULL },
{ HTTP_POST,	"/v3/fhir/{type}/{id}/$meta-add",	TOKEN,	SCOPE_U | SCOPE_R, SLOW, FACE_FHIR, BODY_JSON,	"*",
  fhir_meta_add,	"Add labels to a record", NULL },
{ HTTP_POST,	"/v3/fhir/{type}/{id}/$meta-delete",	TOKEN,	SCOPE_U | SCOPE_R, SLOW, FACE_FHIR, BODY_JSON,	"*",
  fhir_meta_delete,	"Take labels off a record", NULL },
{ HTTP_POST,	"/v3/fhir/{type}/$match",		TOKEN,	SCOPE_R | SCOPE_S, SLOW, FACE_FHIR, BODY_JSON,	"*",
  fhir_match,		"Records of the same person", NULL },
{ HTTP_GET,	"/v3/fhir/$export",			TOKEN,	0,	 SLOW,	FACE_FHIR,  BODY_NONE,	"*",
  fhir_export,		"Export all records to files", NULL },
{ HTTP_POST,	"/v3/fhir/$export",			TOKEN,	0,	 SLOW,	FACE_FHIR,  BODY_JSON,	"*",
  fhir_export,		"Export all records to files", NULL },
{ HTTP_GET,	"/v3/fhir/{type}/$export",		TOKEN,	SCOPE_R, SLOW,	FACE_FHIR,  BODY_NONE,	"*",
  fhir_export,		"Export the records of all patients", NULL },
{ HTTP_POST,	"/v3/fhir/{type}/$export",		TOKEN,	SCOPE_R, SLOW,	FACE_FHIR,  BODY_JSON,	"*",
  fhir_export,		"Export the records of some or all patients", NULL },
{ HTTP_GET,	"/v3/fhir/{type}/{id}/$export",		TOKEN,	SCOPE_R, SLOW,	FACE_FHIR,  BODY_NONE,	"*",
  fhir_export,		"Export the records of a group's patients", NULL },
{ HTTP_POST,	"/v3/fhir/{type}/{id}/$export",		TOKEN,	SCOPE_R, SLOW,	FACE_FHIR,  BODY_JSON,	"*",
  fhir_export,		"Export the records of a group's patients", NULL },
{ HTTP_POST,	"/v3/fhir/$import",			TOKEN,	0,	 SLOW,	FACE_FHIR,  BODY_OTHER,	"",
  fhir_import,		"Write the resources of a file", NULL },
{ HTTP_GET,	"/v3/fhir/bulk/{id}",			TOKEN,	0,	 FAST,	FACE_FHIR,  BODY_NONE,	"",
  fhir_bulk_status,	"How far an export or import is, and its files", NULL },
{ HTTP_DELETE,	"/v3/fhir/bulk/{id}",			TOKEN,	0,	 FAST,	FACE_FHIR,  BODY_NONE,	"",
  fhir_bulk_cancel,	"Cancel an export or import, delete its files", NULL },
{ HTTP_GET,	"/v3/fhir/bulk/{id}/{vid}",		TOKEN,	0,	 FAST,	FACE_FHIR,  BODY_NONE,	"",
  fhir_bulk_file,	"A file of an export or import", NULL },
};

static const struct {
	const char	*prefix;
	enum face	 face;
} faces[] = {
{ "/v3/fhir",		FACE_FHIR },
{ "/oauth",		FACE_OAUTH },
};
/* clang-format on */

#define NFACES	(sizeof(faces) / sizeof(faces[0]))

const size_t routes_count = sizeof(routes) / sizeof(routes[0]);

enum face
route_face(struct str path)
{
	for (size_t i = 0; i < NFACES; i++) {
		struct str prefix = str_of(faces[i].prefix);

		if (str_starts(path, prefix) &&
		    (path.n == prefix.n || path.p[prefix.n] == '/'))
			return faces[i].face;
	}
	return FACE_REST;
}

/* One segment against one of the pattern; a hole keeps what it matched. */
static bool
match_segment(struct str pattern, struct str segment, struct route_match *m)
{
	char first = segment.n > 0 ? segment.p[0] : '\0';

	if (str_eqz(pattern, "{type}")) {
		m->type = segment;
		return first >= 'A' && first <= 'Z';
	}
	if (str_eqz(pattern, "{owner}")) {
		m->owner = segment;
		return first >= 'A' && first <= 'Z';
	}
	if (str_eqz(pattern, "{id}")) {
		m->id = segment;
		return first != '\0' && first != '_' && first != '$';
	}
	if (str_eqz(pattern, "{vid}")) {
		m->vid = segment;
		return first != '\0';
	}
	return str_eq(pattern, segment);
}

static bool
match_path(const char *pattern, struct str path, struct route_match *m)
{
	struct str rest = str_of(pattern);

	while (rest.p != NULL && path.p != NULL)
		if (!match_segment(str_cut(&rest, '/'), str_cut(&path, '/'),
		    m))
			return false;
	return rest.p == NULL && path.p == NULL;
}

static unsigned
method_bits(enum http_method method)
{
	unsigned bit = 1U << method;

	return method == HTTP_GET ? bit | 1U << HTTP_HEAD : bit;
}

static unsigned
count_slashes(struct str path)
{
	unsigned n = 0;

	for (size_t i = 0; i < path.n; i++)
		n += path.p[i] == '/';
	return n;
}

/* Rows of another depth, most of them, need not be compared. */
static bool
is_as_deep(size_t row, unsigned slashes)
{
	static unsigned depths[sizeof(routes) / sizeof(routes[0])];

	if (depths[row] == 0)
		depths[row] = count_slashes(str_of(routes[row].path));
	return depths[row] == slashes;
}

void
route_find(enum http_method method, struct str path, struct route_match *out)
{
	static const struct route_match none = { NULL, 0, STR_NONE, STR_NONE,
	    STR_NONE, STR_NONE };
	struct route_match m;
	unsigned slashes;

	*out = none;
	if (path.n > 1 && path.p[path.n - 1] == '/')
		path.n--;
	slashes = count_slashes(path);
	for (size_t i = 0; i < routes_count; i++) {
		unsigned bits = method_bits(routes[i].method);

		m = none;
		if (!is_as_deep(i, slashes) ||
		    !match_path(routes[i].path, path, &m))
			continue;
		out->allowed |= bits;
		if (out->route != NULL || method >= HTTP_METHOD__MAX ||
		    (bits & 1U << method) == 0)
			continue;
		out->route = &routes[i];
		out->owner = m.owner;
		out->type = m.type;
		out->id = m.id;
		out->vid = m.vid;
	}
}

struct str
route_allow(struct arena *arena, unsigned allowed)
{
	struct buf b = buf_new(arena, 64);

	for (unsigned i = 0; i < HTTP_OPTIONS; i++)
		if (allowed & 1U << i)
			buf_addf(&b, "%s, ",
			    http_method_name((enum http_method)i));
	buf_addz(&b, "OPTIONS");
	return buf_str(&b);
}

bool
route_takes(const struct route *route, struct str name)
{
	struct str known = str_of(route->params);

	if (str_eqz(known, "*"))
		return true;
	while (known.p != NULL)
		if (str_eq(str_cut(&known, ' '), name))
			return true;
	return false;
}
