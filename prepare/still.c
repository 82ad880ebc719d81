/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "still.h"

#include <errno.h>
#include <string.h>

static uint32_t get(const uint8_t *bytes, int count)
{
	uint32_t v = 0;
	while (count--)
		v = v << 8 | *bytes++;
	return v;
}

/* Walks the markers up to a frame header: SOF0 to SOF15, except three that are
 * something else. */
static int jpeg_size(const uint8_t *bytes, size_t size, uint32_t *width, uint32_t *height)
{
	size_t at = 2;
	while (at + 9 <= size && bytes[at] == 0xff) {
		uint8_t marker = bytes[at + 1];
		if (marker == 0xff) { /* fill bytes */
			at++;
			continue;
		}
		if (marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc) {
			*height = get(bytes + at + 5, 2);
			*width = get(bytes + at + 7, 2);
			return 0;
		}
		at += 2 + get(bytes + at + 2, 2);
	}
	return -EBADMSG;
}

int dh_still_size(const uint8_t *bytes, size_t size, uint32_t *width, uint32_t *height)
{
	if (size >= 24 && memcmp(bytes, "\x89PNG\r\n\x1a\n", 8) == 0) {
		*width = get(bytes + 16, 4);
		*height = get(bytes + 20, 4);
		return 0;
	}
	if (size >= 4 && bytes[0] == 0xff && bytes[1] == 0xd8)
		return jpeg_size(bytes, size, width, height);
	return -EBADMSG;
}
