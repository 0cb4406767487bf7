/* Statements, pipelines and transactions, and the loss of a connection. */

#include "lib/database.h"
#include "lib/suite.h"

#include "base/when.h"

#include <check.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct ctx ctx;

static const struct pg_query one = { "t_one", "select 1::int8" };
static const struct pg_query ledger = { "t_ledger",
    "create table if not exists ledger (n int8 primary key)" };
static const struct pg_query put = { "t_put",
    "insert into ledger values ($1)" };
static const struct pg_query sum = { "t_sum",
    "select coalesce(sum(n), 0)::int8 from ledger" };
static const struct pg_query empty = { "t_empty", "delete from ledger" };
static const struct pg_query wrong = { "t_wrong", "select 1 / $1" };
static const struct pg_query self = { "t_self",
    "select pg_backend_pid()::int8" };

static void
open_ctx(void)
{
	database_ctx(&ctx);
	ck_assert_int_eq(pg_exec(&ctx, &ledger, NULL, NULL), OK);
	ck_assert_int_eq(pg_exec(&ctx, &empty, NULL, NULL), OK);
}

static void
close_ctx(void)
{
	database_ctx_end(&ctx);
}

static void
send_put(int64_t n)
{
	struct pg_args a = pg_args(ctx.arena);

	pg_int8(&a, n);
	pg_send(&ctx, &put, &a);
}

static int64_t
ask(const struct pg_query *q)
{
	PGresult *res;

	ck_assert_int_eq(pg_exec(&ctx, q, NULL, &res), OK);
	ck_assert_int_eq(PQntuples(res), 1);
	return pg_get_int8(res, 0, 0);
}

static void
kill_backend(int64_t pid)
{
	char sql[128];

	snprintf(sql, sizeof(sql), "select pg_terminate_backend(%lld, 5000)",
	    (long long)pid);
	free(database_ask(sql));
}

START_TEST(statement_is_prepared_once_and_used_again)
{
	static const struct pg_query known = { "t_known",
	    "select count(*) from pg_prepared_statements"
	    " where name = 't_one'" };

	ck_assert_int_eq(ask(&one), 1);
	ck_assert_int_eq(ask(&one), 1);
	ck_assert_int_eq(ask(&known), 1);
}
END_TEST

START_TEST(scalars_arrive_as_they_were_sent)
{
	static const struct pg_query q = { "t_scalars",
	    "select $1::int2 = 7, $2::int2, $3::int4, $4::int8, $5::text,"
	    " $6::bytea, $7::timestamptz, $8::timestamptz, $9::text,"
	    " $7 = '1999-12-31T23:59:59.5Z', $8 = 'infinity'" };
	struct pg_args a = pg_args(ctx.arena);
	int64_t us = INT64_C(946684799500000);
	PGresult *res;

	pg_int2(&a, 7);
	pg_int2(&a, -2);
	pg_int4(&a, INT32_MIN);
	pg_int8(&a, INT64_MIN);
	pg_text(&a, STR("h\xc3\xa4"));
	pg_bytes(&a, (struct str){ "\0\xff", 2 });
	pg_time(&a, us);
	pg_time(&a, WHEN_MAX);
	pg_null(&a, 25);
	ck_assert_int_eq(pg_exec(&ctx, &q, &a, &res), OK);
	ck_assert(pg_get_bool(res, 0, 0));
	ck_assert_int_eq(pg_get_int4(res, 0, 1), -2);
	ck_assert_int_eq(pg_get_int4(res, 0, 2), INT32_MIN);
	ck_assert_int_eq(pg_get_int8(res, 0, 3), INT64_MIN);
	ck_assert(str_eqz(pg_get_str(res, 0, 4), "h\xc3\xa4"));
	ck_assert(str_eq(pg_get_str(res, 0, 5), (struct str){ "\0\xff", 2 }));
	ck_assert_int_eq(pg_get_time(res, 0, 6), us);
	ck_assert_int_eq(pg_get_time(res, 0, 7), WHEN_MAX);
	ck_assert(pg_is_null(res, 0, 8));
	ck_assert(pg_get_bool(res, 0, 9));
	ck_assert(pg_get_bool(res, 0, 10));
}
END_TEST

