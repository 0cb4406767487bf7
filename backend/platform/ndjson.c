/* Folders and files of bulk data. */

#include "platform/ndjson.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/conf.h"
#include "base/when.h"

#define FOLDER		"bulk"
#define FRESH_S		3600
#define NAME_CHARS	32

/* nginx's group reads, by the set-group-id bit of state_dir. */
#define DIR_MODE	0750
#define FILE_MODE	0640
#define INPUT_MODE	0600

struct ndjson {
	int	fd;		/* of the folder, and locked */
};

static void
close_dir(void *p)
{
	struct ndjson *dir = p;

	close(dir->fd);
}

static enum err
cannot(struct ctx *ctx, const char *what)
{
	if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG)
		return fail(ctx, ERR_TOO_LARGE, "the server has no room on "
		    "its disk for the files of this request");
	return fail(ctx, ERR_INTERNAL, "%s/" FOLDER ": cannot %s: %s",
	    ctx->conf->state_dir, what, strerror(errno));
}

static const char *
path_of(const struct ctx *ctx, struct str id)
{
	return arena_printf(ctx->arena, "%s/" FOLDER "/%.*s",
	    ctx->conf->state_dir, STR_ARGS(id)).p;
}

/* Not by chmod: of a group that we are not in it takes away the bit by which
 * what is made in the folder is nginx's group's. */
static bool
make_dir(const char *path)
{
	mode_t before = umask(~DIR_MODE & 0777);
	bool made = mkdir(path, DIR_MODE) == 0;
	int why = errno;

	umask(before);
	errno = why;
	return made || errno == EEXIST;
}

enum err
ndjson_open(struct ctx *ctx, struct str id, struct ndjson **out)
{
	struct ndjson *dir = arena_zero(ctx->arena, sizeof(*dir));
	const char *path = path_of(ctx, id);

	if (!make_dir(path_of(ctx, STR(""))) || !make_dir(path))
		return cannot(ctx, "make a folder");
	dir->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir->fd < 0)
		return cannot(ctx, "open a folder");
	arena_later(ctx->arena, close_dir, dir);
	if (flock(dir->fd, LOCK_EX | LOCK_NB) != 0)
		return fail(ctx, ERR_CONFLICT, "another process holds it");
	*out = dir;
	return OK;
}

static void
name_of(int32_t n, char out[NAME_CHARS])
{
	if (n == NDJSON_INPUT)
		snprintf(out, NAME_CHARS, "input");
	else
		snprintf(out, NAME_CHARS, "%d.ndjson", (int)n);
}

static bool
write_at(int fd, int64_t at, struct str bytes)
{
	while (bytes.n > 0) {
		ssize_t n = pwrite(fd, bytes.p, bytes.n, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		at += n;
		bytes = str_from(bytes, (size_t)n);
	}
	return true;
}

enum err
ndjson_write(struct ctx *ctx, struct ndjson *dir, int32_t n, int64_t at,
    struct str bytes)
{
	mode_t mode = n == NDJSON_INPUT ? INPUT_MODE : FILE_MODE;
	char name[NAME_CHARS];
	bool fine;
	int fd, why;

	name_of(n, name);
	fd = openat(dir->fd, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW |
	    (at == 0 ? O_CREAT : 0), mode);
	if (fd < 0)
		return cannot(ctx, "open a file");
	fine = ftruncate(fd, at) == 0 && write_at(fd, at, bytes) &&
	    fdatasync(fd) == 0 && (at > 0 || fchmod(fd, mode) == 0);
	why = errno;
	close(fd);
	errno = why;
	return fine ? OK : cannot(ctx, "write a file");
}

enum err
ndjson_read(struct ctx *ctx, struct ndjson *dir, int64_t at, size_t n,
    struct str *out)
{
	char *room = arena_alloc(ctx->arena, n + 1);
	int fd = openat(dir->fd, "input", O_RDONLY | O_CLOEXEC);
	size_t got = 0;
	ssize_t more = 1;

	if (fd < 0)
		return cannot(ctx, "open the input");
	while (got < n && more > 0) {
		more = pread(fd, room + got, n - got, at + (int64_t)got);
		if (more < 0 && errno == EINTR)
			more = 1;
		else if (more > 0)
			got += (size_t)more;
	}
	close(fd);
	if (more < 0)
		return cannot(ctx, "read the input");
	*out = (struct str){ room, got };
	return OK;
}

/* Within a string JSON has no line end that is not escaped (RFC 8259 7): those
 * that are there stand between values, where they mean nothing. */
void
ndjson_line(struct buf *b, struct str body)
{
	size_t from = 0;

	for (size_t i = 0; i < body.n; i++) {
		if (body.p[i] != '\n' && body.p[i] != '\r')
			continue;
		buf_add(b, (struct str){ body.p + from, i - from });
		from = i + 1;
	}
	buf_add(b, str_from(body, from));
	buf_addc(b, '\n');
}

bool
ndjson_remove(const struct ctx *ctx, struct str id)
{
	const char *path = path_of(ctx, id);
	DIR *dir = opendir(path);
	const struct dirent *entry;

	if (dir == NULL)
		return errno == ENOENT;
	while ((entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.')
			(void)unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
	return rmdir(path) == 0 || errno == ENOENT;
}

size_t
ndjson_list(struct ctx *ctx, struct ndjson_id *out, size_t most)
{
	DIR *dir = opendir(path_of(ctx, STR("")));
	const struct dirent *entry;
	struct stat st;
	size_t n = 0;

	if (dir == NULL)
		return 0;
	while (n < most && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.' || fstatat(dirfd(dir),
		    entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
			continue;
		out[n].id = arena_str(ctx->arena, str_of(entry->d_name));
		out[n++].fresh = st.st_mtime >
		    ctx->now_us / US_PER_SECOND - FRESH_S;
	}
	closedir(dir);
	return n;
}
