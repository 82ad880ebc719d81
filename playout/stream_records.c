/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stream_records.h"

#include "guard.h"
#include "matte.h"
#include "stream_wire.h"
#include "timebase.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <zlib.h>

int dh_stream_records_fail(struct dh_stream_records *records, int err, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(records->text, sizeof records->text, format, args);
	va_end(args);
	return err;
}

#define fail dh_stream_records_fail

static const char *media_name(enum dh_media media)
{
	return media == DH_VIDEO ? "video" : "audio";
}

bool dh_stream_text_is_valid(const char *text, size_t size)
{
	for (size_t i = 0, step; i < size; i += step) {
		step = dh_wire_character((const uint8_t *)text + i, size - i);
		if (step == 0)
			return false;
	}
	return true;
}

int dh_stream_records_text(struct dh_stream_records *records, char *out, const uint8_t *text, size_t size)
{
	if (!dh_stream_text_is_valid((const char *)text, size))
		return fail(records, -EBADMSG, "a text that is not UTF-8 or has a control character");
	memcpy(out, text, size);
	out[size] = '\0';
	return 0;
}

/* Passes a unit to the sink and drops it. `unit` NULL: it could not be allocated. */
static int report_unit(struct dh_stream_records *records, struct dh_unit *unit,
	int (*take)(void *arg, struct dh_unit *unit))
{
	int err = 0;
	if (!unit)
		return fail(records, -ENOMEM, "out of memory");
	if (take)
		err = take(records->arg, unit);
	dh_unit_unref(&unit);
	return err;
}

static int read_anchor(struct dh_stream_records *records, const uint8_t *body, size_t size)
{
	int width, height;
	if (!dh_wire_is_key_frame(body, size) || dh_vp8_header_parse(&records->anchor, body, size))
		return fail(records, -EBADMSG, "the anchor is not a shown VP8 key frame");
	const char *wrong = dh_guard_check_anchor(&records->anchor);
	if (wrong)
		return fail(records, -EBADMSG, "the anchor %s, expected a key frame that does not", wrong);
	width = dh_wire_get16(body + 6) & 0x3fff;
	height = dh_wire_get16(body + 8) & 0x3fff;
	if (width != records->head.width || height != records->head.height)
		return fail(records, -EBADMSG, "the anchor has %dx%d, the head %dx%d", width, height,
			records->head.width, records->head.height);
	records->has_anchor = true;
	return report_unit(records, dh_unit_new(DH_VIDEO, 0, DH_SLOT_TICKS, body, size), records->sink.anchor);
}

static int read_picture(struct dh_stream_records *records, const uint8_t *body, size_t size)
{
	records->has_picture = true;
	return records->sink.picture ? records->sink.picture(records->arg, body, size) : 0;
}

static int read_mark(struct dh_stream_records *records, const uint8_t *body, size_t size)
{
	if (body[0] > DH_MARK_TOP_LEFT)
		return fail(records, -EBADMSG, "a mark in corner %u", body[0]);
	records->has_mark = true;
	return records->sink.mark ? records->sink.mark(records->arg, (enum dh_mark_at)body[0],
					    body + DH_WIRE_MARK_FIXED, size - DH_WIRE_MARK_FIXED) :
				    0;
}

