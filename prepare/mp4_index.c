/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mp4_index.h"

#include <string.h>

/* Gives up after so many top-level boxes. */
#define BOXES_MAX 1000

static bool is_box(const uint8_t *header, const char *types)
{
	for (; *types; types += 5)
		if (memcmp(header + 4, types, 4) == 0)
			return true;
	return false;
}

static uint64_t box_size(const struct dh_mp4_index *b)
{
	uint64_t size = 0;
	for (unsigned i = b->used == 16 ? 8 : 0; i < (b->used == 16 ? 16u : 4u); i++)
		size = size << 8 | b->header[i];
	return size;
}

static void take_header(struct dh_mp4_index *b)
{
	uint64_t size = box_size(b);
	if (b->count == 0) {
		b->is_mp4 = is_box(b->header, "ftyp moov mdat free skip wide pnot ");
		b->is_done = !b->is_mp4;
	}
	/* AVIF's, right behind the brand */
	if (is_box(b->header, "moov ") || (b->count == 1 && is_box(b->header, "meta "))) {
		b->has_index = true;
		b->index_end = size > INT64_MAX - b->at ? INT64_MAX : (int64_t)(b->at + size);
		b->is_done = !b->media_first || b->is_done;
	}
	if (is_box(b->header, "mdat ") && !b->has_index)
		b->media_first = true;
	/* size 0: to the end of the file */
	if (size < b->used || ++b->count == BOXES_MAX || (b->has_index && b->media_first))
		b->is_done = true;
	b->at = size > INT64_MAX - b->at ? INT64_MAX : b->at + size;
	b->skip = size - b->used;
	b->used = 0;
}

void dh_mp4_index_push(struct dh_mp4_index *b, const uint8_t *bytes, size_t size)
{
	while (size > 0 && !b->is_done) {
		if (b->skip > 0) {
			size_t step = b->skip < size ? (size_t)b->skip : size;
			b->skip -= step;
			bytes += step;
			size -= step;
			continue;
		}
		b->header[b->used++] = *bytes++;
		size--;
		bool is_long = b->used >= 8 && memcmp(b->header, "\0\0\0\1", 4) == 0;
		if (b->used == (is_long ? 16u : 8u))
			take_header(b);
	}
}

uint64_t dh_mp4_index_skip(struct dh_mp4_index *b)
{
	uint64_t skip = b->is_done ? 0 : b->skip;
	b->skip -= skip;
	return skip;
}
