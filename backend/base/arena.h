/*
 * An arena is the memory of one unit of work: a request, a job, a command.
 * Everything allocated from it lives until arena_reset or arena_free, so
 * nothing above wire/ ever frees. Foreign resources (PGresult, json_t, file
 * descriptors) are tied to it in the line after they are made, with
 * arena_later. Out of memory ends the process: no caller checks for NULL.
 *
 * Built with -DARENA_DEBUG every allocation is a malloc of its own, so that
 * valgrind and AddressSanitizer see overruns inside an arena.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

#include "base/str.h"

struct arena;

/* A new arena, and its end. The first block (size_bytes) is kept by resets. */
struct arena	*arena_new(size_t first_bytes);
void		 arena_free(struct arena *arena);

/*
 * Run the callbacks of arena_later, newest first, and give every block except
 * the first back to the system: a worker is small again after a large body.
 */
void		 arena_reset(struct arena *arena);

/* n bytes, aligned for any type; arena_zero clears them. */
void		*arena_alloc(struct arena *arena, size_t n);
void		*arena_zero(struct arena *arena, size_t n);

/* count elements of size bytes, cleared; dies when the product overflows. */
void		*arena_array(struct arena *arena, size_t count, size_t size);

/* A copy of s (followed by a NUL that is not counted), and a printf. */
struct str	 arena_str(struct arena *arena, struct str s);
const char	*arena_z(struct arena *arena, struct str s);
struct str	 arena_printf(struct arena *arena, const char *fmt, ...)
		    __attribute__((format(printf, 2, 3)));
struct str	 arena_vprintf(struct arena *arena, const char *fmt,
		    va_list ap) __attribute__((format(printf, 2, 0)));

/* Call fn(p) when the arena is reset or freed. */
void		 arena_later(struct arena *arena, void (*fn)(void *), void *p);

#endif
