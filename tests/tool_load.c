/*
 * tool_load FILE...: load transaction bundles into a new database through the
 * store, without HTTP, say how fast that was, and check all keys. With KEEP set
 * the database stays.
 */

#include "lib/database.h"

#include "base/when.h"
#include "fhir/bundle.h"
#include "fhir/check.h"
#include "wire/migrate.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

static struct str
read_file(struct arena *arena, const char *path)
{
	FILE *f = fopen(path, "rb");
	long size;
	char *p;

	if (f == NULL || fseek(f, 0, SEEK_END) != 0 || (size = ftell(f)) < 0 ||
	    fseek(f, 0, SEEK_SET) != 0) {
		perror(path);
		exit(1);
	}
	p = arena_alloc(arena, (size_t)size);
	if (fread(p, 1, (size_t)size, f) != (size_t)size) {
		perror(path);
		exit(1);
	}
	fclose(f);
	return (struct str){ p, (size_t)size };
}

static enum err
allow_all(struct ctx *ctx, const struct r4_type *type, char verb)
{
	(void)ctx;
	(void)type;
	(void)verb;
	return OK;
}

static double
cpu_s(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)usage.ru_utime.tv_sec +
	    (double)usage.ru_utime.tv_usec / 1e6 +
	    (double)usage.ru_stime.tv_sec +
	    (double)usage.ru_stime.tv_usec / 1e6;
}

static size_t
load(struct ctx *ctx, const char *path)
{
	struct str text = read_file(ctx->arena, path);
	size_t room = jdoc_bound(text);
	struct jdoc d;
	const struct bundle_host host = { .allow = allow_all };
	struct http_answer answer;

	http_answer_init(&answer, ctx->arena);
	if (jdoc_parse(&d, text, arena_array(ctx->arena, room,
	    sizeof(struct jnode)), room, JDOC_DEPTH_MAX) != JDOC_OK) {
		printf("%s: %s\n", path, jdoc_strerror(d.error));
		return 0;
	}
	if (bundle_run(ctx, &d, &host, &answer) != OK) {
		int n = 0;

		for (struct issue *i = ctx->fault.issues; i != NULL && n < 5;
		    i = i->next, n++)
			printf("%s: %.*s: %.*s\n", path, STR_ARGS(i->path),
			    STR_ARGS(i->text));
		fault_clear(ctx);
		return 0;
	}
	return d.nodes[jdoc_get(&d, 0, STR("entry"))].count;
}

/* 0 when the store agrees with itself. */
static int
check_all(struct ctx *ctx)
{
	struct check check = { .tell = NULL };

	if (check_keys(ctx, &check) != OK)
		return 1;
	printf("%lld records checked, %lld differences\n",
	    (long long)check.records, (long long)check.differences);
	return check.differences == 0 ? 0 : 1;
}

int
main(int argc, char **argv)
{
	struct ctx ctx;
	size_t resources = 0;
	int64_t begin_us;
	double cpu, wall;
	int applied, status;

	database_need(argv);
	database_create();
	database_ctx(&ctx);
	if (migrate(&ctx, &applied) != OK)
		return 1;
	free(database_ask("insert into tenant (name) values ('load')"));
	begin_us = when_now();
	cpu = cpu_s();
	for (int i = 1; i < argc; i++) {
		resources += load(&ctx, argv[i]);
		arena_reset(ctx.arena);
	}
	wall = (double)(when_now() - begin_us) / 1e6;
	cpu = cpu_s() - cpu;
	printf("%zu resources in %.2f s: %.0f/s; client CPU %.0f us each\n",
	    resources, wall, (double)resources / wall,
	    cpu * 1e6 / (double)resources);
	status = check_all(&ctx);
	database_ctx_end(&ctx);
	if (getenv("KEEP") == NULL)
		database_drop();
	return status;
}
