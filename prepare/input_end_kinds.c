/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "input_end_private.h"

#define TAG_HEADER 11

/* Matroska element IDs. */
#define ID_SEGMENT 0x18538067u
#define ID_CLUSTER 0x1f43b675u

/* Bytes of an EBML number by its first byte; 0: not one. */
static unsigned ebml_length(uint8_t first)
{
	unsigned length = 1;
	while (first && !(first & 0x80)) {
		first = (uint8_t)(first << 1);
		length++;
	}
	return first ? length : 0;
}

/* What may occur in a segment, or in a cluster of unknown size. */
static bool is_known_element(uint64_t id)
{
	static const uint32_t known[] = {
		DH_END_ID_EBML,
		ID_CLUSTER,
		0x114d9b74,
		0x1549a966,
		0x1654ae6b,
		0x1c53bb6b,
		0x1043a770,
		0x1254c367,
		0x1941a469,
		0xec,
		0xbf,
		0xe7,
		0xa3,
		0xa0,
		0xab,
		0xa7,
		0x5854,
	};
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (id == known[i])
			return true;
	return false;
}

void dh_end_take_element(struct dh_input_end *end)
{
	unsigned id_length = ebml_length(end->header[0]);
	bool is_behind = end->has_media && end->stated_end > 0 && end->at - end->used >= end->stated_end;
	if (id_length == 0 || id_length > 4) {
		end->is_done = true;
		end->is_left = is_behind;
		return;
	}
	if (end->used <= id_length) {
		end->need = id_length + 1;
		return;
	}
	unsigned length = ebml_length(end->header[id_length]);
	if (end->used < id_length + length) {
		end->need = id_length + length;
		return;
	}
	uint64_t id = dh_end_big_endian(end->header, id_length), most = (UINT64_C(1) << 7 * length) - 1;
	uint64_t size = dh_end_big_endian(end->header + id_length, length) & most;
	bool is_stated = size != most;
	if (id == DH_END_ID_EBML && end->has_media) {
		end->is_next = true;
		return;
	}
	if (id == ID_SEGMENT) {
		end->has_media = true;
		end->stated_end = is_stated ? end->at + size : 0;
		size = 0;
	} else if (id == ID_CLUSTER && !is_stated) {
		size = 0;
	} else if (id == DH_END_ID_EBML) {
		end->is_done = !is_stated;
	} else {
		end->is_done = length == 0 || !is_stated || !is_known_element(id);
		end->is_left = end->is_done && is_behind;
	}
	dh_end_next(end, size, 1);
}

/* What follows the sound is no chunk, or another file. */
static bool is_tail_over(struct dh_input_end *end, const char *types)
{
	end->is_next = end->has_media && dh_end_is_any_of(end->header, types);
	bool is_other = dh_end_is_any_of(end->header, "RIFF RF64 riff FORM caff .snd OggS fLaC ");
	end->is_left = end->has_media && !end->is_next && (is_other || !dh_end_is_type(end->header));
	end->is_done |= end->is_left;
	return end->is_next || end->is_left;
}

void dh_end_take_wav_chunk(struct dh_input_end *end)
{
	/* data of an odd size, filled up or not */
	if (end->is_odd && end->header[0] == 0) {
		end->is_odd = false;
		memmove(end->header, end->header + 1, --end->used);
		return;
	}
	end->is_odd = false;
	uint32_t size = dh_end_little_endian(end->header + 4);
	if (is_tail_over(end, "RIFF "))
		return;
	if (dh_end_is_any_of(end->header, "RIFF ")) {
		dh_end_next(end, 4, 8); /* the form */
		return;
	}
	bool is_data = dh_end_is_any_of(end->header, "data ") && !end->has_media;
	if (is_data && DH_SIZE_IS_UNSTATED(size)) {
		dh_end_search(end, "RIFF????WAVE", 12);
		return;
	}
	end->has_media |= is_data;
	end->is_odd = is_data && size % 2;
	end->is_tail = end->has_media && !is_data;
	end->is_last = end->has_media;
	dh_end_next(end, is_data ? size : (uint64_t)size + size % 2, 8);
}

/* Types are GUIDs; those that are in use end in one of two ways. */
static bool is_w64_type(const uint8_t *type)
{
	return memcmp(type + 10, "\0\xc0\x4f\x8e\xdb\x8a", 6) == 0 || memcmp(type + 10, DH_END_W64_RIFF + 10, 6) == 0;
}

/* Chunks begin at multiples of eight bytes, unless a writer forgot that. */
void dh_end_take_w64_chunk(struct dh_input_end *end)
{
	unsigned fill = (unsigned)-(end->at - end->used) & 7;
	uint64_t size = dh_end_little_endian(end->header + 16) | (uint64_t)dh_end_little_endian(end->header + 20) << 32;
	bool is_file = memcmp(end->header, DH_END_W64_RIFF, 16) == 0;
	if (fill > 0 && memcmp(end->header, "\0\0\0\0\0\0\0", fill) == 0) {
		end->used -= fill;
		memmove(end->header, end->header + fill, end->used);
		return;
	}
	end->is_next = is_file && end->has_media;
	end->is_left = end->has_media && !end->is_next && !is_w64_type(end->header);
	end->is_done |= end->is_left;
	if (end->is_next || end->is_left)
		return;
	bool is_data = dh_end_is_any_of(end->header, "data ") && !end->has_media;
	if (is_data && (size < DH_END_W64_HEADER || size > INT64_MAX)) {
		dh_end_search(end, DH_END_W64_RIFF, 16);
		return;
	}
	end->is_done |= !is_file && size < DH_END_W64_HEADER;
	end->has_media |= is_data;
	end->is_tail = end->has_media && !is_data;
	end->is_last = end->has_media;
	/* the outermost chunk has the form behind its header, and then the others */
	dh_end_next(end, is_file ? 16 : end->is_done ? 0 : size - DH_END_W64_HEADER, DH_END_W64_HEADER);
}