START_TEST(arrays_arrive_as_they_were_sent)
{
	static const struct pg_query q = { "t_arrays",
	    "select $1::bool[] = '{t,f}', $2::int2[] = '{1,-1}',"
	    " $3::int4[] = '{7}', $4::int8[], $5::float8[] = '{1.5,-0.25}',"
	    " $6::text[] = '{a,\"\",\"b c\"}',"
	    " $7::timestamptz[] = '{2000-01-01Z,-infinity}',"
	    " $8::int4[] = '{}', $9::int4[]" };
	static const int64_t longs[] = { 5, INT64_MIN, -1 };
	struct str texts[] = { STR("a"), STR_NONE, STR("b c") };
	struct pg_args a = pg_args(ctx.arena);
	int64_t *out;
	int32_t *ints;
	PGresult *res;

	pg_bools(&a, (const bool[]){ true, false }, 2);
	pg_int2s(&a, (const int16_t[]){ 1, -1 }, 2);
	pg_int4s(&a, (const int32_t[]){ 7 }, 1);
	pg_int8s(&a, longs, 3);
	pg_float8s(&a, (const double[]){ 1.5, -0.25 }, 2);
	pg_texts(&a, texts, 3);
	pg_times(&a, (const int64_t[]){ INT64_C(946684800000000),
	    WHEN_MIN }, 2);
	pg_int4s(&a, NULL, 0);
	pg_int4s(&a, (const int32_t[]){ -3, 4 }, 2);
	ck_assert_int_eq(pg_exec(&ctx, &q, &a, &res), OK);
	for (int i = 0; i < 8; i++)
		if (i != 3)
			ck_assert_msg(pg_get_bool(res, 0, i), "column %d", i);
	ck_assert_uint_eq(pg_get_int8s(&ctx, res, 0, 3, &out), 3);
	ck_assert_mem_eq(out, longs, sizeof(longs));
	ck_assert_uint_eq(pg_get_int4s(&ctx, res, 0, 8, &ints), 2);
	ck_assert_int_eq(ints[0], -3);
	ck_assert_uint_eq(pg_get_int4s(&ctx, res, 0, 7, &ints), 0);
}
END_TEST

START_TEST(results_of_a_flush_come_in_the_order_sent)
{
	PGresult *res[3];

	send_put(20);
	pg_send(&ctx, &sum, NULL);
	pg_send(&ctx, &one, NULL);
	ck_assert_int_eq(pg_flush(&ctx, res, 3), OK);
	ck_assert_int_eq(pg_get_int8(res[1], 0, 0), 20);
	ck_assert_int_eq(pg_get_int8(res[2], 0, 0), 1);
}
END_TEST

START_TEST(error_undoes_the_whole_flush)
{
	struct pg_args a = pg_args(ctx.arena);
	PGresult *res[3];

	pg_int4(&a, 0);
	send_put(1);
	pg_send(&ctx, &wrong, &a);
	send_put(2);
	ck_assert_int_eq(pg_flush(&ctx, res, 3), ERR_INTERNAL);
	ck_assert_str_eq(pg_sqlstate(ctx.pg), "22012");
	ck_assert_int_eq(ctx.fault.err, ERR_INTERNAL);
	ck_assert_int_eq(ask(&sum), 0);
}
END_TEST

START_TEST(violated_constraint_is_named)
{
	send_put(1);
	send_put(1);
	ck_assert_int_eq(pg_flush(&ctx, NULL, 0), ERR_INTERNAL);
	ck_assert_str_eq(pg_sqlstate(ctx.pg), "23505");
	ck_assert_str_eq(pg_constraint(ctx.pg), "ledger_pkey");
}
END_TEST

START_TEST(statement_that_cannot_be_prepared_harms_nothing_else)
{
	static const struct pg_query bad = { "t_bad", "select nothing" };

	for (int i = 0; i < 2; i++) {
		pg_send(&ctx, &bad, NULL);
		send_put(3);
		ck_assert_int_eq(pg_flush(&ctx, NULL, 0), ERR_INTERNAL);
		ck_assert_str_eq(pg_sqlstate(ctx.pg), "42703");
	}
	ck_assert_int_eq(ask(&sum), 0);
}
END_TEST

