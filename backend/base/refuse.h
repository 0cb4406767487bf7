/* Saying no before there is a ctx: while settings are read, and privileges. */
#ifndef BASE_REFUSE_H
#define BASE_REFUSE_H

#include <stdbool.h>

/* Put the sentence into *why, malloc'd; always false. */
bool	refuse(char **why, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));

#endif
