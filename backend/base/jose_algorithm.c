/* The one table of JWS algorithms: those we do, and those we only know. */

#include "base/jose_algorithm.h"

/* The order of P-256's base point. FIPS 186-4 D.1.2.3 */
static const unsigned char p256_order[32] = {
	0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00,
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84,
	0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
};

/* That of P-384's. FIPS 186-4 D.1.2.4 */
static const unsigned char p384_order[48] = {
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	0xc7, 0x63, 0x4d, 0x81, 0xf4, 0x37, 0x2d, 0xdf,
	0x58, 0x1a, 0x0d, 0xb2, 0x48, 0xb0, 0xa7, 0x7a,
	0xec, 0xec, 0x19, 0x6a, 0xcc, 0xc5, 0x29, 0x73,
};

/* "Ed25519" is the newer name of the one EdDSA that we do. RFC 9864 2.2 */
/* clang-format off */
static const struct jose_algorithm algorithms[] = {
/* name		alg		kind			kty	crv		digest		group		part	order */
{ "RS256",	JOSE_RS256,	JOSE_KIND_RSA,		"RSA",	"",		"SHA256",	NULL,		0,	NULL },
{ "RS384",	JOSE_RS384,	JOSE_KIND_RSA,		"RSA",	"",		"SHA384",	NULL,		0,	NULL },
{ "PS256",	JOSE_PS256,	JOSE_KIND_PSS,		"RSA",	"",		"SHA256",	NULL,		0,	NULL },
{ "ES256",	JOSE_ES256,	JOSE_KIND_EC,		"EC",	"P-256",	"SHA256",	"prime256v1",	32,	p256_order },
{ "ES384",	JOSE_ES384,	JOSE_KIND_EC,		"EC",	"P-384",	"SHA384",	"secp384r1",	48,	p384_order },
{ "EdDSA",	JOSE_EDDSA,	JOSE_KIND_ED,		"OKP",	"Ed25519",	NULL,		"ED25519",	32,	NULL },
{ "Ed25519",	JOSE_EDDSA,	JOSE_KIND_ED,		"OKP",	"Ed25519",	NULL,		"ED25519",	32,	NULL },
{ "HS256",	JOSE_HS256,	JOSE_KIND_HMAC,		"oct",	"",		NULL,		NULL,		0,	NULL },
{ "none",	JOSE_ALG_NONE,	JOSE_KIND_REFUSED,	"",	"",		NULL,		NULL,		0,	NULL },
{ "HS384",	JOSE_ALG_NONE,	JOSE_KIND_REFUSED,	"oct",	"",		NULL,		NULL,		0,	NULL },
{ "HS512",	JOSE_ALG_NONE,	JOSE_KIND_REFUSED,	"oct",	"",		NULL,		NULL,		0,	NULL },
{ "RS512",	JOSE_ALG_NONE,	JOSE_KIND_REFUSED,	"RSA",	"",		NULL,		NULL,		0,	NULL },
{ "PS384",	JOSE_ALG_NONE,	JOSE_KIND_REFUSED,	"RSA",	"",		NULL,		NULL,		0,	NULL },
{ "PS512",	JOSE_ALG_NONE,	JOSE_KIND_REFUSED,	"RSA",	"",		NULL,		NULL,		0,	NULL },
{ "ES512",	JOSE_ALG_NONE,	JOSE_KIND_REFUSED,	"EC",	"P-521",	NULL,		NULL,		0,	NULL },
{ "ES256K",	JOSE_ALG_NONE,	JOSE_KIND_REFUSED,	"EC",	"secp256k1",	NULL,		NULL,		0,	NULL },
{ "Ed448",	JOSE_ALG_NONE,	JOSE_KIND_REFUSED,	"OKP",	"Ed448",	NULL,		NULL,		0,	NULL },
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
