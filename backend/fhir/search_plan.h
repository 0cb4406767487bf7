/*
 * How a search is answered: its conditions as probes (what to ask of which
 * key table, values hashed), the index that is walked, and the order.
 */
#ifndef FHIR_SEARCH_PLAN_H
#define FHIR_SEARCH_PLAN_H

#include "fhir/search_query.h"
#include "fhir/store.h"
#include "wire/pg.h"

/* At most this many matches are gathered and sorted: where a walk of the key's
 * index is the other way, and where none is. */
#define SEARCH_GATHER_ONE	2000
#define SEARCH_GATHER_MAX	10000

/* Texts that contain a needle are gathered by trigrams when they are no more
 * than this: else so many records have one that a walk of the type soon finds a
 * page. */
#define SEARCH_LIKE_MAX		5000

/* A chain or _has is refused above so many records at the other end, or when so
 * many rows were walked to find them. */
#define SEARCH_LINK_MAX		5000
#define SEARCH_LINK_ROWS	20000

/* Of a _has that is true of many, at most so many records that refer to those
 * of the outer search are looked at. */
#define SEARCH_LINK_ASKED	100000

/* Of so many lists each row is asked one by one; of more, its references are
 * looked up among all of them. */
#define SEARCH_LISTS_ASKED	8

/* More units that a parameter's values are in are refused: a quantity that is
 * asked in one unit is asked in each of them. */
#define SEARCH_UNITS_MAX	60

/* More distinct codes behind `system|` or :text are refused. */
#define SEARCH_CODES_MAX	1000

/* Dates before the year 1 do not exist in FHIR: records without a primary
 * date have `at` below this, all others above. */
#define SEARCH_AT_FIRST		INT64_C(-62135769600000000)

enum probe_kind {
	PROBE_POST,		/* one of the postings */
	PROBE_NOT_POST,
	PROBE_DATE,		/* a dat or datw row in one of the boxes */
	PROBE_STRING,		/* a str row in one of the ranges */
	PROBE_LIKE,		/* a str row like one of the patterns */
	PROBE_MEASURE,		/* a qty row in one of the measures */
	PROBE_COMPOSITE,	/* a cqty row in one of them */
	PROBE_HAS,		/* parameter bit set */
	PROBE_HAS_NOT,
	PROBE_ID,
	PROBE_RH,		/* one of the hashes */
	PROBE_UPDATED		/* res.updated in one of the ranges */
};

/* Lists of postings, their aux within [aux_lo, aux_hi]. */
struct posts {
	int64_t		*k;
	int32_t		*aux_lo, *aux_hi;
	size_t		 n;
	bool		 plain;	/* aux is 0: a record is in a list once */
};

/*
 * Boxes in the plane of a date's two ends: a value [lo, hi) matches when
 * lo_min <= lo < lo_max and hi_min < hi <= hi_max. Every prefix is one box or
 * two. R4 search.html#prefix
 */
struct boxes {
	int64_t		*lo_min, *lo_max, *hi_min, *hi_max;
	size_t		 n;
};

/* Of records, as in res.rh. */
struct hashes { int64_t *v; size_t n; };

/* Half-open ranges of text, or of times. */
struct text_ranges { struct str *lo, *hi; size_t n; };
struct time_ranges {
	int64_t		*lo, *hi;
	/* Of ranges of `at`: through the list of those that span more than a
	 * day; all dates that are asked are known to match in it. */
	bool		*wide, *sure;
	int32_t		*end;		/* of wide ones: the least key_end */
	size_t		 n;
};

/*
 * Rows of qty or cqty that match: lo within [lo_min, lo_max], hi within
 * [hi_min, hi_max], and what else they must be. Every end belongs to its range.
 */
struct measures {
	int16_t		*param;		/* qty */
	int64_t		*k;		/* cqty */
	double		*lo_min, *lo_max, *hi_min, *hi_max;
	double		*at_min, *at_max;	/* of one with lo = hi */
	int32_t		*aux_lo, *aux_hi;	/* cqty */
	int32_t		*system_lo, *system_hi;
	int32_t		*unit;		/* its code; 0 = any */
	bool		*words;		/* or, its unit in words */
	/* Of near alone, else NULL: the centre of a circle, its radius. */
	double		*latitude, *longitude, *metres;
	size_t		 n, room;
};

