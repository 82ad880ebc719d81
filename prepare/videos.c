/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "videos.h"

#include <string.h>

/* The encoder of a lower quality makes the best one's anchor, whatever its own bit rate would allow. */
static int add(struct dh_videos *videos, int quality, struct dh_video_config config, const uint8_t *anchor,
	struct dh_fault *fault)
{
	const uint8_t *wanted = NULL, *got;
	size_t wanted_size = 0, got_size;
	config.quality = quality;
	if (quality > 0) {
		wanted = dh_video_anchor(videos->at[0], &wanted_size);
		config.known_anchor = wanted;
		config.known_anchor_size = wanted_size;
	}
	int code = dh_video_alloc(&videos->at[quality], &config, anchor, fault);
	if (code || quality == 0)
		return code;
	got = dh_video_anchor(videos->at[quality], &got_size);
	if (got_size != wanted_size || memcmp(got, wanted, wanted_size) != 0)
		return dh_fault_set(fault, DH_PREPARE_INTERNAL,
			"VP8 encoder: the anchor of quality %d came out different", quality);
	return 0;
}

int dh_videos_init(struct dh_videos *videos, const struct dh_video_config *config, const uint8_t *anchor,
	struct dh_fault *fault)
{
	int count = dh_qualities_count(config->kbps), code = 0;
	memset(videos, 0, sizeof *videos);
	for (int quality = 0; quality < count && !code; quality++)
		code = add(videos, quality, *config, anchor, fault);
	if (code)
		dh_videos_clear(videos);
	return code;
}

void dh_videos_clear(struct dh_videos *videos)
{
	for (int quality = 0; quality < DH_QUALITIES_MAX; quality++)
		dh_video_free(&videos->at[quality]);
}

int dh_videos_encode(const struct dh_videos *videos, const uint8_t *i420, int64_t pts_ticks, int64_t duration_ticks,
	struct dh_unit **unit, struct dh_fault *fault)
{
	struct dh_unit *best = NULL, **next = &best;
	int code = 0;
	for (int quality = 0; quality < DH_QUALITIES_MAX && videos->at[quality] && !code; quality++) {
		code = dh_video_encode(videos->at[quality], i420, pts_ticks, duration_ticks, best, next, fault);
		if (!code)
			next = &(*next)->lower;
	}
	if (code)
		dh_unit_unref(&best);
	*unit = best;
	return code;
}

int dh_videos_restarts(const struct dh_videos *videos, const char **why)
{
	int restarts = 0;
	*why = NULL;
	for (int quality = 0; quality < DH_QUALITIES_MAX && videos->at[quality]; quality++) {
		const char *its_why;
		restarts += dh_video_restarts(videos->at[quality], &its_why);
		if (its_why)
			*why = its_why;
	}
	return restarts;
}
