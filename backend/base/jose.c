/*
 * Compact tokens: taking them apart, and reading their claims. What is checked
 * here needs no key; what needs one is in jose_key.c.
 */

#include "base/jose.h"

#include "base/code.h"
#include "base/jose_algorithm.h"

#define TIME_MAX	(UINT64_C(1) << 53)

static const char *const error_words[JOSE_ERROR__MAX] = {
	"ok",			/* JOSE_OK */
	"too_large",		/* JOSE_TOO_LARGE */
	"bad_shape",		/* JOSE_SHAPE */
	"bad_base64",		/* JOSE_BASE64 */
	"bad_header",		/* JOSE_HEADER */
	"bad_payload",		/* JOSE_PAYLOAD */
	"bad_alg",		/* JOSE_ALG */
	"bad_typ",		/* JOSE_TYP */
	"crit_present",		/* JOSE_CRIT */
	"unknown_kid",		/* JOSE_KID */
	"bad_signature",	/* JOSE_SIGNATURE */
	"bad_key",		/* JOSE_KEY */
	"unsupported_alg",	/* JOSE_ALGORITHM_UNSUPPORTED */
	"too_many_values",	/* JOSE_ROOM */
};

const char *
jose_strerror(enum jose_error error)
{
	return error < JOSE_ERROR__MAX ? error_words[error] : "unknown";
}

/* A JSON object within our bounds, or what to answer instead. */
static enum jose_error
parse_object(struct jose_token *t, struct str text, enum jose_error otherwise)
{
	enum jdoc_error error = jdoc_parse(&t->claims, text, t->nodes,
	    JOSE_NODES_MAX, JOSE_DEPTH_MAX);

	if (error == JDOC_ROOM)
		return JOSE_ROOM;
	if (error != JDOC_OK || jdoc_type(&t->claims, 0) != JDOC_OBJECT)
		return otherwise;
	return JOSE_OK;
}

/* The string at node without copying; false for an escaped one. */
static bool
plain_string(const struct jdoc *d, uint32_t node, struct str *out)
{
	if (node == 0 || jdoc_type(d, node) != JDOC_STRING ||
	    d->nodes[node].escaped)
		return false;
	*out = jdoc_raw(d, node);
	return true;
}

static enum jose_error
check_alg(struct jose_token *t, const struct jdoc *header)
{
	const struct jose_algorithm *algorithm;
	struct str name;

	if (!plain_string(header, jdoc_get(header, 0, STR("alg")), &name))
		return JOSE_ALG;
	algorithm = jose_algorithm_named(name);
	if (algorithm == NULL)
		return JOSE_ALG;
	t->alg = algorithm->alg;
	return t->alg == JOSE_ALG_NONE ? JOSE_ALGORITHM_UNSUPPORTED : JOSE_OK;
}

/* An absent typ is STR_NONE; one that is no plain string is refused. */
static bool
read_typ(struct jose_token *t, const struct jdoc *header)
{
	uint32_t node = jdoc_get(header, 0, STR("typ"));

	t->typ = STR_NONE;
	return node == 0 || plain_string(header, node, &t->typ);
}

/* RFC 7515 4.1.9: the prefix "application/" may be left out. */
bool
jose_typ_is(const struct jose_token *t, struct str typ)
{
	struct str prefix = STR("application/");
	struct str has = t->typ;

	if (has.n > prefix.n &&
	    str_ieq((struct str){ has.p, prefix.n }, prefix))
		has = str_from(has, prefix.n);
	return has.p != NULL && str_ieq(has, typ);
}

static enum jose_error
check_header(struct jose_token *t, struct str text, struct str typ)
{
	const struct jdoc *header = &t->claims;
	enum jose_error error = parse_object(t, text, JOSE_HEADER);

	if (error != JOSE_OK)
		return error;
	error = check_alg(t, header);
	if (error != JOSE_OK)
		return error;
	if (jdoc_get(header, 0, STR("crit")) != 0)
		return JOSE_CRIT;
	if (!read_typ(t, header) || (typ.n > 0 && !jose_typ_is(t, typ)))
		return JOSE_TYP;
	if (!plain_string(header, jdoc_get(header, 0, STR("kid")), &t->kid) ||
	    !jose_kid_fits(t->kid))
		return JOSE_KID;
	return JOSE_OK;
}

/* Decode one part into t->room from *used on. */
static bool
decode_part(struct jose_token *t, struct str part, size_t *used,
    struct str *out)
{
	char *p = t->room + *used;
	size_t n = base64url_decode(part, (unsigned char *)p);

	if (n == CODE_BAD)
		return false;
	*out = (struct str){ p, n };
	*used += n;
	return true;
}

enum jose_error
jose_open(struct jose_token *t, struct str token, struct str typ)
{
	struct str rest = token, part[3], header, payload, signature;
	enum jose_error error;
	size_t used = 0;

	t->claims.count = 0;
	if (token.n > JOSE_TOKEN_MAX)
		return JOSE_TOO_LARGE;
	for (int i = 0; i < 3; i++) {
		if (rest.p == NULL)
			return JOSE_SHAPE;
		part[i] = str_cut(&rest, '.');
	}
	if (rest.p != NULL || part[0].n == 0 || part[1].n == 0)
		return JOSE_SHAPE;
	if (!decode_part(t, part[0], &used, &header) ||
	    !decode_part(t, part[1], &used, &payload) ||
	    !decode_part(t, part[2], &used, &signature))
		return JOSE_BASE64;
	t->token = token;
	t->signing_input = (struct str){ token.p,
	    part[0].n + 1 + part[1].n };
	t->payload = payload;
	t->signature = signature;
	error = check_header(t, header, typ);
	if (error != JOSE_OK)
		return error;
	if (signature.n == 0)
		return JOSE_SIGNATURE;
	return parse_object(t, payload, JOSE_PAYLOAD);
}

static uint32_t
claim_node(const struct jose_token *t, struct str name)
{
	return t->claims.count == 0 ? 0 : jdoc_get(&t->claims, 0, name);
}

bool
jose_claim(const struct jose_token *t, struct str name, struct str *out)
{
	return plain_string(&t->claims, claim_node(t, name), out);
}

bool
jose_claim_time(const struct jose_token *t, struct str name, int64_t *seconds)
{
	uint32_t node = claim_node(t, name);
	struct str raw;
	uint64_t value;

	if (node == 0 || jdoc_type(&t->claims, node) != JDOC_NUMBER)
		return false;
	raw = jdoc_raw(&t->claims, node);
	if (str_has(raw, 'e') || str_has(raw, 'E'))
		return false;
	if (!str_u64(str_cut(&raw, '.'), TIME_MAX, &value))
		return false;
	*seconds = (int64_t)value;
	return true;
}

bool
jose_claim_aud(const struct jose_token *t, struct str value)
{
	uint32_t node = claim_node(t, STR("aud"));

	if (node == 0)
		return false;
	if (jdoc_type(&t->claims, node) != JDOC_ARRAY)
		return jdoc_is(&t->claims, node, value);
	for (uint32_t i = jdoc_first(&t->claims, node); i != 0;
	    i = jdoc_next(&t->claims, node, i))
		if (jdoc_is(&t->claims, i, value))
			return true;
	return false;
}
