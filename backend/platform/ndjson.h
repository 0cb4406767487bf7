/*
 * The files of bulk exports and imports: lines of JSON in a folder of the
 * task's own, state_dir/bulk/ID/N.ndjson, group-readable by nginx, which serves
 * them. A file is written in pieces; what was written counts once the task's
 * row says so (task_keep), and whoever goes on cuts it to that length first.
 */
#ifndef PLATFORM_NDJSON_H
#define PLATFORM_NDJSON_H

#include "base/buf.h"
#include "base/ctx.h"

/* The upload of an import, which nginx does not serve. */
#define NDJSON_INPUT	0

/* A task's folder, held by one process at a time. */
struct ndjson;

/*
 * Make the folder of task id if it is missing, and hold it until the arena
 * ends. ERR_CONFLICT when another process holds it, ERR_TOO_LARGE when there
 * is no room on the disk, ERR_INTERNAL.
 */
enum err	ndjson_open(struct ctx *ctx, struct str id,
		    struct ndjson **out);

/*
 * Put bytes into file n at the offset `at`, to which it is cut first, and
 * bring them onto the disk; makes the file when at is 0. Errors as above.
 */
enum err	ndjson_write(struct ctx *ctx, struct ndjson *dir, int32_t n,
		    int64_t at, struct str bytes);

/* At most n bytes of the input from `at` into the arena; fewer only at its end.
 * ERR_INTERNAL. */
enum err	ndjson_read(struct ctx *ctx, struct ndjson *dir, int64_t at,
		    size_t n, struct str *out);

/*
 * Add a resource as one line. Its bytes stay as they are; only the line ends
 * between its values, if there are any, are left out.
 */
void		ndjson_line(struct buf *b, struct str body);

/* Take the folder of task id away; false with errno when it cannot be. */
bool		ndjson_remove(const struct ctx *ctx, struct str id);

/* The ids that have folders, at most `most` of them, in the arena; those made
 * within the last hour may be of tasks whose row is not yet there: *fresh. */
struct ndjson_id {
	struct str	id;
	bool		fresh;
};
size_t		ndjson_list(struct ctx *ctx, struct ndjson_id *out,
		    size_t most);

#endif
