/*
 * What main() of every test program does: its cases are one suite, which is
 * run and whose result is the exit status.
 *
 *	int
 *	main(void)
 *	{
 *		TCase *tc = suite_case("noun");
 *
 *		tcase_add_test(tc, something_is_so);
 *		return suite_run();
 *	}
 */
#ifndef TESTS_LIB_SUITE_H
#define TESTS_LIB_SUITE_H

/* A new case of the program's suite, in which each test has a minute. The
 * first one names the suite. */
struct TCase	*suite_case(const char *name);

/* Run all cases; the exit status. Called once. */
int		 suite_run(void);

#endif
