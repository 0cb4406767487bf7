/*
 * The search keys of one record: what its write puts into the key tables and
 * what a search asks them for. One file (keys.c) knows how a value becomes a
 * hash, for both sides.
 *
 * Posting keys: k = const(tn, type, param) XOR hash(value), all SipHash with
 * the database's random key, the tenant in the constant. `aux` is a 32-bit
 * print of a token's system (0 = no system), so that code, system|code and
 * |code are one walk of one index. A reference's value is `rh`, the hash of
 * "tn/Type/id"; SQL can thus build k from a res row.
 */
#ifndef FHIR_KEYS_H
#define FHIR_KEYS_H

#include "base/ctx.h"
#include "base/hash.h"
#include "base/jdoc.h"
#include "base/when.h"
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
	KEY_OF_TYPE,		/* identifier type system|code|value (:of-type) */
	KEY_IDENTIFIER,		/* Reference.identifier system|value */
	KEY_EXACT,		/* a string exactly as written */
	KEY_CANONICAL,		/* canonical without its |version */
	KEY_COMPARTMENT		/* membership; param = owner type number */
};

struct key_post { int64_t k; int32_t aux; };
struct key_date { int16_t param; int64_t lo_us, hi_us; };
struct key_str  { int16_t param; struct str folded; };
/* unit: 0 = the number alone; else hash of "system|code" or "|code". */
struct key_qty  { int16_t param; int64_t unit; double lo, hi; };
/* Composites: k = hash over the discrete component values; the last component
 * when it is a quantity or date is v (else 0). */
struct key_cqty { int64_t k; double v; };
/* A distinct token for dict; text only for KEY_TEXT rows. */
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

/* All keys of the resource at node; ref 'id' is its own id. Total: whatever
 * validate() accepted has keys; allocates in the arena. */
void	keys_extract(struct ctx *ctx, struct key_space space,
	    const struct r4_type *type, struct str id, const struct jdoc *d,
	    uint32_t node, struct keys *out);

/* The halves of k, for searches. */
int64_t	key_const(struct key_space space, int16_t type, int16_t param,
	    enum key_space_kind kind);
int64_t	key_hash(struct key_space space, struct str value);
int64_t	key_pair(struct key_space space, struct str a, struct str b);
int64_t	key_reference(struct key_space space, struct str type,
	    struct str id);			/* rh */
int32_t	key_system(struct key_space space, struct str system);	/* aux */

/* Text folded for string search: lower case, accents off, blanks collapsed,
 * cut at 256 bytes on a character. R4 search.html#string */
struct str	key_fold(struct arena *arena, struct str text);

#endif
