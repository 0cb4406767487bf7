/* The place of a task (platform/task.h): numbers, as text in its row. */
#ifndef PLATFORM_PLACE_H
#define PLATFORM_PLACE_H

#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

/* n numbers from text; those that it has not are 0. */
void		place_read(struct str text, uint64_t *v, size_t n);
struct str	place_text(struct arena *arena, const uint64_t *v, size_t n);

/* The same of a struct that has nothing but such numbers. */
#define PLACE_READ(text, place)						\
	place_read((text), (uint64_t *)(place),				\
	    sizeof(*(place)) / sizeof(uint64_t))
#define PLACE_TEXT(arena, place)					\
	place_text((arena), (const uint64_t *)(place),			\
	    sizeof(*(place)) / sizeof(uint64_t))

#endif