struct probe {
	enum probe_kind		 kind;
	const struct r4_param	*param;
	const struct search_condition *asked;
	bool			 rare;	/* an identifier: no need to count */
	bool			 paired;	/* postings of a pair */
	bool			 trigrams;	/* its patterns have some */
	bool			 linked;	/* postings of a chain: each k
						 * is konst XOR rh */
	int64_t			 konst;
	struct hashes		 hashes;
	bool			 dense;		/* a link to many, not filled */
	struct posts		 posts;
	struct boxes		 boxes;
	struct text_ranges	 texts;	/* PROBE_LIKE, PROBE_ID: lo alone */
	struct time_ranges	 times;
	struct measures		 measures;
};

/* What is walked; each yields (sort value, rid) in order. */
enum driver {
	DRIVE_TYPE,		/* res by at */
	DRIVE_POST,		/* a probe's postings by at */
	DRIVE_PICK,		/* the few records with these ids, by at */
	DRIVE_RH,		/* those with these hashes, by at */
	DRIVE_LIKE,		/* those with a text like a pattern, by at */
	DRIVE_ID,		/* res by id */
	DRIVE_UPDATED,		/* ver by updated */
	DRIVE_DATE,		/* dat and datw by lo */
	DRIVE_STRING,		/* str by v */
	DRIVE_MEASURE,		/* qty by lo */
	DRIVE_COMPOSITE,	/* cqty by lo */
	DRIVE__MAX
};

/* A key of the order: a time, a text or a number. */
enum order_kind { ORDER_TIME, ORDER_TEXT, ORDER_NUMBER };
struct order_key {
	enum order_kind	 kind;
	int64_t		 us;
	struct str	 s;
	double		 number;
};

/* A place in the order: its keys (one in a walk), then the rid. */
struct place {
	struct order_key	 keys[SEARCH_SORT_MAX];
	int64_t			 rid;
};

struct plan {
	struct search		*search;
	int32_t			 tn;
	int64_t			 wide;	/* key_wide of the type */
	struct probe		*probes;
	size_t			 n;
	const struct hashes	*only;	/* these records alone; NULL = all */

	enum driver		 driver;
	int			 drives;	/* probe that drives; -1 none */
	const struct r4_param	*walked;	/* DATE, STRING */
	bool			 gather;	/* sort the whole match */
	bool			 bodies;	/* by what only they have */
	/* Of a walk: one key. Of a gather: those of search->sort. */
	bool			 descending;
	/* A walk by a sort key ends with the records that lack it. */
	int			 segment;	/* at hand: 0, or 1 = those */
	int			 segments;

	bool			 backwards;	/* towards the previous page */
	bool			 placed;	/* go on from place */
	struct place		 place;
};

/* --- search_probe.c ------------------------------------------------------- */

/* The conditions of search as probes, their values hashed; and one for `only`.
 * May ask dict, and runs the inner searches of links. ERR_NOT_SUPPORTED when
 * `system|` or :text names too many codes, or a link leads to too many records.
 * There is room for one probe more. */
enum err	search_probes(struct ctx *ctx, struct key_space space,
		    struct plan *plan);

/* The boxes of a date with its prefix; b has room for two more. */
void		search_date_boxes(struct ctx *ctx,
		    const struct search_value *v, struct boxes *b);

/* The codes of the value set that :in names, at most SEARCH_CODES_MAX.
 * ERR_INVALID_PARAMETER when it cannot be expanded, ERR_NOT_SUPPORTED when it
 * has more. (search_in.c) */
enum err	search_in_codes(struct ctx *ctx, const struct r4_param *param,
		    struct str url, struct search_value **out, size_t *n);

/* The bounds of aux of a token; two when the system may be implied. */
struct auxs { int32_t lo[2], hi[2]; size_t n; };
struct auxs	search_token_auxs(struct key_space space,
		    const struct r4_param *param,
		    const struct search_value *v);

/* Room for n more postings, and one more. */
void		search_posts_room(struct arena *arena, struct posts *p,
		    size_t n);
void		search_add_post(struct posts *p, int64_t k, int32_t aux_lo,
		    int32_t aux_hi);

/* Whether an asked system is what a `code` element says by its value set. */
bool		search_implied_system(const struct r4_param *param,
		    const struct search_value *v);

/* --- search_probe_pair.c -------------------------------------------------- */

/* Where a reference and a code that are paired are both asked, one probe of
 * their pair takes the place of the two. */
void		search_pair_up(struct ctx *ctx, struct key_space space,
		    struct plan *plan);

/* --- search_probe_measure.c ----------------------------------------------- */

/* The conditions on numbers and quantities, and on composites. May ask dict.
 * ERR_NOT_SUPPORTED when values are in more than SEARCH_UNITS_MAX units. */
enum err	search_probe_measure(struct ctx *ctx, struct key_space space,
		    const struct search *search,
		    const struct search_condition *c, struct probe *probe);

/* --- search_near.c -------------------------------------------------------- */

