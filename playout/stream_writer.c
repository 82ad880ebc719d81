/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stream.h"
#include "mark.h"
#include "matte.h"
#include "stream_wire.h"
#include "timebase.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

/* A record is assembled in memory and written in one call, so that the reader at the
 * other end of a pipe wakes once for it. */
struct record {
	uint8_t *bytes;
	size_t body_size;
};

/* Returns where the body goes; NULL: out of memory. */
static uint8_t *record_begin(struct record *record, uint32_t type, size_t body_size)
{
	record->body_size = body_size;
	record->bytes = malloc(DH_WIRE_PREFIX + body_size + DH_WIRE_CHECKSUM);
	if (!record->bytes)
		return NULL;
	return dh_wire_put32(dh_wire_put32(record->bytes, type), (uint32_t)body_size);
}

static int record_end(struct record *record, const struct dh_stream_writer *writer)
{
	size_t size = DH_WIRE_PREFIX + record->body_size;
	dh_wire_put32(record->bytes + size, (uint32_t)crc32(0, record->bytes, (uInt)size));
	int err = writer->write(writer->arg, record->bytes, size + DH_WIRE_CHECKSUM);
	free(record->bytes);
	return err;
}

static int write_bytes(const struct dh_stream_writer *writer, uint32_t type, const void *bytes, size_t size)
{
	struct record record;
	uint8_t *body = record_begin(&record, type, size);
	if (!body)
		return -ENOMEM;
	memcpy(body, bytes, size);
	return record_end(&record, writer);
}

/* Copies `text` as far as it fits, with '?' for what a reader would refuse: texts
 * come from libraries and files, and a message should not be lost for one stray
 * byte. Returns the length; `out` has DH_STREAM_TEXT_MAX bytes. */
static size_t clean_text(uint8_t *out, const char *text)
{
	const uint8_t *in = (const uint8_t *)text;
	size_t left = strlen(text), used = 0;
	while (left > 0) {
		size_t length = dh_wire_character(in, left);
		size_t step = length > 0 ? length : 1;
		if (used + step > DH_STREAM_TEXT_MAX)
			break;
		if (length > 0)
			memcpy(out + used, in, length);
		else
			out[used] = *in == '\n' || *in == '\t' || *in == '\r' ? ' ' : '?';
		used += step;
		in += step;
		left -= step;
	}
	return used;
}

static bool head_is_valid(const struct dh_stream_head *head)
{
	if (head->stated_ticks < 0 || head->stated_ticks > DH_STREAM_TICKS_MAX)
		return 0;
	if (!head->has_video && !head->has_audio)
		return 0;
	if (!dh_wire_rate_is_valid(head->rate_num, head->rate_den))
		return 0;
	bool has_rates = head->kbps[0] != 0;
	if (has_rates && (!head->has_video || !dh_qualities_are_valid(head->kbps) || !head->kbps[1]))
		return 0;
	if (!head->has_video)
		return head->width == 0 && head->height == 0 && !head->has_matte && !head->has_mark;
	if (head->has_matte && !dh_matte_height(head->height))
		return 0;
	return dh_wire_side_is_valid(head->width) && dh_wire_side_is_valid(head->height);
}

static uint16_t head_flags(const struct dh_stream_head *head)
{
	return (uint16_t)((head->has_video ? DH_WIRE_FLAG_VIDEO : 0) | (head->has_audio ? DH_WIRE_FLAG_AUDIO : 0) |
		(head->has_matte ? DH_WIRE_FLAG_MATTE : 0) | (head->has_mark ? DH_WIRE_FLAG_MARK : 0));
}

