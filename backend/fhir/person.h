/*
 * Who else a Patient may be, by fixed rules: records that share an identifier,
 * or family name, a given name and the date of birth. Nothing is guessed, so
 * the same records always get the same grades. R4 patient-operation-match.html
 */
#ifndef FHIR_PERSON_H
#define FHIR_PERSON_H

#include "fhir/store.h"

/* So many candidates are looked at; more is no person. */
#define PERSON_CANDIDATES_MAX	100

/* R4 valueset-match-grade.html, the best first. */
enum person_grade { PERSON_CERTAIN, PERSON_PROBABLE, PERSON_POSSIBLE };

struct person_match {
	struct record		 record;
	enum person_grade	 grade;
	const char		*score;		/* "0.9", from 0 to 1 */
};

struct person_matches {
	struct person_match	*v;
	size_t			 n;
};

const char	*person_grade_code(enum person_grade grade);

/*
 * The records that the Patient at node may be, the best first. Its own id is
 * not looked at. ERR_INVALID_REQUEST when it says too little to go by,
 * ERR_TOO_LARGE when too many share what it says.
 */
enum err	person_match(struct ctx *ctx, const struct jdoc *d,
		    uint32_t node, struct person_matches *out);

#endif