/* Verifies a unit's time against those before it, and remembers it. */
static int step_time(struct dh_stream_records *records, enum dh_media media, int64_t pts_ticks, int64_t duration_ticks)
{
	struct dh_stream_track *track = &records->tracks[media];
	int64_t limit = records->limits.duration_ticks;
	if (pts_ticks < 0 || duration_ticks <= 0)
		return fail(records, -EBADMSG, "%s unit at %" PRId64 " lasting %" PRId64 " ticks", media_name(media),
			pts_ticks, duration_ticks);
	if (limit <= 0 || limit > DH_STREAM_TICKS_MAX)
		limit = DH_STREAM_TICKS_MAX;
	if (pts_ticks > limit - duration_ticks)
		return fail(records, -EFBIG, "longer than %" PRId64 " ms", dh_ms_from_ticks(limit));
	if (pts_ticks < records->newest_ticks ||
		(track->units > 0 && pts_ticks - track->last_ticks < DH_STREAM_PICTURE_TICKS_MIN))
		return fail(records, -EBADMSG, "%s unit at %" PRId64 " after one at %" PRId64 " ticks",
			media_name(media), pts_ticks, records->newest_ticks);
	records->newest_ticks = pts_ticks;
	track->last_ticks = pts_ticks;
	track->end_ticks = pts_ticks + duration_ticks;
	track->units++;
	return 0;
}

/* Whether a viewer's decoder holds the anchor behind this picture as it did before; nothing else would ever tell
 * that it does not. Sets *header. */
static int check_picture(struct dh_stream_records *records, struct dh_vp8_header *header, const uint8_t *bytes,
	size_t size)
{
	const char *wrong = "is not a VP8 frame";
	if (dh_vp8_header_parse(header, bytes, size) == 0)
		wrong = dh_guard_check(&records->anchor, header);
	return wrong ? fail(records, -EBADMSG,
			       "a picture %s, expected an inter frame that changes nothing but the last frame", wrong) :
		       0;
}

/* Whether it is droppable is said behind it. It may be kept as a reference even so: its encoder began anew there,
 * and goes on with an entry. */
static int read_lower(struct dh_stream_records *records, const uint8_t *body, size_t size)
{
	struct dh_vp8_header header;
	int err = check_picture(records, &header, body, size);
	if (err < 0)
		return err;
	struct dh_unit *unit = dh_unit_new(DH_VIDEO, 0, 1, body, size);
	if (!unit)
		return fail(records, -ENOMEM, "out of memory");
	records->lowers[records->lower_count++] = unit;
	return 0;
}

/* The lower qualities that came before `unit` are its own. */
static void take_lowers(struct dh_stream_records *records, struct dh_unit *unit)
{
	struct dh_unit *lower = NULL;
	while (records->lower_count > 0) {
		struct dh_unit *better = records->lowers[--records->lower_count];
		better->pts_ticks = unit->pts_ticks;
		better->duration_ticks = unit->duration_ticks;
		better->flags = unit->flags;
		better->lower = lower;
		lower = better;
	}
	unit->lower = lower;
}

void dh_stream_records_clear(struct dh_stream_records *records)
{
	while (records->lower_count > 0)
		dh_unit_unref(&records->lowers[--records->lower_count]);
}

static int read_video(struct dh_stream_records *records, const uint8_t *body, size_t size)
{
	int64_t pts_ticks = dh_wire_get64(body), duration_ticks = dh_wire_get32(body + 8);
	uint32_t flags = dh_wire_get32(body + 12);
	const uint8_t *bytes = body + DH_WIRE_VIDEO_FIXED;
	struct dh_vp8_header header;
	struct dh_unit *unit;
	int err;
	if (!dh_wire_flags_are_valid(flags))
		return fail(records, -EBADMSG, "picture with flags 0x%" PRIx32, flags);
	if (records->tracks[DH_VIDEO].units == 0 && !(flags & DH_UNIT_ENTRY))
		return fail(records, -EBADMSG, "the first picture is not an entry");
	err = step_time(records, DH_VIDEO, pts_ticks, duration_ticks);
	if (err == 0)
		err = check_picture(records, &header, bytes, size - DH_WIRE_VIDEO_FIXED);
	if (err < 0)
		return err;
	const char *wrong = dh_guard_check_layer(&header, (flags & DH_UNIT_DROPPABLE) != 0);
	if (wrong)
		return fail(records, -EBADMSG, "a picture with flags 0x%" PRIx32 " %s, expected all to be kept but 0x2",
			flags, wrong);
	unit = dh_unit_new(DH_VIDEO, pts_ticks, duration_ticks, bytes, size - DH_WIRE_VIDEO_FIXED);
	if (unit) {
		unit->flags = flags;
		memcpy(unit->luma, body + 16, DH_LUMA_BYTES);
		take_lowers(records, unit);
	}
	return report_unit(records, unit, records->sink.unit);
}

