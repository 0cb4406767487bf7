/*
 * The security kernel: JSON Web Keys and compact JSON Web Signatures, shared
 * by the nginx module (verifies) and the backend (signs, verifies). Nothing
 * else in the product touches a signature.
 *
 * An algorithm is bound to a key when the key is loaded; the token's header
 * can only agree with it. Keys named by the token itself (jwk, jku, x5u, x5c)
 * are never used. Verification is split so that cheap rejects come first:
 *
 *   jose_open    shape, header, payload        no cryptography, no allocation
 *   (the caller looks at claims and its cache)
 *   jose_verify  the signature                  25 us (RSA) - 115 us (EdDSA)
 *
 * RFC 7515, 7517, 7518, 7519, 7638, 8725, 9068
 */
#ifndef BASE_JOSE_H
#define BASE_JOSE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/jdoc.h"
#include "base/str.h"

enum jose_alg {
	JOSE_ALG_NONE = 0,
	JOSE_RS256, JOSE_RS384, JOSE_PS256, JOSE_ES256, JOSE_ES384,
	JOSE_EDDSA,		/* Ed25519 alone */
	JOSE_HS256,		/* by jose_secrets_load() alone */
	JOSE_ALG__MAX
};

enum jose_error {
	JOSE_OK = 0,
	JOSE_TOO_LARGE,		/* above JOSE_TOKEN_MAX */
	JOSE_SHAPE,		/* not three parts */
	JOSE_BASE64,		/* not strict base64url */
	JOSE_HEADER,		/* header is no acceptable JSON object */
	JOSE_PAYLOAD,		/* payload is no acceptable JSON object */
	JOSE_ALG,		/* unknown, refused, or not the key's */
	JOSE_TYP,		/* not the expected typ */
	JOSE_CRIT,		/* crit present; we know no extension */
	JOSE_KID,		/* no kid, or one that no key has */
	JOSE_SIGNATURE,		/* does not verify */
	JOSE_KEY,		/* a JWK that is malformed, weak or private */
	JOSE_ALGORITHM_UNSUPPORTED,	/* a JWK or alg that we know by name
					 * and refuse */
	JOSE_ROOM,
	JOSE_ERROR__MAX
};

/* Large enough for 2 KiB of scopes and small enough to fit nginx's 8 KiB
 * header buffer beside other headers. */
#define JOSE_TOKEN_MAX		7168
#define JOSE_KID_MAX		128
#define JOSE_SIGNATURE_MAX	1024		/* RSA of 8192 bits */
#define JOSE_KEYS_MAX		64		/* in one set */
#define JOSE_DEPTH_MAX		8
#define JOSE_NODES_MAX		512

/* A short word for logs and variables: "bad_signature". */
const char	*jose_strerror(enum jose_error error);
const char	*jose_alg_name(enum jose_alg alg);

/* --- keys --------------------------------------------------------------- */

struct jose_key;	/* one key with its kid and its one algorithm */
struct jose_keys;	/* a set of keys */

/*
 * Load a JWK Set (RFC 7517 5). Keys of kinds we do not support are skipped
 * (counted in *skipped when not NULL); a malformed, weak (RSA < 2048 bits,
 * exponent even or < 65537, point off its curve or of small order), private,
 * symmetric or duplicate-kid key refuses the whole set, because silently
 * dropping it would hide a mistake. A key without "alg" is for the first of
 * RS256, ES256, ES384, EdDSA that fits it. Owned by the caller:
 * jose_keys_free. *why gets a static sentence on error.
 * Allocates by malloc: at load time, never on the way of a request.
 */
struct jose_keys	*jose_keys_load(struct str jwks, size_t *skipped,
			    enum jose_error *error, const char **why);

/*
 * The same for shared secrets (kty oct, HS256, 32 to 512 bytes) and nothing
 * else: a public key in the set refuses it, so that none can ever be taken for
 * a secret. RFC 7518 3.2, RFC 8725 2.1
 */
struct jose_keys	*jose_secrets_load(struct str jwks, size_t *skipped,
			    enum jose_error *error, const char **why);
