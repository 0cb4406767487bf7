/*
 * Reads of several units of work in one round trip: each gets its own result,
 * whatever becomes of the others.
 */

#include "lib/database.h"
#include "lib/suite.h"

#include "base/when.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#define UNITS	16

/* Units of work with one connection, as the requests of a worker have. */
static struct ctx units[UNITS];

static const struct pg_query number = { "a_number", "select $1::int8" };
static const struct pg_query share = { "a_share", "select 12 / $1::int8" };
/* The same over arrays. */
static const struct pg_query numbers = { "a_numbers",
    "select n, i from unnest($1::int8[]) with ordinality u(n, i)" };
static const struct pg_query shares = { "a_shares",
    "select 12 / n, i from unnest($1::int8[]) with ordinality u(n, i)"
    " where n < 100" };
static const struct pg_query began = { "a_began",
    "select $1 + (extract(epoch from now()) * 1000000)::int8" };
static const struct pg_query nap = { "a_nap",
    "select length(pg_sleep($1::int8)::text)::int8" };
/* Ends the session that executes it. */
static const struct pg_query poison = { "a_poison",
    "select pg_terminate_backend(pg_backend_pid())::int::int8 + $1::int8" };
static const struct pg_query unknown = { "a_unknown",
    "select nothing from nowhere where n = $1::int8" };

static void
open_units(void)
{
	database_ctx(&units[0]);
	for (size_t i = 1; i < UNITS; i++) {
		units[i] = units[0];
		units[i].arena = arena_new(4096);
	}
}

static void
close_units(void)
{
	for (size_t i = 1; i < UNITS; i++)
		arena_free(units[i].arena);
	database_ctx_end(&units[0]);
}

static void
connect_to(const char *conninfo, long statement_timeout_ms)
{
	pg_free(units[0].pg);
	units[0].pg = pg_new(conninfo, statement_timeout_ms);
	for (size_t i = 1; i < UNITS; i++)
		units[i].pg = units[0].pg;
}

static struct pg_ask *
ask_with(size_t unit, const struct pg_query *q, const struct pg_query *many,
    int64_t n)
{
	struct pg_args a = pg_args(units[unit].arena);

	pg_int8(&a, n);
	return pg_ask(&units[unit], q, many, &a);
}

static struct pg_ask *
ask(size_t unit, const struct pg_query *q, int64_t n)
{
	return ask_with(unit, q, NULL, n);
}

static int64_t
answer(size_t unit, struct pg_ask *asked)
{
	PGresult *res;
	int row;

	ck_assert_int_eq(pg_answer(&units[unit], asked, &res, &row), OK);
	ck_assert_int_ge(row, 0);
	return pg_get_int8(res, row, 0);
}

/* Everybody asks for its number, one among them for something else. */
static void
ask_all(struct pg_ask *asked[UNITS], size_t odd, const struct pg_query *q,
    int64_t n)
{
	for (size_t i = 0; i < UNITS; i++)
		asked[i] = i == odd ? ask(i, q, n) :
		    ask(i, &number, (int64_t)i);
}

/* All but the odd one get their numbers; what that one came to. */
static enum err
answer_all(struct pg_ask *asked[UNITS], size_t odd)
{
	PGresult *res;
	enum err err = OK;
	int row;

	for (size_t i = 0; i < UNITS; i++)
		if (i == odd)
			err = pg_answer(&units[i], asked[i], &res, &row);
		else
			ck_assert_int_eq(answer(i, asked[i]), (int64_t)i);
	return err;
}

START_TEST(each_gets_its_own_result)
{
	struct pg_ask *asked[UNITS];

	for (int round = 0; round < 3; round++) {
		ask_all(asked, 7, &share, 4);
		for (size_t i = UNITS; i-- > 0;)
			ck_assert_int_eq(answer(i, asked[i]), i == 7 ? 3 :
			    (int64_t)i);
	}
}
END_TEST

START_TEST(all_go_in_one_round_trip)
{
	struct pg_ask *asked[UNITS];
	int64_t first;

	for (size_t i = 0; i < UNITS; i++)
		asked[i] = ask(i, &began, 0);
	first = answer(0, asked[0]);
	for (size_t i = 1; i < UNITS; i++)
		ck_assert_int_eq(answer(i, asked[i]), first);
	ck_assert_int_ne(answer(0, ask(0, &began, 0)), first);
}
END_TEST

START_TEST(result_outlives_the_units_that_asked_with_it)
{
	struct pg_ask *mine = ask(0, &number, 10), *other = ask(1, &number,
	    11);
	PGresult *res;
	int row;

	ck_assert_int_eq(pg_answer(&units[0], mine, &res, &row), OK);
	ck_assert_int_eq(answer(1, other), 11);
	arena_reset(units[1].arena);
	ck_assert_int_eq(answer(2, ask(2, &number, 12)), 12);
	ck_assert_int_eq(pg_get_int8(res, row, 0), 10);
}
END_TEST

