/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "input_end.h"

#include <string.h>

/* Enough bytes to tell containers apart. */
#define DETECT_BYTES 12
#define TS_PACKET    188

/* Writers that cannot seek back leave a size of 0, or almost the largest one. */
#define SIZE_UNSTATED(size) ((size) == 0 || (size) >= 0x7fff0000u)

/* Matroska element IDs. */
#define ID_EBML    0x1a45dfa3u
#define ID_SEGMENT 0x18538067u
#define ID_CLUSTER 0x1f43b675u

static uint64_t big_endian(const uint8_t *bytes, unsigned count)
{
	uint64_t value = 0;
	while (count--)
		value = value << 8 | *bytes++;
	return value;
}

static uint32_t little_endian(const uint8_t *bytes)
{
	return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static bool is_any_of(const uint8_t *type, const char *types)
{
	for (; *types; types += 5)
		if (memcmp(type, types, 4) == 0)
			return true;
	return false;
}

/* The current element continues for `skip` bytes; then comes a header of `need` bytes. */
static void next(struct dh_input_end *end, uint64_t skip, unsigned need)
{
	end->skip = skip;
	end->used = 0;
	end->need = need;
}

static void take_box(struct dh_input_end *end)
{
	const uint8_t *type = end->header + 4;
	uint64_t size = big_endian(end->header, 4);
	if (size == 1 && end->used == 8) {
		end->need = 16;
		return;
	}
	if (size == 1)
		size = big_endian(end->header + 8, 8);
	/* size 0: to the end of the file */
	end->is_done = size < end->used ||
		!is_any_of(type,
			"ftyp moov mdat moof free skip wide pnot styp sidx ssix mfra emsg prft uuid meta udta pdin ");
	if (memcmp(type, "moof", 4) == 0)
		end->open = 1;
	else if (memcmp(type, "mdat", 4) == 0)
		end->open = 0;
	next(end, size - end->used, 8);
}

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
		ID_EBML,
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

static void take_element(struct dh_input_end *end)
{
	unsigned id_length = ebml_length(end->header[0]);
	if (id_length == 0 || id_length > 4) {
		end->is_done = true;
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
	uint64_t id = big_endian(end->header, id_length), most = (UINT64_C(1) << 7 * length) - 1;
	uint64_t size = big_endian(end->header + id_length, length) & most;
	bool is_stated = size != most;
	if (id == ID_SEGMENT) {
		end->stated_end = is_stated ? end->at + size : 0;
		size = 0;
	} else if (id == ID_CLUSTER && !is_stated) {
		size = 0;
	} else {
		end->is_done = length == 0 || !is_stated || !is_known_element(id);
	}
	next(end, size, 1);
}

static void take_wav_chunk(struct dh_input_end *end)
{
	uint32_t size = little_endian(end->header + 4);
	if (is_any_of(end->header, "RIFF ")) {
		next(end, 4, 8); /* the form */
		return;
	}
	bool is_data = is_any_of(end->header, "data ");
	end->is_done = is_data && SIZE_UNSTATED(size);
	next(end, is_data ? size : (uint64_t)size + size % 2, is_data ? 0 : 8);
}

/* One RIFF chunk after the other; large files have several. */
static void take_avi_chunk(struct dh_input_end *end)
{
	uint32_t size = little_endian(end->header + 4);
	end->is_done = !is_any_of(end->header, "RIFF ") || size == 0 || size == UINT32_MAX;
	next(end, size, 8);
}

static void take_page(struct dh_input_end *end)
{
	uint64_t size = 0;
	unsigned segments = end->header[26];
	if (memcmp(end->header, "OggS", 4) != 0) {
		end->is_done = true;
		return;
	}
	if (end->used < 27 + segments) {
		end->need = 27 + segments;
		return;
	}
	for (unsigned i = 0; i < segments; i++)
		size += end->header[27 + i];
	/* a stream's beginning and end; an end without a beginning is damage */
	end->open += (end->header[5] & 2) != 0;
	end->open -= (end->header[5] & 4) != 0 && end->open > 0;
	next(end, size, 27);
}

static void take_tag(struct dh_input_end *end)
{
	if (end->at == 9) { /* the file's header, and a size that belongs to no tag */
		uint64_t offset = big_endian(end->header + 5, 4);
		end->is_done = offset < 9;
		next(end, offset - 9 + 4, 11);
		return;
	}
	uint8_t type = end->header[0] & 0x1f;
	end->is_done = type != 8 && type != 9 && type != 18;
	next(end, big_endian(end->header + 1, 3) + 4, 11);
}

static void take_adts(struct dh_input_end *end)
{
	const uint8_t *h = end->header;
	unsigned size = (unsigned)(h[3] & 3) << 11 | (unsigned)h[4] << 3 | h[5] >> 5;
	end->is_done = h[0] != 0xff || (h[1] & 0xf6) != 0xf0 || size < 7;
	next(end, size - 7, 7);
}

static void take_ts(struct dh_input_end *end)
{
	end->is_done = end->header[0] != 0x47;
	next(end, 0, TS_PACKET);
}

static const struct {
	unsigned need; /* bytes of the first header */
	void (*take)(struct dh_input_end *end);
} containers[] = {
	[DH_CONTAINER_MP4] = { 8, take_box },
	[DH_CONTAINER_MATROSKA] = { 1, take_element },
	[DH_CONTAINER_WAV] = { 8, take_wav_chunk },
	[DH_CONTAINER_AVI] = { 8, take_avi_chunk },
	[DH_CONTAINER_OGG] = { 27, take_page },
	[DH_CONTAINER_FLV] = { 9, take_tag },
	[DH_CONTAINER_ADTS] = { 7, take_adts },
	[DH_CONTAINER_TS] = { TS_PACKET, take_ts },
};

static enum dh_container_kind kind_of(const uint8_t *b)
{
	if (is_any_of(b + 4, "ftyp styp moov mdat free skip wide pnot "))
		return DH_CONTAINER_MP4;
	if (big_endian(b, 4) == ID_EBML)
		return DH_CONTAINER_MATROSKA;
	if (is_any_of(b, "RIFF ") && is_any_of(b + 8, "WAVE "))
		return DH_CONTAINER_WAV;
	if (is_any_of(b, "RIFF ") && memcmp(b + 8, "AVI", 3) == 0)
		return DH_CONTAINER_AVI;
	if (is_any_of(b, "OggS "))
		return DH_CONTAINER_OGG;
	if (memcmp(b, "FLV", 3) == 0)
		return DH_CONTAINER_FLV;
	if (b[0] == 0xff && (b[1] & 0xf6) == 0xf0)
		return DH_CONTAINER_ADTS;
	return b[0] == 0x47 ? DH_CONTAINER_TS : DH_CONTAINER_OTHER;
}

/* The bytes that identified the container are its first header's. */
static void begin(struct dh_input_end *end)
{
	uint8_t bytes[DETECT_BYTES];
	memcpy(bytes, end->header, sizeof bytes);
	end->kind = kind_of(bytes);
	end->at = 0;
	if (end->kind == DH_CONTAINER_OTHER) {
		end->is_done = true;
		return;
	}
	next(end, 0, containers[end->kind].need);
	dh_input_end_push(end, bytes, sizeof bytes);
}

void dh_input_end_push(struct dh_input_end *end, const uint8_t *bytes, size_t size)
{
	while (size > 0 && !end->is_done) {
		if (end->skip > 0) {
			size_t step = end->skip < size ? (size_t)end->skip : size;
			dh_input_end_pass(end, step);
			bytes += step;
			size -= step;
			continue;
		}
		if (end->kind != DH_CONTAINER_UNKNOWN && end->need == 0) {
			end->is_done = true; /* everything that was stated has come */
			return;
		}
		end->header[end->used++] = *bytes++;
		end->at++;
		size--;
		if (end->kind == DH_CONTAINER_UNKNOWN && end->used == DETECT_BYTES)
			begin(end);
		else if (end->kind != DH_CONTAINER_UNKNOWN && end->used == end->need)
			containers[end->kind].take(end);
	}
}

uint64_t dh_input_end_skip(const struct dh_input_end *end)
{
	return end->is_done ? 0 : end->skip;
}

void dh_input_end_pass(struct dh_input_end *end, uint64_t count)
{
	end->skip -= count;
	end->at = count > UINT64_MAX - end->at ? UINT64_MAX : end->at + count;
}

bool dh_input_end_is_early(const struct dh_input_end *end)
{
	/* an FLV may lack the size after its last tag */
	uint64_t spare = end->kind == DH_CONTAINER_FLV ? 4 : 0;
	if (end->is_done || end->kind == DH_CONTAINER_UNKNOWN)
		return false;
	return end->skip > spare || end->used > 0 || end->open > 0 || end->at < end->stated_end;
}
