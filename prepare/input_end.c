/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "input_end_private.h"

#include "find_bytes.h"

/* Enough bytes to tell containers apart. */
#define DETECT_BYTES 12

static const struct {
	unsigned need; /* bytes of the first header */
	void (*take)(struct dh_input_end *end);
} containers[] = {
	[DH_CONTAINER_MP4] = { 8, dh_end_take_box },
	[DH_CONTAINER_MATROSKA] = { 1, dh_end_take_element },
	[DH_CONTAINER_WAV] = { 8, dh_end_take_wav_chunk },
	[DH_CONTAINER_AVI] = { 8, dh_end_take_avi_chunk },
	[DH_CONTAINER_OGG] = { 27, dh_end_take_page },
	[DH_CONTAINER_FLV] = { 9, dh_end_take_tag },
	[DH_CONTAINER_ADTS] = { 7, dh_end_take_adts },
	[DH_CONTAINER_TS] = { DH_END_TS_HEADER, dh_end_take_ts },
	[DH_CONTAINER_AIFF] = { 8, dh_end_take_aiff_chunk },
	[DH_CONTAINER_CAF] = { 12, dh_end_take_caf_chunk },
	[DH_CONTAINER_AU] = { 12, dh_end_take_au },
	[DH_CONTAINER_IVF] = { 12, dh_end_take_ivf },
	[DH_CONTAINER_M2TS] = { DH_END_M2TS_PREFIX + DH_END_TS_HEADER, dh_end_take_ts },
	[DH_CONTAINER_W64] = { DH_END_W64_HEADER, dh_end_take_w64_chunk },
};

/* These do not state where anything ends; another file shows by how it begins. */
static const struct {
	enum dh_container_kind kind;
	const char *begin;
	const char *pattern; /* '?': any byte */
	unsigned size;
} searched[] = {
	{ DH_CONTAINER_NUT, "nut/multimed", "nut/multimedia container", 24 },
	{ DH_CONTAINER_FLAC, "fLaC", "fLaC?\0\0\x22", 8 },
	{ DH_CONTAINER_Y4M, "YUV4MPEG2 ", "YUV4MPEG2 ", 10 },
	{ DH_CONTAINER_AMR, "#!AMR", "#!AMR", 5 },
};

static enum dh_container_kind kind_of(const uint8_t *b)
{
	if (dh_end_is_any_of(b + 4, "ftyp styp moov mdat free skip wide pnot "))
		return DH_CONTAINER_MP4;
	if (dh_end_big_endian(b, 4) == DH_END_ID_EBML)
		return DH_CONTAINER_MATROSKA;
	if (dh_end_is_any_of(b, "RIFF ") && dh_end_is_any_of(b + 8, "WAVE "))
		return DH_CONTAINER_WAV;
	if (dh_end_is_any_of(b, "RIFF ") && memcmp(b + 8, "AVI", 3) == 0)
		return DH_CONTAINER_AVI;
	if (dh_end_is_any_of(b, "OggS "))
		return DH_CONTAINER_OGG;
	if (memcmp(b, "FLV", 3) == 0)
		return DH_CONTAINER_FLV;
	if (dh_end_is_any_of(b, "FORM ") && dh_end_is_any_of(b + 8, "AIFF AIFC "))
		return DH_CONTAINER_AIFF;
	if (dh_end_is_any_of(b, "caff "))
		return DH_CONTAINER_CAF;
	if (dh_end_is_any_of(b, ".snd "))
		return DH_CONTAINER_AU;
	if (dh_end_is_any_of(b, "DKIF "))
		return DH_CONTAINER_IVF;
	for (size_t i = 0; i < sizeof searched / sizeof *searched; i++)
		if (memcmp(b, searched[i].begin, strlen(searched[i].begin)) == 0)
			return searched[i].kind;
	if (memcmp(b, DH_END_W64_RIFF, DETECT_BYTES) == 0)
		return DH_CONTAINER_W64;
	if (b[0] == 0xff && (b[1] & 0xf6) == 0xf0)
		return DH_CONTAINER_ADTS;
	if (b[0] == DH_END_TS_SYNC)
		return DH_CONTAINER_TS;
	return b[DH_END_M2TS_PREFIX] == DH_END_TS_SYNC ? DH_CONTAINER_M2TS : DH_CONTAINER_OTHER;
}

/* The bytes that identified the container are its first header's. */
static void begin(struct dh_input_end *end)
{
	uint8_t bytes[DETECT_BYTES];
	memcpy(bytes, end->header, sizeof bytes);
	end->kind = kind_of(bytes);
	end->used = 0;
	for (size_t i = 0; i < sizeof searched / sizeof *searched; i++)
		if (searched[i].kind == end->kind) {
			dh_end_search(end, searched[i].pattern, searched[i].size);
			return;
		}
	end->at = 0;
	if (end->kind == DH_CONTAINER_OTHER) {
		end->is_done = true;
		return;
	}
	dh_end_next(end, 0, containers[end->kind].need);
	dh_input_end_push(end, bytes, sizeof bytes);
}

static bool is_begun(const struct dh_input_end *end)
{
	for (unsigned i = 0; i < end->used; i++)
		if (end->pattern[i] != '?' && (uint8_t)end->pattern[i] != end->header[i])
			return false;
	return true;
}