void			 jose_keys_free(struct jose_keys *keys);
size_t			 jose_keys_count(const struct jose_keys *keys);
const struct jose_key	*jose_keys_at(const struct jose_keys *keys, size_t i);

/* The generation of a key set: a hash over its key material, equal for equal
 * sets in any process, different when any key, kid or alg differs. */
uint64_t		 jose_keys_generation(const struct jose_keys *keys);

/* The key with exactly this kid, or NULL. */
const struct jose_key	*jose_keys_find(const struct jose_keys *keys,
			    struct str kid);

struct str		 jose_key_kid(const struct jose_key *key);
enum jose_alg		 jose_key_alg(const struct jose_key *key);

/* --- opening and verifying ---------------------------------------------- */

/* A token taken apart. Everything points into the token or into room[]. */
struct jose_token {
	struct str	 token;
	struct str	 signing_input;		/* header "." payload */
	struct str	 signature;		/* decoded */
	struct str	 kid;
	struct str	 typ;			/* p NULL when absent */
	struct str	 payload;		/* decoded */
	enum jose_alg	 alg;
	struct jdoc	 claims;		/* payload, parsed */
	struct jnode	 nodes[JOSE_NODES_MAX];
	char		 room[JOSE_TOKEN_MAX];	/* header, payload, signature,
						 * decoded, in this order */
};

/*
 * Take apart and check everything but key and signature: size, three parts,
 * strict base64url, header members (alg known, kid present, typ equal to `typ`
 * or "application/"+typ without regard to case when typ is not empty, no crit,
 * no duplicate members), payload a JSON object.
 */
enum jose_error	jose_open(struct jose_token *t, struct str token,
		    struct str typ);

/* Whether an opened token has this typ, by the same rule. */
bool		jose_typ_is(const struct jose_token *t, struct str typ);

/* Check t's signature with key; the algorithms must agree. */
enum jose_error	jose_verify(const struct jose_token *t,
		    const struct jose_key *key);

/* The same over raw parts, for tests and for other JWS users. */
enum jose_error	jose_verify_raw(const struct jose_key *key,
		    enum jose_alg alg, struct str signing_input,
		    struct str signature);

/* --- claims ------------------------------------------------------------- */

/* The string claim `name` without copying; false when absent, not a string,
 * or written with escapes (our issuer writes none; a stranger's is refused). */
bool	jose_claim(const struct jose_token *t, struct str name,
	    struct str *out);

/* A NumericDate: a JSON integer 0..2^53; fractions are cut. RFC 7519 2 */
bool	jose_claim_time(const struct jose_token *t, struct str name,
	    int64_t *seconds);

/* `aud` is, or contains, value. */
bool	jose_claim_aud(const struct jose_token *t, struct str value);

/* --- making keys and tokens (backend only uses these) -------------------- */

/* A new private key as PEM (PKCS#8) into out, or 0; there is none of HS256. */
size_t	jose_private_new(enum jose_alg alg, char *out, size_t room);

struct jose_private;
/* From PEM; NULL when it does not fit alg. */
struct jose_private	*jose_private_load(struct str pem, enum jose_alg alg);
void			 jose_private_free(struct jose_private *key);

/* The public JWK (kty, members, kid = RFC 7638 thumbprint, alg, use=sig) as
 * JSON into out; returns bytes, or 0. */
size_t	jose_private_jwk(const struct jose_private *key, char *out,
	    size_t room);

/* The key's kid: 43 characters; and its one algorithm. */
struct str	jose_private_kid(const struct jose_private *key);
enum jose_alg	jose_private_alg(const struct jose_private *key);

/*
 * The bare signature over signing_input, as JWS has it (ES256: 64 bytes, r then
 * s). Returns the bytes, or 0; JOSE_SIGNATURE_MAX is always enough.
 */
size_t	jose_sign_raw(const struct jose_private *key,
	    struct str signing_input, unsigned char *signature, size_t room);

/*
 * Sign: write header.payload.signature into out[room]. header_typ becomes the
 * `typ`; claims is a JSON object. Returns the bytes, or 0.
 */
size_t	jose_sign(const struct jose_private *key, struct str header_typ,
	    struct str claims, char *out, size_t room);

#endif
