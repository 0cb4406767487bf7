/* Whether this worker can do its work. */

#include "api/health.h"

#include "wire/pg.h"

enum err
health_check(struct ctx *ctx, const struct call *call,
    struct http_answer *answer)
{
	(void)call;
	if (pg_ping(ctx) != OK)
		return fail(ctx, ERR_UNAVAILABLE,
		    "the database does not answer");
	http_field(answer, "Cache-Control", STR("no-store"));
	answer_body(answer, MEDIA_JSON, STR("{\"status\":\"ok\"}"));
	return OK;
}
