/*
 * Sealed tokens: what a link of ours must remember, readable and changeable by
 * nobody else and good only where it was made for (XChaCha20-Poly1305 under the
 * database's cursor key). Sealed rather than signed, because a place in a list
 * sorted by name is a name, and links end up in logs and histories.
 */
#ifndef FHIR_SEAL_H
#define FHIR_SEAL_H

#include "base/buf.h"
#include "base/ctx.h"

/* Longer ones are nobody's. */
#define SEAL_TOKEN_MAX	4096

/* plain as a token for URLs, bound to `use`: the tenant and the query that it
 * goes on. Lives in the arena. ERR_INTERNAL without a key. */
enum err	seal_write(struct ctx *ctx, struct str use, struct str plain,
		    struct str *token);

/* Open a token that was written for the same use; *plain has p NULL when it was
 * not. */
enum err	seal_read(struct ctx *ctx, struct str use, struct str token,
		    struct str *plain);

/* Numbers of so many bytes, big-endian; false when *in is shorter. */
void		seal_add_int(struct buf *b, uint64_t v, int bytes);
bool		seal_take_int(struct str *in, int bytes, uint64_t *out);

#endif
