/* What processes count together. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/metrics.h"

#include "lib/suite.h"

#include <check.h>

static char dir[] = "/tmp/test-metrics-XXXXXX";

static void
end(void)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/metrics-1-%zx", dir,
	    sizeof(struct metrics));
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(rmdir(dir), 0);
}

static void
begin(void)
{
	memset(dir + sizeof(dir) - 7, 'X', 6);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert(metrics_open(dir));
}

START_TEST(processes_count_together)
{
	for (int i = 0; i < 4; i++)
		if (fork() == 0) {
			for (int n = 0; n < 1000; n++)
				metrics_request(3, 200, 700);
			_exit(0);
		}
	while (wait(NULL) > 0)
		;
	ck_assert_uint_eq(metrics->routes[3].status[1], 4000);
	ck_assert_uint_eq(metrics->routes[3].time.bucket[1], 4000);
	ck_assert_uint_eq(metrics->routes[3].time.sum_us, 2800000);
}
END_TEST

START_TEST(counts_outlive_a_process)
{
	metrics_count(&metrics->database_connects);
	ck_assert(metrics_open(dir));
	ck_assert_uint_eq(metrics->database_connects, 1);
}
END_TEST

START_TEST(a_duration_falls_into_the_bucket_that_ends_with_it)
{
	metrics_request(0, 200, metrics_bounds_us[0]);
	metrics_request(0, 200, metrics_bounds_us[0] + 1);
	metrics_request(0, 200, INT64_MAX);
	ck_assert_uint_eq(metrics->routes[0].time.bucket[0], 1);
	ck_assert_uint_eq(metrics->routes[0].time.bucket[1], 1);
	ck_assert_uint_eq(metrics->routes[0].time.bucket[METRICS_BUCKETS - 1],
	    1);
}
END_TEST

START_TEST(a_status_that_is_none_counts_as_an_error)
{
	metrics_request(METRICS_ROUTES, 0, 1);
	metrics_request(METRICS_ROUTES + 5, 999, 1);
	ck_assert_uint_eq(metrics->routes[METRICS_ROUTES - 1].status[4], 2);
}
END_TEST

START_TEST(a_worker_says_what_it_has_in_hand_until_its_place_is_taken)
{
	metrics_busy(1);
	metrics_worker(7, "fast-7", getpid());
	metrics_busy(2);
	ck_assert_uint_eq(metrics->workers[7].busy, 2);
	metrics_worker(7, "fast-7", getpid() + 1);
	metrics_busy(3);
	ck_assert_uint_eq(metrics->workers[7].busy, 0);
	ck_assert_uint_eq(metrics->workers[7].starts, 2);
}
END_TEST

START_TEST(a_kind_keeps_its_place)
{
	metrics_job("a", true, 5, 100);
	metrics_job("b", false, 6, 200);
	metrics_job("a", true, 7, 300);
	ck_assert_str_eq(metrics->kinds[0].name, "a");
	ck_assert_uint_eq(metrics->kinds[0].runs, 2);
	ck_assert_uint_eq(metrics->kinds[0].sum_us, 12);
	ck_assert_int_eq(metrics->kinds[0].done_us, 300);
	ck_assert_uint_eq(metrics->kinds[1].failures, 1);
	ck_assert_int_eq(metrics->kinds[1].done_us, 0);
}
END_TEST

START_TEST(without_a_folder_counts_stay_with_the_process)
{
	ck_assert(!metrics_open("/nonexistent/folder"));
	metrics_count(&metrics->database_connects);
	ck_assert_uint_ge(metrics->database_connects, 1);
}
END_TEST

int
main(void)
{
	TCase *tc = suite_case("metrics");

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, processes_count_together);
	tcase_add_test(tc, counts_outlive_a_process);
	tcase_add_test(tc, a_duration_falls_into_the_bucket_that_ends_with_it);
	tcase_add_test(tc, a_status_that_is_none_counts_as_an_error);
	tcase_add_test(tc,
	    a_worker_says_what_it_has_in_hand_until_its_place_is_taken);
	tcase_add_test(tc, a_kind_keeps_its_place);
	tcase_add_test(tc, without_a_folder_counts_stay_with_the_process);
	return suite_run();
}
