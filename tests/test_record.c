/* A record's bytes: the server's members in front, all else as it was sent. */

#include "base/arena.h"
#include "base/ctx.h"
#include "fhir/record.h"
#include "lib/suite.h"

#include <check.h>

static struct ctx ctx;

static void
open_ctx(void)
{
	ctx = (struct ctx){ .arena = arena_new(4096) };
}

static void
close_ctx(void)
{
	arena_free(ctx.arena);
}

#define META	"\"meta\":{\"versionId\":\"3\",\"lastUpdated\":"	\
	"\"2026-01-15T10:30:00.123Z\""
#define HEAD	"{\"resourceType\":\"Patient\",\"id\":\"p1\"," META

/* What was sent, and what is stored. */
static const struct {
	const char	*sent;
	const char	*stored;
} bodies[] = {
	{ "{\"resourceType\":\"Patient\"}", HEAD "}}" },
	{ " { \"resourceType\" : \"Patient\" } ", HEAD "}}" },
	{ "{\"resourceType\":\"Patient\",\"id\":\"other\",\"active\":true}",
	    HEAD "},\"active\":true}" },
	{ "{\"active\" : true,\n\"id\":\"p1\",\"resourceType\":\"Patient\"}",
	    HEAD "},\"active\" : true}" },
	{ "{\"x\":1.10,\"y\":[ 1e2 , {\"id\":\"kept\"} ],\"z\":\"\\u00e4\"}",
	    HEAD "},\"x\":1.10,\"y\":[ 1e2 , {\"id\":\"kept\"} ],"
	    "\"z\":\"\\u00e4\"}" },
	{ "{\"meta\":{\"versionId\":\"9\",\"lastUpdated\":\"2001-01-01\"}}",
	    HEAD "}}" },
	{ "{\"meta\":{\"profile\":[\"http://a\"],\"lastUpdated\":\"x\","
	    "\"tag\":[]},\"a\":{\"meta\":{\"versionId\":\"1\"}}}",
	    HEAD ",\"profile\":[\"http://a\"],\"tag\":[]},"
	    "\"a\":{\"meta\":{\"versionId\":\"1\"}}}" },
	{ "{\"i\\u0064\":\"hidden\",\"b\":\"\"}", HEAD "},\"b\":\"\"}" },
};

START_TEST(body_is_the_servers_frame_around_what_was_sent)
{
	const struct r4_type *type = r4_type_named(STR("Patient"));
	struct record record = { .type = type, .id = STR("p1"), .ver = 3,
	    .updated_us = INT64_C(1768473000123000) };
	struct jnode nodes[64];
	struct jdoc d;

	ck_assert_int_eq(jdoc_parse(&d, str_of(bodies[_i].sent), nodes, 64,
	    JDOC_DEPTH_MAX), JDOC_OK);
	ck_assert_str_eq(arena_z(ctx.arena, record_body(&ctx, &record, &d,
	    0)), bodies[_i].stored);
}
END_TEST

int
main(void)
{
	TCase *tc = suite_case("record");

	tcase_add_checked_fixture(tc, open_ctx, close_ctx);
	tcase_add_loop_test(tc, body_is_the_servers_frame_around_what_was_sent,
	    0, sizeof(bodies) / sizeof(bodies[0]));
	return suite_run();
}
