/* Any bytes as a file of settings: loaded within their bounds, or refused with
 * one line. */

#include "base/conf.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool fine)
{
	if (!fine)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("conf", MFD_CLOEXEC);
	char *why = NULL, path[64];
	struct conf conf;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (conf_load(&conf, path, &why)) {
		check(conf.issuer[0] != '\0' && conf.base_url[0] != '\0');
		check(conf.fast_workers >= 1 && conf.fast_workers <= 256);
	} else {
		check(why != NULL && strchr(why, '\n') == NULL);
	}
	free(why);
	conf_free(&conf);
	close(fd);
	return 0;
}
