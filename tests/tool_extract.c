/*
 * Prints what the search parameters select from the resources in the given
 * files, for comparison with another FHIRPath engine: one JSON line for each
 * resource, {"file", "entry", "type", "values": {code: [[kind, source], ..]}};
 * behind the source of a composite's group come its components' values. Of a
 * Bundle also its entries' resources.
 *
 *   tool_extract FILE..          the values
 *   tool_extract -p              the parameters: {type: {code: expression}}
 *   tool_extract -k FILE..       the number of keys of each kind
 *   tool_extract -b N FILE..     extract all N times, print resources/s
 */

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/buf.h"
#include "fhir/extract.h"
#include "fhir/keys.h"

static const char *const kind_names[EXTRACT__MAX] = {
	[EXTRACT_NUMBER] = "number", [EXTRACT_RANGE] = "range",
	[EXTRACT_QUANTITY] = "quantity", [EXTRACT_MONEY] = "money",
	[EXTRACT_SAMPLED] = "sampled", [EXTRACT_DATE] = "date",
	[EXTRACT_PERIOD] = "period", [EXTRACT_TIMING] = "timing",
	[EXTRACT_STRING] = "string", [EXTRACT_NAME] = "name",
	[EXTRACT_ADDRESS] = "address", [EXTRACT_CODEABLE] = "codeable",
	[EXTRACT_CODING] = "coding", [EXTRACT_IDENTIFIER] = "identifier",
	[EXTRACT_CONTACT] = "contact", [EXTRACT_CODE] = "code",
	[EXTRACT_TEXT] = "text", [EXTRACT_BOOLEAN] = "boolean",
	[EXTRACT_YES] = "yes", [EXTRACT_NO] = "no",
	[EXTRACT_REFERENCE] = "reference", [EXTRACT_CANONICAL] = "canonical",
	[EXTRACT_URI] = "uri", [EXTRACT_RESOURCE] = "resource",
	[EXTRACT_GROUP] = "group",
};

struct resource {
	const char		*file;
	const struct jdoc	*doc;
	uint32_t		 node;
	int			 entry;		/* -1: the file's own */
	const struct r4_type	*type;
};

typedef void	visit(struct ctx *ctx, const struct resource *r);

/* --- printing values ---------------------------------------------------- */

struct values {
	struct buf		 b;
	const struct resource	*r;
	bool			 some;
};

/* A value as written, on one line: JSON has line ends between values only. */
static void
add_source(struct buf *b, struct str source)
{
	for (size_t i = 0; i < source.n; i++)
		buf_addc(b, source.p[i] == '\n' || source.p[i] == '\r' ? ' ' :
		    source.p[i]);
}

static void
print_value(void *to, enum extract_kind kind, uint32_t node,
    const struct r4_step *group)
{
	struct values *v = to;
	struct extract x = { v->r->doc, v->r->node };

	buf_addz(&v->b, v->some ? ",[" : "[");
	v->some = true;
	buf_add_quoted(&v->b, str_of(kind_names[kind]));
	buf_addc(&v->b, ',');
	if (kind == EXTRACT_YES || kind == EXTRACT_NO)
		buf_addz(&v->b, kind == EXTRACT_YES ? "true" : "false");
	else
		add_source(&v->b, jdoc_source(v->r->doc, node));
	for (unsigned i = 0; kind == EXTRACT_GROUP && i < group->n; i++) {
		buf_addz(&v->b, ",[");
		v->some = false;
		extract_run(&x, extract_component(group, i), node,
		    print_value, v);
		buf_addc(&v->b, ']');
	}
	v->some = true;
	buf_addc(&v->b, ']');
}

static void
print_values(struct ctx *ctx, const struct resource *r)
{
	struct values v = { .b = buf_new(ctx->arena, 4096), .r = r };
	struct extract x = { r->doc, r->node };

	buf_addz(&v.b, "{\"file\":");
	buf_add_quoted(&v.b, str_of(r->file));
	buf_addf(&v.b, ",\"entry\":%d,\"type\":\"%s\",\"values\":{", r->entry,
	    r->type->name);
	for (unsigned i = 0; i < r->type->nparams; i++) {
		const struct r4_param *param = r->type->params[i];

		buf_addf(&v.b, "%s\"%s\":[", i > 0 ? "," : "", param->code);
		v.some = false;
		if (param->program != NULL)
			extract_run(&x, param->program, r->node, print_value,
			    &v);
		buf_addc(&v.b, ']');
	}
	buf_addz(&v.b, "}}\n");
	fwrite(v.b.p, 1, v.b.n, stdout);
}

