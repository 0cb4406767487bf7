/*
 * Every shape of a search is a nested loop of index descents, whatever the
 * tables hold: no statement scans or sorts a table.
 */

#include "lib/database.h"
#include "lib/records.h"

#include "base/buf.h"
#include "base/conf.h"
#include "fhir/search_plan.h"
#include "wire/migrate.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

static struct ctx ctx;
static const struct conf conf = { .base_url = "https://here/v3" };

static void
open_ctx(void)
{
	database_ctx(&ctx);
	ctx.conf = &conf;
}

static void
close_ctx(void)
{
	database_ctx_end(&ctx);
}

/* Enough rows that a scan would be the cheaper looking plan where a statement
 * leaves that choice. */
static const char filling[] =
    "insert into res (tn, type, id, rid, ver, at, updated, deleted, has, rh,"
    " keys, auxs, refs CKEYS) select 1, t, 'x' || i, t * 1000000 + i, 1,"
    " timestamptz '2020-01-01' + i * interval '1 hour', now(), false, i, i,"
    " '{}', '{}', '{}' CVALUE"
    " from generate_series(1, ROWS) i, (values (PATIENT), (OBSERVATION)) v(t);"
    "insert into ver (rid, ver, tn, type, updated, op, client, body)"
    " select rid, ver, tn, type, updated, 'C', 't', '{}' from res;"
    "insert into post select i % 100, at, rid, 0 from res,"
    " generate_series(0, 3) i;"
    "insert into dat select tn, p, type, at, rid, at + interval '1 hour'"
    " from res, generate_series(1, 3) p;"
    "insert into datw select tn, type, p, tstzrange(at, at + interval '1 year'),"
    " rid from res, generate_series(1, 2) p where rid % 10 = 0;"
    "insert into str select tn, type, p, md5(rid::text), rid from res,"
    " generate_series(1, 3) p;"
    "analyze";
