/* Tenants and clients, made and changed. */

#include "oauth/client.h"

#include "base/buf.h"
#include "base/code.h"
#include "fhir/scope.h"
#include "oauth/revocation.h"
#include "oauth/secret.h"
#include "oauth/tier.h"
#include "queries.h"
#include "wire/pg.h"
#include "wire/pg_binary.h"

#define NAME_MAX_BYTES	64
#define LIMIT_MAX	1000000000
#define TTL_MIN_S	60
#define TTL_MAX_S	86400

/* A change's value that takes away what is there. */
#define NONE		"-"

/* Scopes that a client gets only when they are named. */
static const char *const never_default[] = { "user:read", "user:write",
	"system:admin", NULL };

/* --- what is valid ------------------------------------------------------- */

static bool
is_among(const char *const *list, struct str s)
{
	for (; *list != NULL; list++)
		if (str_eqz(s, *list))
			return true;
	return false;
}

/* Names of tenants and pools; no '_' in a pool, which every client id has. */
static bool
is_name(struct str s, bool underscore)
{
	if (s.n == 0 || s.n > NAME_MAX_BYTES)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c >= '0' && c <= '9') || c == '.' || c == '-' ||
		    (c == '_' && underscore)))
			return false;
	}
	return true;
}

static bool
is_title(struct str s)
{
	if (s.n == 0 || s.n > NAME_MAX_BYTES || !utf8_valid(s))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
	return true;
}

static struct str
default_scopes(struct ctx *ctx)
{
	struct buf b = buf_new(ctx->arena, 256);

	for (const char *const *name = scope_names; *name != NULL; name++) {
		if (is_among(never_default, str_of(*name)))
			continue;
		if (b.n > 0)
			buf_addc(&b, ' ');
		buf_addz(&b, *name);
	}
	return buf_str(&b);
}

static enum err
check_scopes(struct ctx *ctx, struct str scopes, struct str *out)
{
	struct buf b = buf_new(ctx->arena, scopes.n + 1);

	if (scopes.n == 0) {
		*out = default_scopes(ctx);
		return OK;
	}
	while (scopes.p != NULL) {
		struct str one = str_cut(&scopes, ' ');

		if (one.n == 0)
			continue;
		if (!scope_known(one))
			return fail(ctx, ERR_INVALID_PARAMETER, "\"%.*s\" is "
			    "not a scope", STR_ARGS(one));
		if (b.n > 0)
			buf_addc(&b, ' ');
		buf_add(&b, one);
	}
	*out = buf_str(&b);
	return OK;
}

static enum err
check_number(struct ctx *ctx, const char *name, struct str s, uint64_t min,
    uint64_t max)
{
	uint64_t n;

	if (s.n == 0 || (str_u64(s, max, &n) && n >= min))
		return OK;
	return fail(ctx, ERR_INVALID_PARAMETER, "%s must be a number from "
	    "%llu to %llu", name, (unsigned long long)min,
	    (unsigned long long)max);
}

/* Both numbers, or none; a client that has them may change one. */
static enum err
check_own(struct ctx *ctx, const struct client_new *new, struct str tier,
    bool has_them)
{
	bool own = str_eqz(tier, "enterprise");
	bool hour = new->hour.n > 0, minute = new->minute.n > 0;

	if (own ? has_them || (hour && minute) : !hour && !minute)
		return OK;
	return fail(ctx, ERR_INVALID_PARAMETER, "an enterprise client, and "
	    "only such a one, has its own numbers of requests per hour and "
	    "minute (0 = no limit)");
}

static enum err
check_values(struct ctx *ctx, const struct client_new *new)
{
	enum err err;

	if (!is_title(new->name))
		return fail(ctx, ERR_INVALID_PARAMETER, "the name must be 1 to "
		    "%d bytes of UTF-8 text", NAME_MAX_BYTES);
	if (new->tier.n > 0 && !tier_known(new->tier))
		return fail(ctx, ERR_INVALID_PARAMETER, "the tier must be "
		    "standard, professional or enterprise");
	if (new->pool.n > 0 && !is_name(new->pool, false))
		return fail(ctx, ERR_INVALID_PARAMETER, "the pool must be 1 to "
		    "%d of letters, digits, '.' and '-'", NAME_MAX_BYTES);
	if ((err = check_number(ctx, "hour", new->hour, 0, LIMIT_MAX)) != OK ||
	    (err = check_number(ctx, "minute", new->minute, 0,
	    LIMIT_MAX)) != OK)
		return err;
	return check_number(ctx, "ttl", new->ttl, TTL_MIN_S, TTL_MAX_S);
}

/* --- tenants ------------------------------------------------------------- */

