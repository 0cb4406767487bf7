/* The one table of JWS algorithms: those we do, and those we only know. */

#include "base/jose_algorithm.h"

/* The order of P-256's base point. FIPS 186-4 D.1.2.3 */
static const unsigned char p256_order[32] = {
	0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00,
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84,
	0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
};

/* clang-format off */
static const struct jose_algorithm algorithms[] = {
/* name		alg		kty	crv		digest		group		part	order */
{ "RS256",	JOSE_RS256,	"RSA",	"",		"SHA256",	NULL,		0,	NULL },
{ "ES256",	JOSE_ES256,	"EC",	"P-256",	"SHA256",	"prime256v1",	32,	p256_order },
{ "none",	JOSE_ALG_NONE,	"",	"",		NULL,		NULL,		0,	NULL },
{ "HS256",	JOSE_ALG_NONE,	"oct",	"",		NULL,		NULL,		0,	NULL },
{ "HS384",	JOSE_ALG_NONE,	"oct",	"",		NULL,		NULL,		0,	NULL },
{ "HS512",	JOSE_ALG_NONE,	"oct",	"",		NULL,		NULL,		0,	NULL },
{ "RS384",	JOSE_ALG_NONE,	"RSA",	"",		NULL,		NULL,		0,	NULL },
{ "RS512",	JOSE_ALG_NONE,	"RSA",	"",		NULL,		NULL,		0,	NULL },
{ "PS256",	JOSE_ALG_NONE,	"RSA",	"",		NULL,		NULL,		0,	NULL },
{ "PS384",	JOSE_ALG_NONE,	"RSA",	"",		NULL,		NULL,		0,	NULL },
{ "PS512",	JOSE_ALG_NONE,	"RSA",	"",		NULL,		NULL,		0,	NULL },
{ "ES384",	JOSE_ALG_NONE,	"EC",	"P-384",	NULL,		NULL,		0,	NULL },
{ "ES512",	JOSE_ALG_NONE,	"EC",	"P-521",	NULL,		NULL,		0,	NULL },
{ "ES256K",	JOSE_ALG_NONE,	"EC",	"secp256k1",	NULL,		NULL,		0,	NULL },
{ "EdDSA",	JOSE_ALG_NONE,	"OKP",	"",		NULL,		NULL,		0,	NULL },
{ "Ed25519",	JOSE_ALG_NONE,	"OKP",	"Ed25519",	NULL,		NULL,		0,	NULL },
{ "Ed448",	JOSE_ALG_NONE,	"OKP",	"Ed448",	NULL,		NULL,		0,	NULL },
};
/* clang-format on */

#define NALGORITHMS	(sizeof(algorithms) / sizeof(algorithms[0]))

const struct jose_algorithm *
jose_algorithm_named(struct str name)
{
	for (size_t i = 0; i < NALGORITHMS; i++)
		if (str_eqz(name, algorithms[i].name))
			return &algorithms[i];
	return NULL;
}

const struct jose_algorithm *
jose_algorithm_of(enum jose_alg alg)
{
	for (size_t i = 0; i < NALGORITHMS; i++)
		if (alg != JOSE_ALG_NONE && algorithms[i].alg == alg)
			return &algorithms[i];
	return NULL;
}

const struct jose_algorithm *
jose_algorithm_for(struct str kty, struct str crv)
{
	for (size_t i = 0; i < NALGORITHMS; i++)
		if (algorithms[i].alg != JOSE_ALG_NONE &&
		    str_eqz(kty, algorithms[i].kty) &&
		    str_eqz(crv, algorithms[i].crv))
			return &algorithms[i];
	return NULL;
}

const char *
jose_alg_name(enum jose_alg alg)
{
	const struct jose_algorithm *algorithm = jose_algorithm_of(alg);

	return algorithm == NULL ? "none" : algorithm->name;
}

bool
jose_kid_fits(struct str kid)
{
	if (kid.n == 0 || kid.n > JOSE_KID_MAX)
		return false;
	for (size_t i = 0; i < kid.n; i++)
		if (kid.p[i] <= 0x20 || kid.p[i] >= 0x7f)
			return false;
	return true;
}