static int read_audio(struct dh_stream_records *records, const uint8_t *body, size_t size)
{
	const struct dh_stream_track *track = &records->tracks[DH_AUDIO];
	bool has_loudness = records->version >= 4;
	int64_t pts_ticks = has_loudness ? dh_wire_get56(body) : dh_wire_get64(body);
	unsigned loudness = has_loudness ? body[7] : 0;
	int err;
	if (loudness > DH_LOUDNESS_MAX)
		return fail(records, -EBADMSG, "audio unit with loudness %u", loudness);
	if (pts_ticks != track->end_ticks)
		return fail(records, -EBADMSG, "audio unit at %" PRId64 " ticks, expected %" PRId64, pts_ticks,
			track->end_ticks);
	err = step_time(records, DH_AUDIO, pts_ticks, DH_SLOT_TICKS);
	if (err < 0)
		return err;
	struct dh_unit *unit = dh_unit_new_sound(pts_ticks, body + DH_WIRE_AUDIO_FIXED, size - DH_WIRE_AUDIO_FIXED,
		records->fade, records->fade_size);
	records->fade_size = 0;
	if (unit)
		unit->loudness = (uint8_t)loudness;
	return report_unit(records, unit, records->sink.unit);
}

static int read_fade(struct dh_stream_records *records, const uint8_t *body, size_t size)
{
	memcpy(records->fade, body, size);
	records->fade_size = size;
	return 0;
}

static int read_lead(struct dh_stream_records *records, const uint8_t *body, size_t size)
{
	int64_t lead_ticks = dh_wire_get64(body), packets = dh_wire_get32(body + 8);
	if (lead_ticks < 1 || lead_ticks > DH_STREAM_LEAD_TICKS_MAX || packets < 1 ||
		packets > DH_STREAM_TICKS_MAX / DH_SLOT_TICKS)
		return fail(records, -EBADMSG, "a lead of %" PRId64 " ticks behind %" PRId64 " packets", lead_ticks,
			packets);
	records->has_lead = true;
	struct dh_unit *unit = dh_unit_new(DH_AUDIO, lead_ticks, packets * DH_SLOT_TICKS, body + DH_WIRE_LEAD_FIXED,
		size - DH_WIRE_LEAD_FIXED);
	if (unit)
		unit->flags = DH_UNIT_LEAD;
	return report_unit(records, unit, records->sink.unit);
}

/* A length ends within the last unit; without units it is 0. */
static int check_end(struct dh_stream_records *records, enum dh_media media, int64_t length_ticks)
{
	const struct dh_stream_track *track = &records->tracks[media];
	int64_t least_ticks = track->units > 0 ? track->last_ticks + 1 : 0;
	if (length_ticks < least_ticks || length_ticks > track->end_ticks)
		return fail(records, -EBADMSG, "%s of %" PRId64 " ticks, its units say %" PRId64 " to %" PRId64,
			media_name(media), length_ticks, least_ticks, track->end_ticks);
	return 0;
}

static int read_end(struct dh_stream_records *records, const uint8_t *body)
{
	struct dh_stream_end end = { dh_wire_get64(body), dh_wire_get64(body + 8), false };
	uint32_t flags = records->version < 2 ? 0 : dh_wire_get32(body + 16);
	int err;
	if (flags & ~DH_WIRE_FLAG_INCOMPLETE)
		return fail(records, -EBADMSG, "end with flags 0x%" PRIx32, flags);
	end.is_incomplete = flags != 0;
	if (records->tracks[DH_VIDEO].units == 0 && records->tracks[DH_AUDIO].units == 0)
		return fail(records, -EBADMSG, "a stream without picture and sound");
	err = check_end(records, DH_VIDEO, end.video_ticks);
	if (err == 0)
		err = check_end(records, DH_AUDIO, end.audio_ticks);
	if (err < 0)
		return err;
	records->is_ended = true;
	return records->sink.end ? records->sink.end(records->arg, &end) : 0;
}

