/* The kinds of periodic work, and how one is claimed and run. */

#include "jobs/kinds.h"

#include "base/log.h"
#include "base/metrics.h"
#include "base/when.h"
#include "oauth/keyring.h"
#include "platform/task.h"
#include "queries.h"
#include "wire/pg.h"

/* Nothing in the table takes longer; then another node may take it. */
#define LEASE_S		300

/* A failed kind waits 10 s, 20 s, 40 s, ... up to this. */
#define RETRY_FIRST_S	10
#define RETRY_MAX_S	600

struct kind {
	const char	*name;
	enum err	(*run)(struct ctx *ctx);
	int32_t		 every_s;
};

static enum err
expire_revocations(struct ctx *ctx)
{
	return pg_exec(ctx, &query_revocation_delete_expired, NULL, NULL);
}

static enum err
expire_secrets(struct ctx *ctx)
{
	return pg_exec(ctx, &query_secret_delete_expired, NULL, NULL);
}

/* clang-format off */
static const struct kind kinds[] = {
/* name			run			every_s */
{ "key_rotate",		keyring_rotate_old,	60 },
{ "key_retire",		keyring_retire_old,	60 },
{ "revocation_expire",	expire_revocations,	60 },
{ "task_sweep",		task_sweep,		5 },
{ "secret_expire",	expire_secrets,		3600 },
};
/* clang-format on */

#define NKINDS	(sizeof(kinds) / sizeof(kinds[0]))

static void
add_names(struct pg_args *a)
{
	struct str names[NKINDS];

	for (size_t i = 0; i < NKINDS; i++)
		names[i] = str_of(kinds[i].name);
	pg_texts(a, names, NKINDS);
}

enum err
kinds_add(struct ctx *ctx)
{
	struct pg_args a = pg_args(ctx->arena);

	add_names(&a);
	return pg_exec(ctx, &query_job_add, &a, NULL);
}

static const struct kind *
kind_named(struct str name)
{
	const struct kind *kind = kinds;

	/* The claim asked for names of this table alone. */
	while (!str_eqz(name, kind->name))
		kind++;
	return kind;
}

static int32_t
retry_s(int32_t tries)
{
	return tries > 6 ? RETRY_MAX_S : RETRY_FIRST_S << tries;
}

static enum err
finish(struct ctx *ctx, const struct kind *kind, enum err err, int32_t tries)
{
	struct pg_args a = pg_args(ctx->arena);
	const struct pg_query *q = &query_job_done;
	int32_t next_s = kind->every_s;

	if (err != OK) {
		log_line(LOG_LEVEL_WARN, "job_failed",
		    "kind=%s tries=%d why=%s", kind->name, (int)tries + 1,
		    log_word(ctx->fault.issues == NULL ? STR("") :
		    ctx->fault.issues->text));
		fault_clear(ctx);
		q = &query_job_failed;
		next_s = retry_s(tries);
	}
	pg_text(&a, str_of(kind->name));
	pg_int4(&a, next_s);
	return pg_exec(ctx, q, &a, NULL);
}

enum err
kinds_run(struct ctx *ctx, bool *ran)
{
	struct pg_args a = pg_args(ctx->arena);
	const struct kind *kind;
	int64_t begin_us = when_now();
	int32_t tries;
	PGresult *res;
	enum err err;

	*ran = false;
	add_names(&a);
	pg_int4(&a, LEASE_S);
	if ((err = pg_exec(ctx, &query_job_claim, &a, &res)) != OK ||
	    PQntuples(res) == 0)
		return err;
	*ran = true;
	kind = kind_named(pg_get_str(res, 0, 0));
	tries = pg_get_int4(res, 0, 1);
	err = kind->run(ctx);
	metrics_job(kind->name, err == OK, when_now() - begin_us, begin_us);
	if (err == OK)
		log_line(LOG_LEVEL_DEBUG, "job", "kind=%s us=%lld", kind->name,
		    (long long)(when_now() - begin_us));
	return finish(ctx, kind, err, tries);
}