enum err
tenant_create(struct ctx *ctx, struct str name, int32_t *tn)
{
	struct pg_args a = pg_args(ctx->arena);
	PGresult *res;
	enum err err;

	if (!is_name(name, true))
		return fail(ctx, ERR_INVALID_PARAMETER, "a tenant's name is 1 "
		    "to %d of letters, digits, '.', '-' and '_'",
		    NAME_MAX_BYTES);
	pg_text(&a, name);
	if ((err = pg_exec(ctx, &query_tenant_insert, &a, &res)) != OK)
		return err;
	if (PQntuples(res) == 0)
		return fail(ctx, ERR_CONFLICT, "there is a tenant \"%.*s\" "
		    "already", STR_ARGS(name));
	*tn = pg_get_int4(res, 0, 0);
	return OK;
}

enum err
tenant_list(struct ctx *ctx, PGresult **res)
{
	return pg_exec(ctx, &query_tenant_list, NULL, res);
}

static enum err
unknown_tenant(struct ctx *ctx, struct str name)
{
	return fail(ctx, ERR_NOT_FOUND, "there is no tenant \"%.*s\"",
	    STR_ARGS(name));
}

enum err
tenant_pool(struct ctx *ctx, struct str name, bool pooled)
{
	struct pg_args a = pg_args(ctx->arena);
	PGresult *res;
	enum err err;

	pg_text(&a, name);
	pg_text(&a, pooled ? STR("on") : STR("off"));
	if ((err = pg_exec(ctx, &query_tenant_set_pooled, &a, &res)) != OK)
		return err;
	return PQntuples(res) > 0 ? OK : unknown_tenant(ctx, name);
}

enum err
tenant_named(struct ctx *ctx, struct str name, int32_t *tn)
{
	struct pg_args a = pg_args(ctx->arena);
	PGresult *res;
	enum err err;

	pg_text(&a, name);
	if ((err = pg_exec(ctx, &query_tenant_by_name, &a, &res)) != OK)
		return err;
	if (PQntuples(res) == 0)
		return unknown_tenant(ctx, name);
	*tn = pg_get_int4(res, 0, 0);
	return OK;
}

/* --- clients ------------------------------------------------------------- */

static void
add_number(struct pg_args *a, struct str s)
{
	uint64_t n;

	if (s.n > 0 && str_u64(s, INT32_MAX, &n))
		pg_int4(a, (int32_t)n);
	else
		pg_null(a, PG_OID_INT4);
}

static void
send_client(struct ctx *ctx, const struct client_new *new, int32_t tn,
    struct str scopes, struct str id)
{
	struct pg_args a = pg_args(ctx->arena);

	pg_text(&a, id);
	pg_int4(&a, tn);
	pg_text(&a, new->name);
	pg_text(&a, new->public ? STR("public") : STR("confidential"));
	pg_text(&a, scopes);
	pg_text(&a, new->tier.n > 0 ? new->tier : STR("standard"));
	add_number(&a, new->hour);
	add_number(&a, new->minute);
	if (new->pool.n > 0)
		pg_text(&a, new->pool);
	else
		pg_null(&a, PG_OID_TEXT);
	add_number(&a, new->ttl);
	pg_send(ctx, &query_client_insert, &a);
}

/* Queue the row of a new secret. */
static enum err
send_secret(struct ctx *ctx, struct client_secret *made)
{
	unsigned char *hash = arena_alloc(ctx->arena, SECRET_HASH_BYTES);
	struct pg_args a = pg_args(ctx->arena);
	enum err err;

	made->secret = secret_client_secret(ctx);
	if ((err = secret_hash(ctx, made->secret, hash)) != OK)
		return err;
	pg_text(&a, made->client_id);
	pg_bytes(&a, (struct str){ (const char *)hash, SECRET_HASH_BYTES });
	pg_send(ctx, &query_client_secret_insert, &a);
	return OK;
}

enum err
client_create(struct ctx *ctx, const struct client_new *new,
    struct client_secret *made)
{
	struct str scopes;
	int32_t tn = 0;
	enum err err;

	*made = (struct client_secret){ .client_id = secret_client_id(ctx) };
	if ((err = check_values(ctx, new)) != OK ||
	    (err = check_own(ctx, new, new->tier, false)) != OK ||
	    (err = check_scopes(ctx, new->scopes, &scopes)) != OK ||
	    (err = tenant_named(ctx, new->tenant, &tn)) != OK)
		return err;
	pg_begin(ctx);
	send_client(ctx, new, tn, scopes, made->client_id);
	if (!new->public && (err = send_secret(ctx, made)) != OK) {
		pg_rollback(ctx);
		return err;
	}
	return pg_commit(ctx, NULL, 0);
}

enum err
client_list(struct ctx *ctx, struct str tenant, PGresult **res)
{
	struct pg_args a = pg_args(ctx->arena);

	pg_text(&a, tenant);
	return pg_exec(ctx, &query_client_list, &a, res);
}

static enum err
unknown_client(struct ctx *ctx, struct str id)
{
	return fail(ctx, ERR_NOT_FOUND, "there is no client \"%.*s\"",
	    STR_ARGS(id));
}

