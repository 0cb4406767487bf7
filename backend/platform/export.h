/*
 * Bulk exports: what is asked, kept as the input of a task, and the steps that
 * write the files. Bulk Data Access IG 2.0, export.html
 *
 * An export is of one time, T: the newest version at T of each record. Versions
 * are never changed, so its steps may lie hours and crashes apart. T is when it
 * was asked for, and the first step waits until nobody can add a version from
 * before T any more (fhir/history.h), so no record is missing in both this
 * export and the next one that asks `_since` T.
 */
#ifndef PLATFORM_EXPORT_H
#define PLATFORM_EXPORT_H

#include "fhir/r4.h"
#include "platform/task.h"
#include "wire/http.h"

/* Of one client at once. */
#define EXPORTS_MAX	3

enum export_level { EXPORT_SYSTEM, EXPORT_PATIENT, EXPORT_GROUP };

struct export_filter {
	const struct r4_type	*type;
	struct str		 query;	/* as sent */
};

struct export {
	enum export_level	 level;
	struct str		 request;	/* the URL that was asked */
	int64_t			 time_us;	/* T */
	int64_t			 since_us;	/* 0: everything */
	const struct r4_type	**types;
	size_t			 ntypes;
	struct export_filter	*filters;	/* of one type: any of them */
	size_t			 nfilters;
	struct str		*patients;	/* these alone: ids */
	size_t			 npatients;
	struct str		 group;		/* id, of EXPORT_GROUP */
	int32_t			 group_ver;
	struct str		 scope;		/* of the token that asked */
};

/* How far it is: numbers alone (platform/place.h). Its parts are the records of
 * each of its types, then, of one with _since, what was deleted of each. */
struct export_place {
	uint64_t	part;
	uint64_t	updated_us;	/* in the part: behind the version */
	uint64_t	rid;		/*   of this time and record */
	uint64_t	file;		/* that is being written; 0 = none */
	uint64_t	records;	/* in it */
	uint64_t	bytes;		/* in it */
	uint64_t	files;		/* so many were made */
	uint64_t	total;		/* records in all of them */
};

/* Whether a type has records that an export of that level can have. */
bool		export_has(enum export_level level,
		    const struct r4_type *type);

/* The parameters of a filter that has been checked: those of a search, without
 * what says how its answer looks. ERR_INVALID_PARAMETER. */
enum err	export_filter_params(struct ctx *ctx,
		    const struct export_filter *filter,
		    struct http_params *out);

/* Ask for it. ERR_RATE_LIMIT. */
enum err	export_ask(struct ctx *ctx, const struct export *export,
		    struct str *id);

/* What was asked, from the task's input. */
void		export_input(struct ctx *ctx, const struct task *task,
		    struct export *out);

/* How far it is, for a person. */
struct str	export_progress(struct ctx *ctx, const struct task *task);

/* --- by jobs (jobs/tasks.h) ----------------------------------------------- */

/* Take it up: *work lives in ctx's arena, and holds its folder. */
enum err	export_open(struct ctx *ctx, const struct task *task,
		    void **work);
enum err	export_step(struct ctx *ctx, struct task *task, void *work,
		    enum task_fate *fate);

#endif
