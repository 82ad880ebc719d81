/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The containers that input_end.c follows; for input_end*.c only. */
#ifndef DH_INPUT_END_PRIVATE_H
#define DH_INPUT_END_PRIVATE_H

#include <string.h>

#include "input_end.h"

#define DH_END_TS_PACKET 188
#define DH_END_TS_HEADER 4
#define DH_END_TS_SYNC   0x47
/* In front of each packet of an M2TS. */
#define DH_END_M2TS_PREFIX 4
#define DH_END_ID_EBML     0x1a45dfa3u
/* A chunk's type and size, and the type of the one that all others are in. */
#define DH_END_W64_HEADER 24
#define DH_END_W64_RIFF   "riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\0\0"

static inline uint64_t dh_end_big_endian(const uint8_t *bytes, unsigned count)
{
	uint64_t value = 0;
	while (count--)
		value = value << 8 | *bytes++;
	return value;
}

static inline uint32_t dh_end_little_endian(const uint8_t *bytes)
{
	return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

/* `types`: four characters and a space for each. */
static inline bool dh_end_is_any_of(const uint8_t *type, const char *types)
{
	for (; *types; types += 5)
		if (memcmp(type, types, 4) == 0)
			return true;
	return false;
}

/* A chunk's or a box's type, as any writer may make one up. */
static inline bool dh_end_is_type(const uint8_t *type)
{
	for (int i = 0; i < 4; i++)
		if (type[i] < ' ' || type[i] > '~')
			return false;
	return true;
}

/* The current element continues for `skip` bytes; then comes a header of `need` bytes. */
static inline void dh_end_next(struct dh_input_end *end, uint64_t skip, unsigned need)
{
	end->skip = skip;
	end->used = 0;
	end->need = need;
}

/* Nothing tells where the current element ends: only another file shows, by how it begins. */
static inline void dh_end_search(struct dh_input_end *end, const char *pattern, unsigned size)
{
	dh_end_next(end, 0, size);
	end->pattern = pattern;
}

/* One for each kind. The first header of the current element has come (header, used); each
 * sets what comes next, or asks for a longer header (need). */
void dh_end_take_box(struct dh_input_end *end);
void dh_end_take_element(struct dh_input_end *end);
void dh_end_take_wav_chunk(struct dh_input_end *end);
void dh_end_take_w64_chunk(struct dh_input_end *end);
void dh_end_take_avi_chunk(struct dh_input_end *end);
void dh_end_take_aiff_chunk(struct dh_input_end *end);
void dh_end_take_caf_chunk(struct dh_input_end *end);
void dh_end_take_au(struct dh_input_end *end);
void dh_end_take_page(struct dh_input_end *end);
void dh_end_take_tag(struct dh_input_end *end);
void dh_end_take_adts(struct dh_input_end *end);
void dh_end_take_ts(struct dh_input_end *end);
void dh_end_take_ivf(struct dh_input_end *end);

#endif
