/*
 * Points and spans in time. FHIR dates carry a precision, so each of them is
 * a span [lo, hi): "2026-01" is the whole month. Times are microseconds since
 * 1970 UTC. A dateTime without a zone is read as UTC (README, deviations).
 * R4 datatypes.html#dateTime, search.html#date
 */
#ifndef BASE_WHEN_H
#define BASE_WHEN_H

#include <stdint.h>

#include "base/str.h"

#define WHEN_MIN	INT64_MIN	/* an open beginning */
#define WHEN_MAX	INT64_MAX	/* an open end */
#define US_PER_SECOND	INT64_C(1000000)
#define US_PER_DAY	(INT64_C(86400) * US_PER_SECOND)

enum when_precision { WHEN_YEAR, WHEN_MONTH, WHEN_DAY, WHEN_MINUTE,
	WHEN_SECOND, WHEN_FRACTION };

struct when {
	int64_t			lo_us;		/* inclusive */
	int64_t			hi_us;		/* exclusive */
	enum when_precision	precision;
	bool			zoned;		/* had Z or +hh:mm */
};

/* Which FHIR primitive a text claims to be. */
enum when_kind { WHEN_DATE, WHEN_DATETIME, WHEN_INSTANT, WHEN_TIME,
	WHEN_SEARCH };	/* WHEN_SEARCH also takes minutes without seconds */

/* Parse s as that kind; false when it is not one (2023-02-30 is not). */
bool	when_parse(struct str s, enum when_kind kind, struct when *out);

/* The instant as "2026-01-15T10:30:00.123Z", exactly 24 characters. */
#define WHEN_INSTANT_CHARS	24
void	when_format(int64_t us, char out[WHEN_INSTANT_CHARS + 1]);

/* RFC 9110 5.6.7: "Tue, 15 Jan 2026 10:30:00 GMT", exactly 29 characters. */
#define WHEN_HTTP_CHARS		29
void	when_http(int64_t us, char out[WHEN_HTTP_CHARS + 1]);
bool	when_http_parse(struct str s, int64_t *us);

/* The clock: microseconds since 1970. */
int64_t	when_now(void);

#endif
