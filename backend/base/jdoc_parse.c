/*
 * The JSON tokenizer: one loop over the text, an explicit stack of open
 * containers, nodes written in the order of the text. Duplicate names are
 * found as names arrive while an object is small, and by one hashed pass at its
 * end when it is not, so that no text makes the work quadratic.
 */

#include "base/jdoc.h"

#include "base/code.h"
#include "base/hash.h"
#include "base/jdoc_content.h"

/* Up to here names are compared with each other at once. */
#define SMALL_MEMBERS	16
#define NAME_SLOTS	(2 * JDOC_MEMBERS_MAX)	/* a power of two */

#define EVERY_BYTE(b)	(UINT64_C(0x0101010101010101) * (b))

struct open {
	uint32_t	node;
	uint32_t	members;	/* not saturated, unlike jnode.count */
	uint64_t	seen;		/* one bit per name, by name_bit() */
};

struct parser {
	struct jdoc	*d;
	const char	*begin, *p, *end;
	unsigned	 depth, depth_max;
	struct open	 open[JDOC_DEPTH_MAX];
};

/* --- errors and nodes ----------------------------------------------------- */

static bool
stop(struct parser *ps, enum jdoc_error error, const char *at)
{
	ps->d->error = error;
	ps->d->error_off = (size_t)(at - ps->begin);
	return false;
}

/* What is wrong with the byte at ps->p, which no rule allows here. */
static bool
stop_here(struct parser *ps)
{
	if (ps->p >= ps->end)
		return stop(ps, JDOC_END, ps->end);
	return stop(ps, *ps->p == '\0' ? JDOC_NUL : JDOC_SYNTAX, ps->p);
}

/* A new node that begins at `at`; NULL when there is no room. */
static struct jnode *
add_node(struct parser *ps, enum jdoc_type type, const char *at)
{
	struct jdoc *d = ps->d;
	struct jnode *node;

	if (d->count == d->room) {
		stop(ps, JDOC_ROOM, at);
		return NULL;
	}
	node = &d->nodes[d->count++];
	node->off = (uint32_t)(at - ps->begin);
	node->len = 0;
	node->next = d->count;
	node->type = (uint8_t)type;
	node->escaped = 0;
	node->count = 0;
	return node;
}

/* --- strings -------------------------------------------------------------- */

/* The first byte that needs a look: below blank, quote, backslash, not ASCII.
 * Eight at a time; borrows only reach bytes after the first hit. */
static const char *
skip_plain(const char *p, const char *end)
{
	while (end - p >= 8) {
		uint64_t word, quote, backslash, hit;

		memcpy(&word, p, sizeof(word));
		quote = word ^ EVERY_BYTE('"');
		backslash = word ^ EVERY_BYTE('\\');
		hit = ((word - EVERY_BYTE(0x20)) | (quote - EVERY_BYTE(1)) |
		    (backslash - EVERY_BYTE(1)) | word) & EVERY_BYTE(0x80);
		if (hit != 0)
			return p + (unsigned)__builtin_ctzll(hit) / 8;
		p += 8;
	}
	while (p < end && (unsigned char)*p >= 0x20 &&
	    (unsigned char)*p < 0x80 && *p != '"' && *p != '\\')
		p++;
	return p;
}

static bool
is_hex4(const char *p)
{
	for (int i = 0; i < 4; i++) {
		unsigned char c = (unsigned char)p[i] | 0x20;

		if (!((p[i] >= '0' && p[i] <= '9') || (c >= 'a' && c <= 'f')))
			return false;
	}
	return true;
}

/* Check the \uXXXX at *p (a pair when it is a surrogate) and step over it. */
static bool
check_unicode(struct parser *ps, const char **p)
{
	const char *at = *p;
	unsigned code;

	if (ps->end - at < 6)
		return stop(ps, JDOC_END, ps->end);
	if (!is_hex4(at + 2))
		return stop(ps, JDOC_SYNTAX, at);
	code = jdoc_hex4(at + 2);
	*p = at + 6;
	if (code == 0)
		return stop(ps, JDOC_NUL, at);
	if (code < 0xd800 || code > 0xdfff)
		return true;
	if (code >= 0xdc00 || ps->end - at < 12 || at[6] != '\\' ||
	    at[7] != 'u' || !is_hex4(at + 8))
		return stop(ps, JDOC_UTF8, at);
	code = jdoc_hex4(at + 8);
	*p = at + 12;
	if (code < 0xdc00 || code > 0xdfff)
		return stop(ps, JDOC_UTF8, at);
	return true;
}

