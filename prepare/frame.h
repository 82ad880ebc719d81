/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A decoded picture or block of sound, with its time. */
#ifndef DH_FRAME_H
#define DH_FRAME_H

#include <stdbool.h>

#include <libavutil/frame.h>

#include "placement.h"
#include "playout/stream.h"
#include "playout/unit.h"

/* Other times come from damaged files, or are beyond what int64_t holds (av_rescale_q then says
 * INT64_MIN). Sums of a few that are sane never overflow. */
static inline bool dh_time_is_sane(int64_t ticks)
{
	return ticks >= -DH_STREAM_TICKS_MAX && ticks <= DH_STREAM_TICKS_MAX;
}

struct dh_frame {
	enum dh_media media;
	const AVFrame *av;      /* the source's, until its next call */
	struct dh_turn turn;    /* pictures */
	int64_t pts_ticks;      /* may be negative */
	int64_t duration_ticks; /* 0: unknown */
};

#endif