START_TEST(error_of_one_is_not_the_others)
{
	static const size_t places[] = { 0, 5, UNITS - 1 };
	struct pg_ask *asked[UNITS];

	for (size_t i = 0; i < 3; i++) {
		ask_all(asked, places[i], &share, 0);
		ck_assert_int_eq(answer_all(asked, places[i]), ERR_INTERNAL);
		ck_assert_str_eq(pg_sqlstate(units[0].pg), "22012");
		ck_assert_ptr_nonnull(units[places[i]].fault.issues);
		ck_assert_ptr_null(units[7].fault.issues);
	}
}
END_TEST

START_TEST(errors_of_several_are_told_to_each)
{
	struct pg_ask *asked[UNITS];
	PGresult *res;
	int row;

	for (size_t i = 0; i < UNITS; i++)
		asked[i] = ask(i, &share, i % 3 == 0 ? 0 : 2);
	for (size_t i = 0; i < UNITS; i++)
		if (i % 3 == 0)
			ck_assert_int_eq(pg_answer(&units[i], asked[i], &res,
			    &row), ERR_INTERNAL);
		else
			ck_assert_int_eq(answer(i, asked[i]), 6);
}
END_TEST

/* As many as there are, half of them for numbers and half for shares. */
static void
ask_many(struct pg_ask *asked[UNITS], const int64_t divisors[UNITS])
{
	for (size_t i = 0; i < UNITS; i++)
		asked[i] = i % 2 == 0 ?
		    ask_with(i, &number, &numbers, (int64_t)i) :
		    ask_with(i, &share, &shares, divisors[i]);
}

START_TEST(asks_of_one_kind_are_one_statement)
{
	static const struct pg_query prepared = { "a_prepared",
	    "select count(*) from pg_prepared_statements"
	    " where name in ('a_number', 'a_share')" };
	static const int64_t divisors[UNITS] = { 1, 1, 1, 2, 1, 3, 1, 4, 1, 6,
	    1, 12, 1, 12, 1, 12 };
	struct pg_ask *asked[UNITS];
	PGresult *res;

	for (int round = 0; round < 2; round++) {
		ask_many(asked, divisors);
		for (size_t i = UNITS; i-- > 0;)
			ck_assert_int_eq(answer(i, asked[i]), i % 2 == 0 ?
			    (int64_t)i : 12 / divisors[i]);
	}
	ck_assert_int_eq(pg_exec(&units[0], &prepared, NULL, &res), OK);
	ck_assert_int_eq(pg_get_int8(res, 0, 0), 0);
}
END_TEST

START_TEST(ask_without_a_row_has_none_among_others)
{
	struct pg_ask *asked[3];
	PGresult *res;
	int row;

	for (size_t i = 0; i < 3; i++)
		asked[i] = ask_with(i, &share, &shares, i == 1 ? 100 : 4);
	ck_assert_int_eq(answer(0, asked[0]), 3);
	ck_assert_int_eq(pg_answer(&units[1], asked[1], &res, &row), OK);
	ck_assert_int_eq(row, -1);
	ck_assert_int_eq(answer(2, asked[2]), 3);
}
END_TEST

START_TEST(error_of_one_among_many_is_its_own)
{
	int64_t divisors[UNITS];
	struct pg_ask *asked[UNITS];
	PGresult *res;
	int row;

	for (size_t i = 0; i < UNITS; i++)
		divisors[i] = i == 5 ? 0 : 3;
	ask_many(asked, divisors);
	for (size_t i = 0; i < UNITS; i++)
		if (i == 5)
			ck_assert_int_eq(pg_answer(&units[i], asked[i], &res,
			    &row), ERR_INTERNAL);
		else
			ck_assert_int_eq(answer(i, asked[i]), i % 2 == 0 ?
			    (int64_t)i : 4);
}
END_TEST

START_TEST(statement_that_cannot_be_prepared_harms_only_itself)
{
	struct pg_ask *asked[UNITS];

	for (int round = 0; round < 2; round++) {
		ask_all(asked, 3, &unknown, 1);
		ck_assert_int_eq(answer_all(asked, 3), ERR_INTERNAL);
	}
}
END_TEST

START_TEST(slow_one_is_cut_off_once_and_harms_only_itself)
{
	struct pg_ask *asked[UNITS];
	int64_t began_us;

	connect_to(database_conninfo(), 400);
	ask_all(asked, 2, &nap, 20);
	began_us = when_now();
	ck_assert_int_eq(answer_all(asked, 2), ERR_TOO_COSTLY);
	ck_assert_int_lt(when_now() - began_us, 800000);
}
END_TEST

