/*
 * How a value becomes a hash, for writes and searches alike: keys.h says what
 * each key is made of.
 */

#include "fhir/keys.h"

#include "base/conf.h"
#include "fhir/extract.h"

/* The FHIR base below conf.base_url. */
#define FHIR_PATH	"/fhir/"

/* What a constant is the hash of; no text hashes alike, for it has NULs. */
struct const_input {
	int32_t		tn;
	int16_t		type;
	int16_t		param;
	int32_t		kind;
};

int64_t
key_const(struct key_space space, int16_t type, int16_t param,
    enum key_space_kind kind)
{
	struct const_input in = { space.tn, type, param, (int32_t)kind };

	return (int64_t)siphash(space.key,
	    (struct str){ (const char *)&in, sizeof(in) });
}

int64_t
key_hash(struct key_space space, struct str value)
{
	return (int64_t)siphash(space.key, value);
}

int64_t
key_triple(struct key_space space, struct str a, struct str b, struct str c)
{
	struct str parts[] = { a, b, c };

	return (int64_t)siphash_parts(space.key, parts, 3);
}

int64_t
key_reference(struct key_space space, struct str type, struct str id)
{
	struct str tn = { (const char *)&space.tn, sizeof(space.tn) };

	return key_triple(space, tn, type, id);
}

int32_t
key_system(struct key_space space, struct str system)
{
	uint32_t print;

	if (system.n == 0)
		return 0;
	print = (uint32_t)siphash(space.key, system);
	return (int32_t)(print == 0 ? 1 : print);
}

int32_t
key_unit(struct key_space space, struct str code)
{
	return key_system(space, code);
}

int64_t
key_combine(struct key_space space, const int64_t *hashes, size_t n)
{
	return (int64_t)siphash(space.key,
	    (struct str){ (const char *)hashes, n * sizeof(*hashes) });
}

int64_t
key_wide(struct key_space space, const struct r4_type *type)
{
	return key_const(space, type->number, 0, KEY_WIDE);
}

int32_t
key_end(int64_t hi_us)
{
	const int64_t minute = 60 * US_PER_SECOND;
	int64_t n;

	if (hi_us == WHEN_MAX)
		return INT32_MAX;
	n = hi_us / minute + (hi_us % minute > 0);
	return n > INT32_MAX ? INT32_MAX : n < INT32_MIN ? INT32_MIN :
	    (int32_t)n;
}

bool
key_is_wide(int64_t lo_us, int64_t hi_us)
{
	/* Infinities are no numbers to calculate with. */
	return lo_us == WHEN_MIN || hi_us == WHEN_MAX ||
	    hi_us - lo_us > US_PER_DAY;
}

/* Is what precedes Type/id in a reference nothing, or our own FHIR base? */
static bool
is_here(const struct ctx *ctx, struct str before)
{
	struct str base, path = STR(FHIR_PATH);

	if (before.n == 0)
		return true;
	if (ctx->conf == NULL || ctx->conf->base_url == NULL)
		return false;
	base = str_of(ctx->conf->base_url);
	return before.n == base.n + path.n && str_starts(before, base) &&
	    str_ends(before, path);
}

int64_t
key_target(const struct ctx *ctx, struct key_space space, struct str text,
    const struct r4_type **type)
{
	struct str before, id;

	*type = NULL;
	if (text.n == 0 || text.p[0] == '#')
		return 0;
	if (!extract_literal(text, &before, type, &id))
		return key_hash(space, text);
	if (is_here(ctx, before))
		return key_reference(space, str_of((*type)->name), id);
	/* Somebody else's record: without its version. */
	*type = NULL;
	return key_hash(space, (struct str){ text.p,
	    (size_t)(id.p + id.n - text.p) });
}
