/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "prepared_clip.h"

#include <string.h>

#include "playout/timebase.h"

static void unit_free(gpointer data)
{
	struct dh_unit *unit = data;
	dh_unit_unref(&unit);
}

void dh_prepared_clip_init(struct dh_prepared_clip *clip)
{
	memset(clip, 0, sizeof *clip);
	clip->units = g_ptr_array_new_with_free_func(unit_free);
}

void dh_prepared_clip_reset(struct dh_prepared_clip *clip)
{
	dh_unit_unref(&clip->anchor);
	g_clear_pointer(&clip->frame, g_bytes_unref);
	g_clear_pointer(&clip->picture, g_bytes_unref);
	g_ptr_array_set_size(clip->units, 0);
}

void dh_prepared_clip_clear(struct dh_prepared_clip *clip)
{
	dh_prepared_clip_reset(clip);
	g_ptr_array_free(clip->units, TRUE);
}

void dh_prepared_clip_head(struct dh_prepared_clip *clip, const struct dh_stream_head *head)
{
	clip->head = *head;
	clip->head.has_audio = 0;
}

void dh_prepared_clip_anchor(struct dh_prepared_clip *clip, struct dh_unit *anchor)
{
	clip->anchor = dh_unit_ref(anchor);
	clip->frame = g_bytes_new_with_free_func(anchor->data, anchor->size, unit_free, dh_unit_ref(anchor));
}

void dh_prepared_clip_units(struct dh_prepared_clip *clip, struct dh_unit *const *units, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (units[i]->media == DH_VIDEO)
			g_ptr_array_add(clip->units, dh_unit_ref(units[i]));
	}
}

/* A file prepared elsewhere may hold anything. */
const char *dh_prepared_clip_check(const struct dh_prepared_clip *clip, const struct dh_avatar_config *config)
{
	if (!clip->anchor || clip->units->len == 0)
		return "the idle clip has no picture";
	const struct dh_unit *last = clip->units->pdata[clip->units->len - 1];
	if (last->pts_ticks + last->duration_ticks < DH_SLOT_TICKS)
		return "the idle clip is shorter than 20 ms";
	const char *misfit = dh_avatar_misfit(config, &clip->head);
	if (misfit)
		return misfit;
	if (!clip->picture)
		return "the idle clip was prepared as a segment, not with --idle or --portrait";
	return NULL;
}

void dh_prepared_clip_look(const struct dh_prepared_clip *clip, int64_t position_ticks, uint8_t *luma)
{
	const struct dh_unit *shown = clip->units->pdata[0];

	for (guint i = 1; i < clip->units->len; i++) {
		const struct dh_unit *unit = clip->units->pdata[i];
		if (unit->pts_ticks > position_ticks)
			break;
		shown = unit;
	}
	memcpy(luma, shown->luma, DH_LUMA_BYTES);
}

int dh_prepared_clip_segment(const struct dh_prepared_clip *clip, struct dh_segment **out)
{
	struct dh_segment *segment = NULL;

	int err = dh_segment_alloc(&segment, "idle", NULL);
	if (!err)
		err = dh_segment_open(segment, &clip->head, clip->anchor);
	for (guint i = 0; !err && i < clip->units->len; i++)
		err = dh_segment_append(segment, clip->units->pdata[i]);
	if (err) {
		dh_segment_free(&segment);
		return err;
	}
	dh_segment_complete(segment);
	*out = segment;
	return 0;
}
