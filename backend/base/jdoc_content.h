/*
 * The content of JSON strings, byte by byte with escapes decoded: shared by the
 * parser (jdoc_parse.c) and the readers (jdoc.c), by nobody else.
 */
#ifndef BASE_JDOC_CONTENT_H
#define BASE_JDOC_CONTENT_H

#include "base/jdoc.h"

/* Walks the decoded bytes of a string that the parser has accepted. */
struct jdoc_reader {
	const char	*p, *end;
	unsigned char	 pending[4];	/* of a decoded escape */
	unsigned	 pending_n, pending_i;
};

struct jdoc_reader	jdoc_reader(const struct jdoc *d, uint32_t node);

/* The next byte of the content, or -1. */
int			jdoc_read_byte(struct jdoc_reader *r);

/* The byte that a one-letter escape stands for; 0 when there is none. */
unsigned char		jdoc_short_escape(char c);

/* The value of four hexadecimal digits, which must be such. */
unsigned		jdoc_hex4(const char *p);

#endif
