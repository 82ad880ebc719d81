/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which records may come, how large; and lines between them. */
#include "stream_records.h"

#include "mark.h"
#include "matte.h"
#include "stream_wire.h"

#include <errno.h>
#include <inttypes.h>

#define fail dh_stream_records_fail
#define MB   ((size_t)1 << 20)

static int bad_order(struct dh_stream_records *records, const char *what)
{
	return fail(records, -EBADMSG, "order of records: %s", what);
}

static int no_head(struct dh_stream_records *records)
{
	return fail(records, -EBADMSG, "not a prepared segment: it does not begin with DHS1");
}

/* Whether a word, or a line, may stand here. */
static int check_word_order(struct dh_stream_records *records)
{
	if (records->version < 3)
		return bad_order(records, "a word in a stream of an older version");
	if (records->head.has_video && !records->has_anchor)
		return bad_order(records, "a word before the anchor");
	if (records->words >= DH_STREAM_WORDS_MAX)
		return fail(records, -EFBIG, "more than %u words", DH_STREAM_WORDS_MAX);
	return 0;
}

/* Whether the lower qualities of a picture and the picture itself stand together. */
static int check_lower_order(struct dh_stream_records *records, uint32_t type)
{
	int all = dh_qualities_count(records->head.kbps) - 1;
	if (type == DH_WIRE_LOWER && records->lower_count == all)
		return bad_order(records,
			all ? "a picture in more qualities than there are" : "a lower quality in a stream with one");
	if (type == DH_WIRE_VIDEO && records->lower_count < all)
		return bad_order(records, "a picture that lacks a quality");
	if (records->lower_count > 0 && type != DH_WIRE_LOWER && type != DH_WIRE_VIDEO && type != DH_WIRE_WORD)
		return bad_order(records, "a lower quality without the picture that it belongs to");
	return 0;
}

/* Whether a record of this type may stand here. */
static int check_order(struct dh_stream_records *records, uint32_t type)
{
	bool has_units = records->tracks[DH_VIDEO].units > 0 || records->tracks[DH_AUDIO].units > 0;
	/* A source that cannot be opened has a failure and no head. */
	if (type == DH_WIRE_FAILURE)
		return 0;
	if (type == DH_WIRE_HEAD)
		return records->has_head ? bad_order(records, "a second head") : 0;
	if (!records->has_head)
		return no_head(records);
	if (type == DH_WIRE_ANCHOR || type == DH_WIRE_PICTURE || type == DH_WIRE_MARK || type == DH_WIRE_VIDEO ||
		type == DH_WIRE_LOWER) {
		if (!records->head.has_video)
			return bad_order(records, "video in a stream without video");
	}
	int err = check_lower_order(records, type);
	if (err < 0)
		return err;
	if (records->fade_size > 0 && type != DH_WIRE_AUDIO && type != DH_WIRE_WORD)
		return bad_order(records, "a fade without the sound that it belongs to");
	switch (type) {
	case DH_WIRE_ANCHOR:
		return records->has_anchor ? bad_order(records, "a second anchor") : 0;
	case DH_WIRE_PICTURE:
		if (!records->has_anchor)
			return bad_order(records, "the anchor's picture before the anchor");
		if (records->has_picture || has_units)
			return bad_order(records, "the anchor's picture comes once, before the first unit");
		return 0;
	case DH_WIRE_MARK:
		if (!records->head.has_mark)
			return bad_order(records, "a mark in a stream without marks");
		if (!records->has_anchor || records->has_mark || has_units)
			return bad_order(records, "a mark comes once, between the anchor and the first unit");
		return 0;
	case DH_WIRE_LEAD:
		if (records->has_lead || has_units)
			return bad_order(records, "a lead comes once, before the first unit");
		/* fall through */
	case DH_WIRE_FADE:
		if (records->version < (type == DH_WIRE_LEAD ? 3 : 4))
			return bad_order(records, "a lead or a fade in a stream of an older version");
		/* fall through */
	case DH_WIRE_AUDIO:
		if (!records->head.has_audio)
			return bad_order(records, "audio in a stream without audio");
		/* fall through */
	case DH_WIRE_LOWER:
	case DH_WIRE_VIDEO:
		if (records->head.has_video && !records->has_anchor)
			return bad_order(records, "a unit before the anchor");
		return 0;
	case DH_WIRE_WORD:
		return check_word_order(records);
	case DH_WIRE_NOTE:
	case DH_WIRE_END:
		return 0;
	default:
		return fail(records, -EBADMSG, "unknown record type 0x%08" PRIx32, type);
	}
}

