/* Looking up rows of the generated R4 tables by name and number. */

#include "fhir/r4.h"

/*
 * Both tables are sorted by name (types are numbered in that order until a
 * later release of the definitions appends one, so the types have an order of
 * their own).
 */
extern const uint16_t	r4_types_by_name[];

const struct r4_type *
r4_type_named(struct str name)
{
	size_t low = 0, high = r4_types_count, middle;
	const struct r4_type *type;
	int order;

	while (low < high) {
		middle = low + (high - low) / 2;
		type = &r4_types[r4_types_by_name[middle]];
		order = str_cmp(name, str_of(type->name));
		if (order == 0)
			return type;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

const struct r4_type *
r4_type_numbered(int number)
{
	if (number < 1 || (size_t)number > r4_types_count)
		return NULL;
	return &r4_types[number - 1];
}

const struct r4_param *
r4_param_named(const struct r4_type *type, struct str code)
{
	size_t low = 0, high = type->nparams, middle;
	int order;

	while (low < high) {
		middle = low + (high - low) / 2;
		order = str_cmp(code, str_of(type->params[middle]->code));
		if (order == 0)
			return type->params[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}
