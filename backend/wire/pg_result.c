/* Columns of binary results as values of C. */

#include "wire/pg.h"

#include "wire/pg_binary.h"

#include <assert.h>

bool
pg_is_null(const PGresult *res, int row, int col)
{
	return PQgetisnull(res, row, col) == 1;
}

struct str
pg_get_str(const PGresult *res, int row, int col)
{
	return (struct str){ PQgetvalue(res, row, col),
	    (size_t)PQgetlength(res, row, col) };
}

bool
pg_get_bool(const PGresult *res, int row, int col)
{
	struct str s = pg_get_str(res, row, col);

	return s.n == 1 && s.p[0] != 0;
}

int64_t
pg_get_int8(const PGresult *res, int row, int col)
{
	struct str s = pg_get_str(res, row, col);

	assert(s.n <= 8);
	return pg_take(s.p, s.n);
}

double
pg_get_float8(const PGresult *res, int row, int col)
{
	uint64_t bits = (uint64_t)pg_get_int8(res, row, col);
	double value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

int32_t
pg_get_int4(const PGresult *res, int row, int col)
{
	return (int32_t)pg_get_int8(res, row, col);
}

int64_t
pg_get_time(const PGresult *res, int row, int col)
{
	return pg_time_from(pg_get_int8(res, row, col));
}

/* The elements of an array of fixed-width numbers; *p at the first. */
static size_t
array_open(struct str s, Oid element, const char **p)
{
	if (s.n < 20 || pg_take(s.p, 4) == 0)
		return 0;
	assert(pg_take(s.p, 4) == 1 && pg_take(s.p + 4, 4) == 0);
	assert((Oid)pg_take(s.p + 8, 4) == element);
	*p = s.p + 20;
	return (size_t)pg_take(s.p + 12, 4);
}

size_t
pg_get_int8s(struct ctx *ctx, const PGresult *res, int row, int col,
    int64_t **out)
{
	const char *p = NULL;
	size_t n = array_open(pg_get_str(res, row, col), PG_OID_INT8, &p);

	*out = arena_alloc(ctx->arena, n * sizeof(**out));
	for (size_t i = 0; i < n; i++, p += 12)
		(*out)[i] = pg_take(p + 4, 8);
	return n;
}

size_t
pg_get_int4s(struct ctx *ctx, const PGresult *res, int row, int col,
    int32_t **out)
{
	const char *p = NULL;
	size_t n = array_open(pg_get_str(res, row, col), PG_OID_INT4, &p);

	*out = arena_alloc(ctx->arena, n * sizeof(**out));
	for (size_t i = 0; i < n; i++, p += 8)
		(*out)[i] = (int32_t)pg_take(p + 4, 4);
	return n;
}
