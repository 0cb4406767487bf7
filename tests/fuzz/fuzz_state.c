/*
 * Any bytes as a state file. The checksum is put right, since no fuzzer finds
 * it; what is then accepted can be searched.
 */

#include "base/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/state_records.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
look(const char *path, uint64_t magic)
{
	struct state_map map = { .header = NULL };
	const char *why;
	int kind;

	if (state_map_refresh(&map, path, magic, &why) != 1)
		return;
	if (magic == STATE_MAGIC_CLIENTS)
		(void)state_client_find(&map, STR("client"));
	else
		for (kind = STATE_REVOKED_JTI; kind < STATE_REVOKED__MAX;
		    kind++)
			(void)state_is_revoked(&map,
			    (enum state_revoked_kind)kind, STR("x"), 5);
	state_map_close(&map);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("state", MFD_CLOEXEC);
	struct state_header header;
	char path[64];
	uint64_t sum;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	if (size >= sizeof(header)) {
		sum = state_checksum(data + sizeof(header),
		    size - sizeof(header));
		if (pwrite(fd, &sum, sizeof(sum),
		    offsetof(struct state_header, checksum)) != sizeof(sum))
			abort();
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	look(path, STATE_MAGIC_CLIENTS);
	look(path, STATE_MAGIC_REVOKED);
	close(fd);
	return 0;
}