/* How many rows of the ledger another connection sees. */
static int
rows_elsewhere(void)
{
	char *count = database_ask("select count(*) from ledger");
	uint64_t n;

	ck_assert(str_u64(str_of(count), INT_MAX, &n));
	free(count);
	return (int)n;
}

START_TEST(transaction_spans_flushes_until_commit)
{
	PGresult *res[1];

	pg_begin(&ctx);
	send_put(1);
	ck_assert_int_eq(pg_flush(&ctx, NULL, 0), OK);
	ck_assert_int_eq(rows_elsewhere(), 0);
	send_put(2);
	ck_assert_int_eq(pg_flush(&ctx, NULL, 0), OK);
	pg_send(&ctx, &sum, NULL);
	ck_assert_int_eq(pg_commit(&ctx, res, 1), OK);
	ck_assert_int_eq(pg_get_int8(res[0], 0, 0), 3);
	ck_assert_int_eq(rows_elsewhere(), 2);
}
END_TEST

START_TEST(error_ends_the_transaction)
{
	pg_begin(&ctx);
	send_put(1);
	ck_assert_int_eq(pg_flush(&ctx, NULL, 0), OK);
	send_put(1);
	ck_assert_int_eq(pg_commit(&ctx, NULL, 0), ERR_INTERNAL);
	pg_rollback(&ctx);
	ck_assert_int_eq(ask(&sum), 0);
	pg_begin(&ctx);
	send_put(4);
	ck_assert_int_eq(pg_commit(&ctx, NULL, 0), OK);
	ck_assert_int_eq(ask(&sum), 4);
}
END_TEST

START_TEST(transaction_left_open_ends_with_its_unit_of_work)
{
	pg_begin(&ctx);
	send_put(1);
	ck_assert_int_eq(pg_flush(&ctx, NULL, 0), OK);
	send_put(2);
	arena_reset(ctx.arena);
	ck_assert_int_eq(ask(&sum), 0);
}
END_TEST

START_TEST(serialization_failure_is_to_be_retried)
{
	static const struct pg_query raise = { "t_raise",
	    "do $$ begin raise sqlstate '40001'; end $$" };

	ck_assert_int_eq(pg_exec(&ctx, &raise, NULL, NULL), ERR_RETRY);
}
END_TEST

START_TEST(slow_statement_is_cut_off)
{
	static const struct pg_query nap = { "t_nap",
	    "select pg_sleep(20)" };

	pg_free(ctx.pg);
	ctx.pg = pg_new(database_conninfo(), 50);
	ck_assert_int_eq(pg_exec(&ctx, &nap, NULL, NULL), ERR_TOO_COSTLY);
	ck_assert_str_eq(pg_sqlstate(ctx.pg), "57014");
	ck_assert_int_eq(ask(&one), 1);
}
END_TEST

START_TEST(connection_lost_between_requests_is_made_again)
{
	uint64_t session = pg_session(ctx.pg);

	kill_backend(ask(&self));
	ck_assert_int_eq(ask(&one), 1);
	kill_backend(ask(&self));
	send_put(8);
	ck_assert_int_eq(pg_flush(&ctx, NULL, 0), OK);
	ck_assert_int_eq(ask(&sum), 8);
	ck_assert_uint_eq(pg_session(ctx.pg), session + 2);
}
END_TEST

START_TEST(connection_lost_in_a_transaction_is_reported)
{
	int64_t pid = ask(&self);

	pg_begin(&ctx);
	send_put(1);
	ck_assert_int_eq(pg_flush(&ctx, NULL, 0), OK);
	kill_backend(pid);
	send_put(2);
	ck_assert_int_eq(pg_commit(&ctx, NULL, 0), ERR_UNAVAILABLE);
	ck_assert_int_eq(ask(&sum), 0);
}
END_TEST

