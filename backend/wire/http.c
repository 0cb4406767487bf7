/* Requests and answers as values: parameters taken apart, answers built up. */

#include "wire/http.h"

#include <assert.h>

#include "base/code.h"

static const char *const method_names[HTTP_METHOD__MAX] = {
	"GET",		/* HTTP_GET */
	"HEAD",		/* HTTP_HEAD */
	"POST",		/* HTTP_POST */
	"PUT",		/* HTTP_PUT */
	"PATCH",	/* HTTP_PATCH */
	"DELETE",	/* HTTP_DELETE */
	"OPTIONS",	/* HTTP_OPTIONS */
};

static const struct reason {
	int		 status;
	const char	*text;
} reasons[] = {
	{ 200, "OK" },
	{ 201, "Created" },
	{ 204, "No Content" },
	{ 304, "Not Modified" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 406, "Not Acceptable" },
	{ 409, "Conflict" },
	{ 410, "Gone" },
	{ 412, "Precondition Failed" },
	{ 413, "Content Too Large" },
	{ 414, "URI Too Long" },
	{ 415, "Unsupported Media Type" },
	{ 422, "Unprocessable Content" },
	{ 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" },
	{ 500, "Internal Server Error" },
	{ 503, "Service Unavailable" },
};

#define NREASONS	(sizeof(reasons) / sizeof(reasons[0]))

const char *
http_reason(int status)
{
	for (size_t i = 0; i < NREASONS; i++)
		if (reasons[i].status == status)
			return reasons[i].text;
	return "Unknown";
}

enum http_method
http_method_named(struct str name)
{
	unsigned i;

	for (i = 0; i < HTTP_METHOD__MAX; i++)
		if (str_eqz(name, method_names[i]))
			break;
	return (enum http_method)i;
}

const char *
http_method_name(enum http_method method)
{
	return method < HTTP_METHOD__MAX ? method_names[method] : "other";
}

/* --- parameters ----------------------------------------------------------- */

static bool
decode(struct arena *arena, struct str in, bool plus, struct str *out)
{
	char *room;
	size_t n;

	if (in.n == 0) {
		*out = STR("");
		return true;
	}
	room = arena_alloc(arena, in.n);
	n = percent_decode(in, plus, room);
	if (n == CODE_BAD)
		return false;
	*out = (struct str){ room, n };
	return true;
}

static size_t
count_params(struct str text)
{
	size_t n = 1;

	for (size_t i = 0; i < text.n; i++)
		n += text.p[i] == '&';
	return n;
}

bool
http_params_parse(struct arena *arena, struct str text, bool plus,
    struct http_params *out)
{
	size_t room = count_params(text);

	*out = (struct http_params){ NULL, 0 };
	if (text.n == 0)
		return true;
	if (room > HTTP_PARAMS_MAX)
		return false;
	out->v = arena_array(arena, room, sizeof(*out->v));
	while (text.p != NULL) {
		struct str value = str_cut(&text, '&');
		struct str name = str_cut(&value, '=');
		struct http_param *param = &out->v[out->n];

		/* "a&&b" and a trailing '&' hold nothing between. */
		if (name.n == 0 && value.n == 0)
			continue;
		if (!decode(arena, name, plus, &param->name) ||
		    !decode(arena, value, plus, &param->value))
			goto invalid;
		out->n++;
	}
	return true;
invalid:
	*out = (struct http_params){ NULL, 0 };
	return false;
}

struct str
http_param(const struct http_params *params, struct str name)
{
	for (size_t i = 0; i < params->n; i++)
		if (str_eq(params->v[i].name, name))
			return params->v[i].value;
	return STR_NONE;
}

/* --- answers -------------------------------------------------------------- */

void
http_answer_init(struct http_answer *answer, struct arena *arena)
{
	answer->arena = arena;
	answer->status = 200;
	http_answer_clear(answer);
}

void
http_body_clear(struct http_answer *answer)
{
	answer->parts = NULL;
	answer->parts_end = &answer->parts;
	answer->body_bytes = 0;
}

void
http_answer_clear(struct http_answer *answer)
{
	answer->content_type = NULL;
	answer->fields = NULL;
	answer->fields_end = &answer->fields;
	answer->modified_us = 0;
	http_body_clear(answer);
}

void
http_field(struct http_answer *answer, const char *name, struct str value)
{
	struct http_field *field = arena_zero(answer->arena, sizeof(*field));

	assert(!str_has(value, '\r') && !str_has(value, '\n'));
	field->name = name;
	field->value = value;
	*answer->fields_end = field;
	answer->fields_end = &field->next;
}

void
http_body(struct http_answer *answer, struct str bytes)
{
	struct http_part *part;

	if (bytes.n == 0)
		return;
	part = arena_zero(answer->arena, sizeof(*part));
	part->bytes = bytes;
	*answer->parts_end = part;
	answer->parts_end = &part->next;
	answer->body_bytes += bytes.n;
}
