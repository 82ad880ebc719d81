/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Numbers in bytes. The caller has checked that they are there. */
#ifndef DH_BYTES_H
#define DH_BYTES_H

#include <stdint.h>

static inline uint32_t dh_big_endian(const uint8_t *bytes, int count)
{
	uint32_t v = 0;
	while (count--)
		v = v << 8 | *bytes++;
	return v;
}

static inline uint32_t dh_little_endian(const uint8_t *bytes, int count)
{
	uint32_t v = 0;
	while (count--)
		v = v << 8 | bytes[count];
	return v;
}

static inline void dh_put_little_endian(uint8_t *bytes, uint32_t value, int count)
{
	for (; count--; value >>= 8)
		*bytes++ = (uint8_t)value;
}

#endif
