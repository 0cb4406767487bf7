/*
 * The search keys of one record: what its write puts into the key tables and
 * what a search asks them for. One file (keys.c) knows how a value becomes a
 * hash, for both sides. All hashes are SipHash with the database's random key.
 *
 * Posting:    k = key_const(type, param, kind) XOR hash of the value. The
 *             tenant is in the constant. `aux` is a 32-bit print of a system
 *             (0 = none), so code, system|code and |code walk one index: they
 *             ask k, k and aux = key_system(system), k and aux = 0.
 *  token      key_hash(code). Identifiers: also KEY_SYSTEM key_hash(system)
 *             and KEY_OF_TYPE key_triple(type system, type code, value); their
 *             `system|` is one posting, that of other tokens is resolved by
 *             dict. A contact point's system is its use ("home"). A `code` has
 *             aux 0: where its value set has one code system, r4_param.system
 *             names it and a search that asks for that system drops it.
 *             Nothing is folded: tokens are compared as written.
 *             :text asks KEY_TEXT key_hash(folded text), which dict lists.
 *  reference  key_reference(Type, id) = rh, the same number as res.rh, so SQL
 *             can build k from a res row. What is no literal reference to a
 *             record here (foreign URL, urn:uuid:, canonical) is
 *             key_hash(text); canonicals also KEY_CANONICAL key_hash(text
 *             before '|'). :identifier asks KEY_IDENTIFIER key_hash(value),
 *             aux the system. #contained references have no key, displays
 *             neither: R4 has no :text for references.
 *  uri        key_hash(text); with dict rows for :below and :above; a text
 *             with '|' also KEY_CANONICAL.
 *  string     :exact asks KEY_EXACT key_hash(text as written).
 *  pair       KEY_PAIR, param = the token's: key_pair_hash(rh, key_hash(code)),
 *             aux the code's system (keys_pair.c says what is paired).
 *  wide       Of a record whose primary date spans more than a day each posting
 *             is there a second time, with k XOR key_wide and aux = key_end of
 *             the date; and one with k = key_wide alone. So those that may
 *             begin long before a date that they reach are a list of their own.
 *  compartment KEY_COMPARTMENT, param = number of the owner's type, value = rh
 *             of the owner. Owners are in their own compartment.
 *
 * Composite:  one cqty row per group (element on which the composite stands)
 *             and combination of its components' values.
 *             k = key_const(type, param, KEY_VALUE) XOR
 *             key_combine(hashes of the discrete components in their order):
 *             token key_hash(code), reference its posting's hash.
 *  aux        key_system of the first discrete component, 0 of a reference
 *  system     key_system of a second discrete component, or of a quantity
 *  code, unit of a quantity, as in qty; else 0
 *  lo, hi     the quantity, number or date (us) as a span; of two numbers lo
 *             is the first and hi the second; no measured component: 0, 0
 *             Of Location's near, which has no discrete component, lo is the
 *             latitude and hi the longitude.
 *             A composite with a string component has no rows: R4 has one,
 *             Observation code-value-string, whose group is the whole record,
 *             so it is the AND of its components. Of one component of one
 *             group 16 values count.
 *
 * A union of parameters (r4_param.parts) has no keys of its own, only a bit in
 * `has`: a search asks for those of its parts. _id and _lastUpdated have no
 * rows: res.id and res.updated answer them.
 */
#ifndef FHIR_KEYS_H
#define FHIR_KEYS_H

#include "base/ctx.h"
#include "base/hash.h"
#include "base/jdoc.h"
#include "base/when.h"
#include "fhir/extract.h"
#include "fhir/r4.h"

/* What hashing needs: the database's key and the tenant. */
struct key_space {
	struct siphash_key	key;
	int32_t			tn;
};

/* `at` of records whose type has no primary date or that lack it. */
#define KEY_AT_NONE	WHEN_MIN

/* Extra namespaces beside the parameter's own values, mixed into const(). */
enum key_space_kind {
	KEY_VALUE = 0,		/* token code, uri, reference */
	KEY_SYSTEM,		/* identifier "system|" */
	KEY_TEXT,		/* folded text of a token's display (:text) */
	KEY_OF_TYPE,		/* identifier type system, code, value */
	KEY_IDENTIFIER,		/* Reference.identifier system|value */
	KEY_EXACT,		/* a string exactly as written */
	KEY_CANONICAL,		/* canonical without its |version */
	KEY_PAIR,		/* a reference and a code; param = the code's */
	KEY_WIDE,		/* spans more than a day */
	KEY_COMPARTMENT		/* membership; param = owner type number */
};

