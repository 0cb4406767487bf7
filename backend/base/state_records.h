/*
 * What the reader (state.c) and the writer (state_write.c) of the edge's state
 * files must agree on beyond state.h.
 */
#ifndef BASE_STATE_RECORDS_H
#define BASE_STATE_RECORDS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * The checksum of n bytes of records, n a multiple of 8. Four lanes, because a
 * million records must be checked within a few milliseconds; it finds damage
 * and protects against nobody.
 */
static inline uint64_t
state_checksum(const void *records, size_t n)
{
	const uint64_t odd = UINT64_C(0x9e3779b97f4a7c15);
	const unsigned char *p = records;
	uint64_t lane[4] = { 1, 2, 3, 4 };
	uint64_t sum = n;

	for (; n >= sizeof(lane); n -= sizeof(lane), p += sizeof(lane))
		for (int i = 0; i < 4; i++) {
			uint64_t word;

			memcpy(&word, p + 8 * i, sizeof(word));
			lane[i] = (lane[i] ^ word) * odd;
			lane[i] = lane[i] << 31 | lane[i] >> 33;
		}
	for (int i = 0; i < 4; i++) {
		uint64_t word = 0;

		if (n >= sizeof(word)) {
			memcpy(&word, p, sizeof(word));
			p += sizeof(word);
			n -= sizeof(word);
		}
		sum = (sum ^ lane[i]) * odd;
		sum = ((sum ^ word) ^ sum >> 29) * odd;
	}
	return sum ^ sum >> 32;
}

#endif