/* How many of the bytes can be no beginning of the pattern. A picture is full of any single byte, so
 * the whole head of the pattern is looked for, up to its first '?'; it may begin with the last few. */
static size_t before_pattern(const struct dh_input_end *end, const uint8_t *bytes, size_t size)
{
	const char *any = memchr(end->pattern, '?', end->need);
	size_t head = any ? (size_t)(any - end->pattern) : end->need;
	const uint8_t *first = dh_find_bytes(bytes, size, end->pattern, head);
	if (first)
		return (size_t)(first - bytes);
	return size < head ? 0 : size - (head - 1);
}

/* Looks for the pattern; returns how many bytes were looked at. */
static size_t search(struct dh_input_end *end, const uint8_t *bytes, size_t size)
{
	size_t before = end->used == 0 ? before_pattern(end, bytes, size) : 0;
	if (before > 0) {
		end->at += before;
		return before;
	}
	end->header[end->used++] = *bytes;
	end->at++;
	while (end->used > 0 && !is_begun(end))
		memmove(end->header, end->header + 1, --end->used);
	end->is_next = end->used == end->need;
	return 1;
}

static void take(struct dh_input_end *end, uint8_t byte)
{
	end->header[end->used++] = byte;
	end->at++;
	if (end->kind == DH_CONTAINER_UNKNOWN && end->used == DETECT_BYTES)
		begin(end);
	else if (end->kind != DH_CONTAINER_UNKNOWN && end->used == end->need)
		containers[end->kind].take(end);
}

size_t dh_input_end_push(struct dh_input_end *end, const uint8_t *bytes, size_t size)
{
	size_t taken = 0;
	while (taken < size && !end->is_done && !end->is_next) {
		size_t step = 1, left = size - taken;
		if (end->skip > 0) {
			step = end->skip < left ? (size_t)end->skip : left;
			dh_input_end_pass(end, step);
		} else if (end->pattern) {
			step = search(end, bytes + taken, left);
		} else {
			take(end, bytes[taken]);
		}
		taken += step;
	}
	return end->is_next ? taken : size;
}

size_t dh_input_end_held(const struct dh_input_end *end)
{
	bool is_alone = end->kind == DH_CONTAINER_UNKNOWN || end->kind == DH_CONTAINER_ADTS;
	if (end->is_done || is_alone || end->skip > 0)
		return 0;
	return end->in_tables ? (size_t)(end->at - end->tables_at) : end->used;
}

bool dh_input_end_is_read_in_order(enum dh_container_kind kind)
{
	switch (kind) {
	case DH_CONTAINER_MATROSKA:
	case DH_CONTAINER_WAV:
	case DH_CONTAINER_W64:
	case DH_CONTAINER_OGG:
	case DH_CONTAINER_FLV:
	case DH_CONTAINER_NUT:
	case DH_CONTAINER_FLAC:
	case DH_CONTAINER_Y4M:
	case DH_CONTAINER_AMR:
		return true;
	default:
		return false;
	}
}

uint64_t dh_input_end_skip(const struct dh_input_end *end)
{
	return end->is_done || end->is_next ? 0 : end->skip;
}

void dh_input_end_pass(struct dh_input_end *end, uint64_t count)
{
	end->skip -= count;
	end->at = count > UINT64_MAX - end->at ? UINT64_MAX : end->at + count;
}

bool dh_input_end_is_complete(const struct dh_input_end *end)
{
	/* what follows their data is of no use */
	if (end->kind == DH_CONTAINER_WAV || end->kind == DH_CONTAINER_W64)
		return end->is_last && (end->is_tail || end->skip == 0);
	if (end->is_done || end->pattern || end->skip > 0 || end->used > 0)
		return false;
	if (end->kind == DH_CONTAINER_MATROSKA)
		return end->stated_end > 0 && end->at >= end->stated_end;
	if (end->kind == DH_CONTAINER_MP4 && end->last_chunk > 0 && !end->is_fragmented)
		return end->at > end->last_chunk && end->at >= end->stated_end;
	return end->is_last;
}

/* In these, what follows the sound does not matter. */
static bool is_sound_over(const struct dh_input_end *end)
{
	return end->is_tail ||
		(end->has_media && end->skip == 0 &&
			(end->kind == DH_CONTAINER_WAV || end->kind == DH_CONTAINER_W64 ||
				end->kind == DH_CONTAINER_AIFF || end->kind == DH_CONTAINER_CAF ||
				end->kind == DH_CONTAINER_AU));
}

bool dh_input_end_is_early(const struct dh_input_end *end)
{
	/* an FLV may lack the size after its last tag */
	uint64_t spare = end->kind == DH_CONTAINER_FLV ? 4 : 0;
	if (end->is_done || end->pattern || end->kind == DH_CONTAINER_UNKNOWN || is_sound_over(end) || end->is_damaged)
		return false;
	if (end->is_next) /* of all that was to come, only a stated end tells */
		return end->at - end->used < end->stated_end;
	return end->skip > spare || end->used > 0 || end->open > 0 || end->at < end->stated_end;
}

bool dh_input_end_has_left(const struct dh_input_end *end, uint64_t *at)
{
	bool is_behind = end->is_damaged && !end->is_next && end->good_at > 0 && end->good_at < end->at;
	*at = is_behind ? end->good_at : end->at - end->used;
	return end->is_left || is_behind;
}
