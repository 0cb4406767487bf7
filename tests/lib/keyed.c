/* One document's keys for tests. */

#include "keyed.h"

#include <check.h>

#include "base/conf.h"
#include "document.h"

const struct key_space	space = { { 11, 22 }, 7 };
struct arena		*arena;
const struct r4_type	*type;
struct keys		 keys;

static const struct conf conf = { .base_url = "https://our.example/v3" };
static struct ctx ctx;

void
keyed_begin(void)
{
	arena = arena_new(65536);
	ctx = (struct ctx){ .arena = arena, .conf = &conf };
}

void
keyed_end(void)
{
	arena_free(arena);
}

void
keys_of(const char *name, const char *text)
{
	type = r4_type_named(str_of(name));
	keys_extract(&ctx, space, type, STR("1"),
	    &(struct extract){ document_parse(arena, text), 0 }, &keys);
}

const struct r4_param *
param(const char *code)
{
	const struct r4_param *p = r4_param_named(type, str_of(code));

	ck_assert_msg(p != NULL, "%s", code);
	return p;
}

int64_t
hash_of(const char *z)
{
	return key_hash(space, str_of(z));
}

int32_t
system_of(const char *z)
{
	return key_system(space, str_of(z));
}

bool
has_post(int64_t k, int32_t aux)
{
	for (size_t i = 0; i < keys.npost; i++)
		if (keys.post[i].k == k && keys.post[i].aux == aux)
			return true;
	return false;
}

bool
posted(const char *code, enum key_space_kind kind, int64_t hash, int32_t aux)
{
	return has_post(key_const(space, type->number, param(code)->number,
	    kind) ^ hash, aux);
}

bool
found_token(const char *code, const char *system, const char *value)
{
	return posted(code, KEY_VALUE, hash_of(value), system_of(system));
}

bool
found_string(const char *code, const char *folded)
{
	for (size_t i = 0; i < keys.nstr; i++)
		if (keys.str[i].param == param(code)->number &&
		    str_eqz(keys.str[i].folded, folded))
			return true;
	return false;
}
