/*
 * Between search_parse.c, which takes parameters, and search_link.c and
 * search_include.c, which take those that lead to other types.
 */
#ifndef FHIR_SEARCH_PARSE_H
#define FHIR_SEARCH_PARSE_H

#include "fhir/search_query.h"

struct parse {
	struct ctx		*ctx;
	struct search		*search;
	bool			 lenient;
	bool			 ignored;	/* the parameter at hand */
	/* Seen: */
	bool			 counted, sorted, skipped, totalled, typed;
	/* Of the parameter at hand: references that its name has led through,
	 * and searches of other types that it stands for. */
	int			 links, branches;
};

/* Say why a parameter cannot be asked: an error, or with lenient a warning
 * and the parameter does not count. R4 search.html#errors */
enum err	search_refuse(struct parse *p, enum err err, struct str text);

#define REFUSE(p, err, ...)	\
	search_refuse((p), (err), arena_printf((p)->ctx->arena, __VA_ARGS__))

/* No such name; what says of what ("Search parameter"). */
enum err	search_unknown(struct parse *p, const struct r4_type *type,
		    struct str code, const char *what);
enum err	search_unknown_type(struct parse *p, struct str name);

/* A condition on p->search's type. */
enum err	search_take_condition(struct parse *p,
		    const struct http_param *param);

/* Room for one more condition; ERR_INVALID_REQUEST when there is none. */
enum err	search_add_condition(struct parse *p,
		    const struct search_condition *c);

/* --- search_within.c ------------------------------------------------------ */

/* Say in search of whose compartment it is; without type, of which types. */
enum err	search_enter(struct ctx *ctx, struct search *search,
		    const struct r4_type *owner, struct str id);

/* --- search_link.c -------------------------------------------------------- */

/* The name leads to another type: `a.b`, `_has:Type:a:b`. */
bool		search_is_link(struct str name);

/*
 * Add its condition. ERR_SCOPE when ctx's who may not search a type that it
 * looks into. R4 search.html#chaining, #has
 */
enum err	search_take_link(struct parse *p,
		    const struct http_param *param);

/* --- search_types.c ------------------------------------------------------- */

/* Set the types of a search of the whole server. ERR_SCOPE for one that ctx's
 * who may not search. */
enum err	search_choose_types(struct ctx *ctx, struct search *search,
		    const struct http_params *params);

/* Whether records of type are searched for. */
bool		search_is_of(const struct search *search,
		    const struct r4_type *type);

/* --- search_list.c -------------------------------------------------------- */

/* Take _list. ERR_SCOPE when ctx's who may not read a List. */
enum err	search_take_list(struct parse *p,
		    const struct http_param *param);

/* --- search_include.c ----------------------------------------------------- */

/*
 * Take _include or _revinclude, with or without :iterate. ERR_SCOPE when ctx's
 * who may not read a type that can only be the one that is brought along.
 * R4 search.html#revinclude
 */
enum err	search_take_include(struct parse *p,
		    const struct http_param *param);

#endif
