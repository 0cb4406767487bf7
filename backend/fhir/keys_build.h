/*
 * Inside the key extraction: the keys of one record while they are collected,
 * and what a value of a parameter adds to them. keys_build.c
 * collects and sorts; keys_value.c knows tokens, references and texts;
 * keys_measure.c dates, numbers and quantities; keys_composite.c combines
 * them; keys.c runs all over a record.
 */
#ifndef FHIR_KEYS_BUILD_H
#define FHIR_KEYS_BUILD_H

#include "fhir/extract.h"
#include "fhir/keys.h"

struct key_build {
	struct ctx		*ctx;
	struct key_space	 space;
	const struct r4_type	*type;
	struct extract		 x;
	const struct r4_param	*param;		/* the one that is running */
	int64_t			 konst[KEY_COMPARTMENT];
	unsigned		 known;		/* bit i: konst[i] is so */
	struct keys		*out;
	size_t			 post_room, dat_room, str_room, qty_room,
				 cqty_room, dict_room, refs_room;
};

/* --- keys_build.c ------------------------------------------------------- */

void	build_post(struct key_build *b, enum key_space_kind kind, int64_t hash,
	    int32_t aux);
void	build_date(struct key_build *b, int64_t lo_us, int64_t hi_us);
void	build_str(struct key_build *b, struct str folded);
void	build_qty(struct key_build *b, struct key_qty row);
void	build_cqty(struct key_build *b, struct key_cqty row);
/* Left out when a part is too long; display is cut. */
void	build_dict(struct key_build *b, enum key_space_kind kind, int64_t hash,
	    struct str system, struct str code, struct str display);
void	build_ref(struct key_build *b, int64_t rh);
/* A literal reference to a compartment's owner, if param leads into it. */
void	build_member(struct key_build *b, const struct r4_type *owner,
	    int64_t rh);
/* The record is in the compartment of that owner. */
void	build_owner(struct key_build *b, const struct r4_type *owner,
	    int64_t rh);
/* Each posting a second time in the list of what is wide, and that list's own;
 * hi_us is the end of the date. The last that is built. */
void	build_wide(struct key_build *b, int64_t hi_us);
/* Sort all lists and make them distinct. */
void	build_finish(struct keys *o);

/* The decoded content of a string node, or of the string member `name` of an
 * object; empty when it is none. */
struct str	build_text(const struct key_build *b, uint32_t node);
struct str	build_member_text(const struct key_build *b, uint32_t object,
		    struct str name);

/* --- keys_value.c ------------------------------------------------------- */

/* A coded value; the slices may be empty. */
struct token { struct str system, code, display; };
typedef void	token_visit(void *to, const struct token *token);

/* Each system and code of a token element: the codings of a concept, ... */
void	token_each(const struct key_build *b, enum extract_kind kind,
	    uint32_t node, token_visit *visit, void *to);

void	value_token(struct key_build *b, enum extract_kind kind, uint32_t node);
void	value_string(struct key_build *b, enum extract_kind kind,
	    uint32_t node);
void	value_reference(struct key_build *b, enum extract_kind kind,
	    uint32_t node);
void	value_uri(struct key_build *b, enum extract_kind kind, uint32_t node);

/* The text of a reference element's target; empty when it has none. */
struct str	reference_text(const struct key_build *b,
		    enum extract_kind kind, uint32_t node);

/* --- keys_measure.c ----------------------------------------------------- */

/* A measured value: a span and its unit in words. */
struct measure { double lo, hi; struct str system, code, unit; };

bool	measure_of(const struct key_build *b, enum extract_kind kind,
	    uint32_t node, struct measure *out);
/* key_qty.unit: of the unit in words, unless the code says the same. */
int32_t	measure_unit(struct key_space space, const struct measure *m);
bool	measure_date(const struct key_build *b, enum extract_kind kind,
	    uint32_t node, int64_t *lo_us, int64_t *hi_us);

void	value_date(struct key_build *b, enum extract_kind kind, uint32_t node);
void	value_measure(struct key_build *b, enum extract_kind kind,
	    uint32_t node);
void	value_position(struct key_build *b, uint32_t node);

/* --- keys_pair.c -------------------------------------------------------- */

void	pair_keys(struct key_build *b);

/* --- keys_composite.c --------------------------------------------------- */

void	value_composite(struct key_build *b, uint32_t node,
	    const struct r4_step *group);

#endif
