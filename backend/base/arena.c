/* Memory of one unit of work, given back all at once. */

#include "base/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define ARENA_ALIGN	 _Alignof(max_align_t)
#define ARENA_BLOCK_MIN	 ((size_t)16 * 1024)
#define ARENA_BLOCK_MAX	 ((size_t)4 * 1024 * 1024)

struct block {
	struct block	*next;
	size_t		 size;		/* of data */
	size_t		 used;
	max_align_t	 data[];
};

struct later {
	struct later	*next;
	void		(*fn)(void *);
	void		*p;
};

struct arena {
	struct block	*blocks;	/* newest first; the last one is kept */
	struct later	*laters;	/* newest first */
};

static void
die_out_of_memory(void)
{
	fputs("event=out_of_memory level=error\n", stderr);
	abort();
}

static struct block *
block_new(size_t size, struct block *next)
{
	struct block *block;

	if (size > SIZE_MAX - sizeof(*block))
		die_out_of_memory();
	block = malloc(sizeof(*block) + size);
	if (block == NULL)
		die_out_of_memory();
	block->next = next;
	block->size = size;
	block->used = 0;
	return block;
}

struct arena *
arena_new(size_t first_bytes)
{
	struct arena *arena = calloc(1, sizeof(*arena));

	if (arena == NULL)
		die_out_of_memory();
	arena->blocks = block_new(first_bytes, NULL);
	return arena;
}

static void
run_laters(struct arena *arena)
{
	while (arena->laters != NULL) {
		struct later *later = arena->laters;

		arena->laters = later->next;
		later->fn(later->p);
	}
}

void
arena_reset(struct arena *arena)
{
	run_laters(arena);
	while (arena->blocks->next != NULL) {
		struct block *block = arena->blocks;

		arena->blocks = block->next;
		free(block);
	}
	arena->blocks->used = 0;
}

void
arena_free(struct arena *arena)
{
	if (arena == NULL)
		return;
	arena_reset(arena);
	free(arena->blocks);
	free(arena);
}

/* The next block doubles, so that n bytes cost O(log n) calls of malloc. */
static size_t
next_block_size(const struct arena *arena, size_t n)
{
	size_t size = arena->blocks->size * 2;

#ifdef ARENA_DEBUG
	return n;
#endif
	if (size < ARENA_BLOCK_MIN)
		size = ARENA_BLOCK_MIN;
	if (size > ARENA_BLOCK_MAX)
		size = ARENA_BLOCK_MAX;
	return n > size ? n : size;
}

static bool
block_has_room(const struct block *block, size_t n)
{
#ifdef ARENA_DEBUG
	(void)block;
	(void)n;
	return false;
#else
	return block->size - block->used >= n;
#endif
}

void *
arena_alloc(struct arena *arena, size_t n)
{
	size_t rounded = (n + ARENA_ALIGN - 1) & ~(ARENA_ALIGN - 1);
	void *p;

	if (rounded < n)
		die_out_of_memory();
	if (!block_has_room(arena->blocks, rounded))
		arena->blocks = block_new(next_block_size(arena, rounded),
		    arena->blocks);
	p = (char *)arena->blocks->data + arena->blocks->used;
	arena->blocks->used += rounded;
	return p;
}

void *
arena_zero(struct arena *arena, size_t n)
{
	return memset(arena_alloc(arena, n), 0, n);
}

void *
arena_array(struct arena *arena, size_t count, size_t size)
{
	if (size != 0 && count > SIZE_MAX / size)
		die_out_of_memory();
	return arena_zero(arena, count * size);
}

struct str
arena_str(struct arena *arena, struct str s)
{
	char *copy = arena_alloc(arena, s.n + 1);

	if (s.n > 0)
		memcpy(copy, s.p, s.n);
	copy[s.n] = '\0';
	return (struct str){ copy, s.n };
}

const char *
arena_z(struct arena *arena, struct str s)
{
	return arena_str(arena, s).p;
}

/* Mostly the text fits where it will stay, and is made once. */
struct str
arena_vprintf(struct arena *arena, const char *fmt, va_list ap)
{
	struct block *block = arena->blocks;
	size_t room = block_has_room(block, 1) ? block->size - block->used : 0;
	char *tried = (char *)block->data + block->used;
	char *text;
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(tried, room, fmt, again);
	va_end(again);
	if (n < 0)
		abort();
	text = arena_alloc(arena, (size_t)n + 1);
	if (text != tried)
		vsnprintf(text, (size_t)n + 1, fmt, ap);
	return (struct str){ text, (size_t)n };
}

struct str
arena_printf(struct arena *arena, const char *fmt, ...)
{
	va_list ap;
	struct str s;

	va_start(ap, fmt);
	s = arena_vprintf(arena, fmt, ap);
	va_end(ap);
	return s;
}

void
arena_later(struct arena *arena, void (*fn)(void *), void *p)
{
	struct later *later = arena_alloc(arena, sizeof(*later));

	*later = (struct later){ arena->laters, fn, p };
	arena->laters = later;
}
