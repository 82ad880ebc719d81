/* A few bytes being put together: a header, before it is written. */
#ifndef DH_TALKER_BYTES_H
#define DH_TALKER_BYTES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* All headers of both containers are far smaller; `dh_bytes_put` drops what
 * does not fit and says so in `full`. */
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

/* `count` bytes of a number, the highest first. */
static inline void dh_bytes_number(struct dh_bytes *bytes, uint64_t value, int count)
{
	while (count-- > 0)
		dh_bytes_put(bytes, (uint8_t[]){ (uint8_t)(value >> (8 * count)) }, 1);
}

#endif