int dh_stream_write_head(const struct dh_stream_writer *writer, const struct dh_stream_head *head)
{
	uint8_t text[DH_STREAM_TEXT_MAX];
	struct record record;
	uint8_t *p;
	size_t length;
	int rates = head->kbps[0] ? dh_qualities_count(head->kbps) : 0;
	bool is_stated = head->stated_ticks > 0 || rates > 0;
	if (!head_is_valid(head))
		return -EINVAL;
	length = clean_text(text, head->encoder);
	p = record_begin(&record, DH_WIRE_HEAD,
		DH_WIRE_HEAD_FIXED + length + (is_stated ? DH_WIRE_HEAD_STATED : 0) +
			(size_t)rates * DH_WIRE_HEAD_KBPS);
	if (!p)
		return -ENOMEM;
	p = dh_wire_put16(p, rates ? DH_STREAM_VERSION : DH_WIRE_VERSION_PLAIN);
	p = dh_wire_put16(p, head_flags(head));
	p = dh_wire_put16(p, (uint16_t)head->width);
	p = dh_wire_put16(p, (uint16_t)head->height);
	p = dh_wire_put32(p, (uint32_t)head->rate_num);
	p = dh_wire_put32(p, (uint32_t)head->rate_den);
	p = dh_wire_put32(p, (uint32_t)length);
	memcpy(p, text, length);
	p += length;
	if (is_stated)
		p = dh_wire_put64(p, head->stated_ticks);
	for (int q = 0; q < rates; q++)
		p = dh_wire_put32(p, (uint32_t)head->kbps[q]);
	return record_end(&record, writer);
}

int dh_stream_write_anchor(const struct dh_stream_writer *writer, const void *bytes, size_t size)
{
	if (size > DH_VIDEO_UNIT_MAX || !dh_wire_is_key_frame(bytes, size))
		return -EINVAL;
	return write_bytes(writer, DH_WIRE_ANCHOR, bytes, size);
}

int dh_stream_write_picture(const struct dh_stream_writer *writer, const uint8_t *i420, size_t size)
{
	if (size == 0 || size > (size_t)DH_STREAM_SIDE_MAX * DH_STREAM_SIDE_MAX * 3 / 2)
		return -EINVAL;
	return write_bytes(writer, DH_WIRE_PICTURE, i420, size);
}

int dh_stream_write_mark(const struct dh_stream_writer *writer, enum dh_mark_at at, const uint8_t *i420, size_t size)
{
	struct record record;
	if (at > DH_MARK_TOP_LEFT || size == 0 || size > dh_mark_size(DH_STREAM_SIDE_MAX, DH_STREAM_SIDE_MAX))
		return -EINVAL;
	uint8_t *body = record_begin(&record, DH_WIRE_MARK, DH_WIRE_MARK_FIXED + size);
	if (!body)
		return -ENOMEM;
	*body = (uint8_t)at;
	memcpy(body + DH_WIRE_MARK_FIXED, i420, size);
	return record_end(&record, writer);
}

static int write_video(const struct dh_stream_writer *writer, const struct dh_unit *unit)
{
	struct record record;
	uint8_t *p;
	for (const struct dh_unit *u = unit; u; u = u->lower)
		if (u->size == 0 || u->size > DH_VIDEO_UNIT_MAX)
			return -EINVAL;
	if (unit->duration_ticks > UINT32_MAX || !dh_wire_flags_are_valid(unit->flags))
		return -EINVAL;
	for (const struct dh_unit *lower = unit->lower; lower; lower = lower->lower) {
		int err = write_bytes(writer, DH_WIRE_LOWER, lower->data, lower->size);
		if (err)
			return err;
	}
	p = record_begin(&record, DH_WIRE_VIDEO, DH_WIRE_VIDEO_FIXED + unit->size);
	if (!p)
		return -ENOMEM;
	p = dh_wire_put64(p, unit->pts_ticks);
	p = dh_wire_put32(p, (uint32_t)unit->duration_ticks);
	p = dh_wire_put32(p, unit->flags);
	memcpy(p, unit->luma, DH_LUMA_BYTES);
	memcpy(p + DH_LUMA_BYTES, unit->data, unit->size);
	return record_end(&record, writer);
}

static int write_audio(const struct dh_stream_writer *writer, const struct dh_unit *unit)
{
	struct record record;
	uint8_t *p;
	if (unit->size > DH_AUDIO_UNIT_MAX || unit->duration_ticks != DH_SLOT_TICKS ||
		unit->pts_ticks % DH_SLOT_TICKS != 0 || unit->flags != 0 || unit->fade_size > DH_AUDIO_UNIT_MAX ||
		unit->loudness > DH_LOUDNESS_MAX)
		return -EINVAL;
	size_t fade_size;
	const uint8_t *fade = dh_unit_fade(unit, &fade_size);
	int err = fade ? write_bytes(writer, DH_WIRE_FADE, fade, fade_size) : 0;
	if (err)
		return err;
	p = record_begin(&record, DH_WIRE_AUDIO, DH_WIRE_AUDIO_FIXED + unit->size);
	if (!p)
		return -ENOMEM;
	p = dh_wire_put56(p, unit->pts_ticks);
	*p++ = unit->loudness;
	memcpy(p, unit->data, unit->size);
	return record_end(&record, writer);
}

