/*
 * Is the store what it should be? Keys are extracted again from the stored
 * bytes of every record and compared with every key table.
 */
#ifndef FHIR_CHECK_H
#define FHIR_CHECK_H

#include "fhir/store.h"

struct check {
	/* Told of each difference: which table, and in which record (type NULL:
	 * in none, a total is wrong). May be NULL. */
	void		(*tell)(const char *table, const struct r4_type *type,
			    struct str id);
	int64_t		 records;	/* looked at, of all tenants */
	int64_t		 differences;
};

/* Compare all records in one snapshot, so that it may run beside writers.
 * Finding differences is no error. */
enum err	check_keys(struct ctx *ctx, struct check *check);

#endif