/* Step over the byte at *p that skip_plain stopped at; not the quote. */
static bool
check_special(struct parser *ps, const char **p, struct jnode *node)
{
	const char *at = *p;
	size_t step;

	if (*at == '\\') {
		node->escaped = 1;
		if (ps->end - at < 2)
			return stop(ps, JDOC_END, ps->end);
		if (at[1] == 'u')
			return check_unicode(ps, p);
		if (jdoc_short_escape(at[1]) == 0)
			return stop(ps, JDOC_SYNTAX, at);
		*p = at + 2;
		return true;
	}
	if ((unsigned char)*at < 0x20)
		return stop(ps, *at == '\0' ? JDOC_NUL : JDOC_SYNTAX, at);
	step = utf8_step((struct str){ at, (size_t)(ps->end - at) });
	if (step == 0)
		return stop(ps, JDOC_UTF8, at);
	*p = at + step;
	return true;
}

/* The string whose opening quote is at ps->p. */
static bool
parse_string(struct parser *ps)
{
	struct jnode *node = add_node(ps, JDOC_STRING, ps->p + 1);
	const char *p = ps->p + 1;

	if (node == NULL)
		return false;
	for (;;) {
		p = skip_plain(p, ps->end);
		if (p == ps->end)
			return stop(ps, JDOC_END, p);
		if (*p == '"')
			break;
		if (!check_special(ps, &p, node))
			return false;
	}
	node->len = (uint32_t)(p - ps->p - 1);
	ps->p = p + 1;
	return true;
}

/* --- names ---------------------------------------------------------------- */

/* Two string nodes with one content. */
static bool
same_content(const struct jdoc *d, uint32_t a, uint32_t b)
{
	const struct jnode *x = &d->nodes[a], *y = &d->nodes[b];
	struct jdoc_reader ra, rb;
	int byte;

	if (!x->escaped && !y->escaped)
		return x->len == y->len && memcmp(d->text.p + x->off,
		    d->text.p + y->off, x->len) == 0;
	ra = jdoc_reader(d, a);
	rb = jdoc_reader(d, b);
	do {
		byte = jdoc_read_byte(&ra);
		if (byte != jdoc_read_byte(&rb))
			return false;
	} while (byte >= 0);
	return true;
}

/* Any cheap function of the bytes will do: it only saves comparisons. An
 * escaped name sets every bit, as its decoded bytes are not at hand. */
static uint64_t
name_bit(const struct jdoc *d, const struct jnode *name)
{
	const unsigned char *p =
	    (const unsigned char *)d->text.p + name->off;
	unsigned sum = name->len;

	if (name->escaped)
		return UINT64_MAX;
	if (name->len > 0)
		sum += p[0] * 31U + p[name->len / 2] * 17U +
		    p[name->len - 1] * 5U;
	return UINT64_C(1) << (sum & 63);
}

/* Compare the newest name with the earlier ones of a small object. */
static bool
check_small(struct parser *ps, struct open *open, uint32_t name)
{
	struct jdoc *d = ps->d;
	uint64_t bit = name_bit(d, &d->nodes[name]);

	if ((open->seen & bit) != 0)
		for (uint32_t i = open->node + 1; i != name;
		    i = d->nodes[i + 1].next)
			if (same_content(d, i, name))
				return stop(ps, JDOC_DUPLICATE,
				    d->text.p + d->nodes[name].off - 1);
	open->seen |= bit;
	return true;
}

/* A hash of the content, seeded so that nobody can aim at a slot. */
static uint64_t
name_hash(const struct jdoc *d, uint32_t name)
{
	static uint64_t seed[2];
	struct jdoc_reader r = jdoc_reader(d, name);
	uint64_t hash;
	int byte;

	if (seed[0] == 0) {
		random_bytes(seed, sizeof(seed));
		seed[0] |= 1;
	}
	hash = seed[1];
	while ((byte = jdoc_read_byte(&r)) >= 0) {
		unsigned __int128 wide = (unsigned __int128)
		    (hash ^ (uint64_t)byte) * seed[0];

		hash = (uint64_t)wide ^ (uint64_t)(wide >> 64);
	}
	return hash;
}

/* All names of a closed object that is not small: one pass, hashed. */
static bool
check_large(struct parser *ps, uint32_t object)
{
	uint32_t slots[NAME_SLOTS] = { 0 };	/* name nodes; 0 = free */
	struct jdoc *d = ps->d;

	for (uint32_t i = object + 1; i != d->count; i = d->nodes[i + 1].next) {
		size_t slot = name_hash(d, i) % NAME_SLOTS;

		while (slots[slot] != 0) {
			if (same_content(d, slots[slot], i))
				return stop(ps, JDOC_DUPLICATE,
				    d->text.p + d->nodes[i].off - 1);
			slot = (slot + 1) % NAME_SLOTS;
		}
		slots[slot] = i;
	}
	return true;
}

