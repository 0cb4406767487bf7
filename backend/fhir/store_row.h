/*
 * The inside of a write, shared by store_plan.c (the steps), store_check.c
 * (what is refused), store_write.c (the rows), store_piece.c
 * (their memory), store_rows.c (records and versions), store_keys.c (search
 * keys) and store_dict.c (tokens). Besides them only what makes keys again
 * includes it.
 */
#ifndef FHIR_STORE_ROW_H
#define FHIR_STORE_ROW_H

#include "fhir/store.h"
#include "wire/pg.h"

/* Rows per statement: large enough that its cost is that of the rows, small
 * enough that a bundle's arrays are built and sent in pieces. */
#define STORE_CHUNK	4096

enum row_fate { ROW_NOTHING, ROW_CREATE, ROW_UPDATE };

/* One change on its way into the database. */
struct row {
	struct change	*change;
	struct str	 id;
	int64_t		 rh;
	struct keys	 keys;		/* of the new version */
	int64_t		 print;		/* of keys but the postings */
	int64_t		 rules;		/* by which they were extracted */

	/* As it was found */
	bool		 found;
	int64_t		 rid;
	int32_t		 old_ver;
	int64_t		 old_updated_us;
	int64_t		 old_at_us;
	bool		 old_deleted;
	struct key_post	*old_post;
	size_t		 nold_post;
	int64_t		 old_print;
	int64_t		 old_rules;

	/* As it will be */
	enum row_fate	 fate;
	struct record	 after;
};

/* The rows of one write, in the order of (type, id). */
struct rows {
	struct row	*v;
	size_t		 n;
	int		 writer;
};

/* What is around the rows of a write. */
struct store_frame {
	store_look	*look;		/* before the commit; may be NULL */
	void		*arg;
	struct arena	*scratch;	/* where many are made ready; of one
					 * NULL */
	bool		 open;		/* the transaction is open already, */
	bool		 inside;	/* and who opened it commits */
};

/* --- store_check.c -------------------------------------------------------- */

/* How issues name a change: its place in a Bundle, else its type. */
struct str	store_path(const struct change *change);

/* Bodies and ids. All problems of all bodies are listed, not only the first. */
enum err	store_check_changes(struct ctx *ctx,
		    const struct change *changes, size_t n);

/* Whether the row was found as its change asks; ERR_RETRY when it is no longer
 * what a search saw. */
enum err	store_check_match(struct ctx *ctx, const struct row *row);

/* --- store_guard.c -------------------------------------------------------- */

/* Whether the settings ask something of these rows' references. Then rows that
 * are to change are locked against references to them, too. */
bool		store_guards(const struct ctx *ctx, const struct rows *rows);

/*
 * After all was written: ERR_CONFLICT when a record refers to one that was
 * deleted (delete_referred = refuse), or one that was written refers to what is
 * not there (dangling_references = refuse). What is referred to is locked until
 * the end.
 */
enum err	store_guard(struct ctx *ctx, const struct rows *rows);

/* --- store_write.c -------------------------------------------------------- */

/* The rows of the changes with their keys; ids of new ones are made. With a
 * scratch arena only what must be is kept in ctx's. */
enum err	store_make_rows(struct ctx *ctx, struct change *changes,
		    size_t n, struct arena *scratch, struct rows *out);

/* Lock, build, send, look, commit. ERR_RETRY when another one was faster;
 * after an error the transaction is undone. */
enum err	store_write_rows(struct ctx *ctx, struct rows *rows,
		    const struct store_frame *frame);

/* --- store_rows.c, store_keys.c, store_dict.c ----------------------------- */

/* Queue what makes the rows of `fate` (records, versions, events, audit,
 * counts). */
void	store_send_rows(struct ctx *ctx, const struct rows *rows,
	    enum row_fate fate);

/* A hash of all keys that are not postings: equal ones need no writing. */
int64_t	store_key_print(struct arena *arena, struct key_space space,
	    const struct keys *keys);

/* Queue the search keys that go, then those that come. */
void	store_send_keys(struct ctx *ctx, const struct rows *rows);

/* All keys of the rows' new versions as arguments, as store_key takes them from
 * $2 on. */
void	store_key_args(struct pg_args *a, const struct rows *rows);

/* Take from the keys the tokens that this process has sent before; queue those
 * that are left; after the commit say whether it came to pass. */
void	store_dict_new(struct keys *keys);
void	store_send_dict(struct ctx *ctx, const struct rows *rows);
void	store_dict_done(bool committed);

/* --- store_piece.c -------------------------------------------------------- */

/* An arena for what is forgotten before ctx's is, tied to it. */
struct arena	*store_scratch(struct ctx *ctx);

/* Bring keys into the arena, in their exact size; slices of the document stay
 * slices of it. */
void	store_keep_keys(struct arena *arena, struct str document,
	    struct keys *keys);

/* Whether all rows go in one flush: else the transaction must be open. */
bool	store_is_one_piece(const struct rows *rows);

/*
 * Build the bodies and queue records and keys, flushing all but the last piece.
 * With a scratch arena everything is made in it, and only what is still queued
 * is left there: bodies live until its next reset.
 */
enum err	store_send_pieces(struct ctx *ctx, const struct rows *rows,
		    struct arena *scratch);

#endif
