/* Any bytes as each kind of time: a span that is none is never given. */

#include "base/when.h"

#include <stdlib.h>

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = { (const char *)data, size };
	char text[WHEN_HTTP_CHARS + 1];
	struct when w, again;
	int64_t us, back;

	for (int kind = WHEN_DATE; kind <= WHEN_SEARCH; kind++)
		if (when_parse(in, (enum when_kind)kind, &w)) {
			if (w.lo_us >= w.hi_us)
				abort();
			when_format(w.lo_us, text);
			if (!when_parse((struct str){ text,
			    WHEN_INSTANT_CHARS }, WHEN_INSTANT, &again))
				abort();
		}
	if (when_http_parse(in, &us)) {
		when_http(us, text);
		if (!when_http_parse((struct str){ text, WHEN_HTTP_CHARS },
		    &back) || back != us)
			abort();
	}
	return 0;
}
