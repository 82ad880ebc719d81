/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "opus_join.h"

#include <string.h>

#define CODE       0x03 /* of the first byte: how many frames follow; 0: one, 3: as the second byte says */
#define VBR        0x80 /* of the second byte: the frames' sizes are stated */
#define SIZE_SHORT 252  /* sizes from here on take two bytes (RFC 6716, 3.2.1) */
/* The two bytes at the start, and the sizes of all frames but the last. */
#define OVERHEAD (2 + 2 * (DH_OPUS_JOIN_MAX - 1))

bool dh_opus_join_add(struct dh_opus_join *join, const uint8_t *packet, size_t size)
{
	bool fits = join->count < DH_OPUS_JOIN_MAX && join->size + size - 1 + OVERHEAD <= DH_OPUS_JOINED_SIZE_MAX;

	if (join->count && (!fits || (packet[0] & CODE) || packet[0] != join->at[0].packet[0]))
		return false;
	join->at[join->count].packet = packet;
	join->at[join->count].size = size;
	join->count++;
	join->size += size - 1;
	return true;
}

static size_t write_size(size_t size, uint8_t *out)
{
	if (size < SIZE_SHORT) {
		out[0] = (uint8_t)size;
		return 1;
	}
	out[0] = (uint8_t)(SIZE_SHORT + (size & 3));
	out[1] = (uint8_t)((size - out[0]) >> 2);
	return 2;
}

size_t dh_opus_join_write(const struct dh_opus_join *join, uint8_t *out)
{
	size_t at = 2;

	out[0] = join->at[0].packet[0] | CODE;
	out[1] = (uint8_t)(VBR | join->count);
	for (int i = 0; i < join->count - 1; i++)
		at += write_size(join->at[i].size - 1, out + at);
	for (int i = 0; i < join->count; i++) {
		memcpy(out + at, join->at[i].packet + 1, join->at[i].size - 1);
		at += join->at[i].size - 1;
	}
	return at;
}