/* --- the loop ------------------------------------------------------------- */

static void
skip_blanks(struct parser *ps)
{
	const char *p = ps->p, *end = ps->end;

	/* Indentation comes in runs of blanks. */
	while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' ||
	    *p == '\t')) {
		uint64_t word;

		p++;
		while (end - p >= 8) {
			memcpy(&word, p, sizeof(word));
			if (word != EVERY_BYTE(' '))
				break;
			p += 8;
		}
	}
	ps->p = p;
}

static bool
skip_digits(struct parser *ps)
{
	const char *first = ps->p;

	while (ps->p < ps->end && *ps->p >= '0' && *ps->p <= '9')
		ps->p++;
	return ps->p > first;
}

static bool
parse_number(struct parser *ps)
{
	struct jnode *node = add_node(ps, JDOC_NUMBER, ps->p);
	const char *first = ps->p;

	if (node == NULL)
		return false;
	if (*ps->p == '-')
		ps->p++;
	if (ps->p < ps->end && *ps->p == '0')
		ps->p++;
	else if (!skip_digits(ps))
		return stop_here(ps);
	if (ps->p < ps->end && *ps->p == '.') {
		ps->p++;
		if (!skip_digits(ps))
			return stop_here(ps);
	}
	if (ps->p < ps->end && (*ps->p == 'e' || *ps->p == 'E')) {
		ps->p++;
		if (ps->p < ps->end && (*ps->p == '+' || *ps->p == '-'))
			ps->p++;
		if (!skip_digits(ps))
			return stop_here(ps);
	}
	node->len = (uint32_t)(ps->p - first);
	return true;
}

static bool
parse_word(struct parser *ps, struct str word, enum jdoc_type type)
{
	struct jnode *node = add_node(ps, type, ps->p);
	const char *first = ps->p;

	if (node == NULL)
		return false;
	for (size_t i = 0; i < word.n; i++, ps->p++)
		if (ps->p == ps->end || *ps->p != word.p[i])
			return stop_here(ps);
	node->len = (uint32_t)(ps->p - first);
	return true;
}

/* The next member's name and colon; ps->p is where the name must begin. */
static bool
parse_name(struct parser *ps)
{
	struct open *open = &ps->open[ps->depth - 1];
	uint32_t name = ps->d->count;

	if (ps->p == ps->end || *ps->p != '"')
		return stop_here(ps);
	if (open->members == JDOC_MEMBERS_MAX)
		return stop(ps, JDOC_MEMBERS, ps->p);
	if (!parse_string(ps))
		return false;
	open->members++;
	if (open->members <= SMALL_MEMBERS && !check_small(ps, open, name))
		return false;
	skip_blanks(ps);
	if (ps->p == ps->end || *ps->p != ':')
		return stop_here(ps);
	ps->p++;
	skip_blanks(ps);
	return true;
}

/* Open a container; on return ps->p is at its first value or its end. */
static bool
parse_open(struct parser *ps, enum jdoc_type type)
{
	uint32_t index = ps->d->count;

	if (ps->depth == ps->depth_max)
		return stop(ps, JDOC_DEPTH, ps->p);
	if (add_node(ps, type, ps->p) == NULL)
		return false;
	ps->open[ps->depth++] = (struct open){ .node = index };
	ps->p++;
	skip_blanks(ps);
	if (ps->p < ps->end && *ps->p == (type == JDOC_OBJECT ? '}' : ']'))
		return true;
	return type == JDOC_OBJECT ? parse_name(ps) : true;
}

static bool
parse_close(struct parser *ps)
{
	struct open *open = &ps->open[--ps->depth];
	struct jnode *node = &ps->d->nodes[open->node];

	ps->p++;
	node->len = (uint32_t)(ps->p - ps->begin) - node->off;
	node->next = ps->d->count;
	node->count = open->members < UINT16_MAX ? (uint16_t)open->members :
	    UINT16_MAX;
	return node->type != JDOC_OBJECT || open->members <= SMALL_MEMBERS ||
	    check_large(ps, open->node);
}

