/*
 * Arguments of statements in PostgreSQL's binary formats: numbers big endian,
 * times in microseconds since 2000, arrays with one header for all elements.
 */

#include "wire/pg.h"

#include "wire/pg_binary.h"

#include <assert.h>
#include <limits.h>

struct pg_args
pg_args(struct arena *arena)
{
	struct pg_args a;

	a.arena = arena;
	a.n = 0;
	return a;
}

void
pg_raw(struct pg_args *a, Oid type, const char *value, size_t n)
{
	assert(a->n < PG_ARGS_MAX);
	assert(n <= INT_MAX);
	a->types[a->n] = type;
	a->values[a->n] = value;
	a->lengths[a->n] = (int)n;
	a->formats[a->n] = 1;
	a->n++;
}

void
pg_null(struct pg_args *a, Oid type)
{
	pg_raw(a, type, NULL, 0);
}

static void
add_int(struct pg_args *a, Oid type, uint64_t value, size_t n)
{
	char *p = arena_alloc(a->arena, n);

	pg_put(p, value, n);
	pg_raw(a, type, p, n);
}

void
pg_int2(struct pg_args *a, int16_t value)
{
	add_int(a, PG_OID_INT2, (uint64_t)value, 2);
}

void
pg_int4(struct pg_args *a, int32_t value)
{
	add_int(a, PG_OID_INT4, (uint64_t)value, 4);
}

void
pg_int8(struct pg_args *a, int64_t value)
{
	add_int(a, PG_OID_INT8, (uint64_t)value, 8);
}

void
pg_float8(struct pg_args *a, double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	add_int(a, PG_OID_FLOAT8, bits, 8);
}

void
pg_text(struct pg_args *a, struct str value)
{
	pg_raw(a, PG_OID_TEXT, value.p == NULL ? "" : value.p, value.n);
}

void
pg_bytes(struct pg_args *a, struct str value)
{
	pg_raw(a, PG_OID_BYTEA, value.p == NULL ? "" : value.p, value.n);
}

void
pg_time(struct pg_args *a, int64_t us)
{
	add_int(a, PG_OID_TIMESTAMPTZ, (uint64_t)pg_time_to(us), 8);
}

/* The header of an array; returns where the elements go. bytes is their sum,
 * each with its four bytes of length. */
static char *
add_array(struct pg_args *a, Oid array, Oid element, size_t n, size_t bytes)
{
	char *p = arena_alloc(a->arena, PG_ARRAY_HEAD + bytes);
	char *elements = pg_put_array_head(p, element, n);

	assert(n <= INT_MAX);
	pg_raw(a, array, p, (size_t)(elements - p) + bytes);
	return elements;
}

static char *
put_element(char *p, uint64_t value, size_t bytes)
{
	pg_put(p, bytes, 4);
	pg_put(p + 4, value, bytes);
	return p + 4 + bytes;
}

void
pg_bools(struct pg_args *a, const bool *v, size_t n)
{
	char *p = add_array(a, PG_OID_BOOLS, PG_OID_BOOL, n, n * 5);

	for (size_t i = 0; i < n; i++)
		p = put_element(p, v[i], 1);
}

void
pg_int2s(struct pg_args *a, const int16_t *v, size_t n)
{
	char *p = add_array(a, PG_OID_INT2S, PG_OID_INT2, n, n * 6);

	for (size_t i = 0; i < n; i++)
		p = put_element(p, (uint64_t)v[i], 2);
}

void
pg_int4s(struct pg_args *a, const int32_t *v, size_t n)
{
	char *p = add_array(a, PG_OID_INT4S, PG_OID_INT4, n, n * 8);

	for (size_t i = 0; i < n; i++)
		p = put_element(p, (uint64_t)v[i], 4);
}

void
pg_int8s(struct pg_args *a, const int64_t *v, size_t n)
{
	char *p = add_array(a, PG_OID_INT8S, PG_OID_INT8, n, n * 12);

	for (size_t i = 0; i < n; i++)
		p = put_element(p, (uint64_t)v[i], 8);
}

void
pg_float8s(struct pg_args *a, const double *v, size_t n)
{
	char *p = add_array(a, PG_OID_FLOAT8S, PG_OID_FLOAT8, n, n * 12);

	for (size_t i = 0; i < n; i++) {
		uint64_t bits;

		memcpy(&bits, &v[i], sizeof(bits));
		p = put_element(p, bits, 8);
	}
}

void
pg_times(struct pg_args *a, const int64_t *us, size_t n)
{
	char *p = add_array(a, PG_OID_TIMESTAMPTZS, PG_OID_TIMESTAMPTZ, n,
	    n * 12);

	for (size_t i = 0; i < n; i++)
		p = put_element(p, (uint64_t)pg_time_to(us[i]), 8);
}

void
pg_texts(struct pg_args *a, const struct str *v, size_t n)
{
	size_t bytes = 0;
	char *p;

	for (size_t i = 0; i < n; i++)
		bytes += 4 + v[i].n;
	p = add_array(a, PG_OID_TEXTS, PG_OID_TEXT, n, bytes);
	for (size_t i = 0; i < n; i++) {
		pg_put(p, v[i].n, 4);
		if (v[i].n > 0)
			memcpy(p + 4, v[i].p, v[i].n);
		p += 4 + v[i].n;
	}
}
