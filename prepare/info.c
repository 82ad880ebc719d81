/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "info.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <zlib.h>

#include "file.h"
#include "playout/matte.h"
#include "playout/timebase.h"

struct info {
	bool has_head, has_anchor, has_picture, has_end;
	int failure_code;
	struct dh_stream_head head;
	struct dh_stream_end end;
	size_t anchor_bytes;
	uint32_t anchor_crc;
	int64_t pictures, entries, packets, video_bytes, audio_bytes, largest_picture, largest_entry;
	int64_t droppable;
	int64_t lower_bytes[DH_QUALITIES_MAX - 1];
	int64_t entry_ticks, longest_entry_ticks; /* the last entry's time, the largest distance */
	char failure[DH_STREAM_TEXT_MAX + 1];
	json_t *notes, *words;
};

static int on_head(void *arg, const struct dh_stream_head *head)
{
	struct info *info = arg;
	info->has_head = true;
	info->head = *head;
	return 0;
}

static int on_anchor(void *arg, struct dh_unit *anchor)
{
	struct info *info = arg;
	info->has_anchor = true;
	info->anchor_bytes = anchor->size;
	info->anchor_crc = (uint32_t)crc32(0, anchor->data, (uInt)anchor->size);
	return 0;
}

static int on_picture(void *arg, const uint8_t *i420, size_t size)
{
	(void)i420, (void)size;
	((struct info *)arg)->has_picture = true;
	return 0;
}

static int on_unit(void *arg, struct dh_unit *unit)
{
	struct info *info = arg;
	int64_t size = (int64_t)unit->size;
	if (unit->flags & DH_UNIT_LEAD)
		return 0;
	if (unit->media == DH_AUDIO) {
		info->packets++;
		info->audio_bytes += size;
		return 0;
	}
	info->pictures++;
	info->video_bytes += size;
	info->droppable += (unit->flags & DH_UNIT_DROPPABLE) != 0;
	const struct dh_unit *lower = unit->lower;
	for (int quality = 1; lower; quality++, lower = lower->lower)
		info->lower_bytes[quality - 1] += (int64_t)lower->size;
	if (size > info->largest_picture)
		info->largest_picture = size;
	if (unit->flags & DH_UNIT_ENTRY) {
		if (info->entries && unit->pts_ticks - info->entry_ticks > info->longest_entry_ticks)
			info->longest_entry_ticks = unit->pts_ticks - info->entry_ticks;
		info->entry_ticks = unit->pts_ticks;
		info->entries++;
		if (size > info->largest_entry)
			info->largest_entry = size;
	}
	return 0;
}

static int on_word(void *arg, const struct dh_stream_word *word)
{
	json_t *json = json_pack("[s,I,I]", word->text, (json_int_t)dh_ms_from_ticks(word->from_ticks),
		(json_int_t)dh_ms_from_ticks(word->to_ticks));
	return json_array_append_new(((struct info *)arg)->words, json) ? -ENOMEM : 0;
}

static int on_note(void *arg, const char *text)
{
	return json_array_append_new(((struct info *)arg)->notes, json_string(text)) ? -ENOMEM : 0;
}

static int on_end(void *arg, const struct dh_stream_end *end)
{
	struct info *info = arg;
	info->has_end = true;
	info->end = *end;
	return 0;
}

static int on_failure(void *arg, int code, const char *text)
{
	struct info *info = arg;
	info->failure_code = code > 0 && code < 128 ? code : DH_PREPARE_INTERNAL;
	snprintf(info->failure, sizeof info->failure, "%s", text);
	return 0;
}

/* --- showing */

static double kbps(int64_t bytes, int64_t ticks)
{
	return ticks > 0 ? (double)bytes * 8 / 1000 * DH_TICKS_PER_SECOND / (double)ticks : 0;
}

static double seconds(int64_t ticks)
{
	return (double)ticks / DH_TICKS_PER_SECOND;
}

static void show_video(const struct info *info)
{
	const struct dh_stream_head *head = &info->head;
	char rate[48] = "variable rate";
	if (head->rate_num)
		snprintf(rate, sizeof rate, "%.5g pictures/s", (double)head->rate_num / (double)head->rate_den);
	printf("picture:  %dx%d, %s, %.3f s, %" PRId64 " pictures, %.0f kb/s, largest %" PRId64 " bytes\n", head->width,
		dh_head_height(head), rate, seconds(info->end.video_ticks), info->pictures,
		kbps(info->video_bytes, info->end.video_ticks), info->largest_picture);
	for (int q = 1; q < DH_QUALITIES_MAX && head->kbps[q]; q++)
		printf("quality:  %d: %.0f kb/s (%d were asked for)\n", q,
			kbps(info->lower_bytes[q - 1], info->end.video_ticks), head->kbps[q]);
	printf("entries:  %" PRId64 ", at most %" PRId64 " ms apart, largest %" PRId64 " bytes\n", info->entries,
		dh_ms_from_ticks(info->longest_entry_ticks), info->largest_entry);
	if (info->droppable)
		printf("layers:   %" PRId64 " pictures that others do not refer to\n", info->droppable);
	if (head->has_matte)
		printf("matte:    below the picture, which is coded as %dx%d with it\n", head->width, head->height);
	if (head->has_mark)
		printf("mark:     a disclosure mark, in every picture\n");
	printf("anchor:   %zu bytes, CRC-32 %08" PRIx32 "%s\n", info->anchor_bytes, info->anchor_crc,
		info->has_picture ? ", with its picture (the idle clip of an avatar)" : "");
}

