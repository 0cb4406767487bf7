/* A reason for a no. */

#include "base/refuse.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool
refuse(char **why, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	*why = strdup(text);
	return false;
}
