/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A small buffer in which headers are assembled. */
#ifndef DH_TALKER_BYTES_H
#define DH_TALKER_BYTES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Far larger than any header of either container. What does not fit is dropped
 * and sets `full`. */
struct dh_bytes {
	size_t size;
	int full;
	uint8_t data[2048];
};

static inline void dh_bytes_put(struct dh_bytes *bytes, const void *data, size_t size)
{
	if (size > sizeof(bytes->data) - bytes->size) {
		bytes->full = 1;
		return;
	}
	memcpy(bytes->data + bytes->size, data, size);
	bytes->size += size;
}

/* A number as `count` bytes, big-endian. */
static inline void dh_bytes_number(struct dh_bytes *bytes, uint64_t value, int count)
{
	while (count-- > 0)
		dh_bytes_put(bytes, (uint8_t[]){ (uint8_t)(value >> (8 * count)) }, 1);
}

#endif
