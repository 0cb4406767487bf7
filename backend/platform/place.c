/* Numbers as text, with blanks between them. */

#include "platform/place.h"

#include "base/buf.h"

void
place_read(struct str text, uint64_t *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (text.p == NULL ||
		    !str_u64(str_cut(&text, ' '), INT64_MAX, &v[i]))
			v[i] = 0;
}

struct str
place_text(struct arena *arena, const uint64_t *v, size_t n)
{
	struct buf b = buf_new(arena, 128);

	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_addc(&b, ' ');
		buf_add_i64(&b, (int64_t)v[i]);
	}
	return buf_str(&b);
}