START_TEST(connection_lost_in_a_write_is_not_repeated)
{
	static const struct pg_query die = { "t_die",
	    "insert into ledger select 5 where"
	    " pg_terminate_backend(pg_backend_pid())" };
	uint64_t session = pg_session(ctx.pg);

	ck_assert_int_eq(pg_exec(&ctx, &die, NULL, NULL), ERR_UNAVAILABLE);
	ck_assert_uint_eq(pg_session(ctx.pg), session);
	ck_assert_int_eq(ask(&one), 1);
}
END_TEST

START_TEST(absent_server_is_unavailable)
{
	pg_free(ctx.pg);
	ctx.pg = pg_new("host=/nowhere dbname=none", 1000);
	ck_assert_int_eq(pg_ping(&ctx), ERR_UNAVAILABLE);
	pg_begin(&ctx);
	send_put(1);
	ck_assert_int_eq(pg_commit(&ctx, NULL, 0), ERR_UNAVAILABLE);
}
END_TEST

START_TEST(endless_shapes_do_not_fill_the_server)
{
	static const struct pg_query known = { "t_known",
	    "select count(*) from pg_prepared_statements" };

	for (int i = 0; i < 1200; i++) {
		struct pg_query q;

		q.name = arena_printf(ctx.arena, "t_shape_%d", i).p;
		q.sql = arena_printf(ctx.arena, "select %d::int8", i).p;
		ck_assert_int_eq(ask(&q), i);
	}
	ck_assert_int_le(ask(&known), 512);
}
END_TEST

START_TEST(large_pipeline_does_not_block_either_side)
{
	static const struct pg_query echo = { "t_echo", "select $1::text" };
	char *big = malloc(1 << 20);
	PGresult *res[16];

	ck_assert_ptr_nonnull(big);
	memset(big, 'x', 1 << 20);
	for (int i = 0; i < 16; i++) {
		struct pg_args a = pg_args(ctx.arena);

		pg_text(&a, (struct str){ big, 1 << 20 });
		pg_send(&ctx, &echo, &a);
	}
	ck_assert_int_eq(pg_flush(&ctx, res, 16), OK);
	for (int i = 0; i < 16; i++)
		ck_assert_uint_eq(pg_get_str(res[i], 0, 0).n, 1 << 20);
	free(big);
}
END_TEST

START_TEST(script_runs_several_statements_inside_a_transaction)
{
	pg_begin(&ctx);
	ck_assert_int_eq(pg_script(&ctx, "insert into ledger values (1);"
	    "insert into ledger values (2);"), OK);
	ck_assert_int_eq(pg_commit(&ctx, NULL, 0), OK);
	ck_assert_int_eq(ask(&sum), 3);
	ck_assert_int_eq(pg_script(&ctx, "delete from ledger; select 1/0"),
	    ERR_INTERNAL);
	ck_assert_int_eq(ask(&sum), 3);
}
END_TEST

static void
add_tests(TCase *tc)
{
	const TTest *tests[] = {
		statement_is_prepared_once_and_used_again,
		scalars_arrive_as_they_were_sent,
		arrays_arrive_as_they_were_sent,
		results_of_a_flush_come_in_the_order_sent,
		error_undoes_the_whole_flush,
		violated_constraint_is_named,
		statement_that_cannot_be_prepared_harms_nothing_else,
		transaction_spans_flushes_until_commit,
		error_ends_the_transaction,
		transaction_left_open_ends_with_its_unit_of_work,
		serialization_failure_is_to_be_retried,
		slow_statement_is_cut_off,
		connection_lost_between_requests_is_made_again,
		connection_lost_in_a_transaction_is_reported,
		connection_lost_in_a_write_is_not_repeated,
		absent_server_is_unavailable,
		endless_shapes_do_not_fill_the_server,
		large_pipeline_does_not_block_either_side,
		script_runs_several_statements_inside_a_transaction,
	};

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tc, tests[i]);
}

int
main(int argc, char **argv)
{
	TCase *tc = suite_case("pg");
	int status;

	(void)argc;
	database_need(argv);
	database_create();
	tcase_add_checked_fixture(tc, open_ctx, close_ctx);
	add_tests(tc);
	status = suite_run();
	database_drop();
	return status;
}
