/*
 * PostgreSQL's binary formats, what pg_args.c writes and pg_result.c reads.
 * The numbers of the types are fixed by PostgreSQL (pg_type.dat).
 */
#ifndef WIRE_PG_BINARY_H
#define WIRE_PG_BINARY_H

#include "base/when.h"

#include <stddef.h>
#include <stdint.h>

#define PG_OID_BOOL		16
#define PG_OID_BYTEA		17
#define PG_OID_INT8		20
#define PG_OID_INT2		21
#define PG_OID_INT4		23
#define PG_OID_TEXT		25
#define PG_OID_FLOAT8		701
#define PG_OID_TIMESTAMPTZ	1184
#define PG_OID_BOOLS		1000
#define PG_OID_INT2S		1005
#define PG_OID_INT4S		1007
#define PG_OID_TEXTS		1009
#define PG_OID_INT8S		1016
#define PG_OID_FLOAT8S		1022
#define PG_OID_TIMESTAMPTZS	1185

/* Bytes of the header of an array that is not empty. */
#define PG_ARRAY_HEAD		20

/* PostgreSQL counts from 2000-01-01. */
#define PG_EPOCH_US	(INT64_C(946684800) * US_PER_SECOND)

/* The low n bytes of value, big endian. */
static inline void
pg_put(char *p, uint64_t value, size_t n)
{
	while (n > 0) {
		p[--n] = (char)(value & 0xff);
		value >>= 8;
	}
}

/* The header of an array of n elements; returns where they go. */
static inline char *
pg_put_array_head(char *p, uint32_t element, size_t n)
{
	pg_put(p, n == 0 ? 0 : 1, 4);		/* dimensions */
	pg_put(p + 4, 0, 4);			/* has no null */
	pg_put(p + 8, element, 4);
	if (n == 0)
		return p + 12;
	pg_put(p + 12, n, 4);
	pg_put(p + 16, 1, 4);			/* first subscript */
	return p + PG_ARRAY_HEAD;
}

/* n bytes, big endian, as a signed number. */
static inline int64_t
pg_take(const char *p, size_t n)
{
	uint64_t value = n > 0 && (p[0] & 0x80) != 0 ? UINT64_MAX : 0;

	for (size_t i = 0; i < n; i++)
		value = value << 8 | (unsigned char)p[i];
	return (int64_t)value;
}

static inline int64_t
pg_time_to(int64_t us)
{
	return us == WHEN_MIN || us == WHEN_MAX ? us : us - PG_EPOCH_US;
}

static inline int64_t
pg_time_from(int64_t us)
{
	return us == WHEN_MIN || us == WHEN_MAX ? us : us + PG_EPOCH_US;
}

#endif
