/*
 * A str is a slice of bytes with a length. It owns nothing, it need not end in
 * NUL, and it may hold any byte. Whoever made the bytes says how long they
 * live: mostly the arena of the request. Shared with the nginx module, so
 * nothing here allocates.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
	const char	*p;
	size_t		 n;
};

/* The slice of a string literal, and the two arguments of a "%.*s". */
#define STR(literal)	((struct str){ (literal), sizeof(literal) - 1 })
#define STR_NONE	((struct str){ NULL, 0 })
#define STR_ARGS(s)	((int)(s).n), ((s).p == NULL ? "" : (s).p)

/* The slice of a NUL-terminated string; NULL gives the empty slice. Inline, as
 * the next two: the length of a literal is then known. */
static inline struct str
str_of(const char *z)
{
	return (struct str){ z, z == NULL ? 0 : strlen(z) };
}

static inline bool
str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool
str_eqz(struct str a, const char *z)
{
	return str_eq(a, str_of(z));
}

/* Equal without regard to ASCII case, as HTTP field names and schemes are. */
bool		str_ieq(struct str a, struct str b);

/* Equal in a time that depends on the lengths alone: for secrets. */
bool		str_eq_secret(struct str a, struct str b);

/* As strcmp: bytes compared as unsigned, a prefix sorts first. */
int		str_cmp(struct str a, struct str b);

bool		str_starts(struct str s, struct str prefix);
bool		str_ends(struct str s, struct str suffix);
bool		str_has(struct str s, char c);

/* The part from byte `from` on; empty when s is shorter. */
struct str	str_from(struct str s, size_t from);

/* s without the blanks (space, tab) around it. */
struct str	str_trim(struct str s);

/*
 * Cut *rest at the first sep: the part before is returned, *rest becomes the
 * part after. Without a sep all of *rest is returned and *rest becomes
 * STR_NONE (p NULL), which ends a loop `while (rest.p != NULL)`. A trailing
 * sep thus yields a last, empty part.
 */
struct str	str_cut(struct str *rest, char sep);

/*
 * The one parser for strangers' numbers: decimal digits only, no sign, no
 * blank, no leading zero except "0" itself, at most `max`. False otherwise.
 */
bool		str_u64(struct str s, uint64_t max, uint64_t *out);

#endif