static int read_word(struct dh_stream_records *records, const uint8_t *body, size_t size)
{
	struct dh_stream_word word = { .from_ticks = dh_wire_get64(body), .to_ticks = dh_wire_get64(body + 8) };
	int err;
	if (!dh_wire_word_is_valid(word.from_ticks, word.to_ticks))
		return fail(records, -EBADMSG, "a word from %" PRId64 " to %" PRId64 " ticks", word.from_ticks,
			word.to_ticks);
	if (word.from_ticks < records->word_ticks)
		return fail(records, -EBADMSG, "a word at %" PRId64 " after one at %" PRId64 " ticks", word.from_ticks,
			records->word_ticks);
	err = dh_stream_records_text(records, word.text, body + DH_WIRE_WORD_FIXED, size - DH_WIRE_WORD_FIXED);
	if (err < 0)
		return err;
	records->word_ticks = word.from_ticks;
	records->words++;
	return records->sink.word ? records->sink.word(records->arg, &word) : 0;
}

static int read_note(struct dh_stream_records *records, const uint8_t *body, size_t size)
{
	char text[DH_STREAM_TEXT_MAX + 1];
	int err = dh_stream_records_text(records, text, body, size);
	if (err < 0)
		return err;
	return records->sink.note ? records->sink.note(records->arg, text) : 0;
}

static int read_failure(struct dh_stream_records *records, const uint8_t *body, size_t size)
{
	char text[DH_STREAM_TEXT_MAX + 1];
	int err = dh_stream_records_text(records, text, body + DH_WIRE_FAILURE_FIXED, size - DH_WIRE_FAILURE_FIXED);
	if (err < 0)
		return err;
	records->is_ended = true;
	return records->sink.failure ? records->sink.failure(records->arg, (int32_t)dh_wire_get32(body), text) : 0;
}

int dh_stream_records_read(struct dh_stream_records *records, const uint8_t *record, size_t size)
{
	const uint8_t *body = record + DH_WIRE_PREFIX;
	size_t length = size - DH_WIRE_PREFIX - DH_WIRE_CHECKSUM;
	uint32_t checksum = (uint32_t)crc32(0, record, (uInt)(DH_WIRE_PREFIX + length));
	if (checksum != dh_wire_get32(body + length))
		return fail(records, -EBADMSG, "wrong checksum in a record %.4s", (const char *)record);
	switch (dh_wire_get32(record)) {
	case DH_WIRE_HEAD:
		return dh_stream_records_head(records, body, length);
	case DH_WIRE_ANCHOR:
		return read_anchor(records, body, length);
	case DH_WIRE_PICTURE:
		return read_picture(records, body, length);
	case DH_WIRE_MARK:
		return read_mark(records, body, length);
	case DH_WIRE_VIDEO:
		return read_video(records, body, length);
	case DH_WIRE_LOWER:
		return read_lower(records, body, length);
	case DH_WIRE_AUDIO:
		return read_audio(records, body, length);
	case DH_WIRE_FADE:
		return read_fade(records, body, length);
	case DH_WIRE_WORD:
		return read_word(records, body, length);
	case DH_WIRE_LEAD:
		return read_lead(records, body, length);
	case DH_WIRE_NOTE:
		return read_note(records, body, length);
	case DH_WIRE_END:
		return read_end(records, body);
	default: /* check_order refuses all others */
		return read_failure(records, body, length);
	}
}
