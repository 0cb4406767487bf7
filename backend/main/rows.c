/* Tables, JSON and shell assignments on standard output. */

#include "main/rows.h"

#include <ctype.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/when.h"
#include "main/command.h"
#include "wire/json.h"
#include "wire/pg.h"

bool
output_parse(const char *word, enum output *output)
{
	static const char *const words[] = {
		"text",		/* OUTPUT_TEXT */
		"json",		/* OUTPUT_JSON */
		"env",		/* OUTPUT_ENV */
	};

	*output = OUTPUT_TEXT;
	if (word == NULL)
		return true;
	for (int i = OUTPUT_TEXT; i <= OUTPUT_ENV; i++)
		if (strcmp(word, words[i]) == 0) {
			*output = (enum output)i;
			return true;
		}
	command_misuse("--output is text, json or env");
	return false;
}

static struct str
cell(struct ctx *ctx, const PGresult *res, int row, const struct column *c)
{
	char text[WHEN_INSTANT_CHARS + 1];

	if (pg_is_null(res, row, c->col))
		return STR("-");
	switch (c->kind) {
	case COLUMN_INT4:
		return arena_printf(ctx->arena, "%d",
		    (int)pg_get_int4(res, row, c->col));
	case COLUMN_INT8:
		return arena_printf(ctx->arena, "%lld",
		    (long long)pg_get_int8(res, row, c->col));
	case COLUMN_TIME:
		when_format(pg_get_time(res, row, c->col), text);
		return arena_str(ctx->arena, str_of(text));
	case COLUMN_TEXT:
		break;
	}
	return pg_get_str(res, row, c->col);
}

static void
print_json(const json_t *json, struct ctx *ctx)
{
	struct str text = json_text(ctx->arena, json);

	printf("%.*s\n", STR_ARGS(text));
}

static json_t *
cell_json(struct ctx *ctx, const PGresult *res, int row,
    const struct column *c)
{
	struct str text;

	if (pg_is_null(res, row, c->col))
		return json_null();
	if (c->kind == COLUMN_INT4)
		return json_integer(pg_get_int4(res, row, c->col));
	if (c->kind == COLUMN_INT8)
		return json_integer(pg_get_int8(res, row, c->col));
	text = cell(ctx, res, row, c);
	return json_stringn(text.p, text.n);
}

static void
rows_json(struct ctx *ctx, const PGresult *res, const struct column *columns)
{
	json_t *list = json_build(ctx->arena, "[]");

	for (int row = 0; row < PQntuples(res); row++) {
		json_t *one = json_object();

		for (const struct column *c = columns; c->name != NULL; c++)
			json_object_set_new(one, c->name,
			    cell_json(ctx, res, row, c));
		json_array_append_new(list, one);
	}
	print_json(list, ctx);
}

void
rows_print(struct ctx *ctx, const PGresult *res, const struct column *columns,
    enum output output)
{
	if (output == OUTPUT_JSON) {
		rows_json(ctx, res, columns);
		return;
	}
	for (const struct column *c = columns; c->name != NULL; c++)
		printf("%s%s", c == columns ? "" : "\t", c->name);
	putchar('\n');
	for (int row = 0; row < PQntuples(res); row++) {
		for (const struct column *c = columns; c->name != NULL; c++) {
			struct str text = cell(ctx, res, row, c);

			printf("%s%.*s", c == columns ? "" : "\t",
			    STR_ARGS(text));
		}
		putchar('\n');
	}
}

int
rows_list(int argc, char **argv, const struct column *columns,
    enum err (*ask)(struct ctx *ctx, PGresult **res))
{
	const char *word = NULL;
	const struct option_row options[] = {
		{ "--output", &word, NULL },
		{ NULL, NULL, NULL }
	};
	enum output output;
	struct ctx *ctx;
	PGresult *res;

	if (!command_options(options, argc, argv, NULL) ||
	    !output_parse(word, &output))
		return COMMAND_USAGE;
	if ((ctx = command_ctx()) == NULL)
		return COMMAND_FAILED;
	if (ask(ctx, &res) != OK)
		return command_fault(ctx);
	rows_print(ctx, res, columns, output);
	return COMMAND_OK;
}

/* 'value', with each quote as '\'' */
static struct str
shell_quoted(struct ctx *ctx, struct str value)
{
	struct buf b = buf_new(ctx->arena, value.n + 2);

	buf_addc(&b, '\'');
	for (size_t i = 0; i < value.n; i++) {
		if (value.p[i] == '\'')
			buf_addz(&b, "'\\'");
		buf_addc(&b, value.p[i]);
	}
	buf_addc(&b, '\'');
	return buf_str(&b);
}

static void
print_env(struct ctx *ctx, const struct fact *fact)
{
	struct str value = fact->value;
	bool plain = value.n > 0;

	for (size_t i = 0; i < value.n; i++)
		plain = plain && (isalnum((unsigned char)value.p[i]) ||
		    str_has(STR("_-.:/"), value.p[i]));
	if (!plain)
		value = shell_quoted(ctx, value);
	for (const char *p = fact->name; *p != '\0'; p++)
		putchar(toupper((unsigned char)*p));
	printf("=%.*s\n", STR_ARGS(value));
}

void
facts_print(struct ctx *ctx, const struct fact *facts, enum output output)
{
	json_t *json = json_build(ctx->arena, "{}");

	for (const struct fact *f = facts; f->name != NULL; f++) {
		if (output == OUTPUT_TEXT)
			printf("%s: %.*s\n", f->name, STR_ARGS(f->value));
		else if (output == OUTPUT_ENV)
			print_env(ctx, f);
		else
			json_object_set_new(json, f->name,
			    json_stringn(f->value.p, f->value.n));
	}
	if (output == OUTPUT_JSON)
		print_json(json, ctx);
}
