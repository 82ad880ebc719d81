/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "still_kind.h"

#include <string.h>

#include "bytes.h"

enum tag {
	TAG_WIDTH = 256,
	TAG_HEIGHT = 257,
	TAG_STRIP_OFFSETS = 273,
	TAG_ORIENTATION = 274,
	TAG_STRIP_BYTES = 279,
	TAG_TILE_OFFSETS = 324,
	TAG_TILE_BYTES = 325
};

struct reader {
	const uint8_t *bytes;
	size_t size;
	bool is_big_endian;
};

/* An array of numbers in the file. */
struct numbers {
	size_t at;
	uint32_t count;
	int width; /* bytes of each; 0: none */
};

static uint32_t get(const struct reader *r, size_t at, int count)
{
	return r->is_big_endian ? dh_big_endian(r->bytes + at, count) : dh_little_endian(r->bytes + at, count);
}

/* The values of the directory's entry at `at`, if all of them are there. */
static struct numbers numbers_of(const struct reader *r, size_t at)
{
	uint32_t type = get(r, at + 2, 2);
	struct numbers n = { at + 8, get(r, at + 4, 4), type == 3 ? 2 : type == 4 ? 4 : type == 1 ? 1 : 0 };
	uint64_t bytes = (uint64_t)n.count * (unsigned)n.width;
	if (bytes > 4)
		n.at = get(r, at + 8, 4);
	if (bytes == 0 || n.at > r->size || bytes > r->size - n.at)
		n.width = 0;
	return n;
}

static uint32_t number(const struct reader *r, const struct numbers *n, uint32_t i)
{
	return n->width ? get(r, n->at + (size_t)i * (unsigned)n->width, n->width) : 0;
}

/* Whether a strip or tile lies beyond the end. */
static bool is_cut(const struct reader *r, const struct numbers *offsets, const struct numbers *sizes)
{
	uint32_t count = offsets->count < sizes->count ? offsets->count : sizes->count;
	if (!offsets->width || !sizes->width)
		return false;
	for (uint32_t i = 0; i < count; i++)
		if ((uint64_t)number(r, offsets, i) + number(r, sizes, i) > r->size)
			return true;
	return false;
}

bool dh_tiff_read(struct dh_tiff *tiff, const uint8_t *bytes, size_t size)
{
	struct reader r = { bytes, size, false };
	struct numbers offsets = { 0 }, sizes = { 0 };
	memset(tiff, 0, sizeof *tiff);
	if (size < 8 || (memcmp(bytes, "II*\0", 4) != 0 && memcmp(bytes, "MM\0*", 4) != 0))
		return false;
	r.is_big_endian = bytes[0] == 'M';
	size_t at = get(&r, 4, 4);
	tiff->is_cut = at > size || size - at < 2;
	uint32_t count = tiff->is_cut ? 0 : get(&r, at, 2);
	for (at += 2; count > 0; count--, at += 12) {
		if (size - at < 12) {
			tiff->is_cut = true;
			return true;
		}
		uint32_t tag = get(&r, at, 2);
		struct numbers n = numbers_of(&r, at);
		if (tag == TAG_WIDTH)
			tiff->width = number(&r, &n, 0);
		else if (tag == TAG_HEIGHT)
			tiff->height = number(&r, &n, 0);
		else if (tag == TAG_ORIENTATION)
			tiff->orientation = number(&r, &n, 0);
		else if (tag == TAG_STRIP_OFFSETS || tag == TAG_TILE_OFFSETS)
			offsets = n;
		else if (tag == TAG_STRIP_BYTES || tag == TAG_TILE_BYTES)
			sizes = n;
	}
	tiff->is_cut |= is_cut(&r, &offsets, &sizes);
	return true;
}