struct key_post { int64_t k; int32_t aux; };
struct key_date { int16_t param; int64_t lo_us, hi_us; };
struct key_str  { int16_t param; struct str folded; };
/* A number or quantity, once. lo = hi for a plain value; both ends belong to
 * it, and open ones (comparators, ranges) are infinite. system, code: prints
 * of the unit's, 0 = none; unit: of the unit in words, 0 when it is the code.
 * So `5|system|code` asks for both and `5||code` for a code or unit. */
struct key_qty  { int16_t param; double lo, hi; int32_t system, code, unit; };
struct key_cqty { int64_t k; double lo, hi; int32_t aux, system, code, unit; };
/* A distinct token, uri or UCUM unit for dict; KEY_VALUE, or KEY_TEXT with the
 * folded text as its code. Not of identifiers and contact points. Each part
 * is at most KEY_DICT_MAX bytes: longer systems and codes have no row. */
#define KEY_DICT_MAX	512
struct key_dict { int16_t param; int64_t k; int32_t aux;
	struct str system, code, display; uint8_t space; };

struct keys {
	int64_t		 at_us;		/* primary date's lo, or KEY_AT_NONE */
	uint64_t	 has;		/* bit per parameter with a value */
	struct key_post	*post;	size_t npost;	/* sorted, distinct */
	struct key_date	*dat;	size_t ndat;	/* sorted, distinct */
	struct key_str	*str;	size_t nstr;
	struct key_qty	*qty;	size_t nqty;
	struct key_cqty	*cqty;	size_t ncqty;
	struct key_dict	*dict;	size_t ndict;
	int64_t		*refs;	size_t nrefs;	/* rh of all targets, sorted */
};

/* All keys of the resource; ref 'id' is its own id. Total: whatever
 * validate() accepted has keys; allocates in the arena. */
void	keys_extract(struct ctx *ctx, struct key_space space,
	    const struct r4_type *type, struct str id,
	    const struct extract *resource, struct keys *out);

/* The value by which a record is sorted: of a date us, of a number or quantity
 * number, else text. */
struct key_sort { bool found; int64_t us; double number; struct str text; };
/* By what: the least of a parameter's values, or the greatest. */
struct key_sort_by { const struct r4_param *param; bool greatest; };

/*
 * What the resource is sorted by; not found when it has no such value. Of a
 * date or measure where it begins, of a string the folded text, of a token the
 * code, of a reference Type/id or what else it says. A text is at most 256
 * bytes of the document or the arena.
 * R4 search.html#sort
 */
void	keys_sort(struct ctx *ctx, struct key_space space,
	    const struct r4_type *type, struct key_sort_by by,
	    const struct extract *resource, struct key_sort *out);

/* The halves of k, for searches. */
int64_t	key_const(struct key_space space, int16_t type, int16_t param,
	    enum key_space_kind kind);
int64_t	key_hash(struct key_space space, struct str value);
int64_t	key_triple(struct key_space space, struct str a, struct str b,
	    struct str c);
int64_t	key_reference(struct key_space space, struct str type,
	    struct str id);			/* rh */
int32_t	key_system(struct key_space space, struct str system);	/* aux */
int32_t	key_unit(struct key_space space, struct str code);
int64_t	key_combine(struct key_space space, const int64_t *hashes, size_t n);
int64_t	key_wide(struct key_space space, const struct r4_type *type);

/* An end in whole minutes, rounded up: greater than that of a whole minute
 * exactly when the end is. Ends beyond the year 6000 are INT32_MAX. */
int32_t	key_end(int64_t hi_us);

/* More than a day, or open: such a date is a row of datw, not of dat. */
bool	key_is_wide(int64_t lo_us, int64_t hi_us);

/* A reference parameter to one type and a token, whose values are paired. */
struct key_pair {
	const char		*type;
	const struct r4_param	*reference, *token;
};

/* The pairs of a type: the first after NULL, NULL after the last. */
const struct key_pair	*key_pair_next(const struct r4_type *type,
			    const struct key_pair *after);
int64_t	key_pair_hash(struct key_space space, int64_t reference,
	    int64_t token);

/*
 * The hash of a reference as stored or asked: rh for a literal reference to a
 * record here ("Patient/1", "Patient/1/_history/2", the same under our own
 * FHIR base), else that of the text. *type is the literal's type or NULL; 0
 * for an empty or #contained one.
 */
int64_t	key_target(const struct ctx *ctx, struct key_space space,
	    struct str text, const struct r4_type **type);

/* Text folded for string search: lower case, accents off, blanks collapsed,
 * cut at 256 bytes on a character. R4 search.html#string */
struct str	key_fold(struct arena *arena, struct str text);

#endif
