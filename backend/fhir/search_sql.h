/*
 * Between search_sql.c, which writes statements and walks, and
 * search_sql_probe.c, which writes values and the probes of a walked row.
 */
#ifndef FHIR_SEARCH_SQL_H
#define FHIR_SEARCH_SQL_H

#include "base/buf.h"
#include "fhir/search_plan.h"

/* A statement that is being written. */
struct sql {
	struct ctx		*ctx;
	const struct plan	*plan;
	enum driver		 walk;	/* of the segment at hand */
	struct buf		 b;
	struct pg_args		*a;
	/* Postings know at and rid: where nothing else is asked of a row, its
	 * newest version is looked up and res is not. */
	bool			 light;
	bool			 plain;	/* no rows g: legs of one range */
	bool			 placing;	/* goes on from plan's place */
	bool			 sure;	/* primary dates need no probe */
	/* Aliases: of the row that knows at and rid before res is read, and
	 * of what knows the rest: res, or, light, the walked row. */
	const char		*w, *r;
	/* What stands behind a type: "= $2", or of several "= any ($2)". */
	const char		*is_type;
	/* The type of the index walked: of several each has a walk. */
	const char		*of_type;
	/* Arguments: rows of a page, rows to leave out before them, both. */
	int			 limit, skip, both;
	bool			 skips;	/* some are left out */
};

#define PUT(q, ...)	buf_addf(&(q)->b, __VA_ARGS__)

/*
 * Rows that are found by rid alone: "is true" keeps the tenant and the rest
 * filters, so that no plan made on empty tables walks an index that begins with
 * them instead. Takes the number of the parameter's argument, or not.
 */
#define IS_OURS(t)							\
	" and (" t ".tn = $1 and " t ".type = $2) is true "
#define IS_OURS_PARAM(t)						\
	" and (" t ".tn = $1 and " t ".type = $2 "			\
	"and " t ".param = $%d) is true "

/* The dates of record %s.rid under a parameter, narrow and wide. */
#define DATES_OF							\
	"(select t.lo, t.hi from dat t where t.rid = %s.rid"		\
	IS_OURS_PARAM("t")						\
	"union all select lower(t.span), upper(t.span) from datw t "	\
	"where t.rid = %s.rid" IS_OURS_PARAM("t") ")"

#define IN_BOX								\
	"%s.lo >= b.lo_min and %s.lo < b.lo_max "			\
	"and %s.hi > b.hi_min and %s.hi <= b.hi_max"

/* Each adds an argument and says its number. */
int	sql_int8s(struct sql *q, const int64_t *v, size_t n);
int	sql_int4s(struct sql *q, const int32_t *v, size_t n);
int	sql_times(struct sql *q, const int64_t *v, size_t n);
int	sql_texts(struct sql *q, const struct str *v, size_t n);
int	sql_int8(struct sql *q, int64_t v);
int	sql_param(struct sql *q, const struct r4_param *param);

/* A key of a place. */
int	sql_key(struct sql *q, const struct order_key *key);

/* Sets of values as rows: d(k, aux_lo, aux_hi), b(lo_min, lo_max, hi_min,
 * hi_max), g(lo, hi). */
void	sql_posts(struct sql *q, const struct posts *p);
void	sql_boxes(struct sql *q, const struct boxes *b);
void	sql_text_ranges(struct sql *q, const struct text_ranges *t);
void	sql_time_ranges(struct sql *q, const struct time_ranges *t);

/* The measures of a probe as rows b. */
void	sql_measures(struct sql *q, const struct probe *p);
/* Row `alias` of qty, or cqty, is in the rows b of p. */
void	sql_in_measure(struct sql *q, const struct probe *p,
	    const char *alias);
/* "(rows t of record `of`) join b where" they match. */
void	sql_measured(struct sql *q, const struct probe *p, const char *of);

/* The probe wants to know what res.refs holds. */
bool	sql_asks_refs(const struct probe *p);

/* " and ...": all probes but the one that drives; a parameter's bit. */
void	sql_probes(struct sql *q);
void	sql_has(struct sql *q, const struct r4_param *param, bool has);

/* --- search_sql_walk.c ---------------------------------------------------- */

/* All legs of a walk as "from ..." rows y(s, rid, id, ver, updated), or, light,
 * y(s, rid, vid): where its newest version stands. */
void	sql_walk(struct sql *q, bool ordered);
bool	sql_runs_down(const struct plan *plan);
/* Nothing is asked of a row that only res knows. */
bool	sql_is_light(const struct plan *plan);
/* Whether the walk is of one list of postings in a few ranges: then each range
 * is a leg "(select rid, at ..)" in order. */
bool	sql_is_plain(const struct sql *q, struct time_ranges *t);
void	sql_plain_leg(struct sql *q, const struct time_ranges *t, size_t i);
/* Its rows w are those of res. */
bool	sql_walks_res(enum driver walk);

#endif
