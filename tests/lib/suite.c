/* The suite of a test program. */

#include "suite.h"

#include <check.h>
#include <stdlib.h>

#define SECONDS	60	/* for one test: the machine may be busy */

static Suite *suite;

TCase *
suite_case(const char *name)
{
	TCase *tc = tcase_create(name);

	if (suite == NULL)
		suite = suite_create(name);
	tcase_set_timeout(tc, SECONDS);
	suite_add_tcase(suite, tc);
	return tc;
}

int
suite_run(void)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