/* Bodies: so many fixed bytes, and then so many others. */
static const struct body {
	uint32_t type;
	size_t fixed, min, max;
} bodies[] = {
	{ DH_WIRE_HEAD, DH_WIRE_HEAD_FIXED, 0,
		DH_STREAM_TEXT_MAX + DH_WIRE_HEAD_STATED + DH_QUALITIES_MAX *DH_WIRE_HEAD_KBPS },
	{ DH_WIRE_ANCHOR, 0, DH_WIRE_KEY_FRAME_MIN, DH_VIDEO_UNIT_MAX },
	{ DH_WIRE_VIDEO, DH_WIRE_VIDEO_FIXED, 1, DH_VIDEO_UNIT_MAX },
	{ DH_WIRE_LOWER, 0, 1, DH_VIDEO_UNIT_MAX },
	{ DH_WIRE_AUDIO, DH_WIRE_AUDIO_FIXED, 1, DH_AUDIO_UNIT_MAX },
	{ DH_WIRE_FADE, 0, 1, DH_AUDIO_UNIT_MAX },
	{ DH_WIRE_LEAD, DH_WIRE_LEAD_FIXED, 1, DH_AUDIO_UNIT_MAX },
	{ DH_WIRE_WORD, DH_WIRE_WORD_FIXED, 1, DH_STREAM_WORD_MAX },
	{ DH_WIRE_NOTE, 0, 0, DH_STREAM_TEXT_MAX },
	{ DH_WIRE_FAILURE, DH_WIRE_FAILURE_FIXED, 0, DH_STREAM_TEXT_MAX },
};

static void find_limits(const struct dh_stream_records *records, uint32_t type, size_t *min, size_t *max)
{
	*min = *max = 0;
	if (type == DH_WIRE_PICTURE)
		*min = *max = (size_t)records->head.width * (size_t)records->head.height * 3 / 2;
	else if (type == DH_WIRE_MARK)
		*min = *max = DH_WIRE_MARK_FIXED + dh_mark_size(records->head.width, dh_head_height(&records->head));
	else if (type == DH_WIRE_END)
		*min = *max = records->version < 2 ? DH_WIRE_END_FIXED_1 : DH_WIRE_END_FIXED;
	for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
		if (bodies[i].type == type) {
			*min = bodies[i].fixed + bodies[i].min;
			*max = bodies[i].fixed + bodies[i].max;
		}
	}
}

/* Whether a record which may stand here can have a body of this length. */
static int check_length(struct dh_stream_records *records, const uint8_t *prefix, size_t length)
{
	size_t min, max;
	find_limits(records, dh_wire_get32(prefix), &min, &max);
	if (length < min || length > max)
		return fail(records, -EBADMSG, "a record %.4s of %zu bytes, expected %zu to %zu", (const char *)prefix,
			length, min, max);
	return 0;
}

static int count_bytes(struct dh_stream_records *records, size_t size)
{
	size_t limit = records->limits.bytes;
	if (limit > 0 && size > limit - records->bytes) {
		bool is_whole = limit % MB == 0;
		return fail(records, -EFBIG, "the stream is longer than %zu %s", is_whole ? limit / MB : limit,
			is_whole ? "MB" : "bytes");
	}
	records->bytes += size;
	return 0;
}

int dh_stream_records_prefix(struct dh_stream_records *records, const uint8_t *prefix, size_t *size)
{
	size_t length = dh_wire_get32(prefix + 4);
	int err = check_order(records, dh_wire_get32(prefix));
	if (err == 0)
		err = check_length(records, prefix, length);
	if (err < 0)
		return err;
	*size = DH_WIRE_PREFIX + length + DH_WIRE_CHECKSUM;
	return count_bytes(records, *size);
}

int dh_stream_records_line(struct dh_stream_records *records, const char *json, size_t size)
{
	const char *why = NULL;
	int err;
	if (!records->has_head)
		return no_head(records);
	err = check_word_order(records);
	if (err == 0)
		err = count_bytes(records, size + 1);
	if (err < 0)
		return err;
	err = records->sink.line ? records->sink.line(records->arg, json, size, &why) : 0;
	return err < 0 && why ? fail(records, err, "a line between records: %s", why) : err;
}
