/* The memory of a unit of work: alignment, reset, callbacks. */

#include "base/arena.h"
#include "lib/suite.h"

#include <check.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>

static char order[8];
static size_t calls;

static void
note(void *p)
{
	order[calls++] = *(const char *)p;
}

START_TEST(blocks_are_aligned_and_apart)
{
	struct arena *arena = arena_new(64);
	char *before = NULL;

	for (size_t n = 0; n < 300; n++) {
		char *p = arena_alloc(arena, n);

		ck_assert_uint_eq((uintptr_t)p % _Alignof(max_align_t), 0);
		memset(p, (int)n, n);
		if (before != NULL)
			ck_assert_int_eq((unsigned char)before[0],
			    (unsigned char)(n - 1));
		before = n > 0 ? p : NULL;
	}
	arena_free(arena);
}
END_TEST

START_TEST(zeroed_memory_is_zero_after_a_reset_too)
{
	struct arena *arena = arena_new(256);

	for (int turn = 0; turn < 2; turn++) {
		unsigned char *p = arena_zero(arena, 100);

		for (int i = 0; i < 100; i++)
			ck_assert_int_eq(p[i], 0);
		memset(p, 0xff, 100);
		arena_reset(arena);
	}
	arena_free(arena);
}
END_TEST

START_TEST(reset_runs_callbacks_newest_first_and_once)
{
	struct arena *arena = arena_new(64);
	char names[] = "abc";

	calls = 0;
	for (int i = 0; i < 3; i++)
		arena_later(arena, note, &names[i]);
	arena_reset(arena);
	ck_assert_uint_eq(calls, 3);
	ck_assert_mem_eq(order, "cba", 3);
	arena_free(arena);
	ck_assert_uint_eq(calls, 3);
}
END_TEST

START_TEST(free_runs_callbacks)
{
	struct arena *arena = arena_new(64);
	char name = 'x';

	calls = 0;
	arena_later(arena, note, &name);
	arena_free(arena);
	ck_assert_uint_eq(calls, 1);
	arena_free(NULL);
}
END_TEST

START_TEST(large_block_fits)
{
	struct arena *arena = arena_new(16);
	char *p = arena_alloc(arena, (size_t)20 << 20);

	p[0] = p[((size_t)20 << 20) - 1] = 'x';
	ck_assert_int_eq(*p, 'x');
	arena_free(arena);
}
END_TEST

START_TEST(strings_are_copied_and_ended)
{
	struct arena *arena = arena_new(64);
	char text[] = "hello";
	struct str copy = arena_str(arena, str_of(text));

	text[0] = 'x';
	ck_assert(str_eqz(copy, "hello"));
	ck_assert_int_eq(copy.p[copy.n], '\0');
	ck_assert_str_eq(arena_z(arena, STR_NONE), "");
	ck_assert(str_eqz(arena_printf(arena, "%s-%d", "a", 42), "a-42"));
	ck_assert_uint_eq(arena_printf(arena, "%s", "").n, 0);
	arena_free(arena);
}
END_TEST

static void
no_core(void)
{
	struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
	ck_assert_ptr_nonnull(freopen("/dev/null", "w", stderr));
}

START_TEST(overflowing_product_ends_the_process)
{
	no_core();
	arena_array(arena_new(64), SIZE_MAX / 2, 3);
}
END_TEST

START_TEST(overflowing_size_ends_the_process)
{
	no_core();
	arena_alloc(arena_new(64), SIZE_MAX - 3);
}
END_TEST

int
main(void)
{
	TCase *c = suite_case("arena");

	tcase_add_test(c, blocks_are_aligned_and_apart);
	tcase_add_test(c, zeroed_memory_is_zero_after_a_reset_too);
	tcase_add_test(c, reset_runs_callbacks_newest_first_and_once);
	tcase_add_test(c, free_runs_callbacks);
	tcase_add_test(c, large_block_fits);
	tcase_add_test(c, strings_are_copied_and_ended);
	tcase_add_test_raise_signal(c, overflowing_product_ends_the_process,
	    SIGABRT);
	tcase_add_test_raise_signal(c, overflowing_size_ends_the_process,
	    SIGABRT);
	return suite_run();
}
