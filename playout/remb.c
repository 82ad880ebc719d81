/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "remb.h"

#include <stdbool.h>
#include <string.h>

#define HEADER_SIZE 4
#define REMB_SIZE   20 /* the least */
#define TYPE_PSFB   206
#define FORMAT_AFB  15
#define NAME_AT     12
#define RATE_AT     17 /* 6 bits of an exponent of two, 18 of the number, in bit/s */

static bool is_remb(const uint8_t *rtcp, size_t length)
{
	return rtcp[1] == TYPE_PSFB && (rtcp[0] & 0x1f) == FORMAT_AFB && length >= REMB_SIZE &&
		memcmp(rtcp + NAME_AT, "REMB", 4) == 0;
}

static int32_t rate_kbps(const uint8_t *at)
{
	int exponent = at[0] >> 2;
	uint64_t number = (uint64_t)(at[0] & 0x3) << 16 | (uint64_t)at[1] << 8 | at[2];
	if (exponent > 40 && number)
		return INT32_MAX;
	uint64_t kbps = (exponent > 40 ? 0 : number << exponent) / 1000;
	return kbps > INT32_MAX ? INT32_MAX : (int32_t)kbps;
}

int32_t dh_remb_read(const uint8_t *rtcp, size_t size)
{
	while (size >= HEADER_SIZE && rtcp[0] >> 6 == 2) {
		size_t length = ((size_t)(rtcp[2] << 8 | rtcp[3]) + 1) * 4;
		if (length > size)
			return -1;
		if (is_remb(rtcp, length))
			return rate_kbps(rtcp + RATE_AT);
		rtcp += length;
		size -= length;
	}
	return -1;
}
