/* Whether this worker, and what it needs, can do their work. */

#include "api/health.h"

#include <sys/stat.h>

#include "base/conf.h"
#include "base/when.h"
#include "wire/migrate.h"
#include "wire/pg.h"

static enum err
say_ok(struct http_answer *answer)
{
	http_field(answer, "Cache-Control", STR("no-store"));
	answer_body(answer, MEDIA_JSON, STR("{\"status\":\"ok\"}"));
	return OK;
}

enum err
health_live(struct ctx *ctx, const struct call *call,
    struct http_answer *answer)
{
	(void)ctx;
	(void)call;
	return say_ok(answer);
}

static enum err
check_state(struct ctx *ctx)
{
	const char *path = arena_printf(ctx->arena, "%s/alive",
	    ctx->conf->state_dir).p;
	struct stat st;

	if (stat(path, &st) != 0)
		return fail(ctx, ERR_UNAVAILABLE, "the edge's state has not "
		    "been written yet: is \"twocare jobs\" running?");
	if (ctx->now_us / US_PER_SECOND - st.st_mtim.tv_sec > STATE_FRESH_S)
		return fail(ctx, ERR_UNAVAILABLE, "the edge's state is old: "
		    "is \"twocare jobs\" running?");
	return OK;
}

enum err
health_ready(struct ctx *ctx, const struct call *call,
    struct http_answer *answer)
{
	enum err err;

	(void)call;
	if ((err = migrate_check(ctx)) != OK) {
		fault_clear(ctx);
		return fail(ctx, ERR_UNAVAILABLE, err == ERR_CONFLICT ?
		    "the database's schema is not this program's: "
		    "\"twocare migrate\" makes it so" :
		    "the database does not answer");
	}
	if ((err = check_state(ctx)) != OK)
		return err;
	return say_ok(answer);
}
