/*
 * The labels of a record: profiles, tags and security labels, each a set. A
 * profile is known by its URL, a tag or label by system and code. R4
 * resource-operation-meta-add.html
 */
#ifndef FHIR_META_H
#define FHIR_META_H

#include "base/ctx.h"
#include "base/jdoc.h"

/* Meta of a stored body, as it is written there. */
struct str	meta_of(struct ctx *ctx, struct str body);

enum meta_change { META_ADD, META_DELETE };

/*
 * *out is the body with the labels of the Meta at node added where they are
 * not there, or taken away where they are; NULL when that changes nothing.
 * Every other byte stays.
 */
enum err	meta_change(struct ctx *ctx, struct str body,
		    enum meta_change what, const struct jdoc *d,
		    uint32_t node, const struct jdoc **out);

#endif