/* One RIFF chunk after the other; large files have several. */
void dh_end_take_avi_chunk(struct dh_input_end *end)
{
	uint32_t size = dh_end_little_endian(end->header + 4);
	if (dh_end_is_any_of(end->header, "RIFF ") && end->used < 12) {
		end->need = 12;
		return;
	}
	bool is_part = dh_end_is_any_of(end->header, "RIFF ") && dh_end_is_any_of(end->header + 8, "AVI  AVIX ");
	end->is_left = end->has_media && !is_part;
	end->is_next = end->has_media && is_part && dh_end_is_any_of(end->header + 8, "AVI  ");
	end->is_done = end->is_left || size < 4 || size == UINT32_MAX;
	end->has_media = true;
	if (!end->is_next)
		dh_end_next(end, size < 4 ? 0 : size - 4, 8);
}

/* All of it is one chunk. */
void dh_end_take_aiff_chunk(struct dh_input_end *end)
{
	uint64_t size = dh_end_big_endian(end->header + 4, 4);
	end->is_next = end->has_media && dh_end_is_any_of(end->header, "FORM ");
	end->is_left = end->has_media && !end->is_next;
	if (end->is_next)
		return;
	end->is_done = end->has_media || DH_SIZE_IS_UNSTATED(size);
	end->has_media = end->is_last = true;
	dh_end_next(end, size + size % 2, 8);
}

void dh_end_take_caf_chunk(struct dh_input_end *end)
{
	uint64_t size = dh_end_big_endian(end->header + 4, 8);
	if (end->at == 12 && end->used == 12) { /* the file's header is shorter */
		memmove(end->header, end->header + 8, 4);
		end->used = 4;
		return;
	}
	if (is_tail_over(end, "caff "))
		return;
	end->has_media |= dh_end_is_any_of(end->header, "data ");
	end->is_done = size > INT64_MAX;
	dh_end_next(end, size, 12);
}

void dh_end_take_au(struct dh_input_end *end)
{
	uint64_t offset = dh_end_big_endian(end->header + 4, 4), size = dh_end_big_endian(end->header + 8, 4);
	end->is_next = end->has_media && dh_end_is_any_of(end->header, ".snd ");
	end->is_left = end->has_media && !end->is_next;
	end->is_done = end->is_left || offset < 12 || DH_SIZE_IS_UNSTATED(size);
	end->has_media = true;
	if (!end->is_next)
		dh_end_next(end, end->is_done ? 0 : offset - 12 + size, 12);
}

void dh_end_take_page(struct dh_input_end *end)
{
	uint64_t size = 0;
	unsigned segments = end->header[26];
	if (memcmp(end->header, "OggS", 4) != 0) {
		end->is_done = true;
		end->is_left = end->is_last;
		return;
	}
	if (end->header[5] & 2 && end->has_media) { /* a new chain */
		end->is_next = true;
		return;
	}
	end->has_media |= !(end->header[5] & 2);
	if (end->used < 27 + segments) {
		end->need = 27 + segments;
		return;
	}
	for (unsigned i = 0; i < segments; i++)
		size += end->header[27 + i];
	/* a stream's beginning and end; an end without a beginning is damage */
	end->open += (end->header[5] & 2) != 0;
	end->is_last = (end->header[5] & 4) != 0 && end->open == 1;
	end->open -= (end->header[5] & 4) != 0 && end->open > 0;
	dh_end_next(end, size, 27);
}

void dh_end_take_tag(struct dh_input_end *end)
{
	if (end->at == 9) { /* the file's header, and a size that belongs to no tag */
		uint64_t offset = dh_end_big_endian(end->header + 5, 4);
		end->is_done = offset < 9;
		dh_end_next(end, offset - 9 + 4, TAG_HEADER);
		return;
	}
	end->is_next = memcmp(end->header, "FLV", 3) == 0;
	if (end->is_next)
		return;
	uint8_t type = end->header[0] & 0x1f;
	uint64_t size = dh_end_big_endian(end->header + 1, 3) + TAG_HEADER;
	if (type == 9 && size >= TAG_HEADER + 2 && end->used < TAG_HEADER + 2) {
		end->need = TAG_HEADER + 2;
		return;
	}
	end->is_done = end->header[0] & 0xc0 || (type != 8 && type != 9 && type != 18);
	end->is_left = end->is_done && end->has_media;
	end->has_media = true;
	end->is_last = end->used > TAG_HEADER && (end->header[11] & 0x0f) == 7 && end->header[12] == 2;
	dh_end_next(end, size - end->used + 4, TAG_HEADER);
}

void dh_end_take_adts(struct dh_input_end *end)
{
	const uint8_t *h = end->header;
	unsigned size = (unsigned)(h[3] & 3) << 11 | (unsigned)h[4] << 3 | h[5] >> 5;
	end->is_done = h[0] != 0xff || (h[1] & 0xf6) != 0xf0 || size < 7;
	dh_end_next(end, size - 7, 7);
}

/* A header of 32 bytes, then frames with their sizes. */
void dh_end_take_ivf(struct dh_input_end *end)
{
	bool is_head = dh_end_is_any_of(end->header, "DKIF ");
	uint32_t size = dh_end_little_endian(end->header);
	end->is_next = end->has_media && is_head;
	if (end->is_next)
		return;
	end->has_media = true;
	if (is_head)
		size = (uint32_t)(end->header[6] | end->header[7] << 8) - end->used;
	end->is_done = size > INT32_MAX;
	dh_end_next(end, end->is_done ? 0 : size, 12);
}