enum err
client_enable(struct ctx *ctx, struct str id, bool enabled)
{
	struct pg_args a = pg_args(ctx->arena);
	PGresult *res;
	enum err err;

	pg_text(&a, id);
	pg_text(&a, enabled ? STR("active") : STR("disabled"));
	if ((err = pg_exec(ctx, &query_client_set_status, &a, &res)) != OK)
		return err;
	return PQntuples(res) > 0 ? OK : unknown_client(ctx, id);
}

/* The tier that the client has now; its row is locked until commit. */
static enum err
tier_now(struct ctx *ctx, struct str id, struct str *tier)
{
	struct pg_args a = pg_args(ctx->arena);
	PGresult *res;
	enum err err;

	pg_text(&a, id);
	if ((err = pg_exec(ctx, &query_client_tier, &a, &res)) != OK)
		return err;
	if (PQntuples(res) == 0)
		return unknown_client(ctx, id);
	*tier = pg_get_str(res, 0, 0);
	return OK;
}

static void
add_text(struct pg_args *a, struct str s)
{
	if (s.n > 0)
		pg_text(a, s);
	else
		pg_null(a, PG_OID_TEXT);
}

/* "-" is sent as the empty text: none. */
static void
add_removable(struct pg_args *a, struct str s)
{
	if (str_eqz(s, NONE))
		pg_text(a, STR(""));
	else
		add_text(a, s);
}

static void
send_change(struct ctx *ctx, struct str id, const struct client_new *change,
    struct str scopes)
{
	struct pg_args a = pg_args(ctx->arena);

	pg_text(&a, id);
	add_text(&a, change->name);
	add_text(&a, scopes);
	add_text(&a, change->tier);
	add_number(&a, change->hour);
	add_number(&a, change->minute);
	add_removable(&a, change->pool);
	add_removable(&a, change->ttl);
	pg_send(ctx, &query_client_change, &a);
}

/* Empty members, and what "-" takes away, count as good. */
static enum err
check_change(struct ctx *ctx, const struct client_new *change)
{
	struct client_new new = *change;

	if (new.name.n == 0)
		new.name = STR("unchanged");
	if (str_eqz(new.pool, NONE))
		new.pool = STR_NONE;
	if (str_eqz(new.ttl, NONE))
		new.ttl = STR_NONE;
	return check_values(ctx, &new);
}

enum err
client_change(struct ctx *ctx, struct str id, const struct client_new *change)
{
	struct str scopes = STR_NONE, tier = STR_NONE;
	enum err err;

	if ((err = check_change(ctx, change)) != OK)
		return err;
	if (change->scopes.n > 0 &&
	    (err = check_scopes(ctx, change->scopes, &scopes)) != OK)
		return err;
	pg_begin(ctx);
	if ((err = tier_now(ctx, id, &tier)) == OK)
		err = check_own(ctx, change, change->tier.n > 0 ?
		    change->tier : tier, str_eqz(tier, "enterprise"));
	if (err == OK) {
		send_change(ctx, id, change, scopes);
		return pg_commit(ctx, NULL, 0);
	}
	pg_rollback(ctx);
	return err;
}

enum err
client_revoke(struct ctx *ctx, struct str id, struct str reason)
{
	struct pg_args a = pg_args(ctx->arena);
	PGresult *res;
	enum err err;

	pg_text(&a, id);
	if ((err = pg_exec(ctx, &query_client_kind, &a, &res)) != OK)
		return err;
	if (PQntuples(res) == 0)
		return unknown_client(ctx, id);
	return revocation_add(ctx, STATE_REVOKED_CLIENT_BEFORE, id, reason);
}

static enum err
check_confidential(struct ctx *ctx, struct str id)
{
	struct pg_args a = pg_args(ctx->arena);
	PGresult *res;
	enum err err;

	pg_text(&a, id);
	if ((err = pg_exec(ctx, &query_client_kind, &a, &res)) != OK)
		return err;
	if (PQntuples(res) == 0)
		return unknown_client(ctx, id);
	if (str_eqz(pg_get_str(res, 0, 0), "public"))
		return fail(ctx, ERR_INVALID_PARAMETER, "a public client has "
		    "no secret");
	return OK;
}

enum err
client_rotate(struct ctx *ctx, struct str id, int64_t overlap_days,
    struct client_secret *made)
{
	struct pg_args a = pg_args(ctx->arena);
	enum err err;

	*made = (struct client_secret){ .client_id = id };
	if (overlap_days < 0 || overlap_days > CLIENT_OVERLAP_DAYS_MAX)
		return fail(ctx, ERR_INVALID_PARAMETER, "the overlap must be "
		    "0 to %d days", CLIENT_OVERLAP_DAYS_MAX);
	pg_begin(ctx);
	if ((err = check_confidential(ctx, id)) == OK) {
		pg_text(&a, id);
		pg_int4(&a, (int32_t)overlap_days);
		pg_send(ctx, &query_client_secret_overlap, &a);
		err = send_secret(ctx, made);
	}
	if (err == OK)
		return pg_commit(ctx, NULL, 0);
	pg_rollback(ctx);
	return err;
}