static void show(const struct info *info, const char *path)
{
	printf("%s: %s\n", path, info->failure_code ? "a preparation that failed" : "prepared segment");
	if (info->has_head && info->head.has_video)
		show_video(info);
	if (info->has_head && info->head.has_audio)
		printf("sound:    %.3f s, %" PRId64 " packets, %.0f kb/s\n", seconds(info->end.audio_ticks),
			info->packets, kbps(info->audio_bytes, info->end.audio_ticks));
	if (json_array_size(info->words))
		printf("words:    %zu\n", json_array_size(info->words));
	if (info->has_head)
		printf("made by:  %s\n", info->head.encoder);
	for (size_t i = 0; i < json_array_size(info->notes); i++)
		printf("note:     %s\n", json_string_value(json_array_get(info->notes, i)));
	if (info->end.is_incomplete)
		printf("source:   ended before its container said it would\n");
	if (info->failure_code)
		printf("failed:   %s (code %d)\n", info->failure, info->failure_code);
	else
		printf("checksums are right\n");
}

static json_t *video_json(const struct info *info)
{
	json_t *json = json_pack("{s:i,s:i,s:[I,I],s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:{s:I,s:I,s:b}}", "width",
		info->head.width, "height", dh_head_height(&info->head), "rate", (json_int_t)info->head.rate_num,
		(json_int_t)info->head.rate_den, "ticks", (json_int_t)info->end.video_ticks, "pictures",
		(json_int_t)info->pictures, "bytes", (json_int_t)info->video_bytes, "largest",
		(json_int_t)info->largest_picture, "entries", (json_int_t)info->entries, "entry_ticks_max",
		(json_int_t)info->longest_entry_ticks, "largest_entry", (json_int_t)info->largest_entry, "anchor",
		"bytes", (json_int_t)info->anchor_bytes, "crc32", (json_int_t)info->anchor_crc, "picture",
		info->has_picture);
	if (info->droppable)
		json_object_set_new(json, "droppable", json_integer(info->droppable));
	for (int q = 0; q < DH_QUALITIES_MAX && info->head.kbps[q]; q++) {
		if (q == 0)
			json_object_set_new(json, "qualities", json_array());
		json_array_append_new(json_object_get(json, "qualities"),
			json_pack("{s:i,s:I}", "kbps", info->head.kbps[q], "bytes",
				(json_int_t)(q ? info->lower_bytes[q - 1] : info->video_bytes)));
	}
	if (info->head.has_matte) {
		json_object_set_new(json, "matte", json_string("below"));
		json_object_set_new(json, "matte_top", json_integer(dh_matte_top(dh_head_height(&info->head))));
		json_object_set_new(json, "coded_height", json_integer(info->head.height));
	}
	if (info->head.has_mark)
		json_object_set_new(json, "disclosure_mark", json_true());
	return json;
}

static int show_json(const struct info *info)
{
	json_t *all = json_object();
	if (info->has_head)
		json_object_set_new(all, "encoder", json_string(info->head.encoder));
	if (info->has_head && info->head.has_video)
		json_object_set_new(all, "video", video_json(info));
	if (info->has_head && info->head.has_audio)
		json_object_set_new(all, "audio",
			json_pack("{s:I,s:I,s:I}", "ticks", (json_int_t)info->end.audio_ticks, "packets",
				(json_int_t)info->packets, "bytes", (json_int_t)info->audio_bytes));
	json_object_set_new(all, "incomplete", json_boolean(info->end.is_incomplete));
	json_object_set(all, "words", info->words);
	json_object_set(all, "notes", info->notes);
	if (info->failure_code)
		json_object_set_new(all, "failure",
			json_pack("{s:i,s:s}", "code", info->failure_code, "text", info->failure));
	int err = json_dumpf(all, stdout, JSON_INDENT(1));
	putchar('\n');
	json_decref(all);
	return err;
}

int dh_info(const char *path, bool as_json, struct dh_fault *fault)
{
	static const struct dh_stream_sink sink = {
		.head = on_head,
		.anchor = on_anchor,
		.picture = on_picture,
		.unit = on_unit,
		.word = on_word,
		.note = on_note,
		.end = on_end,
		.failure = on_failure,
	};
	struct info *info = calloc(1, sizeof *info);
	int code;
	if (!info)
		return dh_fault_memory(fault);
	info->notes = json_array();
	info->words = json_array();
	if (!info->notes || !info->words) {
		json_decref(info->notes);
		json_decref(info->words);
		free(info);
		return dh_fault_memory(fault);
	}
	code = dh_file_read(path, &sink, info, fault);
	if (!code && !as_json)
		show(info, path);
	else if (!code && show_json(info))
		code = dh_fault_set(fault, DH_PREPARE_OUTPUT, "standard output cannot be written");
	if (!code)
		code = info->failure_code;
	json_decref(info->notes);
	json_decref(info->words);
	free(info);
	return code;
}
