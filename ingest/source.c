/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "source.h"

#include <string.h>

#include "playout/mark.h"
#include "playout/matte.h"
#include "prepare/job.h"

void dh_ingest_source_init(struct dh_ingest_source *source)
{
	*source = (struct dh_ingest_source){
		.kind = DH_INGEST_SEGMENT,
		.fds = { -1, -1 },
		.lead_fd = -1,
		.tail_fd = -1,
		.width = 512,
		.height = 512,
		.kbps = 800,
		.audio_kbps = 48,
		.entry_ms = 500,
		.fps_max = 60,
		.portrait_ms = 2000,
	};
}

static bool in_range(int value, int least, int most)
{
	return value >= least && value <= most;
}

static bool is_side(int pixels)
{
	return in_range(pixels, DH_STREAM_SIDE_MIN, DH_STREAM_SIDE_MAX) && pixels % 2 == 0;
}

/* NULL is allowed. */
static bool is_picture(const struct dh_ingest_source *source, GBytes *i420)
{
	size_t height = (size_t)dh_ingest_source_coded_height(source);
	return !i420 || g_bytes_get_size(i420) == (size_t)source->width * height * 3 / 2;
}

bool dh_ingest_source_has_matte(const struct dh_ingest_source *source)
{
	return source->background && strcmp(source->background, DH_BACKGROUND_CLEAR) == 0;
}

int dh_ingest_source_coded_height(const struct dh_ingest_source *source)
{
	return dh_ingest_source_has_matte(source) ? dh_matte_coded_height(source->height) : source->height;
}

const char *dh_ingest_source_misfit(const struct dh_ingest_source *source, const struct dh_stream_head *head)
{
	bool has_matte = dh_ingest_source_has_matte(source);

	if (head->has_video && source->has_mark && !head->has_mark)
		return "the avatar has a disclosure mark, and it was prepared without --disclosure-mark";
	if (!head->has_video || (!has_matte && !head->has_matte))
		return NULL;
	if (!has_matte)
		return "it was prepared with --background transparent, and the avatar stands on something";
	if (!head->has_matte)
		return "the avatar is transparent, and it was prepared without --background transparent";
	if (head->width != source->width || head->height != dh_ingest_source_coded_height(source))
		return "the avatar is transparent, and it was prepared for one of another size";
	return NULL;
}

bool dh_ingest_is_background(const char *text)
{
	if (strcmp(text, DH_BACKGROUND_CLEAR) == 0)
		return true;
	if (*text++ != '#')
		return false;
	for (int i = 0; i < 6; i++)
		if (!g_ascii_isxdigit(text[i]))
			return false;
	return !text[6];
}

static bool is_single(enum dh_ingest_kind kind)
{
	return kind == DH_INGEST_PORTRAIT || kind == DH_INGEST_BACKGROUND || kind == DH_INGEST_MARK;
}

static bool mark_is_valid(const struct dh_ingest_source *source)
{
	if (!source->has_mark || source->kind == DH_INGEST_MARK)
		return !source->mark_picture;
	return source->kind != DH_INGEST_BACKGROUND && source->kind != DH_INGEST_BRIDGE && source->mark_picture &&
		g_bytes_get_size(source->mark_picture) == dh_mark_size(source->width, source->height);
}

bool dh_ingest_source_is_valid(const struct dh_ingest_source *source)
{
	const int kbps[DH_QUALITIES_MAX] = { source->kbps, source->kbps_2, source->kbps_3 };

	if (!in_range(source->count, 1, is_single(source->kind) ? 1 : 2) || !is_side(source->width) ||
		!is_side(source->height) || !dh_qualities_are_valid(kbps) || !in_range(source->audio_kbps, 16, 256) ||
		!in_range(source->entry_ms, 40, 10000) || !in_range(source->fps_max, 1, 60) ||
		!in_range(source->portrait_ms, 40, 60000) || source->skip < 0)
		return false;
	if (source->kind == DH_INGEST_BRIDGE && (source->count != 2 || !source->anchor))
		return false;
	if (!is_picture(source, source->anchor) || !is_picture(source, source->background_picture) ||
		(source->background && !dh_ingest_is_background(source->background)))
		return false;
	if ((source->anchor_frame && !source->anchor) || !mark_is_valid(source))
		return false;
	if (dh_ingest_source_has_matte(source) && source->height > DH_MATTE_HEIGHT_MAX)
		return false;
	for (int i = 0; i < source->count; i++)
		if (!source->names[i])
			return false;
	return !source->is_opened_late || (source->count == 1 && source->kind == DH_INGEST_SEGMENT);
}