START_TEST(each_has_the_statement_timeout_to_itself)
{
	struct pg_ask *asked[3];

	connect_to(database_conninfo(), 1500);
	for (size_t i = 0; i < 3; i++)
		asked[i] = ask(i, &nap, 1);
	for (size_t i = 0; i < 3; i++)
		ck_assert_int_eq(answer(i, asked[i]), 0);
}
END_TEST

START_TEST(lost_connection_is_made_again_for_all)
{
	static const struct pg_query self = { "a_self",
	    "select pg_backend_pid()::int8 + $1" };
	struct pg_ask *asked[UNITS];
	uint64_t session = pg_session(units[0].pg);
	char sql[128];

	snprintf(sql, sizeof(sql), "select pg_terminate_backend(%lld, 5000)",
	    (long long)answer(0, ask(0, &self, 0)));
	ask_all(asked, 0, &number, 0);
	free(database_ask(sql));
	ck_assert_int_eq(answer_all(asked, UNITS), OK);
	ck_assert_uint_eq(pg_session(units[0].pg), session + 2);
}
END_TEST

START_TEST(one_that_ends_the_session_harms_only_itself)
{
	static const size_t places[] = { 0, 9, UNITS - 1 };
	struct pg_ask *asked[UNITS];

	for (size_t i = 0; i < 3; i++) {
		ask_all(asked, places[i], &poison, 0);
		ck_assert_int_eq(answer_all(asked, places[i]),
		    ERR_UNAVAILABLE);
	}
}
END_TEST

START_TEST(absent_server_is_unavailable_to_all)
{
	struct pg_ask *asked[UNITS];
	PGresult *res;
	int row;

	connect_to("host=/nowhere dbname=none", 1000);
	ask_all(asked, 0, &number, 0);
	for (size_t i = 0; i < UNITS; i++)
		ck_assert_int_eq(pg_answer(&units[i], asked[i], &res, &row),
		    ERR_UNAVAILABLE);
}
END_TEST

START_TEST(unit_that_ends_without_its_answer_is_forgotten)
{
	struct pg_ask *asked[UNITS];
	uint64_t session;

	ck_assert_int_eq(answer(0, ask(0, &number, 1)), 1);
	session = pg_session(units[0].pg);
	ask_all(asked, 0, &poison, 0);
	arena_reset(units[0].arena);
	for (size_t i = 1; i < UNITS; i++)
		ck_assert_int_eq(answer(i, asked[i]), (int64_t)i);
	ck_assert_uint_eq(pg_session(units[0].pg), session);
}
END_TEST

START_TEST(asks_do_not_enter_a_transaction)
{
	static const struct pg_query make = { "a_make",
	    "create temp table if not exists kept (n int8)" };
	static const struct pg_query put = { "a_put",
	    "insert into kept values (1)" };
	static const struct pg_query count = { "a_count",
	    "select count(*) + $1 from kept" };
	struct pg_ask *bad = ask(1, &share, 0), *good = ask(2, &number, 2);
	PGresult *res;
	int row;

	ck_assert_int_eq(pg_exec(&units[0], &make, NULL, NULL), OK);
	pg_begin(&units[0]);
	pg_send(&units[0], &put, NULL);
	ck_assert_int_eq(pg_flush(&units[0], NULL, 0), OK);
	ck_assert_int_eq(answer(0, ask(0, &count, 0)), 1);
	ck_assert_int_eq(pg_commit(&units[0], NULL, 0), OK);
	ck_assert_int_eq(pg_answer(&units[1], bad, &res, &row), ERR_INTERNAL);
	ck_assert_int_eq(answer(2, good), 2);
	ck_assert_int_eq(answer(0, ask(0, &count, 0)), 1);
}
END_TEST

static void
add_tests(TCase *tc)
{
	const TTest *const tests[] = {
		each_gets_its_own_result,
		all_go_in_one_round_trip,
		result_outlives_the_units_that_asked_with_it,
		error_of_one_is_not_the_others,
		errors_of_several_are_told_to_each,
		asks_of_one_kind_are_one_statement,
		ask_without_a_row_has_none_among_others,
		error_of_one_among_many_is_its_own,
		statement_that_cannot_be_prepared_harms_only_itself,
		slow_one_is_cut_off_once_and_harms_only_itself,
		each_has_the_statement_timeout_to_itself,
		lost_connection_is_made_again_for_all,
		one_that_ends_the_session_harms_only_itself,
		absent_server_is_unavailable_to_all,
		unit_that_ends_without_its_answer_is_forgotten,
		asks_do_not_enter_a_transaction,
	};

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tc, tests[i]);
}

int
main(int argc, char **argv)
{
	TCase *tc = suite_case("pg_ask");
	int status;

	(void)argc;
	database_need(argv);
	database_create();
	tcase_add_checked_fixture(tc, open_units, close_units);
	add_tests(tc);
	status = suite_run();
	database_drop();
	return status;
}