static int write_lead(const struct dh_stream_writer *writer, const struct dh_unit *unit)
{
	struct record record;
	uint8_t *p;
	if (unit->size > DH_AUDIO_UNIT_MAX || unit->flags != DH_UNIT_LEAD || unit->pts_ticks < 1 ||
		unit->pts_ticks > DH_STREAM_LEAD_TICKS_MAX || unit->duration_ticks % DH_SLOT_TICKS != 0 ||
		unit->duration_ticks / DH_SLOT_TICKS > UINT32_MAX)
		return -EINVAL;
	p = record_begin(&record, DH_WIRE_LEAD, DH_WIRE_LEAD_FIXED + unit->size);
	if (!p)
		return -ENOMEM;
	p = dh_wire_put32(dh_wire_put64(p, unit->pts_ticks), (uint32_t)(unit->duration_ticks / DH_SLOT_TICKS));
	memcpy(p, unit->data, unit->size);
	return record_end(&record, writer);
}

int dh_stream_write_unit(const struct dh_stream_writer *writer, const struct dh_unit *unit)
{
	if (unit->size == 0 || unit->pts_ticks < 0 || unit->duration_ticks <= 0 ||
		unit->pts_ticks > DH_STREAM_TICKS_MAX - unit->duration_ticks)
		return -EINVAL;
	switch (unit->media) {
	case DH_VIDEO:
		return write_video(writer, unit);
	case DH_AUDIO:
		return unit->flags & DH_UNIT_LEAD ? write_lead(writer, unit) : write_audio(writer, unit);
	}
	return -EINVAL;
}

int dh_stream_write_word(const struct dh_stream_writer *writer, const struct dh_stream_word *word)
{
	size_t length = strnlen(word->text, sizeof word->text);
	struct record record;
	uint8_t *p;
	if (length < 1 || length > DH_STREAM_WORD_MAX || !dh_stream_text_is_valid(word->text, length) ||
		!dh_wire_word_is_valid(word->from_ticks, word->to_ticks))
		return -EINVAL;
	p = record_begin(&record, DH_WIRE_WORD, DH_WIRE_WORD_FIXED + length);
	if (!p)
		return -ENOMEM;
	p = dh_wire_put64(p, word->from_ticks);
	p = dh_wire_put64(p, word->to_ticks);
	memcpy(p, word->text, length);
	return record_end(&record, writer);
}

int dh_stream_write_note(const struct dh_stream_writer *writer, const char *text)
{
	uint8_t clean[DH_STREAM_TEXT_MAX];
	return write_bytes(writer, DH_WIRE_NOTE, clean, clean_text(clean, text));
}

int dh_stream_write_end(const struct dh_stream_writer *writer, const struct dh_stream_end *end)
{
	uint8_t body[DH_WIRE_END_FIXED];
	if (end->video_ticks < 0 || end->video_ticks > DH_STREAM_TICKS_MAX || end->audio_ticks < 0 ||
		end->audio_ticks > DH_STREAM_TICKS_MAX)
		return -EINVAL;
	dh_wire_put32(dh_wire_put64(dh_wire_put64(body, end->video_ticks), end->audio_ticks),
		end->is_incomplete ? DH_WIRE_FLAG_INCOMPLETE : 0);
	return write_bytes(writer, DH_WIRE_END, body, sizeof body);
}

int dh_stream_write_failure(const struct dh_stream_writer *writer, int code, const char *text)
{
	uint8_t body[DH_WIRE_FAILURE_FIXED + DH_STREAM_TEXT_MAX];
	size_t length = clean_text(body + DH_WIRE_FAILURE_FIXED, text);
	dh_wire_put32(body, (uint32_t)code);
	return write_bytes(writer, DH_WIRE_FAILURE, body, DH_WIRE_FAILURE_FIXED + length);
}