/* The condition on Location's near. */
void		search_probe_near(struct ctx *ctx, struct key_space space,
		    const struct search *search,
		    const struct search_condition *c, struct probe *probe);

/* --- search_list.c -------------------------------------------------------- */

/* The ids that the List of a condition names. ERR_INVALID_PARAMETER when there
 * is none, ERR_NOT_SUPPORTED when it has more than SEARCH_CODES_MAX entries. */
enum err	search_probe_list(struct ctx *ctx, struct key_space space,
		    const struct r4_type *type,
		    const struct search_condition *c, struct probe *probe);

/* --- search_plan.c -------------------------------------------------------- */

/* Choose driver and order; one round trip when several could drive. */
enum err	search_plan(struct ctx *ctx, struct plan *plan);

/* Set what follows from driver, drives and gather; false when they cannot
 * be, as in no cursor of ours. */
bool		search_plan_settle(struct plan *plan);

/* Whether the segment at hand are those that lack the walked date, string or
 * number: they are walked by `at`. */
bool		search_walks_missing(const struct plan *plan);

/* Whether only a record's body has the value that it is sorted by: hashes have
 * no order, and a union has no rows of its own. */
bool		search_sort_in_body(const struct search_sort *sort);

/* What the values of a sort key are, and what stands for a missing one: it
 * comes last. */
enum order_kind	search_sort_order(const struct search_sort *sort);
struct order_key	search_sort_missing(const struct search_sort *sort);

/* --- search_order.c ------------------------------------------------------- */

/*
 * The places of a page whose order only the bodies know: at most limit behind
 * plan's place and `skip` more, in the order of the page. ERR_NOT_SUPPORTED
 * when more than SEARCH_GATHER_MAX records match.
 */
enum err	search_order(struct ctx *ctx, const struct plan *plan,
		    int64_t limit, int64_t skip, struct place **out,
		    size_t *n);

/* Too many records for the order that is asked for: ERR_NOT_SUPPORTED. */
enum err	search_too_many(struct ctx *ctx, const struct plan *plan);

/* --- search_range.c ------------------------------------------------------- */

/* Whether param is the date by which the searched type is ordered. */
bool		search_is_primary(const struct plan *plan,
		    const struct r4_param *param);

/* Of two times. */
int64_t		search_later(int64_t a, int64_t b);
int64_t		search_earlier(int64_t a, int64_t b);

/* Where the primary date must lie for the probe on it, if there is one, to
 * match: ranges of `at`, cut to the segment at hand. */
struct time_ranges	search_at_ranges(struct ctx *ctx,
			    const struct plan *plan);

/* --- search_sql.c --------------------------------------------------------- */

/* Columns of a page's rows; what else a record is, its body says. */
enum page_column { PAGE_RID, PAGE_BODY, PAGE_KEY };

/* One page: at most `limit` rows after `skip`. */
void		search_sql_page(struct ctx *ctx, const struct plan *plan,
		    int64_t limit, int64_t skip, struct pg_query *q,
		    struct pg_args *a);

/* What is walked in the segment at hand, and the kind of its key. */
enum driver	search_walk(const struct plan *plan);
enum order_kind	search_walk_order(const struct plan *plan);

/*
 * One row: how many rows match, counted up to SEARCH_LINK_ROWS + 1; and the
 * distinct hashes, SEARCH_LINK_MAX + 1 at most, of the records; or, with konst,
 * of what they refer to by the parameter that it is the key_const of. The plan
 * gathers.
 */
void		search_sql_hashes(struct ctx *ctx, const struct plan *plan,
		    const int64_t *konst, struct pg_query *q,
		    struct pg_args *a);

/* The rids of all matches, at most limit. */
void		search_sql_rids(struct ctx *ctx, const struct plan *plan,
		    int64_t limit, struct pg_query *q, struct pg_args *a);

/* Those k of the driving lists that have a match, each a row. */
void		search_sql_lists(struct ctx *ctx, const struct plan *plan,
		    struct pg_query *q, struct pg_args *a);

/* The number of all matches. */
void		search_sql_total(struct ctx *ctx, const struct plan *plan,
		    struct pg_query *q, struct pg_args *a);

/* --- search_cursor.c ------------------------------------------------------ */

/*
 * A cursor seals plan's way and a place for one query: nobody can alter it,
 * use it for another query or tenant, or read it (a place may be a name).
 */
enum err	search_cursor_write(struct ctx *ctx, const struct plan *plan,
		    const struct place *place, int segment, bool backwards,
		    struct str *out);
enum err	search_cursor_read(struct ctx *ctx, struct plan *plan);

#endif