static void
print_params(struct arena *arena)
{
	struct buf b = buf_new(arena, 1 << 20);

	for (size_t t = 0; t < r4_types_count; t++) {
		const struct r4_type *type = &r4_types[t];

		buf_addf(&b, "%c\"%s\":{", t == 0 ? '{' : ',', type->name);
		for (unsigned i = 0; i < type->nparams; i++) {
			const struct r4_param *param = type->params[i];

			buf_addf(&b, "%s\"%s\":", i > 0 ? "," : "",
			    param->code);
			buf_add_quoted(&b, str_of(param->program == NULL ?
			    "" : param->expression));
		}
		buf_addc(&b, '}');
	}
	buf_addz(&b, "}\n");
	fwrite(b.p, 1, b.n, stdout);
}

/* --- counting keys ------------------------------------------------------ */

static void
extract_keys(struct ctx *ctx, const struct resource *r, struct keys *keys)
{
	struct key_space space = { { 1, 2 }, 1 };

	keys_extract(ctx, space, r->type, STR("1"),
	    &(struct extract){ r->doc, r->node }, keys);
}

static void
print_keys(struct ctx *ctx, const struct resource *r)
{
	struct keys k;

	extract_keys(ctx, r, &k);
	printf("%s\tpost %zu\tdat %zu\tstr %zu\tqty %zu\tcqty %zu\tdict %zu"
	    "\trefs %zu\n", r->type->name, k.npost, k.ndat, k.nstr, k.nqty,
	    k.ncqty, k.ndict, k.nrefs);
}

static size_t	extracted;

static void
count_keys(struct ctx *ctx, const struct resource *r)
{
	struct keys keys;

	extract_keys(ctx, r, &keys);
	extracted++;
}

/* --- files -------------------------------------------------------------- */

static void
visit_resource(struct ctx *ctx, struct resource r, visit *fn)
{
	uint32_t name = jdoc_get(r.doc, r.node, STR("resourceType"));

	if (name == 0 || jdoc_type(r.doc, name) != JDOC_STRING)
		return;
	r.type = r4_type_named(jdoc_raw(r.doc, name));
	if (r.type != NULL)
		fn(ctx, &r);
}

static void
visit_doc(struct ctx *ctx, const char *file, const struct jdoc *d, visit *fn)
{
	uint32_t entries = jdoc_get(d, 0, STR("entry"));
	struct resource r = { file, d, 0, -1, NULL };

	visit_resource(ctx, r, fn);
	if (entries == 0 || jdoc_type(d, entries) != JDOC_ARRAY)
		return;
	for (uint32_t i = jdoc_first(d, entries); i != 0;
	    i = jdoc_next(d, entries, i)) {
		r.entry++;
		r.node = jdoc_get(d, i, STR("resource"));
		if (r.node != 0)
			visit_resource(ctx, r, fn);
	}
}

static struct str
read_file(struct arena *arena, const char *path)
{
	struct buf b = buf_new(arena, 65536);
	FILE *f = fopen(path, "rb");
	size_t n;

	if (f == NULL) {
		perror(path);
		exit(1);
	}
	while ((n = fread(buf_room(&b, 65536), 1, 65536, f)) > 0)
		buf_took(&b, n);
	fclose(f);
	return buf_str(&b);
}

static bool
parse(struct arena *arena, const char *path, struct jdoc *d)
{
	struct str text = read_file(arena, path);
	size_t room = jdoc_bound(text);

	return jdoc_parse(d, text, arena_array(arena, room,
	    sizeof(struct jnode)), room, JDOC_DEPTH_MAX) == JDOC_OK;
}

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int
main(int argc, char **argv)
{
	struct arena *files = arena_new(1 << 20), *work = arena_new(1 << 20);
	struct ctx ctx = { .arena = work };
	visit *fn = print_values;
	int first = 1, rounds = 1;
	double begin;

	if (argc == 2 && strcmp(argv[1], "-p") == 0) {
		print_params(work);
		first = argc;
	} else if (argc > 2 && strcmp(argv[1], "-k") == 0) {
		fn = print_keys;
		first = 2;
	} else if (argc > 3 && strcmp(argv[1], "-b") == 0) {
		fn = count_keys;
		rounds = (int)strtol(argv[2], NULL, 10);
		first = 3;
	}
	for (int i = first; i < argc; i++) {
		struct jdoc d;

		if (!parse(files, argv[i], &d)) {
			fprintf(stderr, "%s: no JSON\n", argv[i]);
			continue;
		}
		begin = seconds();
		for (int n = 0; n < rounds; n++) {
			visit_doc(&ctx, argv[i], &d, fn);
			arena_reset(work);
		}
		if (fn == count_keys)
			printf("%s: %.0f resources/s\n", argv[i],
			    (double)extracted / (seconds() - begin));
		extracted = 0;
		arena_reset(files);
	}
	arena_free(files);
	arena_free(work);
	return 0;
}