/* A scalar, or the opening of a container. */
static bool
parse_value(struct parser *ps)
{
	if (ps->p == ps->end)
		return stop_here(ps);
	switch (*ps->p) {
	case '{':
		return parse_open(ps, JDOC_OBJECT);
	case '[':
		return parse_open(ps, JDOC_ARRAY);
	case '"':
		return parse_string(ps);
	case 't':
		return parse_word(ps, STR("true"), JDOC_TRUE);
	case 'f':
		return parse_word(ps, STR("false"), JDOC_FALSE);
	case 'n':
		return parse_word(ps, STR("null"), JDOC_NULL);
	case '-':
	case '0': case '1': case '2': case '3': case '4':
	case '5': case '6': case '7': case '8': case '9':
		return parse_number(ps);
	default:
		return stop_here(ps);
	}
}

/*
 * What follows a value, or the bracket of an empty container: closings, then a
 * comma and, in an object, the next name. True when a value comes next or the
 * root is complete.
 */
static bool
parse_after(struct parser *ps)
{
	while (ps->depth > 0) {
		struct open *open = &ps->open[ps->depth - 1];
		bool object = ps->d->nodes[open->node].type == JDOC_OBJECT;

		skip_blanks(ps);
		if (ps->p == ps->end)
			return stop_here(ps);
		if (*ps->p == ',' && ps->d->count > open->node + 1) {
			ps->p++;
			skip_blanks(ps);
			return object ? parse_name(ps) : true;
		}
		if (*ps->p != (object ? '}' : ']'))
			return stop_here(ps);
		if (!parse_close(ps))
			return false;
	}
	return true;
}

/* The container just opened at ps->p's left is empty. */
static bool
at_empty(const struct parser *ps)
{
	const struct open *open;

	if (ps->depth == 0)
		return false;
	open = &ps->open[ps->depth - 1];
	return ps->d->count == open->node + 1 && ps->p < ps->end &&
	    (*ps->p == '}' || *ps->p == ']');
}

static bool
parse_all(struct parser *ps)
{
	skip_blanks(ps);
	do {
		uint32_t index = ps->d->count;

		/* Elements are counted here, members with their names. */
		if (ps->depth > 0 && ps->d->nodes[
		    ps->open[ps->depth - 1].node].type == JDOC_ARRAY)
			ps->open[ps->depth - 1].members++;
		if (!parse_value(ps))
			return false;
		if (ps->d->nodes[index].type <= JDOC_ARRAY && !at_empty(ps))
			continue;
		if (!parse_after(ps))
			return false;
	} while (ps->depth > 0);
	skip_blanks(ps);
	return ps->p == ps->end ? true : stop_here(ps);
}

/* '[' is '{' without the bit of lower case. */
static bool
begins_node(char c)
{
	return (c == ',') + (c == ':') + ((c | 0x20) == '{') != 0;
}

/* Bytes are counted side by side, in a form that compilers turn into vector
 * instructions; a lane is emptied before it can overflow. */
#define LANES	32

static size_t
count_lanes(const char *p, size_t rounds)
{
	uint8_t lanes[LANES] = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < rounds; i++, p += LANES)
		for (size_t j = 0; j < LANES; j++)
			lanes[j] = (uint8_t)(lanes[j] + begins_node(p[j]));
	for (size_t j = 0; j < LANES; j++)
		n += lanes[j];
	return n;
}

size_t
jdoc_bound(struct str text)
{
	size_t n = 1;
	size_t i = 0;

	/* Each value but the root follows a bracket, a comma or, in an
	 * object, a colon; each name follows a brace or a comma. */
	while (text.n - i >= LANES) {
		size_t rounds = (text.n - i) / LANES;

		if (rounds > UINT8_MAX)
			rounds = UINT8_MAX;
		n += count_lanes(text.p + i, rounds);
		i += rounds * LANES;
	}
	for (; i < text.n; i++)
		n += begins_node(text.p[i]);
	return n;
}

enum jdoc_error
jdoc_parse(struct jdoc *d, struct str text, struct jnode *nodes, size_t room,
    unsigned depth)
{
	struct parser ps;

	*d = (struct jdoc){
		.text = text,
		.nodes = nodes,
		.room = room < UINT32_MAX ? (uint32_t)room : UINT32_MAX,
	};
	ps.d = d;
	ps.begin = ps.p = text.p == NULL ? "" : text.p;
	ps.end = ps.begin + text.n;
	ps.depth = 0;
	ps.depth_max = depth < JDOC_DEPTH_MAX ? depth : JDOC_DEPTH_MAX;
	if (text.n > JDOC_TEXT_MAX)
		stop(&ps, JDOC_LARGE, ps.begin + JDOC_TEXT_MAX);
	else
		parse_all(&ps);
	if (d->error != JDOC_OK)
		d->count = 0;
	return d->error;
}
