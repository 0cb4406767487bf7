/*
 * Random patients and observations, the same in every run: written through the
 * store and remembered here, so that a test can judge each of them by hand.
 */
#ifndef TESTS_LIB_SAMPLE_H
#define TESTS_LIB_SAMPLE_H

#include "base/when.h"
#include "records.h"

#define PEOPLE	120
#define EVENTS	400

extern struct ctx	ctx;

/* What they are made of; births and times may be "" (none) and "start/end". */
extern const char *const	families[9], *const folded_families[9];
extern const char *const	givens[4], *const folded_givens[4];
extern const char *const	genders[3], *const births[8];
extern const char *const	times[13], *const codes[4];
extern const char *const	systems[3], *const statuses[5];

struct person {
	char	id[16];
	int	family[2], nfamily, given, gender, birth, identifier;
	int64_t	rid;
};

struct event {
	char	id[16];
	int	subject, status, time, ncode, code[2], system[2];
	int64_t	rid;
};

extern struct person	people[PEOPLE];		/* Patient/p0 ... */
extern struct event	events[EVENTS];		/* Observation/o0 ... */

/* The database with all of them, in tenant 1 of 2; database_drop at the end. */
void	sample_create(void);

/* ctx on a connection of its own: tests are forked. */
void	sample_open(void);
void	sample_close(void);

/* A random number below n, and one of a list. */
int	below(int n);
#define PICK(list)	(list[below((int)(sizeof(list) / sizeof(*(list))))])

/* The span of a date or of "start/end"; false when there is none. */
bool	span_of(const char *text, struct when *out);

/* What a search gave, in the order of its pages. */
struct found {
	struct str	id[PEOPLE + EVENTS];
	size_t		n;
};

/* The number of a sample's id. */
int	number_of(struct str id);

/* One page; the test fails when it is refused. */
void	search_ok(const char *type, struct str query, struct search_page *page);

/* All pages by their next links, then back by the previous links to the first,
 * which must show the same. */
void	follow(const char *type, struct str query, struct found *out);

#endif
