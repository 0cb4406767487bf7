/* FHIR resources for tests: parsed from a text, or read from an archive. */

#include "resource.h"

#include <check.h>
#include <ftw.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEPTH	100	/* of nesting in our own fixtures */

struct jdoc
resource_parse(struct arena *arena, struct str text)
{
	size_t room = jdoc_bound(text);
	struct jdoc d;
	enum jdoc_error error = jdoc_parse(&d, text,
	    arena_array(arena, room, sizeof(struct jnode)), room, DEPTH);

	ck_assert_msg(error == JDOC_OK, "%s: %.*s", jdoc_strerror(error),
	    STR_ARGS(text));
	return d;
}

struct str
resource_read(struct arena *arena, const char *path)
{
	FILE *file = fopen(path, "rb");
	struct str text;
	char *p;

	ck_assert_msg(file != NULL, "%s cannot be read", path);
	fseek(file, 0, SEEK_END);
	text.n = (size_t)ftell(file);
	rewind(file);
	p = arena_alloc(arena, text.n + 1);
	ck_assert_uint_eq(fread(p, 1, text.n, file), text.n);
	fclose(file);
	text.p = p;
	return text;
}

/* nftw has no argument for its callback. */
static resource_visit *visit;
static int visited;

static int
visit_file(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	struct arena *arena;

	(void)st;
	if (kind != FTW_F || !str_ends(str_of(path), STR(".json")))
		return 0;
	arena = arena_new(1 << 20);
	visit(arena, path + ftw->base, resource_read(arena, path));
	visited++;
	arena_free(arena);
	return 0;
}

static int
remove_file(const char *path, const struct stat *st, int kind,
    struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static bool
unpack(const char *archive, char *folder)
{
	const char *shared = getenv("SHARED_DATA");
	char path[512];
	char *argv[] = { (char[]){ "tar" }, (char[]){ "-xJf" }, path,
		(char[]){ "-C" }, folder, NULL };
	pid_t pid;
	int status;

	snprintf(path, sizeof(path), "%s/%s",
	    shared == NULL ? "../shared/data" : shared, archive);
	if (access(path, R_OK) != 0)
		return false;
	if (posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ) != 0)
		return false;
	return waitpid(pid, &status, 0) == pid && status == 0;
}

int
resource_each(const char *env, const char *archive, resource_visit *fn)
{
	char folder[] = "/tmp/twocare-resources-XXXXXX";
	const char *given = getenv(env);

	visit = fn;
	visited = 0;
	if (given != NULL) {
		nftw(given, visit_file, 16, FTW_PHYS);
		return visited;
	}
	ck_assert_ptr_nonnull(mkdtemp(folder));
	if (unpack(archive, folder))
		nftw(folder, visit_file, 16, FTW_PHYS);
	else
		printf("SKIP: no %s (SHARED_DATA) and no %s\n", archive, env);
	nftw(folder, remove_file, 16, FTW_DEPTH | FTW_PHYS);
	return visited;
}
