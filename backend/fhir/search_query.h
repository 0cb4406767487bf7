/*
 * A search in its neutral form, between its parameters and its SQL: typed
 * conditions that are ANDed, each with values that are ORed, an order, a page.
 * Shared by the search_*.c files; everybody else sees fhir/search.h.
 */
#ifndef FHIR_SEARCH_QUERY_H
#define FHIR_SEARCH_QUERY_H

#include "base/ctx.h"
#include "fhir/decimal.h"
#include "fhir/r4.h"
#include "fhir/subset.h"
#include "wire/http.h"

/* More is refused: each condition is a probe per row, each value a walk. */
#define SEARCH_CONDITIONS_MAX	16
#define SEARCH_VALUES_MAX	200
#define SEARCH_SORT_MAX		3
#define SEARCH_INCLUDES_MAX	32

/* A name may lead through so many references (`a.b.c=` through two), and its
 * untyped ones may stand for so many searches of other types. */
#define SEARCH_LINKS_MAX	3
#define SEARCH_BRANCHES_MAX	32

/* What a condition compares with. _id and _lastUpdated are columns of res,
 * the others live in key tables. */
enum search_kind { SEARCH_TOKEN, SEARCH_REFERENCE, SEARCH_URI, SEARCH_STRING,
	SEARCH_DATE, SEARCH_NUMBER, SEARCH_QUANTITY, SEARCH_COMPOSITE,
	SEARCH_NEAR,
	SEARCH_LIST,		/* in the List whose id is the value */
	SEARCH_ID, SEARCH_UPDATED, SEARCH_MISSING,
	SEARCH_CHAIN,		/* its reference names what inner finds */
	SEARCH_REVERSE,		/* _has: named by what inner finds */
	SEARCH_WITHIN,		/* in the compartment of values[0] */
	SEARCH__KINDS };

enum search_modifier { SEARCH_PLAIN, SEARCH_EXACT, SEARCH_CONTAINS,
	SEARCH_NOT, SEARCH_TEXT, SEARCH_OF_TYPE, SEARCH_IDENTIFIER,
	SEARCH_ABOVE, SEARCH_BELOW, SEARCH_IN, SEARCH_NOT_IN, SEARCH_TYPED,
	SEARCH_MISSING_IS };	/* which makes another kind of a condition */

enum search_prefix { SEARCH_EQ, SEARCH_NE, SEARCH_GT, SEARCH_GE, SEARCH_LT,
	SEARCH_LE, SEARCH_SA, SEARCH_EB, SEARCH_AP };

/* One value, unescaped. Which members count says the condition's kind. */
struct search_value {
	struct str		 text;	/* string, uri, id; code or value of a
					 * token; url of a reference */
	bool			 has_text; /* false: `system|` */
	struct str		 system; /* token; :of-type type system */
	bool			 has_system;	/* `|code` has an empty one */
	struct str		 type_code;	/* :of-type's type code */
	/* Reference: type NULL = each target type of the parameter; id empty
	 * = text is an absolute URL or canonical. */
	const struct r4_type	*type;
	struct str		 id;
	/* Date: the span [lo, hi) of the value as written. */
	enum search_prefix	 prefix;
	int64_t			 lo_us, hi_us;
	/* Number, quantity: as written, and what its digits imply. Of a
	 * quantity text is the unit's code or the unit; has_text false: any. */
	struct decimal		 number;
	struct str		 digits;	/* number as sent */
	bool			 missing;	/* :missing=true */
	double			 latitude, longitude, metres;	/* near */
	/* Composite: one for each component. */
	struct search_value	*parts;
};

struct search_condition {
	enum search_kind	 kind;
	enum search_modifier	 modifier;
	const struct r4_param	*param;
	struct search_value	*values;
	size_t			 n;
	/* CHAIN, REVERSE: param is the reference; what is asked of the records
	 * at its other end, of each type one search, ORed. Name as sent. */
	struct search		*inner;
	size_t			 ninner;
	struct str		 name;
};

struct search_sort {
	enum search_kind	 kind;	/* not COMPOSITE, MISSING */
	const struct r4_param	*param;
	bool			 descending;
};

/* What is brought along: the records that source refers to by param, or, in
 * reverse, the source records that refer so to what is there. */
struct search_include {
	bool			 reverse;
	bool			 iterate;	/* from what came along, too */
	const struct r4_type	*source;	/* NULL: each type */
	const struct r4_param	*param;		/* NULL: each reference */
	const struct r4_type	*target;	/* NULL: each type */
};

struct search {
	const struct r4_type	*type;
	/* Of several types at once these, and type is the first of them: each
	 * condition is of a parameter that all have. */
	const struct r4_type	**types;
	size_t			 ntypes;	/* 0: type alone */
	bool			 whole;	/* of the server: _type is taken */
	const struct r4_type	*owner;	/* of its compartment, or NULL */
	struct str		 owner_id;
	struct search_condition	*conditions;
	size_t			 n;
	struct search_sort	 sort[SEARCH_SORT_MAX];
	size_t			 nsort;
	int			 count;
	int			 offset;
	bool			 totals;	/* _total is wanted */
	bool			 estimates;	/* an estimate will do */
	bool			 counts;	/* nothing but the total is */
	struct subset		 subset;	/* of each record */
	struct search_include	*includes;
	size_t			 nincludes;
	struct str		 cursor;	/* as sent; empty = none */
	/* What was applied, in the order sent, without _offset and _cursor:
	 * the links are made of it. */
	struct http_param	*applied;
	size_t			 napplied;
};

/* A parameter's targets have the type. */
bool		search_is_target(const struct r4_param *param,
		    const struct r4_type *type);

/* --- search_modifier.c ---------------------------------------------------- */

/* The enum search_kind of a parameter, -1 when it cannot be asked. */
int		search_kind_of(const struct r4_param *param);

enum search_offer { MODIFIER_NONE, MODIFIER_R4, MODIFIER_OFFERED };

/* Whether a parameter of that kind has the modifier: here (*out), in R4 alone,
 * or not at all. The :[type] of references is not in the table. */
enum search_offer	search_modifier_of(enum search_kind kind,
			    const struct r4_param *param, struct str name,
			    enum search_modifier *out);

/* --- search_value.c ------------------------------------------------------- */

/*
 * Parse one parameter's value into c->values (commas are OR, backslash
 * escapes); c's kind, modifier and param are set. target is the :Type of a
 * reference or NULL; name is as sent, for messages. ERR_INVALID_PARAMETER. R4
 * search.html#escaping
 */
enum err	search_values(struct ctx *ctx, struct search_condition *c,
		    const struct r4_type *target, struct str name,
		    struct str value);

/* --- search_near.c -------------------------------------------------------- */

/* latitude|longitude|distance|unit; the last two may be missing. R4
 * location.html#positional */
enum err	search_parse_near(struct ctx *ctx, struct str name,
		    struct str text, struct search_value *v);

/* --- search_name.c -------------------------------------------------------- */

/* The parameter code of type nearest to a misspelt one, or NULL when none is
 * near: for messages. */
const char	*search_nearest(const struct r4_type *type, struct str code);

#endif
