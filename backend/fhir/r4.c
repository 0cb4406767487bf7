/* Looking up rows of the generated R4 tables by name and number. */

#include "fhir/r4.h"

#include "fhir/structure.h"

/* Types are numbered in the order in which they came, so a second table has
 * them in the order of their names. */
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

const struct r4_element *
r4_element_named(const struct r4_structure *s, struct str name)
{
	size_t low = 0, high = s->count, middle, shorter;
	const struct r4_element *row;
	int order;

	while (low < high) {
		middle = low + (high - low) / 2;
		row = &s->elements[middle];
		shorter = name.n < row->name_len ? name.n : row->name_len;
		order = memcmp(name.p, row->name, shorter);
		if (order == 0)
			order = (name.n > row->name_len) -
			    (name.n < row->name_len);
		if (order == 0)
			return row;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}
