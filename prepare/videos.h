/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The encoders of a film, one for each quality (playout/qualities.h): all have the same anchor, and
 * their entries are at the same pictures, so that a viewer can go from one to the other at any of them.
 */
#ifndef DH_VIDEOS_H
#define DH_VIDEOS_H

#include "video.h"

/* Zeroed: none. */
struct dh_videos {
	struct dh_video *at[DH_QUALITIES_MAX]; /* by quality; NULL behind the last */
};

/* `config` and `anchor` as for dh_video_alloc; its `quality` is set here. After a failure there are none. */
int dh_videos_init(struct dh_videos *videos, const struct dh_video_config *config, const uint8_t *anchor,
	struct dh_fault *fault);
void dh_videos_clear(struct dh_videos *videos);

/* As dh_video_encode, in all qualities. */
int dh_videos_encode(const struct dh_videos *videos, const uint8_t *i420, int64_t pts_ticks, int64_t duration_ticks,
	struct dh_unit **unit, struct dh_fault *fault);

/* As dh_video_restarts, of all of them. */
int dh_videos_restarts(const struct dh_videos *videos, const char **why);

#endif
